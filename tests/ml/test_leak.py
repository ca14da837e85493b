"""Resampling before the folds are cut lets copies of a validation row into the training fold."""

from __future__ import annotations

import pytest
from vectors import noise

from spark_balance import RandomOverSampler

pytestmark = pytest.mark.engines("connect")


@pytest.fixture(scope="module")
def scores(spark):
    """Return (validation score, held-out score) of the naive way and of ours; nothing can be learnt, so 0.5 is true."""
    from pyspark.ml.classification import DecisionTreeClassifier
    from pyspark.ml.evaluation import BinaryClassificationEvaluator
    from pyspark.ml.tuning import CrossValidator

    from spark_balance import BalancedEstimator

    known, unseen = noise(spark, (360, 40), salt=1), noise(spark, (360, 40), salt=2)
    over = RandomOverSampler(label_col="label", key_cols="id")
    tree = DecisionTreeClassifier(maxDepth=10, maxBins=64, seed=1)
    judge = BinaryClassificationEvaluator()

    def scored(estimator, rows):
        validated = CrossValidator(
            estimator=estimator, estimatorParamMaps=[{}], evaluator=judge, numFolds=2, seed=3
        ).fit(rows)
        return validated.avgMetrics[0], judge.evaluate(validated.transform(unseen))

    return {
        "naive": scored(tree, over.fit_resample(known)),
        "ours": scored(BalancedEstimator(sampler=over, estimator=tree), known),
    }


def test_the_naive_way_promises_what_it_cannot_keep(scores):
    validation, held_out = scores["naive"]
    assert validation > 0.8
    assert held_out < 0.6
    assert validation - held_out > 0.25


def test_resampling_inside_the_fold_promises_what_it_keeps(scores):
    validation, held_out = scores["ours"]
    assert 0.4 < validation < 0.6
    assert abs(validation - held_out) < 0.15
