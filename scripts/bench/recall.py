"""Share of synthetic rows whose neighbour is a true one, and what else they are worth, on thirteen data sets.

Each set and each way to search runs in a cold process: SMOTE through its public interface on Sail, base, neighbour and
gap taken from the provenance column; imbalanced-learn's from the draws it hands to `_generate_samples`. The truth is
brute force over all rows of the class for 2,000 bases. Comparisons and shuffled rows of the default are counted.

    .venv/bin/python scripts/bench/recall.py [--quick] [set ...]
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import imblearn.over_sampling
import numpy as np
import pyarrow as pa
from generate import Floats, names, write_points
from quality import Made, quality
from section import DATA, Options, Row, cold, main
from sets import FLIGHTS, LARGE, SETS, standardised
from sklearn.neighbors import NearestNeighbors
from timed_jobs import exact_is_there

from spark_balance import SMOTE
from spark_balance.app.session import open_session
from spark_balance.kernels import Floats as Distances, Ints
from spark_balance.kernels.knn import KnnIndex
from spark_balance.neighbors.cell_rows import CellRows
from spark_balance.neighbors.pairs import PairSearch

K = 5
GROWTH = 1.5  # synthetic rows a base: one, and for half of the bases one more
PARTITION_ROWS = 4_000
MAJORITY = 10
WAYS = ("cells", "exact", "partition", "imbalanced-learn")


def one(request: Row) -> Row:
    """Return the quality columns of one set and one way to search."""
    points = standardised(request["set"], request["rows"])
    start = time.time()
    notes: dict[str, Any] = {}
    step = 0.0
    if request["way"] == "imbalanced-learn":
        made = by_imbalanced_learn(points)
    else:
        rows = PARTITION_ROWS if request["way"] == "partition" else None
        with counted_work() as work:
            made, notes = by_smote(points, neighbors=request["way"], cell_rows=rows)
        step = max(work["step"])
        if request["way"] == "cells":
            notes |= {"compared": sum(work["compared"]) / len(points), "arrived": sum(work["arrived"]) / len(points)}
    seconds = time.time() - start
    about = {"features": points.shape[1], "rows": len(points), "seconds": seconds}
    return about | quality(points, made, K, step) | said(notes)


@contextmanager
def counted_work() -> Iterator[dict[str, list[float]]]:
    """Count the comparisons that searches make, and the rows that arrive in cells: Sail's tasks run in this process.

    And note how far one step of the integers that distances are computed of can move a row.
    """
    work: dict[str, list[float]] = {"compared": [], "arrived": [], "step": []}
    search, gather, read = KnnIndex.search, PairSearch.gather, PairSearch.read

    def counted_search(self: KnnIndex, queries: Ints) -> tuple[Ints, Distances]:
        before = self.compared
        found = search(self, queries)
        work["compared"].append(self.compared - before)
        return found

    def count_rows(self: PairSearch, rows: CellRows) -> CellRows:
        work["arrived"].append(rows.table.num_rows)
        work["step"].append(float(np.linalg.norm(1 / self.scale.factor)))
        return rows

    with (
        patch.object(KnnIndex, "search", counted_search),
        patch.object(PairSearch, "gather", lambda self, batches: count_rows(self, gather(self, batches))),
        patch.object(PairSearch, "read", lambda self, *given: count_rows(self, read(self, *given))),
    ):
        yield work


def said(notes: dict[str, Any]) -> Row:
    """Return what the run itself said of its search, and what was counted."""
    return {
        "estimated": notes.get("estimated_recall"),
        "cells": notes.get("cells"),
        "guests": notes.get("guests_per_row"),
        "shuffled": notes.get("arrived"),
        "candidates": notes.get("compared"),
    }


def by_smote(points: Floats, **parameters: Any) -> tuple[Made, dict[str, Any]]:
    """Run SMOTE on Sail, in this process; return what it made of what, and its notes."""
    warnings.simplefilter("ignore")
    folder = DATA / "recall"
    shutil.rmtree(folder, ignore_errors=True)
    write_points(folder, points, MAJORITY)
    df = open_session("sail").read.parquet(str(folder))
    features = names(points.shape[1])
    sampler = SMOTE(
        label_col="label",
        key_cols="id",
        feature_cols=features,
        sampling_strategy={1: int((1 + (GROWTH if len(points) <= LARGE else 1)) * len(points))},
        k_neighbors=K,
        provenance_col="made_of",
        output="added",
        passthrough="base",
        **parameters,
    )
    result = sampler.resample(df, {0: MAJORITY, 1: len(points)})
    told = ["made_of.base.id AS base", "made_of.neighbor.id AS neighbor", "made_of.gap AS gap"]
    table = result.frame.selectExpr(*told, *features).toArrow()
    shutil.rmtree(folder)
    rows = np.stack([_numbers(table, name) for name in features], axis=1)
    base, neighbor, gap = (_numbers(table, name) for name in ("base", "neighbor", "gap"))
    return Made(rows, base, neighbor, gap), result.notes


class _Told(imblearn.over_sampling.SMOTE):  # type: ignore[misc]  # imbalanced-learn ships no types
    """imbalanced-learn's SMOTE, which keeps what it made of what."""

    made: Made

    def _generate_samples(self, *given: Any, **named: Any) -> Any:
        rows = super()._generate_samples(*given, **named)
        _, _, near, base, rank, gap = given[:6]
        self.made = Made(rows, base.astype(np.int64), near[base, rank].astype(np.int64), gap.ravel())
        return rows


def by_imbalanced_learn(points: Floats) -> Made:
    """Run imbalanced-learn's SMOTE on the same rows and the same wish."""
    total = int((1 + GROWTH) * len(points))
    others = np.zeros((MAJORITY, points.shape[1]))
    label = np.repeat([1, 0], [len(points), MAJORITY])
    near = NearestNeighbors(n_neighbors=K + 1, n_jobs=-1)
    sampler = _Told(sampling_strategy={1: total}, k_neighbors=near, random_state=1)
    sampler.fit_resample(np.concatenate([points, others]), label)
    return sampler.made


def _numbers(table: pa.Table, name: str) -> Any:
    return table[name].to_numpy()


def rows_of(name: str, quick: bool) -> int:
    """Return how many rows of a set to measure; 0 when its data is not there."""
    if name == "flights" and not Path(FLIGHTS).exists():
        print(f"  flights are left out: {FLIGHTS} is missing, scripts/flights.py makes it", flush=True)
        return 0
    _, full, small = SETS[name]
    return small if quick else full


def measure(options: Options) -> list[Row]:
    """Measure every set in every way."""
    ways = [way for way in WAYS if way != "exact" or exact_is_there()]
    result = []
    for name in SETS:
        rows = rows_of(name, options.quick) if options.wants(name) else 0
        for way in (ways if rows <= LARGE else ["cells"]) if rows else []:
            done = cold({"set": name, "rows": rows, "way": way}, say=f"{name}, {way}")
            result.append({"set": name, "way": way} | done.answer)
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
