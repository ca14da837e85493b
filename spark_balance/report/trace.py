"""The rows that a new row is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row, functions as F

from spark_balance.errors import BadValuesError, ColumnError, ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_columns, quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.provenance import FIELDS, PARENTS, find_origins, keys_of, provenance_fields

_MARK = temp("mark")
MOST_TRACED = 1_000  # rows, which come to the driver with their parents


@dataclass(frozen=True)
class Parents:
    """What one row is made of.

    Attributes
    ----------
    kind : str
        'original', which has no parents, 'replica' or 'synthetic'.
    base, neighbor : dict or None
        The rows of the frame before, all their columns; None where the method names none.
    gap : float or None
        Place of the row on the way from base (0) to neighbor (1).
    """

    kind: str
    base: dict[str, Any] | None = None
    neighbor: dict[str, Any] | None = None
    gap: float | None = None


@checked
def trace(
    rows: Row | Mapping[str, Any] | Sequence[Any] | DataFrame, before: DataFrame, *, provenance_col: str | None = None
) -> list[Parents]:
    """Return the rows that rows of a result are made of.

    Parameters
    ----------
    rows : Row, dict, sequence of these, or a DataFrame
        Rows of what a sampler with a `provenance_col` made, at most 1,000.
    before : DataFrame of Spark, pandas or polars, or pyarrow.Table
        The frame that was resampled. Without a key it needs the same columns, since a hash of all names a parent.
    provenance_col : str, optional
        The column that says what a row is made of; the one of its form unless given.

    Returns
    -------
    list of Parents
        For each row, in order: kind, base, neighbor and gap.

    Raises
    ------
    SparkBalanceError
        If the rows have no such column or are too many, or a parent is not in `before`.

    Notes
    -----
    Provenance names parents by the key of the sampler, or by a hash, so it says itself how they are looked up.
    Cost: one job, a scan of `before`; a broadcast carries what names the parents.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, float(i), int(i < 3)) for i in range(20)], "id int, x double, y int")
    >>> smote = SMOTE(label_col="y", key_cols="id", k_neighbors=2, provenance_col="made_from", random_state=1)
    >>> new = smote.fit_resample(df).where("made_from.kind = 'synthetic'").orderBy("x").first()
    >>> [made] = trace(new, df)
    >>> made.base["x"] + made.gap * (made.neighbor["x"] - made.base["x"]) == new.x
    True
    """
    marks = _marks(rows, provenance_col)
    wanted = [mark[parent] for mark in marks for parent in PARENTS if mark[parent] is not None]
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for keys in {keys_of(one) for one in wanted}:
        check_columns("trace", before.schema, keys, "the provenance")
        known |= find_origins("trace", before, keys, [one for one in wanted if keys_of(one) == keys])
    made = []
    for mark in marks:
        base, neighbor = (_parent(known, mark[one], one) for one in PARENTS)
        made.append(Parents(mark["kind"], base, neighbor, mark["gap"]))
    return made


def _parent(
    known: Mapping[tuple[Any, ...], dict[str, Any]], wanted: Mapping[str, Any] | None, which: str
) -> dict[str, Any] | None:
    if wanted is None:
        return None
    found = known.get(tuple(wanted.values()))
    if found is None:
        named = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
        raise BadValuesError(
            f"trace: before lacks the {which} of a row, {named}; give the frame that was resampled, with all columns"
        )
    return found


def _marks(rows: Row | Mapping[str, Any] | Sequence[Any] | DataFrame, name: str | None) -> list[dict[str, Any]]:
    """Return what the rows are made of, as dictionaries."""
    if isinstance(rows, DataFrame):
        column = _chosen([one.name for one in provenance_fields(rows.schema)], name)
        few = to_arrow(rows.select(F.col(quoted(column)).alias(_MARK)).limit(MOST_TRACED + 1))
        marks: list[dict[str, Any]] = few[_MARK].to_pylist()
    else:
        given = map(_as_dict, [rows] if isinstance(rows, Row | Mapping) else rows)
        marks = []
        for row in given:
            known = {one: mark for one, value in row.items() if set(mark := _as_dict(value)) == set(FIELDS)}
            marks.append({one: _as_dict(value) or value for one, value in known[_chosen([*known], name)].items()})
    if len(marks) > MOST_TRACED:
        raise ParameterError(f"trace: rows has more than {MOST_TRACED:,}, which come to the driver; give fewer")
    return marks


def _as_dict(value: Any) -> dict[str, Any]:
    """Return a Row or a mapping as a dictionary; an empty one of any other value."""
    return value.asDict() if isinstance(value, Row) else dict(value) if isinstance(value, Mapping) else {}


def _chosen(names: Sequence[str], name: str | None) -> str:
    """Return the provenance column that the user named, or the only one."""
    if name in names or (name is None and len(names) == 1):
        return name or names[0]
    given = "" if name is None else f", and provenance_col={name!r} is not one of them"
    raise ColumnError(
        f"trace: rows have the provenance columns {list(names)}{given}; give rows of a sampler with provenance_col, "
        "and name that column if there are several"
    )
