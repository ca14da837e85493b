"""Where a run writes on this machine: places that cannot be made, and files that it must not replace, refused."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import SparkSession

from spark_balance.app.storage.address import Sink
from spark_balance.app.storage.local_files import beside, staged_text
from spark_balance.app.storage.manifest import ManifestFile
from spark_balance.app.storage.overlaps import overlap
from spark_balance.app.storage.paths import (
    PathText,
    as_pattern,
    check_path,
    has_scheme,
    is_file_url,
    local_path,
    machine_path,
)
from spark_balance.app.storage.source import Source
from spark_balance.errors import OutputError

# names of data and of what engines leave beside it; files without such a name are known by how they begin
_DATA = re.compile(
    r".*\.(parquet|orc|avro|csv|tsv|jsonl?|ndjson)(\.[a-z0-9]+)?|\..*\.crc|version-hint\.text", re.IGNORECASE
)
_LEFT = re.compile(
    r"_(SUCCESS|metadata|common_metadata|(started|committed)_.*)|_(temporary|delta_log|spark_metadata)/.*"
)
_BEGINNINGS = (b"PAR1", b"ORC", b"Obj\x01")
_LOG = b'{"level": "'  # how each line begins
_SAVED = b"# Written by spark-balance"
_PAGE = b'<meta name="generator" content="spark-balance">'


class Pages(BaseModel):
    """The table ``[report]``: the folder of a report.

    Parameters
    ----------
    path : str
        A local folder, made when it does not exist.
    title : str
        The name of the data.
    mode : {'error', 'overwrite'}
        What to do when a file of the report exists.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: PathText
    title: str = Field(min_length=1)
    mode: Literal["error", "overwrite"] = "error"

    def check(self, names: list[str]) -> None:
        """Refuse a folder that cannot be written to, before anything runs."""
        folder = machine_path(self.path)
        if has_scheme(self.path) and not is_file_url(self.path):
            raise OutputError(f"report: '{self.path}' is not a local folder; a report is written by this machine")
        check_writable("report: path", self.path, folder)
        if folder.is_file():
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


def check_place(spark: SparkSession, sink: Sink) -> None:
    """Refuse a place that would fail at the end of the run, and a manifest in place of something else."""
    target = local_path(spark, sink.path) if sink.path else None
    if target is not None:
        if target in (Path.cwd(), *Path.cwd().parents):
            raise OutputError(f"output: path '{sink.path}' holds the working folder; name a folder of its own")
        check_writable("output: path", str(sink.path), target)
        if target.is_file() and sink.mode == "append":
            raise OutputError(f"output: path '{sink.path}' is a file, which cannot be appended to; name a folder")
    if sink.path and target is None:
        return
    if sink.manifest and has_scheme(sink.manifest) and not is_file_url(sink.manifest):
        raise OutputError(f"output: manifest '{sink.manifest}' is not a local file, as {sink} is; name a local one")
    manifest = sink.manifest_of(target)
    check_writable("output: manifest", str(manifest), manifest)
    if manifest.is_dir():
        raise OutputError(f"output: manifest '{manifest}' is a folder; name a file")


def check_manifest(spark: SparkSession, sink: Sink, source: Source) -> None:
    """Refuse a manifest that would take the place of anything but a manifest."""
    target = local_path(spark, sink.path) if sink.path else None
    found = ManifestFile(spark, sink, target)
    for place, data in (("output", target), ("input", _named(spark, source))):
        if found.is_local and data is not None and overlap(found.path, data):
            raise OutputError(
                f"output: manifest '{found}' overlaps the {place} '{data}'; leave output.manifest out to have it"
                " beside the output"
            )
    if found.is_foreign():
        raise OutputError(
            f"output: manifest '{found}' exists and is not a run's manifest; name another file, or remove it"
        )


def check_replaced(sink: Sink, target: Path) -> None:
    """Refuse to replace a local file or folder that is not data alone."""
    foreign = next(_foreign_files(target), None)
    if foreign is not None:
        what = "is not data" if foreign == target else f"holds '{foreign.relative_to(target)}', which is not data"
        raise OutputError(
            f"output: path '{sink.path}' {what} of a known format, and mode 'overwrite' replaces only that;"
            " name another path, or remove it"
        )


