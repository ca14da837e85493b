"""Neighbors of any frame, without a sampler: `knn_join` pairs rows, `decide` applies a rule to rows and neighbors."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.errors import ColumnError, ParameterError, TooFewRowsError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_frame, check_new_column, choose_features, quoted, temp
from spark_balance.frames.counts import class_counts
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.row_ids import COPIES, FEATURES, FIRST, NEAR_ORIGIN, NTH, ORIGIN, UNIT_COLUMNS
from spark_balance.kernels.members import Rule
from spark_balance.kernels.metrics import FAR
from spark_balance.neighbors.cells import MAX_WORK, RECALL, TASK_MB, Wanted
from spark_balance.neighbors.decisions import decide_in_cells
from spark_balance.neighbors.join import pair_with_neighbors
from spark_balance.neighbors.pairs import SQUARE
from spark_balance.neighbors.plain import check_keys, fit_plain_rows, keys_of, warn_of_recall
from spark_balance.neighbors.pools import Question
from spark_balance.neighbors.space import NUMBERS, check_missing, ways_to_lack, why_all_features

_SIDE = temp("side")  # 0 for points, 1 for queries
_ADDED = ("neighbor", "rank", "distance")


@checked
def knn_join(
    queries: DataFrame,
    points: DataFrame,
    k: int,
    *,
    key_cols: str | Sequence[str],
    feature_cols: Sequence[str] | None = None,
    scale: bool = True,
    metric: Literal["euclidean", "cosine"] = "euclidean",
    missing: Literal["error", "ignore", "drop"] = "error",
    neighbors: Literal["cells", "exact"] = "cells",
    recall: float = RECALL,
    max_work: int = MAX_WORK,
    task_memory_mb: int = TASK_MB,
    cell_rows: int | None = None,
) -> DataFrame:
    """Return the k nearest points of each query.

    Parameters
    ----------
    queries, points : DataFrame
        The rows that look for neighbors, and those that they look among. The same object given twice joins a frame
        with itself: a row is not its own neighbor.
    k : int
        Neighbors of each query.
    key_cols : str or sequence of str
        Columns that identify a row of each frame, of the same types in both. They must be unique within a frame.
    feature_cols : sequence of str, optional
        Numeric columns, arrays of numbers or vectors, of the same types in both frames; default every numeric column
        of `points` that is not a key.
    scale : bool, default True
        Divide each feature by its standard deviation in the rows of both frames, as scikit-learn's `StandardScaler`
        does; of more than 256 features by that in the driver's sample. False measures the features as they are.
    metric : {'euclidean', 'cosine'}
        'cosine' measures the angle between rows as they are, and `scale` does nothing then; a row of zeros is refused.
    missing : {'error', 'ignore', 'drop'}
        What to do where a feature is NULL or NaN: 'error' refuses; 'ignore' measures the distance over the features
        that both rows have, squared and times all features by these, infinite without one; 'drop' leaves such
        rows out of both frames. 'ignore' compares all pairs of a cell, and is not for 'cosine' or 'exact'.
    neighbors : {'cells', 'exact'}
        'cells' groups near rows of both frames and copies points near a border to the next cells: nearly all
        neighbors are the true ones, and a `RecallWarning` says so where they are not. Where the queries of a
        cell meet fewer than k points, they get fewer. 'exact' also asks other cells wherever a nearer point could be.
    recall : float, default 0.99
        Share of the true neighbors that 'cells' should find; 1.0 is 'exact'.
    max_work : int, default 16,000
        Comparisons of a row, on average, at most; a `RecallWarning` says where more would be needed.
    task_memory_mb : int, default 1,000
        Memory that a task may take, its Python worker included: the largest cells and their halo follow.
    cell_rows : int, optional
        Rows of a cell; default 65,536 at 28 features, up to 196,608 of many rows, and 52,795 at 768
        floats.

    Returns
    -------
    DataFrame
        A row for each query and neighbor: the key columns of the query, `neighbor` (a struct of the key columns
        of the point), `rank` (int, 1 for the nearest; ties go to a hash of the keys) and `distance` (double):
        Euclid's, of the features as `scale` says, or 1 - cosine. Features are rounded to a grid of about a millionth of
        their range first, so the rows are the same on any engine, machine and layout.

    Raises
    ------
    SparkBalanceError
        When a column is absent, of a wrong type or holds NULL, NaN or infinity, or there are fewer than k points.

    Notes
    -----
    Cost: two jobs before the frame is returned, which count the rows and sample them; then lazily one
    scan, one shuffle of the features (1 to 4 copies of a point) and two crossings to Python; 'exact' two scans,
    three shuffles, five crossings.

    Examples
    --------
    >>> shops = spark.createDataFrame([(1, 0.0, 0.0), (2, 3.0, 4.0)], "id int, x double, y double")
    >>> homes = spark.createDataFrame([(7, 0.0, 1.0), (8, 3.0, 3.0)], "id int, x double, y double")
    >>> near = knn_join(homes, shops, 1, key_cols="id", scale=False)
    >>> near.orderBy("id").show()
    +---+--------+----+--------+
    | id|neighbor|rank|distance|
    +---+--------+----+--------+
    |  7|     {1}|   1|     1.0|
    |  8|     {2}|   1|     1.0|
    +---+--------+----+--------+
    <BLANKLINE>
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ParameterError(f"knn_join: k={k!r} must be a whole number of at least 1")
    wanted = Wanted(recall, max_work, cell_rows, task_memory_mb).checked("knn_join")
    neighbors = "exact" if recall == 1 else neighbors
    keys = check_keys("knn_join", points, key_cols)
    for name in _ADDED:
        check_new_column("knn_join", points.select(*map(quoted, keys)).schema, name, "the new column")
    why = why_all_features(metric, exact=neighbors == "exact")
    check_missing("knn_join", missing, why)
    features = choose_features("knn_join", points.schema, feature_cols, keys)
    columns = NUMBERS[metric](tuple(features), lacking=missing == "ignore")
    names = [*keys, *(feature.name for feature in columns.features)]
    alone = queries is points
    rows = points.select(*map(quoted, names), F.lit(0).alias(_SIDE))
    if not alone:
        _check_same_types(queries, points, names)
        rows = rows.unionAll(queries.select(*map(quoted, names), F.lit(1).alias(_SIDE)))
    rows = rows.where(columns.has_all) if missing == "drop" else rows
    counted = {row[_SIDE]: row["count"] for row in to_arrow(rows.groupBy(_SIDE).count()).to_pylist()}
    there, needed = counted.get(0, 0), k + alone
    if there < needed:
        raise TooFewRowsError(
            f"knn_join: points has {there} rows, k={k} needs at least {needed}"
            f"{' (a row is not its own neighbor)' * alone}; use a smaller k"
        )
    sides = (0,) if alone else (0, 1)
    sizes = {side: counted.get(side, 0) for side in sides}
    asked = [Question(sides[-1:], (0,), k)]
    made = fit_plain_rows(
        "knn_join", rows, _SIDE, sizes, keys, columns, asked, wanted, scale=scale, ways=ways_to_lack(why)
    )
    if neighbors == "cells":
        warn_of_recall("knn_join", made.cell_map, made.goal)
    copies = F.lit(1) if alone else F.col(_SIDE)
    bases = made.units.withColumn(COPIES, copies).withColumn(NTH, F.lit(0) if alone else F.col(_SIDE))
    bases = bases.select(*UNIT_COLUMNS, FEATURES, ORIGIN)
    pairs = pair_with_neighbors(bases, made.cell_map, k, how=neighbors, among=None if alone else (0,))
    # rows of one length: the square of the chord is twice 1 - cosine
    distance = F.col(SQUARE) / (2 * made.unit**2) if metric == "cosine" else F.sqrt(SQUARE) / made.unit
    if missing == "ignore":
        distance = F.when(F.col(SQUARE) < FAR, distance).otherwise(float("inf"))
    return pairs.select(
        *keys_of(ORIGIN, keys),
        F.struct(*keys_of(NEAR_ORIGIN, keys)).alias("neighbor"),
        (F.col(FIRST) + 1).alias("rank"),
        distance.alias("distance"),
    )


