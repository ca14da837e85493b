"""What a run writes about itself: its manifest, which it reads back, and the pages of a study."""

import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from spark_balance._version import __version__
from spark_balance.app.session import engine_name
from spark_balance.app.storage.address import Sink
from spark_balance.app.storage.local_files import staged_text
from spark_balance.app.storage.paths import PathText, engine_path, has_scheme, is_file_url, machine_path
from spark_balance.errors import InputError, OutputError
from spark_balance.frames.arguments import Session, checked

_PACKAGES = ("pyspark", "pysail", "numpy", "pandas", "pyarrow")


def made_by(spark: SparkSession) -> dict[str, Any]:
    """Return when, on what engine and with which versions something is written."""
    versions = {"spark_balance": __version__, "python": platform.python_version(), "engine": spark.version}
    for package in _PACKAGES:
        # a zip on the path has no package data, and a cluster need not have pysail
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"written": now, "engine": engine_name(spark), "versions": versions}


@checked
def read_manifest(path: str | Path, spark: Session | None = None) -> dict[str, Any]:
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
    InputError
        When the file is not a manifest.
    """
    try:
        if spark is None:
            text = Path(path).read_text(encoding="utf-8")
        else:
            [[text]] = spark.read.text(engine_path(spark, str(path), expands=True), wholetext=True).collect()
        manifest = json.loads(text)
    except (OSError, ValueError, PySparkException) as failed:
        reason = str(failed).splitlines()[0]
        raise InputError(f"read_manifest: '{path}' is not a run's manifest: {reason}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("plan"), dict):
        raise InputError(f"read_manifest: '{path}' has no plan; give the <output>.manifest.json of a run")
    return manifest


def telling(manifest: dict[str, Any], run: str, output: str | None) -> dict[str, Any]:
    """Return the manifest with the run that it is of, and the state in which that run left its output."""
    return manifest | {"run": {**manifest.get("run", {}), "id": run, "output": output}}


def as_json(manifest: dict[str, Any]) -> str:
    """Return a manifest as text."""
    return json.dumps(manifest, indent=2, default=str) + "\n"


class ManifestFile:
    """The manifest of an output: a local file, or where only the engine writes, a folder with one JSON file."""

    def __init__(self, spark: SparkSession, sink: Sink, target: Path | None) -> None:
        self._spark = spark
        self._remote: str | None = None
        if sink.path and target is None:  # a path that only the engine reaches
            self._remote = sink.manifest or f"{sink.path.rstrip('/')}.manifest.json"
        self.path = sink.manifest_of(target)

    def found(self) -> dict[str, Any]:
        """Return the manifest that is there, or an empty one."""
        try:
            return read_manifest(self._remote, self._spark) if self._remote else read_manifest(self.path)
        except InputError:
            return {}

    def left_by(self, run: str, output: str | None) -> dict[str, Any] | None:
        """Return the manifest if it is of this run, which left the output in this state."""
        manifest = self.found()
        said = manifest.get("run") or {}
        return manifest if output is not None and (said.get("id"), said.get("output")) == (run, output) else None

    def put(self, content: dict[str, Any]) -> str:
        """Write a manifest in place of an old one, and return its place."""
        if self._remote:
            rows = self._spark.createDataFrame([(as_json(content),)], "value string")
            rows.coalesce(1).write.mode("overwrite").text(engine_path(self._spark, self._remote))
            return self._remote
        with staged_text(self.path, as_json(content)) as text:
            text.replace(self.path)
        return str(self.path)


class Pages(BaseModel):
    """The folder of a report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: PathText  # a local folder, made when it does not exist
    title: str = Field(min_length=1)  # the name of the data
    mode: Literal["error", "overwrite"] = "error"  # what to do when a file of the report exists

    def check(self, names: list[str]) -> None:
        """Refuse a folder that cannot be written to, before anything runs."""
        folder = machine_path(self.path)
        if has_scheme(self.path) and not is_file_url(self.path):
            raise OutputError(f"report: '{self.path}' is not a local folder; a report is written by this machine")
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"report: '{self.path}' is a file; name a folder")
        there = [name for name in names if (folder / name).exists()]
        if there and self.mode == "error":
            raise OutputError(
                f"report: '{folder / there[0]}' exists already; name another folder or set mode = \"overwrite\""
            )

    def save(self, texts: Mapping[str, str]) -> list[str]:
        """Write every file, each whole or not at all, and return their places."""
        folder = machine_path(self.path)
        for name, text in texts.items():
            with staged_text(folder / name, text) as staged:
                staged.replace(folder / name)
        return [str(folder / name) for name in texts]
