"""The comparison on categories: samplers see them as they are, each training fold has its own encoding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from spark_balance import SMOTE, SMOTEENN, SMOTENC, Chain, ClusterCentroids, SparkBalanceError, TomekLinks
from spark_balance.compare.measure import Treatment, compare_treatments
from spark_balance.compare.sklearn_trainer import MAX_CATEGORIES, SklearnTrainer
from spark_balance.compare.table import Setup, prepare_table
from spark_balance.compare.trainers import GradientBoostedTrees, LogisticRegression, SparkTrainer

NAMES = ("the `color`. of it", "wet")
SETUP = Setup(label_col="rare", key_cols="row", categorical_cols=NAMES, n_folds=2, random_state=3)
KEYED = {"label_col": "rare", "key_cols": "row", "random_state": 3}
CLASSIFIERS = {"logistic_regression": LogisticRegression(), "boosted": GradientBoostedTrees(trees=10, max_depth=3)}
ROWS = 400


@pytest.fixture(scope="module")
def colored(spark):
    """Return 400 rows, 1 in 8 rare, which are mostly of two colors of four; one row alone is golden, some of none."""
    rng = np.random.default_rng(8)
    rare = np.arange(ROWS) % 8 == 0
    often = rng.random(ROWS) < 0.9
    colors = np.where(rare == often, rng.choice(["red", "green"], ROWS), rng.choice(["blue", "grey"], ROWS))
    colors = np.where(rng.random(ROWS) < 0.05, None, np.where(np.arange(ROWS) == 9, "gold", colors))
    table = pd.DataFrame({"row": range(ROWS), "x": rng.normal(size=ROWS), "n": rng.integers(0, 9, ROWS)})
    table = table.assign(**{NAMES[0]: colors, "wet": rng.random(ROWS) < 0.5, "rare": rare})
    schema = f"row bigint, x double, n bigint, `{NAMES[0].replace('`', '``')}` string, wet boolean, rare boolean"
    return spark.createDataFrame(list(table.astype(object).itertuples(index=False, name=None)), schema).repartition(3)


def trainer_for(engine, table, features=None):
    features = table.features if features is None else features
    known = SklearnTrainer(features, 5_000, table.categorical), SparkTrainer(features, table.categorical)
    return known[engine != "sail"]


def test_both_classifiers_learn_from_categories_after_every_treatment(colored, engine):
    table = prepare_table(colored, SETUP)
    assert (table.features, table.categorical) == (("x", "n"), NAMES)
    treatments = [
        Treatment(name="nothing"),
        Treatment(name="SMOTENC", sampler=SMOTENC(**KEYED)),
        Treatment(name="SMOTE", sampler=SMOTE(**KEYED), n_estimators=2),
        Treatment(name="both", sampler=Chain([SMOTENC(**KEYED), TomekLinks(**KEYED)])),
    ]
    found = compare_treatments(table, CLASSIFIERS, treatments, trainer_for(engine, table))
    assert (found.categorical, len(found.lines)) == (NAMES, 2 * len(treatments))
    for line in found.lines:
        assert line.scored == ROWS  # also the golden row, whose color no training fold has beside its own
        assert line.mean("roc_auc") > 0.8
    numbers = prepare_table(colored, SETUP.model_copy(update={"categorical_cols": ()}))
    for line in compare_treatments(numbers, CLASSIFIERS, treatments[:1], trainer_for(engine, numbers)).lines:
        assert line.mean("roc_auc") < 0.65


@pytest.mark.engines("sail", "spark")
def test_the_encoding_knows_the_training_fold_alone(colored, engine):
    table = prepare_table(colored, SETUP)
    trainer = trainer_for(engine, table)
    with_gold, without = sorted(
        (table.test(0), table.test(1)), key=lambda df: df.where("row = 9").count(), reverse=True
    )
    known = trainer.learn_categories(without)
    if engine == "sail":
        levels = [sorted(one.to_pylist()) for one in known.levels]
    else:
        levels = [sorted(one) for one in known.encoder.stages[0].labelsArray]
    assert levels == [["=blue", "=green", "=grey", "=red", "NULL"], ["=false", "=true"]]
    for classifier in CLASSIFIERS.values():
        model = known.fit(classifier, without, table.target, None, 1)
        said = known.score([model], with_gold, ["row"]).toPandas()
        assert len(said) == with_gold.count()
        assert said.probability.between(0, 1).all()


def test_more_values_than_scikit_learns_trees_take_are_cut_to_the_most_frequent(spark):
    rows = [(i, float(i % 7), f"v{min(i, 300)}", i % 3 == 0) for i in range(900)]
    df = spark.createDataFrame(rows, "row bigint, x double, v string, rare boolean")
    table = prepare_table(df, SETUP.model_copy(update={"categorical_cols": ("v",)}))
    known = trainer_for("sail", table).learn_categories(df)
    assert (len(known.levels[0]), known.levels[0][0].as_py()) == (MAX_CATEGORIES, "=v300")
    for classifier in CLASSIFIERS.values():
        model = known.fit(classifier, df, table.target, None, 1)
        assert known.score([model], df, ["row"]).count() == 900


@pytest.mark.parametrize("sampler", [SMOTE(**KEYED), SMOTEENN(**KEYED), SMOTEENN(**KEYED, smote=SMOTENC(**KEYED))])
def test_new_rows_have_every_category_unless_told_otherwise(colored, sampler):
    table = prepare_table(colored.na.fill("none"), SETUP)
    train, counts = table.train(0)
    made = Treatment(name="it", sampler=sampler).apply(train, counts, 0).frame
    assert made.where("rare").count() > counts[True]
    empty = made.select(*[F.sum(F.col(f"`{name.replace('`', '``')}`").isNull().cast("int")) for name in made.columns])
    assert set(empty.collect()[0]) == {0}


def test_members_of_an_ensemble_draw_anew_in_both_steps(colored):
    train, counts = prepare_table(colored, SETUP).train(0)
    twice = Treatment(name="it", sampler=SMOTEENN(**KEYED), n_estimators=2)
    one, other = ({row.x for row in twice.apply(train, counts, i).frame.select("x").collect()} for i in range(2))
    known = {row.x for row in train.select("x").collect()}
    assert one - known
    assert not (one - known) & (other - known)


@pytest.mark.parametrize(
    ("sampler", "lost"),
    [
        (SMOTE(**KEYED, passthrough="null"), "SMOTE leaves the `color`. of it, wet NULL"),
        (SMOTENC(**KEYED, passthrough="null", categorical_features="wet"), "SMOTENC leaves the `color`. of it NULL"),
        (Chain([SMOTE(**KEYED, passthrough=["wet"])]), "Chain leaves the `color`. of it NULL"),
        (SMOTEENN(**KEYED, smote={"passthrough": "null"}), "SMOTEENN leaves the `color`. of it, wet NULL"),
        (ClusterCentroids(**KEYED), "ClusterCentroids leaves the `color`. of it, wet NULL"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_treatment_whose_new_rows_have_no_category_is_refused(colored, sampler, lost):
    table = prepare_table(colored, SETUP)
    with pytest.raises(SparkBalanceError) as refused:
        compare_treatments(table, CLASSIFIERS, [Treatment(name="it", sampler=sampler)], trainer_for("sail", table))
    assert f"treatment 'it': {lost} in new rows" in str(refused.value)
    assert "use SMOTENC" in str(refused.value)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["x"], "categorical_cols names column 'x', whose values are numbers"),
        (["n"], "categorical_cols names column 'n', whose values are numbers"),
        (["rare"], "'rare', the label, a key or a within column"),
        (["nope"], "'nope', which the frame does not have"),
    ],
)
def test_columns_that_are_no_categories_are_refused(colored, names, sentence):
    with pytest.raises(SparkBalanceError) as refused:
        prepare_table(colored, SETUP.model_copy(update={"categorical_cols": names}))
    assert sentence in str(refused.value)
