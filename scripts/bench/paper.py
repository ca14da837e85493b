"""What `explain` says of sizes that nobody here has, and where the bounds are, as Markdown tables."""

from __future__ import annotations

from tables import markdown

from spark_balance import SMOTE
from spark_balance.explain.cells import ARROW_BYTES, WORKER_LIMIT
from spark_balance.explain.explanation import PAIR_BYTES, POINT_BYTES, WORKER_BYTES
from spark_balance.frames.sample import expected_rows
from spark_balance.neighbors.cells import FEW_SAMPLED, MAX_CELLS, MAX_HALO, default_cell_size

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
    """Return the paper mode of `explain` at sizes that nobody here has."""

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
            str(len(said["warnings"])),
        ]

    head = "rows x features | minority | cores | cells | rows of a cell, halo rows included | shuffle blocks | shuffled"
    head += " | largest task | driver's sample | warnings"
    return markdown(head, (line(*case) for case in PAPER))


def max_of_a_task(share: float, rows: int = 10**7) -> int:
    """Return the new rows that a task makes where one class of a table of 28 features is grown to balance."""
    said = SMOTE(label_col="label", key_cols="id").explain_sizes(rows, 28, share, cores=64).to_dict()
    # where nothing is dealt out, the tasks that search make them
    return int(said.get("new_rows_per_task") or (said["rows_after"] - rows) / said["cells"])


def limits() -> str:
    """Return the rows of one class at which each bound is reached, from the code's constants."""

    def line(width: int) -> list[str]:
        size = default_cell_size(width)
        cell_rows = size.most
        full = MAX_CELLS * cell_rows
        (sampled,) = expected_rows([full], width=width, cell_size=size)
        thin = sampled / FEW_SAMPLED * cell_rows
        # so many rows in the largest cell, whose bases use all K neighbors
        row = POINT_BYTES * width + PAIR_BYTES * K / (1 + MAX_HALO)
        by_cell = [(WORKER_LIMIT - WORKER_BYTES) / row, ARROW_BYTES / 8 / width]
        return [
            str(width),
            f"{cell_rows:,}",
            f"{thin / 1e6:,.0f} M",
            f"{full / 1e6:,.0f} M",
            f"{sampled / MAX_CELLS:,.0f}",
            *(f"{rows:,.0f}" for rows in by_cell),
            *(f"{rows * MAX_CELLS / (1 + MAX_HALO) / 1e6:,.0f} M" for rows in by_cell),
        ]

    head = f"features | rows of a cell | rows of a class with {FEW_SAMPLED} sampled rows a cell"
    head += " | with all cells in use | sampled rows a cell then"
    head += " | rows of a cell, halo rows included, at 1 GB a worker | at 2 GiB of Arrow"
    return markdown(head + " | so rows of a class, worker | Arrow", map(line, (14, 28, 100, 200, 500)))
