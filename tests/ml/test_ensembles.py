"""Every member learns from a draw of its own, and together they say the mean."""

from __future__ import annotations

import numpy as np
import pytest
from frames import cached
from saved import check_saved_and_loaded
from vectors import noise, rows_learnt

from spark_balance import SMOTE, RandomUnderSampler, SparkBalanceError

pytestmark = pytest.mark.engines("spark", "connect")
UNDER = RandomUnderSampler(label_col="label", key_cols="id")


def bagged(estimator, sampler=UNDER, n_estimators=2):
    from spark_balance import BalancedBaggingClassifier

    return BalancedBaggingClassifier(sampler=sampler, estimator=estimator, n_estimators=n_estimators)


def tree(**params):
    from pyspark.ml.classification import DecisionTreeClassifier

    return DecisionTreeClassifier(**{"maxDepth": 2, **params})


@pytest.fixture(scope="module")
def rows(spark):
    return noise(spark, (90, 20, 10))


@pytest.fixture(scope="module")
def ensemble(rows):
    return bagged(tree(probabilityCol="p", predictionCol="said")).fit(rows)


def vectors_of(df, *names):
    collected = df.orderBy("id").select(*names).collect()
    return [np.array([row[name].toArray() for row in collected]) for name in names]


def test_it_averages_probabilities_and_says_the_likeliest_class(rows, ensemble):
    scored = ensemble.transform(rows)
    assert scored.columns == [*rows.columns, "rawPrediction", "p", "said"]
    members = [vectors_of(member.transform(rows), "p")[0] for member in ensemble.model.models]
    raw, probability = vectors_of(scored, "rawPrediction", "p")
    np.testing.assert_allclose(raw, sum(members), rtol=1e-12)
    np.testing.assert_allclose(probability, sum(members) / 2, rtol=1e-12)
    said = [row.said for row in scored.orderBy("id").select("said").collect()]
    assert said == np.argmax(raw, axis=1).tolist()
    assert scored.count() == 120


def test_every_member_has_a_draw_and_a_seed_of_its_own(rows, ensemble):
    first, second = ensemble.model.models
    assert first.getSeed() != second.getSeed()
    # the same rows and a tree's seed would make the same tree
    assert first.toDebugString.splitlines()[1:] != second.toDebugString.splitlines()[1:]
    assert ensemble.plan.targets == {0.0: 10, 1.0: 10, 2.0: 10}


@pytest.mark.engines("connect")
def test_it_is_saved_and_loaded(rows, ensemble, tmp_path):
    check_saved_and_loaded(ensemble, rows, bagged(tree(), n_estimators=7), tmp_path)


@pytest.mark.engines("spark")
def test_members_are_a_parameter_of_a_grid(rows):
    estimator = bagged(tree(maxDepth=0))
    fitted = estimator.fit(rows, {estimator.n_estimators: 1, estimator.sampling_strategy: "not minority"})
    assert len(fitted.model.models) == 1
    assert rows_learnt(fitted.model.models[0], rows) == [10, 10, 10]


@pytest.mark.engines("connect")
def test_a_bootstrap_draws_all_classes_anew(rows):
    bootstrap = RandomUnderSampler(label_col="label", key_cols="id", sampling_strategy="all", replacement=True)
    fitted = bagged(tree(maxDepth=0), bootstrap, n_estimators=1).fit(rows)
    assert rows_learnt(fitted.model.models[0], rows) == [10, 10, 10]


@pytest.mark.engines("connect")
def test_boosted_members_make_it_an_easy_ensemble(rows):
    from pyspark.ml.classification import GBTClassifier

    two = rows.where("label < 2")
    scored = bagged(GBTClassifier(maxIter=1, maxDepth=1), n_estimators=2).fit(two).transform(two)
    (probability,) = vectors_of(scored, "probability")
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)


@pytest.mark.engines("spark")
def test_nothing_is_left_in_the_cache(spark, rows):
    before = cached(spark)
    bagged(tree()).fit(rows).transform(rows).count()
    assert spark._jsparkSession.sharedState().cacheManager().isEmpty()
    assert cached(spark) <= before


def test_what_does_not_fit_is_one_sentence(rows):
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LinearSVC

    with pytest.raises(SparkBalanceError, match="n_estimators=0 is refused; give a whole number of at least 1"):
        bagged(tree(), n_estimators=0).fit(rows)
    for without in (LinearSVC(), Pipeline(stages=[tree()])):
        with pytest.raises(SparkBalanceError, match=f"{type(without).__name__} writes no probabilities"):
            bagged(without).fit(rows)
    with pytest.raises(SparkBalanceError, match="has thresholds set, which the ensemble does not apply"):
        bagged(tree().setThresholds([0.2, 0.3, 0.5])).fit(rows)
    with pytest.raises(SparkBalanceError, match="SMOTE needs feature_cols"):
        bagged(tree(), SMOTE(label_col="label")).fit(rows.drop("features"))
