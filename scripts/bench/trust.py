"""Seconds and memory of an assessment of SMOTE's new rows of data set G, against the SMOTE that made them.

Each in a cold process, in turns. What is assessed was written before; the SMOTE writes a provenance, too.

    .venv/bin/python scripts/bench/trust.py [--quick] [--engines spark,sail] [--rounds 3] [figure ...]
"""

from __future__ import annotations

import time
import warnings

from generate import names
from section import Options, Row, cold, main, median
from timed_jobs import data_set_g, smote

from spark_balance import assess_synthetic, open_session
from spark_balance.trust.figures import FIGURES

MARK = "made_of"


def one(request: Row) -> Row:
    """Write the rows, or assess those that are there, in this process."""
    warnings.simplefilter("ignore")
    spark = open_session(request["engine"])
    before, out = spark.read.parquet(request["folder"]), f"{request['folder']}.assessed"
    start = time.time()
    if request["figures"] is None:
        smote(provenance_col=MARK)(before).write.mode("overwrite").parquet(out)
        return {"seconds": time.time() - start}
    given = {"label_col": "label", "provenance_col": MARK, "feature_cols": names(), "figures": request["figures"]}
    report = assess_synthetic(before, spark.read.parquet(out), **given)
    return {"seconds": time.time() - start, "new_rows": report.classes[0].new_rows}


def measure(options: Options) -> list[Row]:
    """Let SMOTE, all figures and each that is named have their turns."""
    folder = str(data_set_g(options.quick))
    ways: dict[str, list[str] | None] = {"SMOTE": None, "all figures": list(FIGURES)}
    ways |= {name: [name] for name in options.names}
    rows = []
    for engine in options.engines:
        runs: dict[str, list[Row]] = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, figures in ways.items():
                request = {"engine": engine, "folder": folder, "figures": figures}
                done = cold(request, say=f"{way} on {engine}")
                memory = done.peak.worker_rss if engine == "spark" else done.peak.process_rss
                runs[way].append(done.answer | {"memory": memory})
        smote_seconds = median([run["seconds"] for run in runs["SMOTE"]])
        for way, done_runs in runs.items():
            seconds = [run["seconds"] for run in done_runs]
            row: Row = {"engine": engine, "way": way, "seconds": median(seconds), "all_seconds": seconds}
            ratio, memory = median(seconds) / smote_seconds, max(run["memory"] for run in done_runs)
            rows.append(row | {"ratio": ratio, "memory": memory})
    return rows


if __name__ == "__main__":
    main(measure, one)
