"""Apply treatments to training folds, fit, and score on folds that were not treated."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from pyspark.sql import DataFrame, functions as F
from typing_extensions import Self

from spark_balance.base.sampler import Sampler
from spark_balance.compare.comparison import CALIBRATION_BINS, FINE_BINS, Bin, Comparison, Line
from spark_balance.compare.sklearn_trainer import Trainer
from spark_balance.compare.table import Table
from spark_balance.compare.trainers import PROBABILITY, Classifier, check_limit
from spark_balance.errors import ParameterError
from spark_balance.frames.columns import temp
from spark_balance.frames.counts import class_counts
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import Label
from spark_balance.kernels.draws import stream
from spark_balance.metrics.evaluate import evaluate
from spark_balance.ml.decisions import correct_prior
from spark_balance.ml.weights import ClassWeighter
from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler

_LABEL, _PREDICTION = "label", "prediction"
_BIN, _POS, _NEG, _SAID = temp("bin"), temp("pos"), temp("neg"), temp("said")


@dataclass(frozen=True)
class Treated:
    """A training fold as an estimator gets it, and the class shares before and after, for `correct_prior`."""

    frame: DataFrame
    weight_col: str | None
    before: Mapping[Label, float]
    after: Mapping[Label, float]
    rows: int


class Treatment(BaseModel):
    """The table ``[[treatment]]``: one way to prepare training rows.

    Parameters
    ----------
    name : str
        How the report calls it.
    sampler : table, optional
        A table ``sampler.<name>``, as in a job; label, key and seed are those of ``[compare]`` unless given. Without
        it and `weights` the rows stay as they are.
    weights : table, optional
        A table of class weights, as in a job; give either these or a sampler.
    n_estimators : int, default 1
        Fit this number of models, each on its own draw, and average their probabilities (balanced bagging).
    correct_prior : bool
        Report the same models a second time, with corrected probabilities.
    move_threshold : bool
        Report them once more, decided at the positive class's share in the training fold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(min_length=1)
    sampler: Sampler | None = None
    weights: ClassWeighter | None = None
    n_estimators: int = Field(default=1, ge=1, le=100, strict=True)
    correct_prior: StrictBool = False
    move_threshold: StrictBool = False

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        if self.sampler is not None and self.weights is not None:
            raise ValueError(f"treatment '{self.name}' has a sampler and weights; make them two treatments")
        if self.n_estimators > 1 and self.sampler is None:
            raise ValueError(
                f"treatment '{self.name}' draws nothing, so n_estimators={self.n_estimators} makes equal models; "
                "leave it at 1"
            )
        unchanged = self.weights is None and (self.sampler is None or _weight_col(self.sampler))
        if self.correct_prior and unchanged:
            raise ValueError(f"treatment '{self.name}' leaves the class shares as they are; leave correct_prior out")
        if self.move_threshold and not (unchanged or self.correct_prior):
            raise ValueError(f"treatment '{self.name}' moves the threshold of shifted probabilities; set correct_prior")
        return self

    def apply(self, train: DataFrame, counts: Mapping[Label, int], member: int) -> Treated:
        """Prepare the rows of a training fold for a member of the ensemble; lazy except for the sampler's jobs."""
        by = self._resampler(member)
        if by is None:
            return Treated(train, None, counts, counts, sum(counts.values()))
        made = by.resample(train, counts)
        rows, after = made.plan.targets, made.plan.weighted_targets
        if made.plan.counts != "exact":
            # a method that cleans knows only afterwards how many rows it leaves
            rows = class_counts(made.frame, by.label_col).rows
            after = {one.label: rows.get(one.label, 0) * one.weight for one in made.plan.classes}
        return Treated(made.frame, _weight_col(by), counts, after, sum(rows.values()))

    def plan_rows(self, train: DataFrame, counts: Mapping[Label, int]) -> int:
        """Return the rows of one fit; refuse now what the sampler would refuse later."""
        by = self._resampler(member=0)
        if isinstance(by, Sampler):
            lost = [name for name in by.left_null(train) if name not in (by.key_cols or ())]
            if lost:
                raise ParameterError(
                    f"compare: treatment '{self.name}': {type(by).__name__} leaves {', '.join(lost)} NULL in new rows, "
                    "by which a classifier would recognize them; use SMOTENC, which makes categories too, leave "
                    "passthrough out, so that new rows take those of their base, or give ClusterCentroids voting='hard'"
                )
        return sum(counts.values()) if by is None else by.plan(train, counts).rows_after

    def _resampler(self, member: int) -> Sampler | ClassWeighter | None:
        if self.sampler is None:
            return self.weights
        # new rows have the key and the other columns of their base, not NULL
        sampler = self.sampler.inheriting()
        if self.n_estimators == 1:
            return sampler
        # a hash and not random_state + i: neighboring seeds would share rows
        return sampler.replace(random_state=stream(sampler.random_state, f"member {member}"))


def _weight_col(by: Sampler | ClassWeighter) -> str | None:
    return by.weight_col if isinstance(by, ClassWeighter | RandomUnderSampler) else None


