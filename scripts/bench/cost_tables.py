"""What `explain` says, what it is made of and how far it is right, as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable

from tables import Rows, markdown, number

from spark_balance import SMOTE
from spark_balance.cost import CostModel
from spark_balance.plans.cells import MOST_CELLS, MOST_GUESTS
from spark_balance.plans.sample import expected_rows
from spark_balance.samplers.cell_steps import ARROW_BYTES, FEW_SAMPLED, WORKER_BYTES
from spark_balance.samplers.searching import CELL_NUMBERS

K = 5
# rows, features, share of the minority, cores
PAPER = (
    (10**7, 28, 0.05, 16),
    (10**8, 28, 0.05, 64),
    (10**9, 28, 0.05, 512),
    (10**10, 28, 0.05, 4_096),
    (10**10, 28, 0.05, 512),
    (10**10, 200, 0.05, 4_096),
    (10**9, 200, 1e-4, 512),
)


def paper() -> str:
    """Return the paper mode of `explain` at sizes nobody here has; nothing is measured but the model."""

    def line(rows: int, features: int, minority: float, cores: int) -> list[str]:
        sampler = SMOTE(label_col="label", key_cols="id")
        said = sampler.explain_sizes(rows, features, minority, cores=cores).to_dict()
        steps = said["steps"]
        return [
            f"{rows:,} x {features}",
            f"{minority:g}",
            f"{cores:,}",
            f"{said['cells']:,}",
            f"{said['largest_cell_rows']:,}",
            f"{next(step['tasks'] for step in steps if step['step'] == 'place') * said['cells'] / 1e6:,.2f} M",
            f"{sum(step['shuffle_bytes'] for step in steps) / 1e9:,.1f} GB",
            f"{max(step['task_bytes'] for step in steps) / 1e6:,.0f} MB",
            f"{max(step['driver_bytes'] for step in steps) / 1e6:,.0f} MB",
            *(f"{step['seconds']:,.0f}" for step in steps if step["step"] != "choose"),
            f"{said['seconds']:,.0f}",
            str(len(said["warnings"])),
        ]

    head = "rows x features | minority | cores | cells | rows of a cell, guests included | shuffle blocks | shuffled"
    head += " | largest task | driver's sample | count, s | sample, s | place, s | search and write, s | all, s"
    head += " | warnings"
    return markdown(head, (line(*case) for case in PAPER))


def limits() -> str:
    """Return the rows of one class at which each bound is reached, from the code's constants and the model."""
    each = CostModel.of("spark").bytes_each

    def line(width: int) -> list[str]:
        cell_rows = max(256, CELL_NUMBERS // width)
        full = MOST_CELLS * cell_rows
        (sampled,) = expected_rows([full], width=width, cell_rows=cell_rows)
        thin = sampled / FEW_SAMPLED * cell_rows
        # so many numbers in the largest cell, whose bases keep all K neighbours
        point = each["point"] + each["neighbour"] * K / (1 + MOST_GUESTS)
        held = (WORKER_BYTES - each["worker"]) / point
        by_cell = [held / width, ARROW_BYTES / 8 / width]
        return [
            str(width),
            f"{cell_rows:,}",
            f"{thin / 1e6:,.0f} M",
            f"{full / 1e6:,.0f} M",
            f"{sampled / MOST_CELLS:,.0f}",
            *(f"{rows:,.0f}" for rows in by_cell),
            *(f"{rows * MOST_CELLS / (1 + MOST_GUESTS) / 1e6:,.0f} M" for rows in by_cell),
        ]

    head = f"features | rows of a cell | rows of a class with {FEW_SAMPLED} sampled rows a cell"
    head += " | with all cells in use | sampled rows a cell then"
    head += " | rows and guests of a cell at 1 GB a worker | at 2 GiB of Arrow"
    return markdown(head + " | so rows of a class, worker | Arrow", map(line, (14, 28, 100, 200, 500)))


def model(rows: Rows) -> str:
    """Return the fitted seconds of each unit of work, as nanoseconds or whole seconds."""
    units = [row for row in rows if "unit" in row]
    engines = [name for name in ("spark", "sail") if name in units[0]]

    def told(seconds: float) -> str:
        return f"{seconds:.2f} s" if seconds >= 0.01 else f"{1e9 * seconds:,.3g} ns"

    return markdown(
        " | ".join(("unit of work", *engines)),
        ([row["about"], *(told(row[engine]) for engine in engines)] for row in units),
    )


def predictions(rows: Rows) -> str:
    """Return expected and measured seconds of each step, and the error of the whole."""

    def line(row: dict[str, object]) -> list[str]:
        said, took = row["expected"], row["seconds"]
        assert isinstance(said, dict)
        assert isinstance(took, dict)
        return [
            str(row["engine"]),
            str(row["case"]),
            *(f"{said[step]:.1f} / {took[step]:.1f}" for step in took),
            f"{row['all_expected']:.1f} / {row['all_seconds']:.1f}",
            f"{row['error']:+.0%}",
            "in the process" if row["engine"] == "sail" else _memory(row),
        ]

    head = "engine | run | count, s | sample, s | the rest, s | all, s: expected / measured | error"
    return markdown(head + " | worker MB: expected / measured", (line(row) for row in rows))


def _memory(row: dict[str, object]) -> str:
    held, peak = row["expected_mb"], row["worker_rss"]
    return f"{held:,.0f} / {peak:,.0f}" if held and peak else "no worker"


def simulate_cells(rows: Rows) -> str:
    """Return sizes of cells, guests and skew."""
    head = "rows of the class | placed | cells | sampled rows a cell | guests a row (estimated)"
    head += " | true neighbours at hand (estimated)"
    head += " | smallest, median, 99 %, largest cell, in means | largest cell, rows"
    head += " | wanted without guests | driver, s | placing, us a row"

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


COST_TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "model": ("model", model),
    "predictions": ("predictions", predictions),
    "simulate_cells": ("simulate_cells", simulate_cells),
}
