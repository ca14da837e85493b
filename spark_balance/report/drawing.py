"""Small pictures as SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COLOURS = 8  # classes that have a colour of their own
_SIDE, _RIM = 400, 8
# marks differ in shape too, for those who cannot tell the colours: paths around a point, about six units wide
_SHAPES = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "m-2.7-2.7h5.4v5.4h-5.4z",
    "m0-3.6l3.4 6.2h-6.8z",
    "m0-3.9l3.4 3.9l-3.4 3.9l-3.4-3.9z",
    "m-3.4-1h2.4v-2.4h2v2.4h2.4v2h-2.4v2.4h-2v-2.4h-2.4z",
    "m0 3.6l3.4-6.2h-6.8z",
    "m-3.6-1.4h7.2v2.8h-7.2z",
    "m-1.4-3.6h2.8v7.2h-2.8z",
)
_DOT = "h0"


@dataclass(frozen=True)
class Cloud:
    """The points of one class, by its number: that gives the colour and the shape."""

    number: int
    points: Floats


def histogram(edges: Floats, before: Floats, after: Floats, told: str) -> str:
    """Draw two distributions over the same bins: the first as an area, the second as a line."""
    wide, high = 300.0, 80.0
    top = max(before.max(initial=0.0), after.max(initial=0.0)) or 1.0
    x = (edges - edges[0]) / (edges[-1] - edges[0]) * wide

    def steps(shares: Floats) -> str:
        y = high - shares / top * (high - 4)
        return (
            f"M0 {high:.0f}"
            + "".join(f"V{level:.1f}H{place:.1f}" for level, place in zip(y, x[1:], strict=True))
            + f"V{high:.0f}"
        )

    return (
        f'<svg viewBox="-2 0 {wide + 4:.0f} {high + 2:.0f}" role="img" aria-label="{escape(told)}">'
        f'<path class="area" d="{steps(before)}"/><path class="outline" d="{steps(after)}"/>'
        f'<path class="axis" d="M0 {high:.0f}H{wide:.0f}"/></svg>'
    )


def scatter(behind: Sequence[Cloud], clouds: Sequence[Cloud], box: tuple[Floats, Floats], told: str) -> str:
    """Draw points of classes over others that are only hinted at, in the box of its low and high corner."""
    hints = "".join(f'<path class="hint" d="{_marks(cloud.points, box, _DOT)}"/>' for cloud in behind)
    drawn = "".join(
        f'<path class="mark c{cloud.number % COLOURS}" d="{_marks(cloud.points, box, _shape(cloud.number))}"/>'
        for cloud in clouds
    )
    end = _SIDE - _RIM / 2
    return (
        f'<svg viewBox="0 0 {_SIDE} {_SIDE}" role="img" aria-label="{escape(told)}">'
        f'<path class="axis" d="M{_RIM / 2} {_RIM / 2}V{end}H{end}"/>{hints}{drawn}</svg>'
    )


def key(number: int) -> str:
    """Return the mark of a class, to stand before its name."""
    return (
        f'<svg class="key" viewBox="-5 -5 10 10" aria-hidden="true"><path class="mark c{number % COLOURS}" '
        f'd="M0 0{_shape(number)}"/></svg>'
    )


def bar(share: float, kind: str) -> str:
    """Return a bar beside a number that says the same."""
    return (
        f'<span class="bar {kind}" aria-hidden="true"><span style="width:{100 * min(1.0, share):.1f}%"></span></span>'
    )


def _shape(number: int) -> str:
    return _SHAPES[number % len(_SHAPES)]


def _marks(points: Floats, box: tuple[Floats, Floats], shape: str) -> str:
    low, high = box
    size = np.where(high > low, high - low, 1.0)
    placed = np.clip((points - low) / size, 0, 1) * (_SIDE - 2 * _RIM) + _RIM
    return "".join(f"M{x:.1f} {_SIDE - y:.1f}{shape}" for x, y in placed)
