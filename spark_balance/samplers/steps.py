"""The steps that samplers share, as amounts of work: counting, choosing exactly n, reading and writing."""

from __future__ import annotations

from spark_balance.cost import Part, Sketch, Step, Table
from spark_balance.plans.keep import Share

HASH_BYTES = (
    40  # what is shuffled of a row to find its duplicates: class number, identity, count, as the engine packs them
)


def counted(table: Table, rows: int) -> Step:
    """Return the step that counts the classes: one column is read."""
    return Step("count", (Part(table.splits(rows), {"read": rows, "start": 1.0}),), rows_read=rows)


def chosen(table: Table, shares: list[Share], rows: int, keys: int) -> tuple[Step, ...]:
    """Return the step that finds which rows a class gives one more of, if any has a remainder.

    Parameters
    ----------
    table : Table
    shares : list of Share
        What is wanted of each class that is scanned.
    rows : int
        Rows that are scanned.
    keys : int
        Key columns; 0 hashes all columns and shuffles the hashes.
    """
    among = sum(share.rows for share in shares if share.extra)
    if not among:
        return ()
    columns = keys or table.numbers
    amounts = {"read": float(rows * (columns + 1)), "hashed": float(among * columns)}
    if keys:
        return (Step("choose", (Part(table.splits(rows), amounts),), rows_read=rows),)
    # duplicates are looked for once for the rows and once for the threshold, and the rows are then read in two parts
    hashed = {name: 3 * amount for name, amount in amounts.items()} | {"shuffled": 2.0 * among * HASH_BYTES}
    return (
        Step(
            "choose",
            (Part(table.splits(rows), hashed),),
            rows_read=3 * rows,
            shuffle_rows=2 * among,
            shuffle_bytes=2 * among * HASH_BYTES,
        ),
    )


def chosen_groups(table: Table, shares: list[Share], rows: int, columns: int) -> tuple[Step, ...]:
    """Return the step that finds which groups a class gives once more, if any has a remainder.

    `columns` tell a group. What is shuffled is a row of each group, of which there are no more than rows.
    """
    among = sum(share.rows for share in shares if share.extra)
    if not among:
        return ()
    amounts = {
        "read": 2.0 * rows * (columns + 1),
        "hashed": 2.0 * among * columns,
        "shuffled": 3.0 * among * HASH_BYTES,
    }
    part = Part(table.splits(rows), amounts)
    return (Step("choose", (part,), rows_read=2 * rows, shuffle_rows=3 * among, shuffle_bytes=3 * among * HASH_BYTES),)


def written(table: Table, rows: int, rows_out: int, keys: int = 0, generated: float = 0.0) -> Step:
    """Return the step that reads every row and writes some, hashing `keys` columns of each."""
    amounts = {
        "read": float(rows * table.numbers),
        "hashed": float(rows * keys),
        "written": float(rows_out * table.numbers),
        "generated": generated,
    }
    return Step("write", (Part(table.splits(rows), amounts),), rows_read=rows, rows_written=rows_out)


def unchanged(table: Table, rows: int, warnings: tuple[str, ...]) -> Sketch:
    """Return the sketch of a run that only counts, reads and writes."""
    return Sketch((counted(table, rows), written(table, rows, rows)), warnings=warnings)
