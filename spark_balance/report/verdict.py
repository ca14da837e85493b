"""The verdict of a report: what happened, and whether it needs a look, in at most three sentences."""

from spark_balance.frames.text import plural
from spark_balance.report.findings import some_of
from spark_balance.report.resampled import ClassMade, Resampling


def verdict(of: Resampling, warnings: int) -> list[str]:
    """Return the sentences."""
    after = "the new rows alone" if of.only_added else "after"
    counts = f"Classes before: {of.before.headline}; {after}: {of.after.headline}."
    return [_what_happened(of), counts, *_what_to_look_at(of, warnings)]


def _what_happened(of: Resampling) -> str:
    before, after = (sum(counts.rows.values()) for counts in (of.before, of.after))
    method = of.plan.method
    if of.sample is None:
        return f"{before:,} rows stay as they are: {method} gave them weights."
    if of.only_added:
        return f"{method} made {after:,} new rows for a table of {before:,}."
    about = "about " if of.adds and of.removes else ""
    done = [
        f"{did} {about}{sum(getattr(one, what) for one in moved):,} rows {where} {some_of(_names(moved))}"
        for did, what, where in (("added", "added", "to class"), ("removed", "removed", "from class"))
        if (moved := [one for one in of.classes if getattr(one, what)])
    ]
    if not done:
        return f"{before:,} rows stay as they are: {method} had nothing to do."
    return f"{before:,} rows became {after:,}: {method} {' and '.join(done)}."


def _names(classes: list[ClassMade]) -> list[str]:
    return [str(one.label) for one in classes]


def _what_to_look_at(of: Resampling, warnings: int) -> list[str]:
    """Say which columns moved, and whether there are warnings."""
    compared = [one for one in of.classes if one.compared]
    moved = dict.fromkeys(name for one in compared for name in one.moved)
    columns = {name for one in compared for name in one.gaps}
    said = []
    if moved:
        several = "column" if len(columns) == 1 else "columns"
        said.append(f"{len(moved)} of {len(columns)} {several} moved ({some_of(list(moved), 3)})")
    elif columns:
        said.append(f"none of {plural(len(columns), 'column')} moved")
    if warnings:
        said.append(f"{plural(warnings, 'warning')} below {'needs' if warnings == 1 else 'need'} a look")
    sentence = ", and ".join(said)
    return [f"{sentence[0].upper()}{sentence[1:]}."] if sentence else []
