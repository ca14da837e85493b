"""The warnings of a report, each in a sentence."""

from collections.abc import Iterator, Sequence

from spark_balance.frames.text import first_of
from spark_balance.report.resampled import ClassMade, Resampling

FEW = 50  # rows of a class below which its neighbors and its spread say little
MANY_COLUMNS = 50  # numbers in a row above which the nearest rows are hardly nearer than others
REPEATED = 0.2  # share of the rows of a class that repeat another's features
MOST_MADE = 10  # new rows for each row before
STRANGERS = 0.1  # how much rarer the class may be among the neighbors of its new rows


def findings(of: Resampling) -> list[str]:
    """Return all warnings, the sampler's own first."""
    made = any(one.added > one.copied for one in of.classes)
    numbers = len(of.sample.numbers) if of.sample else 0
    sentences = [
        *of.warnings,
        *[
            f"Class {label}: has {rows:,} rows; they say little about their class, and their neighbors are far apart."
            for label, rows in of.before.rows.items()
            if rows < FEW
        ],
    ]
    if made and numbers > MANY_COLUMNS:
        sentences.append(
            f"{numbers} numbers in a row: in this number of dimensions the nearest rows are hardly nearer than any "
            "others; choose fewer features for better neighbors."
        )
    sentences += [f"{note[0].upper()}{note[1:]}." for note in first_of(of.plan.notes)]
    if short := of.notes.get("rows_short_of_the_plan"):
        sentences.append(f"Fewer rows than planned: {short}.")
    return [*sentences, *_unknown_rows(of), *[sentence for one in of.classes for sentence in _warn_of_class(one)]]


def some_of(names: Sequence[str], most: int = 5) -> str:
    """Return the first names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _unknown_rows(of: Resampling) -> Iterator[str]:
    """Warn if kept rows are not recognized, as when a format rounds the values that it writes."""
    kept = {entry.label for entry in of.plan.classes if entry.action == "keep"}
    kept -= {entry.label for entry in of.plan.classes if entry.action != "keep"}
    if of.sample is None or of.only_added:
        return
    for code, label in enumerate(of.sample.labels):
        strange = int(of.sample.after.added[of.sample.after.code == code].sum())
        if label in kept and strange:
            yield (
                f"Class {label}: {strange:,} sampled rows of a class that was kept are not among those before; the "
                "output holds other values than its input, so statements about new rows may be about old ones."
            )


def _warn_of_class(one: ClassMade) -> Iterator[str]:
    repeated = 1 - one.different / max(1, one.before)
    if repeated > REPEATED:
        yield (
            f"Class {one.label}: about {repeated:.0%} of its rows before repeat the features of another row of it; "
            "duplicates are near each other, and new rows between them are copies."
        )
    invented, ratio = one.added - one.copied, one.added / max(1, one.before)
    if ratio > MOST_MADE:
        yield f"Class {one.label}: {ratio:.1f} new rows for each row before; they add no information."
    if one.copied > 0 and invented > 0 and one.copied > 0.01 * one.added:
        share = one.copied / one.added
        yield f"Class {one.label}: about {share:.1%} of its new rows are copies of rows that were there."
    near = one.nearness
    if near and invented > 0 and near.new_among_own < near.own_among_own - STRANGERS:
        yield (
            f"Class {one.label}: {near.new_among_own:.0%} of the nearest rows around its new rows are of its class, "
            f"{near.own_among_own:.0%} around its own; new rows lie among other classes."
        )
    if one.compared == "new" and (moved := list(one.moved)):
        yield f"Class {one.label}: the distributions of new rows and rows before differ in {some_of(moved)}."