def check_page(spark: SparkSession, given: str, sink: Sink, source: Source) -> Path:
    """Return the place of a run's page; refuse one that cannot be written to, or that would replace no page."""
    if has_scheme(given) and not is_file_url(given):
        raise OutputError(f"report: '{given}' is not a local file; a report is written by this machine")
    try:
        place = machine_path(check_path(given))
    except ValueError as refused:
        raise OutputError(f"report: '{given}' cannot be written, {refused}") from None
    if place.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"report: '{given}' does not end in .html; name the page as out.html")
    check_writable("report: file", given, place)
    if place.is_dir():
        raise OutputError(f"report: '{given}' is a folder; name a file, such as one in it")
    target = local_path(spark, sink.path) if sink.path else None
    manifest = None if sink.path and target is None else sink.manifest_of(target)
    for role, data in (("output", target), ("manifest", manifest), ("input", _named(spark, source))):
        if data is not None and overlap(place, data):
            raise OutputError(f"report: '{given}' overlaps the {role} '{data}'; write it somewhere else")
    if place.exists() and _PAGE not in _beginning(place, 1000):
        raise OutputError(f"report: '{given}' exists and is not a page of a run; name another file, or remove it")
    return place


def check_saved(given: str) -> None:
    """Refuse a place for a TOML file that holds anything but one that was saved."""
    file = machine_path(given)
    if file.suffix.lower() != ".toml":
        raise OutputError(f"--save: '{given}' does not end in .toml; name the file as job.toml")
    check_writable("--save:", given, file)
    if file.is_dir() or (file.exists() and not _beginning(file, len(_SAVED)).startswith(_SAVED)):
        raise OutputError(f"--save: '{given}' exists and was not written by --save; name another file, or remove it")


def save_tables(given: str, tables: Mapping[str, Any], command: str) -> None:
    """Write the tables of a TOML file."""
    import tomli_w

    file = machine_path(given)
    text = f"{_SAVED.decode()} {command} --save. To run it: spark-balance {command} {given}\n\n{tomli_w.dumps(tables)}"
    with staged_text(file, text) as staged:
        staged.replace(file)


def check_log(given: str) -> None:
    """Refuse to append the lines of a log to a file that holds anything else."""
    file = machine_path(given)
    if file.is_file() and not given.startswith("/dev/") and not (_beginning(file, len(_LOG)) or _LOG).startswith(_LOG):
        raise OutputError(f"--log-json: '{given}' exists and is not a log of runs; name another file, or remove it")


def _named(spark: SparkSession, source: Source) -> Path | None:
    return as_pattern(source.path) if source.path and local_path(spark, source.path) else None


def check_writable(role: str, given: str, target: Path) -> None:
    """Refuse a place that cannot be made."""
    there = next(parent for parent in target.parents if os.path.exists(parent))
    if not there.is_dir():
        raise OutputError(f"{role} '{given}' cannot be made, '{there}' is a file; choose another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{role} '{given}' cannot be made, '{there}' is not writable; choose another")
    # a run writes under a longer name first
    most, names = os.pathconf(there, "PC_NAME_MAX"), beside(target, "0" * 8).relative_to(there).parts
    for name in names:
        if len(os.fsencode(name)) > most:
            raise OutputError(f"{role} '{given}' has a name that is too long for this disk; choose a shorter one")
    if os.path.lexists(target) and not (target.is_file() or target.is_dir()):
        raise OutputError(f"{role} '{given}' is neither a file nor a folder; choose another")


def _foreign_files(target: Path) -> Iterator[Path]:
    """Yield what an overwrite would delete and no engine would have written."""
    alone: list[tuple[str, list[str], list[str]]] = [(str(target.parent), [], [target.name])]
    for folder, _, names in os.walk(target) if target.is_dir() else alone:
        for name in names:
            file = Path(folder, name)
            inside = str(file.relative_to(target)) if file != target else name
            is_known = _DATA.fullmatch(name) or _LEFT.fullmatch(inside)
            if not file.is_file() or not (is_known or _beginning(file, 4).startswith(_BEGINNINGS)):
                yield file


def _beginning(file: Path, size: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(size)
