"""Draw docs/plots/what-a-run-does.svg: the classes before and after a run, and SMOTE by random partitions and by cells.

    python scripts/flights.py data/flights && python scripts/picture.py

All of it comes from runs of the library on Sail: of the demo's flights, and of 500 rows along a spiral.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from spark_balance import SMOTE, class_counts, open_session
from spark_balance.kernels import Floats

TARGET = Path(__file__).parents[1] / "docs" / "plots" / "what-a-run-does.svg"
ROWS, NEIGHBORS, CELL_ROWS = 500, 5, 25
WIDTH, HEIGHT, SIDE, TOP = 960, 410, 280, 78
STYLE = """
text { font: 15px system-ui, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.page { fill: #ffffff; stroke: #d1d9e0; } .there { fill: #7a8490; stroke: #7a8490; }
.new { fill: #c2410c; stroke: #c2410c; } .line { stroke: #7a8490; }
.points { fill: none; stroke-width: 3.6; stroke-linecap: round; } .points.there { stroke-opacity: .6; }
@media (prefers-color-scheme: dark) {
text { fill: #d7dde4; } .page { fill: #12161c; stroke: #343b45; } .line { stroke: #7f8a97; }
.there { fill: #7f8a97; stroke: #7f8a97; } .new { fill: #ff9f5a; stroke: #ff9f5a; } }
"""


class Made(NamedTuple):
    """New rows between rows of the spiral, and the share that lies between a row and one of its true neighbors."""

    there: Floats
    new: Floats
    true: float


def spiral() -> Floats:
    """Return points along a spiral, with a little noise."""
    rng = np.random.default_rng(7)
    turn = np.sqrt(rng.uniform(0.02, 1, ROWS)) * 5 * np.pi
    points: Floats = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1) / (5 * np.pi)
    return points + rng.normal(0, 0.012, points.shape)


def grown(spark: SparkSession, neighbors: str) -> Made:
    """Double the rows of the spiral by SMOTE, whose neighbors are searched in random partitions or in cells."""
    there = spiral()
    table = pd.DataFrame({"id": range(ROWS), "x": there[:, 0], "y": there[:, 1], "rare": True})
    others = pd.DataFrame({"id": range(ROWS, 3 * ROWS), "x": 0.0, "y": 0.0, "rare": False})
    sampler = SMOTE(
        label_col="rare",
        key_cols="id",
        feature_cols=["x", "y"],
        k_neighbors=NEIGHBORS,
        neighbors=neighbors,
        cell_rows=CELL_ROWS,
        scale=False,
        provenance_col="made_of",
        output="added",
    )
    made = sampler.fit_resample(spark.createDataFrame(pd.concat([table, others])))
    rows = made.select("x", "y", "made_of.base.id", "made_of.neighbor.id").toArrow()
    x, y, base, neighbor = (column.to_numpy() for column in rows.columns)
    away = ((there[:, None] - there) ** 2).sum(axis=2)
    nearest = np.argsort(away, axis=1)[:, 1 : NEIGHBORS + 1]
    order = np.lexsort((y, x))
    return Made(there, np.stack([x, y], axis=1)[order], float((nearest[base] == neighbor[:, None]).any(axis=1).mean()))


def draw(before: dict[bool, int], after: dict[bool, int], partitions: Made, cells: Made) -> str:
    """Return the picture."""
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
            *_bars(before, after),
            *_scatter(340, "SMOTE in random partitions", partitions),
            *_scatter(650, "SMOTE in cells, as here", cells),
            '<circle class="there" cx="345" cy="388" r="5"/><text x="358" y="393">rows that were there</text>',
            '<circle class="new" cx="655" cy="388" r="5"/><text x="668" y="393">rows that SMOTE made</text>',
            "</svg>\n",
        ]
    )


def _bars(before: dict[bool, int], after: dict[bool, int]) -> list[str]:
    """Draw two classes before and after, what was added on top."""
    most, base, height = max(after.values()), 330, 200
    drawn = ['<text class="title" x="24" y="36">SMOTE of 327,346 flights</text>']
    for place, (when, counts) in enumerate((("before", before), ("after", after))):
        for late, rows in counts.items():
            x = 24 + 140 * place + 62 * late
            there, new = before[late] / most * height, (rows - before[late]) / most * height
            drawn.append(f'<rect class="there" x="{x}" y="{base - there:.1f}" width="54" height="{there:.1f}"/>')
            if new:
                drawn.append(f'<rect class="new" x="{x}" y="{base - there - new:.1f}" width="54" height="{new:.1f}"/>')
            drawn.append(
                f'<text class="middle" x="{x + 27}" y="{base - there - new - 8:.1f}">{rows / 1000:,.0f} k</text>'
            )
            drawn.append(f'<text class="middle" x="{x + 27}" y="{base + 20}">{"late" if late else "on time"}</text>')
        drawn.append(f'<text class="middle" x="{24 + 140 * place + 58}" y="{base + 44}">{when}</text>')
    return [*drawn, f'<path class="line" d="M20 {base}H284"/>']


def _scatter(left: int, title: str, made: Made) -> list[str]:
    """Draw the rows that were there, and the new ones over them."""

    def path(points: Floats) -> str:
        places = np.clip((points + 1.05) / 2.1, 0, 1) * SIDE
        return "".join(f"M{left + x:.1f} {TOP + SIDE - y:.1f}h0" for x, y in places)

    return [
        f'<text class="title" x="{left}" y="36">{title}</text>',
        f'<text x="{left}" y="60">{_percent(made.true)} of the neighbors are true ones</text>',
        f'<path class="points there" d="{path(made.there)}"/>',
        f'<path class="points new" d="{path(made.new)}"/>',
    ]


def _percent(share: float) -> str:
    """Return a share that is 100 % only if all are meant."""
    return f"{share:.0%}" if share == 1 else f"{min(share, 0.999):.1%}"


def main() -> None:
    """Run, and write the picture."""
    spark = open_session("sail", "picture")
    flights = spark.read.parquet("data/flights").where("late IS NOT NULL")
    smote = SMOTE(label_col="late", key_cols=["time_hour", "carrier", "flight"], feature_cols=["dep_delay", "distance"])
    before, after = (class_counts(frame, "late").rows for frame in (flights, smote.fit_resample(flights)))
    TARGET.write_text(draw(before, after, grown(spark, "partition"), grown(spark, "cells")), encoding="utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
