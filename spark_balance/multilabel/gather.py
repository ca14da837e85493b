"""Labels as columns that are true or false, and as one column of arrays."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.errors import ColumnError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_columns, check_frame, check_new_column, is_set, quoted
from spark_balance.frames.labelsets import gathered, refuse_none


@checked
def gather_labels(df: DataFrame, label_cols: Sequence[str], label_col: str = "labels") -> DataFrame:
    """Put an array of labels in place of columns that are true where a row has the label.

    `MLROS`, `MLRUS`, `MLSMOTE`, counts and splits need no array: ``label_col=["comedy", "drama"]`` names such columns.

    Parameters
    ----------
    df : DataFrame
    label_cols : sequence of str
        Columns of booleans, or of integers, 0 or NULL where a row does not have the label; their names are the labels.
    label_col : str
        The name of the new column.

    Returns
    -------
    DataFrame
        The other columns, and the array of strings behind them.

    Raises
    ------
    SparkBalanceError
        If a column is absent or of another type, or the new name is taken.

    Notes
    -----
    Cost: none of its own; lazy.

    Examples
    --------
    >>> df = spark.createDataFrame([(1, True, False), (2, True, True)], "id int, comedy boolean, drama boolean")
    >>> gather_labels(df, ["comedy", "drama"]).sort("id").collect()
    [Row(id=1, labels=['comedy']), Row(id=2, labels=['comedy', 'drama'])]
    """
    labels = gathered("gather_labels", df, label_cols, "label_cols")
    others = [name for name in df.columns if name not in set(label_cols)]
    check_new_column("gather_labels", T.StructType([df.schema[name] for name in others]), label_col, "label_col")
    return df.select(*map(quoted, others), labels.alias(label_col))


@checked
def spread_labels(df: DataFrame, label_cols: Sequence[str], label_col: str = "labels") -> DataFrame:
    """Put a boolean column for each label in place of an array of labels: the way back from `gather_labels`.

    Parameters
    ----------
    df : DataFrame
    label_cols : sequence of str
        The labels; each becomes a column of this name. A label that is not named is left out.
    label_col : str
        The column with the labels, an array of strings. Where it is NULL, the new columns are.

    Returns
    -------
    DataFrame
        The other columns, and the boolean ones behind them.

    Raises
    ------
    SparkBalanceError
        If the column is not an array of strings, or a name is taken.

    Notes
    -----
    Cost: none of its own; lazy.

    Examples
    --------
    >>> df = spark.createDataFrame([(1, ["comedy"])], "id int, labels array<string>")
    >>> spread_labels(df, ["comedy", "drama"]).collect()
    [Row(id=1, comedy=True, drama=False)]
    """
    check_frame("spread_labels", df.schema)
    check_columns("spread_labels", df.schema, [label_col], "label_col")
    kind = df.schema[label_col].dataType
    if not is_set(kind):
        raise ColumnError(
            f"spread_labels: column '{label_col}' is of type {kind.simpleString()}; labels are an array of strings"
        )
    others = T.StructType([field for field in df.schema.fields if field.name != label_col])
    refuse_none("spread_labels", label_cols, "label_cols")
    taken = others
    for name in label_cols:
        check_new_column("spread_labels", taken, name, "label_cols")
        taken = T.StructType([*taken.fields, T.StructField(name, T.BooleanType())])
    there = F.array_compact(F.col(quoted(label_col)))
    made = [F.array_contains(there, F.lit(name)).alias(name) for name in label_cols]
    return df.select(*map(quoted, others.names), *made)
