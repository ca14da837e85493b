"""What a run writes about itself, and reads back."""

from __future__ import annotations

import json
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import spark_balance
from spark_balance.errors import SparkBalanceError

_PACKAGES = ("pyspark", "pysail", "numpy", "pandas", "pyarrow")


def versions(spark: SparkSession) -> dict[str, str]:
    """Return the versions that a run depends on."""
    found = {"spark_balance": spark_balance.__version__, "python": platform.python_version(), "engine": spark.version}
    for package in _PACKAGES:
        # a zip on the path has no package data, and a cluster need not have pysail
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def read_manifest(path: str | Path, spark: SparkSession | None = None) -> dict[str, Any]:
    """Read the manifest of a run, ``<output>.manifest.json``.

    Parameters
    ----------
    path : str or Path
        Where the run said that it is.
    spark : SparkSession, optional
        Reads it from wherever Spark reads, an object store for one; a local file needs none.

    Returns
    -------
    dict
        Plan, class counts before and after, seed, versions and seconds; `correct_prior` takes it as it is.

    Raises
    ------
    SparkBalanceError
        When there is no manifest.
    """
    try:
        if spark is None:
            text = Path(path).read_text(encoding="utf-8")
        else:
            [[text]] = spark.read.text(str(path), wholetext=True).collect()
        manifest = json.loads(text)
    except (OSError, ValueError, PySparkException) as failed:
        reason = str(failed).splitlines()[0]
        raise SparkBalanceError(f"read_manifest: '{path}' is not a run's manifest: {reason}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("plan"), dict):
        raise SparkBalanceError(f"read_manifest: '{path}' has no plan; give the <output>.manifest.json of a run")
    return manifest
