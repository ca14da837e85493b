"""What a command prints: class counts, plans and comparisons as tables of a terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from rich.console import Console
from rich.markup import escape
from rich.progress import ProgressColumn, Task
from rich.table import Table
from rich.text import Text

from spark_balance.job_result import JobResult
from spark_balance.report.comparison import SCORES, Comparison
from spark_balance.report.sentences import cells
from spark_balance.summary import ClassCounts, ResamplingPlan

_MOST_ROWS = 50
_out = Console()


class RunningTasks(ProgressColumn):
    """The tasks of the stages that run, where the engine tells."""

    max_refresh = 0.5

    def __init__(self, tasks: Callable[[], tuple[int, int] | None]) -> None:
        super().__init__()
        self._tasks = tasks

    def render(self, task: Task) -> Text:
        """Return done and all."""
        # an engine that goes down is told of by the step
        with suppress(Exception):
            if running := self._tasks():
                return Text(f"{running[0]:,} of {running[1]:,} tasks")
        return Text("")


def show_comparison(found: Comparison, files: list[str], seconds: dict[str, float]) -> None:
    """Print what was compared, and where the report is."""
    for classifier in found.classifiers:
        _out.print(_compared(found, classifier))
    _out.print(f"report: {', '.join(files)}\n{_seconds(seconds)}", highlight=False, soft_wrap=True)


def show(result: JobResult) -> None:
    """Print what a job found and did."""
    if result.finished is not None:
        run, written = result.finished["run"]["id"], result.finished.get("written", "before")
        _out.print(f"run {run} was finished {written}, nothing was done\noutput: {result.output}", highlight=False)
    if result.before:
        _out.print(_counts("before", result.before))
    if result.plan:
        _out.print(_planned(result.plan))
    if result.after:
        _out.print(_counts("after", result.after))
        _out.print(f"output: {result.output}\nmanifest: {result.manifest}", highlight=False, soft_wrap=True)
        if result.report:
            _out.print(f"report: {result.report}", highlight=False, soft_wrap=True)
    elif result.plan:
        if result.cost:
            _out.print(f"cost: {result.cost.brief}", highlight=False, soft_wrap=True)
            for warning in result.cost.sketch.warnings:
                _out.print(f"warning: {warning}", highlight=False, soft_wrap=True)
        _out.print("dry run: nothing was written")
    for name, value in result.notes.items():
        _out.print(f"{name}: {value}", highlight=False, soft_wrap=True)
    _out.print(_seconds(result.seconds), highlight=False, soft_wrap=True)


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
        table.add_row(escape(name), *scores, *cells(found, line)[-2:])
    return table


def _counts(when: str, counts: ClassCounts) -> Table:
    table = _table(f"{when}: {counts.headline}", counts.label_col, "rows", "share")
    for label, rows in list(counts.rows.items())[:_MOST_ROWS]:
        table.add_row(escape(str(label)), f"{rows:,}", f"{counts.shares[label]:.2%}")
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
        table.add_row(*[escape(str(value)) for value in (*entry.group, entry.label)], *numbers)
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
        table.add_column(escape(name), justify="left" if place == 0 else "right")
    return table
