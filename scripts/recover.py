"""Recover the rows of a class from the rows that SMOTE made of them, and print the table of docs/privacy.md.

python scripts/recover.py     # some seconds

The class is the first 100 malignant tumors of scikit-learn's table of breast cancer, 30 features each, beside the 357
benign ones. Who recovers them has the new rows alone, or their provenance too, and never an original.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.datasets import load_breast_cancer

from spark_balance import SMOTE, RandomOverSampler, assess_synthetic
from spark_balance.kernels import Floats

PEOPLE = 100
SETTINGS = ((2, 5), (5, 5), (7, 5), (10, 5), (20, 5), (7, 10), (10, 10), (20, 10), (20, 20))  # growth, k_neighbors
SAME = 1e-7  # of two directions, and of two points in standard deviations
_HEAD = ("rows after for each row before", "`k_neighbors`", "from the new rows alone", "with their provenance")


def main() -> None:
    """Print the table."""
    print("|", " | ".join((*_HEAD, "distance to closest record")), "|")
    print("|---|---|---|---|---|")
    for growth, k in SETTINGS:
        print(line_of(growth, k))
    one, mean = smoothed(10)
    print(f"smoothed rows are {one:.2f} standard deviations off in a feature, the mean of nine of one base {mean:.2f}")


def line_of(growth: int, k: int) -> str:
    """Return the shares of the class that are recovered, and what its report says of distances."""
    table, new = make(SMOTE, growth, k_neighbors=k)
    (rows, made), told = in_deviations(table, new), new["made_of"].to_pylist()
    alone, known = share_of(rows, crossings(*lines(made))), share_of(rows, parents(made, told))
    figure = ["distance_to_closest_record"]
    features = [name for name in table.column_names if name not in ("ill", "person")]
    trust = assess_synthetic(
        table, new, label_col="ill", provenance_col="made_of", feature_cols=features, figures=figure
    )
    distance: Any = trust.classes[0].distance_to_closest_record
    return f"| {growth} | {k} | {alone:.0%} | {known:.0%} | {distance.quantiles['50%'][0]:.1f} |"


def smoothed(growth: int) -> tuple[float, float]:
    """Return how far smoothed rows are from their base in a feature, and how far the mean of all of a base is."""
    table, new = make(RandomOverSampler, growth, shrinkage=1.0)
    (rows, made), told = in_deviations(table, new), new["made_of"].to_pylist()
    bases = np.array([one["base"]["person"] for one in told])
    means = np.array([made[bases == base].mean(axis=0) for base in range(PEOPLE)])
    return float(np.sqrt(((made - rows[bases]) ** 2).mean())), float(np.sqrt(((means - rows) ** 2).mean()))


def make(kind: type[SMOTE | RandomOverSampler], growth: int, **parameters: Any) -> tuple[Any, Any]:
    """Return the table and the new rows of the class, with their provenance."""
    found = load_breast_cancer(as_frame=True)
    ill = found.data[found.target == 0].head(PEOPLE).assign(ill=True)
    table = pd.concat([ill, found.data[found.target == 1].assign(ill=False)])
    table = pa.Table.from_pandas(table.assign(person=range(len(table))), preserve_index=False)
    sampler = kind(
        label_col="ill",
        key_cols="person",
        feature_cols=list(found.data.columns),
        sampling_strategy={True: growth * PEOPLE},
        output="added",
        provenance_col="made_of",
        **parameters,
    )
    return table, sampler.fit_resample(table)


def in_deviations(table: Any, new: Any) -> tuple[Floats, Floats]:
    """Return the features of the class and of its new rows, in standard deviations."""
    names = [name for name in table.column_names if name not in ("ill", "person")]
    rows, made = (side.select(names).to_pandas().to_numpy() for side in (table.slice(0, PEOPLE), new))
    return rows / rows.std(axis=0), made / rows.std(axis=0)


def share_of(rows: Floats, guessed: Floats) -> float:
    """Return the share of rows that are among the guesses, to a ten-thousandth of a standard deviation."""
    near = (np.abs(rows[:, None] - guessed).max(axis=2) < 1e-4) if len(guessed) else np.zeros((1, 1), bool)
    return float(near.any(axis=1).mean())


def parents(made: Floats, told: list[Any]) -> Floats:
    """Solve for the rows of the class: each new row is (1 - gap) * base + gap * neighbor."""
    shares = np.zeros((len(made), PEOPLE))
    for number, one in enumerate(told):
        shares[number, one["base"]["person"]] += 1 - one["gap"]
        shares[number, one["neighbor"]["person"]] += one["gap"]
    solved: Floats = np.asarray(np.linalg.lstsq(shares, made, rcond=None)[0], dtype=np.float64)
    return solved


def lines(made: Floats) -> tuple[Floats, Floats]:
    """Return a point and the direction of each line with three new rows: by chance no three lie on one."""
    found: dict[tuple[float, ...], tuple[Floats, Floats]] = {}
    ways: Floats
    for number, point in enumerate(made[:-2]):
        ways = made[number + 1 :] - point
        ways /= np.linalg.norm(ways, axis=1)[:, None] * np.where(ways[:, :1] < 0, -1, 1)
        ways = ways[np.argsort(ways[:, 0])]
        for way in ways[1:][np.abs(np.diff(ways, axis=0)).max(axis=1) < SAME]:
            foot = point - (point @ way) * way  # the same for all rows on the line
            found.setdefault(tuple(np.round(np.concatenate([foot, way]), 5)), (point, way))
    points, ways = (np.array([pair[side] for pair in found.values()]) for side in (0, 1))
    return points.reshape(-1, made.shape[1]), ways.reshape(-1, made.shape[1])


def crossings(points: Floats, ways: Floats) -> Floats:
    """Return where two lines meet: the row that is an end of both."""
    found = [np.empty((0, points.shape[1])), *_meetings(points, ways)]
    return np.concatenate(found)


def _meetings(points: Floats, ways: Floats) -> Iterator[Floats]:
    for number in range(len(points) - 1):
        way, others, apart = ways[number], ways[number + 1 :], points[number + 1 :] - points[number]
        cosine = others @ way
        sine = np.maximum(1 - cosine**2, 1e-12)
        along, across = apart @ way, (apart * others).sum(axis=1)
        here = points[number] + ((along - cosine * across) / sine)[:, None] * way
        there = points[number + 1 :] + ((cosine * along - across) / sine)[:, None] * others
        yield here[np.abs(here - there).max(axis=1) < SAME * 10]


if __name__ == "__main__":
    main()
