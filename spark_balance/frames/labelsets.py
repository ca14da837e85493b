"""Columns that hold several labels a row: an array is a set of labels, and any other label a set of one."""

from collections.abc import Iterable, Iterator, Sequence

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import ColumnError
from spark_balance.frames.columns import check_columns, check_frame, is_set, quoted, temp

Labels = tuple[str, ...]  # in their order
_READ = {
    '"': "F.from_json(column, 'array<string>')",
    "'": """F.from_json(F.translate(column, "'", '"'), 'array<string>')""",  # of single quotes Sail reads nothing
}
_UNQUOTED = "F.expr(\"array_remove(split(substr(column, 2, length(column) - 2), ', *'), '')\")"
EACH = temp("each")  # one label of a row
LABEL_SET = "label_set"  # holds the labels of a row, where several columns say which it has


def label_type(kind: T.DataType) -> T.DataType:
    """Return the type of one label."""
    return kind.elementType if isinstance(kind, T.ArrayType) else kind


def labels_in(label: object) -> tuple[object, ...]:
    """Return the labels of a class: of a set, or the one that it is."""
    return label if isinstance(label, tuple) else (label,)


def describe_texts(label_col: str, labels: Iterable[object]) -> Iterator[str]:
    """Yield what to do where labels look like the text of several: brackets around all, or labels that others join."""
    texts = {one for label in labels for one in labels_in(label) if isinstance(one, str)}
    if texts and all(text.strip()[:1] + text.strip()[-1:] == "[]" for text in texts):
        first = {text.strip()[1:].strip()[:1] for text in texts}
        made = next((read for quote, read in _READ.items() if quote in first), _UNQUOTED)
    else:
        joined = ((mark, text.split(mark)) for text in texts for mark in "|;," if mark in text)
        marks = {mark for mark, parts in joined if texts.issuperset(map(str.strip, parts))}
        if not marks:
            return
        made = f"F.split(column, ' *[{''.join(sorted(marks))}] *')"
    yield f"labels of '{label_col}' look like texts of several labels, and each counts as one; make arrays with {made}"


def labelset(kind: T.DataType, name: str) -> Column:
    """Return the labels of each row, each once and in their order; NULL for a row without a value."""
    column = F.col(quoted(name))
    if not is_set(kind):
        return F.when(column.isNotNull(), F.array(column))
    return F.sort_array(F.array_compact(F.array_distinct(column)))


def class_of(kind: T.DataType, name: str) -> Column:
    """Return what names the class of each row: its value, or of a set its labels in their order."""
    return labelset(kind, name) if is_set(kind) else F.col(quoted(name))


def gathered(method: str, df: DataFrame, label_cols: Sequence[str], role: str = "label_col") -> Column:
    """Return the names of the columns that are true in a row; NULL is not."""
    check_frame(method, df.schema)
    check_columns(method, df.schema, label_cols, role)
    refuse_none(method, label_cols, role)
    for name in label_cols:
        kind = df.schema[name].dataType
        if not isinstance(kind, T.BooleanType | T.IntegralType):
            raise ColumnError(
                f"{method}: {role} names column '{name}' of type {kind.simpleString()}; a label is there or not, so "
                "give booleans, or integers, 0 where it is not"
            )
    there = [F.when(F.col(quoted(name)).cast("boolean"), F.lit(name)) for name in label_cols]
    return F.sort_array(F.array_compact(F.array(*there)))


def refuse_none(method: str, label_cols: Sequence[str], role: str) -> None:
    """Refuse to take labels of no column."""
    if not label_cols:
        raise ColumnError(f"{method}: {role} names no column; name one for each label")


def several_columns(label_col: str | Sequence[str]) -> tuple[str, ...]:
    """Return the columns that say which labels a row has; none where one column holds its class."""
    return () if isinstance(label_col, str) else tuple(label_col)


def class_column(label_col: str | Sequence[str]) -> str:
    """Return the column that holds the class of each row: the one that is named, or the set of labels of several."""
    return label_col if isinstance(label_col, str) else LABEL_SET


def with_classes(method: str, df: DataFrame, label_col: str | Sequence[str]) -> DataFrame:
    """Return a frame that has this column: as it is, or with the labels that several columns say a row has."""
    if isinstance(label_col, str):
        return df
    labels = gathered(method, df, label_col)
    if LABEL_SET in map(str.lower, df.columns):
        raise ColumnError(
            f"{method}: the frame has a column '{LABEL_SET}', which the labels of several columns are gathered in; "
            "rename it, or drop it"
        )
    return df.withColumn(LABEL_SET, labels)
