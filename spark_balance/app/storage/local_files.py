"""Files on this machine: staged in a hidden folder beside their target, then moved there, all of them or none."""

import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spark_balance.app.storage.paths import real_path

Move = tuple[Path, Path]
_LIST = "moves.json"
_HIDDEN = re.compile(r"\.|_[^=]*$")  # "_c=1" is a partition of a column named _c
_MARK = "staging-"
_TRIES = 5
_PAUSE = 0.1  # seconds between them
_log = logging.getLogger(__name__)
# what this process has staged, to be cleared when a signal ends it in between
_own: list[Path] = []


class StagingFolder:
    """``.<target>.staging-<run>``: new data, and what it replaces during the move; on the target's disk.

    The run holds a lock on it that ends with the process, however that ends; the next run clears a folder without one.
    """

    def __init__(self, target: Path) -> None:
        self.run = uuid.uuid4().hex[:8]
        self._path = beside(target, self.run)
        self.data = self._path / "data"
        self.replaced = self._path / "replaced"
        self._lock: int | None = None

    def make(self) -> None:
        """Make the folder and lock it."""
        _own.append(self._path)
        self._path.mkdir(parents=True)
        self._lock = _lock(self._path)

    def remove(self) -> None:
        """Delete the folder, unless it holds what could not be moved back; that waits for the next run."""
        if not is_unfinished(self.replaced):
            remove(self._path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def beside(target: Path, run: str) -> Path:
    """Return where a run stages what will replace the target."""
    return target.with_name(f".{target.name}.{_MARK}{run}")


@contextmanager
def staged_text(file: Path, text: str, run: str | None = None) -> Iterator[Path]:
    """Write a text beside the file that it will replace; it is removed unless it has been moved."""
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = beside(file, run or uuid.uuid4().hex[:8])
    _own.append(staged)
    try:
        staged.write_text(text, encoding="utf-8")
        yield staged
    finally:
        staged.unlink(missing_ok=True)


@contextmanager
def commit_alone(target: Path) -> Iterator[None]:
    """Let no other run on this machine commit into the target's folder meanwhile."""
    lock = _lock(target.parent, wait=True)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def clear_leftovers(target: Path, manifest: Path) -> None:
    """Bring back what a killed run had moved away, and delete what it had staged."""
    for folder in _runs(target):
        lock = _lock(folder)
        if lock is None:
            continue  # a run that is alive
        _log.info("output: a killed run left %s; it is cleared", folder)
        undo(folder / "replaced")
        remove(folder)
        os.close(lock)
    for text in _runs(manifest):
        if not beside(target, text.name.rpartition(_MARK)[2]).exists():
            remove(text)


def clear_own() -> None:
    """Bring back what this process had moved away, and delete what it had staged, as it ends."""
    for staged in _own:
        undo(staged / "replaced")
        with suppress(OSError):
            remove(staged)


def _runs(target: Path) -> Iterator[Path]:
    start = beside(target, "").name
    found = sorted(target.parent.iterdir()) if target.parent.is_dir() else []
    # a further dot is the run of a target that is called like a run
    return (path for path in found if path.name.startswith(start) and "." not in path.name[len(start) :])


def _lock(folder: Path, wait: bool = False) -> int | None:
    """Return a lock on the folder that this process holds until it ends, or None when another process holds it."""
    with suppress(BlockingIOError):
        return _take_lock(folder, wait)
    return None


def _take_lock(folder: Path, wait: bool = False) -> int | None:
    """Do the same, but raise BlockingIOError when another process holds it: None is a disk that knows no locks."""
    try:
        import fcntl  # not on Windows, where nothing is ever cleared
    except ImportError:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as refused:
        os.close(handle)
        if isinstance(refused, BlockingIOError):
            raise
        return None
    return handle


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Make a folder and lock it for the block; False when another has locked it, True on a disk without locks."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, is_free = None, True
    try:
        handle = _take_lock(folder)
    except BlockingIOError:
        is_free = False
    try:
        yield is_free
    finally:
        if handle is not None:
            os.close(handle)


def partition_moves(staged: Path, target: Path) -> list[Move]:
    """Return a move for each staged partition folder; the other partitions of the target stay."""
    folders = sorted({file.parent for file in data_files(staged)})
    return [(folder, target / folder.relative_to(staged)) for folder in folders]


def added_moves(staged: Path, target: Path, run: str) -> list[Move]:
    """Return a move for each staged file into the target, under a name that no other run gives."""
    # the run goes in front, where it does not disturb the suffixes of format and compression
    return [(file, target / file.relative_to(staged).parent / f"{run}-{file.name}") for file in data_files(staged)]


def files_after(target: Path, moves: Iterable[Move]) -> dict[Path, Path]:
    """Return the data files that the target will have after the moves, and where each of them lies now."""
    moves = list(moves)
    gone = {place for _, place in moves}
    found = {file: file for file in data_files(target) if gone.isdisjoint((file, *file.parents))}
    for source, place in moves:
        for file in data_files(source):
            found[place / file.relative_to(source)] = file
    return found


def data_files(folder: Path) -> list[Path]:
    """Return the files that engines read as data: not ``_SUCCESS``, not ``.crc``; of a file, itself."""
    return [folder] if folder.is_file() else list(_files_below(folder, ()))


def _files_below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files of a folder in order, those behind links too, as engines read them."""
    lies, inside = real_path(folder), list[Path]()
    with suppress(NotADirectoryError, FileNotFoundError, PermissionError):  # what no engine reads either
        inside = sorted(folder.iterdir())
    for path in inside if lies not in above else ():
        if _HIDDEN.match(path.name):
            continue
        if path.is_dir():
            yield from _files_below(path, (*above, lies))
        elif path.is_file():
            yield path


def move_all(moves: Iterable[Move], replaced: Path, last: Move) -> None:
    """Rename every source to its target, at the end one file over another; all of it or nothing.

    What was there waits in `replaced` and comes back on any failure. A list of the moves lies there too, so
    that the next run can undo them when this one is killed.
    """
    moves = list(moves)
    replaced.mkdir()
    listed = replaced / _LIST
    # there as a whole or not at all: half a list, as on a full disk, could not be undone
    half = replaced / f"{_LIST}.half"
    half.write_text(json.dumps([[str(source), str(target)] for source, target in moves]))
    half.replace(listed)
    try:
        for number, (source, target) in enumerate(moves):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rename(replaced / str(number))
            source.rename(target)
        last[0].replace(last[1])
    except BaseException:
        undo(replaced)
        raise
    # no way back from here, so that a half-deleted old target never returns
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
    """Say whether moves were begun and neither finished nor undone."""
    return (replaced / _LIST).exists()


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    for left in reversed(range(_TRIES)):
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        except OSError:
            # a task of the engine that has not heard yet that the run is over may add a file meanwhile
            if not left:
                raise
            time.sleep(_PAUSE)
