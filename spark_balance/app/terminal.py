"""What a command shows: tables and the running step on a terminal, lines of JSON in a log."""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pythonjsonlogger.json import JsonFormatter
from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from spark_balance import errors
from spark_balance.app.steps import Tasks, watch_tasks
from spark_balance.app.storage import Source, check_log
from spark_balance.errors import OutputError, SparkBalanceError
from spark_balance.frames.text import plural

_MOST_COLUMNS = 20
# what is printed holds names and labels of the user's, in which "[/km]" and ":key:" are text
OUT, _err = (Console(stderr=on_stderr, markup=False, emoji=False, highlight=False) for on_stderr in (False, True))
_log = logging.getLogger("spark_balance")


class _Stderr:
    """The stderr of the moment: while a step is shown, lines go above it."""

    write = staticmethod(lambda text: sys.stderr.write(text))
    flush = staticmethod(lambda: sys.stderr.flush())


@contextmanager
def log_as_json(path: str | None, job: str) -> Iterator[None]:
    """Append the log of the block, its end and its exit code to a file as lines of JSON; without a path, do nothing."""
    if path is None:
        yield
        return
    try:
        check_log(path)
        handler = (
            logging.StreamHandler(_Stderr) if path == "/dev/stderr" else logging.FileHandler(path, encoding="utf-8")
        )
    except OSError as refused:
        raise OutputError(
            f"--log-json: cannot write to '{path}' ({refused.strerror}); name a file, or /dev/stderr"
        ) from None
    names = {"levelname": "level", "exc_info": "error"}
    fields = ["levelname", "message"]
    handler.setFormatter(JsonFormatter(fields, rename_fields=names, static_fields={"job": job}, timestamp="time"))
    level = _log.level
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    try:
        yield
        _log.info("done", extra={"exit": 0})
    except SparkBalanceError as refused:
        # the traceback shows the cause, if there is one
        _log.error(str(refused), exc_info=refused.__cause__ and refused, extra={"exit": refused.exit_code})
        raise
    except Exception as bug:
        _log.error(str(bug).partition("\n")[0], exc_info=bug, extra={"exit": 1})
        raise
    finally:
        _log.setLevel(level)
        _log.removeHandler(handler)
        handler.close()


class RunningTasks(ProgressColumn):
    """The tasks of the running stages, when the engine reports them."""

    max_refresh = 0.5

    def __init__(self, tasks: Callable[[], Tasks | None]) -> None:
        super().__init__()
        self._tasks = tasks

    def render(self, task: Task) -> Text:
        """Return how many of all tasks are done."""
        # the step itself reports an engine that goes down
        with suppress(Exception):
            if running := self._tasks():
                return Text(f"{running[0]:,} of {plural(running[1], 'task')}")
        return Text("")


@contextmanager
def show_step(step: str, spark: SparkSession | None = None) -> Iterator[None]:
    """Show a step and its tasks while it runs, on a terminal alone."""
    # the stream itself is asked: FORCE_COLOR makes rich take a file for a terminal
    if not (sys.stderr.isatty() and _err.is_terminal):
        yield
        return
    with watch_tasks(spark) if spark else nullcontext(lambda: None) as tasks:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), RunningTasks(tasks), TimeElapsedColumn())
        with Progress(*columns, console=_err, transient=True) as shown:
            shown.add_task(step, total=None)
            yield


def show_line(text: str) -> None:
    """Show a line on stderr, above what is running."""
    _err.print(text, soft_wrap=True)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Show the warnings of the block on stderr, each once and as a sentence."""
    said = set[str]()

    def show_once(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if category.__module__ == errors.__name__ and str(message) not in said:
            said.add(str(message))
            show_line(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning)
        warnings.showwarning = show_once
        yield


def show_input(source: Source, frame: DataFrame) -> None:
    """Show how data without a file were read."""
    csv = ""
    if source.format == "csv":
        given = source.all_options
        csv = f" ({'with' if given['header'] == 'true' else 'no'} header, separator {given.get('sep', ',')!r})"
    fields = [f"{field.name} {field.dataType.simpleString()}" for field in frame.schema.fields]
    more = f", and {plural(len(fields) - _MOST_COLUMNS, 'column')} more" if len(fields) > _MOST_COLUMNS else ""
    show_line(f"input: {source}{csv}: {', '.join(fields[:_MOST_COLUMNS])}{more}")
