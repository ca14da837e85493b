"""Find what lies on both sides of a split: new rows, their parents, equal rows, keys and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pyspark.sql import DataFrame

from spark_balance.errors import ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import names_in
from spark_balance.frames.text import plural
from spark_balance.ml.both_sides import EQUAL, GROUPS, KEYS, MOST_SHOWN, NEW, OF_TRAIN, ROWS, BothSides

Names = str | Sequence[str] | None
Kind = Literal["new_rows", "parents", "equal_rows", "keys", "groups"]
KINDS: dict[int, Kind] = {NEW: "new_rows", OF_TRAIN: "parents", EQUAL: "equal_rows", KEYS: "keys", GROUPS: "groups"}


@dataclass(frozen=True)
class Finding:
    """One kind of leak: how many rows of each side it concerns, and some of them.

    Attributes
    ----------
    kind : {'new_rows', 'parents', 'equal_rows', 'keys', 'groups'}
    test_rows : int
        Rows of test that should not be there, or that have a counterpart in train.
    train_rows : int
        Rows of train with such a counterpart; of 'new_rows' always 0.
    by : tuple of str
        The columns whose values were compared.
    examples : tuple of dict
        Rows of test, those of the smallest hashes: their key, or without one the values compared.
    """

    kind: Kind
    test_rows: int
    train_rows: int
    by: tuple[str, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        name, by = self.kind.replace("_", " "), ", ".join(self.by[:MOST_SHOWN])
        by += ", ..." if len(self.by) > MOST_SHOWN else ""
        if not self.test_rows:
            return f"{name}: none by {by}"
        test, train = f"{name}: {plural(self.test_rows, 'row')} of test", f"{plural(self.train_rows, 'row')} of train"
        said = {
            "new_rows": f"{test}, by {by}",
            "parents": f"{test}, bases or neighbors of {train}, by {by}",
            "equal_rows": f"{test}, equal to {train}, by {by}",
            "keys": f"{test} with the key of {train}, by {by}",
            "groups": f"{test} with the group of {train}, by {by}",
        }[self.kind]
        some = "; ".join(", ".join(f"{name}={value!r}" for name, value in one.items()) for one in self.examples)
        return f"{said}, such as {some}" if some else said


@dataclass(frozen=True)
class LeakageReport:
    """What `check_leakage` looked for, and what it found; prints as a line for each.

    Attributes
    ----------
    train_rows, test_rows : int
        Rows of each side.
    findings : tuple of Finding
        One for each kind of leak that was looked for, those of which there is nothing too.
    """

    train_rows: int
    test_rows: int
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not any(one.test_rows for one in self.findings)

    def __str__(self) -> str:
        sides = f"{plural(self.train_rows, 'row')} of train and {plural(self.test_rows, 'row')} of test"
        return "\n".join([f"{'no leak' if self.clean else 'leaks'} between {sides}", *map(str, self.findings)])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values; those of examples are as the frame has them."""
        findings = {one.kind: {**vars(one), "by": [*one.by], "examples": [*one.examples]} for one in self.findings}
        return {"clean": self.clean, "train_rows": self.train_rows, "test_rows": self.test_rows, "findings": findings}


@checked
def check_leakage(
    train: DataFrame,
    test: DataFrame,
    *,
    key_cols: Names = None,
    group_cols: Names = None,
    compare_cols: Names = None,
    provenance_col: str | None = None,
    examples: int = 5,
) -> LeakageReport:
    """Look for rows of a test part that training has seen: it reports, and refuses nothing.

    Parameters
    ----------
    train : DataFrame of Spark, pandas or polars, or pyarrow.Table
        What a model is fitted on, resampled or not.
    test : DataFrame of Spark, pandas or polars, or pyarrow.Table
        What it is scored on.
    key_cols : str or sequence of str, optional
        A unique key: looked for on both sides, and left out where rows are compared.
    group_cols : str or sequence of str, optional
        What a customer, a session, a patient is known by: looked for on both sides.
    compare_cols : str or sequence of str, optional
        Rows are equal if they are equal here. All columns that both sides have, without key and provenance, unless
        given; an empty list compares none. Maps and variants are not compared.
    provenance_col : str, optional
        Column that says what a new row is made of. Every column of its type unless given.
    examples : int
        Rows to show of each finding, at most 1,000.

    Returns
    -------
    LeakageReport
        Rows of test and of train that each finding concerns, with examples; `clean` says whether there is any.

    Raises
    ------
    SparkBalanceError
        If a column is absent, or of another type on the other side.

    Notes
    -----
    NULL equals NULL, except that a key or a group of NULLs alone names nothing. A parent is looked up by the key that
    provenance has, or without a key by the hash of all columns: `test` then needs the columns of the frame that was
    resampled. Hashes have 128 bits. Equal rows need not be a leak: tables of few columns have some by nature.

    Cost: one job, a scan of each side and one shuffle of hashes, some 50 bytes for each row and kind of finding. What
    is found costs one more such job and a scan of `test` for its examples; parents two more, joined with the new rows.
    A frame that is not written is computed in each.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, float(i), int(i % 10 == 0)) for i in range(100)], "id int, x double, y int")
    >>> over = RandomOverSampler(label_col="y", key_cols="id", provenance_col="made_from")
    >>> train, test = stratified_split(df, [0.8, 0.2], "y", key_cols="id")
    >>> check_leakage(over.fit_resample(train), test, key_cols="id").clean
    True
    >>> train, test = stratified_split(over.fit_resample(df), [0.8, 0.2], "y", allow_synthetic=True)
    >>> report = check_leakage(train, test, key_cols="id", examples=0)
    >>> [one.kind for one in report.findings if one.test_rows]
    ['new_rows', 'parents', 'equal_rows', 'keys']
    """
    if not 0 <= examples <= 1_000:
        raise ParameterError(f"check_leakage: examples={examples} is refused; give a whole number from 0 to 1,000")
    compared = None if compare_cols is None else names_in(compare_cols)
    keys, groups = names_in(key_cols), names_in(group_cols)
    sides = BothSides("check_leakage", train, test, keys, groups, compared, provenance_col)
    counted = sides.count()
    findings = []
    for what, names in sides.by.items():
        _, new, of_train, of_test = counted[what]
        if what == NEW:
            of_train, of_test = 0, new
        elif what == OF_TRAIN and of_test:
            of_train = sides.count_offspring()
        some = sides.examples(what, examples) if of_test and examples else []
        findings.append(Finding(KINDS[what], of_test, of_train, names, tuple(some)))
    train_rows, test_rows, _, _ = counted[ROWS]
    return LeakageReport(train_rows, test_rows, tuple(findings))
