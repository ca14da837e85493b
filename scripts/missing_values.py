"""Measure SMOTE on rows that lack features, and print the table of docs/neighbors.md: true neighbors, comparisons.

python scripts/missing_values.py     # five minutes on two cores

Rows have 8 features of 3 latent dimensions and a little noise, each of which a row lacks with the same probability.
20,000 rows make one new row each. The first line of each size lacks nothing and has `missing="error"`.
"""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
from sklearn.metrics.pairwise import nan_euclidean_distances

from spark_balance import SMOTE, open_session
from spark_balance.errors import RecallWarning
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.kernels import Floats, Ints

FEATURES, LATENT, NEIGHBORS = 8, 3, 5
MADE, ASKED = 20_000, 300  # new rows, and those whose neighbor is compared with the true ones
SETTINGS: list[tuple[int, float, int | None]] = [
    (rows, share, None) for rows in (50_000, 200_000) for share in (0.0, 0.02, 0.1, 0.3)
]
SETTINGS += [(200_000, 0.3, 65_536)]
_HEAD = (
    "rows of the class",
    "values missing",
    "`cell_rows`",
    "true neighbors found",
    "as estimated in the run",
    "comparisons of a row",
)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", RecallWarning)
    spark = open_session("sail")
    print("|", " | ".join(_HEAD), "|")
    print("|---|---|---|---|---|---|")
    for rows, share, cell_rows in SETTINGS:
        values = lacking(rows, share)
        table = {"id": np.arange(rows + 1), "label": np.arange(rows + 1) == rows}
        table |= {f"f{i}": np.append(column, 0.0) for i, column in enumerate(values.T)}
        df = from_arrow(
            spark, pa.table(table, pa.schema([(name, pa.from_numpy_dtype(one.dtype)) for name, one in table.items()]))
        )
        sampler = SMOTE(
            label_col="label",
            key_cols="id",
            k_neighbors=NEIGHBORS,
            sampling_strategy={False: rows + MADE},
            missing="ignore" if share else "error",
            cell_rows=cell_rows,
            scale=False,
            output="added",
            provenance_col="made",
        )
        done = sampler.resample(df)
        made = to_arrow(done.frame.selectExpr("made.base.id AS base", "made.neighbor.id AS near"))
        found = share_found(values, made["base"].to_numpy(), made["near"].to_numpy())
        told, compared = done.notes["estimated_recall"], done.notes["candidates_per_row"]
        size = f"{cell_rows:,}" if cell_rows else "default"
        print(f"| {rows:,} | {share:.0%} | {size} | {found:.3f} | {told:.3f} | {compared:,} |", flush=True)


def lacking(rows: int, share: float) -> Floats:
    """Return rows of which each lacks a share of its values."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, LATENT)) @ rng.normal(size=(LATENT, FEATURES))
    values += 0.1 * rng.normal(size=values.shape)
    values[rng.random(values.shape) < share] = np.nan
    return values


def share_found(values: Floats, base: Ints, near: Ints) -> float:
    """Return the share of new rows, of some, whose neighbor is a true one of their base."""
    some = np.random.default_rng(1).choice(len(base), ASKED, replace=False)
    away = nan_euclidean_distances(values[base[some]], values)
    away[np.isnan(away)] = np.inf
    away[np.arange(ASKED), base[some]] = np.inf
    last = np.partition(away, NEIGHBORS - 1, axis=1)[:, NEIGHBORS - 1]
    return float(np.mean(away[np.arange(ASKED), near[some]] <= last * (1 + 1e-6)))


if __name__ == "__main__":
    main()
