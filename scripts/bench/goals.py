"""What the project promises of its neighbors, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tables import Rows, markdown, number

from spark_balance.neighbors.cells import MAX_HALO, MAX_WORK

Sections = dict[str, Rows]
# where an index helps; "ball" is the set where none can
EASY = (
    "flights", "G", "G, 500 k", "G, 1.46 M", "G, 2 M", "G, 4 M", "digits", "heavy tails", "blob", "16-d ball", "curved",
    "curved, 1 M",
)  # fmt: skip
MOST_RATIO = {"SMOTE": (1.25, 1.6), "sampleBy": (1.1, 1.1), "under, key": (1.4, 1.4), "under, no key": (1.8, 3.0)}
MOST_RATIO |= {"over": (1.1, 1.1)}


@dataclass(frozen=True)
class Goal:
    """One promise: what, the number it must reach as text, what was measured, and whether that reaches it."""

    what: str
    must: str
    measured: str
    met: bool

    @property
    def cells(self) -> list[str]:
        """The goal as a row of a table."""
        return [self.what, self.must, self.measured, "yes" if self.met else "**no**"]


def table(sections: Sections) -> str:
    """Return every goal that the sections at hand can judge."""
    found = [goal for name, judge in _JUDGES for goal in (judge(sections[name]) if sections.get(name) else ())]
    return markdown("what | must be | measured | reached", (goal.cells for goal in [*found, *_peak_memory(sections)]))


def _timings(rows: Rows) -> Iterator[Goal]:
    by_job = {(row["engine"], row["job"]): row for row in rows}
    for job, (spark, sail) in MOST_RATIO.items():
        for engine, most in (("spark", spark), ("sail", sail)):
            if row := by_job.get((engine, job)):
                what = f"{job} on {engine}, G, against its floor"
                yield Goal(what, f"<= {most}x", number(row["ratio"], ".2f", "x"), row["ratio"] <= most)
    for engine in ("spark", "sail"):
        exact, default = by_job.get((engine, "SMOTE exact")), by_job.get((engine, "SMOTE"))
        if exact and default:
            ratio = exact["seconds"] / default["seconds"]
            most = {"spark": 1.3, "sail": 1.5}[engine]
            what = f'neighbors="exact" on {engine} against the default'
            yield Goal(what, f"<= {most}x", f"{ratio:.2f}x", ratio <= most)


MOST_SIZES = {"R": (1.05, 1.0), "G": (1.25, 1.6), "G5": (1.35, 1.4), "H": (1.8, 2.2)}  # on Spark and on Sail
MOST_EXACT = {("G", "spark"): 1.3, ("G", "sail"): 1.5, ("G5", "sail"): 1.8}


def _sizes(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        table, engine, ratio, exact = row["table"], row["engine"], row["ratio"], row["exact_ratio"]
        if table in MOST_SIZES:
            most = MOST_SIZES[table][engine == "sail"]
            yield Goal(
                f"SMOTE of {table} on {engine}, against its floor", f"<= {most}x", f"{ratio:.2f}x", ratio <= most
            )
        if exact and (table, engine) in MOST_EXACT:
            most = MOST_EXACT[table, engine]
            yield Goal(
                f"recall=1.0 of {table} on {engine}, against the default", f"<= {most}x", f"{exact:.2f}x", exact <= most
            )


def _recall(rows: Rows) -> Iterator[Goal]:
    cells = {row["set"]: row for row in rows if row["way"] == "cells"}
    for name in EASY:
        if row := cells.get(name):
            found = float(row["recall"])
            yield Goal(f"recall of the true 5 nearest, {name}", ">= 0.99", f"{found:.4f}", found >= 0.99)
    if row := cells.get("ball"):
        error = abs(row["estimated"] - row["recall"])
        yield Goal("ball: estimated against measured recall", "within 0.02", f"{error:.4f}", error <= 0.02)
    ours = [row for row in rows if row["way"] in ("cells", "exact")]
    if ours:
        uneven = max(row["base_use_max"] - row["base_use_min"] for row in ours)
        yield Goal("rows that bases make, largest difference", "<= 1", str(uneven), uneven <= 1)
    if plain := [row for row in ours if not row["duplicates"]]:
        copies = max(row["copies"] for row in plain)
        yield Goal("exact copies, sets without equal rows", "0", number(100 * copies, ".2g", " %"), copies == 0)
    # sections keep what an older script measured
    if exact := [row for row in ours if row["way"] == "exact" and "beyond_grid" in row]:
        worst = max(exact, key=lambda row: (float(row["beyond_grid"]), -float(row["recall"])))
        told = f"{1 - worst['beyond_grid']:.4f}; {worst['recall']:.4f} of unrounded distances ({worst['set']})"
        yield Goal('recall of neighbors="exact", worst set', "1.0", told, worst["beyond_grid"] == 0)
    columns = (("candidates a row", "candidates", MAX_WORK), ("shuffled copies a row", "shuffled", 1 + MAX_HALO))
    for what, column, most in columns:
        known = [row for row in cells.values() if row[column] is not None]
        if known:
            worst = max(known, key=lambda row: float(row[column]))
            told = f"{number(worst[column], ',.0f' if most > 10 else '.2f')} ({worst['set']})"
            yield Goal(f"{what}, worst set", f"<= {most:,}", told, worst[column] <= most)


def _scaling(rows: Rows) -> Iterator[Goal]:
    for engine in ("spark", "sail"):
        sizes = sorted((row for row in rows if row["engine"] == engine), key=lambda row: int(row["rows"]))
        if len(sizes) > 2:
            second, last = sizes[1], sizes[-1]
            ratio = last["us_per_row"] / second["us_per_row"]
            what = f"seconds a row on {engine}, {last['rows']:,} rows against {second['rows']:,}"
            yield Goal(what, "<= 1.15x", f"{ratio:.2f}x", ratio <= 1.15)
        if sizes := [row for row in sizes if "estimated_recall" in row]:
            worst = min(sizes, key=lambda row: float(row["estimated_recall"]))
            what = f"recall as the run on {engine} estimates it, worst of {len(sizes)} sizes"
            told = f"{worst['estimated_recall']:.3f} ({worst['rows']:,} rows, {worst['cells']} cells)"
            yield Goal(what, ">= 0.99", told, worst["estimated_recall"] >= 0.99)


def _peak_memory(sections: Sections) -> Iterator[Goal]:
    measured = (row for name in ("scaling", "memory", "methods") for row in sections.get(name, []))
    rows = [row for row in measured if row["engine"] == "spark"]
    if rows:
        worst = max(rows, key=lambda row: float(row["worker_rss"]))
        where = worst.get("shape") or worst.get("method") or f"{worst['rows']:,} rows"
        told = f"{worst['worker_rss']:,.0f} MB ({where})"
        what = "peak memory of a Spark Python worker, worst case"
        yield Goal(what, "<= 1,000 MB", told, worst["worker_rss"] <= 1_000)


def _methods(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        if row["most_seconds"] is not None:
            candidates = row.get("candidates_per_row")
            held = row["seconds"] <= row["most_seconds"] and (candidates or 0) <= 10_000
            told = f"{row['seconds']:.1f} s, {number(candidates, ',.0f')} candidates"
            what = f"`{row['method']}` of G on {row['engine']}"
            yield Goal(what, f"<= {row['most_seconds']:.1f} s, 10,000 candidates a row", told, held)


def _end_to_end(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        if row["way"] != "imbalanced-learn":
            times = row["whole_seconds_faster"]
            what = f"read, SMOTE, write G on {row['way']} against imbalanced-learn, whole processes"
            yield Goal(what, "faster", number(times, ".2f", "x as fast"), times > 1)


def _local_frames(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        for what, most in (("first", 5), ("next", 2)):
            said = f"{what} SMOTE of {row['rows']:,} rows of {row['library']} in a process"
            yield Goal(said, f"<= {most} s", f"{row[what]:.2f} s", row[what] <= most)


def _bytes_read(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        if row["step"] == "all":
            told = f"{row['read_mb']:,.1f} of {row['allowed_mb']:,.1f} MB"
            what = f"bytes read by SMOTE, layout {row['layout']}"
            yield Goal(what, "<= allowed, to a thousandth", told, row["read_mb"] <= row["allowed_mb"] * 1.001)


MOST_AGAINST = {
    "SMOTE in 2,000 groups": 3.0,
    "TomekLinks in 2,000 groups": 3.0,
    "RandomOverSampler in 100,000 groups": 1.5,
    "RandomUnderSampler in 100,000 groups": 1.5,
    "SMOTE of R, read once": 1.0,
}
MOST_MB = 128  # of numbers that a task makes


def _any_size(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        where = f"{row['case']} on {row['engine']}"
        if most := MOST_AGAINST.get(row["case"]):
            yield Goal(
                f"{where}, against {row['against']}", f"<= {most}x", f"{row['ratio']:.2f}x", row["ratio"] <= most
            )
        else:
            told = f"{row['largest_mb']:,.0f} MB in one of {row['tasks']} tasks"
            yield Goal(f"{where}, largest task of new rows", f"<= {MOST_MB} MB", told, row["largest_mb"] <= MOST_MB)


def _wide(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        yield Goal(
            f"recall of the true 5 nearest, {row['case']}", ">= 0.95", f"{row['recall']:.3f}", row["recall"] >= 0.95
        )
        most = 3 * 4 * row["features"]
        yield Goal(f"shuffled bytes a row, {row['case']}", f"<= {most:,}", f"{row['bytes']:,.0f}", row["bytes"] <= most)


def _decisions(rows: Rows) -> Iterator[Goal]:
    for row in rows:
        what = f"decisions of {row['case']} on {row['rows']:,} rows that are those of one cell"
        yield Goal(what, ">= 99.5 %", f"{100 * row['same']:.2f} %", row["same"] >= 0.995)


_JUDGES: list[tuple[str, Callable[[list[dict[str, Any]]], Iterator[Goal]]]] = [
    ("timings", _timings),
    ("sizes", _sizes),
    ("recall", _recall),
    ("wide", _wide),
    ("any_size", _any_size),
    ("decisions", _decisions),
    ("scaling", _scaling),
    ("end_to_end", _end_to_end),
    ("local_frames", _local_frames),
    ("bytes_read", _bytes_read),
    ("methods", _methods),
]
