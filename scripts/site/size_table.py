"""The page of sizes: what was measured, from docs/bench/results.json, and what follows from it for larger tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spark_balance import SMOTE

RESULTS = Path(__file__).parents[2] / "docs" / "bench" / "results.json"
G_ROWS, G_FEATURES, G_MINORITY = 1_700_000, 28, 1 / 17  # data set G, which scripts/bench/timings.py runs
LARGER = (
    (10**7, 28, 8),
    (10**8, 28, 64),
    (10**8, 200, 128),
    (10**9, 28, 512),
    (10**9, 200, 1_024),
    (10**10, 28, 4_096),
)
ABOUT = """# What size needs what machine

SMOTE of a table to balance, from Parquet to Parquet. Random methods take less: they run about as long as reading and
writing the rows does ([benchmarks](benchmarks.md#seconds-against-the-floor)). For your own table,
`spark-balance explain job.toml` prints rows, tasks, shuffled bytes and the memory of the largest task before anything
runs.

## Measured

{machine}. Each line names the command that measured it.

| rows x features | what | engine | memory | seconds | by |
|---|---|---|---|---|---|
{measured}

Memory is the most that one Python worker held on classic Spark, beside the JVM, and all of the process on Sail. Classic
Spark takes some 8 seconds to start its workers, whatever the size.

## Extrapolated

These tables were not run. The time is that of G on classic Spark, measured by `bash scripts/bench.sh timings`
({seconds:.1f} s on {cores} cores), times rows and features, divided by cores. One row in 17 is of the rare class, as in
G. In a larger class a row is compared with more rows, twice as many from two million on: count on up to twice the time.
A slow disk or network adds to it. The memory of the largest task is what `explain` says on paper, with the most halo
copies that the bounds allow.

| rows x features | cores | memory of the largest task | shuffled | minutes |
|---|---|---|---|---|
{larger}

[How it grows](scale.md) has the bounds that a table of ten billion rows reaches first.
"""


def pages() -> dict[str, tuple[str, str, str]]:
    """Return by path the section, the title and the text of the page."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))["sections"]
    [timed] = [row for row in found["timings"]["rows"] if (row["engine"], row["job"]) == ("spark", "SMOTE")]
    cores = int(found["timings"]["machine"].split()[0])
    text = ABOUT.format(
        machine=found["timings"]["machine"],
        measured="\n".join(_measured(found)),
        seconds=timed["seconds"],
        cores=cores,
        larger="\n".join(_larger(timed["seconds"] * cores)),
    )
    return {"sizes.md": ("How it works", "Sizes and machines", text)}


def _measured(found: dict[str, Any]) -> Iterator[str]:
    for row in found["local_frames"]["rows"][:1]:
        what = f"a frame of {row['library']}, 1 % rare, to balance"
        yield _line(row["rows"], 10, what, "sail", None, row["first"], "local_frames")
    for row in (*found["scaling"]["rows"], *found["memory"]["rows"][:2]):
        part = "scaling" if "us_per_row" in row else "memory"
        what = f"a class, to {3 if part == 'scaling' else 1 + row['grown']} times its rows"
        memory = row["worker_rss"] or row["process_rss"]
        yield _line(row["rows"], row.get("features", 500), what, row["engine"], memory, row["seconds"], part)
    for row in found["timings"]["rows"]:
        if row["job"] == "SMOTE":
            yield _line(G_ROWS, G_FEATURES, "G, 6 % rare, to balance", row["engine"], None, row["seconds"], "timings")


def _line(rows: int, features: int, what: str, engine: str, memory: float | None, seconds: float, part: str) -> str:
    held = f"{memory:,.0f} MB" if memory else ""
    return f"| {rows:,} x {features} | {what} | {engine} | {held} | {seconds:,.1f} | `bash scripts/bench.sh {part}` |"


def _larger(core_seconds: float) -> Iterator[str]:
    for rows, features, cores in LARGER:
        cost = SMOTE(label_col="label", key_cols="id").explain_sizes(rows, features, G_MINORITY, cores=cores)
        steps = cost.to_dict()["steps"]
        minutes = core_seconds * (rows / G_ROWS) * (features / G_FEATURES) / cores / 60
        task, shuffled = max(one["task_bytes"] for one in steps), sum(one["shuffle_bytes"] for one in steps)
        memory, moved = f"{task / 1e6:,.0f} MB", f"{shuffled / 1e9:,.1f} GB"
        yield f"| {rows:,} x {features} | {cores:,} | {memory} | {moved} | {minutes:,.1f} |"
