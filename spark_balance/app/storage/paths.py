"""Paths: what a text names on this machine, and how each engine spells it; nothing else makes an address."""

import glob
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote, unquote

from pydantic import AfterValidator, Field
from pyspark.sql import DataFrame, SparkSession

from spark_balance.app.session import is_local
from spark_balance.frames.engine import engine_name

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]+:")
_AS_IT_IS = "/!$&'()+,;=:@"  # what Sail's own tables may have in a path beside letters, digits, "-", "." and "_"


def check_path(text: str) -> str:
    """Return the text of a path, or raise a ValueError that says why it names no place."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("it has a control character, which no engine reads; rename the folder")
    plain = _without_scheme(text)
    if plain == text and text.startswith("~") and os.path.expanduser(text) == text:
        raise ValueError(f"it names the home of an unknown user; write ./{text} for a folder of that name")
    return text


PathText = Annotated[str, Field(min_length=1), AfterValidator(check_path)]  # an empty one would be the working folder


def machine_path(text: str) -> Path:
    """Return the path on this machine that a plain path or a ``file:`` URL names, with links followed."""
    return real_path(Path(_expanded(text)))


def real_path(path: Path) -> Path:
    """Return a path with links followed, those that lead nowhere too."""
    return Path(os.path.realpath(path))


def local_path(spark: SparkSession, text: str) -> Path | None:
    """Return the path on this machine, or None when another machine or an object store holds it."""
    if is_file_url(text) or (is_local(spark) and not has_scheme(text)):
        return machine_path(text)
    return None


def are_nested(one: str, other: str) -> bool:
    """Say whether a folder is, holds or lies in another, under whatever names: ``/a/./b`` and ``file:/a/b`` are one."""
    here, there = (
        PurePosixPath(text) if has_scheme(text) and not is_file_url(text) else machine_path(text)
        for text in (one, other)
    )
    return here in (there, *there.parents) or there in here.parents


def named_by(text: str) -> list[Path]:
    """Return what a local path names: the place of that name, or else those that fit it as a pattern."""
    if os.path.exists(_expanded(text)):
        return [machine_path(text)]
    return [Path(os.path.abspath(found)) for found in sorted(glob.glob(_expanded(text)))]


def as_pattern(text: str) -> Path:
    """Return a local path as a pattern; one that is a place fits that place alone."""
    local = machine_path(text)
    return Path(glob.escape(str(local))) if local.exists() else local


def engine_path(spark: SparkSession, path: str | Path, *, expands: bool = False) -> str:
    """Return a path as the engine spells it, so that it names that place alone.

    Sail decodes and expands each path. Spark decodes none; it `expands` what it reads as plain files, and neither
    what it writes nor the tables of a format.
    """
    local = path if isinstance(path, Path) else local_path(spark, path)
    if local is None:
        return str(path)
    if engine_name(spark) == "sail":
        return f"file://{quote(os.fsencode(local), safe=_AS_IT_IS)}"
    spelled = re.sub(r"[*?\[\]{}\\]", r"\\\g<0>", str(local)) if expands else str(local)
    return f"file://{spelled}"


def is_plain(path: Path) -> bool:
    """Say whether every engine spells a path alike."""
    return re.fullmatch(f"[A-Za-z0-9._{_AS_IT_IS}-]*", str(path)) is not None


def files_read(frame: DataFrame) -> list[Path]:
    """Return the files on this machine that a frame reads, with links followed."""
    return [machine_path(unquote(file)) for file in frame.inputFiles() if is_file_url(file)]


def folders_read(frame: DataFrame) -> set[str]:
    """Return the names of all folders that the files of a frame lie in."""
    return {folder for file in frame.inputFiles() for folder in unquote(file).split("/")[:-1]}


def has_scheme(text: str) -> bool:
    """Say whether a text is a URL, such as one of an object store."""
    return _SCHEME.match(text) is not None


def is_file_url(text: str) -> bool:
    """Say whether a text is a URL of a place on this machine."""
    return text[:5].lower() == "file:"


def _without_scheme(text: str) -> str:
    """Return the path of a ``file:`` URL as it is written, as Spark takes it, or the text."""
    if not is_file_url(text):
        return text
    path = text[5:]
    if path.startswith("//"):
        host, _, path = path[2:].partition("/")
        if host.lower() not in ("", "localhost"):
            raise ValueError(f"it names the machine '{host}'; write file:///{path} for a place on this one")
        path = f"/{path}"
    if not path.startswith("/"):
        raise ValueError(f"a URL has no relative path; write {path}, or file:// with the whole path")
    return path


def _expanded(text: str) -> str:
    return _without_scheme(text) if is_file_url(text) else os.path.expanduser(text)
