"""Read, SMOTE and write data set G, against imbalanced-learn with pandas in one process.

The same Parquet in, the same columns and number of rows out, the same machine; cold processes take turns. "whole" is
a process from start to end, imports and session included; "work" is from an open session, or from done imports.

    .venv/bin/python scripts/bench/end_to_end.py [--quick] [--engines spark,sail] [--rounds 3] [way ...]
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from generate import names
from machine import cores
from section import Options, Row, cold, main, median
from timed_jobs import JOBS, data_set_g, seconds_of

IMBALANCED_LEARN = "imbalanced-learn"


def one(request: Row) -> Row:
    """Return the seconds of one way in this process."""
    if request["way"] == IMBALANCED_LEARN:
        return by_imbalanced_learn(request["folder"])
    return seconds_of(JOBS["SMOTE"], request["way"], request["folder"])


def by_imbalanced_learn(folder: str) -> Row:
    """Do the job as a data scientist with one machine would, on all cores where the search takes them."""
    import pandas as pd
    from imblearn.over_sampling import SMOTE
    from sklearn.neighbors import NearestNeighbors

    out = Path(f"{folder}.imbalanced-learn.parquet")
    start = time.time()
    frame = pd.read_parquet(folder)
    near = NearestNeighbors(n_neighbors=6, n_jobs=cores())
    features, label = SMOTE(k_neighbors=near, random_state=1).fit_resample(frame[names()], frame["label"])
    # originals come first; a synthetic row has no id, as with passthrough="null"
    features.insert(0, "id", frame["id"].astype("Int64").reindex(features.index))
    features.assign(label=label).to_parquet(out, index=False)
    seconds = time.time() - start
    written = out.stat().st_size / 1e6
    out.unlink()
    return {"seconds": seconds, "written_mb": written}


def measure(options: Options) -> list[Row]:
    """Let every way have its turn, `rounds` times."""
    folder = str(data_set_g(options.quick))
    ways = [way for way in (*options.engines, IMBALANCED_LEARN) if options.wants(way)]
    runs: dict[str, list[Row]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way in ways:
            done = cold({"way": way, "folder": folder}, say=f"read, SMOTE and write by {way}")
            runs[way].append(done.answer | {"whole_seconds": done.process_seconds} | asdict(done.peak))
    theirs = runs.get(IMBALANCED_LEARN, [])
    result = []
    for way, done_runs in runs.items():
        row: Row = {"way": way, "written_mb": done_runs[-1]["written_mb"]}
        for kind in ("whole_seconds", "seconds"):
            row[kind] = median([run[kind] for run in done_runs])
            row[f"{kind}_faster"] = median([run[kind] for run in theirs]) / row[kind]
            row[f"all_{kind}"] = [run[kind] for run in done_runs]
        for kind in ("process_rss", "worker_rss"):
            row[kind] = max(run[kind] for run in done_runs)
        result.append(row)
    return result


if __name__ == "__main__":
    main(measure, one)
