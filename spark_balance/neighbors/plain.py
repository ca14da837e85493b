"""A plain frame as units in cells of one pool: its rows counted and sampled, its columns checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, functions as F

from spark_balance.errors import ParameterError, RecallWarning, warn_user
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import check_columns, check_frame, names_in, quoted
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.plan import ClassPlan
from spark_balance.frames.row_ids import FEATURES, ORIGIN, identity
from spark_balance.frames.sample import sampled
from spark_balance.kernels.draws import stream
from spark_balance.neighbors.cell_map import CellMap
from spark_balance.neighbors.cells import (
    ALL_PAIRS_ROWS,
    FEW_SAMPLED,
    Goal,
    Wanted,
    describe_low_recall,
    describe_unknown_recall,
    fit_cells,
)
from spark_balance.neighbors.pools import Pool, Question


@dataclass(frozen=True)
class PlainRows:
    """Rows as units with their features, cells, what they are to find, and what distance 1 is in integers."""

    units: DataFrame
    cell_map: CellMap
    goal: Goal
    unit: float


def fit_plain_rows(
    method: str,
    df: DataFrame,
    label_col: str,
    rows: Mapping[Any, int],
    keys: tuple[str, ...],
    columns: FeatureColumns,
    questions: Sequence[Question],
    wanted: Wanted,
    *,
    scale: bool,
    ways: str = "",
) -> PlainRows:
    """Sample the rows, a job, and fit the cells of one pool."""
    # a class without rows is asked about as one of a row
    plans = {i: ClassPlan((), label, max(1, n), max(1, n), "") for i, (label, n) in enumerate(rows.items())}
    strata = Strata(method, df.schema, label_col, (), plans, complete=True)
    identified = df.select("*", *identity(method, df.schema, keys))
    width = columns.count_numbers(df)
    goal = wanted.goal(width, columns.number_bytes, most=ALL_PAIRS_ROWS if columns.lacking else None)
    size, seed = goal.cell_size, stream(0, "sample")
    there = strata.where(lambda entry: rows[entry.label] > 0)
    sample = sampled(identified, there, columns, seed, width=width, cell_size=size, spread=scale, ways=ways)
    fitted = sample.columns.scale(sample, equalize=scale)
    pool = Pool(0, strata.sizes)
    metrics = sample.columns.metrics(sample, fitted, [pool.number])
    cells = fit_cells(sample, [(pool, questions)], fitted, goal, metrics=metrics).share_tasks()
    named = F.struct(*[F.col(quoted(name)).alias(f"c{i}") for i, name in enumerate(keys)])
    units = strata.only(identified, {}).withColumns({FEATURES: sample.columns.flat, ORIGIN: named})
    return PlainRows(units, cells, goal, fitted.unit)


def keys_of(origin: str, keys: Sequence[str]) -> list[Column]:
    """Return the key columns of a row, as they travelled."""
    return [F.col(quoted(origin))[f"c{i}"].alias(name) for i, name in enumerate(keys)]


def check_keys(method: str, df: DataFrame, key_cols: str | Sequence[str]) -> tuple[str, ...]:
    """Return the key columns, after a check of the frame."""
    keys = names_in(key_cols)
    check_frame(method, df.schema)
    if not keys:
        raise ParameterError(f"{method}: key_cols is empty; name the columns that identify a row")
    check_columns(method, df.schema, keys, "key_cols")
    return keys


def warn_of_recall(method: str, cell_map: CellMap, goal: Goal) -> None:
    """Warn where cells are estimated to miss too many neighbors."""
    known = cell_map.pools[0].estimate
    if known.sampled < FEW_SAMPLED:
        warn_user(RecallWarning(describe_unknown_recall(method, known.sampled)))
    elif known.recall < goal.recall:
        warn_user(RecallWarning(describe_low_recall(method, known.recall, goal, known.enough)))
