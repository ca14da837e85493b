"""Scores of probabilities as aggregates: areas under the ROC and precision-recall curves, Brier score, ECE."""

import math
from collections import Counter
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window, functions as F

from spark_balance.errors import ParameterError
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import array_position, from_arrow, to_arrow
from spark_balance.frames.text import plain
from spark_balance.metrics.probabilities import add_columns

SCORE, TRUE, WEIGHT = temp("score"), temp("true"), temp("weight")
_BIN, _POS, _NEG, _TP, _FP = temp("bin"), temp("pos"), temp("neg"), temp("tp"), temp("fp")
PLACE = temp("place")  # which class a row is of, in the order of the probabilities
_SAID, _RIGHT, _SQUARES, _ROWS = (temp(what) for what in ("said", "was", "squares", "rows"))
_SAMPLE, _BINS = 4_096, 128  # distinct scores that the driver takes, and ranges that more of them are cut into


@dataclass(frozen=True)
class Ranking:
    """Areas under the curves, each within its error of scikit-learn's value.

    Attributes
    ----------
    roc_auc, pr_auc : float
        `roc_auc_score` and `average_precision_score` (not a trapezoid: no interpolation); NaN where a side has no rows.
    roc_auc_error, pr_auc_error : float
        0.0 when exact; when binned, the most that the value can be off by.
    positives, negatives : float
        Rows, or their weights, of the class and of the others.
    """

    roc_auc: float
    pr_auc: float
    roc_auc_error: float
    pr_auc_error: float
    positives: float
    negatives: float

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values that JSON can carry."""
        return {name: plain(score) for name, score in asdict(self).items()}


def rank_exactly(rows: DataFrame) -> Ranking:
    """Rank rows of (score, true, weight) exactly.

    One job counts the distinct scores; the driver adds them up if they are few. If they are many, two more jobs cut
    them into 128 ranges at quantiles of a sample and sort each range in its own task; the driver adds up the rows above
    each range. Neither the ranges nor the sample change the result.
    """
    counted = rows.groupBy(SCORE).agg(*_sides())
    # the smallest hashes: a bounded number of distinct scores, without a sort of the others
    found = to_arrow(counted.orderBy(F.xxhash64(SCORE)).limit(_SAMPLE + 1))
    sample = sorted(zip(*[column.to_pylist() for column in found.columns], strict=True), reverse=True)
    if len(sample) <= _SAMPLE:
        return replace(rank_bins([(pos, neg) for _, pos, neg in sample]), roc_auc_error=0.0, pr_auc_error=0.0)
    edges = sorted({sample[len(sample) * i // _BINS][0] for i in range(1, _BINS)})
    binned = counted.withColumn(_BIN, _range_of(F.col(SCORE), edges, 0, len(edges)))
    found = to_arrow(binned.groupBy(_BIN).agg(F.sum(_POS).alias(_POS), F.sum(_NEG).alias(_NEG)))
    totals = sorted(zip(*[column.to_pylist() for column in found.columns], strict=True), reverse=True)
    positives, negatives = (math.fsum(total[side] for total in totals) for side in (1, 2))
    if not positives or not negatives:
        return Ranking(math.nan, math.nan, 0.0, 0.0, positives, negatives)
    higher = [pa.array([0.0, *accumulate(total[side] for total in totals)][:-1], pa.float64()) for side in (1, 2)]
    above = pa.table([pa.array([total[0] for total in totals], pa.int32()), *higher], names=[_BIN, _TP, _FP])
    falling = Window.partitionBy(_BIN).orderBy(F.col(SCORE).desc())
    falling = falling.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    curve = binned.join(F.broadcast(from_arrow(rows.sparkSession, above)), _BIN).select(
        _POS,
        _NEG,
        (F.col(_TP) + F.sum(_POS).over(falling)).alias(_TP),
        (F.col(_FP) + F.sum(_NEG).over(falling)).alias(_FP),
    )
    beaten = F.sum(F.col(_NEG) * (F.col(_TP) - F.col(_POS) / 2))
    precision = F.when(F.col(_POS) > 0, F.col(_TP) / F.when(F.col(_POS) > 0, F.col(_TP) + F.col(_FP)))
    area, average = to_arrow(curve.agg(beaten, F.sum(F.col(_POS) * precision))).to_pylist()[0].values()
    return Ranking(area / (positives * negatives), average / positives, 0.0, 0.0, positives, negatives)


def rank_by_bins(rows: DataFrame, bins: int) -> Ranking:
    """Rank by equally wide bins of scores between 0 and 1, with the error that this can make: one aggregate."""
    if isinstance(bins, bool) or not isinstance(bins, int) or not 2 <= bins <= 100_000:
        raise ParameterError(f"ranking: bins={bins!r} is refused; give a whole number from 2 to 100,000, or None")
    place = F.least(F.greatest(F.floor(F.col(SCORE) * bins), F.lit(0)), F.lit(bins - 1)).cast("int")
    found = to_arrow(rows.groupBy(place.alias(_BIN)).agg(*_sides()))
    falling = sorted(zip(*[column.to_pylist() for column in found.columns], strict=True), reverse=True)
    return rank_bins([(pos, neg) for _, pos, neg in falling])


def rank_bins(falling: list[tuple[float, float]]) -> Ranking:
    """Bound the areas, given the positives and negatives of each bin from the highest score down.

    The values are those of the binned scores, all of a bin tied. What the order inside a bin could change
    is the error: at best its positives come first together, at worst they come last, one by one.
    """
    positives, negatives = (math.fsum(one[side] for one in falling) for side in (0, 1))
    if not positives or not negatives:
        return Ranking(math.nan, math.nan, 0.0, 0.0, positives, negatives)
    tp = fp = beaten = unknown = best = tied = worst = 0.0
    for pos, neg in falling:
        beaten += neg * (tp + pos / 2)
        unknown += pos * neg / 2
        if pos:
            best += pos * (tp + pos) / (tp + pos + fp)
            false = fp + neg
            tied += pos * (tp + pos) / (tp + pos + false)
            # the integral of (tp + t) / (tp + t + false) over the positives of the bin
            worst += pos - (false * math.log((tp + pos + false) / (tp + false)) if false else 0.0)
        tp, fp = tp + pos, fp + neg
    pairs = positives * negatives
    error = max(best - tied, tied - worst) / positives
    return Ranking(beaten / pairs, tied / positives, unknown / pairs, error, positives, negatives)


def _sides() -> list[Column]:
    positive = F.col(TRUE)
    return [
        F.sum(F.when(positive, F.col(WEIGHT)).otherwise(F.lit(0.0))).alias(_POS),
        F.sum(F.when(positive, F.lit(0.0)).otherwise(F.col(WEIGHT))).alias(_NEG),
    ]


def _range_of(score: Column, edges: list[float], low: int, high: int) -> Column:
    """Return how many edges a score has reached, by bisection: seven comparisons for 128 ranges."""
    if low == high:
        return F.lit(low)
    middle = (low + high) // 2
    below = _range_of(score, edges, low, middle)
    return F.when(score < F.lit(edges[middle]), below).otherwise(_range_of(score, edges, middle + 1, high))


@dataclass(frozen=True)
class Calibration:
    """Scores of probabilities.

    Attributes
    ----------
    brier_score : float
        Mean squared error, as scikit-learn's `brier_score_loss`: of the second class's probability with two
        classes (0 to 1), summed over the classes with more (0 to 2).
    expected_calibration_error : float
        Mean gap, over `bins` equally wide bins (upper edge included) weighted by their rows, between mean
        probability and share: of the second class with two classes, as `calibration_curve` draws it; of the
        most probable class and how often it is right with more (Guo et al. 2017).
    bins : int
        Number of bins of the calibration error.
    """

    brier_score: float
    expected_calibration_error: float
    bins: int

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values that JSON can carry."""
        return {name: plain(score) for name, score in asdict(self).items()}


