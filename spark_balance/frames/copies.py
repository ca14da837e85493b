"""How often each row is taken, exactly n of a class without sorting it, and new rows between two rows."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import CountsError, wrong_counts
from spark_balance.frames.classes import Numbers, Strata
from spark_balance.frames.columns import stop, temp
from spark_balance.frames.older_spark import VariantType, from_arrow
from spark_balance.frames.provenance import COPY, copied
from spark_balance.frames.row_ids import (
    CODE,
    COPIES,
    FIRST,
    GAP,
    HI,
    LO,
    NTH,
    OTHERS,
    by_code,
    draw,
    numbered,
    uniform,
    units,
)
from spark_balance.kernels import Ints
from spark_balance.kernels.draws import band, quantile

WHOLE, EXTRA, _LOW, _HIGH = temp("whole"), temp("extra"), temp("low"), temp("high")
_DRAW, LAST, _PART = temp("draw"), temp("last"), temp("part")
_ROWS, _SEEN = temp("rows"), temp("seen")
DEALT_NUMBERS = 2**23  # in the new rows that a task makes where they are dealt out: 64 MiB, and so a file
TEXT_NUMBERS, LONG_NUMBERS = 4, 128  # that a text, and an array or a map, is taken to be as large as
PARTS = 64  # that a task makes its new rows of: enough for tasks chosen by hash to differ little
Some = TypeVar("Some", int, Ints)


@dataclass(frozen=True)
class Share(Generic[Some]):
    """The units wanted of a class, and the rows that it has; or those of many classes, as arrays."""

    rows: Some
    wanted: Some

    @property
    def whole(self) -> Some:
        """Units that every row gives."""
        return self.wanted // self.rows

    @property
    def extra(self) -> Some:
        """Rows that give one more."""
        return self.wanted % self.rows


def shares_of(strata: Strata, what: Literal["after", "added"]) -> Share[Ints]:
    """Return what is wanted of each class: all that it has after, or its new rows."""
    entries = strata.entries.values()
    before = np.fromiter(map(attrgetter("before"), entries), np.int64)
    after = np.fromiter(map(attrgetter("after"), entries), np.int64)
    return Share(before, after if what == "after" else after - before)


def with_copies(
    rows: DataFrame, strata: Strata, shares: Share[Ints], stream: int, *, keyed: bool, exact: bool, taken: bool
) -> DataFrame:
    """Say how often each row is to appear, so that each class gives what is wanted; NULL for rows of no class.

    Every row of a class gives floor(wanted / rows); a subset, exactly as large as the remainder, gives one more: the
    rows with the smallest draws. Without `exact`, each row is chosen by its own probability, so counts are binomial.
    The rows have a class number, a row id (of a unique key if `keyed`) and `share_numbers`. With `taken`, rows that are
    not may be left out: those whose draw is beyond the band of the last one go before anything is joined to them.

    Cost: nothing when every remainder is 0, or without `exact`. Else one more scan of the key columns (of all columns
    without a key, and a shuffle of the row ids). Lazy.
    """
    partial = F.col(EXTRA) > 0
    near = ~partial | (F.col(WHOLE) > 0) | (draw(stream, HI, LO, F.lit(0)) <= F.col(_HIGH))
    firsts = F.coalesce(near, F.lit(True)) if taken and shares.extra.any() else None
    placed = numbered(rows, partial, keyed, int(shares.rows.sum()), firsts)
    if not shares.extra.any():
        return placed.withColumn(COPIES, F.col(WHOLE).cast("int"))
    if exact:
        counted = zip(strata.entries, shares.extra.tolist(), shares.rows.tolist(), strict=True)
        wanted = {code: (extra, total) for code, extra, total in counted if extra}
        candidates = units(rows.where(partial), keyed)
        thresholds = last_draws(candidates, strata.method, wanted, stream, [HI, LO, NTH], poisson=False)
        placed = placed.join(F.broadcast(thresholds), CODE, "left")
    else:
        placed = placed.withColumn(LAST, F.col(_HIGH))
    one_more = F.coalesce(draw(stream, HI, LO, NTH) <= F.col(LAST), F.lit(False)) & partial
    return placed.withColumn(COPIES, (F.col(WHOLE) + one_more.cast("int")).cast("int")).drop(LAST)


def share_numbers(shares: Share[Ints], *, exact: bool = True) -> Numbers:
    """Return the numbers of each class that `with_copies` needs on every row."""
    numbers: Numbers = {WHOLE: shares.whole, EXTRA: shares.extra}
    if not shares.extra.any():
        return numbers
    return {**numbers, _HIGH: band(shares.extra, shares.rows)[1] if exact else quantile(shares.extra / shares.rows)}


def last_draws(
    units: DataFrame, method: str, wanted: Mapping[int, tuple[int, float]], stream: int, of: list[str], *, poisson: bool
) -> DataFrame:
    """Find, for each class, the draw of the last unit to choose, as a lazy frame (code, last draw).

    Only draws in a narrow band around the wanted quantile are kept and sorted, a few thousand of millions. `wanted`
    holds the units wanted and the units there are of each class; with `poisson` the latter is only expected.
    """
    some, total = np.array(list(wanted.values())).reshape(-1, 2).T
    low, high = band(some, total, poisson=poisson)
    table = {
        CODE: pa.array(wanted, pa.int32()),
        EXTRA: some.astype(np.int64),
        _LOW: low,
        _HIGH: high,
        _ROWS: np.rint(np.full(len(wanted), -1.0) if poisson else total).astype(np.int64),
    }
    of_class = F.broadcast(from_arrow(units.sparkSession, pa.table(table)))
    drawn = units.withColumn(_DRAW, draw(stream, *of)).join(of_class, CODE)
    inside = F.col(_DRAW).between(F.col(_LOW), F.col(_HIGH))
    below = F.sum((F.col(_DRAW) < F.col(_LOW)).cast("bigint"))
    found = drawn.groupBy(CODE).agg(
        (F.max(EXTRA) - below).cast("int").alias(EXTRA),
        F.max(_ROWS).alias(_ROWS),
        F.count(F.lit(1)).alias(_SEEN),
        F.sort_array(F.collect_list(F.when(inside, F.col(_DRAW)))).alias(LAST),
    )
    there = F.col(EXTRA).between(1, F.size(LAST))
    counted = F.col(_ROWS).isin(F.lit(-1), F.col(_SEEN)) & (there | (F.col(_ROWS) != -1))
    last, following = F.get(LAST, F.col(EXTRA) - 1), F.get(LAST, F.col(EXTRA))
    # draws have 64 bits: only units of one identity draw alike, and a threshold cannot part them
    parted = there & (following.isNull() | (following != last))
    not_unique = (
        f"{method}: key_cols is not unique: rows have the same key, or none; name a unique key, or leave key_cols out"
    )
    row = F.col(CODE)
    stopped = [stop(CountsError, why, row).cast("bigint") for why in (wrong_counts(method), not_unique)]
    checked = F.when(~counted, stopped[0]).when(~parted, stopped[1]).otherwise(last)
    return found.select(CODE, checked.alias(LAST))


class Growth(NamedTuple):
    """What a class brings, where its new rows are dealt out or not."""

    rows: int
    added: int
    here: float  # new rows that the largest task makes if they are not


def count_dealt(classes: Iterable[Growth], k: int, width: int) -> int:
    """Return the tasks to deal new rows of k partners each to; 0: leave them where they are."""
    classes = list(classes)
    # a pair of two rows, or the one that is repeated: where what moves is at most half of what is made, it moves early
    far = [one.here for one in classes if 4 * min(one.added, k * one.rows) <= one.added]
    most = max((one.here for one in classes), default=0)
    if max(far, default=0) * width <= DEALT_NUMBERS and most * width <= 2 * DEALT_NUMBERS:
        return 0
    return -(-sum(one.added for one in classes) * width // DEALT_NUMBERS)


def describe_dealt(added: int, tasks: int) -> dict[str, int]:
    """Return what notes and `explain` say of new rows that are dealt out; none where they are not."""
    # parts are dealt by hash, so the largest task makes up to twice as many
    return {"tasks_of_new_rows": tasks, "new_rows_per_task": -(-added // tasks)} if tasks else {}


def replicated(classes: Collection[tuple[int, int]]) -> list[Growth]:
    """Return what classes bring, given their rows and new rows, all of which may lie in one task."""
    far = sum(added for rows, added in classes if added >= 4 * rows)
    return [Growth(rows, added, far) for rows, added in classes]


def count_numbers(schema: T.DataType) -> int:
    """Return about how many numbers of 8 bytes a row of a schema is as large as."""
    if isinstance(schema, T.StructType):
        return sum(count_numbers(field.dataType) for field in schema.fields)
    if isinstance(schema, T.ArrayType | T.MapType | VariantType | T.UserDefinedType):
        return LONG_NUMBERS
    return TEXT_NUMBERS if isinstance(schema, T.StringType | T.BinaryType) else 1


def part_rows(k: int, width: int) -> int:
    """Return the new rows of a part of a row's copies, as many with each of its k partners."""
    return k * max(1, DEALT_NUMBERS // (PARTS * width * k))


def count_parts(classes: Collection[tuple[int, int]], k: int, width: int) -> int:
    """Return about how many parts are dealt out, given the rows and new rows of classes."""
    pairs, added = sum(min(new, k * rows) for rows, new in classes), sum(new for _, new in classes)
    return max(pairs, k * -(-added // part_rows(k, width)))


def deal_out(pairs: DataFrame, k: int, tasks: int, width: int, *, shrunk: bool = False) -> DataFrame:
    """Deal what new rows are made of out to tasks by hash, in parts of some copies: a shuffle of the pairs. Lazy.

    With `shrunk` a base has as many partners as `OTHERS` says, and not k.
    """
    step = _of_partners(k, lambda some: part_rows(some, width), shrunk)
    cut = pairs.withColumn(_PART, F.explode(F.sequence(F.col(FIRST), F.col(COPIES) - 1, step)))
    end = F.least(F.col(COPIES), F.col(_PART) + step)
    parts = cut.withColumns({COPIES: end, FIRST: F.col(_PART), _PART: F.col(_PART) - F.col(FIRST)})
    # adaptive execution leaves a number of tasks that is given; the pairs of a base lie side by side, and so compress
    return parts.repartition(tasks, HI, LO, NTH, _PART).drop(_PART)


def interpolated(found: DataFrame, k: int, gap_stream: int, most: int, *, shrunk: bool) -> DataFrame:
    """Make one row for each copy of a base, `most` at most, with its gap: no shuffle, in the stage of the pairs."""
    copies = copied(found, F.col(FIRST), F.col(COPIES) - 1, most, _of_partners(k, int, shrunk))
    return copies.withColumn(GAP, uniform(draw(gap_stream, HI, LO, NTH, COPY)))


def _of_partners(k: int, number: Callable[[int], int], shrunk: bool) -> Column:
    """Return a number that follows from the partners of a base; a row alone has itself."""
    return by_code({some: number(max(1, some)) for some in range(k + 1)}, OTHERS) if shrunk else F.lit(number(k))
