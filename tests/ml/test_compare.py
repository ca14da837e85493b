"""The comparison: treatments touch training folds only, every row is scored once, one seed gives one result."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from pyspark.sql import functions as F
from sklearn.datasets import load_breast_cancer

from spark_balance import SMOTE, ClassWeighter, RandomOverSampler, RandomUnderSampler, SparkBalanceError
from spark_balance.compare.measure import Treatment, compare_treatments
from spark_balance.compare.sklearn_trainer import SklearnTrainer
from spark_balance.compare.table import Setup, prepare_table
from spark_balance.compare.trainers import GradientBoostedTrees, LogisticRegression, SparkTrainer
from spark_balance.frames.counts import class_counts
from spark_balance.frames.plan import Promises

LABEL, FEATURES = "it is <script>", ("mean radius", "mean texture", "mean symmetry")
SETUP = Setup(label_col=LABEL, positive="bad", key_cols="row", n_folds=3, random_state=5)
LOGISTIC = {"logistic_regression": LogisticRegression()}
KEYED = {"label_col": LABEL, "key_cols": "row", "random_state": 5}


@pytest.fixture(scope="module")
def tumours(spark):
    """Return 569 real tumours: 357 good, 212 bad."""
    found = load_breast_cancer(as_frame=True)
    table = found.frame[list(FEATURES)].assign(
        row=range(569), **{LABEL: ["bad" if t == 0 else "ok" for t in found.target]}
    )
    return spark.createDataFrame(pa.Table.from_pandas(table, preserve_index=False)).repartition(3)


class Recording:
    """A trainer that remembers the rows that it was given."""

    def __init__(self, trainer):
        self.trainer, self.known, self.fitted, self.held_out = trainer, [], [], []
        self.learner, self.row_limit = trainer.learner, trainer.row_limit

    def learn_categories(self, train):
        self.known.append({row[0] for row in train.select("row").collect()})
        self.trainer = self.trainer.learn_categories(train)
        return self

    def fit(self, classifier, rows, target, weight_col, seed):
        self.fitted.append([row[0] for row in rows.select("row").collect()])
        return self.trainer.fit(classifier, rows, target, weight_col, seed)

    def score(self, models, rows, keep):
        found = self.trainer.score(models, rows, ["row", *keep])
        self.held_out.append([row[0] for row in found.select("row").collect()])
        return found


def trainer_for(engine, features=FEATURES, categorical=()):
    return SklearnTrainer(features, 5_000, categorical) if engine == "sail" else SparkTrainer(features, categorical)


def run(df, engine, treatments, classifiers=LOGISTIC, setup=SETUP):
    table = prepare_table(df, setup)
    return compare_treatments(
        table, classifiers, treatments, trainer_for(engine, table.features, table.categorical), "tumours", engine
    )


def test_training_folds_alone_are_treated_and_every_row_is_held_out_once(tumours, engine):
    treatments = [
        Treatment(name="nothing"),
        Treatment(name="bagging", sampler=RandomUnderSampler(**KEYED), n_estimators=2, correct_prior=True),
        Treatment(name="weights", weights=ClassWeighter(label_col=LABEL)),
        Treatment(name="SMOTE", sampler=SMOTE(**KEYED), correct_prior=True),
    ]
    seen = Recording(trainer_for(engine))
    setup = SETUP.model_copy(update={"n_folds": 2})
    classifiers = {"logistic_regression": LogisticRegression(max_iter=200)}
    found = compare_treatments(prepare_table(tumours, setup), classifiers, treatments, seen)
    fits = iter(seen.fitted)
    sizes = {}
    for number, held_out in enumerate(seen.held_out):
        treatment = treatments[number % len(treatments)]
        assert len(set(held_out)) == len(held_out)
        assert seen.known[number // len(treatments)] == {*range(569)} - {*held_out}
        drawn = []
        for _ in range(treatment.n_estimators):
            rows = next(fits)
            # a synthetic row has the key of its base
            assert not set(rows) & set(held_out)
            drawn.append(sorted(rows))
        assert len(set(map(tuple, drawn))) == treatment.n_estimators
        sizes.setdefault(treatment.name, []).append((len(drawn[0]), len(set(drawn[0])), len(held_out)))
    assert next(fits, None) is None
    for place in range(len(treatments)):
        assert sorted(key for held_out in seen.held_out[place :: len(treatments)] for key in held_out) == [*range(569)]
    untreated = sizes["nothing"] + sizes["weights"]
    assert all(rows == distinct == 569 - held_out for rows, distinct, held_out in untreated)
    # 357 ok and 212 bad: 178 or 179 ok and 106 bad in each fold
    assert {rows for rows, *_ in sizes["bagging"]} == {2 * 106}
    assert sorted(rows for rows, *_ in sizes["SMOTE"]) == [2 * 178, 2 * 179]

    names = ["nothing", "bagging", "bagging, prior corrected", "weights", "SMOTE", "SMOTE, prior corrected"]
    assert [line.name for line in found.lines] == names
    for line in found.lines:
        assert line.scored == 569 == sum(one.positives + one.negatives for one in line.bins)
        assert sum(one.positives for one in line.bins) == 212
        assert 0.85 < line.mean("pr_auc") <= 1
    assert found.lines[1].rows == (4 * 106, 4 * 106)


@pytest.mark.engines("sail", "spark")
def test_scores_are_those_of_scikit_learn_on_the_same_folds(tumours, engine):
    from sklearn.linear_model import LogisticRegression as Logistic
    from sklearn.metrics import average_precision_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = prepare_table(tumours, SETUP.model_copy(update={"n_folds": 2}))
    [line] = compare_treatments(table, LOGISTIC, [Treatment(name="nothing")], trainer_for(engine)).lines
    for fold in range(2):
        train, test = table.train(fold)[0].toPandas(), table.test(fold).toPandas()
        model = make_pipeline(StandardScaler(), Logistic(C=1 / (1e-4 * len(train)), max_iter=500, tol=1e-8))
        model.fit(train[list(FEATURES)], train[LABEL] == "bad")
        said = model.predict_proba(test[list(FEATURES)])[:, 1]
        # two solvers of one problem
        assert line.scores[fold]["pr_auc"] == pytest.approx(
            average_precision_score(test[LABEL] == "bad", said), abs=2e-3
        )


@pytest.mark.engines("sail", "connect")
@pytest.mark.parametrize("classifier", [LogisticRegression(), GradientBoostedTrees(trees=2, max_depth=2)])
def test_every_classifier_is_fitted_with_weights_and_averaged(tumours, engine, classifier):
    table = prepare_table(tumours, SETUP)
    trainer = trainer_for(engine).learn_categories(table.test(0))
    weighed = ClassWeighter(label_col=LABEL).with_weights(table.test(0))
    models = [trainer.fit(classifier, weighed, table.target, "weight", seed) for seed in (1, 2)]
    [alone, averaged] = [trainer.score(some, table.test(1), ["row"]) for some in (models[:1], models)]
    assert averaged.columns == ["row", "probability"]
    said = averaged.toPandas().probability
    assert len(said) == 190
    assert ((said > 0) & (said < 1)).all()
    assert said.std() > 0.05
    # both seeds see the same rows, and nothing here is drawn
    assert said.sum() == pytest.approx(alone.toPandas().probability.sum())


def test_the_prior_is_corrected_where_shares_changed_and_areas_stay(tumours, engine):
    sampler = RandomUnderSampler(**KEYED, sampling_strategy={"ok": 40, "bad": 140})
    treatments = [Treatment(name="nothing"), Treatment(name="turned round", sampler=sampler, correct_prior=True)]
    nothing, as_is, corrected = run(tumours, engine, treatments).lines
    assert corrected.mean("roc_auc") == pytest.approx(as_is.mean("roc_auc"))
    assert as_is.mean("expected_calibration_error") > 2 * nothing.mean("expected_calibration_error")
    assert corrected.mean("brier_score") < as_is.mean("brier_score")
    assert corrected.seconds == as_is.seconds


def test_a_moved_threshold_finds_more_of_the_rarer_class_by_the_same_probabilities(tumours, engine):
    nothing, moved = run(tumours, engine, [Treatment(name="nothing", move_threshold=True)]).lines
    assert [one.positives for one in moved.bins] == [one.positives for one in nothing.bins]
    assert moved.mean("recall") > nothing.mean("recall")
    assert moved.mean("brier_score") == pytest.approx(nothing.mean("brier_score"))


def test_one_seed_gives_one_result_on_any_layout_and_another_seed_another(tumours, engine):
    treatments = [Treatment(name="SMOTE", sampler=SMOTE(**KEYED))]
    classifiers = {**LOGISTIC, "gradient_boosted_trees": GradientBoostedTrees(trees=5)}
    setup = SETUP.model_copy(update={"n_folds": 2})

    def counted(lines):
        return [[(one.place, one.positives, one.negatives) for one in line.bins] for line in lines]

    once = run(tumours, engine, treatments, classifiers, setup).lines
    again = run(tumours.repartition(7).orderBy("mean radius"), engine, treatments, classifiers, setup).lines
    assert counted(again) == counted(once)
    for one, other in zip(once, again, strict=True):
        # sums of doubles may end in other digits when the rows come in another order
        assert [pytest.approx(scores, rel=1e-9) for scores in one.scores] == list(other.scores)
    reseeded = run(tumours, engine, treatments, LOGISTIC, setup.model_copy(update={"random_state": 6})).lines
    assert counted(reseeded) != counted(once[:1])


def test_scikit_learn_gets_the_rows_in_one_order(tumours):
    target, trainer = prepare_table(tumours, SETUP).target, SklearnTrainer(FEATURES, 5_000)

    def coefficients(df):
        return trainer.fit(LOGISTIC["logistic_regression"], df, target, None, 0)[-1].coef_.tolist()

    assert coefficients(tumours.orderBy("row")) == coefficients(tumours.orderBy("mean radius"))


def test_a_sample_is_stratified(tumours, engine):
    table = prepare_table(tumours, SETUP.model_copy(update={"sample_rows": 60}))
    assert (table.counts.rows, table.source_rows) == ({"bad": 22, "ok": 38}, 569)
    assert [sum(counts.values()) for counts in table.by_fold] == [20, 20, 20]


@pytest.mark.filterwarnings("ignore::spark_balance.errors.LabelWarning")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"label_col": "row"}, "'row' has 569 classes"),
        ({"label_col": "row"}, "true for the class to find; if you predict the number, use SMOTER with target_col"),
        (
            {"label_col": "sets"},
            "compare: label column 'sets' has several labels a row, which MLROS, MLRUS and MLSMOTE",
        ),
        ({"label_col": "nope"}, "label_col names column 'nope'"),
        ({"positive": "evil"}, "positive='evil' is not a class of 'it is <script>'; they are 'bad': 212, 'ok': 357"),
        ({"n_folds": 100, "sample_rows": 150, "feature_cols": FEATURES}, "n_folds=100 needs as many rows"),
        ({"feature_cols": ["gap"]}, "'gap' is NULL, NaN or infinite in 284 rows"),
        ({"feature_cols": ["mean radius", "nope"]}, "'nope', which the frame does not have"),
    ],
)
def test_a_table_that_cannot_be_compared_on_is_told(tumours, changes, sentence):
    with_gap = tumours.selectExpr("*", "if(row % 2 = 0, row, null) AS gap", "array(if(row = 1, 'a', 'b')) AS sets")
    with pytest.raises(SparkBalanceError) as refused:
        prepare_table(with_gap, SETUP.model_copy(update=changes))
    assert sentence in str(refused.value)


def test_more_rows_than_the_limit_are_refused_before_anything_is_fitted(tumours):
    table = prepare_table(tumours, SETUP)
    nothing, over = Treatment(name="nothing"), Treatment(name="over", sampler=RandomOverSampler(**KEYED))
    seen = Recording(SklearnTrainer(FEATURES, 400))
    with pytest.raises(SparkBalanceError, match="treatment 'over' has 476 rows or more.*row_limit=400.*sample_rows"):
        compare_treatments(table, LOGISTIC, [nothing, over], seen)
    assert seen.fitted == []
    # and by the trainer itself, whatever was planned
    with pytest.raises(SparkBalanceError, match="a fold has 101 rows or more"):
        SklearnTrainer(FEATURES, 100).fit(LOGISTIC["logistic_regression"], table.test(0), table.target, None, 0)


def test_a_mistake_in_the_last_treatment_is_told_before_anything_is_fitted(tumours):
    seen = Recording(SklearnTrainer(FEATURES, 5_000))
    treatments = [
        Treatment(name="nothing"),
        Treatment(name="x", sampler=RandomUnderSampler(label_col=LABEL, sampling_strategy={"evil": 3})),
    ]
    with pytest.raises(SparkBalanceError, match="evil"):
        compare_treatments(prepare_table(tumours, SETUP), LOGISTIC, treatments, seen)
    assert seen.fitted == []


class Cleaning(RandomUnderSampler):
    """A sampler that knows only afterwards how many rows it leaves."""

    least: float = 0.0

    @property
    def promises(self):
        return Promises("at_most", "subset")

    def resample(self, df, counts=None, **how):
        made = super().resample(df, counts, **how)
        return replace(made, frame=made.frame.where(F.col("mean radius") > self.least))


def test_what_a_cleaning_method_left_is_counted_and_the_prior_corrected_by_that(tumours):
    table = prepare_table(tumours, SETUP)
    train, counts = table.train(0)
    treatment = Treatment(name="cleaned", sampler=Cleaning(**KEYED, least=13.0), correct_prior=True)
    treated = treatment.apply(train, counts, 0)
    left = {row[0]: row[1] for row in treated.frame.groupBy(LABEL).count().collect()}
    assert 0 < left["ok"] < left["bad"] < counts["bad"]
    assert (treated.after, treated.rows, treated.before) == (left, sum(left.values()), counts)
    as_is, corrected = compare_treatments(table, LOGISTIC, [treatment], trainer_for("sail")).lines
    assert as_is.rows[0] == treated.rows
    assert corrected.mean("brier_score") < as_is.mean("brier_score")


def test_rows_with_the_weight_of_those_they_stand_for_have_the_shares_of_the_data(tumours):
    train, counts = prepare_table(tumours, SETUP).train(0)
    treated = Treatment(name="x", sampler=RandomUnderSampler(**KEYED, weight_col="w")).apply(train, counts, 0)
    assert treated.weight_col == "w"
    assert treated.after == pytest.approx(counts)
    weighed = Treatment(name="x", weights=ClassWeighter(label_col=LABEL)).apply(train, counts, 0)
    assert weighed.after["ok"] == pytest.approx(weighed.after["bad"])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sampler": RandomUnderSampler(**KEYED), "weights": ClassWeighter(label_col=LABEL)}, "a sampler and weights"),
        ({"n_estimators": 3}, "draws nothing"),
        ({"sampler": SMOTE(**KEYED), "move_threshold": True}, "set correct_prior"),
        ({"correct_prior": True}, "leaves the class shares as they are"),
        ({"sampler": RandomUnderSampler(**KEYED, weight_col="w"), "correct_prior": True}, "leave correct_prior out"),
    ],
)
def test_a_treatment_that_makes_no_sense_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        Treatment(name="it", **given)


def test_curves_are_those_of_the_rows():
    from spark_balance.compare.comparison import Bin, precision_recall, reliability

    bins = [Bin(0, 0, 6, 0.0), Bin(79, 1, 1, 0.13), Bin(80, 1, 1, 0.14), Bin(1199, 2, 0, 2.0)]
    assert precision_recall(bins) == [(0.5, 1.0), (0.75, 0.75), (1.0, 4 / 6), (1.0, 4 / 12)]
    # 1,200 bins are 15 of 80 each: the first two are one
    assert reliability(bins) == [(0.13 / 8, 1 / 8, 8), (0.07, 0.5, 2), (1.0, 1.0, 2)]
    assert precision_recall([replace(one, negatives=0) for one in bins[3:]]) == [(1.0, 1.0)]


def test_rows_are_counted_where_groups_may_leave_fewer_than_planned(tumours):
    table = prepare_table(tumours, SETUP)
    train, counts = table.train(0)
    groups = train.withColumn("ward", F.floor(F.col("row") / 25))
    treated = Treatment(name="wards", sampler=RandomUnderSampler(**KEYED, group_cols="ward")).apply(groups, counts, 0)
    kept = class_counts(treated.frame, LABEL).rows
    assert sum(kept.values()) < 2 * min(counts.values())  # a ward that does not fit is left out
    assert (treated.rows, treated.after) == (sum(kept.values()), kept)


def scored(name, ranks, briers, variant="", classifier="gradient_boosted_trees"):
    from spark_balance.compare.comparison import Line

    scores = tuple({"pr_auc": rank, "brier_score": brier} for rank, brier in zip(ranks, briers, strict=True))
    return Line(name, classifier, variant, scores, (1.0, 1.0), (10, 10), 20, ())


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ([], "only 'nothing' (PR-AUC 0.500) was measured. The best probabilities are those of 'nothing' "),
        (
            [scored("SMOTE", (0.5, 0.62), (0.2, 0.2)), scored("under", (0.3, 0.5), (0.2, 0.2))],
            "'SMOTE' ranks rows better than 'nothing' (PR-AUC 0.500), by +0.060 ± 0.014 over 2 folds, and 1 of "
            "2 treatments rank worse. The best probabilities are those of 'nothing' (Brier score 0.100).",
        ),
        (
            [scored("SMOTE", (0.5, 0.53), (0.3, 0.3)), scored("SMOTE", (0.5, 0.53), (0.02, 0.04), "prior corrected")],
            "no treatment ranks rows clearly better than 'nothing' (PR-AUC 0.500); 'SMOTE' differs by "
            "+0.015 ± 0.049 over 2 folds. The best probabilities are those of 'SMOTE, prior corrected' (Brier score "
            "0.030).",
        ),
    ],
)
def test_a_comparison_concludes_in_words(others, sentence):
    from spark_balance.compare.comparison import Comparison
    from spark_balance.frames.plan import ClassCounts

    counts = ClassCounts("y", {(): {"no": 90, "yes": 10}}, {})
    lines = (scored("nothing", (0.45, 0.55), (0.1, 0.1)), *others)
    found = Comparison("t", "sail", "us", counts, "yes", ("x",), (), 2, 0, 100, lines)
    assert [one.split(": ", 1)[0] for one in found.conclusion] == ["gradient boosted trees"]
    assert found.conclusion[0].split(": ", 1)[1].startswith(sentence)
    assert found.to_dict()["conclusion"] == list(found.conclusion)
