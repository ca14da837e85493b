"""What the engine is asked about new rows and originals: counts, bounded samples, copies, and shared bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, functions as F

from spark_balance.errors import BadValuesError, TooFewRowsError
from spark_balance.frames.arrow import matrix, single
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.provenance import PARENTS
from spark_balance.frames.row_ids import CODE, FEATURES, FEW_UNITS, HI, LO, draw, identity, with_columns_of
from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.draws import quantile, xxhash64
from spark_balance.neighbors.closest import CATEGORY_IDS
from spark_balance.trust.compared import ALIKE, METHOD, parent_id

_TIMES, _LIMIT, _PARENTS, _NEW, _OLD = (temp(what) for what in ("times", "limit", "parents", "new", "old"))
_GROUP = temp("group")
ENOUGH = 100  # different rows of a class
NOT_THERE = (
    f"{METHOD}: before has none of the rows that the provenance names; give the frame that was resampled as before, "
    "with all its columns if it has no key"
)


@dataclass(frozen=True)
class Drawn:
    """Different rows, by class and then in a random order, which is the same on any layout."""

    parents: Mapping[str, tuple[Ints, Ints, Bools]]  # identity, and whether there is one
    code: Ints
    times: Ints  # how often each is there
    hi: Ints
    lo: Ints
    numbers: Floats  # NaN for one that is missing
    categories: Ints

    def take(self, rows: NDArray[np.generic]) -> Drawn:
        """Return some of them."""
        parents = {side: (hi[rows], lo[rows], there[rows]) for side, (hi, lo, there) in self.parents.items()}
        return Drawn(parents, *(one[rows] for one in self.columns))

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """All arrays but those of parents."""
        return self.code, self.times, self.hi, self.lo, self.numbers, self.categories

    @property
    def whole(self) -> Drawn:
        """Those that lack no number."""
        return self.take(np.flatnonzero(np.isfinite(self.numbers).all(axis=1)))

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
    for side in PARENTS:
        known = [one.parents.get(side) or (one.hi, one.lo, np.zeros(len(one.hi), dtype=bool)) for one in parts]
        hi, lo, there = (np.concatenate(same) for same in zip(*known, strict=True))
        parents[side] = hi, lo, there
    return Drawn(parents, *own)


def draw_rows(
    rows: DataFrame,
    features: Mapping[str, Column],
    strata: Strata,
    sizes: Mapping[int, int],
    most: int,
    stream: int,
    width: int,
    known: DataFrame | None = None,
) -> tuple[Drawn, dict[int, int]]:
    """Bring about `most` different rows of each class to the driver, and count those that equal a `known` one.

    Cost: a job, a scan, a shuffle of the drawn rows; of a hash of all where the known are too many to broadcast.
    """
    there = strata.of_ids([code for code, n in sizes.items() if n])
    limits = quantile([min(1.0, most / sizes[code]) for code in there.entries])
    parents = [F.col(quoted(name)) for side in PARENTS for name in parent_id(side) if name in rows.columns]
    made_of = F.struct(*parents) if parents else F.lit(None).cast("int")
    carried = {HI: F.col(HI), LO: F.col(LO), _PARENTS: made_of, **features}
    is_drawn = draw(stream, HI, LO) <= F.col(_LIMIT)
    # of what is not drawn nothing is carried, and no list is made
    payload = [F.when(is_drawn, one).alias(name) for name, one in carried.items()]
    some = there.only(rows, {_LIMIT: limits}).select(CODE, *ALIKE, *payload)
    if known is None:
        # Sail fails at a filter on hashes of parents of rows that it has yet to make
        some = (some if parents else some.where(F.col(HI).isNotNull())).withColumn(_OLD, F.lit(None))
    else:
        some = with_columns_of(known, some, [CODE, *ALIKE])
    first = [F.first(name).alias(name) for name in (*features, _PARENTS)]
    # identical rows have one draw, so they are all drawn or none: counted, they are one row of the driver's
    grouped = some.groupBy(CODE, HI, LO).agg(F.count(F.lit(1)).alias(_TIMES), F.count(_OLD).alias(_OLD), *first)
    # the draws bound the rows on average, this always; what was not drawn comes first, as one row of each class
    table = to_arrow(grouped.orderBy(F.col(HI).asc_nulls_first()).limit(4 * most * len(there.entries)))
    copied = dict.fromkeys(there.entries, 0)
    for code, n in zip(table[CODE].to_pylist(), table[_OLD].to_pylist(), strict=True):
        copied[code] += n
    drawn = _read(table.filter(table[HI].is_valid()), stream, width)
    # rows of which nearly all are equal are drawn by chance alone; the different ones are few then, so take them all
    fewest = min(ENOUGH, most // 2)
    few = {code: 1 for code in there.entries if sizes[code] > most and len(drawn.of(code).code) < fewest}
    if few:
        others = drawn.take(np.flatnonzero(~np.isin(drawn.code, list(few))))
        drawn = join_rows([others, draw_rows(rows, features, strata, few, most, stream, width)[0]])
    return drawn, copied


def _read(table: pa.Table, stream: int, width: int) -> Drawn:
    """Read drawn rows, by class and then in the order of their draws."""
    code, times, hi, lo = (np.asarray(table[name].to_numpy(), dtype=np.int64) for name in (CODE, _TIMES, HI, LO))
    order = np.lexsort([lo, hi, xxhash64(stream, hi, lo), code])
    numbers, ids = matrix(single(table[FEATURES]), width), single(table[CATEGORY_IDS])
    categories = np.asarray(ids.flatten().to_numpy()).reshape(len(code), len(ids.flatten()) // max(1, len(code)))
    made_of, parents = single(table[_PARENTS]), {}
    if pa.types.is_struct(made_of.type):
        for side in PARENTS:
            halves = [made_of.field(name) for name in parent_id(side)]
            ids = [np.asarray(half.fill_null(0).to_numpy(), dtype=np.int64) for half in halves]
            parents[side] = ids[0], ids[1], np.asarray(halves[0].is_valid())
    return Drawn(parents, code, times, hi, lo, numbers, categories).take(order)


def count_alike(originals: DataFrame, strata: Strata) -> DataFrame:
    """Count the originals of each class that are alike, a row for each that differs; lazy."""
    alike = strata.only(originals, {}).groupBy(CODE, *ALIKE).agg(F.count(F.lit(1)).alias(_OLD))
    return F.broadcast(alike) if sum(strata.sizes.values()) <= FEW_UNITS else alike


def count_repeated(alike: DataFrame) -> dict[int, int]:
    """Count the originals of each class that equal another: a job, a scan of these classes, a shuffle of hashes."""
    found = to_arrow(alike.where(F.col(_OLD) > 1).groupBy(CODE).agg(F.sum(_OLD).alias(_OLD)))
    return dict(zip(found[CODE].to_pylist(), found[_OLD].to_pylist(), strict=True))


@dataclass(frozen=True)
class Made:
    """New rows of a class, and how many of the base with most."""

    rows: int
    most: int | None  # None where new rows do not name their bases


def count_new(new: DataFrame, strata: Strata) -> dict[int, Made]:
    """Count the new rows of each class, and those of each base: a job that scans label and base."""
    label, base = quoted(strata.label_col), parent_id("base")
    named = base[0] in new.columns
    counted = new.groupBy(label, *(base if named else ())).agg(F.count(F.lit(1)).alias(_TIMES))
    total = [F.sum(_TIMES).alias(_NEW), F.max(_TIMES).alias(_TIMES)]
    found = to_arrow(strata.attach(counted, {}).groupBy(CODE).agg(*total)).to_pylist()
    for row in found:
        if row[CODE] is None:
            raise TooFewRowsError(
                f"{strata.method}: after has {row[_NEW]:,} new rows of a class that before does not have; give "
                "the frame that was resampled as before"
            )
    return {row[CODE]: Made(row[_NEW], row[_TIMES] if named else None) for row in found}


def share_of_groups(
    originals: DataFrame, new: DataFrame, strata: Strata, group_cols: Sequence[str]
) -> dict[int, tuple[float, float]]:
    """Return, for each class, the largest share of new rows whose bases are of one entity, and of originals of one.

    Cost: a job, a scan of each side, a shuffle of the identity and the entity of every original of these classes.
    """
    base = dict(zip((HI, LO), parent_id("base"), strict=True))
    made = new.groupBy(*base.values()).agg(F.count(F.lit(1)).alias(_NEW))
    made = made.select(*[F.col(quoted(name)).alias(of) for of, name in base.items()], _NEW)
    group = identity(METHOD, originals.schema, tuple(group_cols))[0].alias(_GROUP)
    label = F.col(quoted(strata.label_col))
    rows = strata.only(originals.select(label, HI, LO, group), {})
    # a hash of all columns is that of each of several equal rows, which have one entity
    units = rows.groupBy(CODE, HI, LO).agg(F.first(_GROUP).alias(_GROUP), F.count(F.lit(1)).alias(_OLD))
    both = units.join(made, [HI, LO], "left").groupBy(CODE, _GROUP)
    entities = both.agg(F.sum(_OLD).alias(_OLD), F.coalesce(F.sum(_NEW), F.lit(0)).alias(_NEW))
    sums = [F.sum(name).alias(temp(f"sum_{name}")) for name in (_NEW, _OLD)]
    found = to_arrow(entities.groupBy(CODE).agg(F.max(_NEW), F.max(_OLD), *sums))
    code, *parts = (column.to_pylist() for column in found.columns)
    if not all(parts[2]):
        raise BadValuesError(NOT_THERE)
    return {one: (new / news, old / olds) for one, new, old, news, olds in zip(code, *parts, strict=True)}
