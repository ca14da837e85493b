"""Split before resampling: exact per class, the same rows on any layout, groups never cut."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

from pyspark.sql import DataFrame, functions as F

from spark_balance.errors import ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import check_columns, check_labelled, check_new_column, is_set, names_in, quoted
from spark_balance.frames.counts import class_counts
from spark_balance.frames.labelsets import class_column, with_classes
from spark_balance.frames.plan import ClassPlan
from spark_balance.frames.row_ids import identity
from spark_balance.kernels.draws import stream
from spark_balance.metrics.guards import refuse_added_rows, refuse_equal_rows, value_columns
from spark_balance.ml.parts import PART, check_together, deal_rows, exact_shares, parts_of_groups, parts_of_rows

Columns = str | Sequence[str] | None
Weights = Sequence[Any]  # of numbers above 0
Duplicates = Literal["split", "together", "refuse"]


@checked
def stratified_split(
    df: DataFrame,
    weights: Weights,
    label_col: str | Sequence[str],
    key_cols: Columns = None,
    group_cols: Columns = None,
    random_state: int = 0,
    allow_synthetic: bool = False,
    duplicates: Duplicates = "split",
) -> list[DataFrame]:
    """Split a frame at random into parts with their share of every class.

    Parameters
    ----------
    df : DataFrame
        Any batch frame that does not change between evaluations.
    weights : sequence of float
        Relative sizes of the parts, as `randomSplit` takes them: ``[0.8, 0.2]``.
    label_col : str or sequence of str
        Column with the class of each row, or an array of its labels; or several columns, each true (or an integer
        other than 0) where a row has the label that it is called. NULL and NaN are a class of their own, and in one of
        several columns mean that the row does not have the label.
    key_cols : str or sequence of str, optional
        A unique key. Without it a hash of all its columns identifies a row.
    group_cols : str or sequence of str, optional
        Rows with equal values here (a customer, a session) stay together; NULLs form one group. `key_cols` is then
        ignored.
    random_state : int
        Seed; one seed gives the same parts on any layout and engine.
    allow_synthetic : bool
        Accept a frame whose provenance column marks replicas or synthetic rows.
    duplicates : {'split', 'together', 'refuse'}
        Rows that are equal in all columns but `key_cols`: 'split' divides them as others, as scikit-learn does, since
        many tables have some by nature; 'together' keeps them in one part, as groups; 'refuse' refuses a frame that
        has any, which takes one more job with a shuffle of the hashes of all rows.

    Returns
    -------
    list of DataFrame
        One for each weight: the user's columns, each row in exactly one part.

    Raises
    ------
    SparkBalanceError
        If a column, a weight or the frame does not fit.

    Notes
    -----
    Rows with several labels are divided by iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011): each
    part has about its share of every label, and of all rows. With one label a row and without groups, a part of
    share s has floor(n s) or ceil(n s) rows of a class with n rows. Largest remainders are carried from class to
    class, so the parts are within one row of their share in total, too. With groups a class cannot be exact: groups
    with the same rarest class and about the same number of its rows (to a power of two) are divided exactly, so rare
    classes are as even as whole groups allow.

    Cost: two jobs at the call (class counts; thresholds, over the key columns alone or the hashes of all columns).
    Each part is one scan, with a key without any shuffle. With groups every evaluation shuffles the rows to their
    groups.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, i % 10 == 0) for i in range(100)], "id int, rare boolean")
    >>> train, test = stratified_split(df, [0.8, 0.2], "rare", key_cols="id")
    >>> test.count(), test.where("rare").count()
    (20, 2)
    """
    method = "stratified_split"
    shares = exact_shares(method, weights)
    placed = _place_rows(method, df, shares, label_col, key_cols, group_cols, random_state, allow_synthetic, duplicates)
    return [placed.where(F.col(PART) == part).select(*map(quoted, df.columns)) for part in range(len(shares))]


@checked
def stratified_folds(
    df: DataFrame,
    n_folds: int,
    label_col: str | Sequence[str],
    fold_col: str = "fold",
    key_cols: Columns = None,
    group_cols: Columns = None,
    random_state: int = 0,
    allow_synthetic: bool = False,
    duplicates: Duplicates = "split",
) -> DataFrame:
    """Add a column of fold numbers for ``CrossValidator(foldCol=...)``, exact per class.

    Parameters
    ----------
    df, label_col, key_cols, group_cols, random_state, allow_synthetic, duplicates
        As in `stratified_split`.
    n_folds : int
        Number of folds, at least 2. A class with fewer rows than folds is missing from some.
    fold_col : str
        Name of the new column, an integer from 0 to n_folds - 1.

    Returns
    -------
    DataFrame
        The same rows with `fold_col`. With one label a row and without groups, the folds of a class, and the folds in
        all, differ by at most one row.

    Raises
    ------
    SparkBalanceError
        If a column, the number of folds or the frame does not fit.

    Notes
    -----
    Guarantees and cost are those of `stratified_split`.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, i % 10 == 0) for i in range(100)], "id int, rare boolean")
    >>> folded = stratified_folds(df, 5, "rare", key_cols="id")
    >>> folded.where("fold = 0 AND rare").count()
    2
    """
    method = "stratified_folds"
    if isinstance(n_folds, bool) or not isinstance(n_folds, int) or n_folds < 2:
        raise ParameterError(f"{method}: n_folds={n_folds!r} is refused; give a whole number of at least 2")
    check_new_column(method, df.schema, fold_col, "fold_col")
    shares = [Fraction(1, n_folds)] * n_folds
    placed = _place_rows(method, df, shares, label_col, key_cols, group_cols, random_state, allow_synthetic, duplicates)
    return placed.select(*map(quoted, df.columns), F.col(PART).alias(fold_col))


def _place_rows(
    method: str,
    df: DataFrame,
    shares: list[Fraction],
    label_col: str | Sequence[str],
    key_cols: Columns,
    group_cols: Columns,
    random_state: int,
    allow_synthetic: bool,
    duplicates: Duplicates,
) -> DataFrame:
    """Add the part of each row."""
    keys, groups, own = names_in(key_cols), names_in(group_cols), df.schema
    df, label_col = with_classes(method, df, label_col), class_column(label_col)
    check_labelled(method, df, label_col, (), sets=True)
    several = is_set(df.schema[label_col].dataType)
    check_together(method, groups, duplicates == "together", several)
    check_columns(method, own, keys, "key_cols")
    check_columns(method, own, groups, "group_cols")
    if isinstance(random_state, bool) or not isinstance(random_state, int):
        raise ParameterError(f"{method}: random_state={random_state!r} is refused; give a whole number")
    refuse_added_rows(method, df, allow_synthetic)
    if duplicates == "refuse":
        refuse_equal_rows(method, df, value_columns(own, keys))
    groups = value_columns(own, keys) if duplicates == "together" else groups
    rows = df.select("*", *identity(method, own, groups or keys))
    # classes are numbered by their label or from the rarest on; rows without a label come last
    counted = class_counts(df, label_col)
    classes = list(counted.rows.items())
    sizes = [*(sorted(classes, key=lambda one: one[1]) if groups else classes), (None, counted.missing_rows)]
    numbered = {code: ClassPlan((), label, n, n, "split") for code, (label, n) in enumerate(sizes)}
    strata = Strata(method, df.schema, label_col, (), numbered, complete=True)
    if not any(strata.sizes.values()):
        return rows.withColumn(PART, F.lit(0))
    seed = stream(random_state, "split")
    if groups:
        return parts_of_groups(rows, strata, shares, seed)
    dealt = deal_rows(counted, shares, stream(random_state, "stratify") if several else None)
    return parts_of_rows(rows, strata, max(strata.entries), dealt, seed, bool(keys))
