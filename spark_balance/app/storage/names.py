"""What a name says of data: its format by the ending, and how a CSV file is written by its first line."""

import bz2
import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spark_balance.app.storage.address import FORMATS
from spark_balance.app.storage.local_files import data_files
from spark_balance.app.storage.paths import has_scheme, is_file_url, named_by
from spark_balance.errors import InputError, OutputError

_ENDINGS = {"tsv": "csv", "jsonl": "json", "ndjson": "json", "pq": "parquet", **{name: name for name in FORMATS}}
_ENDING = re.compile(r"\.(\w+?)(?:\.(?:gz|bz2|zst|zstd|snappy|lz4|deflate))?/?$", re.IGNORECASE)
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}
_SEPARATORS = ",;\t|"
_LONGEST = 1_000_000  # characters of a first line


def format_of_name(name: str) -> str | None:
    """Return the format that the ending of a name means, if it means one."""
    found = _ENDING.search(name)
    return _ENDINGS.get(found[1].lower()) if found else None


def address_of(path: str, file_format: str | None = None) -> dict[str, Any]:
    """Return the table ``[input]`` for data at a path, of which a local CSV file is opened for its first line."""
    here = named_by(path) if not has_scheme(path) or is_file_url(path) else []
    if here and (here[0] / "_delta_log").is_dir():
        return {"path": path, "format": "delta"}
    files = [file for found in here for file in data_files(found)[:1]]
    names = [path, *(file.name for file in files[:1])]
    known = file_format or next(filter(None, map(format_of_name, names)), None)
    if known is None and (here or "." in path):
        raise InputError(
            f"input: the name '{path}' does not end in a known format; give --format, one of {', '.join(FORMATS)}"
        )
    address: dict[str, Any] = {"path": path, "format": known or "parquet"}
    if known == "json" and files and _first_line(files[0]).lstrip().startswith("["):
        raise InputError(
            f"input: '{path}' is one JSON array, and engines read an object from each line; write it as pandas does by"
            " to_json(path, orient='records', lines=True)"
        )
    return address | ({"options": _csv_options(_first_line(files[0]))} if known == "csv" and files else {})


def sink_of(path: str, mode: str | None) -> dict[str, Any]:
    """Return the keys of ``[output]`` for a path: one file if the ending names a format, else a folder of Parquet."""
    known = format_of_name(path)
    if known and path.lower().rstrip("/").rpartition(".")[2] not in _ENDINGS:
        raise OutputError(f"output: '{path}' is a compressed file, which --output does not write; name it as .{known}")
    one = known in ("parquet", "csv", "json") and not path.endswith("/") and mode != "append"
    options = {"options": {"sep": "\t"}} if path.lower().endswith(".tsv") else {}
    return {"path": path, "format": known or "parquet", "one_file": one, **options}


def _first_line(file: Path) -> str:
    opener = _OPENERS.get(file.suffix.lower(), open)
    try:
        with opener(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as opened:
            line: str = opened.readline(_LONGEST)
    except OSError as refused:
        raise InputError(f"input: '{file}' cannot be read: {refused.strerror or refused}") from None
    return line.rstrip("\r\n")


def _csv_options(line: str) -> dict[str, Any]:
    """Return the separator of a CSV file and whether it has a header, as its first line shows."""
    rows = {separator: next(csv.reader([line], delimiter=separator), []) for separator in _SEPARATORS}
    separator = max(rows, key=lambda one: len(rows[one]))  # the first of equals
    # quotes are doubled in files that pandas, Excel and databases write
    return {"header": not any(map(_is_number, rows[separator])), "sep": separator, "escape": '"'}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
