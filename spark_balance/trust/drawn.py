"""What the engine is asked about new rows and originals: counts, bounded samples, copies, and shared bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, functions as F

from spark_balance.errors import TooFewRowsError
from spark_balance.frames.arrow import single, unpacked
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.row_ids import CODE, FEATURES, FEW_UNITS, HI, LO, draw, with_columns_of
from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.draws import quantile, xxhash64
from spark_balance.neighbors.closest import CATEGORY_IDS
from spark_balance.trust.compared import BROKEN, SIDES, parent_id

_SALT = 0x7B1E  # sets the second half of a hash of features apart from the first
_TIMES, _LIMIT, _NEW, _OLD = (temp(what) for what in ("times", "limit", "new", "old"))
_GROUP = temp("group")


@dataclass(frozen=True)
class Drawn:
    """Different rows, by class and then in a random order, which is the same on any layout."""

    parents: Mapping[str, tuple[Ints, Ints, Bools]]  # identity, and whether there is one
    code: Ints
    times: Ints  # how often each is there
    hi: Ints
    lo: Ints
    numbers: Floats
    categories: Ints
    broken: Bools  # whether a number of it is NULL, NaN, infinite or of an array of another length

    def take(self, rows: NDArray[np.generic]) -> Drawn:
        """Return some of them."""
        parents = {side: (hi[rows], lo[rows], there[rows]) for side, (hi, lo, there) in self.parents.items()}
        return Drawn(parents, *(one[rows] for one in self.columns))

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """All arrays but those of parents."""
        return self.code, self.times, self.hi, self.lo, self.numbers, self.categories, self.broken

    @property
    def whole(self) -> Drawn:
        """Those that lack no number."""
        return self.take(np.flatnonzero(~self.broken))

    @property
    def all_parents(self) -> tuple[Ints, Ints, Ints]:
        """The place of a row and the identity of a parent, for each parent of all rows."""
        found = [(np.flatnonzero(there), hi[there], lo[there]) for hi, lo, there in self.parents.values()]
        nothing = np.empty(0, dtype=np.int64)
        place, hi, lo = (
            (np.concatenate([nothing, *parts]) for parts in zip(*found, strict=True)) if found else [nothing] * 3
        )
        return place, hi, lo

    def of(self, code: int, most: int | None = None) -> Drawn:
        """Return those of a class, the first of them."""
        return self.take(np.flatnonzero(self.code == code)[:most])


def join_rows(parts: Sequence[Drawn]) -> Drawn:
    """Put rows one behind the other; those without parents have none."""
    own = [np.concatenate(same) for same in zip(*[one.columns for one in parts], strict=True)]
    parents = {}
    for side in SIDES:
        known = [one.parents.get(side) or (one.hi, one.lo, np.zeros(len(one.hi), dtype=bool)) for one in parts]
        hi, lo, there = (np.concatenate(same) for same in zip(*known, strict=True))
        parents[side] = hi, lo, there
    return Drawn(parents, *own)


def draw_rows(placed: DataFrame, strata: Strata, sizes: Mapping[int, int], most: int, stream: int, width: int) -> Drawn:
    """Bring about `most` different rows of each class to the driver: a job, a scan, a shuffle of the drawn rows."""
    there = strata.of_ids([code for code, n in sizes.items() if n])
    limits = quantile([min(1.0, most / sizes[code]) for code in there.entries])
    rows = there.only(placed, {_LIMIT: limits}).where(draw(stream, HI, LO) <= F.col(_LIMIT))
    parents = [name for side in SIDES for name in parent_id(side) if name in placed.columns]
    first = [F.first(name).alias(name) for name in (FEATURES, CATEGORY_IDS, BROKEN, *parents)]
    # identical rows have one draw, so they are all drawn or none: counted, they are one row of the driver's
    grouped = rows.groupBy(CODE, HI, LO).agg(F.count(F.lit(1)).alias(_TIMES), *first)
    # the draws bound the rows on average, this always
    table = to_arrow(grouped.limit(4 * most * len(there.entries)))
    code, times, hi, lo = (np.asarray(table[name].to_numpy(), dtype=np.int64) for name in (CODE, _TIMES, HI, LO))
    order = np.lexsort([lo, hi, xxhash64(stream, hi, lo), code])
    numbers, whole = _matrix(single(table[FEATURES]), width)
    ids, _ = _matrix(single(table[CATEGORY_IDS]), None)
    broken = np.asarray(table[BROKEN].to_numpy(), dtype=bool) | ~whole
    parents_of = {side: _ids(table, *parent_id(side)) for side in SIDES if parent_id(side)[0] in parents}
    return Drawn(parents_of, code, times, hi, lo, numbers, ids, broken).take(order)


def _matrix(lists: pa.Array, width: int | None) -> tuple[NDArray[Any], Bools]:
    """Return lists of numbers as a matrix, and which are of its width; the others are rows of zeros."""
    lengths = np.asarray(lists.value_lengths().fill_null(-1).to_numpy())
    width = int(lengths.max(initial=0)) if width is None else width
    fits = lengths == width
    numbers = unpacked(lists.filter(pa.array(fits)), width) if width and fits.any() else np.empty((fits.sum(), width))
    matrix = np.zeros((len(lists), width), dtype=numbers.dtype if numbers.dtype == np.int64 else np.float64)
    matrix[fits] = numbers
    return matrix, fits


def _ids(table: pa.Table, *names: str) -> tuple[Ints, Ints, Bools]:
    there = np.asarray(single(table[names[0]]).is_valid())
    hi, lo = (np.asarray(table[name].fill_null(0).to_numpy(), dtype=np.int64) for name in names)
    return hi, lo, there


@dataclass(frozen=True)
class Made:
    """New rows of a class, of how many bases, and how many of the base with most."""

    rows: int
    bases: int | None  # None where new rows do not name their bases
    most: int | None


def count_new(new: DataFrame, strata: Strata) -> dict[int, Made]:
    """Count the new rows of each class, and those of each base: a job that scans label and base."""
    label, base = quoted(strata.label_col), parent_id("base")
    named = base[0] in new.columns
    counted = new.groupBy(label, *(base if named else ())).agg(F.count(F.lit(1)).alias(_TIMES))
    total = [F.sum(_TIMES).alias(_NEW), F.max(_TIMES).alias(_TIMES), F.count(F.lit(1)).alias(_OLD)]
    found = to_arrow(strata.attach(counted, {}).groupBy(CODE).agg(*total)).to_pylist()
    for row in found:
        if row[CODE] is None:
            raise TooFewRowsError(
                f"{strata.method}: after has {row[_NEW]:,} new rows of a class that before does not have; give "
                "the frame that was resampled as before"
            )
    return {row[CODE]: Made(row[_NEW], row[_OLD] if named else None, row[_TIMES] if named else None) for row in found}


def count_copies(originals: DataFrame, new: DataFrame, strata: Strata) -> dict[int, tuple[int, int]]:
    """Count, for each class, the new rows that equal an original, and the originals that equal another.

    Cost: two jobs, of which each scans the features of a side and shuffles a hash of each original; where these are
    many, one of each new row too.
    """
    sides = []
    for side in (originals, new):
        of = (F.col(FEATURES), F.col(CATEGORY_IDS))
        hashes = [F.xxhash64(*of).alias(HI), F.xxhash64(F.lit(_SALT), *of).alias(LO)]
        sides.append(strata.only(side, {}).select(CODE, *hashes))
    different = sides[0].groupBy(CODE, HI, LO).agg(F.count(F.lit(1)).alias(_OLD))
    repeated = to_arrow(different.where(F.col(_OLD) > 1).groupBy(CODE).agg(F.sum(_OLD).alias(_OLD)))
    known = F.broadcast(different) if sum(strata.sizes.values()) <= FEW_UNITS else different
    copied = with_columns_of(known, sides[1], [CODE, HI, LO]).where(F.col(_OLD).isNotNull())
    found = to_arrow(copied.groupBy(CODE).agg(F.count(F.lit(1)).alias(_NEW)))
    counts = [
        dict(zip(table[CODE].to_pylist(), table[name].to_pylist(), strict=True))
        for table, name in ((found, _NEW), (repeated, _OLD))
    ]
    return {code: (counts[0].get(code, 0), counts[1].get(code, 0)) for code in strata.entries}


def share_of_groups(
    originals: DataFrame, new: DataFrame, strata: Strata, group_cols: Sequence[str]
) -> dict[int, tuple[float, float]]:
    """Return, for each class, the largest share of new rows whose bases are of one entity, and of originals of one.

    Cost: a job, a scan of each side, a shuffle of the identity and the entity of every original of these classes.
    """
    base = dict(zip((HI, LO), parent_id("base"), strict=True))
    made = new.groupBy(*base.values()).agg(F.count(F.lit(1)).alias(_NEW))
    made = made.select(*[F.col(quoted(name)).alias(of) for of, name in base.items()], _NEW)
    group = F.xxhash64(*[F.col(quoted(name)) for name in group_cols]).alias(_GROUP)
    label = F.col(quoted(strata.label_col))
    rows = strata.only(originals.select(label, HI, LO, group), {})
    # a hash of all columns is that of each of several equal rows, which have one entity
    units = rows.groupBy(CODE, HI, LO).agg(F.first(_GROUP).alias(_GROUP), F.count(F.lit(1)).alias(_OLD))
    both = units.join(made, [HI, LO], "left").groupBy(CODE, _GROUP)
    entities = both.agg(F.sum(_OLD).alias(_OLD), F.coalesce(F.sum(_NEW), F.lit(0)).alias(_NEW))
    shares = [(F.max(name) / F.sum(name)).alias(name) for name in (_NEW, _OLD)]
    found = to_arrow(entities.groupBy(CODE).agg(*shares)).to_pylist()
    return {row[CODE]: (row[_NEW], row[_OLD]) for row in found}
