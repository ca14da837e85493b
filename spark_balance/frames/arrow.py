"""Matrices and user columns as Arrow carries them between the engine and a Python worker."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.frames.columns import quoted
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.kernels import Floats, Ints


def packed(rows: NDArray[np.generic]) -> pa.Array:
    """Pack each row of a matrix of numbers as one binary value, without copying it."""
    width = rows.itemsize * rows.shape[1]
    offsets = width * np.arange(len(rows) + 1, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.binary(), len(rows), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    )


def unpacked(column: pa.Array, width: int, kind: type[np.generic] = np.float64) -> NDArray[Any]:
    """Return the matrix of a column of arrays, or of one whose values pack rows of a kind; no copy where it can."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        column = column.cast(pa.binary())
        offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
        data: NDArray[Any] = np.frombuffer(column.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].view(kind)
        return data.reshape(-1, width)
    numbers: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    return numbers.reshape(len(column), width)


def matrix(lists: pa.Array, width: int) -> Floats:
    """Return lists of numbers as a matrix; NaN for what is missing, infinite, or in a list of another length."""
    found = np.full((len(lists), width), np.nan)
    fits = np.asarray(pc.fill_null(pc.equal(pc.list_value_length(lists), width), False))
    if width and fits.any():
        flat = (lists if fits.all() else lists.filter(pa.array(fits))).flatten().to_numpy(zero_copy_only=False)
        found[fits] = np.asarray(flat, dtype=np.float64).reshape(-1, width)
    found[~np.isfinite(found)] = np.nan
    return found


def single(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    whole: Any = column.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def lists(ends: Ints, rows: Floats) -> pa.Array:
    """Make a column of lists of numbers: list i holds the rows from ends[i] to ends[i + 1]."""
    return pa.ListArray.from_arrays((ends * rows.shape[1]).astype(np.int32), pa.array(rows.ravel()))


# that come to the driver and go back as they are
_HELD = (T.BooleanType, T.NumericType, T.StringType, T.BinaryType, T.DateType, T.TimestampType, T.TimestampNTZType)


def is_held(kind: T.DataType) -> bool:
    """Return whether values of a type come back from the driver as they are."""
    if isinstance(kind, T.StructType):
        return all(is_held(field.dataType) for field in kind.fields)
    if isinstance(kind, T.MapType):
        return is_held(kind.keyType) and is_held(kind.valueType)
    return is_held(kind.elementType) if isinstance(kind, T.ArrayType) else isinstance(kind, _HELD)


def held(frame: DataFrame) -> DataFrame:
    """Compute a small frame once, for all that read it: a job brings its rows to the driver."""
    schema = frame.schema
    rows = from_arrow(frame.sparkSession, to_arrow(frame), schema)
    # what is known of local rows alone, a union on Sail forgets
    return rows.select(*[F.col(quoted(one.name)).alias(one.name, metadata=one.metadata) for one in schema.fields])


def in_utc(column: pa.Array) -> pa.Array:
    """Give timestamps, however deep, the zone UTC: they arrive in the session's, and Spark takes only UTC back."""
    wanted = _utc_type(column.type)
    return column if wanted == column.type else column.cast(wanted)


def _utc_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_utc_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_utc_type(kind.key_type), kind.item_field.with_type(_utc_type(kind.item_type)))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_utc_type(kind.value_type)))
    return kind
