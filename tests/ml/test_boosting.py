"""Each round learns from a balanced draw in which what the rounds before got wrong counts more."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import functions as F
from saved import check_saved_and_loaded
from vectors import noise

from spark_balance import SMOTE, RandomUnderSampler, SparkBalanceError

pytestmark = pytest.mark.engines("spark", "connect")
UNDER = RandomUnderSampler(label_col="label", key_cols="id", random_state=4)
ROUNDS = 4


def boosted(estimator, sampler=UNDER, n_estimators=ROUNDS):
    from spark_balance import BalancedBoostingClassifier

    return BalancedBoostingClassifier(sampler=sampler, estimator=estimator, n_estimators=n_estimators)


def stump(**params):
    from pyspark.ml.classification import DecisionTreeClassifier

    return DecisionTreeClassifier(**{"maxDepth": 1, **params})


@pytest.fixture(scope="module")
def rows(spark):
    """Return 60 rare rows of 600, where two features add up to much: no stump tells them, a sum of stumps does."""
    rare = F.col("x") + F.col("y") > 1.55
    return noise(spark, (600,)).withColumn("label", rare.cast("double"))


@pytest.fixture(scope="module")
def ensemble(rows):
    return boosted(stump()).fit(rows)


def probability(scored):
    return np.array([row.probability.toArray() for row in scored.orderBy("id").select("probability").collect()])


def area(df, said):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score([row.label for row in df.orderBy("id").select("label").collect()], said[:, 1])


def test_weights_and_votes_are_those_of_adaboost_m2(rows, ensemble):
    label = np.array([int(row.label) for row in rows.orderBy("id").collect()])
    members = [probability(model.transform(rows)) for model in ensemble.model.models]
    weights, votes = np.ones(len(label)), []
    for said in members:
        right = said[np.arange(len(label)), label]
        error = (weights * (1 - right)).sum() / weights.sum()
        votes.append(np.log((1 - error) / error))
        weights = weights * (error / (1 - error)) ** right
    assert len(votes) == ROUNDS
    np.testing.assert_allclose(ensemble.model.votes, votes, rtol=1e-6)
    scored = probability(ensemble.transform(rows))
    np.testing.assert_allclose(scored, np.average(members, axis=0, weights=votes), rtol=1e-6)
    assert area(rows, scored) > max(area(rows, said) for said in members) + 0.03


@pytest.mark.engines("spark")
def test_a_round_learns_from_the_weights(rows):
    sizes = {row.label: row["count"] for row in rows.groupBy("label").count().collect()}
    keeping = UNDER.replace(sampling_strategy=sizes)
    fitted = boosted(stump(), keeping, n_estimators=2).fit(rows)
    first, second = fitted.model.models
    known = {row.id: (int(row.label), row.probability) for row in first.transform(rows).collect()}
    e = np.exp(-fitted.model.votes[0])
    weights = [(i, float(e ** said[label])) for i, (label, said) in known.items()]
    frame = rows.join(rows.sparkSession.createDataFrame(weights, "id bigint, w double"), "id")
    expected = stump(weightCol="w").fit(frame)
    np.testing.assert_allclose(probability(second.transform(rows)), probability(expected.transform(rows)), rtol=1e-6)
    assert abs(probability(first.transform(rows)) - probability(second.transform(rows))).max() > 0.01


def test_each_round_draws_anew_and_balanced(rows, ensemble):
    assert len(set(ensemble.plan.targets.values())) == 1
    assert len({model.toDebugString.split("\n", 1)[1] for model in ensemble.model.models}) > 1


@pytest.mark.engines("connect")
def test_it_is_saved_and_loaded(rows, ensemble, tmp_path):
    check_saved_and_loaded(ensemble, rows, boosted(stump(), n_estimators=7), tmp_path)


@pytest.mark.engines("spark")
def test_a_sampler_that_makes_rows_and_weights_of_ones_own_are_taken(rows):
    smote = SMOTE(label_col="label", key_cols="id")
    weighed = rows.withColumn("w", F.when(F.col("y") > 0.5, 3.0).otherwise(1.0))
    fitted = boosted(stump(weightCol="w"), smote, n_estimators=2).fit(weighed)
    said = probability(fitted.model.models[0].transform(rows))
    label, w = np.array([(int(row.label), row.w) for row in weighed.orderBy("id").collect()]).T
    error = (w * (1 - said[np.arange(len(w)), label.astype(int)])).sum() / w.sum()
    np.testing.assert_allclose(fitted.model.votes[0], np.log((1 - error) / error), rtol=1e-6)


@pytest.mark.engines("spark")
def test_what_is_no_better_than_chance_ends_it(rows):
    chance = boosted(stump(maxDepth=0)).fit(rows)
    assert (len(chance.model.models), chance.model.votes) == (1, [1.0])
    easy = rows.withColumn("label", (F.col("x") > 0.9).cast("double"))
    assert len(boosted(stump()).fit(easy).model.models) == 1


def test_what_does_not_fit_is_one_sentence(rows):
    from pyspark.ml.classification import MultilayerPerceptronClassifier

    with pytest.raises(SparkBalanceError, match="MultilayerPerceptronClassifier takes no weights"):
        boosted(MultilayerPerceptronClassifier(layers=[3, 2])).fit(rows)
    with pytest.raises(SparkBalanceError, match="has the classes 1.0, 2.0; boosting needs the two classes 0 and 1"):
        boosted(stump()).fit(rows.withColumn("label", F.col("label") + 1))
    with pytest.raises(SparkBalanceError, match="'boosting_weight' is already a column"):
        boosted(stump()).fit(rows.withColumn("boosting_weight", F.lit(1.0)))
