"""What a command prints of a result: tables, and what they mean in plain words."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from spark_balance.app.look import JobResult, describe_left_out
from spark_balance.app.stream_job import Batch, StreamResult
from spark_balance.app.terminal import OUT
from spark_balance.compare.advice import Advice
from spark_balance.compare.comparison import SCORES, Comparison
from spark_balance.compare.pages import format_cells
from spark_balance.frames.plan import ClassCounts, ResamplingPlan
from spark_balance.frames.text import first_of, plural

_MOST_ROWS = 50


def show_comparison(found: Comparison, files: list[str], seconds: dict[str, float]) -> None:
    """Print what was compared, where the report is, and what follows."""
    for classifier in found.classifiers:
        OUT.print(_compared(found, classifier))
    _print(f"report: {', '.join(files)}\n{_seconds(seconds)}")
    for sentence in found.conclusion:
        _print(sentence)


def show(result: JobResult | Advice, verbose: bool = True) -> None:
    """Print what a job found and did; all that is known of it if `verbose`."""
    if isinstance(result, Advice):
        _print(str(result))
        return
    if result.finished is not None:
        run, written = result.finished["run"]["id"], result.finished.get("written", "before")
        _print(f"run {run} was finished {written}, nothing was done\noutput: {result.output}")
    if result.before:
        OUT.print(_counts("before", result.before))
    if result.plan:
        OUT.print(_planned(result.plan))
    if result.after:
        OUT.print(_counts("after", result.after))
    for sentence in [*_sentences(result), *_places(result), *(_details(result) if verbose else ())]:
        _print(sentence)
    _print(_seconds(result.seconds))


def show_stream(result: StreamResult) -> None:
    """Print the shares that a stream began with, and the batches that were written."""
    OUT.print(_planned(result.plan))
    if result.batches is None:
        _print("dry run: nothing was written")
    elif not result.batches:
        _print("nothing new has arrived since the last start")
    else:
        OUT.print(_batches(result.batches, result.written or 0))
    if result.batches is not None:
        _print(f"output: {result.output}\nstate: {result.state}")
    _print(_seconds(result.seconds))


def _places(result: JobResult) -> Iterator[str]:
    """Yield where the rows are, or what it would cost to make them."""
    if result.after:
        yield f"output: {result.output}"
        yield f"manifest: {result.manifest}"
        if result.report:
            yield f"report: {result.report}"
    elif result.plan:
        if result.cost:
            yield f"cost: {result.cost.brief}"
            yield from (f"warning: {warning}" for warning in result.cost.warnings)
        yield "dry run: nothing was written"


def _details(result: JobResult) -> Iterator[str]:
    if result.cost:
        yield str(result.cost)
    if result.trust:
        yield str(result.trust.report)
    for name, value in result.notes.items():
        yield f"{name}: {value}"


def _sentences(result: JobResult) -> Iterator[str]:
    """Yield in plain words what the notes say of features, neighbors and columns without values."""
    yield from first_of(result.plan.notes if result.plan else ())
    known = [result.notes, *(one for one in result.notes.values() if isinstance(one, dict))]

    def found(name: str) -> list[Any]:
        return [notes[name] for notes in known if name in notes]

    for words in found("rows_are"):
        yield f"rows above: {words}"
    features = {name: None for names in found("features") + found("categorical_features") for name in names}
    if features:
        yield f"features: {', '.join(features)}"
    if recalls := [recall for recall in found("estimated_recall") if recall is not None]:
        cells = ", ".join(plural(cells, "cell") for cells in found("cells")[:1])
        yield f"neighbors: about {_share(min(recalls))} of the nearest rows were found ({cells} searched)"
    if left_out := describe_left_out(result.notes):
        yield f"rows left out: {left_out}"
    if result.trust:
        yield f"trust: {result.trust.report.verdict}"
    if short := result.notes.get("rows_short_of_the_plan"):
        yield f"fewer rows than planned: {short}"
    if result.left_null:
        yield f"NULL in new rows, since they are not features: {', '.join(result.left_null)}"


def _share(share: float) -> str:
    """Return a share in percent, which is 100 only if all are meant."""
    return f"{share:.0%}" if share in (0, 1) else f"{min(share, 0.999):.1%}"


def _print(text: str) -> None:
    OUT.print(text, soft_wrap=True)


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
    table = _table(f"{when}: {counts.headline}", *counts.within_cols, counts.label_col, "rows", "share")
    totals, entries = {group: sum(classes.values()) for group, classes in counts.groups.items()}, counts.entries
    for group, label, rows in entries[:_MOST_ROWS]:
        table.add_row(*map(str, (*group, label)), f"{rows:,}", f"{rows / totals[group]:.2%}")
    if len(entries) > _MOST_ROWS:
        table.caption = f"the first {_MOST_ROWS} of {len(entries):,}"
    if counts.missing_rows:
        table.add_row(*[""] * len(counts.within_cols), "NULL or NaN", f"{counts.missing_rows:,}", "")
    return table


def _batches(batches: tuple[Batch, ...], number: int) -> Table:
    """Return the last batches, with what is known of them."""
    title = f"written: {number:,} batch{'' if number == 1 else 'es'}"
    shown = [vars(one) for one in batches[-_MOST_ROWS:]]
    names = [name for name in shown[0] if any(one[name] is not None for one in shown)]
    table = _table(title, *names)
    for one in shown:
        table.add_row(
            *["" if one[name] is None else f"{one[name]:{'.4f' if name == 'psi' else ','}}" for name in names]
        )
    if number > _MOST_ROWS:
        table.caption = f"the last {_MOST_ROWS}"
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
        table.caption = f"the first {_MOST_ROWS} of {len(plan.classes):,}"
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