@checked
def decide(
    df: DataFrame,
    rule: Rule,
    says: Mapping[str, T.DataType],
    *,
    label_col: str,
    key_cols: str | Sequence[str],
    k: int,
    feature_cols: Sequence[str] | None = None,
    scale: bool = True,
    missing: Literal["error", "ignore", "drop"] = "error",
    recall: float = RECALL,
    max_work: int = MAX_WORK,
    task_memory_mb: int = TASK_MB,
    cell_rows: int | None = None,
) -> DataFrame:
    """Return what a decision rule says of rows, given their nearest neighbors of all classes.

    Parameters
    ----------
    df : DataFrame
        Rows with a label; those without one are left out.
    rule : callable
        Called with the `Members` of a cell, as `spark_balance.kernels.rules` has some; returns the positions of rows
        that the cell owns, and a dict with a column for each name in `says`. A class id is the position of the
        label among all labels in ascending order.
    says : dict of str to DataType
        The columns that the rule returns.
    label_col : str
    key_cols : str or sequence of str
        Columns that identify a row. They must be unique.
    k : int
        Neighbors that the rule asks for, at most: cells are made so that a row meets nearly all of them.
    feature_cols, scale, missing, recall, max_work, task_memory_mb, cell_rows
        As of `knn_join`; by default every numeric column that is neither key nor label is a feature.

    Returns
    -------
    DataFrame
        The key columns of each row that the rule says something of, and the columns of `says`.

    Notes
    -----
    Cost: two jobs before the frame is returned; then lazily one scan, one shuffle of the features (1 to
    4 copies), two crossings to Python.

    Examples
    --------
    >>> from spark_balance.kernels.rules import OtherClass
    >>> df = spark.createDataFrame([(i, float(i), int(i > 2)) for i in range(6)], "id int, x double, y int")
    >>> rule = OtherClass("others", (0, 1), 2)
    >>> decide(df, rule, {"others": T.IntegerType()}, label_col="y", key_cols="id", k=2).orderBy("id").show()
    +---+------+
    | id|others|
    +---+------+
    |  0|     0|
    |  1|     0|
    |  2|     1|
    |  3|     1|
    |  4|     0|
    |  5|     0|
    +---+------+
    <BLANKLINE>
    """
    wanted = Wanted(recall, max_work, cell_rows, task_memory_mb).checked("decide")
    keys = check_keys("decide", df, key_cols)
    features = choose_features("decide", df.schema, feature_cols, [*keys, label_col])
    columns, ways = FeatureColumns(tuple(features), lacking=missing == "ignore"), ways_to_lack(None)
    df = df.where(columns.has_all) if missing == "drop" else df
    rows = dict(sorted(class_counts(df, label_col).rows.items()))
    everyone = tuple(range(len(rows)))
    if sum(rows.values()) <= k:
        raise TooFewRowsError(f"decide: the frame has {sum(rows.values())} rows with a label, k={k} needs {k + 1}")
    asked = [Question(everyone, everyone, k)]
    made = fit_plain_rows("decide", df, label_col, rows, keys, columns, asked, wanted, scale=scale, ways=ways)
    warn_of_recall("decide", made.cell_map, made.goal)
    said = decide_in_cells(made.units.withColumn(NTH, F.lit(0)), made.cell_map, rule, says)
    return said.select(*keys_of(ORIGIN, keys), *says)


def _check_same_types(queries: DataFrame, points: DataFrame, names: Sequence[str]) -> None:
    check_frame("knn_join", queries.schema)
    for name in names:
        if name not in queries.schema.names:
            raise ColumnError(f"knn_join: queries has no column '{name}', which points has; add or rename it")
        one, other = queries.schema[name].dataType, points.schema[name].dataType
        if one != other:
            raise ColumnError(
                f"knn_join: column '{name}' is of type {one.simpleString()} in queries and "
                f"{other.simpleString()} in points; cast one of them"
            )
