"""Moving staged files to where they belong: all of them, or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

Move = tuple[Path, Path]


def whole(staged: Path, target: Path) -> list[Move]:
    """Return the one move that puts the staged folder in the target's place."""
    return [(staged, target)]


def partitions(staged: Path, target: Path) -> list[Move]:
    """Return a move for each partition folder that was staged; the target's others stay."""
    folders = sorted({file.parent for file in data_files(staged)})
    return [(folder, target / folder.relative_to(staged)) for folder in folders]


def added(staged: Path, target: Path, run: str) -> list[Move]:
    """Return a move for each staged file into the target, under a name that no other run gives."""
    # the run goes in front, where the suffixes that tell format and compression are not disturbed
    return [(file, target / file.relative_to(staged).parent / f"{run}-{file.name}") for file in data_files(staged)]


def data_files(folder: Path) -> list[Path]:
    """Return the files that engines read as data: not ``_SUCCESS``, not ``.crc``."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return [file for file in files if not any(map(_is_hidden, file.relative_to(folder).parts))]


def move_all(moves: Iterable[Move], trash: Path) -> None:
    """Rename every source to its target; what was there waits in `trash` and comes back on any failure."""
    done: list[tuple[Path, Path, Path | None]] = []
    trash.mkdir()
    try:
        for source, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            kept = None
            if target.exists():
                kept = trash / str(len(done))
                target.rename(kept)
            done.append((source, target, kept))
            source.rename(target)
    except BaseException:
        _move_back(done)
        raise
    finally:
        remove(trash)


def _move_back(done: list[tuple[Path, Path, Path | None]]) -> None:
    for source, target, kept in reversed(done):
        if target.exists():
            target.rename(source)
        if kept is not None:
            kept.rename(target)


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_hidden(name: str) -> bool:
    # "_c=1" is a partition of a column named _c
    return name.startswith(".") or (name.startswith("_") and "=" not in name)
