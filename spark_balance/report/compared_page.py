"""What the sampled rows show, as HTML: what they are made of, how columns are spread, and a picture of them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.distribution import Spread
from spark_balance.kernels.projection import Projection
from spark_balance.plans.paired_sample import PairedSample, SampledRows
from spark_balance.report.drawing import Cloud, bar, histogram, key, scatter
from spark_balance.report.findings import ABOVE_NOISE, noise
from spark_balance.report.page import figure, table
from spark_balance.report.resampled import SHOWN_VALUES, ClassMade, NumberGap, Resampling

PICTURES, MOST_POINTS = 12, 1_200  # histograms of a class, and points of a panel
_MISSING_SHOWN = 0.0005
Floats = NDArray[np.float64]


def rows_made(of: Resampling, sample: PairedSample) -> str:
    """Say how many rows of each class were kept, removed, copied and made."""
    rows = []
    for one in of.classes:
        copies = f"{one.copied / one.added:.1%}" if one.added else "-"
        kept = 0 if of.only_added else one.after - one.added
        counts = (one.before, kept, one.removed, one.added)
        rows.append((escape(str(one.label)), *[f"{n:,}" for n in counts], copies, f"{one.different:,}"))
    head = (
        escape(of.plan.label_col),
        "rows before",
        "kept",
        "removed",
        "added",
        "exact copies among the added",
        "different rows before, about",
    )
    left = len(of.before.rows) - len(of.classes)
    others = f" {left} more classes were not looked at." if left else ""
    sampled = sum(map(len, (sample.before.code, sample.after.code)))
    return (
        f"<p>{sampled:,} different rows were sampled, and the sampled rows after looked up among all rows before: "
        "what is not there, or not as often, was added. An added row is an exact copy when some row before of its "
        "class has the same features."
        f"{others}</p>{table('What the rows are made of', head, rows)}"
    )


def features(of: Resampling, sample: PairedSample) -> str:
    """Show how each column is spread before and after, of each class in which something changed."""
    changed = [one for one in of.classes if one.compared and (one.numbers or one.categories)]
    if not sample.numbers and not sample.categories:
        return "<p>There are no columns of numbers or of categories to compare.</p>"
    if not changed:
        return "<p>No class has rows before and after that differ.</p>"
    none = "" if sample.numbers else "<p>There are no columns of numbers, so there are no histograms.</p>"
    return none + "".join(_class_features(one, number == 0) for number, one in enumerate(changed))


def _class_features(one: ClassMade, opened: bool) -> str:
    after = "new rows" if one.compared == "new" else "rows after"
    before_n, after_n = one.sampled
    drawn = "".join(_histogram(one, gap, after) for gap in one.numbers[:PICTURES])
    left = len(one.numbers) - PICTURES
    more = f'<p class="note">The {PICTURES} columns that differ most; the table has the other {left}.</p>' * (left > 0)
    keys = (
        '<ul class="keys"><li><span class="swatch one"></span>rows before</li>'
        f'<li><span class="swatch two"></span>{after}</li></ul>'
    )
    pictures = f'{keys}<div class="grid">{drawn}</div>{more}' if drawn else ""
    told = (
        f"<p>{before_n:,} sampled rows before beside {after_n:,} sampled {after}. Distance is the largest between the "
        f"two distribution functions, from 0 to 1 (of categories, half the summed difference of the shares); chance "
        f"alone makes about {noise(one):.3f}, and {ABOVE_NOISE:g} times that means something.{_shrunk(one, after)}</p>"
    )
    name = escape(str(one.label))
    return (
        f"<details{' open' * opened}><summary><b>{name}</b>: rows before and {after}</summary>{told}{pictures}"
        f"{_numbers(one, after)}{_categories(one, after)}</details>"
    )


def _shrunk(one: ClassMade, after: str) -> str:
    ratios = [gap.after.sd / gap.before.sd for gap in one.numbers if gap.before.sd > 0 and np.isfinite(gap.after.sd)]
    if not ratios:
        return ""
    return f" In the median column the {after} have {np.median(ratios):.2f} times the spread of the rows before."


def _histogram(one: ClassMade, gap: NumberGap, after: str) -> str:
    name = escape(gap.name)
    told = (
        f"{gap.name} of class {one.label}: mean {gap.before.mean:.4g} before and {gap.after.mean:.4g} in the {after}, "
        f"distance {gap.gap:.2f}"
    )
    # a bin of one whole number is that number
    inner = 0.5 if gap.edges[1] - gap.edges[0] == 1 else 0.0
    low, high = gap.edges[0] + inner, gap.edges[-1] - inner
    ends = f'<div class="ends"><span>{low:.4g}</span><span>{high:.4g}</span></div>'
    drawn = histogram(gap.edges, *gap.shares, told)
    caption = f"mean {gap.before.mean:.4g} → {gap.after.mean:.4g}, distance {gap.gap:.3f}"
    return f"<figure><h3>{name}</h3>{drawn}{ends}<figcaption>{caption}</figcaption></figure>"


def _numbers(one: ClassMade, after: str) -> str:
    if not one.numbers:
        return ""
    rows = [
        (
            escape(gap.name),
            *_pair("{:.4g}", gap.before.mean, gap.after.mean),
            *_pair("{:.4g}", gap.before.sd, gap.after.sd),
            *_missing(gap.before, gap.after),
            f"{gap.gap:.3f}",
        )
        for gap in one.numbers
    ]
    head = ("column", "mean before", f"mean of {after}", "spread before", f"spread of {after}", "missing before")
    told = table(f"Numbers of class {one.label}", (*head, f"missing in {after}", "distance"), rows)
    return f"<details><summary>All {len(rows)} columns of numbers as a table</summary>{told}</details>"


def _pair(form: str, *values: float) -> Iterable[str]:
    return [form.format(value) for value in values]


def _missing(*spreads: Spread) -> Iterable[str]:
    return [f"{one.missing:.1%}" if one.missing > _MISSING_SHOWN else "0" for one in spreads]


def _categories(one: ClassMade, after: str) -> str:
    parts = []
    for gap in one.categories:
        rows = [
            (escape(value), f"{before:.1%}{bar(before, 'before')}", f"{later:.1%}{bar(later, 'after')}")
            for value, before, later in gap.shares[:SHOWN_VALUES]
        ]
        if len(gap.shares) > SHOWN_VALUES:
            rest = gap.shares[SHOWN_VALUES:]
            before, later = sum(one for _, one, _ in rest), sum(other for _, _, other in rest)
            rows.append((f"{len(rest)} others", f"{before:.1%}", f"{later:.1%}"))
        head = (escape(gap.name), "rows before", after)
        told = table(f"{gap.name} of class {one.label}", head, rows)
        parts.append(f"<div><h3>{escape(gap.name)}</h3><p>distance {gap.gap:.3f}</p>{told}</div>")
    return f'<div class="plots">{"".join(parts)}</div>' if parts else ""


def projection(of: Resampling, sample: PairedSample) -> str:
    """Draw the rows before, and the new rows or those that are left, in the plane in which rows differ most."""
    if not sample.numbers:
        return "<p>There are no columns of numbers, so there is nothing to project.</p>"
    if not len(sample.before.code):
        return "<p>There are no rows before to project.</p>"
    found = Projection.of(sample.before.numbers)
    compared = {number: one.compared for number, one in enumerate(of.classes)}
    new = "new" in compared.values()
    before = _clouds(sample, sample.before, sample.before.times, found)
    after = _clouds(sample, sample.after, sample.after.added if new else sample.after.times, found)
    everything = np.concatenate([cloud.points for cloud in (*before, *after)])
    box = (np.percentile(everything, 0.5, axis=0), np.percentile(everything, 99.5, axis=0))
    what = "new rows" if new else "rows after"
    names = [_axis(sample, found, axis) for axis in (0, 1)]
    where = f"across: {names[0]}; upwards: {names[1]}"
    one = scatter((), before, box, f"Rows before by class; {where}")
    other = scatter(before if new else (), after, box, f"{what} by class; {where}".capitalize())
    captions = ["Rows before", f"{what.capitalize()}{', over the rows before in grey' * new}"]
    keys = "".join(f"<li>{key(n)}{escape(str(label))}</li>" for n, label in enumerate(sample.labels))
    return (
        "<p>Principal components of the sampled rows before, every column brought to the same spread; what lies far "
        f"out is drawn at the rim. Across: {escape(names[0])}. Upwards: {escape(names[1])}.</p>"
        f'<ul class="keys">{keys}</ul>'
        f'<div class="plots">{figure(one, captions[0])}{figure(other, captions[1])}</div>'
    )


def _clouds(sample: PairedSample, side: SampledRows, weights: NDArray[np.int64], found: Projection) -> list[Cloud]:
    """Return some points of each class; a small class last, where it is not hidden."""
    most = MOST_POINTS // len(sample.labels)
    clouds = []
    for number in range(len(sample.labels)):
        rows = side.numbers[(side.code == number) & (weights > 0)][:most]
        if len(rows):
            clouds.append(Cloud(number, found.points(rows)))
    return sorted(clouds, key=lambda cloud: -len(cloud.points))


def _axis(sample: PairedSample, found: Projection, axis: int) -> str:
    names = [sample.numbers[place] for place in found.heaviest(axis)]
    return f"{found.explained[axis]:.0%} of the variance, mostly {', '.join(names)}" if names else "nothing"
