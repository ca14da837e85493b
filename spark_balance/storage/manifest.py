"""What a run writes about itself, and reads back."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import spark_balance
from spark_balance.errors import SparkBalanceError
from spark_balance.session import engine_name
from spark_balance.storage import swap
from spark_balance.storage.folder import staged_text

_PACKAGES = ("pyspark", "pysail", "numpy", "pandas", "pyarrow")


def versions(spark: SparkSession) -> dict[str, str]:
    """Return the versions that a run depends on."""
    found = {"spark_balance": spark_balance.__version__, "python": platform.python_version(), "engine": spark.version}
    for package in _PACKAGES:
        # a zip on the path has no package data, and a cluster need not have pysail
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def made_by(spark: SparkSession) -> dict[str, Any]:
    """Return when, on what engine and with which versions something is written."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"written": now, "engine": engine_name(spark), "versions": versions(spark)}


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
        text = Path(path).read_text(encoding="utf-8") if spark is None else remote_text(spark, str(path))
        manifest = json.loads(text)
    except (OSError, ValueError, PySparkException) as failed:
        reason = str(failed).splitlines()[0]
        raise SparkBalanceError(f"read_manifest: '{path}' is not a run's manifest: {reason}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("plan"), dict):
        raise SparkBalanceError(f"read_manifest: '{path}' has no plan; give the <output>.manifest.json of a run")
    return manifest


def remote_text(spark: SparkSession, path: str) -> str:
    """Read a file, or a folder with one, from wherever Spark reads."""
    [[text]] = spark.read.text(path, wholetext=True).collect()
    return str(text)


def found_manifest(path: str | Path, spark: SparkSession | None = None) -> dict[str, Any]:
    """Return the manifest that lies there, or an empty one."""
    try:
        return read_manifest(path, spark)
    except SparkBalanceError:
        return {}


def telling(manifest: dict[str, Any], run: str, output: str | None) -> dict[str, Any]:
    """Return the manifest with the run that it is of, and the state in which that run left its output."""
    return manifest | {"run": {**manifest.get("run", {}), "id": run, "output": output}}


def was_left(manifest: dict[str, Any], run: str, output: str | None) -> bool:
    """Tell whether an output in this state is what the run left that the manifest is of."""
    told = manifest.get("run") or {}
    return output is not None and (told.get("id"), told.get("output")) == (run, output)


@contextmanager
def staged_manifest(manifest: Path, content: dict[str, Any], run: str) -> Iterator[Path]:
    """Write the manifest beside its place, for a commit to move there; gone when that fails."""
    manifest.parent.mkdir(parents=True, exist_ok=True)
    text = staged_text(manifest, run)
    text.write_text(as_json(content))
    try:
        yield text
    finally:
        swap.remove(text)


def put_manifest(manifest: Path, content: dict[str, Any]) -> str:
    """Write a manifest in place of an old one, and return where it is."""
    with staged_manifest(manifest, content, uuid.uuid4().hex[:8]) as text:
        text.replace(manifest)
    return str(manifest)


def put_remote_manifest(spark: SparkSession, manifest: str, content: dict[str, Any]) -> str:
    """Write a manifest where only the engine writes: as a folder with one JSON file."""
    rows = spark.createDataFrame([(as_json(content),)], "value string")
    rows.coalesce(1).write.mode("overwrite").text(manifest)
    return manifest


def as_json(manifest: dict[str, Any]) -> str:
    """Return a manifest as text."""
    return json.dumps(manifest, indent=2, default=str) + "\n"
