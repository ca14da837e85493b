"""The figures of a `TrustReport`: what each measures, and in which unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spark_balance.frames.plan import Label
from spark_balance.report.resampled import ABOVE_NOISE, FAR

# a correlation that differs by more is named; SMOTE stays below on the tables that scikit-learn brings, as a test shows
CORRELATION_LIMIT, CORRELATION_NOISE_FACTOR = 0.25, 3.0
FIGURES = (
    "copies",
    "distance_to_closest_record",
    "nearer_to_other_class",
    "off_support",
    "drift",
    "correlation",
    "detectable",
    "utility",
    "concentration",
)


@dataclass(frozen=True)
class Share:
    """A share of new rows from 0 to 1, the same share of originals, and how far their 95 % intervals reach from them.

    The intervals are Wilson's (1927), of the rows that were judged; an error is the distance to the farther end, and 0
    where all rows were judged.
    """

    value: float
    originals: float
    error: float = 0.0
    originals_error: float = 0.0

    @property
    def above(self) -> float:
        """How much larger the share of new rows is, chance put aside."""
        return self.value - self.originals - self.chance

    @property
    def chance(self) -> float:
        """What chance alone puts between the two, as Newcombe (1998) adds their intervals."""
        return math.hypot(self.error, self.originals_error)


@dataclass(frozen=True)
class Copies(Share):
    """The share of new rows that equal an original of their class in all features; of originals, another original.

    All rows are compared. `within` is the share of judged new rows at most `tolerance` standard deviations away from an
    original of their class, parents included, where these were looked up.
    """

    within: float | None = None
    tolerance: float = 0.0


@dataclass(frozen=True)
class Distance:
    """How far the nearest original is from a new row, its parents left out, and from a held-out original.

    `quantiles` has the 5, 25, 50, 75 and 95 % quantiles of both, in standard deviations of a feature; a category that
    differs counts as one. `ratio` is that of the medians, 0 for copies. `nearer` is the share of new rows that are
    nearer than the 5 % quantile of held-out originals: the distance to the closest record of Zhao et al. (2021).
    """

    quantiles: dict[str, tuple[float, float]]
    ratio: float
    nearer: Share


@dataclass(frozen=True)
class Drift:
    """How far new rows are spread otherwise than originals of their class, from 0 to 1, the farthest column first.

    Of a number Kolmogorov and Smirnov's statistic, of a category the total variation. `originals` are the same of two
    halves of the originals.
    """

    columns: dict[str, float]
    originals: dict[str, float]
    noise: float  # about what chance alone puts between samples of these sizes

    @property
    def far(self) -> float:
        """The drift from which on a column moved, as in the report of a resampling."""
        return max(FAR, ABOVE_NOISE * self.noise)


@dataclass(frozen=True)
class Correlation:
    """The largest difference between a correlation (Pearson's) of two numbers in new rows and in originals, 0 to 2.

    `originals` is the same of two halves of the originals.
    """

    value: float
    originals: float
    columns: tuple[str, ...]  # the pair with that difference, empty of a single number
    noise: float  # about what chance alone puts between samples of these sizes

    @property
    def far(self) -> float:
        """The difference above which a finding is reported: interpolation itself strengthens correlations."""
        return max(CORRELATION_LIMIT, CORRELATION_NOISE_FACTOR * self.noise)


@dataclass(frozen=True)
class OffSupport(Share):
    """The share of new rows farther from their class than 99 of 100 originals are.

    `outlier_share` is the share of new rows more than twice as far from every original, their parents included. Rows
    from the distribution of the originals may reach `outlier_allowance`: one row of as many as there are originals.
    """

    outlier_share: float = 0.0
    outlier_allowance: float = 0.0
    columns: tuple[str, ...] = ()  # in which outliers are outside the range of the originals, the most frequent first


@dataclass(frozen=True)
class Detectable:
    """The ROC-AUC with which boosted trees tell new rows from held-out originals, cross-validated: 0.5 is best.

    `error` is its standard deviation over five folds; Lopez-Paz and Oquab (2017), a classifier two-sample test.
    """

    value: float
    error: float
    rows: int  # of each side


@dataclass(frozen=True)
class Utility:
    """The scores, on originals held out, of boosted trees that were fitted without and with the new rows.

    New rows with a held-out parent are left out of the fit. `pr_auc` (average precision), `recall` and `precision` at
    0.5 and `brier_score` are of the class against all others, weighted to the shares of the originals.
    """

    without: dict[str, float]
    with_new: dict[str, float]
    held_out: int  # rows that are scored


@dataclass(frozen=True)
class Concentration:
    """The largest share of new rows that come from one base, one entity, or have one value of a category.

    Beside each the largest share of originals; `value` is the worst category's, named with its column.
    """

    base: Share | None
    entity: Share | None
    value: Share | None
    column: str | None


@dataclass(frozen=True)
class ClassTrust:
    """The figures about the new rows of one class; one that was not asked for, or is `unknown`, is None.

    `unknown` names those that take more rows: models 20 held-out originals of the class, and as many new rows that
    share no parent with these.
    """

    label: Label
    originals: int
    new_rows: int
    judged: int  # new rows whose neighbors were looked up
    copies: Copies | None = None
    distance_to_closest_record: Distance | None = None
    nearer_to_other_class: Share | None = None
    off_support: OffSupport | None = None
    drift: Drift | None = None
    correlation: Correlation | None = None
    detectable: Detectable | None = None
    utility: Utility | None = None
    concentration: Concentration | None = None
    unknown: tuple[str, ...] = ()
