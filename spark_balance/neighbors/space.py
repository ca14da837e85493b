"""Columns of categories: how far two rows are apart, and how neighbors vote for the values of a new row."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import ParameterError
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import is_set, quoted
from spark_balance.frames.features import FeatureColumns, Values
from spark_balance.frames.labelsets import labelset
from spark_balance.frames.sample import Sample
from spark_balance.kernels.knn import Metric
from spark_balance.kernels.metrics import Mixed, Shared, ValueDifference
from spark_balance.kernels.scale import GRID, Directions, MixedScale, Scale
from spark_balance.neighbors.values import category_ids, count_values
from spark_balance.neighbors.votes import CATEGORIES, VOTED, CategoryVotes, LabelVotes

# a class of fewer rows, or with a larger share of rows that repeat a value, says nothing of a key
FEWEST_ROWS, REPEATED = 20, 0.05


@dataclass(frozen=True)
class DirectionColumns(FeatureColumns):
    """Numbers by the cosine of the angle between two rows: the search sees their directions, new rows their values."""

    equalized: ClassVar[bool] = False

    @property
    def any_bad(self) -> Column:
        """Whether any of the numbers is NULL, NaN or infinite, or all of them are 0: such a row points nowhere."""
        return super().any_bad | self.all_zero

    def scale(self, sample: Sample, *, equalize: bool) -> Scale:
        """Return what brings rows to one length."""
        return Directions.of(self.width)


NUMBERS = {"euclidean": FeatureColumns, "cosine": DirectionColumns}  # by their metric


def why_all_features(metric: str, *, exact: bool = False) -> str | None:
    """Return why a search needs every feature of every row; None where it does not."""
    if exact:
        return "no bound proves neighbors='exact', or recall=1, of rows that lack features"
    cosine = "metric='cosine' measures whole directions, and a row that lacks a feature points nowhere"
    return cosine if metric == "cosine" else None


def check_missing(method: str, missing: str, why: str | None) -> None:
    """Refuse to ignore what rows lack in a search that needs it, if there is a reason why it does."""
    if missing == "ignore" and why:
        raise ParameterError(
            f"{method}: missing='ignore' is refused: {why}; use missing='drop', or fill what is missing before"
        )


def ways_to_lack(why: str | None) -> str:
    """Return what else a search can do with rows that lack features, given why it needs all, if it does."""
    return "set missing='drop'" if why else "set missing='ignore' or 'drop'"


@dataclass(frozen=True)
class LabelledColumns(FeatureColumns):
    """Numbers by Euclid's distance, of rows with several labels: a new row has those that enough of its rows have."""

    label_col: str = ""
    kind_of_label: T.DataType = field(default_factory=T.StringType)
    least: int = 1  # of a base and its neighbors, that have a label
    label_cols: tuple[str, ...] = ()  # are true where a row has the label that they are called

    def travel(self) -> list[Column]:
        """Return the labels."""
        return [labelset(self.kind_of_label, self.label_col).alias(CATEGORIES)]

    def votes(self, stream: int) -> LabelVotes:
        """Return the vote of the base and all neighbors."""
        return LabelVotes(self.width, self.least)

    def new_values(self, copies: DataFrame) -> tuple[DataFrame, Values]:
        """Return new rows, and of them numbers between base and neighbor, and the labels."""
        copies, values = super().new_values(copies)
        labels = F.col(VOTED)
        values |= {name: F.array_contains(labels, F.lit(name)) for name in self.label_cols}
        return copies, values | {self.label_col: labels if is_set(self.kind_of_label) else labels[0]}