def compare_treatments(
    table: Table,
    classifiers: Mapping[str, Classifier],
    treatments: list[Treatment],
    trainer: Trainer,
    title: str = "",
    engine: str = "",
    show: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Fit every classifier on every training fold after every treatment, and score it on the fold held out.

    `show` receives a line for each treatment of each fold when it has been scored.

    A treatment that does not fit the table, or makes more rows than the trainer takes, is refused before the first fit.

    Cost: for each fold, treatment, member and classifier the sampler's jobs and the fit, then for each variant
    the jobs of `evaluate` and one aggregate, each of which scores the held-out fold again.
    """
    train, counts = table.train(0)
    for treatment in treatments:
        check_limit(f"treatment '{treatment.name}'", treatment.plan_rows(train, counts), trainer.row_limit)
    found: list[tuple[tuple[int, int, int], Line]] = []
    for fold in range(table.setup.n_folds):
        encoded = trainer.learn_categories(table.train(fold)[0])
        for place, treatment in enumerate(treatments):
            start = time.monotonic()
            for number, (name, classifier) in enumerate(classifiers.items()):
                scored = _score_fold(table, fold, treatment, name, classifier, encoded)
                found += [((number, place, variant), line) for variant, line in enumerate(scored)]
            show(f"fold {fold + 1} of {table.setup.n_folds}, {treatment.name}: {time.monotonic() - start:.1f} s")
    found.sort(key=lambda one: one[0])  # stable: the folds stay in their order
    lines = tuple(_join_folds([line for _, line in folds]) for _, folds in groupby(found, key=lambda one: one[0]))
    setup = table.setup
    return Comparison(
        title, engine, trainer.learner, table.counts, table.positive, table.features, table.categorical,
        setup.n_folds, setup.random_state, table.source_rows, lines,
    )  # fmt: skip


def _score_fold(
    table: Table, fold: int, treatment: Treatment, name: str, classifier: Classifier, trainer: Trainer
) -> Iterator[Line]:
    """Yield a line of one fold for each variant."""
    train, counts = table.train(fold)
    start = time.monotonic()
    models, rows = [], 0
    for member in range(treatment.n_estimators):
        treated = treatment.apply(train, counts, member)
        rows += treated.rows
        seed = stream(table.setup.random_state, f"classifier {member}")
        models.append(trainer.fit(classifier, treated.frame, table.target, treated.weight_col, seed))
    seconds = round(time.monotonic() - start, 3)
    label = table.target.cast("int").alias(_LABEL)
    as_is = trainer.score(models, table.test(fold), [table.setup.label_col]).select(label, F.col(PROBABILITY))
    natural = {place: float(counts[label]) for place, label in enumerate(table.labels)}
    for variant, frame, threshold in _variants(as_is, treatment, treated, table.labels):
        decided = frame.select("*", (F.col(PROBABILITY) >= F.lit(threshold)).cast("int").alias(_PREDICTION))
        found = evaluate(decided, _LABEL, _PREDICTION, PROBABILITY, before=natural, calibration_bins=CALIBRATION_BINS)
        areas = {"pr_auc": found.ranking[1].pr_auc, "roc_auc": found.ranking[1].roc_auc}
        scores = {**areas, **found.by_class()[1], **found.overall()}
        scored = round(sum(found.confusion.support.values()))
        yield Line(treatment.name, name, variant, (scores,), (seconds,), (rows,), scored, _count_bins(decided))


def _variants(
    as_is: DataFrame, treatment: Treatment, treated: Treated, labels: list[Label]
) -> Iterator[tuple[str, DataFrame, float]]:
    """Yield the same probabilities in each way that the treatment asks for, with its threshold."""
    yield "", as_is, 0.5
    words, frame = [], as_is
    if treatment.correct_prior:
        before, after = [
            {place: side[label] for place, label in enumerate(labels)} for side in (treated.before, treated.after)
        ]
        frame = correct_prior(as_is, PROBABILITY, before, after)
        words.append("prior corrected")
        yield words[0], frame, 0.5
    if treatment.move_threshold:
        share = treated.before[labels[1]] / sum(treated.before.values())
        yield ", ".join([*words, "threshold moved"]), frame, share


def _count_bins(scored: DataFrame) -> tuple[Bin, ...]:
    """Count rows in equally wide bins of the probability, upper edge included as in the calibration error."""
    place = F.greatest(F.ceil(F.col(PROBABILITY) * FINE_BINS) - 1, F.lit(0)).cast("int")
    positive = F.col(_LABEL).cast("bigint")
    sums = [F.sum(positive).alias(_POS), F.sum(1 - positive).alias(_NEG), F.sum(PROBABILITY).alias(_SAID)]
    found = to_arrow(scored.groupBy(place.alias(_BIN)).agg(*sums))
    return tuple(Bin(*row) for row in zip(*[column.to_pylist() for column in found.columns], strict=True))


def _join_folds(folds: list[Line]) -> Line:
    bins: dict[int, Bin] = {}
    for one in (one for fold in folds for one in fold.bins):
        bins[one.place] = bins[one.place] + one if one.place in bins else one
    scores, seconds, rows = (tuple(getattr(fold, name)[0] for fold in folds) for name in ("scores", "seconds", "rows"))
    scored, pooled = sum(fold.scored for fold in folds), tuple(bins[place] for place in sorted(bins))
    return replace(folds[0], scores=scores, seconds=seconds, rows=rows, scored=scored, bins=pooled)
