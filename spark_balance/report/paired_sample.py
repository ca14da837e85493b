"""Bounded samples of the rows before and after a resampling, and which of those after were added."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.frames.arrow import matrix, single
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import has_value, quoted, temp
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.plan import Label
from spark_balance.frames.provenance import provenance_fields
from spark_balance.frames.row_ids import CODE, HI, LO, draw, identity
from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.draws import quantile, stream

SAMPLE_ROWS, PER_CLASS = 20_000, 5_000  # of each side, different ones
MOST_NUMBERS, MOST_CATEGORIES, MOST_LETTERS = 200, 12, 60  # of a sampled row, and of a category's text
VECTOR = temp("vector")  # a hash of the label and the features alone
_LIMIT, _NUMBERS, _SIZES, _CATEGORIES = (temp(what) for what in ("limit", "numbers", "sizes", "categories"))
_ADDED, _TIMES, _DRAWN, _SAME, _ALIKE = (temp(what) for what in ("added", "times", "drawn", "same", "alike"))
_MISSING = temp("missing_")


@dataclass(frozen=True)
class SampledRows:
    """Different rows of one side, by class and then in a random order."""

    code: Ints  # the place of each row's class among the labels
    times: Ints  # how often the row is there
    added: Ints  # how many of these were added
    numbers: Floats  # a column for each number; NaN where a row has none
    categories: NDArray[np.object_]  # a column for each category: texts, None where a row has none
    copy: Bools  # whether some row before has the same label and features


@dataclass(frozen=True)
class Missing:
    """A column in which values are NULL or NaN: in how many rows of each sampled class, counted in all rows."""

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True)
class PairedSample:
    """Rows before and after, each class sampled by itself."""

    labels: tuple[Label, ...]  # the classes that were sampled
    numbers: tuple[str, ...]  # the names of the columns of `SampledRows`
    categories: tuple[str, ...]
    before: SampledRows
    after: SampledRows
    different: tuple[int, ...]  # for each class, about how many rows before differ in their features
    missing: tuple[Missing, ...] = ()  # columns without a value in some row, of the first `MOST_NUMBERS` columns


@dataclass(frozen=True)
class Compared:
    """The classes and columns to compare; `same` are those that a row is recognized by."""

    strata: Strata
    columns: FeatureColumns
    categories: tuple[str, ...]
    same: tuple[str, ...]
    only_added: bool = False

    @property
    def countable(self) -> tuple[str, ...]:
        """The columns whose missing values are counted."""
        return tuple(name for name in self.same if name != self.strata.label_col)[:MOST_NUMBERS]


def paired_sample(before: DataFrame, after: DataFrame, compared: Compared) -> PairedSample:
    """Sample both sides, and look the sampled rows after up among all rows before.

    A row after is recognized by a hash of all columns: what is there more often than before was added. Where a
    provenance column says it, that counts instead.

    Cost: four jobs, two scans of each side; the first of each counts missing values, and different rows roughly, so
    that a table of few different rows is not missed by the sample. The driver gets about `SAMPLE_ROWS` rows of each
    side, of at most `MOST_NUMBERS` numbers and `MOST_CATEGORIES` texts each, and from the rows before as many hashes
    again; these travel back as a broadcast of at most 24 bytes for each row.
    """
    placed = [_placed(side, compared) for side in (before, after)]
    counted = [_count(side, compared) for side in placed]
    drawn = [
        compared.strata.only(side, {_LIMIT: _limits(compared.strata, rows)}).withColumn(
            _DRAWN, draw(stream(0, "report"), HI, LO) <= F.col(_LIMIT)
        )
        for side, (rows, _) in zip(placed, counted, strict=True)
    ]
    later = _grouped(drawn[1].where(_DRAWN), HI, LO)
    rows, vectors = _sent(before, later, _SAME, HI, LO), _sent(before, later, _ALIKE, VECTOR)
    looked = drawn[0].join(rows, [HI, LO], "left").join(vectors, [VECTOR], "left")
    chosen = F.col(_DRAWN) | F.col(_SAME).isNotNull()
    # rows that are only alike are one group, however many they are
    own = [F.when(chosen, F.col(quoted(name))).alias(name) for name in (HI, LO)]
    others = [F.col(quoted(name)) for name in looked.columns if name not in (HI, LO)]
    earlier = _grouped(looked.where(chosen | F.col(_ALIKE).isNotNull()).select(*own, *others), HI, LO)
    sizes = next(iter([*_sizes(earlier), *_sizes(later)]), ())
    names = compared.columns.names_of_numbers(sizes)[:MOST_NUMBERS]
    sides = _mark_rows(earlier, later, len(names), len(compared.categories), compared.only_added)
    labels = tuple(row.entry.label for row in compared.strata.rows)
    different = tuple(counted[0][0].get(code, (0, 0))[1] for code in range(len(labels)))
    missing = [
        Missing(name, one, other)
        for name, one, other in zip(compared.countable, counted[0][1], counted[1][1], strict=True)
        if any(one) or any(other)
    ]
    return PairedSample(labels, tuple(names), compared.categories, *sides, different, tuple(missing))


def _placed(side: DataFrame, compared: Compared) -> DataFrame:
    """Keep of each row what is compared: its hashes, its class, numbers and texts."""
    schema = T.StructType([side.schema[name] for name in compared.same])
    label = compared.strata.label_col
    features = (*[one.name for one in compared.columns.features], *compared.categories)
    vector = identity("report", schema, (label, *features) if features else compared.same)[0]
    columns = compared.columns
    nothing = F.lit(None)
    numbers = F.slice(columns.flat, 1, MOST_NUMBERS) if columns.features else nothing
    numbers = numbers.cast("array<double>")
    sizes = F.array(*columns.sizes) if columns.sizes else nothing.cast("array<int>")
    texts = [F.substring(F.col(quoted(name)).cast("string"), 1, MOST_LETTERS) for name in compared.categories]
    categories = F.array(*texts) if texts else nothing.cast("array<string>")
    marks = [F.col(quoted(field.name)) for field in provenance_fields(side.schema)]
    added = [mark.getField("kind") != "original" for mark in marks[:1]]
    return side.select(
        *identity("report", schema, ()),
        vector.alias(VECTOR),
        F.col(quoted(label)),
        numbers.alias(_NUMBERS),
        sizes.alias(_SIZES),
        categories.alias(_CATEGORIES),
        F.coalesce(*added, nothing).cast("int").alias(_ADDED),
        *[
            (~has_value(side.schema, name)).cast("bigint").alias(f"{_MISSING}{i}")
            for i, name in enumerate(compared.countable)
        ],
    )


def _count(placed: DataFrame, compared: Compared) -> tuple[dict[int, tuple[int, int]], list[tuple[int, ...]]]:
    """Count different rows and missing values.

    Return for each class, to about a twentieth, its different rows and those that differ in their features, and for
    each column how many rows of each class miss its value.
    """
    counts = [F.approx_count_distinct(name).alias(name) for name in (HI, VECTOR)]
    names = [f"{_MISSING}{i}" for i in range(len(compared.countable))]
    missing = [F.sum(name).alias(name) for name in names]
    found = to_arrow(compared.strata.only(placed, {}).groupBy(CODE).agg(*counts, *missing)).to_pylist()
    by_class = {row[CODE]: row for row in found}
    different = {code: (max(1, row[HI]), max(1, row[VECTOR])) for code, row in by_class.items()}
    codes = [row.code for row in compared.strata.rows]
    return different, [tuple(by_class[code][name] if code in by_class else 0 for code in codes) for name in names]


def _limits(strata: Strata, different: dict[int, tuple[int, int]]) -> Ints:
    wanted = min(PER_CLASS, SAMPLE_ROWS // len(strata.rows))
    return quantile([min(1.0, wanted / different.get(row.code, (1, 1))[0]) for row in strata.rows])


def _grouped(rows: DataFrame, *by: str) -> pa.Table:
    """Collect each different row once, and how often it is there."""
    first = [F.first(name).alias(name) for name in (_NUMBERS, _SIZES, _CATEGORIES)]
    times = [F.count(F.lit(1)).alias(_TIMES), F.sum(_ADDED).alias(_ADDED)]
    drawn = F.max(F.col(_DRAWN).cast("int")).alias(_DRAWN)
    # the draws bound the rows on average, this always
    return to_arrow(rows.groupBy(CODE, VECTOR, *by).agg(*times, drawn, *first).limit(4 * SAMPLE_ROWS))


def _sent(beside: DataFrame, rows: pa.Table, flag: str, *names: str) -> DataFrame:
    """Send hashes to the engine, each once and with a flag."""
    once = rows.select(names).group_by(list(names)).aggregate([])
    # with NULLs, which equal nothing: engines refuse a frame without rows
    columns = {name: pa.chunked_array([*once[name].chunks, pa.nulls(1, pa.int64())]) for name in names}
    sent = pa.table({**columns, flag: pa.array(np.ones(once.num_rows + 1, dtype=bool))})
    return F.broadcast(from_arrow(beside.sparkSession, sent))


def _sizes(rows: pa.Table) -> list[Any]:
    return [sizes for sizes in rows[_SIZES].to_pylist() if sizes]


def _mark_rows(
    earlier: pa.Table, later: pa.Table, width: int, categories: int, only_added: bool
) -> tuple[SampledRows, SampledRows]:
    """Return both sides: which rows after were added, and which of all are like some row before."""
    had = {(hi, lo): times for hi, lo, times in _records(earlier, HI, LO, _TIMES)}
    times = np.asarray(later[_TIMES].to_numpy(), dtype=np.int64)
    if only_added:
        added = times
    elif later[_ADDED].null_count == 0:
        added = np.asarray(later[_ADDED].to_numpy(), dtype=np.int64)
    else:
        there = np.array([had.get((hi, lo), 0) for hi, lo in _records(later, HI, LO)], dtype=np.int64)
        added = np.maximum(0, times - there.reshape(len(times)))
    alike = np.isin(later[VECTOR].to_numpy(), earlier[VECTOR].to_numpy())
    sampled = earlier.filter(pc.equal(earlier[_DRAWN], 1))
    nothing = np.zeros(sampled.num_rows, dtype=np.int64)
    before = _side(sampled, width, categories, nothing, np.ones(sampled.num_rows, dtype=bool))
    return before, _side(later, width, categories, added, alike)


def _records(rows: pa.Table, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*[rows[name].to_pylist() for name in names], strict=True)


def _side(rows: pa.Table, width: int, categories: int, added: Ints, copy: Bools) -> SampledRows:
    order = np.lexsort([rows[name].to_numpy() for name in (LO, HI, CODE)])
    rows = rows.take(pa.array(order)).combine_chunks()
    texts = np.full((rows.num_rows, categories), None, dtype=object)
    if categories:
        for place, values in enumerate(rows[_CATEGORIES].to_pylist()):
            texts[place] = values
    code, times = (np.asarray(rows[name].to_numpy(), dtype=np.int64) for name in (CODE, _TIMES))
    return SampledRows(code, times, added[order], matrix(single(rows[_NUMBERS]), width), texts, copy[order])
