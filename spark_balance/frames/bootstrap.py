"""Draw exactly n rows of a class with replacement."""

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, functions as F

from spark_balance.frames.classes import Numbers, Strata
from spark_balance.frames.columns import temp
from spark_balance.frames.copies import LAST, Share, last_draws
from spark_balance.frames.row_ids import CODE, HI, LO, NTH, draw, numbered, uniform, units
from spark_balance.kernels.draws import poisson_rate, poisson_steps

COPY = temp("copy")
_STEPS = temp("steps")


def bootstrapped(
    rows: DataFrame, strata: Strata, shares: Sequence[Share[int] | None], stream: int, keyed: bool, numbers: Numbers
) -> DataFrame:
    """Draw exactly the wanted number of rows of each class, with replacement; a class without a share stays as it is.

    Every row appears Poisson-many times, at a rate a little above what is wanted. Given their total such counts are
    multinomial, and so is an exact subset of them, chosen like any exact subset. The `numbers` of each class are left
    on its rows. Cost: as exact downsampling. Lazy.
    """
    rates = [poisson_rate(share.wanted, share.rows) if share and share.wanted else 0.0 for share in shares]
    of_rate = [share and poisson_steps(rate) for share, rate in zip(shares, rates, strict=True)]
    # typed, since every class may be kept as it is
    steps: Numbers = {_STEPS: pa.array(of_rate, pa.list_(pa.float64()))}
    attached = strata.attach(rows, {**steps, **numbers})
    redrawn = F.col(_STEPS).isNotNull()
    redrawn_rows = sum(share.rows for share in shares if share)
    candidates = _copied(numbered(attached, redrawn, keyed, redrawn_rows), stream)
    of_class = F.broadcast(strata.table(rows, steps, temp("is_")).select(CODE, _STEPS))
    narrow = _copied(units(attached.where(redrawn), keyed).join(of_class, CODE), stream)
    wanted = {
        row.code: (share.wanted, rate * share.rows)
        for row, share, rate in zip(strata.rows, shares, rates, strict=True)
        if share and share.wanted
    }
    if not wanted:
        return candidates
    last = last_draws(narrow, strata.method, wanted, stream, [HI, LO, NTH, COPY], poisson=True)
    kept = draw(stream, HI, LO, NTH, COPY) <= F.col(LAST)
    return candidates.join(F.broadcast(last), CODE, "left").where(~redrawn | F.coalesce(kept, F.lit(False)))


def _copied(rows: DataFrame, stream: int) -> DataFrame:
    """Repeat every row as often as its draw says; rows of a class without steps appear once."""
    drawn = uniform(draw(stream, HI, LO, NTH))
    # an empty list of steps means zero copies, a missing one a single copy
    steps = F.size(F.filter(F.col(_STEPS), lambda step: step <= drawn))
    copies = F.when(F.col(_STEPS).isNull(), F.lit(1)).otherwise(steps)
    repeated = rows.withColumn(COPY, copies).where(F.col(COPY) > 0)
    return repeated.withColumn(COPY, F.explode(F.sequence(F.lit(0), F.col(COPY) - 1)))
