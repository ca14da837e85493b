"""Which column is what: checks and choices made from the schema alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import ColumnError, InputError, SparkBalanceError, mark, nearest_name
from spark_balance.frames.older_spark import condition_of

TEMP_PREFIX = "__spark_balance_"
LABEL_TYPES = (T.StringType, T.BooleanType, T.IntegralType, T.FractionalType, T.DateType)
GROUP_TYPES = (*LABEL_TYPES, T.TimestampType, T.TimestampNTZType, T.BinaryType, T.DayTimeIntervalType)


@dataclass(frozen=True)
class Feature:
    """One feature column: a number, or a vector of them."""

    name: str
    type: T.DataType
    kind: Literal["number", "array", "vector"]
    nullable: bool = True


def temp(what: str) -> str:
    """Name a temporary column."""
    return TEMP_PREFIX + what


def quoted(name: str) -> str:
    """Quote a column name, so that dots and backticks in it are only characters."""
    return "`" + name.replace("`", "``") + "`"


def has_value(schema: T.StructType, name: str) -> Column:
    """Tell the rows whose value in a column, such as their label, is neither NULL nor NaN."""
    value = F.col(quoted(name))
    if isinstance(schema[name].dataType, T.FloatType | T.DoubleType):
        return value.isNotNull() & ~F.isnan(value)
    return value.isNotNull()


def stop(kind: type[SparkBalanceError], sentence: str | Column, row: Column) -> Column:
    """Return the column that stops the job with a sentence of ours, of no type; `row` is any column of the row."""
    first, second = mark(kind)
    # an engine's own error may show the plan: there, what is of the row keeps the halves of the mark apart
    nothing = F.coalesce(F.substring(row.cast("string"), 1, 0), F.lit(""))
    told = F.lit(sentence) if isinstance(sentence, str) else sentence
    return F.raise_error(F.concat(F.lit(first), nothing, F.lit(second), told))


def check_frame(method: str, schema: T.StructType) -> None:
    """Refuse a frame whose column names are not unique or look like our temporary ones."""
    seen: dict[str, str] = {}
    for name in schema.names:
        if name.lower().startswith(TEMP_PREFIX):
            raise ColumnError(f"{method}: column '{name}' starts with '{TEMP_PREFIX}', which is reserved; rename it")
        if name.lower() in seen:
            raise ColumnError(
                f"{method}: the frame has two columns named '{seen[name.lower()]}' and '{name}', "
                "which are one name to Spark; rename or drop one"
            )
        seen[name.lower()] = name


def check_columns(method: str, schema: T.StructType, names: Iterable[str], role: str) -> None:
    """Refuse names that are not in the frame, or are given twice."""
    given, known = set[str](), set(schema.names)
    for name in names:
        if name not in known:
            raise ColumnError(
                f"{method}: {role} names column '{name}', which the frame does not have"
                f"{nearest_name(name, schema.names) or '; its columns are ' + ', '.join(schema.names[:30])}"
            )
        if name in given:
            raise ColumnError(f"{method}: {role} names column '{name}' twice; name each column once")
        given.add(name)


def check_new_column(method: str, schema: T.StructType, name: str | None, role: str) -> None:
    """Refuse a column to add that has no name, a reserved one, or one that is taken."""
    if name is not None and (not name.strip() or name.lower().startswith(TEMP_PREFIX)):
        raise ColumnError(
            f"{method}: {role}={name!r} cannot name a column; give a name that does not start with '{TEMP_PREFIX}'"
        )
    if name is not None and name.lower() in {known.lower() for known in schema.names}:
        raise ColumnError(f"{method}: {role}='{name}' is already a column of the frame; choose another name")


def choose_features(
    method: str, schema: T.StructType, feature_cols: Sequence[str] | None, taken: Iterable[str]
) -> list[Feature]:
    """Return the feature columns: those named, or every numeric column that has no other role."""
    reserved = set(taken)
    if feature_cols is None:
        chosen = []
        for field in schema.fields:
            feature = _feature(field)
            if feature is not None and feature.kind == "number" and field.name not in reserved:
                chosen.append(feature)
        if not chosen:
            raise ColumnError(
                f"{method}: the frame has no numeric column besides {', '.join(sorted(reserved))}; "
                "name the features with feature_cols"
            )
        return chosen
    if not feature_cols:
        raise ColumnError(f"{method}: feature_cols is empty; name at least one numeric column")
    check_columns(method, schema, feature_cols, "feature_cols")
    features, fields = [], dict(zip(schema.names, schema.fields, strict=True))  # schema[name] looks at all fields
    for name in feature_cols:
        if name in reserved:
            raise ColumnError(
                f"{method}: feature_cols names column '{name}', the label, a key or a within column; leave it out"
            )
        feature = _feature(fields[name], named=True)
        if feature is None:
            kind = fields[name].dataType
            raise ColumnError(
                f"{method}: feature column '{name}' is of type {kind.simpleString()}; features are numeric columns, "
                f"booleans, arrays of numbers or vectors; {_advice(name, kind, 'feature_cols')}"
            )
        features.append(feature)
    return features


def choose_categories(
    method: str,
    schema: T.StructType,
    named: tuple[str, ...] | None,
    taken: Iterable[str],
    role: str = "categorical_features",
) -> tuple[str, ...]:
    """Return the categorical columns: those named, or every string and boolean column that has no other role."""
    reserved = set(taken)
    if named is None:
        return tuple(
            field.name
            for field in schema.fields
            if isinstance(field.dataType, T.StringType | T.BooleanType) and field.name not in reserved
        )
    check_columns(method, schema, named, role)
    for name in named:
        kind = schema[name].dataType
        if name in reserved:
            raise ColumnError(
                f"{method}: {role} names column '{name}', the label, a key or a within column; leave it out"
            )
        if not isinstance(kind, T.StringType | T.BooleanType | T.NumericType):
            raise ColumnError(
                f"{method}: {role} names column '{name}' of type {kind.simpleString()}; categories are strings, "
                f"booleans or numbers; {_advice(name, kind, role)}"
            )
    return tuple(named)


def floats_of(schema: T.StructType, names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that hold floats, of whose text engines have their own ideas."""
    return tuple(name for name in names if isinstance(schema[name].dataType, T.FloatType | T.DoubleType))


