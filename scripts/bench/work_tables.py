"""Where the time of jobs goes, and what other ways and methods take, as Markdown tables; nothing here measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tables import Rows, markdown, number

from spark_balance.base.registry import SAMPLERS


def profile_stages(rows: Rows) -> str:
    """Return where the time goes."""
    names = ("wall_s", "run_s", "cpu_s", "scan_s", "python_start_s", "python_init_s", "python_run_s")
    head = "job | stage | tasks | wall s | tasks' s | JVM's CPU s | scan s | Python: start s | import s | run s"
    return markdown(
        head + " | shuffled MB | shuffled rows | written MB",
        (
            [
                row["job"],
                row["step"],
                str(row["tasks"]),
                *(number(row[name]) for name in names),
                number(row["shuffle_write_mb"]),
                f"{row['shuffle_rows']:,.0f}",
                number(row["written_mb"]),
            ]
            for row in rows
        ),
    )


# a column of the tables of methods: what it shows of a row
_OF_METHODS: dict[str, Callable[[dict[str, Any]], str]] = {
    "method": lambda row: f"`{SAMPLERS[row['method']].__name__}`",
    "engine": lambda row: str(row["engine"]),
    "seconds": lambda row: number(row["seconds"]),
    "its floor, read and write": lambda row: number(row["floor_seconds"]),
    "most that it may take": lambda row: number(row["most_seconds"]),
    "cells": lambda row: number(row["cells"], ",.0f"),
    "halo copies a row": lambda row: number(row["guests_per_row"], ".2f"),
    "estimated recall": lambda row: number(row["estimated_recall"], ".4f"),
    "candidates a row, about": lambda row: number(row.get("candidates_per_row"), ",.0f"),
    "worker, RSS": lambda row: number(row["worker_rss"] or None, ",.0f", " MB"),
    "process": lambda row: number(row["process_rss"], ",.0f", " MB"),
}


def methods(rows: Rows) -> str:
    """Return one row for each method."""
    return markdown(" | ".join(_OF_METHODS), ([told(row) for told in _OF_METHODS.values()] for row in rows))


def cleaning(rows: Rows) -> str:
    """Return the methods that clean, beside what bounds them, the fastest first."""
    bounded = [row for row in rows if row["most_seconds"] is not None]
    shown = [name for name in _OF_METHODS if name not in ("cells", "halo copies a row", "process")]
    in_order = sorted(bounded, key=lambda row: (row["engine"], row["seconds"]))
    return markdown(" | ".join(shown), ([_OF_METHODS[name](row) for name in shown] for row in in_order))


def ways(rows: Rows) -> str:
    """Return what each other way costs against the job as it is."""
    return markdown(
        "SMOTE of G on classic Spark | seconds (median) | against as it is",
        ([row["way"], number(row["seconds"], ".1f"), number(row["ratio"], ".2f")] for row in rows),
    )


def local_models(rows: Rows) -> str:
    """Return microseconds a row, and recall, of each way in a cell of each size."""
    names = list(dict.fromkeys(row["way"] for row in rows))
    sizes = list(dict.fromkeys((row["rows"], row["features"]) for row in rows))
    by_size = {(row["rows"], row["features"], row["way"]): row for row in rows}

    def told(row: dict[str, Any] | None) -> str:
        return "n/a" if row is None else f"{row['us_per_row']:,.1f} ({row['recall']:.3f})"

    return markdown(
        "rows x features | " + " | ".join(names),
        ([f"{n:,} x {width}", *(told(by_size.get((n, width, name))) for name in names)] for n, width in sizes),
    )


def simulate_cells(rows: Rows) -> str:
    """Return sizes of cells, halo rows and skew."""
    head = "rows of the class | placed | cells | sampled rows a cell | halo copies a row (estimated)"
    head += " | true neighbors at hand (estimated)"
    head += " | smallest, median, 99 %, largest cell, in means | largest cell, rows"
    head += " | wanted without halo rows | driver, s | placing, us a row"

    def line(row: dict[str, float]) -> list[str]:
        relative = (number(row[name] / row["mean"], ".2f") for name in ("smallest", "half", "most", "largest"))
        return [
            f"{row['rows']:,} x {row['features']}",
            f"{row['placed']:,}",
            f"{row['cells']:,}",
            number(row["sampled"] / row["cells"], ",.0f"),
            f"{row['guests']:.2f} ({row['guests_estimated']:.2f})",
            f"{number(row['recall'], '.3f')} ({row['recall_estimated']:.3f})",
            ", ".join(relative),
            number(row["largest"], ",.0f"),
            f"{row['cell_rows']:,}",
            number(row["driver_seconds"]),
            number(row["us_per_row"], ",.1f"),
        ]

    return markdown(head, map(line, rows))


def largest_tasks(rows: Rows) -> str:
    """Return the largest task of new rows of a rare class."""
    return markdown(
        "method | engine | rows of the table | new rows | tasks | rows of the largest | numbers in it",
        (
            [
                row["case"],
                row["engine"],
                f"{row['rows']:,}",
                f"{row['made']:,}",
                str(row["tasks"]),
                f"{row['largest']:,}",
                number(row["largest_mb"], ",.0f", " MB"),
            ]
            for row in rows
            if "largest" in row
        ),
    )


def against(rows: Rows) -> str:
    """Return the cases that have another side."""
    return markdown(
        "case | engine | against | its seconds (median) | seconds (median) | ratio",
        (
            [
                row["case"],
                row["engine"],
                row["against"],
                number(row["plain_seconds"], ".2f"),
                number(row["seconds"], ".2f"),
                number(row["ratio"], ".2f"),
            ]
            for row in rows
            if "against" in row
        ),
    )


def task_memory(rows: Rows) -> str:
    """Return what a task of a search takes beside its worker."""
    return markdown(
        "cell | rows x features | bases | pairs | searched with | memory | bytes a number",
        (
            [
                row["case"],
                f"{row['rows']:,} x {row['features']}",
                f"{row['bases']:,}",
                f"{row['pairs']:,}",
                row["searched_with"],
                number(row["bytes"] / 1e6, ",.0f", " MB"),
                number(row["bytes"] / row["rows"] / row["features"], ".1f"),
            ]
            for row in rows
        ),
    )


def decisions(rows: Rows) -> str:
    """Return how many decisions are those of one cell."""
    return markdown(
        "method | rows | rows looked at | chosen in one cell | decided alike | recall, as estimated | cells",
        (
            [
                row["case"],
                f"{row['rows']:,}",
                f"{row['judged']:,}",
                number(100 * row["chosen"], ".2f", " %"),
                number(100 * row["same"], ".2f", " %"),
                number(row["estimated"], ".3f"),
                str(row["cells"]),
            ]
            for row in rows
        ),
    )


def wide(rows: Rows) -> str:
    """Return recall, work and memory of wide rows."""
    return markdown(
        "data | rows x numbers | true neighbors | as estimated | shuffled bytes a row | cells | seconds | process",
        (
            [
                row["case"],
                f"{row['rows']:,} x {row['features']:,}",
                number(row["recall"], ".3f"),
                number(row["estimated"], ".3f"),
                number(row["bytes"], ",.0f"),
                str(row["cells"]),
                number(row["seconds"], ",.0f"),
                number(row["process_rss"], ",.0f", " MB"),
            ]
            for row in rows
        ),
    )


# name of a table: (section that it shows, how)
WORK_TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "profile_stages": ("profile_stages", profile_stages),
    "methods": ("methods", methods),
    "cleaning": ("methods", cleaning),
    "ways": ("ways", ways),
    "local_models": ("local_models", local_models),
    "task_memory": ("task_memory", task_memory),
    "wide": ("wide", wide),
    "decisions": ("decisions", decisions),
    "largest_tasks": ("any_size", largest_tasks),
    "against": ("any_size", against),
    "simulate_cells": ("simulate_cells", simulate_cells),
}
