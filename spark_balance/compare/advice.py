"""What to do about a table of imbalanced classes: a few sentences with numbers, and the command for it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from textwrap import fill
from types import MappingProxyType
from typing import Any

from pyspark.sql import DataFrame

from spark_balance.compare.facts import Facts
from spark_balance.compare.gather import METHOD, choose_columns, gather_facts
from spark_balance.compare.remarks import decide
from spark_balance.compare.remedies import WIDE, Asked, choose_remedy, command_of, line_of
from spark_balance.errors import BadValuesError, ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_labelled, names_in
from spark_balance.frames.counts import GivenCounts, known_counts
from spark_balance.frames.text import on_a_line

SOURCE = "INPUT"  # of the commands, where the file is not known
_MEASURED = "What was measured, and how: docs/when-to-resample.md"
_PYTHON = "In Python, where train has the rows to fit on, and scored those that were not:"
_SHELL = "In a shell, on a file of the rows to fit on, without those to score on:"
_COMPARE = "To compare treatments on your rows, in a shell:"
_HEADS = {
    "nothing": "Leave the rows and the threshold as they are.",
    "threshold": "Do not resample: fit the rows as they are, and move the threshold.",
    "weights": "Do not resample: give the rows of each class a weight.",
    "downsample": "Downsample, and give the rows that stay their weight back.",
    "oversample": "Fit the rows as they are first; then try {}.",
}
Names = str | Sequence[str] | None


@checked
@dataclass(frozen=True, repr=False)
class Advice:
    """What `advise` says of a table; it prints as text for a terminal.

    Attributes
    ----------
    recommendation : str
        'nothing', 'threshold', 'weights', 'downsample' or 'oversample'.
    sentences : tuple of str
        What to do, what is known of the classes, and why, with what was measured.
    command : str, optional
        A command that does it, with ``INPUT`` where `advise` got a frame. For 'threshold', one that compares treatments
        on the table; None if that was done.
    python : str, optional
        The line of Python: `train` holds the rows to fit on, and `scored` held-out rows with their probabilities.
    numbers : dict of str to object
        The numbers that the sentences are made of.

    Examples
    --------
    >>> rows = [(float(i), "no" if i % 200 else "yes") for i in range(20_000)]
    >>> said = advise(spark.createDataFrame(rows, "x double, found string"), "found")
    >>> said.numbers["degree"], said.numbers["rare_rows"]
    ('extreme', 100)
    """

    recommendation: str
    sentences: tuple[str, ...]
    command: str | None
    python: str | None
    numbers: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can carry."""
        return asdict(self) | {"sentences": list(self.sentences)}

    def __str__(self) -> str:
        """Return the sentences as a terminal of 80 columns holds them, then the line of Python and the command."""
        head, *rest = self.sentences
        lines = [head, *[_wrap(one) for one in rest], _MEASURED]
        if self.python:
            lines += ["", _PYTHON, self.python]
        if self.command:
            lines += ["", _COMPARE if " advise " in self.command else _SHELL, _broken(self.command)]
        return "\n".join(lines)

    __repr__ = __str__