@dataclass(frozen=True)
class MixedColumns(FeatureColumns):
    """Numbers and categories, by SMOTE-NC's distance: numbers are interpolated, neighbors vote for categories."""

    categorical: tuple[str, ...] = ()  # each is an id that float64 holds exactly
    values: tuple[str, ...] = ()  # columns of several numbers each that stand for values in the distance; come first
    values_width: int = 0  # their numbers
    floats: tuple[str, ...] = ()  # those of the categories
    role: ClassVar[str] = "categorical_features"  # the parameter that names them

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that a new row has values of its own for: numbers, then categories."""
        return (*super().names, *self.categorical)

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.values_width + sum(self.widths) + len(self.categorical)

    @property
    def numbers(self) -> FeatureColumns:
        """The features that are numbers, alone."""
        return FeatureColumns(self.features, self.widths, self.long, lacking=self.lacking)

    @property
    def kind(self) -> type[np.generic]:
        """What holds every number of a row: ids of categories need 8 bytes."""
        return np.float64

    @property
    def flat(self) -> Column:
        """All features of a row as one array<double>."""
        parts = [F.col(quoted(name)) for name in self.values] + ([self._flat("double")] if self.features else [])
        ids = category_ids(self.categorical, self.floats)
        ids = [F.shiftrightunsigned(one, 12).cast("double") for one in ids]
        if self.lacking:
            there = [F.col(quoted(name)).isNotNull() for name in self.categorical]
            ids = [F.when(has, one) for has, one in zip(there, ids, strict=True)]
        return F.concat(*parts, F.array(*ids))

    @property
    def any_bad(self) -> Column:
        """Whether any of the row's numbers is bad; NULL is a category like any other, or one that the row lacks."""
        return super().any_bad if self.features else F.lit(False)

    def count_numbers(self, df: DataFrame) -> int:
        """Return how many numbers of a row travel."""
        return super().count_numbers(df) + len(self.categorical)

    def scale(self, sample: Sample, *, equalize: bool) -> Scale:
        """Return the scale of the numbers."""
        even, numbers = sample.evenly(sample.rows), self.numbers.width
        known, lacking = sample.deviations, self.lacking
        return MixedScale.of_numbers(even, numbers, equalize=equalize, deviations=known, lacking=lacking)

    def metrics(self, sample: Sample, scale: Scale, class_ids: Iterable[int]) -> dict[int, Metric]:
        """Return what a category that differs counts in each class."""
        rows = {one: sample.rows.get(one, np.empty((0, self.width))) for one in class_ids}
        fitted = {one: Mixed.fit(scale.integers(some), self.numbers.width) for one, some in rows.items()}
        if not self.lacking:
            return {**fitted}
        return {one: Shared(metric.numbers, metric.penalty) for one, metric in fitted.items()}

    def doubts(self, strata: Strata, sample: Sample) -> Iterator[str]:
        """Yield each category that is nearly unique in a class, of whose values no vote says anything."""
        for place, name in enumerate(self.categorical, -len(self.categorical)):
            for class_id, rows in sorted(sample.rows.items(), key=lambda one: -len(one[1])):
                there = rows[~np.isnan(rows[:, place]), place]
                values, share = len(np.unique(there)), sample.shares[class_id]
                # of the rows that repeat a value, a sample finds a part
                if len(there) >= FEWEST_ROWS and len(there) - values <= REPEATED * share * len(there):
                    of = f"{len(there):,}{' sampled' * (share < 1)} rows of class {strata.entries[class_id].label!r}"
                    yield (
                        f"{strata.method}: '{name}' has {values:,} values in {of}: an identity, not a category; "
                        f"name the categories without it with {self.role}, or, if it is unique, name it in key_cols"
                    )
                    break

    def travel(self) -> list[Column]:
        """Return the user's values of the categories."""
        # by place: a name may hold any character
        own = [F.col(quoted(name)).alias(f"c{i}") for i, name in enumerate(self.categorical)]
        return [F.struct(*own).alias(CATEGORIES)]

    def votes(self, stream: int) -> CategoryVotes:
        """Return the vote of all neighbors."""
        return CategoryVotes(len(self.categorical), self.numbers.width, itself=False, stream=stream)

    def new_values(self, copies: DataFrame) -> tuple[DataFrame, Values]:
        """Return new rows, and of them numbers between base and neighbor, and the winning categories."""
        copies, numbers = self.numbers.new_values(copies)
        voted = {name: F.col(VOTED)[f"c{i}"] for i, name in enumerate(self.categorical)}
        return copies, numbers | voted


@dataclass(frozen=True)
class ValueColumns(MixedColumns):
    """Categories alone, by the value difference metric: a base and its neighbors vote for every value."""

    role: ClassVar[str] = "feature_cols"
    segment: ClassVar[bool] = False
    equalized: ClassVar[bool] = False

    def count_numbers(self, df: DataFrame) -> int:
        """Return how many numbers of a row travel, of two classes: one that is measured and one that votes a value."""
        return 2 * len(self.categorical)

    def prepare(self, df: DataFrame, rows: DataFrame, strata: Strata) -> tuple[DataFrame, FeatureColumns, int]:
        """Count the classes of every value, a job, and join what the values of each row are held as."""
        known = count_values(df, strata, self.categorical, self.floats)
        columns = ValueColumns((), (), (), self.categorical, known.names, known.metric.numbers, self.floats)
        return known.join(rows), columns, columns.width

    def scale(self, sample: Sample, *, equalize: bool) -> Scale:
        """Return a scale that leaves probabilities as they are: they come as integers."""
        return MixedScale(np.zeros(self.width), np.ones(self.width), GRID, numbers=self.values_width)

    def metrics(self, sample: Sample, scale: Scale, class_ids: Iterable[int]) -> dict[int, Metric]:
        """Return the metric that all classes share."""
        features = len(self.categorical)
        return dict.fromkeys(class_ids, ValueDifference(features, self.values_width // features))

    def votes(self, stream: int) -> CategoryVotes:
        """Return the vote of the base and all neighbors."""
        return CategoryVotes(len(self.categorical), 0, itself=True, stream=stream)
