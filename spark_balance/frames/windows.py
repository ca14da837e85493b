"""Windows of a series as rows, with an array of the steps for each column, and back."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError, ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_columns, check_frame, check_new_column, names_in, quoted, stop, temp
from spark_balance.frames.provenance import is_new, provenance_fields
from spark_balance.frames.row_ids import HI, LO, identity
from spark_balance.frames.typed import required
from spark_balance.frames.window_checks import check_window_columns, check_windows

MAX_STEPS = 10_000  # of a window, which one task holds
_STEPS, _PLACED, _NEW = temp("steps"), temp("placed"), temp("new")


@checked
def to_windows(
    df: DataFrame,
    window_cols: str | Sequence[str],
    order_col: str,
    label_col: str,
    aligned: bool = True,
    max_steps: int = MAX_STEPS,
) -> DataFrame:
    """Return a row for each window of a series, so that any sampler keeps, copies or drops whole windows.

    Parameters
    ----------
    df : DataFrame of Spark, pandas or polars, or pyarrow.Table
        A row for each step of each window.
    window_cols : str or sequence of str
        All rows with equal values here are one window: a machine and the number of the window, for example.
    order_col : str
        Number, date or timestamp that orders the steps of a window; unique in it, and never NULL.
    label_col : str
        Column with the class, the same in all rows of a window.
    aligned : bool
        Refuse windows of different lengths, which no method can interpolate. False takes them, for methods that look at
        no features.
    max_steps : int
        Refuse a window of more steps, since a task holds whole windows.

    Returns
    -------
    DataFrame
        The same columns in the same order. `window_cols`, `label_col` and a provenance column keep their values; every
        other column is an array, in the order of `order_col`.

    Raises
    ------
    SparkBalanceError
        If a column does not fit, or a window has several labels, NULLs or equal values in `order_col`, another length
        than others, or more than `max_steps` steps (`RefusedByGuard`).

    Notes
    -----
    Cost: one job at the call, which shuffles a row for each window and task, and checks all but equal values in
    `order_col`. The frame is lazy: each evaluation shuffles all rows once, and finds equal values. A filter on
    `window_cols` or `label_col` reaches the file.

    Examples
    --------
    >>> rows = [(m, t, m + 0.1 * t, int(m == 3)) for m in range(4) for t in range(3)]
    >>> df = spark.createDataFrame(rows, "machine int, t int, speed double, fault int")
    >>> windows = to_windows(df, "machine", "t", "fault")
    >>> windows.where("machine = 1").collect()
    [Row(machine=1, t=[0, 1, 2], speed=[1.0, 1.1, 1.2], fault=0)]
    """
    method = "to_windows"
    keys = names_in(window_cols)
    check_window_columns(method, df, keys, order_col, label_col)
    if max_steps < 1:
        raise ParameterError(f"{method}: max_steps={max_steps} is refused; give a whole number of at least 1")
    same = [label_col, *(one.name for one in provenance_fields(df.schema))]
    by = [F.col(quoted(name)) for name in (*keys, *same)]
    check_windows(method, df, by[: len(keys)], by[len(keys) :], order_col, aligned, max_steps)
    # the order first, by which structs are sorted
    fields = [one for one in df.schema.fields if one.name not in (*keys, *same)]
    fields.sort(key=lambda field: field.name != order_col)
    step = F.struct(*[F.col(quoted(one.name)).alias(f"{_STEPS}{i}") for i, one in enumerate(fields)])
    folded = df.groupBy(*by).agg(F.sort_array(F.collect_list(step)).alias(_STEPS))
    arrays = {one.name: _column_of(i, one) for i, one in enumerate(fields)}
    sentence = (
        f"{method}: order_col '{order_col}' has equal values in a window, whose steps then have no order; name another "
        "column, or drop duplicates"
    )
    order = F.transform(_STEPS, lambda one: one.getField(f"{_STEPS}0"))
    is_unique = F.size(F.array_distinct(order)) == F.size(order)
    sure = F.when(is_unique, F.lit(True)).otherwise(stop(BadValuesError, sentence, F.size(order)).cast("boolean"))
    return folded.where(sure).select(*[arrays.get(name, F.col(quoted(name))) for name in df.columns])


@checked
def from_windows(
    windows: DataFrame,
    window_cols: str | Sequence[str],
    order_col: str,
    copy_col: str | None = "copy",
    originals: bool = True,
) -> DataFrame:
    """Return a row for each step of each window: what `to_windows` made, after a sampler.

    Parameters
    ----------
    windows : DataFrame of Spark, pandas or polars, or pyarrow.Table
        A row for each window. Every array column has a value for each step; other columns are the same in all.
    window_cols : str or sequence of str
        The columns that identify a window; a copy or a new window has those of its base.
    order_col : str
        The array that orders the steps.
    copy_col : str, optional
        Name of a new column that, with `window_cols`, identifies a window: 0 in an original, 1, 2, ... in its copies
        and new windows. None adds none, after a method that only removes windows.
    originals : bool
        False where the originals are not among the windows, as of ``output="added"``: numbers then begin at 1.

    Returns
    -------
    DataFrame
        The columns of `windows`, each array as the type of its elements, and `copy_col`.

    Raises
    ------
    SparkBalanceError
        If a column does not fit, a window has no steps, or windows of one base differ and no provenance column says
        which is the original.

    Notes
    -----
    New windows need the columns of their base: set ``passthrough="base"`` in the sampler, and `provenance_col` in a
    method that makes new values. Cost: no job; each evaluation shuffles the windows once to number them, and nothing
    with ``copy_col=None``. A task gets all copies of a window.

    Examples
    --------
    >>> rows = [(m, t, m + 0.1 * t, int(m > 6)) for m in range(9) for t in range(3)]
    >>> df = spark.createDataFrame(rows, "machine int, t int, speed double, fault int")
    >>> windows = to_windows(df, "machine", "t", "fault")
    >>> sampler = RandomOverSampler(label_col="fault", key_cols="machine", sampling_strategy={1: 4})
    >>> rows = from_windows(sampler.fit_resample(windows), "machine", "t")
    >>> rows.where("machine = 8").orderBy("copy", "t").select("t", "copy").collect()[2:4]
    [Row(t=2, copy=0), Row(t=0, copy=1)]
    """
    method, schema = "from_windows", windows.schema
    keys = names_in(window_cols)
    check_frame(method, schema)
    check_columns(method, schema, keys, "window_cols")
    check_columns(method, schema, [order_col], "order_col")
    stepped = [one for one in schema.fields if isinstance(one.dataType, T.ArrayType) and one.name not in keys]
    if order_col not in {one.name for one in stepped}:
        raise ColumnError(
            f"{method}: order_col '{order_col}' is of type {schema[order_col].dataType.simpleString()}; in a row for "
            "each window it is an array, so give what to_windows returns"
        )
    told = [one.name for one in provenance_fields(schema)]
    check_new_column(method, schema, copy_col, "copy_col")
    rows = windows if copy_col is None else _numbered(method, windows, keys, told, originals)
    numbered = [] if copy_col is None else [_PLACED]
    names = {one.name: f"{_STEPS}{i}" for i, one in enumerate(stepped)}
    arrays = [_padded(one).alias(names[one.name]) for one in stepped]
    others = [quoted(one.name) for one in schema.fields if one.name not in names]
    rows = rows.where(_whole(method, stepped, order_col)).select(*others, *numbered, *arrays)
    steps = rows.select(*others, *numbered, F.explode(F.arrays_zip(*names.values())).alias(_STEPS))
    columns = [_value_of(one, names.get(one.name)) for one in schema.fields]
    return steps.select(*columns, *([F.col(_PLACED).alias(copy_col)] if copy_col is not None else []))


def _column_of(place: int, field: T.StructField) -> Column:
    """Return the array of a column's values, which holds NULL only where the column may."""
    name, kind = f"{_STEPS}{place}", T.ArrayType(field.dataType, containsNull=field.nullable)
    values = F.transform(_STEPS, lambda one: one.getField(name))
    if "struct" not in field.dataType.simpleString():  # Sail casts none to one that may not be NULL
        values = F.coalesce(values, F.array().cast(kind)).cast(kind)
    return values.alias(field.name, metadata=field.metadata)