def _feature(field: T.StructField, *, named: bool = False) -> Feature | None:
    kind = field.dataType
    if isinstance(kind, T.NumericType) or (named and isinstance(kind, T.BooleanType)):
        return Feature(field.name, kind, "number", field.nullable)
    if isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.NumericType):
        return Feature(field.name, kind, "array")
    # by name: importing pyspark.ml only to compare types would cost every user its start-up
    if isinstance(kind, T.UserDefinedType) and type(kind).__name__ == "VectorUDT":
        return Feature(field.name, kind, "vector")
    return None


def _advice(name: str, kind: T.DataType, role: str) -> str:
    if isinstance(kind, T.DateType | T.TimestampType | T.TimestampNTZType):
        return f"derive a number from it first, such as hour({quoted(name)}) or unix_timestamp({quoted(name)})"
    return f"leave it out of {role} or turn it into a number"


_IN_PIPELINE = "ATTEMPT_ANALYSIS_IN_PIPELINE_QUERY_FUNCTION"


def is_stream(df: DataFrame) -> bool:
    """Tell a stream; no where the engine may not be asked, since Spark itself refuses there what a stream cannot."""
    try:
        return df.isStreaming
    except PySparkException as refused:
        if condition_of(refused) != _IN_PIPELINE:
            raise
        return False


@contextmanager
def told_in_pipelines(method: str) -> Iterator[None]:
    """Say in one sentence what a pipeline's query function has to be given, since it may ask the engine for nothing."""
    try:
        yield
    except PySparkException as refused:
        if condition_of(refused) != _IN_PIPELINE:
            raise
        raise ColumnError(
            f"{method}: the query function of a declarative pipeline may run no job and ask for no schema; give "
            "counts={label: rows} and a frame with its schema, df.to(schema), and resample with a method that runs "
            "nothing else, RandomUnderSampler or RandomOverSampler, or outside of the function"
        ) from None


def names_in(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the columns that are named by one name, by several or by none."""
    return (given,) if isinstance(given, str) else tuple(given or ())


def is_set(kind: T.DataType) -> bool:
    """Tell the type of a column that holds sets of labels."""
    return isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.StringType)


def check_labelled(
    method: str,
    df: DataFrame,
    label_col: str,
    within_cols: tuple[str, ...],
    streams: Callable[[], bool] = bool,
    sets: bool = False,
) -> None:
    """Refuse what no method can work on, from the schema alone; streams and sets of labels, unless it takes them."""
    if is_stream(df) and not streams():
        raise InputError(
            f"{method}: the frame is a stream; resample each batch, for example in foreachBatch, or use "
            "RandomUnderSampler or RandomOverSampler with exact=False, key_cols and given counts, which take streams"
        )
    check_frame(method, df.schema)
    check_columns(method, df.schema, [label_col], "label_col")
    kind = df.schema[label_col].dataType
    several = is_set(kind)
    if several and not sets:
        raise ColumnError(
            f"{method}: label column '{label_col}' has several labels a row, which MLROS, MLRUS and MLSMOTE resample "
            "and stratified_split divides; use one of these, measure them with label_counts, or name a column "
            "of one label a row"
        )
    if not several and not isinstance(kind, LABEL_TYPES):
        raise ColumnError(
            f"{method}: label column '{label_col}' is of type {kind.simpleString()}; a label is a string, boolean, "
            f"integer, float, decimal or date{', or several labels an array of strings' * sets}"
        )
    check_columns(method, df.schema, within_cols, "within_cols")
    for name in within_cols:
        if not isinstance(df.schema[name].dataType, GROUP_TYPES):
            raise ColumnError(
                f"{method}: within_cols names column '{name}' of type {df.schema[name].dataType.simpleString()}; a "
                "group is a string, boolean, number, date or timestamp, so name another column, or a field as a column"
            )
    if label_col in within_cols:
        raise ColumnError(f"{method}: within_cols names the label column '{label_col}'; leave it out")
