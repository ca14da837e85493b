"""Hostile names, all of them legal: of columns, classes, folders and options; and a folder as it is."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

NAMES = (
    "plain",
    "Größe",
    "é",  # one letter of two code points
    "日本",
    "😀",
    "a b",
    " ",
    " led",
    "a.b",
    "a`b",
    "a'b",
    'a"b',
    "a\\b",
    "a\nb",
    "a\tb",
    "a,b",
    "a;b",
    "a=b",
    "a:b",
    "a&b",
    "a|b",
    "(a)",
    "a#b",
    "a?b",
    "a*b",
    "[ab]",
    "[/bold]",
    "cost [/km]",
    "{}",
    "{a,b}",
    "${HOME}",
    "$1",
    "~",
    "%",
    "%41",
    "ts=10%3A00",
    "%s",
    "a+b",
    "..a",
    "_a",
    ".a",
    "-a",
    "--json",
    "'; DROP TABLE t; --",
    "<script>alert(1)</script>",
    "NULL",
    "nan",
    "true",
    "1",
    "1e5",
    "select",
    "label",
    "__HIVE_DEFAULT_PARTITION__",
    "_spark_balance_id",
    "x" * 120,
    "x" * 300,
    "\u202eabc",
    "",
)


def file_names() -> tuple[str, ...]:
    """Return the names that a file may have."""
    return tuple(name for name in NAMES if name and "/" not in name)


def seen(folder: Path) -> dict[str, str]:
    """Return what is in a folder, hidden files and links too: for each path its kind and a digest of its bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = os.lstat(path).st_mode
        kind = stat.filemode(mode)[0]
        said = os.readlink(path) if kind == "l" else ""
        if kind == "-":
            said = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(folder))] = f"{kind} {said}"
    return found