def _numbered(method: str, windows: DataFrame, keys: tuple[str, ...], told: list[str], originals: bool) -> DataFrame:
    """Number the windows of one base, the original first and the others by their content."""
    new = [is_new(F.col(quoted(name))) for name in told]
    is_made = reduce(lambda one, other: one | other, new, F.lit(False)).cast("int")
    # what else a new window has is its base's, and no engine needs to hash it
    differ = [one.name for one in windows.schema.fields if _is_numbers(one.dataType) or one.name in told]
    rows = windows.select("*", *identity(method, windows.schema, (*keys, *differ)), is_made.alias(_NEW))
    of_base = Window.partitionBy(*map(quoted, keys))
    # where provenance says that no original is there, the first is 1, too
    first = F.min(_NEW).over(of_base) if originals else F.lit(1)
    place = F.coalesce(F.row_number().over(of_base.orderBy(_NEW, HI, LO)) - 1 + first, F.lit(0))
    if told or not originals:
        return rows.withColumn(_PLACED, place)
    sentence = (
        f"{method}: windows with equal {', '.join(keys)} differ, and nothing says which of them is the original; "
        "name a provenance_col in the sampler"
    )
    are_equal = F.min(HI).over(of_base) == F.max(HI).over(of_base)
    return rows.withColumn(_PLACED, F.when(are_equal, place).otherwise(stop(ColumnError, sentence, place).cast("int")))


def _is_numbers(kind: T.DataType) -> bool:
    return isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.NumericType)


def _padded(field: T.StructField) -> Column:
    """Return an array to be zipped with others, which one that is NULL would make NULL."""
    column = F.col(quoted(field.name))
    return F.coalesce(column, F.array().cast(field.dataType)) if field.nullable else column


def _whole(method: str, stepped: list[T.StructField], order_col: str) -> Column:
    """Refuse windows without steps, and arrays of another length than the order's."""
    steps = F.coalesce(F.size(quoted(order_col)), F.lit(0))
    same = [F.col(quoted(one.name)).isNull() | (F.size(quoted(one.name)) == steps) for one in stepped]
    sentence = (
        f"{method}: a window has no steps in order_col '{order_col}', or another array has more or fewer; a new window "
        "takes them from its base if the sampler has passthrough='base', so set that, and drop arrays of other things"
    )
    whole = reduce(and_, same, steps > 0)
    return F.when(whole, F.lit(True)).otherwise(stop(BadValuesError, sentence, steps).cast("boolean"))


def _value_of(field: T.StructField, step: str | None) -> Column:
    """Return a column of the rows: of a step, or of its window."""
    if step is None:
        return F.col(quoted(field.name))
    assert isinstance(field.dataType, T.ArrayType)
    never = not (field.nullable or field.dataType.containsNull)
    of_step = T.StructField(field.name, field.dataType.elementType, not never)
    return required(F.col(_STEPS).getField(step), of_step).alias(field.name, metadata=field.metadata)
