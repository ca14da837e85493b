"""What a run writes about itself: its manifest, which it reads back."""

import json
import platform
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyspark
from pyspark.sql import SparkSession

from spark_balance._version import __version__
from spark_balance.app.engines import ENGINE_ERRORS, is_absent, reason
from spark_balance.app.storage.address import Sink
from spark_balance.app.storage.local_files import staged_text
from spark_balance.app.storage.paths import engine_path
from spark_balance.errors import InputError, OutputError
from spark_balance.frames.arguments import Session, checked
from spark_balance.frames.engine import engine_name

# of the form that manifest.schema.json describes: it may gain fields; what changes or removes one is another version
MANIFEST_VERSION = 1
_PACKAGES = ("pysail", "numpy", "pandas", "pyarrow")


def made_by(spark: SparkSession) -> dict[str, Any]:
    """Return when, on what engine and with which versions something is written."""
    # pyspark-client and a cluster's Spark have no package data under the name pyspark
    versions = {"spark_balance": __version__, "python": platform.python_version(), "engine": spark.version}
    versions["pyspark"] = pyspark.__version__
    for package in _PACKAGES:
        # a zip on the path has no package data, and a cluster need not have pysail
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
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
        Plan, class counts before and after, seed, lineage, versions and seconds; `correct_prior` takes it as it is.
        `spark_balance/app/storage/manifest.schema.json` describes it. A manifest of 0.2 or older has no
        `manifest_version` and no `lineage`.

    Raises
    ------
    InputError
        When the file is not a manifest, or of a `manifest_version` that a later version of this package writes.
    """
    try:
        manifest = json.loads(_text_of(path, spark))
    except (OSError, ValueError, *ENGINE_ERRORS) as failed:
        reason = str(failed).splitlines()[0]
        raise InputError(f"read_manifest: '{path}' is not a run's manifest: {reason}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("plan"), dict):
        raise InputError(f"read_manifest: '{path}' has no plan; give the <output>.manifest.json of a run")
    version = manifest.get("manifest_version", MANIFEST_VERSION)
    if type(version) is not int or version > MANIFEST_VERSION:
        raise InputError(
            f"read_manifest: '{path}' has manifest_version {version!r}, and spark_balance {__version__} reads up to "
            f"{MANIFEST_VERSION}; install the version that it names under versions, or a later one"
        )
    return manifest


def _text_of(path: str | Path, spark: SparkSession | None) -> str:
    if spark is None:
        return Path(path).read_text(encoding="utf-8")
    [[text]] = spark.read.text(engine_path(spark, str(path), expands=True), wholetext=True).collect()
    return str(text)


def _is_manifest(path: str | Path, spark: SparkSession | None) -> bool:
    try:
        said = json.loads(_text_of(path, spark))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and isinstance(said.get("run") or said.get("plan"), dict)


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

    def __str__(self) -> str:
        return self._remote or str(self.path)

    @property
    def is_local(self) -> bool:
        """Whether it is a file on this machine."""
        return self._remote is None

    def is_foreign(self) -> bool:
        """Say whether something other than a manifest is in its place."""
        if self._remote is None:
            return self.path.exists() and not _is_manifest(self.path, None)
        try:
            files = self._spark.read.text(engine_path(self._spark, self._remote, expands=True)).inputFiles()
        except ENGINE_ERRORS as refused:
            if is_absent(refused):
                return False
            raise OutputError(f"output: manifest '{self}' cannot be looked up: {reason(refused)}") from refused
        is_one = len(files) == 1 and files[0].endswith(".txt")
        return bool(files) and not (is_one and _is_manifest(self._remote, self._spark))

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
