"""What the estimator learns from is resampled, what its model transforms is not; it goes wherever an Estimator goes."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F
from vectors import noise, rows_learnt

from spark_balance import (
    SMOTE,
    ImbalanceEvaluator,
    RandomOverSampler,
    RandomUnderSampler,
    SMOTETomek,
    SparkBalanceError,
)

pytestmark = pytest.mark.engines("spark", "connect")


def tree(**params):
    """Return a tree that, without splits, does nothing but count its rows."""
    from pyspark.ml.classification import DecisionTreeClassifier

    return DecisionTreeClassifier(**{"maxDepth": 0, **params})


def balanced(sampler=None, estimator=None):
    from spark_balance import BalancedEstimator

    return BalancedEstimator(sampler=sampler or RandomOverSampler(label_col="label"), estimator=estimator or tree())


@pytest.fixture(scope="module")
def rows(spark):
    # both folds hold 40 and 10 rows
    return noise(spark, (80, 20)).withColumn("fold", (F.col("id") % 2).cast("int"))


@pytest.fixture(scope="module")
def model(rows):
    return balanced().fit(rows)


@pytest.fixture(scope="module")
def search(rows):
    """Return a CrossValidator over a parameter of the sampler and one of the estimator, and its model."""
    from pyspark.ml.evaluation import BinaryClassificationEvaluator
    from pyspark.ml.tuning import CrossValidator, ParamGridBuilder

    deep = tree(maxDepth=3)
    estimator = balanced(estimator=deep)
    grid = ParamGridBuilder().addGrid(estimator.sampling_strategy, [0.5, {1.0: 30}]).addGrid(deep.maxDepth, [0])
    validator = CrossValidator(
        estimator=estimator,
        estimatorParamMaps=grid.build(),
        evaluator=BinaryClassificationEvaluator(),
        numFolds=2,
        foldCol="fold",
        collectSubModels=True,
        parallelism=2,
    )
    return validator, validator.fit(rows)


def test_the_model_learns_from_resampled_rows_and_transforms_all_rows_as_they_are(rows, model):
    scored = model.transform(rows)
    assert rows_learnt(model, rows) == [80, 80]
    assert scored.columns == [*rows.columns, "rawPrediction", "probability", "prediction"]
    assert scored.select(rows.columns).exceptAll(rows).isEmpty()
    assert scored.count() == 100


def test_the_model_tells_what_was_done_to_the_classes(model):
    assert [(entry.before, entry.after) for entry in model.plan.classes] == [(80, 80), (20, 80)]


def test_a_search_resamples_training_folds_only_by_the_parameters_of_both(rows, search):
    from pyspark.ml import Model

    _, found = search
    for fold in found.subModels:
        assert [sub.plan.targets for sub in fold] == [{0.0: 40, 1.0: 20}, {0.0: 40, 1.0: 30}]
        assert [rows_learnt(sub, rows) for sub in fold] == [[40, 20], [40, 30]]
    assert isinstance(found.bestModel, Model)
    assert found.transform(rows).count() == 100


def test_a_search_and_what_it_found_are_saved_and_loaded(rows, search, tmp_path):
    from pyspark.ml.tuning import CrossValidator, CrossValidatorModel

    validator, found = search
    validator.write().save(f"{tmp_path}/search")
    grid = CrossValidator.load(f"{tmp_path}/search").getEstimatorParamMaps()
    assert [{param.name: value for param, value in point.items()} for point in grid] == [
        {"sampling_strategy": 0.5, "maxDepth": 0},
        {"sampling_strategy": [{"label": 1.0, "rows": 30}], "maxDepth": 0},
    ]
    found.write().option("persistSubModels", "false").save(f"{tmp_path}/found")
    loaded = CrossValidatorModel.load(f"{tmp_path}/found")
    assert loaded.avgMetrics == found.avgMetrics
    assert loaded.bestModel.plan == found.bestModel.plan
    assert loaded.transform(rows).count() == 100


@pytest.mark.engines("connect")
def test_a_validation_split_gives_smote_what_it_needs_and_is_saved_and_loaded(rows, tmp_path):
    """The validator adds a column that may not be NULL; the features are a vector."""
    from pyspark.ml.tuning import ParamGridBuilder, TrainValidationSplit, TrainValidationSplitModel

    estimator = balanced(SMOTE(label_col="label", key_cols="id"))
    grid = ParamGridBuilder().addGrid(estimator.k_neighbors, [3]).build()
    validator = TrainValidationSplit(
        estimator=estimator, estimatorParamMaps=grid, evaluator=ImbalanceEvaluator(), seed=1
    )
    found = validator.fit(rows)
    assert rows_learnt(found, rows) == [80, 80]
    validator.save(f"{tmp_path}/validator")
    found.save(f"{tmp_path}/found")
    [point] = TrainValidationSplit.load(f"{tmp_path}/validator").getEstimatorParamMaps()
    assert {param.name: value for param, value in point.items()} == {"k_neighbors": 3}
    assert TrainValidationSplitModel.load(f"{tmp_path}/found").bestModel.plan == found.bestModel.plan


@pytest.mark.engines("connect")
def test_new_rows_have_features_of_their_own_and_the_rest_of_their_base(rows):
    from pyspark.ml import Estimator, Transformer
    from pyspark.ml.param.shared import HasFeaturesCol

    class Spy(Estimator, Transformer, HasFeaturesCol):
        def _fit(self, dataset):
            self.seen = dataset
            return self

        def _transform(self, dataset):
            return dataset

    spy = Spy()
    balanced(SMOTE(label_col="label", key_cols="id"), spy).fit(rows)
    assert spy.seen.count() == 160
    assert spy.seen.select("features").distinct().count() == 160
    assert spy.seen.select("id", "x", "fold").exceptAll(rows.select("id", "x", "fold")).count() == 60
    assert spy.seen.where("x IS NULL").isEmpty()


def test_a_pipeline_is_saved_with_it_and_its_model_scores_the_same(rows, tmp_path):
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.feature import VectorAssembler

    raw = rows.drop("features")
    features = VectorAssembler(inputCols=["x", "y", "z"], outputCol="features")
    pipeline = Pipeline(stages=[features, balanced(estimator=tree(maxDepth=2))])
    fitted = pipeline.fit(raw)
    pipeline.save(f"{tmp_path}/pipeline")
    fitted.save(f"{tmp_path}/fitted")
    assert Pipeline.load(f"{tmp_path}/pipeline").getStages()[1].getEstimator().getMaxDepth() == 2
    loaded = PipelineModel.load(f"{tmp_path}/fitted")
    assert loaded.transform(raw).exceptAll(fitted.transform(raw)).isEmpty()


@pytest.mark.engines("spark")
def test_a_pipeline_can_be_wrapped(rows):
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler

    features = VectorAssembler(inputCols=["x", "y"], outputCol="features")
    inner = Pipeline(stages=[features, tree()])
    fitted = balanced(SMOTE(label_col="label", feature_cols=["x", "y"]), inner).fit(rows.drop("features"))
    assert rows_learnt(fitted, rows.drop("features")) == [80, 80]


@pytest.mark.smoke
def test_estimator_and_model_are_saved_loaded_and_overwritten(rows, model, tmp_path):
    from spark_balance import BalancedEstimator, BalancedModel

    sampler = RandomUnderSampler(label_col="label", sampling_strategy={0.0: 30}, key_cols="id", random_state=7)
    estimator = balanced(sampler, tree(maxDepth=3))
    path = f"{tmp_path}/estimator"
    estimator.save(path)
    with pytest.raises(SparkBalanceError, match="exists; choose another path, or use write"):
        estimator.save(path)
    estimator.write().overwrite().save(path)
    loaded = BalancedEstimator.load(path)
    assert loaded.getSampler() == sampler
    assert loaded.getEstimator().getMaxDepth() == 3
    assert loaded.uid == estimator.uid
    assert {param.parent for param in loaded.params} == {estimator.uid}

    model.save(f"{tmp_path}/model")
    again = BalancedModel.load(f"{tmp_path}/model")
    assert again.plan == model.plan
    assert rows_learnt(again, rows) == [80, 80]
    with pytest.raises(SparkBalanceError, match="holds a spark_balance.ml.estimator.BalancedModel; load it with that"):
        BalancedEstimator.load(f"{tmp_path}/model")


def test_a_callable_is_fitted_with_but_not_saved(rows, tmp_path, caplog):
    def as_many(counts):
        return {label: max(counts.values()) for label in counts}

    estimator = balanced(RandomOverSampler(label_col="label", sampling_strategy=as_many))
    with caplog.at_level("INFO", "spark_balance"):
        assert rows_learnt(estimator.fit(rows), rows) == [80, 80]
    [line] = caplog.messages
    assert line == (
        "BalancedEstimator: fitted on 160 rows that RandomOverSampler made of 100, 60 of them new; "
        "parents of a new row are in this training set"
    )
    with pytest.raises(SparkBalanceError, match="a parameter cannot be saved as JSON .*function"):
        estimator.save(f"{tmp_path}/estimator")


@pytest.mark.engines("sail")
def test_the_log_says_no_number_that_the_plan_does_not_know():
    from spark_balance.frames.plan import ClassCounts
    from spark_balance.ml.estimator import _fitted_on

    counts = ClassCounts("y", {(): {0: 80, 1: 20}}, {(): 0})

    def said(sampler):
        return _fitted_on(sampler, sampler.make_plan(counts)).partition(";")[0]

    assert said(RandomUnderSampler(label_col="y")) == (
        "fitted on 40 rows that RandomUnderSampler made of 100, none of them new"
    )
    assert said(SMOTETomek(label_col="y")) == (
        "fitted on at most 160 rows that SMOTETomek made of 100, some of them new"
    )


def test_a_copy_has_its_own_parameters():
    estimator = balanced()
    other = estimator.copy({estimator.sampling_strategy: 0.5, estimator.getEstimator().maxDepth: 4})
    assert (other.getSampler().sampling_strategy, other.getEstimator().getMaxDepth()) == (0.5, 4)
    assert (estimator.getSampler().sampling_strategy, estimator.getEstimator().getMaxDepth()) == ("auto", 0)
    assert "k_neighbors: SMOTE's parameter (default: 5)" in balanced(SMOTE(label_col="label")).explainParams()


@pytest.mark.engines("spark")
def test_random_state_decides_the_seed_unless_it_is_set(rows):
    seeds = [
        balanced(RandomOverSampler(label_col="label", random_state=state), estimator).fit(rows).model.getSeed()
        for state, estimator in [(1, tree()), (1, tree()), (2, tree()), (1, tree(seed=5))]
    ]
    assert seeds[0] == seeds[1] != seeds[2]
    assert seeds[3] == 5


def test_what_does_not_fit_is_one_sentence_before_anything_runs(rows):
    estimator = balanced(SMOTE(label_col="label"))
    with pytest.raises(SparkBalanceError, match="SMOTE: k_neighbors=0 is refused"):
        estimator.copy({estimator.k_neighbors: 0})
    with pytest.raises(SparkBalanceError, match="sampler='smote' is refused: input should be an instance of Sampler"):
        balanced("smote")
    with pytest.raises(SparkBalanceError, match="is refused: input should be an instance of Estimator"):
        balanced(estimator=model)
    with pytest.raises(SparkBalanceError, match="SMOTE needs feature_cols, since the frame has no column that is the"):
        estimator.fit(rows.drop("features"))
    with pytest.raises(SparkBalanceError, match="output='added' would fit on a part of the resampled table"):
        balanced(RandomOverSampler(label_col="label", output="added")).fit(rows)
    with pytest.raises(SparkBalanceError, match="label_col names column 'lable'"):
        balanced(RandomOverSampler(label_col="lable")).fit(rows)