def _wrap(sentence: str) -> str:
    return fill(sentence, WIDE, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def _broken(command: str) -> str:
    """Return a command whose options stand on lines of their own where one line does not hold them."""
    if len(command) <= WIDE:
        return command
    words = [shlex.quote(one) for one in shlex.split(command)]
    options = [i for i, one in enumerate(words) if one.startswith("--")]
    parts = [words[i:j] for i, j in zip([0, *options], [*options, len(words)], strict=True)]
    return " \\\n  ".join(" ".join(part) for part in parts)


@checked
def advise(
    df: DataFrame,
    label_col: str,
    *,
    feature_cols: Names = None,
    categorical_cols: Names = None,
    key_cols: Names = None,
    counts: GivenCounts = None,
    fit_rows: int | None = None,
    compare: bool = False,
    random_state: int = 0,
) -> Advice:
    """Say whether to resample a table at all, and what to do first, with numbers and the command for it.

    Parameters
    ----------
    df : DataFrame of Spark, pandas or polars, or pyarrow.Table
        The rows to train on, or all of them.
    label_col : str
        Column with the class of each row.
    feature_cols : str or sequence of str, optional
        Numeric columns to learn from; default every one except label and keys.
    categorical_cols : str or sequence of str, optional
        Columns of categories to learn from; default every string and boolean column.
    key_cols : str or sequence of str, optional
        A unique key; without it a hash of its columns identifies a row.
    counts : dict of label to int, or ClassCounts, optional
        Rows of each class, if they are known; else one aggregate counts them.
    fit_rows : int, optional
        Rows that a fit can have where you train. Default: a billion numbers, which are 8 GB, by the columns to learn
        from.
    compare : bool
        Fit boosted trees after weights, downsampling and the oversampling that is advised too, on five folds of some
        20,000 rows. It takes two classes, and the extra `compare` where the engine has no `pyspark.ml`.
    random_state : int
        Seed of the sample, the folds and the models.

    Returns
    -------
    Advice
        The recommendation, a few sentences, a command and a line of Python.

    Raises
    ------
    SparkBalanceError
        If the label has less than two classes, a column does not fit, or treatments cannot be compared.

    Notes
    -----
    The rules are those of docs/when-to-resample.md, and the sentences quote what it measured. Without scikit-learn no
    quick model is fitted, and what it would show is not said.

    Cost: an aggregate over the label, and a sample of at most 20,000 rows on the driver; the quick model takes seconds.
    `compare` takes minutes.

    Examples
    --------
    >>> rows = [(float(i % 20), i % 10 == 0) for i in range(500)]
    >>> said = advise(spark.createDataFrame(rows, "x double, late boolean"), "late")
    >>> said.recommendation
    'threshold'
    >>> said.python
    'decided = decide_by_cost(scored, "probability", [[0, 1], [9, 0]])'
    """
    given = {"feature_cols": feature_cols, "categorical_cols": categorical_cols, "key_cols": key_cols}
    asked: dict[str, Any] = {name: names_in(one) for name, one in given.items() if one is not None}
    asked |= {} if fit_rows is None else {"fit_rows": fit_rows}
    asked |= {"random_state": random_state} if random_state else {}
    return advise_on(df, label_col, asked, counts=counts, compare=compare)


def advise_on(
    df: DataFrame,
    label_col: str,
    asked: Asked,
    *,
    counts: GivenCounts = None,
    compare: bool = False,
    source: str = SOURCE,
) -> Advice:
    """Do what `advise` says; the words of a command name its data as `source`."""
    key_cols, random_state = asked.get("key_cols", ()), asked.get("random_state", 0)
    fit_rows = asked.get("fit_rows")
    check_labelled(METHOD, df, label_col, ())
    columns = choose_columns(df, label_col, asked.get("feature_cols"), asked.get("categorical_cols"), key_cols)
    if fit_rows is not None and fit_rows < 2:
        raise ParameterError(f"{METHOD}: fit_rows={fit_rows} is not enough to fit on; give 2 or more, or leave it out")
    counted = known_counts(METHOD, df, label_col, (), counts)
    if len(counted.rows) < 2:
        found = f"one class, {next(iter(counted.rows))!r}" if counted.rows else "no class"
        raise BadValuesError(
            f"{METHOD}: label column '{label_col}' has {found}; name a column with two classes or more"
        )
    facts = gather_facts(df, counted, columns, fit_rows, random_state)
    if compare:
        from spark_balance.compare.contest import N_FOLDS, hold_contest

        facts = replace(facts, gaps=hold_contest(df, facts, asked), n_folds=N_FOLDS)
    return give_advice(facts, asked, source)


def give_advice(facts: Facts, asked: Asked = MappingProxyType({}), source: str = SOURCE) -> Advice:
    """Judge the facts; pure, without an engine."""
    tried = type(choose_remedy("oversample", facts, asked)).__name__
    action, reasons = decide(facts, tried)
    remedy = choose_remedy(action, facts, asked)
    return Advice(
        action,
        (_HEADS[action].format(tried), _describe(facts), *reasons),
        command_of(action, facts, remedy, asked, source),
        line_of(action, facts, remedy),
        facts.known() | {"method": None if remedy is None else type(remedy).__name__},
    )


def _describe(facts: Facts) -> str:
    """Return the sentence that says how bad it is."""
    share, name = facts.rare_rows / facts.rows, on_a_line(facts.counts.label_col)
    rarest = f", the rarest of {len(facts.sizes):,} classes" if len(facts.sizes) > 2 else ""
    return (
        f"{facts.rare_rows:,} of {facts.rows:,} rows ({share:.2%}) have {name} = {on_a_line(facts.rare)}{rarest}: "
        f"{facts.counts.headline}."
    )
