"""Moving staged files to where they belong: all of them, or none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

Move = tuple[Path, Path]
_LIST = "moves.json"


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


def outcome(target: Path, moves: Iterable[Move]) -> dict[Path, Path]:
    """Return the data files that the target will have after the moves, and where each of them lies now."""
    wanted = list(moves)
    gone = {place for _, place in wanted}
    old = data_files(target) if target.is_dir() else []
    found = {file: file for file in old if gone.isdisjoint((file, *file.parents))}
    for source, place in wanted:
        for file in [source] if source.is_file() else data_files(source):
            found[place / file.relative_to(source)] = file
    return found


def data_files(folder: Path) -> list[Path]:
    """Return the files that engines read as data: not ``_SUCCESS``, not ``.crc``."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return [file for file in files if not any(map(_is_hidden, file.relative_to(folder).parts))]


def move_all(moves: Iterable[Move], replaced: Path, last: Move) -> None:
    """Rename every source to its target, at the end one file over another; all of it or nothing.

    What was there waits in `replaced` and comes back on any failure. A list of the moves lies there too, so
    that the next run can do the same when this one is killed.
    """
    wanted = list(moves)
    replaced.mkdir()
    listed = replaced / _LIST
    listed.write_text(json.dumps([[str(source), str(target)] for source, target in wanted]))
    try:
        for number, (source, target) in enumerate(wanted):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rename(replaced / str(number))
            source.rename(target)
        last[0].replace(last[1])
    except BaseException:
        undo(replaced)
        raise
    # from here on there is no way back, so that a half-deleted old target never returns
    listed.unlink()
    remove(replaced)


def undo(replaced: Path) -> None:
    """Move everything back that `move_all` has moved."""
    if not is_unfinished(replaced):
        return
    listed = replaced / _LIST
    for number, move in reversed(list(enumerate(json.loads(listed.read_text())))):
        source, target = map(Path, move)
        kept = replaced / str(number)
        if target.exists() and not source.exists():
            target.rename(source)
        if kept.exists() and not target.exists():
            kept.rename(target)
    listed.unlink()


def is_unfinished(replaced: Path) -> bool:
    """Tell whether moves were begun and neither finished nor undone."""
    return (replaced / _LIST).exists()


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_hidden(name: str) -> bool:
    # "_c=1" is a partition of a column named _c
    return name.startswith(".") or (name.startswith("_") and "=" not in name)
