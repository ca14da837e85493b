"""What a command shows: tables and the running step on a terminal, lines of JSON in a log."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

from pyspark.sql import SparkSession
from pythonjsonlogger.json import JsonFormatter
from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from spark_balance.app.job import JobResult
from spark_balance.app.steps import Tasks, watch_tasks
from spark_balance.app.storage import check_log
from spark_balance.compare.comparison import SCORES, Comparison
from spark_balance.compare.pages import format_cells
from spark_balance.errors import OutputError, SparkBalanceError
from spark_balance.frames.plan import ClassCounts, ResamplingPlan

_MOST_ROWS = 50
# what is printed holds names and labels of the user's, in which "[/km]" and ":key:" are text
_out, _err = (Console(stderr=on_stderr, markup=False, emoji=False, highlight=False) for on_stderr in (False, True))
_log = logging.getLogger("spark_balance")


@contextmanager
def log_as_json(path: str | None, job: str) -> Iterator[None]:
    """Append the log of the block, its end and its exit code to a file as lines of JSON; without a path, do nothing."""
    if path is None:
        yield
        return
    try:
        check_log(path)
        handler = logging.FileHandler(path, encoding="utf-8")
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
                return Text(f"{running[0]:,} of {running[1]:,} tasks")
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


def show_engine(name: str, why: str) -> None:
    """Show the engine on stderr."""
    _err.print(f"engine: {name} ({why})", soft_wrap=True)


def show_comparison(found: Comparison, files: list[str], seconds: dict[str, float]) -> None:
    """Print what was compared, and where the report is."""
    for classifier in found.classifiers:
        _out.print(_compared(found, classifier))
    _print(f"report: {', '.join(files)}\n{_seconds(seconds)}")


def show(result: JobResult) -> None:
    """Print what a job found and did."""
    if result.finished is not None:
        run, written = result.finished["run"]["id"], result.finished.get("written", "before")
        _print(f"run {run} was finished {written}, nothing was done\noutput: {result.output}")
    if result.before:
        _out.print(_counts("before", result.before))
    if result.plan:
        _out.print(_planned(result.plan))
    if result.after:
        _out.print(_counts("after", result.after))
        _print(f"output: {result.output}\nmanifest: {result.manifest}")
        if result.report:
            _print(f"report: {result.report}")
    elif result.plan:
        if result.cost:
            _print(f"cost: {result.cost.brief}")
            for warning in result.cost.warnings:
                _print(f"warning: {warning}")
        _print("dry run: nothing was written")
    for name, value in result.notes.items():
        _print(f"{name}: {value}")
    _print(_seconds(result.seconds))


def _print(text: str) -> None:
    _out.print(text, soft_wrap=True)


def _seconds(steps: dict[str, float]) -> str:
    took = ", ".join(f"{name} {seconds:.1f}" for name, seconds in steps.items())
    return f"seconds: {took}, all {sum(steps.values()):.1f}"


def _compared(found: Comparison, classifier: str) -> Table:
    # what 80 columns hold; the report has the rest
    shown = ("pr_auc", "recall", "precision", "expected_calibration_error")
    table = _table(
        f"{classifier}: means over {found.n_folds} folds",
        "treatment",
        *(SCORES[name] for name in shown),
        "seconds",
        "rows",
    )
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.no_wrap = True
    for line in found.of(classifier):
        scores = [f"{line.mean(name):.3f}" for name in shown]
        name = f"  {line.variant}" if line.variant else line.treatment
        table.add_row(name, *scores, *format_cells(found, line)[-2:])
    return table


def _counts(when: str, counts: ClassCounts) -> Table:
    table = _table(f"{when}: {counts.headline}", counts.label_col, "rows", "share")
    for label, rows in list(counts.rows.items())[:_MOST_ROWS]:
        table.add_row(str(label), f"{rows:,}", f"{counts.shares[label]:.2%}")
    if counts.missing_rows:
        table.add_row("NULL or NaN", f"{counts.missing_rows:,}", "")
    return table


def _planned(plan: ResamplingPlan) -> Table:
    title = f"plan: {plan.method}, {plan.rows_before:,} rows to {plan.rows_after:,}"
    weight = ["weight"] if plan.weighted else []
    table = _table(title, *plan.within_cols, plan.label_col, "before", "after", "action", "rate", *weight)
    for entry in plan.classes[:_MOST_ROWS]:
        numbers = [f"{entry.before:,}", plan.after_text(entry), entry.action, f"{entry.rate:.4g}"]
        if plan.weighted:
            numbers.append(f"{entry.weight:.4g}")
        table.add_row(*map(str, (*entry.group, entry.label)), *numbers)
    if len(plan.classes) > _MOST_ROWS:
        table.caption = f"the first {_MOST_ROWS} of {len(plan.classes)}"
    if plan.missing_rows:
        table.add_row(
            *[""] * len(plan.within_cols), "NULL or NaN", f"{plan.missing_rows:,}", "", plan.missing_action, ""
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", min_width=len(title))
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place == 0 else "right")
    return table
