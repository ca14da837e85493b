"""Wide rows: recall, shuffled bytes a row, seconds and memory of SMOTE on 200,000 embeddings of 768 numbers.

Features are one `array<float>`. Each case runs in a cold process on Sail, with default parameters; base and neighbour
are taken from the provenance column, and the truth is brute force over all rows of the class for 1,000 bases.

    .venv/bin/python scripts/bench/wide.py [--quick] [case ...]
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from generate import once
from numpy.typing import NDArray
from section import DATA, Options, Row, cold, main

from spark_balance import SMOTE
from spark_balance.app.session import open_session
from spark_balance.neighbors.cell_rows import CellRows
from spark_balance.neighbors.pairs import PairSearch

K = 5
BASES = 1_000
MAJORITY = 10
PIECE = 20_000
Singles = NDArray[np.float32]


def clustered(rows: int, width: int, seed: int) -> Singles:
    """Return embeddings of 64 latent dimensions in 40 overlapping clusters, and noise."""
    shape = np.random.default_rng(7)
    centers, axes = shape.normal(size=(40, 64)), shape.normal(size=(64, width)) / 8
    draw = np.random.default_rng(seed)
    latent = centers[draw.integers(40, size=rows)] + 0.7 * draw.normal(size=(rows, 64))
    return (latent @ axes + 0.05 * draw.normal(size=(rows, width))).astype(np.float32)


def spectrum(rows: int, width: int, seed: int) -> Singles:
    """Return one cloud whose 256 latent deviations fall as 1 / sqrt(i), as those of embeddings do: it has no gaps."""
    axes = np.random.default_rng(8).normal(size=(256, width)) / np.sqrt(np.arange(1, 257))[:, None]
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(rows, 256)) @ axes + 0.05 * draw.normal(size=(rows, width))).astype(np.float32)


SETS = {"clustered": clustered, "spectrum": spectrum}
# name: (set, rows, numbers of a row, metric)
CASES = {
    "clustered x 768": ("clustered", 200_000, 768, "euclidean"),
    "clustered x 768, cosine": ("clustered", 200_000, 768, "cosine"),
    "spectrum x 768": ("spectrum", 200_000, 768, "euclidean"),
    "clustered x 1,536": ("clustered", 100_000, 1_536, "euclidean"),
}
QUICK_ROWS = 20_000


def write(folder: Path, name: str, rows: int, width: int) -> None:
    """Write a set as Parquet: id, embedding, label; every number at deviation 1, so that scaling or not is the same."""
    folder.mkdir(parents=True)
    spread = SETS[name](PIECE, width, 0).std(axis=0)
    for part, start in enumerate(range(0, rows, PIECE)):
        points = SETS[name](min(PIECE, rows - start), width, part) / spread
        _write(folder / f"minority-{part:02d}.parquet", start, points, 1)
    _write(folder / "majority.parquet", rows, np.ones((MAJORITY, width), np.float32), 0)


def _write(path: Path, first: int, points: Singles, label: int) -> None:
    ends = pa.array(points.shape[1] * np.arange(len(points) + 1, dtype=np.int32))
    columns = {
        "id": np.arange(first, first + len(points), dtype=np.int64),
        "embedding": pa.ListArray.from_arrays(ends, pa.array(points.ravel())),
        "label": np.full(len(points), label, np.int32),
    }
    pq.write_table(pa.table(columns), path, row_group_size=5_000, use_dictionary=False, compression=None)


def one(request: Row) -> Row:
    """Grow the class by a row a base; return what was said, what arrived in cells, and some pairs."""
    warnings.simplefilter("ignore")
    rows = request["rows"]
    df = open_session("sail").read.parquet(request["folder"])
    sampler = SMOTE(
        label_col="label",
        key_cols="id",
        feature_cols=["embedding"],
        sampling_strategy={1: 2 * rows},
        k_neighbors=K,
        provenance_col="made_of",
        output="added",
        **request["parameters"],
    )
    with arrivals() as arrived:
        result = sampler.resample(df, {0: MAJORITY, 1: rows})
        table = result.frame.selectExpr("made_of.base.id AS base", "made_of.neighbor.id AS neighbor").toArrow()
    base, neighbor = (table[name].to_numpy() for name in ("base", "neighbor"))
    some = np.isin(base, _bases(rows))
    notes: dict[str, Any] = result.notes
    return {
        "pairs": [base[some].tolist(), neighbor[some].tolist()],
        "estimated": notes["estimated_recall"],
        "cells": notes["cells"],
        "bytes": sum(one.bytes for one in arrived) / rows,
        "copies": sum(one.rows for one in arrived) / rows,
        "largest": max(one.rows for one in arrived),
    }


class Size(NamedTuple):
    """What arrived in a cell."""

    rows: int
    bytes: int


@contextmanager
def arrivals() -> Iterator[list[Size]]:
    """Note the rows and bytes that arrive in cells: Sail's tasks run in this process."""
    arrived: list[Size] = []
    gather = PairSearch.gather

    def noted(self: PairSearch, batches: list[pa.RecordBatch]) -> CellRows:
        arrived.append(Size(sum(one.num_rows for one in batches), sum(one.nbytes for one in batches)))
        return gather(self, batches)

    with patch.object(PairSearch, "gather", noted):
        yield arrived


def _bases(rows: int) -> NDArray[np.int64]:
    return np.random.default_rng(1).choice(rows, min(BASES, rows), replace=False)


def recall(folder: Path, rows: int, pairs: list[list[int]], *, cosine: bool) -> float:
    """Return the share of some pairs whose neighbour is one of the k true ones."""
    found = [pq.read_table(path)["embedding"].combine_chunks() for path in sorted(folder.glob("minority*"))]
    points = np.concatenate([one.values.to_numpy().reshape(len(one), -1) for one in found])
    del found
    if cosine:
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    bases = np.sort(_bases(rows))
    squares = np.einsum("rf,rf->r", points, points)
    near = np.empty((len(bases), 4 * K), dtype=np.int64)
    for start in range(0, len(bases), 100):
        some = bases[start : start + 100]
        away = squares - 2 * (points[some] @ points.T)
        away[np.arange(len(some)), some] = np.inf
        near[start : start + 100] = np.argpartition(away, 4 * K, axis=1)[:, : 4 * K]
    exact = points[bases].astype(np.float64)
    away = np.stack([np.linalg.norm(points[near[:, i]] - exact, axis=1) for i in range(4 * K)], axis=1)
    reach = np.sort(away, axis=1)[:, K - 1]
    base, neighbor = map(np.array, pairs)
    at = np.searchsorted(bases, base)
    return float(np.mean(np.linalg.norm(points[neighbor] - exact[at], axis=1) <= reach[at] * (1 + 1e-6)))


def measure(options: Options) -> list[Row]:
    """Measure every case."""
    result = []
    for case, (name, full, width, metric) in CASES.items():
        if not options.wants(case):
            continue
        rows = QUICK_ROWS if options.quick else full
        folder = once(DATA / f"wide-{name}-{rows}-{width}", partial(write, name=name, rows=rows, width=width))
        done = cold({"folder": str(folder), "rows": rows, "parameters": {"metric": metric}}, say=case)
        pairs = done.answer.pop("pairs")
        found = recall(folder, rows, pairs, cosine=metric == "cosine")
        about = {"case": case, "rows": rows, "features": width, "recall": found}
        memory = {"seconds": done.process_seconds, "process_rss": done.peak.process_rss}
        result.append(about | done.answer | memory)
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
