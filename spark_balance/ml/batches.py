"""Partitions with equal class shares, to train on one at a time."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window, functions as F

from spark_balance.errors import BadValuesError, ParameterError, TooFewRowsError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_columns, check_labelled, names_in, quoted, temp
from spark_balance.frames.counts import class_counts
from spark_balance.frames.row_ids import HI, LO, draw, identity
from spark_balance.kernels.draws import labels, stream

_DRAW, _HAND, _DEALT, _BEFORE, _PLACE = temp("draw"), temp("hand"), temp("dealt"), temp("before"), temp("place")
_METHOD = "stratified_partitions"


@checked
def stratified_partitions(
    df: DataFrame,
    label_col: str,
    n_partitions: int,
    *,
    key_cols: str | Sequence[str] | None = None,
    random_state: int = 0,
) -> DataFrame:
    """Deal the rows of every class evenly to partitions, in a random order.

    Each partition gets its share of each class, to within one row. A learner that sees one partition (a file of a
    Parquet table, a task of `mapInArrow`) or one batch after the other sees every class. One seed deals the same rows
    together whatever the layout of the input.

    Parameters
    ----------
    df : DataFrame
        The rows; balance them first if the partitions are to be balanced.
    label_col : str
        Column with the class of each row, which may not be NULL or NaN.
    n_partitions : int
        Number of partitions, at least 1; no class may have fewer rows.
    key_cols : str or sequence of str, optional
        A unique key; without it a hash of all its columns identifies a row.
    random_state : int
        Seed of which rows are dealt together, and of their order.

    Returns
    -------
    DataFrame
        The same rows and columns, in `n_partitions` partitions. Sail hashes differently and drops the sort: there
        one partition may hold the rows of two, another none, in an order of its own.

    Raises
    ------
    SparkBalanceError
        If a class has too few rows, or an argument does not fit the frame.

    Notes
    -----
    Cost: one job that counts the classes; then lazily two scans, one of the key columns and the label alone, and two
    shuffles of the rows.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, i % 4 == 0) for i in range(40)], "id int, rare boolean")
    >>> stratified_partitions(df, "rare", 5, key_cols="id").count()
    40
    """
    keys = names_in(key_cols)
    check_labelled(_METHOD, df, label_col, ())
    check_columns(_METHOD, df.schema, keys, "key_cols")
    if isinstance(n_partitions, bool) or not isinstance(n_partitions, int) or n_partitions < 1:
        raise ParameterError(f"{_METHOD}: n_partitions={n_partitions!r} is refused: give 1 or more, a whole number")
    _check_counts(df, label_col, n_partitions)
    drawn = draw(stream(random_state, "deal"), HI, LO)
    identified = df.select("*", *identity(_METHOD, df.schema, keys))
    # first many small hands, so that no task has to sort a whole class
    rows = identified.withColumn(_DRAW, drawn).withColumn(_HAND, F.pmod(_DRAW, F.lit(n_partitions)).cast("int"))
    label = F.col(quoted(label_col))
    hands = rows.groupBy(label, _HAND).agg(F.count(F.lit(1)).alias(_DEALT))
    earlier = Window.partitionBy(label).orderBy(_HAND).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = (F.sum(_DEALT).over(earlier) - F.col(_DEALT)).alias(_BEFORE)
    hands = hands.select(label.alias(temp("label")), F.col(_HAND).alias(temp("of")), before)
    # equal rows have equal draws, and it does not matter which of them is dealt first
    nth = F.row_number().over(Window.partitionBy(label, _HAND).orderBy(_DRAW, HI, LO))
    same_hand = (label == F.col(temp("label"))) & (F.col(_HAND) == F.col(temp("of")))
    joined = rows.withColumn(_DEALT, nth).join(F.broadcast(hands), same_hand)
    place = F.pmod(F.col(_BEFORE) + F.col(_DEALT), F.lit(n_partitions))
    # numbers that hash to a partition each: dealt by 0, 1, ... some would share one and others stay empty
    numbers = F.array(*[F.lit(int(number)) for number in labels(range(n_partitions))])
    dealt = joined.withColumn(_PLACE, F.element_at(numbers, (place + 1).cast("int")))
    order = draw(stream(random_state, "order"), HI, LO, _DEALT)
    placed = dealt.repartition(n_partitions, F.col(_PLACE)).sortWithinPartitions(order)
    return placed.select(*[F.col(quoted(name)) for name in df.columns])


def _check_counts(df: DataFrame, label_col: str, n_partitions: int) -> None:
    counts = class_counts(df, label_col)
    if counts.missing_rows:
        raise BadValuesError(
            f"{_METHOD}: label column '{label_col}' is NULL or NaN in {counts.missing_rows} rows; filter them"
        )
    for label, rows in counts.rows.items():
        if rows < n_partitions:
            raise TooFewRowsError(
                f"{_METHOD}: class {label!r} has {rows} row{'s' * (rows > 1)}, too few for one in each of "
                f"n_partitions={n_partitions}; use n_partitions<={rows} or RandomOverSampler first"
            )