def measure_calibration(rows: DataFrame, each: list[Column], bins: int) -> tuple[Calibration, dict[int, int]]:
    """Score rows of (place, weight) with a probability for each class; return the rows of each place too."""
    if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= 10_000:
        raise ParameterError(f"calibration: bins={bins!r} is refused; give a whole number from 1 to 10,000")
    place = F.col(PLACE)
    if len(each) == 2:
        said, true = each[1], (place == 1).cast("double")
        squares = (said - true) * (said - true)
    else:
        said = F.greatest(*each)
        true = (array_position(F.array(*each), said) - 1 == place).cast("double")
        gaps = [p - (place == i).cast("double") for i, p in enumerate(each)]
        squares = add_columns([gap * gap for gap in gaps])
    binned = F.greatest(F.ceil(said * bins) - 1, F.lit(0)).cast("int")
    values = {_SAID: said, _RIGHT: true, _SQUARES: squares, _BIN: binned}
    named = rows.select(PLACE, WEIGHT, *[value.alias(name) for name, value in values.items()])
    weight = F.col(WEIGHT)
    sums = [F.sum(weight * F.col(quoted(name))).alias(name) for name in (_SAID, _RIGHT, _SQUARES)]
    grouped = named.groupBy(_BIN, PLACE).agg(F.count(F.lit(1)).alias(_ROWS), F.sum(weight).alias(WEIGHT), *sums)
    found = to_arrow(grouped).to_pydict()
    of_place: Counter[int] = Counter()
    of_bin: dict[int, float] = {}
    for place_of, n, inside, p, y in zip(*[found[name] for name in (PLACE, _ROWS, _BIN, _SAID, _RIGHT)], strict=True):
        of_place[place_of] += n
        of_bin[inside] = of_bin.get(inside, 0.0) + (p - y)
    total = math.fsum(found[WEIGHT])
    if not total:
        return Calibration(math.nan, math.nan, bins), dict(of_place)
    gap = math.fsum(map(abs, of_bin.values()))
    return Calibration(math.fsum(found[_SQUARES]) / total, gap / total, bins), dict(of_place)
