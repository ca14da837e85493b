"""Ways to find the 5 nearest rows inside one cell: microseconds a row and recall, where each one wins.

One thread, every row of the cell asked; ways that take longer than the others by far ask 1,000 of them. faiss
(`pip install faiss-cpu`: an inverted list and HNSW) is measured where it is installed, scikit-learn's trees always.

    .venv/bin/python scripts/bench/local_models.py [--quick] [way ...]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from generate import Floats, latent_rows
from section import Options, Row, main
from sklearn.neighbors import NearestNeighbors

from spark_balance.kernels.distances import one_thread
from spark_balance.kernels.knn import knn
from spark_balance.kernels.scale import Scale

K = 5
SIZES = [(rows, features) for features in (4, 28, 64) for rows in (2_000, 16_000, 64_000)]
QUICK = [(2_000, 4), (6_000, 28)]
ASKED = 1_000  # of the slow ways, and of recall
Search = Callable[[Floats, Any], Any]


def _pivots(points: Floats, asked: Any) -> Any:
    return knn(points, asked, K)[0]


def _brute(points: Floats, asked: Any) -> Any:
    return knn(points, asked, K, how="brute")[0]


def _kd_tree(points: Floats, asked: Any) -> Any:
    model = NearestNeighbors(n_neighbors=K + 1, algorithm="kd_tree").fit(points)
    return model.kneighbors(points[asked], return_distance=False)


def _inverted_list(points: Floats, asked: Any) -> Any:
    import faiss

    faiss.omp_set_num_threads(1)
    single = points.astype(np.float32)
    lists = max(1, round(len(points) ** 0.5))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(points.shape[1]), points.shape[1], lists)
    index.train(single)
    index.add(single)
    index.nprobe = max(1, lists // 12)
    return index.search(single[asked], K + 1)[1]


def _hnsw(points: Floats, asked: Any) -> Any:
    import faiss

    faiss.omp_set_num_threads(1)
    single = points.astype(np.float32)
    index = faiss.IndexHNSWFlat(points.shape[1], 16)
    index.hnsw.efConstruction, index.hnsw.efSearch = 80, 80
    index.add(single)
    return index.search(single[asked], K + 1)[1]


# each way, and whether it asks every row: the others ask a few, whose time is that of all
WAYS: dict[str, tuple[Search, bool]] = {
    "pivots, as in cells": (_pivots, True),
    "all pairs": (_brute, False),
    "k-d tree (scikit-learn)": (_kd_tree, False),
    "inverted list (faiss, float32)": (_inverted_list, True),
    "HNSW (faiss, float32)": (_hnsw, True),
}


def measure(options: Options) -> list[Row]:
    """Return one row for each size and way."""
    result = []
    for rows, features in QUICK if options.quick else SIZES:
        made = latent_rows(rows, 8, features)
        points = Scale.fit(made, equalize=True).integers(made)
        few = np.sort(np.random.default_rng(1).permutation(rows)[:ASKED])
        true = knn(points, few, K, how="brute")[0]
        for name, (search, every) in WAYS.items():
            if not options.wants(name) or ("faiss" in name and find_spec("faiss") is None):
                continue
            asked = np.arange(rows) if every else few
            with one_thread():
                start = time.time()
                found = search(points, asked)
                seconds = time.time() - start
            recall = _recall(found[few] if every else found, few, true)
            about = {"rows": rows, "features": features, "way": name, "asked": len(asked)}
            result.append(about | {"us_per_row": seconds / len(asked) * 1e6, "recall": recall})
            print(f"  {rows:,} x {features}, {name}: {result[-1]['us_per_row']:.1f} us a row, {recall:.4f}", flush=True)
    return result


def _recall(found: Any, asked: Any, true: Any) -> float:
    """Return the share of the true neighbours that were found, the row itself left aside."""
    shares = [np.isin(near, others[others != row]).mean() for row, near, others in zip(asked, true, found, strict=True)]
    return float(np.mean(shares))


def one(request: Row) -> Row:
    """Refuse: this section needs no cold process."""
    raise SystemExit(f"nothing is asked of this section: {request}")


if __name__ == "__main__":
    main(measure, one, rounds=1)
