"""One pass over the rows to grow: what is wrong with their features, and a sample of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from pyspark.sql import DataFrame, functions as F

from spark_balance.errors import BadValuesError, ColumnError, CountsError, wrong_counts
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import temp
from spark_balance.frames.features import FLAT, FeatureColumns
from spark_balance.frames.numbers import MARKS, is_missing, mark_long
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.row_ids import CODE, HI, LO, draw
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.draws import quantile

SAMPLE_ROWS = 200_000
SAMPLE_BYTES = 64 * 2**20
PER_CELL = 4_000  # sampled rows for each cell
PER_CLASS = 20_000  # and for each class, at least
SPREAD_NUMBERS = 256  # of a row: beyond them deviations are those of the sample, as each is an aggregate
MOST_NUMBERS = 8_192  # of a row: of wider ones the sample would be a few hundred rows
FITTED_ROWS = 20_000  # that a model may be fitted on, on the driver
RECORD_BYTES = 20  # of a sampled row beside its features: class number, draw, half an identity
ENOUGH_CELLS = 16  # of a class with more of them, cells are larger: borders cost neighbors, or many halo copies
_LIMIT, _ROW, _BAD, _SIZES, _SUM = temp("limit"), temp("row"), temp("bad"), temp("sizes"), temp("sum")
_LACKING = temp("lacking")
_SPREAD, _BROKEN, _LONG, _WEIGHT = (temp(name) for name in ("spread", "broken", "long", "weight"))
MOST_WEIGHT = 2**24  # of a class in the sum that holds its rows against the counts: of 10^11 rows it is a bigint


@dataclass(frozen=True)
class CellSize:
    """How many rows a cell owns: few, so that many cores search, and more where that would make too many borders."""

    rows: int
    most: int = 0  # in a large class; never below `rows`

    def of(self, rows: ArrayLike) -> Ints:
        """Return the rows that a cell owns, given those of its class."""
        wanted = np.minimum(-(-np.asarray(rows) // ENOUGH_CELLS), self.most)
        sizes: Ints = np.maximum(self.rows, wanted).astype(np.int64)
        return sizes


@dataclass(frozen=True)
class Sample:
    """A sample of each class's rows, in the order of their draws, the same on any layout.

    Attributes
    ----------
    columns : FeatureColumns
        The features, their widths known.
    rows : dict of int to ndarray of shape (n_sampled, n_features)
        For each class number.
    draws : dict of int to ndarray of shape (n_sampled,)
        What each row drew.
    shares : dict of int to float
        Share of each class that is sampled, on average.
    deviations : ndarray of shape (n_features,), optional
        The standard deviation of each number in all rows of these classes; None where those of the sample serve.
    lacking : int
        Rows of these classes that lack a feature; 0 where they may not.
    """

    columns: FeatureColumns
    rows: dict[int, Floats]
    draws: dict[int, Ints]
    shares: dict[int, float]
    deviations: Floats | None = None
    lacking: int = 0

    def only(self, class_ids: Collection[int]) -> Sample:
        """Return the sample of some classes."""
        if self.rows.keys() <= set(class_ids):
            return self
        return replace(self, rows={one: rows for one, rows in self.rows.items() if one in class_ids})

    def evenly(self, codes: Iterable[int]) -> Floats:
        """Return rows of several classes, each class by its share in the table, in the order of their draws."""
        return self.evenly_coded(codes)[0]

    def evenly_coded(self, codes: Iterable[int]) -> tuple[Floats, Ints]:
        """Return the same rows and the class number of each."""
        there = [code for code in codes if code in self.rows]
        if not there:
            return np.empty((0, self.columns.width)), np.empty(0, dtype=np.int64)
        last = int(quantile(min(self.shares[code] for code in there)))
        taken = [self.draws[code] <= last for code in there]
        drawn = np.concatenate([self.draws[code][few] for code, few in zip(there, taken, strict=True)])
        rows = np.concatenate([self.rows[code][few] for code, few in zip(there, taken, strict=True)])
        order = np.argsort(drawn, kind="stable")
        return rows[order], np.repeat(there, [np.count_nonzero(few) for few in taken])[order]

    def spread(self, class_id: int) -> Floats:
        """Return the standard deviation of each number that the sampled rows of a class have; 0 where none has it."""
        rows, std = self.rows.get(class_id, np.zeros((1, self.columns.width))), np.std
        if self.columns.lacking:
            rows, std = np.where(np.isnan(rows).all(axis=0), 0.0, rows), np.nanstd
        # scaled, no square is infinite; single precision drops the last bits, in which machines may differ
        power = np.frexp(np.fmax.reduce(np.abs(rows)))[1]
        share = std(np.ldexp(rows, -power), axis=0).astype(np.float32).astype(np.float64)
        found: Floats = np.ldexp(share, power)
        return found

    @property
    def pooled(self) -> Floats:
        """All sampled rows."""
        return np.concatenate(list(self.rows.values())) if self.rows else np.empty((0, self.columns.width))


def expected_rows(rows: ArrayLike, *, width: int, cell_size: CellSize) -> Floats:
    """Return how many rows of each class are sampled, on average, given the rows that it has."""
    most, have = min(SAMPLE_ROWS, SAMPLE_BYTES // (8 * width)), np.asarray(rows)
    # at most the rows of the class, or cells smaller than their sample would lift it above its bound
    wanted = np.minimum(have, np.maximum(PER_CLASS, PER_CELL * -(-have // cell_size.of(have))))
    expected: Floats = wanted * min(1.0, most / int(wanted.sum()))
    return expected


def sampled(
    df: DataFrame,
    strata: Strata,
    columns: FeatureColumns,
    stream: int,
    *,
    width: int,
    cell_size: CellSize,
    spread: bool = False,
    ways: str = "",
) -> Sample:
    """Check the features of the rows to grow and take a bounded sample of them, which knows the widths of the columns.

    `width`, the numbers in a row, bounds the rows sampled; a class of more cells is sampled more. With `spread` the
    standard deviations are those of all rows, unless there are more than `SPREAD_NUMBERS` of them.
    A feature that is infinite or beyond 1e300, or NULL or NaN where `columns` may not lack one, or an array that
    changes its length, raises `BadValuesError`, which names `ways` to take missing values; classes that have other rows
    than was counted, `CountsError`. The columns come back as such that lack nothing if no row does.
    Cost: one job, one scan of the features (and key), one row of at most 64 MiB to the driver.
    """
    method = strata.method
    if not strata.entries:
        # a smoothed bootstrap of balanced classes has nothing to learn
        return Sample(replace(columns, widths=tuple(1 for _ in columns.features)), {}, {}, {})
    if width > MOST_NUMBERS:
        raise ColumnError(
            f"{method}: the features of a row are {width:,} numbers, sparse vectors counted in full, and "
            f"{MOST_NUMBERS:,} are allowed; reduce them first, by PCA for example, or name fewer with feature_cols"
        )
    have = list(strata.sizes.values())
    shares: list[float] = (expected_rows(have, width=width, cell_size=cell_size) / have).tolist()
    # one sum stands for the rows of every class, which would be too many aggregates
    weights = np.random.default_rng(0).integers(1, MOST_WEIGHT, len(have))
    rows = strata.only(df, {_LIMIT: quantile(shares), _WEIGHT: weights})
    drawn = draw(stream, HI, LO)
    record = F.struct(
        F.col(CODE).alias("code"), drawn.alias("draw"), F.col(HI).alias("hi"), F.col(FLAT).alias("features")
    )
    # the last bits depend on the order of the rows, and are rounded away
    spread = spread and columns.equalized and min(shares) < 1 and width <= SPREAD_NUMBERS
    numbers = [f"get({FLAT}, {i})" for i in range(width)] if spread else []
    if columns.lacking:
        numbers = [f"CASE WHEN NOT isnan({one}) THEN {one} END" for one in numbers]
    apart = [f"stddev_pop({one})" for one in numbers]
    lacks = is_missing(F.col(FLAT)) if columns.lacking else F.lit(False)
    ends = [end(size) for size in columns.sizes for end in (F.min, F.max)]
    found = to_arrow(
        rows.withColumn(FLAT, columns.flat)
        .withColumn(_BROKEN, columns.any_bad)
        .agg(
            F.sum(_WEIGHT).alias(_SUM),
            F.sum(F.col(_BROKEN).cast("bigint")).alias(_BAD),
            F.sum(lacks.cast("bigint")).alias(_LACKING),
            F.array(*ends).cast("array<int>").alias(_SIZES),
            F.array(*map(F.bit_or, mark_long(columns.features))).cast("array<bigint>").alias(_LONG),
            F.collect_list(F.when((drawn <= F.col(_LIMIT)) & ~F.col(_BROKEN), record)).alias(_ROW),
            F.expr(f"array({', '.join(apart)})").cast("array<double>").alias(_SPREAD),
        )
    )
    if found[_SUM][0].as_py() != weights @ np.array(have):
        raise CountsError(wrong_counts(method))
    if found[_BAD][0].as_py():
        raise BadValuesError(_bad_values(method, columns, rows, found[_BAD][0].as_py(), ways))
    lacking = found[_LACKING][0].as_py() or 0
    widths = _widths(method, columns, found[_SIZES][0].as_py())
    columns = replace(columns, widths=widths, lacking=lacking > 0)
    if any(marks := found[_LONG][0].as_py()):
        of = enumerate(columns.features)
        columns = replace(columns, long=tuple(one.name for i, one in of if marks[i // MARKS] >> i % MARKS & 1))
    by_code = dict(zip(strata.sizes, shares, strict=True))
    deviations = np.array(found[_SPREAD][0].as_py(), dtype=np.float64) if apart else None
    by_class = _by_class(found[_ROW].combine_chunks().flatten(), columns.width)
    return Sample(columns, *by_class, by_code, deviations, lacking)


def _bad_values(method: str, columns: FeatureColumns, rows: DataFrame, bad: int, ways: str) -> str:
    """Count bad values by feature: one more scan, only when there are some."""
    found = to_arrow(rows.agg(F.array(*[F.sum(one.cast("bigint")) for one in columns.bad]).alias(_BAD)))
    counts, names = found[_BAD][0].as_py(), [f"'{feature.name}'" for feature in columns.features]
    missing, infinite = (
        ", ".join(f"{name} ({n} rows)" for name, n in zip(names, some, strict=True) if n)
        for some in (counts[: len(names)], counts[len(names) :])
    )
    if not missing and not infinite:
        return (
            f"{method}: {bad:,} rows that it looks at are 0 in all features, and metric='cosine' needs a direction; "
            "filter those rows, or use metric='euclidean'"
        )
    said = []
    if missing:
        what = "arrays that are NULL, which have no length," if columns.lacking else "NULL or NaN"
        said.append(f"{what} in rows that it looks at, in feature columns {missing}")
    if infinite:
        said.append(f"infinite values in feature columns {infinite}, where beyond 1e300 counts as infinite")
    use = f"{ways}, fill" if ways and missing and not columns.lacking else "fill"
    return f"{method}: {' and '.join(said)}; {use} them, filter those rows or leave the columns out of feature_cols"


def _widths(method: str, columns: FeatureColumns, ends: list[int]) -> tuple[int, ...]:
    lowest, highest = iter(ends[::2]), iter(ends[1::2])
    widths = []
    for feature in columns.features:
        low, high = (1, 1) if feature.kind == "number" else (next(lowest), next(highest))
        if low != high or high == 0:
            raise BadValuesError(
                f"{method}: feature column '{feature.name}' holds arrays of {low} to {high} numbers; "
                "every row needs the same number, at least 1"
            )
        widths.append(high)
    return tuple(widths)


def _by_class(records: pa.StructArray, width: int) -> tuple[dict[int, Floats], dict[int, Ints]]:
    code, drawn, hi = map(np.asarray, records.flatten()[:3])
    features = records.field(3).flatten().to_numpy(zero_copy_only=False).astype(np.float64).reshape(-1, width)
    order = np.lexsort((hi, drawn, code))
    there, starts = np.unique(code[order], return_index=True)
    rows, draws = {}, {}
    for one, of_class in zip(there.tolist(), np.split(order, starts[1:]), strict=True):
        rows[one], draws[one] = features[of_class], drawn[of_class]
    return rows, draws
