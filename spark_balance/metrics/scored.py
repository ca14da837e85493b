"""A scored frame: label, prediction, probabilities and weight of each row, reduced to scores by aggregates."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError, ParameterError, raise_engine_sentences
from spark_balance.frames.columns import check_columns, check_labelled, quoted, stop, temp
from spark_balance.frames.older_spark import array_position, to_arrow
from spark_balance.frames.plan import ClassCounts, Label, ResamplingPlan, is_missing
from spark_balance.metrics.evaluation import ConfusionMatrix
from spark_balance.metrics.guards import read_shares, refuse_added_rows, warn_if_resampled
from spark_balance.metrics.probabilities import Probabilities
from spark_balance.metrics.ranking import (
    PLACE,
    SCORE,
    TRUE,
    WEIGHT,
    Calibration,
    Ranking,
    measure_calibration,
    rank_by_bins,
    rank_exactly,
)

MAX_CLASSES = 1_000  # all pairs of which may be counted
Natural = Mapping[Label, Any] | ClassCounts | ResamplingPlan
_LABEL, _PREDICTION, _ROWS = temp("label"), temp("prediction"), temp("rows")


@dataclass(frozen=True)
class Scored:
    """The frame, and which column is what."""

    method: str
    df: DataFrame
    label_col: str
    prediction_col: str | None = None
    probability_col: str | None = None
    weight_col: str | None = None
    labels: Sequence[Label] | None = None  # the classes in the order of the probabilities
    before: Mapping[Label, float] | None = None  # rows or shares of each class in the original data

    def checked(self, allow_synthetic: bool, before: Natural | None = None) -> Scored:
        """Refuse a frame that cannot be scored, by its schema and by rows that resampling added.

        Returns the same with the original shares, and with labels: those named, else 0, 1, ... of the first row.
        """
        check_labelled(self.method, self.df, self.label_col, ())
        for role in ("prediction_col", "probability_col", "weight_col"):
            name = getattr(self, role)
            if name is not None:
                check_columns(self.method, self.df.schema, [name], role)
        if self.weight_col and not isinstance(self.df.schema[self.weight_col].dataType, T.NumericType):
            kind = self.df.schema[self.weight_col].dataType.simpleString()
            raise ColumnError(
                f"{self.method}: weight_col '{self.weight_col}' is of type {kind}; weights are numbers, so cast it"
            )
        refuse_added_rows(self.method, self.df, allow_synthetic)
        natural = None if before is None else read_shares(self.method, before, "before")
        if self.probability_col is None:
            if self.labels is not None:
                raise ParameterError(
                    f"{self.method}: labels={list(self.labels)!r} order the probabilities, and probability_col is not "
                    "given; name it, or leave labels out"
                )
            return replace(self, before=natural)
        labels = tuple(self._count_labels() if self.labels is None else self.labels)
        self._check_labels(labels)
        Probabilities.of(self.method, self.df.schema, self.probability_col, labels)
        return replace(self, labels=labels, before=natural)

    @raise_engine_sentences()
    def confusion(self) -> ConfusionMatrix:
        """Return the confusion matrix, and warn if its rows look resampled."""
        assert self.prediction_col is not None
        named = self.df.select(
            F.col(quoted(self.label_col)).alias(_LABEL),
            F.col(quoted(self.prediction_col)).alias(_PREDICTION),
            self._weight().alias(WEIGHT),
        )
        grouped = named.groupBy(_LABEL, _PREDICTION).agg(F.sum(WEIGHT).alias(WEIGHT), F.count(F.lit(1)).alias(_ROWS))
        found = to_arrow(grouped.limit(MAX_CLASSES**2 + 1))
        cells = list(zip(*[column.to_pylist() for column in found.columns], strict=True))
        self._check_classes(cells)
        # 1, 1.0 and True are one class, as Python has them equal; it is shown as the label has it
        shown = {_exact(cell[column]): cell[column] for column in (1, 0) for cell in cells}
        place = {label: i for i, label in enumerate(sorted(shown))}
        counts = [[0.0] * len(place) for _ in place]
        rows: dict[Label, float] = {}
        for label, prediction, weight, count in cells:
            counts[place[_exact(label)]][place[_exact(prediction)]] += weight
            rows[label] = rows.get(label, 0) + count
        warn_if_resampled(self.method, rows, self.before)
        return ConfusionMatrix(tuple(map(shown.__getitem__, place)), tuple(map(tuple, counts)))

    @raise_engine_sentences()
    def ranking(self, positive: Label, bins: int | None) -> Ranking:
        """Return the areas under the curves of one class against the others."""
        labels = list(self.labels or ())
        if positive not in labels:
            raise ParameterError(
                f"{self.method}: positive={positive!r} is not one of the classes {', '.join(map(repr, labels[:20]))}; "
                "name them all with labels"
            )
        which = labels.index(positive)
        rows = self.df.select(
            self._known_probabilities()[which].alias(SCORE),
            (self._place() == which).alias(TRUE),
            self._weight().alias(WEIGHT),
        )
        return rank_exactly(rows) if bins is None else rank_by_bins(rows, bins)

    def guarded_ranking(self, positive: Label, bins: int | None) -> Ranking:
        """Return the areas, and warn if rows without weights look resampled."""
        found, natural = self.ranking(positive, bins), self.before
        if natural is not None:
            share = natural.get(positive, 0.0)
            natural = {positive: share, "the others": sum(natural.values()) - share}
        if self.weight_col is None:
            warn_if_resampled(self.method, {positive: found.positives, "the others": found.negatives}, natural)
        return found

    def guarded_calibration(self, bins: int) -> Calibration:
        """Return the Brier score and the expected calibration error, and warn if the rows look resampled."""
        found, rows = self.calibration(bins)
        warn_if_resampled(self.method, rows, self.before)
        return found

    @raise_engine_sentences()
    def calibration(self, bins: int) -> tuple[Calibration, dict[Label, float]]:
        """Return the Brier score and the expected calibration error and, for the guard, the rows of each class."""
        sentence = f"{self.method}: probability_col '{self.probability_col}' is not from 0 to 1 in a row; scale it"
        # a sum of floats may end a little beyond 1
        each = [_or_stop(p, p.between(-1e-6, 1 + 1e-6), sentence) for p in self._known_probabilities()]
        names = [temp(f"p{i}") for i in range(len(each))]
        columns = [p.alias(name) for p, name in zip(each, names, strict=True)]
        rows = self.df.select(self._place().alias(PLACE), self._weight().alias(WEIGHT), *columns)
        found, of_place = measure_calibration(rows, [F.col(quoted(name)) for name in names], bins)
        return found, {label: of_place.get(place, 0) for place, label in enumerate(self.labels or ())}

    def _check_classes(self, cells: Sequence[tuple[Label, Label, float, int]]) -> None:
        for name, place in ((self.label_col, 0), (self.prediction_col, 1)):
            missing = sum(cell[3] for cell in cells if is_missing(cell[place]))
            if missing:
                raise BadValuesError(f"{self.method}: column '{name}' is NULL or NaN in {missing} rows; filter them")
        values = {value for cell in cells for value in cell[:2]}
        if len(values) > MAX_CLASSES or len(set(map(_kind, values))) > 1:
            raise BadValuesError(
                f"{self.method}: columns '{self.label_col}' and '{self.prediction_col}' hold {len(values):,} classes "
                f"of type {' and '.join(sorted({type(value).__name__ for value in values}))}; at most "
                f"{MAX_CLASSES:,} of one kind are scored, so turn predictions into labels, as with IndexToString, "
                "or score numbers with evaluate_regression"
            )

    def _check_labels(self, labels: tuple[Label, ...]) -> None:
        """Refuse classes of the probabilities that the label column cannot have."""
        kind = self.df.schema[self.label_col].dataType
        if len(set(labels)) < max(2, len(labels)):
            raise ParameterError(f"{self.method}: labels={list(labels)!r} is refused; name two or more, each once")
        of_column = "text" if isinstance(kind, T.StringType) else "date" if isinstance(kind, T.DateType) else "number"
        if set(map(_kind, labels)) != {of_column}:
            column = f"{self.method}: label column '{self.label_col}' is a {kind.simpleString()}"
            if self.labels is not None:
                raise ParameterError(f"{column}, and labels={list(labels)!r} are not values of it; give its values")
            raise ParameterError(
                f"{column} and the order of its classes in the probabilities is not known; "
                "give labels, such as StringIndexerModel.labels"
            )

    def _count_labels(self) -> range:
        assert self.probability_col is not None
        if isinstance(self.df.schema[self.probability_col].dataType, T.DoubleType | T.FloatType):
            return range(2)
        size = F.size(self._probabilities().values()).alias("size")
        first = to_arrow(self.df.select(size).limit(1)).to_pylist()
        return range(max(2, first[0]["size"] or 0) if first else 2)

    def _probabilities(self) -> Probabilities:
        assert self.probability_col is not None
        return Probabilities.of(self.method, self.df.schema, self.probability_col, self.labels or ())

    def _known_probabilities(self) -> list[Column]:
        sentence = f"{self.method}: probability_col '{self.probability_col}' is NULL or NaN in a row; filter it"
        return [_or_stop(p, p.isNotNull() & ~F.isnan(p), sentence) for p in self._probabilities().each()]

    def _place(self) -> Column:
        """Return which of the labels a row has, from 0 on."""
        kind = self.df.schema[self.label_col].dataType
        known = F.array(*[F.lit(label).cast(kind) for label in self.labels or ()])
        place = F.coalesce(array_position(known, F.col(quoted(self.label_col))), F.lit(0)) - 1
        sentence = (
            f"{self.method}: label column '{self.label_col}' has a row that is NULL, NaN or none of the "
            f"{len(self.labels or ())} classes that have a probability; filter it, or name every class with labels"
        )
        return _or_stop(place, place >= 0, sentence).cast("int")

    def _weight(self) -> Column:
        if self.weight_col is None:
            return F.lit(1.0)
        weight = F.col(quoted(self.weight_col)).cast("double")
        sentence = f"{self.method}: weight_col '{self.weight_col}' is NULL, NaN, infinite or negative in a row"
        return _or_stop(weight, (weight >= 0) & (weight < math.inf), sentence)


def _exact(label: Label) -> Label:
    """Return a float as the decimal that it is written as: a double 0.1 is the class of a decimal 0.1."""
    return Decimal(repr(label)) if isinstance(label, float) else label


def _kind(label: Label) -> Literal["text", "date", "number"]:
    return "text" if isinstance(label, str) else "date" if isinstance(label, dt.date) else "number"


def _or_stop(column: Column, fine: Column, sentence: str) -> Column:
    """Return the column as a double, or stop the job at a row that is not fine."""
    stopped = stop(BadValuesError, sentence, column).cast("double")
    return F.when(F.coalesce(fine, F.lit(False)), column.cast("double")).otherwise(stopped)
