"""The paths of small pictures, as SVG has them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spark_balance.kernels import Floats

_WIDTH, _HEIGHT = 300.0, 80.0  # of a histogram
_SIDE, _RIM = 400, 8  # of a scatter plot
# marks differ in shape too, for readers who cannot distinguish the colors: paths around a point, about six units wide
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
Cloud = tuple[int, Floats]  # the number of a class, which gives the color and the shape, and its points


def shape_of(number: int) -> str:
    """Return the path of the mark of a class."""
    return _SHAPES[number % len(_SHAPES)]


def draw_histogram(edges: Floats, shares: tuple[Floats, Floats]) -> tuple[str, str]:
    """Return the outlines of two distributions over the same bins."""
    top = max(max(side.max(initial=0.0) for side in shares), np.finfo(float).tiny)
    x = (edges - edges[0]) / (edges[-1] - edges[0]) * _WIDTH

    def outline(side: Floats) -> str:
        y = _HEIGHT - side / top * (_HEIGHT - 4)
        steps = "".join(f"V{level:.1f}H{place:.1f}" for level, place in zip(y, x[1:], strict=True))
        return f"M0 {_HEIGHT:.0f}{steps}V{_HEIGHT:.0f}"

    return outline(shares[0]), outline(shares[1])


def draw_scatter(behind: Sequence[Cloud], clouds: Sequence[Cloud], box: tuple[Floats, Floats]) -> dict[str, Any]:
    """Return the marks of classes, and of others that are only hinted at, in the box of its low and high corner."""
    return {
        "hints": [_marks(points, box, _DOT) for _, points in behind],
        "marks": [(number, _marks(points, box, shape_of(number))) for number, points in clouds],
    }


def _marks(points: Floats, box: tuple[Floats, Floats], shape: str) -> str:
    low, high = box
    size = np.where(high > low, high - low, 1.0)
    placed = np.clip((points - low) / size, 0, 1) * (_SIDE - 2 * _RIM) + _RIM
    return "".join(f"M{x:.1f} {_SIDE - y:.1f}{shape}" for x, y in placed)
