"""Each section of the results as a Markdown table; nothing here measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

Rows = list[dict[str, Any]]


def markdown(head: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table; its head is given as 'one | two | three'."""
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|" + "---|" * columns, *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def number(value: float | None, form: str = ".1f", unit: str = "") -> str:
    """Return a number as text; n/a where there is none."""
    return "n/a" if value is None or value != value else f"{value:{form}}{unit}"


def timings(rows: Rows) -> str:
    """Return seconds and ratios of each job."""
    return markdown(
        "engine | job | seconds (median) | its floor | ratio",
        (
            [
                row["engine"],
                row["job"],
                number(row["seconds"], ".2f"),
                number(row["floor_seconds"], ".2f"),
                number(row["ratio"], ".2f"),
            ]
            for row in rows
        ),
    )


def sizes(rows: Rows) -> str:
    """Return seconds, ratios and new rows a second of SMOTE of each table."""
    return markdown(
        "engine | table | seconds (median) | its floor | ratio | new rows a second | recall=1.0 against it",
        (
            [
                row["engine"],
                row["table"],
                number(row["seconds"]),
                number(row["floor_seconds"]),
                number(row["ratio"], ".2f"),
                number(row["new_rows"] / row["seconds"], ",.0f"),
                number(row["exact_ratio"], ".2f"),
            ]
            for row in rows
        ),
    )


def recall(rows: Rows) -> str:
    """Return one row for each data set: recall in every way, and the work of the default."""
    by_set: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        by_set.setdefault(row["set"], {})[row["way"]] = row

    def line(name: str, ways: dict[str, dict[str, Any]]) -> list[str]:
        cells = ways["cells"]
        found = [number(ways.get(way, {}).get("recall"), ".4f") for way in ("partition", "cells", "exact")]
        return [
            name,
            f"{cells['rows']:,} x {cells['features']}",
            *found,
            number(1 - ways.get("exact", {}).get("beyond_grid", math.nan), ".4f"),
            number(cells["estimated"], ".4f"),
            number(cells["shuffled"], ".2f"),
            number(cells["candidates"], ",.0f"),
            str(cells["cells"]),
        ]

    head = "data | rows x features | random partitions | cells | exact | exact, except rounding"
    head += " | cells, as estimated in the run | shuffled copies a row | candidates a row | cells made"
    return markdown(head, (line(name, ways) for name, ways in by_set.items()))


def quality(rows: Rows) -> str:
    """Return what the synthetic rows of each set and way are worth."""
    return markdown(
        "data | neighbors | true neighbors | exact copies | equal rows in the data | distinct gaps | rows a base makes",
        (
            [
                row["set"],
                "random partitions" if row["way"] == "partition" else row["way"],
                number(row["recall"], ".4f"),
                number(100 * row["copies"], ".2f", " %"),
                number(100 * row["duplicates"], ".2f", " %"),
                f"{row['gaps']:,} of {row['synthetic']:,}",
                f"{row['base_use_min']} to {row['base_use_max']}",
            ]
            for row in rows
        ),
    )


def guests(rows: Rows) -> str:
    """Return recall for each bound on halo copies."""
    return markdown(
        "data | rows | cells | halo copies a row | recall | as estimated in the run",
        (
            [
                row["set"],
                f"{row['rows']:,}",
                str(point["cells"]),
                number(point["guests"], ".2f"),
                number(point["recall"], ".4f"),
                number(point["estimated"], ".4f"),
            ]
            for row in rows
            for point in row["curve"]
        ),
    )


def scaling(rows: Rows) -> str:
    """Return time and memory for each size."""
    return markdown(
        "engine | rows of the minority | seconds (median) | microseconds a row | worker, RSS | worker, PSS | process"
        " | cells | halo copies a row | estimated recall",
        (
            [
                row["engine"],
                f"{row['rows']:,}",
                number(row["seconds"]),
                number(row["us_per_row"]),
                *_peaks(row),
                number(row.get("cells"), ",.0f"),
                number(row.get("guests_per_row"), ".2f"),
                number(row.get("estimated_recall"), ".4f"),
            ]
            for row in rows
        ),
    )


def memory(rows: Rows) -> str:
    """Return memory for each shape."""
    return markdown(
        "data | engine | rows | cells | seconds | worker, RSS | worker, PSS | process",
        (
            [
                row["shape"],
                row["engine"],
                f"{row['rows']:,}",
                number(row.get("cells"), ",.0f"),
                number(row["seconds"]),
                *_peaks(row),
            ]
            for row in rows
        ),
    )


def _peaks(row: dict[str, Any]) -> list[str]:
    """Return the three peaks; an engine without workers has none, on Spark the process is a mere client."""
    if row["engine"] == "sail":
        return ["in the process", "in the process", number(row["process_rss"], ",.0f", " MB")]
    worker = [number(row[name] or None, ",.0f", " MB") for name in ("worker_rss", "worker_pss")]
    return [*worker, "driver"]


def end_to_end(rows: Rows) -> str:
    """Return whole processes against imbalanced-learn's."""
    return markdown(
        "way | whole process, seconds | times faster | work, seconds | times faster | written",
        (
            [
                row["way"],
                number(row["whole_seconds"]),
                number(row["whole_seconds_faster"], ".2f"),
                number(row["seconds"]),
                number(row["seconds_faster"], ".2f"),
                number(row["written_mb"], ",.0f", " MB"),
            ]
            for row in rows
        ),
    )


def trust(rows: Rows) -> str:
    """Return what an assessment takes, against the SMOTE that made the rows."""
    return markdown(
        "engine | what | seconds (median) | of SMOTE's | memory",
        (
            [
                row["engine"],
                row["way"],
                number(row["seconds"]),
                number(row["ratio"], ".2f"),
                number(row["memory"], ",.0f", " MB"),
            ]
            for row in rows
        ),
    )


def local_frames(rows: Rows) -> str:
    """Return the seconds of the first call in a process and of the next."""
    return markdown(
        "library | rows | first call, seconds | next call, seconds | whole process, seconds",
        (
            [row["library"], f"{row['rows']:,}", *(number(row[what], ".2f") for what in ("first", "next", "whole"))]
            for row in rows
        ),
    )


def bytes_read(rows: Rows) -> str:
    """Return bytes read by each stage, and what is allowed."""

    def line(row: dict[str, Any]) -> list[str]:
        if row["step"] != "all":
            return [row["layout"], row["step"], number(row["read_mb"], ",.2f"), "", ""]
        made_of = f"floor {row['floor_mb']:,.2f} + labels {row['label_mb']:.3f}"
        made_of += f" + 2 x ({row['grown_mb']:,.2f} rows to grow + {row['footers_mb']:.2f} footers)"
        return [row["layout"], "**all**", number(row["read_mb"], ",.2f"), number(row["allowed_mb"], ",.2f"), made_of]

    return markdown("layout | stage | MB read | allowed | made of", map(line, rows))


# name of a table: (section that it shows, how)
TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "timings": ("timings", timings),
    "sizes": ("sizes", sizes),
    "recall": ("recall", recall),
    "quality": ("recall", quality),
    "guests": ("guests", guests),
    "scaling": ("scaling", scaling),
    "memory": ("memory", memory),
    "end_to_end": ("end_to_end", end_to_end),
    "trust": ("trust", trust),
    "local_frames": ("local_frames", local_frames),
    "bytes_read": ("bytes_read", bytes_read),
}
