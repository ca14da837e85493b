"""A log for machines: a line of JSON for each record."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from spark_balance.errors import SparkBalanceError

FIELDS = ("run", "step", "rows", "seconds", "exit")
_log = logging.getLogger("spark_balance")


class JsonLines(logging.Formatter):
    """Time, level, message, whatever of `FIELDS` the record has, and an error's traceback."""

    def __init__(self, job: str) -> None:
        super().__init__()
        self._job = job

    def format(self, record: logging.LogRecord) -> str:
        """Return one record as one line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname, "job": self._job, "message": record.getMessage()}
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


@contextmanager
def logged(path: str | None, job: str) -> Iterator[None]:
    """Append what the block logs to a file as lines of JSON, its end and exit code too; without a path, do nothing."""
    if path is None:
        yield
        return
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as refused:
        raise SparkBalanceError(
            f"--log-json: '{path}' cannot be written to ({refused.strerror}); name a file, or /dev/stderr"
        ) from None
    handler.setFormatter(JsonLines(job))
    level = _log.level
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    try:
        yield
        _log.info("done", extra={"exit": 0})
    except SparkBalanceError as refused:
        # the cause, if there is one, is in the traceback
        _log.error(str(refused), exc_info=refused.__cause__ and refused, extra={"exit": refused.exit_code})
        raise
    except Exception as bug:
        _log.error(str(bug).partition("\n")[0], exc_info=bug, extra={"exit": 1})
        raise
    finally:
        _log.setLevel(level)
        _log.removeHandler(handler)
        handler.close()
