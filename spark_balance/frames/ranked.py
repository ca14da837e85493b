"""Keep exactly the n rows of each class with the least score, ties by identity, without sorting the class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F

from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.row_ids import CODE, HI, LO, NTH
from spark_balance.kernels import Ints

SCORE = temp("score")
MOST_HELD = 1_000_000  # units that are wanted of all classes together, for each task to hold as many of its own
FEW = 50_000  # units that the driver may read to find one
_ORDER = (SCORE, HI, LO, NTH)
_LEAST, _MOST, _DIGIT = -(2**63), 2**63 - 1, 2**16
_PLACE, _VALUE, _LOW, _WIDTH, _EDGE = temp("place"), temp("value"), temp("low"), temp("width"), temp("edge")
_FIXED = [temp(f"fixed_{i}") for i in range(len(_ORDER))]
Unit = tuple[int, ...]  # score, two halves of the identity, number among identical rows


def least(scored: DataFrame, wanted: Mapping[int, int]) -> DataFrame:
    """Return the n units of each class with the least (score, identity, number); all where there are fewer.

    `wanted` says how many of which class; a score is a bigint in the order of what it stands for: see `kernels.scores`.

    Cost: while at most `MOST_HELD` units are wanted, lazy, `scored` is computed once: each task keeps the n least of
    its own and one task for each class the least of those (at most 64 MB of units a task). Else two to three eager jobs
    (one more where many rows have one score), each of which computes `scored` and counts it by 16 bits of score, at
    most 65,536 counts a class, until a part that holds the n-th unit is small enough to read; then a filter.
    """
    wanted = {code: n for code, n in wanted.items() if n > 0}
    chosen = scored.where(F.col(CODE).isin(list(wanted)))
    units = chosen.select(F.col(CODE).cast("int").alias(CODE), *[F.col(quoted(name)).cast("bigint") for name in _ORDER])
    if sum(wanted.values()) > MOST_HELD:
        return _up_to(units, last_units(units, wanted))
    firsts = units.mapInArrow(lambda batches: _firsts(batches, wanted), units.schema)
    together = firsts.repartition(max(1, len(wanted)), F.col(CODE))
    return together.mapInArrow(lambda batches: _firsts(batches, wanted), units.schema)


def _firsts(batches: Iterable[pa.RecordBatch], wanted: Mapping[int, int]) -> Iterator[pa.RecordBatch]:
    """Keep the least units of each class of a stream, holding at most twice as many as are wanted and a batch."""
    held: dict[int, list[Ints]] = {}
    bounds: dict[int, int] = {}
    for batch in batches:
        codes = batch.column(CODE).to_numpy(zero_copy_only=False)
        units = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in _ORDER])
        for code in map(int, np.unique(codes)):
            some = units[(codes == code) & (units[:, 0] <= bounds.get(code, _MOST))]
            parts = held.setdefault(code, [])
            parts.append(some)
            if sum(map(len, parts)) > 2 * wanted[code]:
                parts[:] = [_first(np.concatenate(parts), wanted[code])]
                bounds[code] = int(parts[0][-1, 0])
    for code, parts in held.items():
        units = _first(np.concatenate(parts), wanted[code])
        columns = {CODE: pa.array(np.full(len(units), code, dtype=np.int32))}
        yield pa.RecordBatch.from_pydict(
            columns | {name: pa.array(units[:, i].copy()) for i, name in enumerate(_ORDER)}
        )


def _first(units: Ints, n: int) -> Ints:
    if len(units) > n:
        units = units[units[:, 0] <= np.partition(units[:, 0], n - 1)[n - 1]]
    first: Ints = units[np.lexsort(units.T[::-1])[:n]]
    return first


@dataclass(frozen=True)
class _Open:
    """Where the n-th unit of a class is looked for: first values that are known, and a range of the next one."""

    rank: int  # units of this part that come before it, and itself
    fixed: Unit = ()
    low: int = _LEAST  # of the next value
    width: int = 2**48  # units are counted by ranges of this many values, 65,536 of which make the part

    @property
    def high(self) -> int:
        return self.low + self.width * _DIGIT - 1

    def narrowed(self, buckets: list[dict[str, int]]) -> tuple[_Open, int] | None:
        """Return the smaller part that holds the unit, and the units in it; None where there are too few."""
        rank = self.rank
        for bucket in buckets:
            if rank <= bucket["rows"]:
                break
            rank -= bucket["rows"]
        else:
            return None
        if bucket["low"] == bucket["high"]:
            return _Open(rank, (*self.fixed, bucket["low"])), bucket["rows"]
        return replace(self, rank=rank, low=bucket[_EDGE], width=self.width // _DIGIT), bucket["rows"]


def last_units(units: DataFrame, wanted: Mapping[int, int]) -> dict[int, Unit]:
    """Find the n-th unit of each class; classes of fewer units are left out."""
    searching = {code: _Open(n) for code, n in wanted.items()}
    small: dict[int, _Open] = {}
    while searching:
        told = [F.count(F.lit(1)).alias("rows"), F.min(_VALUE).alias("low"), F.max(_VALUE).alias("high")]
        edge = F.col(_VALUE) - F.pmod(F.col(_VALUE), F.col(_WIDTH))
        counted = _inside(units, searching).groupBy(CODE, edge.alias(_EDGE)).agg(*told)
        buckets: dict[int, list[dict[str, int]]] = {code: [] for code in searching}
        for bucket in sorted(to_arrow(counted).to_pylist(), key=itemgetter(CODE, _EDGE)):
            buckets[bucket[CODE]].append(bucket)
        narrow = {code: part.narrowed(buckets[code]) for code, part in searching.items()}
        searching = {}
        for code, found in narrow.items():
            if found is not None:
                few = found[1] <= FEW or len(found[0].fixed) == len(_ORDER)
                (small if few else searching)[code] = found[0]
    return _read(units, small)


def _read(units: DataFrame, parts: Mapping[int, _Open]) -> dict[int, Unit]:
    """Read the units of small parts and pick the one that is looked for."""
    found = {code: part.fixed for code, part in parts.items() if len(part.fixed) == len(_ORDER)}
    parts = {code: part for code, part in parts.items() if code not in found}
    if parts:
        table = to_arrow(_inside(units, parts).select(CODE, *_ORDER))
        codes = table[CODE].to_numpy()
        rows = np.column_stack([table[name].to_numpy() for name in _ORDER])
        for code, part in parts.items():
            found[code] = tuple(_first(rows[codes == code], part.rank)[-1].tolist())
    return found


def _inside(units: DataFrame, parts: Mapping[int, _Open]) -> DataFrame:
    """Return the units in some parts, with the value that they are counted by."""
    table = {CODE: pa.array(parts, pa.int32()), _PLACE: pa.array([len(p.fixed) for p in parts.values()], pa.int32())}
    for i, name in enumerate(_FIXED):
        known = [part.fixed[i] if i < len(part.fixed) else None for part in parts.values()]
        table[name] = pa.array(known, pa.int64())
    table |= {
        _LOW: pa.array([part.low for part in parts.values()], pa.int64()),
        _EDGE: pa.array([part.high for part in parts.values()], pa.int64()),
        _WIDTH: pa.array([part.width for part in parts.values()], pa.int64()),
    }
    joined = units.join(F.broadcast(from_arrow(units.sparkSession, pa.table(table))), CODE)
    value = F.coalesce(*[F.when(F.col(_PLACE) == i, F.col(quoted(name))) for i, name in enumerate(_ORDER)])
    same = F.lit(True)
    for name, fixed in zip(_ORDER, _FIXED, strict=True):
        same &= F.col(quoted(fixed)).isNull() | (F.col(quoted(fixed)) == F.col(quoted(name)))
    return joined.withColumn(_VALUE, value).where(same & F.col(_VALUE).between(F.col(_LOW), F.col(_EDGE)))


def _up_to(units: DataFrame, last: Mapping[int, Unit]) -> DataFrame:
    """Keep the units up to the last one of their class; all of classes that have none."""
    if not last:
        return units
    table = {CODE: pa.array(last, pa.int32())}
    table |= {name: pa.array([unit[i] for unit in last.values()], pa.int64()) for i, name in enumerate(_FIXED)}
    joined = units.join(F.broadcast(from_arrow(units.sparkSession, pa.table(table))), CODE, "left")
    before = F.lit(True)
    for name, fixed in reversed(list(zip(_ORDER, _FIXED, strict=True))):
        before = (F.col(quoted(name)) < F.col(quoted(fixed))) | ((F.col(quoted(name)) == F.col(quoted(fixed))) & before)
    return joined.where(F.coalesce(before, F.lit(True))).select(CODE, *_ORDER)
