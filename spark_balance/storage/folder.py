"""The folder beside a target in which a run stages its output; the next run clears it when this one is killed."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spark_balance.storage import swap

_MARK = "staging-"
_log = logging.getLogger(__name__)


class StagingFolder:
    """``.<target>.staging-<run>``: new data, and what it replaces while it is moved; on the target's disk.

    The run holds a lock on it that ends with the process, however that ends.
    """

    def __init__(self, target: Path) -> None:
        self.run = uuid.uuid4().hex[:8]
        self._path = _beside(target, self.run)
        self.data = self._path / "data"
        self.replaced = self._path / "replaced"
        self._lock: int | None = None

    def make(self) -> None:
        """Make the folder and hold it."""
        self._path.mkdir(parents=True)
        self._lock = _locked(self._path)

    def remove(self) -> None:
        """Delete the folder, unless it holds what could not be moved back; that waits for the next run."""
        if not swap.is_unfinished(self.replaced):
            swap.remove(self._path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def staged_text(file: Path, run: str) -> Path:
    """Return where a run keeps the text of a file before it is moved: beside it, on its disk."""
    return _beside(file, run)


@contextmanager
def committing(target: Path) -> Iterator[None]:
    """Let no other run on this machine commit into the target's folder meanwhile."""
    lock = _locked(target.parent, wait=True)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def clear_leftovers(target: Path, manifest: Path) -> None:
    """Bring back what a killed run had moved away, and delete what it had staged."""
    for folder in _runs(target):
        lock = _locked(folder)
        if lock is None:
            continue  # a run that is alive
        _log.info("output: a run that was killed left %s; it is cleared", folder)
        swap.undo(folder / "replaced")
        swap.remove(folder)
        os.close(lock)
    for text in _runs(manifest):
        if not _beside(target, text.name.rpartition(_MARK)[2]).exists():
            swap.remove(text)


def _beside(target: Path, run: str) -> Path:
    return target.with_name(f".{target.name}.{_MARK}{run}")


def _runs(target: Path) -> Iterator[Path]:
    start = _beside(target, "").name
    found = sorted(target.parent.iterdir()) if target.parent.is_dir() else []
    # a further dot is the run of a target that is called like a run
    return (path for path in found if path.name.startswith(start) and "." not in path.name[len(start) :])


def _locked(folder: Path, wait: bool = False) -> int | None:
    """Return a lock on the folder that this process holds until it ends, or None where another does."""
    try:
        import fcntl  # not on Windows, where nothing is ever cleared
    except ImportError:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # held, or a disk that knows no locks
        os.close(handle)
        return None
    return handle
