"""What somebody who looks at a resampling should be warned of, each in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from spark_balance.report.resampled import ClassMade, Resampling

FEW = 50  # rows of a class below which its neighbours and its spread say little
MANY_COLUMNS = 50  # numbers in a row above which the nearest rows are hardly nearer than others
REPEATED = 0.2  # share of the rows of a class that repeat another's features
MOST_MADE = 10  # new rows for each row that was there
FAR = 0.2  # distance of two distributions that a look at them shows
ABOVE_NOISE = 3.0  # times what chance alone makes of samples of this size
STRANGERS = 0.1  # how much rarer the class may be among the neighbours of its new rows


def findings(of: Resampling) -> list[str]:
    """Return all warnings, the sampler's own first."""
    told = [*of.warnings]
    told += [
        f"{label}: has {rows:,} rows; so few say little about their class, and neighbours among them are far apart."
        for label, rows in of.before.rows.items()
        if rows < FEW
    ]
    made = any(one.added > one.copied for one in of.classes)
    numbers = len(of.sample.numbers) if of.sample else 0
    if made and numbers > MANY_COLUMNS:
        told.append(
            f"{numbers} numbers in a row: in so many dimensions the nearest rows are hardly nearer than any others; "
            "fewer features make better neighbours."
        )
    if short := of.notes.get("rows_short_of_the_plan"):
        told.append(f"Fewer rows than planned: {short}.")
    told += _unknown(of)
    for one in of.classes:
        told += _of_class(one)
    return told


def _unknown(of: Resampling) -> Iterator[str]:
    """Tell when rows that were kept are not recognised, as where a format rounds what it writes."""
    kept = {entry.label for entry in of.plan.classes if entry.action == "keep"}
    kept -= {entry.label for entry in of.plan.classes if entry.action != "keep"}
    if of.sample is None or of.only_added:
        return
    for code, label in enumerate(of.sample.labels):
        strange = int(of.sample.after.added[of.sample.after.code == code].sum())
        if label in kept and strange:
            yield (
                f"{label}: {strange:,} sampled rows of a class that was kept are not among those before; the output "
                "writes other values than it was given, so what is said of new rows may be of old ones."
            )


def _of_class(one: ClassMade) -> Iterator[str]:
    repeated = 1 - one.different / max(1, one.before)
    if repeated > REPEATED:
        yield (
            f"{one.label}: about {repeated:.0%} of its rows before repeat the features of another row of it; "
            "duplicates are near each other, and new rows between them are copies."
        )
    invented = one.added - one.copied
    if one.added > MOST_MADE * one.before:
        yield f"{one.label}: {one.added / one.before:.1f} new rows for each row that was there; they say nothing new."
    if one.copied > 0 and invented > 0 and one.copied > 0.01 * one.added:
        yield f"{one.label}: about {one.copied / one.added:.1%} of its new rows are copies of rows that were there."
    near = one.nearness
    if near and invented > 0 and near.new_among_own < near.own_among_own - STRANGERS:
        yield (
            f"{one.label}: {near.new_among_own:.0%} of the nearest rows around its new rows are of its class, "
            f"{near.own_among_own:.0%} around its own; new rows lie among other classes."
        )
    gaps = {gap.name: gap.gap for gap in one.numbers} | {gap.name: gap.gap for gap in one.categories}
    far = [name for name, gap in gaps.items() if gap > max(FAR, ABOVE_NOISE * noise(one))]
    if one.compared == "new" and far:
        named = ", ".join(far[:5]) + (f" and {len(far) - 5} more" if len(far) > 5 else "")
        yield f"{one.label}: new rows are spread otherwise than those before in {named}."


def noise(one: ClassMade) -> float:
    """Return about what distance chance alone puts between two samples of these sizes."""
    return math.sqrt(sum(1 / max(1, rows) for rows in one.sampled))
