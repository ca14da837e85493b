"""Decisions of methods that judge rows among 4 million: their share that one cell with all rows would decide, too.

    .venv/bin/python scripts/bench/decisions.py [--quick] [case ...]

Each method runs on Sail with default parameters, in a cold process. What one cell decides is found by brute force over
all rows, for some of the rows that are judged.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from generate import FEATURES, names, once, write_g
from numpy.typing import NDArray
from section import DATA, Options, Row, cold, main

from spark_balance import BorderlineSMOTE, EditedNearestNeighbours, TomekLinks, open_session

JUDGED = 4_000
BLOCK = 40_000
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def one(request: Row) -> Row:
    """Run one method; return the ids that it chose, and its notes."""
    warnings.simplefilter("ignore")
    given: dict[str, Any] = {"label_col": "label", "key_cols": "id", "random_state": 1}
    df = open_session("sail").read.parquet(request["folder"])
    if request["case"] == "BorderlineSMOTE":
        done = BorderlineSMOTE(**given, output="added", provenance_col="made_of").resample(df)
        table = done.frame.selectExpr("made_of.base.id AS id").distinct()
    else:
        kind = {"TomekLinks": TomekLinks, "EditedNearestNeighbours": EditedNearestNeighbours}[request["case"]]
        done = kind(**given).resample(df)
        table = done.frame.select("id")
    ids = np.sort(table.toArrow()["id"].to_numpy())
    np.save(request["chosen"], ids)
    return {"estimated": done.notes.get("estimated_recall"), "cells": done.notes.get("cells")}


class Table:
    """The rows of a table, scaled as a method scales them."""

    def __init__(self, folder: Path) -> None:
        table = pq.read_table(folder)
        points = np.column_stack([table[name].to_numpy().astype(np.float32) for name in names()])
        self.points: NDArray[np.float32] = points / points.std(axis=0, dtype=np.float64).astype(np.float32)
        self.ids, self.label = table["id"].to_numpy(), table["label"].to_numpy()

    def near(self, rows: Ints, k: int) -> Ints:
        """Return the k nearest of some rows among all others."""
        asked = self.points[rows]
        kept, reach = np.empty((len(rows), 0), dtype=np.int64), np.empty((len(rows), 0), dtype=np.float32)
        every = np.arange(len(rows))
        for start in range(0, len(self.points), BLOCK):
            block = self.points[start : start + BLOCK]
            away = np.einsum("pf,pf->p", block, block) - 2 * (asked @ block.T)
            here = np.flatnonzero((rows >= start) & (rows < start + len(block)))
            away[here, rows[here] - start] = np.inf
            # few rows of a later block are nearer than those that are kept
            beyond = reach.max(axis=1) if start else np.partition(away, 2 * k, axis=1)[:, 2 * k - 1]
            row, column = np.nonzero(away <= beyond[:, None])
            owner = np.concatenate([np.repeat(every, kept.shape[1]), row])
            name = np.concatenate([kept.ravel(), column + start])
            far = np.concatenate([reach.ravel(), away[row, column]])
            order = np.lexsort((far, owner))
            first = np.searchsorted(owner[order], every)
            best = order[first[:, None] + np.arange(2 * k)]
            kept, reach = name[best], far[best]
        apart = self.points[kept].astype(np.float64) - asked[:, None, :]
        order = np.argsort(np.einsum("pkf,pkf->pk", apart, apart), axis=1, kind="stable")[:, :k]
        return np.take_along_axis(kept, order, axis=1)

    def edited(self, rows: Ints) -> Bools:
        """Return which rows of the majority stay: those whose 3 neighbors are all of it."""
        stay: Bools = (self.label[self.near(rows, 3)] == 0).all(axis=1)
        return stay

    def unlinked(self, rows: Ints) -> Bools:
        """Return which rows of the majority stay: those without a link to the minority."""
        nearest = self.near(rows, 1)[:, 0]
        others = np.flatnonzero(self.label[nearest] == 1)
        stay = np.ones(len(rows), dtype=bool)
        stay[others] = self.near(nearest[others], 1)[:, 0] != rows[others]
        return stay

    def in_danger(self, rows: Ints) -> Bools:
        """Return which rows of the minority have half or more of their 10 neighbors in the majority, but not all."""
        others = (self.label[self.near(rows, 10)] == 0).sum(axis=1)
        found: Bools = (others >= 5) & (others < 10)
        return found


CASES = {
    "EditedNearestNeighbours": (0, Table.edited),
    "TomekLinks": (0, Table.unlinked),
    "BorderlineSMOTE": (1, Table.in_danger),
}


def measure(options: Options) -> list[Row]:
    """Measure every case."""
    majority, minority = (360_000, 40_000) if options.quick else (3_600_000, 400_000)
    folder = once(DATA / f"D-{majority}", partial(write_g, majority=majority, minority=minority))
    table: Table | None = None
    result = []
    for case, (label, decide) in CASES.items():
        if not options.wants(case):
            continue
        chosen = DATA / "chosen.npy"
        done = cold({"case": case, "folder": str(folder), "chosen": str(chosen)}, say=case)
        ids = np.load(chosen)
        chosen.unlink()
        table = table or Table(folder)
        rows = np.sort(np.random.default_rng(1).choice(np.flatnonzero(table.label == label), JUDGED, replace=False))
        told, true = np.isin(table.ids[rows], ids), decide(table, rows)
        about = {"case": case, "rows": majority + minority, "features": FEATURES, "judged": len(rows)}
        same = {"same": float(np.mean(told == true)), "chosen": float(np.mean(true))}
        result.append(about | same | done.answer | {"seconds": done.process_seconds})
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
