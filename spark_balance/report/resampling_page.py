"""A resampling as one self-contained HTML file: the numbers and paths that its template does not work out itself."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from spark_balance.kernels import Ints
from spark_balance.report.drawing import Cloud, draw_histogram, draw_scatter, shape_of
from spark_balance.report.findings import findings
from spark_balance.report.page import Page, render
from spark_balance.report.paired_sample import PairedSample, SampledRows
from spark_balance.report.projection import Projection
from spark_balance.report.resampled import NEIGHBORS, ClassMade, Resampling
from spark_balance.report.verdict import verdict

PICTURES, MOST_POINTS = 12, 1_200  # histograms of a class, and points of a panel


def resampling_page(of: Resampling) -> Page:
    """Return the whole page."""
    rows, warnings = of.before.rows, findings(of)
    return Page(
        render(
            "resampling.html.jinja",
            of=of,
            title=f"Resampling report: {of.plan.method} of {of.plan.label_col}",
            verdict=verdict(of, len(warnings)),
            cards=list(_cards(of)),
            warnings=warnings,
            labels=sorted({*rows, *of.after.rows}, key=lambda label: -rows.get(label, 0)),
            neighbors=NEIGHBORS,
            compared=[_compare(one) for one in of.classes if one.compared and one.gaps],
            projection=of.sample and _project(of, of.sample),
            shape_of=shape_of,
        )
    )


def _cards(of: Resampling) -> Iterable[tuple[str, str]]:
    before, after = sum(of.before.rows.values()), sum(of.after.rows.values())
    yield f"{before:,} → {after:,}", "rows with a label"
    if len(of.before.rows) > 1 and len(of.after.rows) > 1:
        yield f"{of.before.imbalance_ratio:.1f} → {of.after.imbalance_ratio:.1f}", "largest class to smallest"
    added, removed, copied = (sum(getattr(one, what) for one in of.classes) for what in ("added", "removed", "copied"))
    sign = "≈ " if of.adds and of.removes else ""
    if of.sample is not None:
        yield f"{sign}{added:,}", "rows added"
        if removed:
            yield f"{sign}{removed:,}", "rows removed"
    if added:
        yield f"{copied / added:.1%}", "of the added rows are exact copies"
    recall = [found for *_, found in of.find_notes(["estimated_recall"]) if isinstance(found, int | float)]
    if recall:
        yield f"{min(recall):.3f}", "estimated recall of neighbors"


def _compare(one: ClassMade) -> tuple[Any, ...]:
    """Return a class, the median ratio of its spreads, and its histograms."""
    ratios = [gap.after.sd / gap.before.sd for gap in one.numbers if gap.before.sd > 0 and np.isfinite(gap.after.sd)]
    pictures = []
    for gap in one.numbers[:PICTURES]:
        # a bin of one whole number is that number
        inner = 0.5 if gap.edges[1] - gap.edges[0] == 1 else 0.0
        ends = (gap.edges[0] + inner, gap.edges[-1] - inner)
        pictures.append((gap, draw_histogram(gap.edges, gap.shares), ends))
    return one, float(np.median(ratios)) if ratios else None, pictures


def _project(of: Resampling, sample: PairedSample) -> dict[str, Any] | None:
    """Draw the rows before, and the new rows or those that are left, in the plane in which rows differ most."""
    if not sample.numbers or not len(sample.before.code):
        return None
    found = Projection.of(sample.before.numbers)
    new = any(one.compared == "new" for one in of.classes)
    before = _clouds(sample, sample.before, sample.before.times, found)
    after = _clouds(sample, sample.after, sample.after.added if new else sample.after.times, found)
    everything = np.concatenate([points for _, points in (*before, *after)])
    box = (np.percentile(everything, 0.5, axis=0), np.percentile(everything, 99.5, axis=0))
    return {
        "axes": [_describe_axis(sample, found, axis) for axis in (0, 1)],
        "name": "New rows" if new else "Rows after",
        "before": draw_scatter((), before, box),
        "after": draw_scatter(before if new else (), after, box),
    }


def _clouds(sample: PairedSample, side: SampledRows, weights: Ints, found: Projection) -> list[Cloud]:
    """Return some points of each class; a small class last, where it is not hidden."""
    most = MOST_POINTS // len(sample.labels)
    chosen = [(n, side.numbers[(side.code == n) & (weights > 0)][:most]) for n in range(len(sample.labels))]
    clouds = [(number, found.points(rows)) for number, rows in chosen if len(rows)]
    return sorted(clouds, key=lambda cloud: -len(cloud[1]))


def _describe_axis(sample: PairedSample, found: Projection, axis: int) -> str:
    names = [sample.numbers[place] for place in found.heaviest(axis)]
    return f"{found.explained[axis]:.0%} of the variance, mostly {', '.join(names)}" if names else "nothing"
