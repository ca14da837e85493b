"""One pass over the rows to grow: what is wrong with their features, and a sample of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import quantile
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.keys import CODE, HI, LO, draw
from spark_balance.plans.strata import Strata

SAMPLE_ROWS = 200_000
SAMPLE_BYTES = 64 * 2**20
PER_CELL = 4_000  # sampled rows for each cell
PER_CLASS = 20_000  # and for each class, at least
FITTED_ROWS = 20_000  # that a model may be fitted on, on the driver
RECORD_BYTES = 20  # of a sampled row beside its features: class number, draw, half an identity
_LIMIT, _ROW, _BAD, _SIZES = temp("limit"), temp("row"), temp("bad"), temp("sizes")


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
    """

    columns: FeatureColumns
    rows: dict[int, NDArray[np.float64]]
    draws: dict[int, NDArray[np.int64]]
    shares: dict[int, float]

    def evenly(self, codes: Iterable[int]) -> NDArray[np.float64]:
        """Return rows of several classes, each class by its share in the table, in the order of their draws."""
        return self.evenly_coded(codes)[0]

    def evenly_coded(self, codes: Iterable[int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the same rows and the class number of each."""
        there = [code for code in codes if code in self.rows]
        if not there:
            return np.empty((0, self.columns.width)), np.empty(0, dtype=np.int64)
        last = quantile(min(self.shares[code] for code in there))
        taken = [self.draws[code] <= last for code in there]
        drawn = np.concatenate([self.draws[code][few] for code, few in zip(there, taken, strict=True)])
        rows = np.concatenate([self.rows[code][few] for code, few in zip(there, taken, strict=True)])
        order = np.argsort(drawn, kind="stable")
        return rows[order], np.repeat(there, [np.count_nonzero(few) for few in taken])[order]

    @property
    def pooled(self) -> NDArray[np.float64]:
        """All sampled rows."""
        return np.concatenate(list(self.rows.values())) if self.rows else np.empty((0, self.columns.width))


def width_of(df: DataFrame, columns: FeatureColumns) -> int:
    """Return how many numbers a row's features hold, by a look at one row where the schema does not tell.

    Later checks refuse rows that differ; until then this bounds what is sampled and gathered.
    """
    numbers = len(columns.features) - len(columns.sizes)
    if not columns.sizes:
        return numbers
    sizes = df.select(F.array(*columns.sizes).alias(_SIZES)).limit(1).toArrow()[_SIZES].to_pylist()
    return numbers + sum(size for size in (sizes[0] if sizes else []) if size and size > 0) or 1


def expected_rows(rows: Sequence[int], *, width: int, cell_rows: int) -> list[float]:
    """Return how many rows of each class are sampled, on average, of so many that it has."""
    most = min(SAMPLE_ROWS, SAMPLE_BYTES // (8 * width))
    # no more than there are, or cells smaller than their sample would lift it above its bound
    wanted = [min(have, max(PER_CLASS, PER_CELL * -(-have // cell_rows))) for have in rows]
    squeeze = min(1.0, most / sum(wanted))
    return [squeeze * n for n in wanted]


def sampled(
    df: DataFrame, strata: Strata, columns: FeatureColumns, stream: int, *, width: int, cell_rows: int
) -> Sample:
    """Check the features of the rows to grow and take a bounded sample of them.

    Parameters
    ----------
    df : DataFrame
        Rows with their identity.
    strata : Strata
        The classes to grow.
    columns : FeatureColumns
        The features, whose widths become known here.
    stream : int
        Sets these draws apart.
    width : int
        Numbers in a row, which bounds the rows sampled.
    cell_rows : int
        Rows that a cell is to hold; a class of more cells is sampled more.

    Raises
    ------
    SparkBalanceError
        When a feature is NULL, NaN or infinite, or an array changes its length.

    Notes
    -----
    Cost: one job, one scan of the features (and key), one row of at most 64 MiB to the driver.
    """
    method = strata.method
    if not strata.rows:
        # a smoothed bootstrap of balanced classes has nothing to learn
        return Sample(replace(columns, widths=tuple(1 for _ in columns.features)), {}, {}, {})
    have = [row.entry.before for row in strata.rows]
    expected = expected_rows(have, width=width, cell_rows=cell_rows)
    shares = [some / all_rows for some, all_rows in zip(expected, have, strict=True)]
    limits = [quantile(share) for share in shares]
    rows = strata.only(df, {_LIMIT: limits})
    drawn = draw(stream, HI, LO)
    record = F.struct(
        F.col(CODE).alias("code"), drawn.alias("draw"), F.col(HI).alias("hi"), columns.flat.alias("features")
    )
    ends = [end(size) for size in columns.sizes for end in (F.min, F.max)]
    found = rows.agg(
        F.sum(columns.any_bad.cast("bigint")).alias(_BAD),
        F.array(*ends).cast("array<int>").alias(_SIZES),
        F.collect_list(F.when((drawn <= F.col(_LIMIT)) & ~columns.any_bad, record)).alias(_ROW),
    ).toArrow()
    if found[_BAD][0].as_py():
        raise SparkBalanceError(_bad_values(method, columns, rows))
    columns = replace(columns, widths=_widths(method, columns, found[_SIZES][0].as_py()))
    by_code = dict(zip([row.code for row in strata.rows], shares, strict=True))
    return Sample(columns, *_by_class(found[_ROW].combine_chunks().flatten(), columns.width), by_code)


def _bad_values(method: str, columns: FeatureColumns, rows: DataFrame) -> str:
    """Count bad values by feature: one more scan, only when there are some."""
    counts = (
        rows.agg(F.array(*[F.sum(one.cast("bigint")) for one in columns.bad]).alias(_BAD)).toArrow()[_BAD][0].as_py()
    )
    broken = [f"'{f.name}' ({n} rows)" for f, n in zip(columns.features, counts, strict=True) if n]
    return (
        f"{method}: NULL, NaN or infinite values in rows that it looks at, in feature columns {', '.join(broken)}; "
        "fill them, filter those rows or leave the columns out of feature_cols"
    )


def _widths(method: str, columns: FeatureColumns, ends: list[int]) -> tuple[int, ...]:
    lowest, highest = iter(ends[::2]), iter(ends[1::2])
    widths = []
    for feature in columns.features:
        low, high = (1, 1) if feature.kind == "number" else (next(lowest), next(highest))
        if low != high or high == 0:
            raise SparkBalanceError(
                f"{method}: feature column '{feature.name}' holds arrays of {low} to {high} numbers; "
                "every row needs the same number, at least 1"
            )
        widths.append(high)
    return tuple(widths)


def _by_class(
    records: pa.StructArray, width: int
) -> tuple[dict[int, NDArray[np.float64]], dict[int, NDArray[np.int64]]]:
    code, drawn, hi = (records.field(i).to_numpy(zero_copy_only=False) for i in range(3))
    features = records.field(3).flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    order = np.lexsort((hi, drawn))
    of_class = {int(c): order[code[order] == c] for c in np.unique(code)}
    return {c: features[rows] for c, rows in of_class.items()}, {c: drawn[rows] for c, rows in of_class.items()}
