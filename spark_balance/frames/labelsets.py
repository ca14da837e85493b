"""Columns that hold several labels a row: an array is a set of labels, and any other label a set of one."""

from pyspark.sql import Column, functions as F, types as T

from spark_balance.frames.columns import is_set, quoted, temp

Labels = tuple[str, ...]  # in their order
EACH = temp("each")  # one label of a row


def label_type(kind: T.DataType) -> T.DataType:
    """Return the type of one label."""
    return kind.elementType if isinstance(kind, T.ArrayType) else kind


def labels_in(label: object) -> tuple[object, ...]:
    """Return the labels of a class: of a set, or the one that it is."""
    return label if isinstance(label, tuple) else (label,)


def labelset(kind: T.DataType, name: str) -> Column:
    """Return the labels of each row, each once and in their order; NULL for a row without a value."""
    column = F.col(quoted(name))
    if not is_set(kind):
        return F.when(column.isNotNull(), F.array(column))
    return F.sort_array(F.array_compact(F.array_distinct(column)))


def class_of(kind: T.DataType, name: str) -> Column:
    """Return what names the class of each row: its value, or of a set its labels in their order."""
    return labelset(kind, name) if is_set(kind) else F.col(quoted(name))
