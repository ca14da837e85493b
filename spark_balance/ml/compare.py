"""Compare treatments of training rows, on folds that nothing was done to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.ml.folds import Table
from spark_balance.ml.metrics import evaluate
from spark_balance.ml.prior import correct_prior
from spark_balance.ml.trainers import PROBABILITY, Classifier, Trainer, too_many
from spark_balance.ml.treatments import Treated, Treatment
from spark_balance.report.comparison import CALIBRATION_BINS, FINE_BINS, Bin, Comparison, Line
from spark_balance.summary import Label

_LABEL, _PREDICTION = "label", "prediction"
_BIN, _POS, _NEG, _SAID = temp("bin"), temp("pos"), temp("neg"), temp("said")


def compare(
    table: Table,
    classifiers: Mapping[str, Classifier],
    treatments: list[Treatment],
    trainer: Trainer,
    title: str = "",
    engine: str = "",
    told: Callable[[str], None] = lambda what: None,
) -> Comparison:
    """Fit every classifier on every training fold after every treatment, and score it on the fold held out.

    Parameters
    ----------
    table : Table
        What `prepared` returns.
    classifiers : dict of name to Classifier
        What to fit.
    treatments : list of Treatment
        What to do to the training rows; sampler and weights name the label of the table.
    trainer : Trainer
        Who fits.
    title, engine : str
        For the report.
    told : callable
        Receives a few words before each fit.

    Returns
    -------
    Comparison
        The scores of `evaluate` for each fold, and the held-out rows counted by probability.

    Notes
    -----
    Cost: for each fold, treatment, member and classifier the sampler's jobs and the fit, then for each variant
    the jobs of `evaluate` and one aggregate, each of which scores the held-out fold again.
    """
    _check_limit(table, treatments, trainer)
    found: dict[tuple[str, str, str], list[_Scored]] = {}
    for fold in range(table.setup.n_folds):
        known = trainer.knowing(table.train(fold)[0])
        for treatment in treatments:
            for name, classifier in classifiers.items():
                told(f"fold {fold + 1} of {table.setup.n_folds}, {treatment.name}, {name}")
                for variant, scored in _fold(table, fold, treatment, classifier, known):
                    found.setdefault((name, treatment.name, variant), []).append(scored)
    order = list(classifiers)
    lines = [_line(*key, folds) for key, folds in sorted(found.items(), key=lambda one: order.index(one[0][0]))]
    setup = table.setup
    return Comparison(
        title, engine, trainer.learner, table.counts, table.positive, table.features, table.categorical,
        setup.n_folds, setup.random_state, table.source_rows, tuple(lines),
    )  # fmt: skip


@dataclass(frozen=True)
class _Scored:
    scores: dict[str, float]
    seconds: float
    rows: int
    scored: int
    bins: list[Bin]


def _fold(
    table: Table, fold: int, treatment: Treatment, classifier: Classifier, trainer: Trainer
) -> Iterator[tuple[str, _Scored]]:
    train, counts = table.train(fold)
    start = time.monotonic()
    models, rows = [], 0
    for member in range(treatment.n_estimators):
        treated = treatment.applied(train, counts, member)
        rows += treated.rows
        seed = stream(table.setup.random_state, f"classifier {member}")
        models.append(trainer.fit(classifier, treated.frame, table.target, treated.weight_col, seed))
    seconds = time.monotonic() - start
    label = table.target.cast("int").alias(_LABEL)
    scored = trainer.scored(models, table.test(fold), [table.setup.label_col])
    as_is = scored.select(label, F.col(PROBABILITY))
    for variant, frame, threshold in _variants(as_is, treatment, treated, table.labels):
        decided = frame.select("*", (F.col(PROBABILITY) >= F.lit(threshold)).cast("int").alias(_PREDICTION))
        natural = {place: float(counts[label]) for place, label in enumerate(table.labels)}
        evaluation = evaluate(
            decided, _LABEL, _PREDICTION, PROBABILITY, before=natural, calibration_bins=CALIBRATION_BINS
        )
        ranked, of_positive = evaluation.ranking[1], evaluation.by_class()[1]
        scores = {"pr_auc": ranked.pr_auc, "roc_auc": ranked.roc_auc, **of_positive, **evaluation.overall()}
        scored_rows = round(sum(evaluation.confusion.support.values()))
        yield variant, _Scored(scores, seconds, rows, scored_rows, _bins(decided))


def _variants(
    as_is: DataFrame, treatment: Treatment, treated: Treated, labels: list[Label]
) -> Iterator[tuple[str, DataFrame, float]]:
    """Return the same probabilities in the ways that were asked for, each with its threshold."""
    yield "", as_is, 0.5
    words = []
    frame = as_is
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


def _bins(scored: DataFrame) -> list[Bin]:
    """Count rows in equally wide bins of the probability, upper edge included as in the calibration error."""
    place = F.greatest(F.ceil(F.col(PROBABILITY) * FINE_BINS) - 1, F.lit(0)).cast("int")
    positive = F.col(_LABEL).cast("bigint")
    sums = [F.sum(positive).alias(_POS), F.sum(1 - positive).alias(_NEG), F.sum(PROBABILITY).alias(_SAID)]
    found = scored.groupBy(place.alias(_BIN)).agg(*sums).toArrow()
    return [Bin(*row) for row in zip(*[column.to_pylist() for column in found.columns], strict=True)]


def _line(classifier: str, treatment: str, variant: str, folds: list[_Scored]) -> Line:
    pooled: dict[int, Bin] = {}
    for one in (one for fold in folds for one in fold.bins):
        other = pooled.get(one.place, Bin(one.place, 0, 0, 0.0))
        pooled[one.place] = Bin(
            one.place, other.positives + one.positives, other.negatives + one.negatives, other.said + one.said
        )
    return Line(
        treatment,
        classifier,
        variant,
        tuple(fold.scores for fold in folds),
        tuple(round(fold.seconds, 3) for fold in folds),
        tuple(fold.rows for fold in folds),
        sum(fold.scored for fold in folds),
        tuple(pooled[place] for place in sorted(pooled)),
    )


def _check_limit(table: Table, treatments: list[Treatment], trainer: Trainer) -> None:
    """Plan every treatment before the first fit, so that no mistake is told an hour later."""
    train, counts = table.train(0)
    for treatment in treatments:
        rows = treatment.trained_rows(train, counts)
        if trainer.row_limit is not None and rows > trainer.row_limit:
            raise SparkBalanceError(too_many(f"treatment '{treatment.name}'", rows, trainer.row_limit))
