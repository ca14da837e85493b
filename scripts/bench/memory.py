"""Peak memory of a Spark Python worker on awkward data: wide, equal, dense, clustered, much grown, categorical.

.venv/bin/python scripts/bench/memory.py [--quick] [--engines spark,sail] [shape ...]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
from generate import FEATURES, Floats, Shape, latent_rows, once, write_shape
from section import DATA, Options, Row, cold, main
from timed_jobs import seconds_of, smote, smotenc


@dataclass(frozen=True)
class Case:
    """A minority of some shape, how many synthetic rows each of its rows makes, and what else SMOTE is told.

    With `categories` SMOTENC is, and the table has a column of text with so many values.
    """

    shape: Shape
    rows: int
    grown: int = 2
    parameters: Mapping[str, int] = field(default_factory=dict)
    majority: int = 10_000
    categories: int = 0


def _equal(rows: int, piece: int) -> Floats:
    return np.tile(latent_rows(1, 1), (rows, 1))


def _half_equal(rows: int, piece: int) -> Floats:
    return np.where(np.arange(rows)[:, None] % 2 == 0, _equal(rows, piece), latent_rows(rows, 400 + piece))


def _one_blob(rows: int, piece: int) -> Floats:
    made = latent_rows(rows, 500 + piece)
    made[np.arange(rows) % 1_000 > 0] *= 1e-3
    return made


def _clusters(rows: int, piece: int) -> Floats:
    """300 far clusters of very different sizes: some of many cells are all but empty."""
    draw = np.random.default_rng(600 + piece)
    centers = np.random.default_rng(6).normal(size=(300, FEATURES)) * 1_000
    sizes = 1 / np.arange(1, 301) ** 1.5
    made: Floats = centers[draw.choice(300, size=rows, p=sizes / sizes.sum())] + draw.normal(size=(rows, FEATURES))
    return made


def _latent(features: int) -> Callable[[int, int], Floats]:
    return lambda rows, piece: latent_rows(rows, 700 + piece, features)


CASES = {
    "500 features": Case(_latent(500), 40_000),
    "all rows equal": Case(_equal, 200_000),
    "half the rows equal": Case(_half_equal, 200_000),
    "one dense blob": Case(_one_blob, 200_000),
    "empty cells": Case(_clusters, 200_000, parameters={"cell_rows": 512}),
    "1,000 synthetic rows a base": Case(_latent(FEATURES), 4_000, 1_000),
    "100,000 categories": Case(_latent(FEATURES), 300_000, 8, majority=2_700_000, categories=100_000),
}
QUICK = {"half the rows equal": 20_000, "1,000 synthetic rows a base": 200}


def one(request: Row) -> Row:
    """Return the seconds of one case in this process, and how many cells there were."""
    rows, notes = request["rows"] * (1 + request["grown"]), dict[str, Any]()
    wish = {"sampling_strategy": {1: rows}, **request["parameters"]}
    job = smotenc(notes, request["categories"], **wish) if request["categories"] else smote(notes, **wish)
    return seconds_of(job, request["engine"], request["folder"]) | {"cells": notes["cells"]}


def measure(options: Options) -> list[Row]:
    """Run every shape once on each engine: memory, unlike time, hardly varies."""
    result = []
    for name, case in CASES.items():
        rows = QUICK.get(name, 0) if options.quick else case.rows
        if not rows or not options.wants(name):
            continue
        place = DATA / f"{name.replace(' ', '-').replace(',', '')}-{rows}"
        folder = once(place, partial(write_shape, shape=case.shape, minority=rows, majority=case.majority))
        for engine in options.engines:
            request = {"rows": rows, "grown": case.grown, "engine": engine, "folder": str(folder)}
            request |= {"parameters": dict(case.parameters), "categories": case.categories}
            run = cold(request, say=f"{name} on {engine}")
            about = {"shape": name, "engine": engine, "rows": rows, "grown": case.grown}
            result.append(about | run.answer | asdict(run.peak))
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
