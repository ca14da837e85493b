"""Memory of a task that searches a cell, beside its worker: what a number of a row and a pair of rows take.

    .venv/bin/python scripts/bench/task_memory.py [--quick] [case ...]

The rows come in batches, as an engine hands them over; a base makes five new rows, with a neighbor each.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from generate import FEATURES as WIDTH, latent_rows
from section import Options, Row, cold, main

from spark_balance.frames.arrow import packed
from spark_balance.frames.row_ids import CELL, CODE, COPIES, FEATURES, HI, LO, NTH
from spark_balance.kernels import steps
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.pairs import PairSearch

K = 5
BATCH = 10_000
# name: (rows of the cell, and of them bases)
CASES = {
    "a small class": (200_000, 200_000),
    "a large cell": (400_000, 100_000),
    "the largest cell": (780_000, 195_000),
}


def one(request: Row) -> Row:
    """Search one cell in this process; return the bytes that it took at most."""
    rows, bases = request["rows"], request["bases"]
    if not request["compiled"]:
        steps.ENOUGH = 2**60
    # what a worker holds once, whatever it searches
    chosen = steps.steps_for(rows * WIDTH).made_by
    raw, draw = latent_rows(rows, 3), np.random.default_rng(0)
    batches = []
    for start in range(0, rows, BATCH):
        some = raw[start : start + BATCH]
        ids = draw.integers(-(2**62), 2**62, (2, len(some)))
        zeros = np.zeros(len(some), np.int32)
        copies = np.where(np.arange(start, start + len(some)) < bases, K, 0).astype(np.int32)
        columns = {HI: ids[0], LO: ids[1], NTH: zeros, CODE: zeros, CELL: zeros, COPIES: copies, FEATURES: packed(some)}
        batches.append(pa.record_batch(columns))
    search = PairSearch(Scale.fit(raw[:50_000], equalize=True), K, 1, candidates=8_000)
    came = sum(batch.nbytes for batch in batches)
    del raw, some
    before = peak = _resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, _resident())
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    pairs = sum(found.num_rows for found in search(search.gather(batches)))
    done.set()
    watcher.join()
    return {"pairs": pairs, "searched_with": chosen, "bytes": peak - before + came}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def measure(options: Options) -> list[Row]:
    """Measure every case, compiled and not."""
    result = []
    for case, (rows, bases) in CASES.items():
        for compiled in (True, False) if options.wants(case) else ():
            request = {"rows": rows, "bases": bases, "compiled": compiled}
            if options.quick:
                request |= {"rows": rows // 10, "bases": bases // 10}
            done = cold(request, say=f"{case}, {'compiled' if compiled else 'in NumPy'}")
            result.append({"case": case, "features": WIDTH} | request | done.answer)
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
