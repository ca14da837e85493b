"""Frames of pandas, polars and pyarrow as rows of Arrow in types of Spark, and back as they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from spark_balance.errors import ColumnError
from spark_balance.frames.columns import check_frame
from spark_balance.frames.older_spark import to_arrow

# a Spark frame needs no narwhals
if TYPE_CHECKING:
    import narwhals as nw

_WIDER = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.int64(),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
    pa.null(): pa.string(),
}
_NO_NULL = "biu"  # NumPy's truths and whole numbers
_WITH_NULL = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


class Local(NamedTuple):
    """A frame of pandas, polars or pyarrow: as narwhals has it, and its rows in types of Spark."""

    frame: nw.DataFrame[Any]
    table: pa.Table


def find_local(who: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return those arguments that are frames of pandas, polars or pyarrow, or results that have one, as `Local`."""
    if find_spec("narwhals") is None:
        return {}
    import narwhals as nw
    from narwhals.exceptions import DuplicateError

    def find(value: Any) -> Any:
        seen = nw.from_native(value, eager_only=True, pass_through=True)
        if not isinstance(seen, nw.DataFrame):
            return value
        library = seen.implementation
        known = library.is_pandas() or library.is_polars() or library.is_pyarrow()
        return Local(seen, _spark_table(who, seen)) if known else value

    found = {}
    for name, given in arguments.items():
        try:
            seen = convert_frames(given, find)
        except DuplicateError as twice:
            column = str(twice).split("'")[1]
            raise ColumnError(f"{who}: {name} has two columns named '{column}'; rename or drop one") from None
        if seen is not given:
            found[name] = seen
    return found


def convert_frames(value: Any, convert: Callable[[Any], Any]) -> Any:
    """Return a value that may be a frame converted, or a result of which a field may be one."""
    if not is_dataclass(value) or isinstance(value, type):
        return convert(value)
    held = {one.name: getattr(value, one.name) for one in fields(value)}
    changed = {name: new for name, one in held.items() if (new := convert(one)) is not one}
    return replace(value, **changed) if changed else value


def _spark_table(who: str, frame: nw.DataFrame[Any]) -> pa.Table:
    """Return the rows of a frame as Arrow has them, in types that Spark has; the index of pandas is left out."""
    native = frame.to_native()
    try:
        if isinstance(native, pd.DataFrame):
            table = pa.Table.from_pandas(native.rename(columns=str), preserve_index=False)
        else:
            table = frame.to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as refused:
        reason = "; ".join(map(str, refused.args))
        raise ColumnError(
            f"{who}: the frame does not become a table of Arrow ({reason}); cast or rename the column"
        ) from None
    columns = {}
    for name in table.column_names:
        kind = _spark_type(table[name].type)
        try:
            columns[name] = table[name].cast(kind)
            from_arrow_schema(pa.schema({name: kind}))
        except (pa.ArrowException, PySparkException) as refused:
            raise ColumnError(
                f"{who}: column '{name}' is of type {table[name].type}, which Spark does not take ({refused}); "
                "cast it or leave it out"
            ) from None
    check_frame(who, from_arrow_schema(pa.schema({name: pa.null() for name in columns})))
    return pa.table(columns)


def _spark_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of Arrow that Spark has for a type."""
    is_a = pa.types
    if is_a.is_dictionary(kind):
        return _spark_type(kind.value_type)
    if is_a.is_large_string(kind) or str(kind) == "string_view":  # a type since pyarrow 16
        return pa.string()
    if is_a.is_large_binary(kind) or is_a.is_fixed_size_binary(kind) or str(kind) == "binary_view":
        return pa.binary()
    if is_a.is_timestamp(kind):
        return pa.timestamp("us", kind.tz and "UTC")
    if is_a.is_duration(kind):
        return pa.duration("us")
    if is_a.is_decimal(kind):
        return pa.decimal128(kind.precision, kind.scale)
    if is_a.is_list(kind) or is_a.is_large_list(kind) or is_a.is_fixed_size_list(kind):
        return pa.list_(_spark_type(kind.value_type))
    if is_a.is_struct(kind):
        return pa.struct([field.with_type(_spark_type(field.type)) for field in kind])
    return _WIDER.get(kind, kind)


def as_given(frame: DataFrame, given: Local, lent: DataFrame) -> Any:
    """Return a frame of Spark in the type of the frame given, its columns in the types that they had there."""
    sent = {one.name: one.dataType for one in lent.schema}
    same = {one.name for one in frame.schema if sent.get(one.name) == one.dataType}
    table, native, library = to_arrow(frame), given.frame.to_native(), given.frame.implementation
    if library.is_pandas():
        return _as_pandas(table, native, same)
    if library.is_pyarrow():
        kinds = [native.schema.field(one.name) if one.name in same else one for one in table.schema]
        return table.cast(pa.schema(kinds, native.schema.metadata))
    import narwhals as nw

    made = nw.from_arrow(table, backend=library).to_native()
    return made.cast({name: kind for name, kind in native.schema.items() if name in same})


def _as_pandas(table: pa.Table, given: pd.DataFrame, same: set[str]) -> pd.DataFrame:
    """Return rows of Arrow as pandas has them; a whole number or truth that is NULL makes its column a nullable one."""
    names = {str(name): name for name in given.columns}
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = given.dtypes[names[name]] if name in same else None
        if column.null_count and (kind is None or (isinstance(kind, np.dtype) and kind.kind in _NO_NULL)):
            # NumPy's have no place for NULL
            made = column.to_pandas(types_mapper=_WITH_NULL.get)
            kind = made.dtype if kind is None else _WITH_NULL[pa.from_numpy_dtype(kind)]
        else:
            # in a struct, such as provenance, numbers beside a NULL would become floats
            made = column.to_pandas(integer_object_nulls=kind == "object" or pa.types.is_nested(column.type))
        columns[names.get(name, name)] = made if kind is None else made.astype(kind)
    return pd.DataFrame(columns)
