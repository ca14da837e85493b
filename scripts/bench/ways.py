"""Other ways to run SMOTE on data set G on classic Spark: what each setting gains or costs, in turns.

Seconds from an open session to written Parquet, in cold processes, against the same job as it is.

    .venv/bin/python scripts/bench/ways.py [--quick] [--rounds 3] [way ...]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from section import Options, Row, cold, main, median
from timed_jobs import data_set_g, seconds_of, smote

ARROW = "spark.sql.execution.arrow.maxRecordsPerBatch"
SPLIT = "spark.sql.files.maxPartitionBytes"


@dataclass(frozen=True)
class Way:
    """What SMOTE is told, and what Spark is."""

    parameters: dict[str, Any] = field(default_factory=dict)
    conf: dict[str, str] = field(default_factory=dict)


AS_IT_IS = "as it is"
WAYS = {
    AS_IT_IS: Way(),
    "one cell": Way({"cell_rows": 131_072}),
    "four cells": Way({"cell_rows": 25_000}),
    "Arrow batches of 1,000 rows": Way(conf={ARROW: "1000"}),
    "Arrow batches of 100,000 rows": Way(conf={ARROW: "100000"}),
    "shuffle not compressed": Way(conf={"spark.shuffle.compress": "false"}),
    "splits of 32 MB": Way(conf={SPLIT: "32m"}),
    "splits of 512 MB": Way(conf={SPLIT: "512m"}),
    "no adaptive execution": Way(conf={"spark.sql.adaptive.enabled": "false"}),
    "no whole-stage code": Way(conf={"spark.sql.codegen.wholeStage": "false"}),
}


def one(request: Row) -> Row:
    """Return the seconds of one way in this process."""
    way = WAYS[request["way"]]
    return seconds_of(smote(**way.parameters), "spark", request["folder"], way.conf)


def measure(options: Options) -> list[Row]:
    """Let every way have its turn, `rounds` times."""
    if "spark" not in options.engines:
        print("  left out: these are settings of classic Spark", flush=True)
        return []
    folder = str(data_set_g(options.quick))
    chosen = [name for name in WAYS if name == AS_IT_IS or options.wants(name)]
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(options.rounds):
        for name in chosen:
            seconds[name].append(cold({"way": name, "folder": folder}, say=f"SMOTE, {name}").answer["seconds"])
    base = median(seconds[AS_IT_IS])
    return [
        {"way": name, "seconds": median(each), "ratio": median(each) / base, "all_seconds": each}
        for name, each in seconds.items()
    ]


if __name__ == "__main__":
    main(measure, one)
