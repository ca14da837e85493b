"""How honest probabilities are: Brier score and expected calibration error, as one aggregate."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.errors import SparkBalanceError
from spark_balance.ml.probabilities import total_of
from spark_balance.ml.ranking import WEIGHT
from spark_balance.summary import plain

PLACE = temp("place")  # which class a row is of, in the order of the probabilities
_BIN, _SAID, _TRUE, _SQUARES, _ROWS = (temp(what) for what in ("bin", "said", "was", "squares", "rows"))


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


def calibration_of(rows: DataFrame, each: list[Column], bins: int) -> tuple[Calibration, dict[int, int]]:
    """Score rows of (place, weight) with a probability for each class; tell the rows of each place too."""
    if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= 10_000:
        raise SparkBalanceError(f"calibration: bins={bins!r} is refused; give a whole number from 1 to 10,000")
    place = F.col(PLACE)
    if len(each) == 2:
        said, true = each[1], (place == 1).cast("double")
        squares = (said - true) * (said - true)
    else:
        said = F.greatest(*each)
        true = (F.array_position(F.array(*each), said) - 1 == place).cast("double")
        gaps = [p - (place == i).cast("double") for i, p in enumerate(each)]
        squares = total_of([gap * gap for gap in gaps])
    binned = F.greatest(F.ceil(said * bins) - 1, F.lit(0)).cast("int")
    named = rows.select(
        PLACE, WEIGHT, said.alias(_SAID), true.alias(_TRUE), squares.alias(_SQUARES), binned.alias(_BIN)
    )
    weight = F.col(WEIGHT)
    sums = [F.sum(weight * F.col(name)).alias(name) for name in (_SAID, _TRUE, _SQUARES)]
    grouped = named.groupBy(_BIN, PLACE).agg(F.count(F.lit(1)).alias(_ROWS), F.sum(weight).alias(WEIGHT), *sums)
    found = grouped.toArrow().to_pydict()
    of_place: Counter[int] = Counter()
    of_bin: dict[int, float] = {}
    for place_of, n, inside, p, y in zip(*[found[name] for name in (PLACE, _ROWS, _BIN, _SAID, _TRUE)], strict=True):
        of_place[place_of] += n
        of_bin[inside] = of_bin.get(inside, 0.0) + (p - y)
    total = math.fsum(found[WEIGHT])
    if not total:
        return Calibration(math.nan, math.nan, bins), dict(of_place)
    gap = math.fsum(map(abs, of_bin.values()))
    return Calibration(math.fsum(found[_SQUARES]) / total, gap / total, bins), dict(of_place)
