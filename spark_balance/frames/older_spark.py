"""What versions of Spark do in different ways. No other module tells versions of Spark apart."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, functions as F, types as T
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_type


class _NoSuchType(T.DataType):
    """What no column is of."""


_IS_NEWER = hasattr(DataFrame, "toArrow")  # than Spark 3.5
READS_VERSIONS = _IS_NEWER  # of tables, by an option of the reader, which 3.5 takes no heed of
# what a session needs: 3.5 writes what it knows of a hash of all columns in 2^columns ways, where a union renames these
SESSION_PROPERTIES = {} if _IS_NEWER else {"spark.sql.constraintPropagation.enabled": "false"}
# from 4.2 on a timestamp is of no Arrow type without a zone; older versions take UTC, as all of this package does
_ZONE: dict[str, Any] = {"timezone": "UTC"} if "timezone" in inspect.signature(to_arrow_type).parameters else {}
VariantType: type[T.DataType] = getattr(T, "VariantType", _NoSuchType)


def condition_of(refused: PySparkException) -> str | None:
    """Return the name that Spark gives an error."""
    return refused.getCondition() if _IS_NEWER else refused.getErrorClass()


def metadata_session(session: SparkSession) -> Any:
    """Return what pyspark.ml reads metadata of saved models with."""
    return session if _IS_NEWER else session.sparkContext


def array_position(array: Column, value: Column) -> Column:
    """Return the place of a value in an array, from 1; 0 if it is not there."""
    return F.array_position(array, value) if _IS_NEWER else F.call_function("array_position", array, value)


def convert_to_arrow_type(kind: T.DataType) -> pa.DataType:
    """Return the Arrow type of a Spark type; timestamps have the zone UTC."""
    return to_arrow_type(kind, **_ZONE)


def has_arrow_type(kind: T.DataType) -> bool:
    """Return whether values of a Spark type can travel to Python workers."""
    try:
        convert_to_arrow_type(kind)
    except PySparkException:
        return False
    return True


def convert_to_arrow_schema(schema: T.StructType) -> pa.Schema:
    """Return the Arrow schema of a Spark schema; timestamps have the zone UTC."""
    fields = [(field.name, convert_to_arrow_type(field.dataType), field.nullable) for field in schema]
    return pa.schema([pa.field(*field) for field in fields])


def to_arrow(frame: DataFrame) -> pa.Table:
    """Bring the rows of a frame to the driver."""
    if _IS_NEWER:
        return frame.toArrow()
    older: Any = frame
    batches = older._collect_as_arrow()
    schema = convert_to_arrow_schema(frame.schema)
    return pa.Table.from_batches(batches).cast(schema) if batches else schema.empty_table()


def from_arrow(session: SparkSession, table: pa.Table, schema: T.StructType | None = None) -> DataFrame:
    """Make a frame of rows that the driver holds."""
    if _IS_NEWER:
        return session.createDataFrame(table, schema)
    columns = [[_as_python(value, column.type) for value in column.to_pylist()] for column in table.columns]
    kinds = schema or from_arrow_schema(table.schema)
    return session.createDataFrame(list(zip(*columns, strict=True)), kinds, verifySchema=False)


def _as_python(value: Any, kind: pa.DataType) -> Any:
    """Return a value as Spark takes it: Arrow makes a list of pairs of a map."""
    if value is None or not pa.types.is_nested(kind):
        return value
    if pa.types.is_map(kind):
        return {_as_python(key, kind.key_type): _as_python(one, kind.item_type) for key, one in value}
    if pa.types.is_struct(kind):
        return {field.name: _as_python(value[field.name], field.type) for field in kind}
    return [_as_python(one, kind.value_type) for one in value]


def apply_in_groups(
    gathered: DataFrame, key: str, function: Callable[[pa.Table], pa.Table], schema: T.StructType
) -> DataFrame:
    """Call a function with the rows of each value of a key, which a shuffle by that key has brought together."""

    def of_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for group in cut_groups(batches, key):
            yield from function(group).select(schema.names).to_batches()

    if _IS_NEWER:
        # it counts the parameters
        return gathered.groupBy(key).applyInArrow(lambda table: function(table), schema)
    return gathered.sortWithinPartitions(key).mapInArrow(of_groups, schema)


def cut_groups(batches: Iterable[pa.RecordBatch], key: str) -> Iterator[pa.Table]:
    """Cut a stream of rows in the order of a key's numbers where the number changes."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        numbers = batch.column(key).to_numpy()
        edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
        for start, end in pairwise(edges):
            if held and held[0].column(key)[0].as_py() != numbers[start]:
                yield pa.Table.from_batches(held)
                held = []
            held.append(batch.slice(start, end - start))
    if held:
        yield pa.Table.from_batches(held)
