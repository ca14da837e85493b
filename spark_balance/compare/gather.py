"""Gather what is known of a table: its classes, its schema, and a bounded sample of its rows on the driver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.compare.facts import Facts
from spark_balance.compare.quick import FOLDS, rank_quickly
from spark_balance.compare.trainers import select_inputs
from spark_balance.errors import ColumnError, CountsError, raise_engine_sentences, wrong_counts
from spark_balance.frames.columns import check_columns, choose_categories, choose_features, has_value, quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import ClassCounts
from spark_balance.kernels import Floats
from spark_balance.kernels.draws import quotas
from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler

METHOD = "advise"
SAMPLED_ROWS, SAMPLED_NUMBERS = 20_000, 2**22  # at most; 32 MiB
MOST_VALUES = 254  # of a category that a model learns from: HistGradientBoostingClassifier takes 255
FEWEST = 50  # rows whose values all differ by no accident


@dataclass(frozen=True)
class Columns:
    """The columns to learn from, as the schema or the user has them."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    arrays: tuple[str, ...]  # arrays and vectors that the user names: SMOTE takes them, the quick model does not
    keys: tuple[str, ...]
    are_named: bool

    @property
    def sampled(self) -> tuple[str, ...]:
        """Those that the sample has."""
        return (*self.numbers, *self.categories)


def choose_columns(
    df: DataFrame,
    label_col: str,
    feature_cols: Sequence[str] | None,
    categorical_cols: Sequence[str] | None,
    key_cols: Sequence[str],
) -> Columns:
    """Return the columns to learn from: those named, or all numbers, strings and booleans without another role."""
    check_columns(METHOD, df.schema, key_cols, "key_cols")
    if label_col in key_cols:
        raise ColumnError(f"{METHOD}: key_cols names the label column '{label_col}'; leave it out")
    taken = [label_col, *key_cols]
    try:
        features = choose_features(METHOD, df.schema, feature_cols, taken)
    except ColumnError:
        if feature_cols is not None:
            raise
        features = []  # categories alone
    named = None if categorical_cols is None else tuple(categorical_cols)
    known = [*taken, *[one.name for one in features]]
    categories = choose_categories(METHOD, df.schema, named, known, "categorical_cols")
    numbers = tuple(one.name for one in features if one.kind == "number")
    arrays = tuple(one.name for one in features if one.kind != "number")
    return Columns(numbers, categories, arrays, tuple(key_cols), feature_cols is not None)


def gather_facts(
    df: DataFrame, counts: ClassCounts, columns: Columns, fit_rows: int | None, random_state: int
) -> Facts:
    """Return what the rules need to know of a table.

    Cost: one scan of the columns to learn from, and as many as `RandomUnderSampler` needs if rows are too many to come
    to the driver, which gets 20,000 of them at most, and fewer of wide ones.
    """
    facts = Facts(counts, columns.numbers + columns.arrays, columns.categories, fit_rows=fit_rows)
    if facts.is_measurement or not columns.sampled:
        return facts
    return _look_at(_take_sample(df, facts, columns, random_state), facts, columns, df.schema, random_state)


def _take_sample(df: DataFrame, facts: Facts, columns: Columns, random_state: int) -> pa.Table:
    """Bring rows to the driver: as many of each class, or all that it has, drawn by hash; the label is the first."""
    label_col, sizes = facts.counts.label_col, facts.sizes
    most = min(SAMPLED_ROWS, SAMPLED_NUMBERS // len(columns.sampled))
    taken = {label: max(1, n) for label, n in zip(sizes, quotas(list(sizes.values()), most), strict=True)}
    names = dict.fromkeys((*columns.keys, label_col, *columns.sampled))
    rows = df.where(has_value(df.schema, label_col)).select(*[F.col(quoted(name)) for name in names])
    if facts.rows > most:
        fewer = {label: n for label, n in taken.items() if n < sizes[label]}
        sampler = RandomUnderSampler(
            label_col=label_col,
            key_cols=columns.keys or None,
            null_label="drop",
            sampling_strategy=fewer,
            random_state=random_state,
        )
        rows = sampler.fit_resample(rows, facts.counts)
    label = F.col(quoted(label_col)).alias(temp("label"))
    try:
        with raise_engine_sentences():
            table = to_arrow(rows.select(label, *select_inputs(columns.numbers, columns.categories)))
        if Counter(table.columns[0].to_pylist()) == taken:
            return table
    except CountsError:
        pass  # of the sampler's
    raise CountsError(wrong_counts(METHOD))


def _look_at(table: pa.Table, facts: Facts, columns: Columns, schema: T.StructType, random_state: int) -> Facts:
    """Return the facts with what a sample shows of columns and rows."""
    labels, inputs = table.columns[0].to_pylist(), table.columns[1:]
    numbers = {name: one.to_numpy() for name, one in zip(columns.numbers, inputs, strict=False)}
    texts = dict(zip(columns.categories, inputs[len(numbers) :], strict=True))
    named = {name for name, one in numbers.items() if not columns.are_named and _is_key(schema[name].dataType, one)}
    most = min(MOST_VALUES, max(FEWEST, table.num_rows // 2))
    named |= {name for name, one in texts.items() if len(pc.unique(one)) > most}
    missing = {name: float(1 - np.isfinite(one).mean()) for name, one in numbers.items()}
    incomplete = {name: share for name, share in missing.items() if share and name not in named}
    complete = tuple(name for name in numbers if name not in named and name not in incomplete)
    facts = replace(
        facts,
        numbers=complete + columns.arrays,
        categories=tuple(name for name in texts if name not in named),
        incomplete=incomplete,
        unused=tuple(name for name in columns.sampled if name in named),
        is_default=not columns.are_named and complete == columns.numbers,
    )
    learned = [np.where(np.isfinite(one), one, np.nan) for name, one in numbers.items() if name not in named]
    coded = [_codes(one) for name, one in texts.items() if name not in named]
    if not learned and not coded:
        return facts
    sampled = Counter(labels)
    stands_for = [facts.sizes[label] / sampled[label] for label in labels]
    matrix = np.column_stack([[label == facts.rare for label in labels], stands_for, *learned, *coded])
    # in one order, whatever order the engine gave: folds depend on it
    matrix = matrix[np.lexsort(matrix.T[::-1])]
    positive, features = matrix[:, 0], matrix[:, 2:]
    rare = np.nan_to_num(features[positive == 1], nan=np.inf)  # NaN is not equal to itself
    facts = replace(facts, repeated=1 - len(np.unique(rare, axis=0)) / len(rare))
    if find_spec("sklearn") is None or min(len(rare), len(matrix) - len(rare)) < FOLDS:
        return facts
    kinds = [False] * len(learned) + [True] * len(coded)
    return replace(facts, ranking=rank_quickly(features, kinds, positive, matrix[:, 1], random_state))


def _is_key(kind: T.DataType, values: Floats) -> bool:
    """Return whether whole numbers all differ, as those of a key do."""
    return isinstance(kind, T.IntegralType) and len(values) >= FEWEST and len(np.unique(values)) == len(values)


def _codes(texts: pa.ChunkedArray) -> Floats:
    """Return the place of each text among all, the most frequent first."""
    counted = texts.value_counts().to_pylist()
    known = [one["values"] for one in sorted(counted, key=lambda one: (-one["counts"], one["values"]))]
    codes: Floats = pc.index_in(texts, value_set=pa.array(known)).to_numpy().astype(np.float64)
    return codes
