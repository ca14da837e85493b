"""Some new rows beside the rows of the table that they are made of."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base.sampler import Sampler
from spark_balance.errors import ParameterError
from spark_balance.frames.columns import names_in, quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.provenance import PARENTS, find_origins, is_new, is_provenance
from spark_balance.frames.row_ids import HI, LO, identity

MOST_COLUMNS = 20  # that are shown of a row
_MARK = temp("mark")


@dataclass(frozen=True)
class MadeOf:
    """New rows, each followed by its base and, if it has one, its neighbor: the texts of their cells, names first."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more_columns: int  # that are not shown


def refuse_unknown_origins(new_rows: int, sampler: BaseModel, schema: T.StructType) -> None:
    """Refuse to show new rows beside their bases where the result does not name these."""
    if new_rows < 0:
        raise ParameterError(f"report: new_rows={new_rows} is negative; give the number of new rows to show")
    fields = sampler.new_fields(schema) if isinstance(sampler, Sampler) else []
    if new_rows and not any(is_provenance(field.dataType) for field in fields):
        name = sampler.name if isinstance(sampler, Sampler) else type(sampler).__name__
        raise ParameterError(
            f"report: new_rows={new_rows} shows new rows beside their bases, which a provenance column names; set "
            f"provenance_col of {name}, or leave new_rows out"
        )


def made_of(before: DataFrame, after: DataFrame, sampler: BaseModel, new_rows: int) -> MadeOf | None:
    """Draw new rows, by a hash of theirs, and look their bases and neighbors up: a scan of each side."""
    if not (new_rows and isinstance(sampler, Sampler)):
        return None
    before, after = sampler.unlabelled(before), sampler.unlabelled(after)  # a hash of a row is one of its own columns
    kinds = {field.name: field.dataType for field in after.schema.fields}
    names = [name for name in before.columns if name in kinds]
    mark = F.col(quoted(next(name for name, kind in kinds.items() if is_provenance(kind))))
    hashes = identity("report", T.StructType([after.schema[name] for name in names]), ())
    columns = [F.col(quoted(name)) for name in names]
    new = after.where(is_new(mark)).select(*columns, mark.alias(_MARK), *hashes)
    drawn = to_arrow(new.orderBy(HI, LO).limit(new_rows).drop(HI, LO)).to_pylist()
    known = find_origins(sampler.name, before, sampler.keys, [row[_MARK][side] for row in drawn for side in PARENTS])
    used = sampler.features(before)
    first = (*names_in(sampler.label_col), *(used.names if used else ()))
    shown = tuple(dict.fromkeys((*[name for name in first if name in names], *names)))[:MOST_COLUMNS]
    lines = []
    for number, row in enumerate(drawn, 1):
        gap = row[_MARK]["gap"]
        lines.append((f"new row {number}", "" if gap is None else f"{gap:.0%}", row))
        lines += [(side, "", known[key]) for side in PARENTS if (key := _key(row[_MARK][side])) in known]
    rows = tuple((name, way, *[_text(row.get(column)) for column in shown]) for name, way, row in lines)
    return MadeOf(("row", "way to the neighbor", *shown), rows, len(names) - len(shown))


def _key(known: dict[str, Any] | None) -> tuple[Any, ...] | None:
    return None if known is None else tuple(known.values())


def _text(value: Any) -> str:
    if value is None:
        return "NULL"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
