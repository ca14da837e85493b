"""Draw the pictures of docs/how-it-works.md, with the kernels of the library.

``python scripts/site/figures.py`` writes docs/site/*.svg; a test says when they are stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.centroids import Cells, fit_k_means
from spark_balance.kernels.draws import band, stream, xxhash64

FOLDER = Path(__file__).parents[2] / "docs" / "site"
WIDTH = 760
INKS = ("#2563a8", "#b4530a", "#2f7d4f", "#7a4bb0")  # of the cells
STYLE = """<style>
text { font: 15px system-ui, sans-serif; fill: #1f2328 } .page { fill: #fff; stroke: #d1d9e0 } .ink { stroke: #1f2328 }
.there { fill: #8a939e } .new { fill: #b4530a; stroke: #b4530a } .band { fill: #f2c66d; fill-opacity: .6 }
.rest { stroke: #8a939e } .box { fill: none; stroke: #8a939e }
.on { fill: #fff; font-weight: 600 } .dark { fill: #1f2328 }
@media (prefers-color-scheme: dark) {
text { fill: #e2e6ea } .page { fill: #14181e; stroke: #39414b } .ink { stroke: #e2e6ea } .dark { fill: #e2e6ea }
.new { fill: #ff9f5a; stroke: #ff9f5a } .on { fill: #14181e } .band { fill: #8a6414 } }
</style>"""


def picture(height: int, parts: Iterator[str]) -> str:
    """Return an SVG file of some parts, on a page of its own."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">\n'
        f'{STYLE}\n<rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def dot(x: float, y: float, radius: float, how: str) -> str:
    """Return a circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {how}/>'


def line(x: float, y: float, to_x: float, to_y: float, how: str = 'class="ink"') -> str:
    """Return a line."""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" {how}/>'


def words(x: float, y: float, text: str, anchor: str = "start") -> str:
    """Return a text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def cells() -> Iterator[str]:
    """Draw rows in the color of their owner cell, and what one cell sees: its own rows and its halo."""
    rng = np.random.default_rng(3)
    middles = np.array([[80.0, 90.0], [250.0, 110.0], [120.0, 230.0], [260.0, 240.0]])
    points: Floats = np.rint(np.concatenate([rng.normal(one, 45, (90, 2)) for one in middles]))
    points = points[(points > 10).all(axis=1) & (points < [340, 320]).all(axis=1)]
    fitted = Cells(fit_k_means(points, 4), tau=0.55).with_radius(points)
    owner, visitor, visited = fitted.halo(points)
    mine = int(owner[np.abs(points - [170, 165]).sum(axis=1).argmin()])
    halo = {int(row) for row, cell in zip(visitor, visited, strict=True) if cell == mine}
    border = max(
        np.flatnonzero(owner == mine), key=lambda row: int(sum(near in halo for near in _nearest(points, row)))
    )
    yield words(20, 30, "Each row has an owner cell")
    yield words(400, 30, "What one cell searches: its rows and its halo")
    for row, (x, y) in enumerate(points):
        yield dot(20 + x, 40 + y, 3.2, f'fill="{INKS[owner[row]]}"')
        if owner[row] == mine:
            yield dot(400 + x, 40 + y, 3.2, f'fill="{INKS[mine]}"')
        elif row in halo:
            yield dot(400 + x, 40 + y, 3.2, f'fill="none" stroke="{INKS[owner[row]]}" stroke-width="1.6"')
    x, y = points[border]
    for near in _nearest(points, border):
        yield line(400 + x, 40 + y, 400 + points[near][0], 40 + points[near][1], 'class="ink" stroke-width="1.6"')
    yield dot(400 + x, 40 + y, 5, 'class="dark"')


def _nearest(points: Floats, row: int | np.integer[Any]) -> Ints:
    distance: Floats = ((points - points[row]) ** 2).sum(axis=1)
    nearest: Ints = distance.argsort(kind="stable")[1:6]
    return nearest


def segment() -> Iterator[str]:
    """Draw a base, its neighbors, and a new row on the way to one of them."""
    x, y, gap = 210, 120, 0.62
    near = [(120, 70), (150, 175), (300, 60), (345, 165), (205, 200)]
    for near_x, near_y in near:
        yield line(x, y, near_x, near_y, 'stroke="#8a939e" stroke-dasharray="4 4"')
        yield dot(near_x, near_y, 6, 'class="there"')
    to_x, to_y = near[3]
    new_x, new_y = x + gap * (to_x - x), y + gap * (to_y - y)
    yield line(x, y, new_x, new_y, 'class="new" stroke-width="3"')
    yield dot(x, y, 7, 'class="dark"')
    yield dot(new_x, new_y, 7, 'class="new"')
    yield words(x - 14, y - 14, "base", "end")
    yield words(to_x + 14, to_y - 2, "neighbor, one of the 5 nearest")
    yield words(new_x - 8, new_y + 36, f"new row, gap {gap}")
    yield words(410, 60, "new row = base + gap x (neighbor - base)")


def drawn(ids: Ints) -> Floats:
    """Return the place from 0 to 1 of each row in the order of the draws, as a sampler with seed 42 has it."""
    return _place(xxhash64(np.full(len(ids), stream(42, "keep")), ids))


def _place(draws: Ints) -> Floats:
    return draws / 2.0**64 + 0.5


def layouts() -> Iterator[str]:
    """Draw the same 16 rows in two layouts: the rows that are kept are the same."""
    ids = np.arange(16)
    kept = set(drawn(ids).argsort()[:6].tolist())
    shuffled = np.random.default_rng(5).permutation(ids)
    for top, order, parts in ((20, ids, 2), (120, shuffled, 4)):
        yield words(20, top + 18, f"{parts} partitions")
        for place, row in enumerate(order):
            part = place // (len(ids) // parts)
            x, y = 20 + place * 40 + part * 22, top + 30
            ink = 'class="new"' if row in kept else 'class="box"'
            yield f'<rect x="{x}" y="{y}" width="34" height="34" rx="5" {ink}/>'
            text = words(x + 17, y + 22, str(row), "middle")
            yield text.replace("<text", '<text class="on"', 1) if row in kept else text
    yield words(20, 220, "Filled: the six rows of the smallest draws. A draw depends on the seed and the row alone.")


def exact() -> Iterator[str]:
    """Draw the draws of 2,000 rows on a line, the band around the quantile, and the cut after the 600th."""
    draws = np.sort(drawn(np.arange(2_000)))
    low, high = (float(_place(edge)) for edge in band(600, 2_000))
    cut = (draws[599] + draws[600]) / 2

    def at(draw: float) -> float:
        return 40 + draw * 680

    yield f'<rect class="band" x="{at(low):.1f}" y="40" width="{at(high) - at(low):.1f}" height="62"/>'
    for how, some in (("new", draws[draws < cut]), ("rest", draws[draws > cut])):
        yield f'<path class="{how}" d="{"".join(f"M{at(draw):.1f} 56v30" for draw in some)}" stroke-width=".5"/>'
    yield line(at(cut), 34, at(cut), 108, 'class="ink" stroke-width="2"')
    yield words(at(cut), 26, "the 600th smallest draw", "middle")
    yield words(at(0), 128, "draw 0")
    yield words(at(1), 128, "1", "end")
    yield words((at(low) + at(high)) / 2, 128, "the band: only these are sorted", "middle")


def pictures() -> dict[str, str]:
    """Return each picture under the name of its file."""
    return {
        "cells.svg": picture(390, cells()),
        "segment.svg": picture(230, segment()),
        "layouts.svg": picture(240, layouts()),
        "exact.svg": picture(150, exact()),
    }


if __name__ == "__main__":
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
