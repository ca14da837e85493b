"""spark_balance.sklearn: what comes out is what went in, in its types and order, and stands in pipelines."""

import inspect

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn import combine, over_sampling, under_sampling
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.neighbors import NearestNeighbors

import spark_balance.sklearn as ours
from spark_balance.errors import SparkBalanceError
from spark_balance.sklearn import features

ROWS = 60


def table(rows=ROWS):
    draw = np.random.default_rng(3)
    return draw.normal(size=(rows, 3)), (np.arange(rows) % 4 == 0).astype(int)


def frame(library=pd):
    numbers, _ = table()
    columns = {"amount": numbers[:, 0], "age": np.arange(ROWS) % 7 + 20, "kind": np.array(["a", "b", "c"] * 20)}
    return library.DataFrame(columns)


def told(signature):
    """Return positional parameters in their order, then the others by name, with their defaults."""
    parameters = [(one.kind.name, one.name, one.default) for one in signature.parameters.values()]
    in_order = [one for one in parameters if one[0] != "KEYWORD_ONLY"]
    return in_order + sorted((one for one in parameters if one[0] == "KEYWORD_ONLY"), key=lambda one: one[1])


@pytest.mark.parametrize("package", [over_sampling, under_sampling, combine], ids=lambda package: package.__name__)
def test_constructors_are_imbalanced_learns(package):
    for name in package.__all__:
        mine, theirs = inspect.signature(getattr(ours, name)), inspect.signature(getattr(package, name))
        assert told(mine) == told(theirs), name


@pytest.mark.parametrize("labels", [[0, 1], ["good", "fraud"], [False, True], [0.0, 1.0], [7, -3]], ids=str)
def test_labels_come_back_as_they_were(labels, spark):
    X, y = table()
    y = np.array(labels)[y]
    made, classes = ours.SMOTE(random_state=0).fit_resample(X, y)
    assert classes.dtype == y.dtype
    assert (made[:ROWS] == X).all()
    assert (classes[:ROWS] == y).all()
    assert set(classes[ROWS:].tolist()) == {labels[1]}
    sampler = ours.SMOTE(sampling_strategy={labels[1]: 20}, random_state=0).fit(X, y)
    assert sampler.sampling_strategy_ == {labels[1]: 5}


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.uint8, bool])
def test_numbers_keep_their_type_and_are_rounded(kind, spark):
    X = np.abs(table()[0] * 100).astype(np.uint8).astype(kind)
    made, _ = ours.SMOTE(random_state=0).fit_resample(X, table()[1])
    assert made.dtype == kind
    as_double, _ = ours.SMOTE(random_state=0).fit_resample(X.astype(float), table()[1])
    wanted = np.rint(as_double) if kind not in (np.float32, np.float64) else as_double
    np.testing.assert_allclose(made.astype(float), wanted, rtol=1e-6)


@pytest.mark.parametrize("library", [pd, pl])
def test_frames_keep_their_columns_and_types(library, spark):
    X, y = frame(library), library.Series("fraud", table()[1]) if library is pl else pd.Series(table()[1], name="fraud")
    for sampler in (ours.SMOTENC(["kind"], random_state=0), ours.RandomUnderSampler(random_state=0)):
        made, classes = sampler.fit_resample(X, y)
        assert type(made) is type(X)
        assert list(made.columns) == list(X.columns)
        assert list(made.dtypes) == list(X.dtypes)
        assert classes.name == "fraud"
        assert classes.dtype == y.dtype
        assert sampler.feature_names_in_.tolist() == ["amount", "age", "kind"]
        assert (
            len(made) == len(classes) == sum(sampler.sampling_strategy_.values()) + (15 if len(made) < ROWS else ROWS)
        )
    assert set(ours.SMOTENC(["kind"]).fit_resample(X, y)[0]["kind"].unique()) == {"a", "b", "c"}


def test_chosen_rows_are_named_by_their_places(spark):
    X, y = table()
    for sampler in (ours.RandomOverSampler(random_state=1), ours.TomekLinks(), ours.NearMiss()):
        made, classes = sampler.fit_resample(X, y)
        assert (X[sampler.sample_indices_] == made).all()
        assert (y[sampler.sample_indices_] == classes).all()
    theirs = under_sampling.NearMiss()
    theirs.fit_resample(X, y)
    assert sorted(sampler.sample_indices_) == sorted(theirs.sample_indices_)


def test_originals_come_first_and_one_seed_gives_one_order(spark):
    X, y = table()
    first, again = (ours.SMOTE(random_state=5).fit_resample(X, y)[0] for _ in range(2))
    assert (first == again).all()
    np.random.seed(4)
    drawn = ours.SMOTE().fit_resample(X, y)[0]
    assert (drawn[:ROWS] == X).all()
    assert not (drawn == first).all()
    np.random.seed(4)
    assert (ours.SMOTE().fit_resample(X, y)[0] == drawn).all()
    state = np.random.RandomState(4)
    assert (ours.SMOTE(random_state=state).fit_resample(X, y)[0] == drawn).all()


def test_a_sparse_matrix_that_would_be_too_large_is_refused(spark, monkeypatch):
    X, y = sparse.csr_matrix(table()[0]), table()[1]
    monkeypatch.setattr(features, "MOST_DENSE", 100)
    with pytest.raises(SparkBalanceError, match="SMOTE: X is a sparse matrix of 60 x 3, .* at most 100 numbers"):
        ours.SMOTE().fit_resample(X, y)
    made, _ = ours.RandomUnderSampler().fit_resample(X, y)  # looks at no feature
    assert made.shape == (30, 3)


def test_they_stand_in_pipelines_and_ensembles(spark):
    X, y = table(200)
    model = make_pipeline(ours.SMOTE(random_state=0), LogisticRegression())
    scores = cross_validate(clone(model), X, y, cv=3, scoring="roc_auc")["test_score"]
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    bagging = BalancedBaggingClassifier(n_estimators=2, sampler=ours.RandomUnderSampler(), random_state=0)
    assert bagging.fit(X, y).predict(X).shape == y.shape


def test_a_callable_receives_y_and_steps_keep_their_parameters(spark):
    X, y = table()
    seen = []
    ours.SMOTE(sampling_strategy=lambda labels: seen.append(labels) or {1: 30}).fit(X, y)
    assert seen[0].tolist() == y.tolist()
    smote = ours.SMOTE(sampling_strategy={1: 30}, k_neighbors=NearestNeighbors(n_neighbors=4), random_state=2)
    chained = ours.SMOTEENN(smote=smote, enn=ours.EditedNearestNeighbours(sampling_strategy=[0]))
    made, classes = chained.fit_resample(X, y)
    first, _ = ours.SMOTE(sampling_strategy={1: 30}, k_neighbors=3, random_state=2).fit_resample(X, y)
    assert (classes == 1).sum() == 30
    assert {tuple(row) for row in made} <= {tuple(row) for row in first}


REFUSED = {
    "searches by another distance": lambda: ours.SMOTE(k_neighbors=NearestNeighbors(metric="manhattan")),
    "unknown parameter 'categorical_encoder', since": lambda: ours.SMOTENC([0], categorical_encoder=object()),
    "unknown parameter 'edited_nearest_neighbours', since": lambda: ours.NeighbourhoodCleaningRule(
        edited_nearest_neighbours=ours.EditedNearestNeighbours()
    ),
    "smote=.* is not allowed; give None, or spark_balance.sklearn.SMOTE": lambda: ours.SMOTEENN(
        smote=over_sampling.SMOTE()
    ),
    "categorical_features has 'city'": lambda: ours.SMOTENC(["city"]),
    "of 3 feature.s. of X all are categories": lambda: ours.SMOTENC([0, 1, 2]),
    "categorical_features='auto' reads the types of a frame": lambda: ours.SMOTENC("auto"),
    "k_neighbors=0 is refused": lambda: ours.SMOTE(k_neighbors=0),
    "names class 9, which is not in the data": lambda: ours.SMOTE(sampling_strategy={9: 10}),
}


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (
            np.linspace(0, 1, ROWS),
            "y is continuous, and a class is .* resampled by SMOTER, whose bins fit_relevance shows",
        ),
        (np.ones((ROWS, 2), dtype=int), "y has rows of more than one class, .* by MLROS, MLRUS and MLSMOTE$"),
        (
            pd.Series([["a", "b"], ["a"]] * (ROWS // 2)),
            "y has rows of more than one class, .* by MLROS, MLRUS and MLSMOTE$",
        ),
    ],
    ids=["number", "one hot", "lists"],
)
def test_targets_that_are_no_classes_lead_to_who_takes_them(y, sentence):
    for sampler in (ours.SMOTE(), ours.RandomUnderSampler(), ours.TomekLinks()):
        with pytest.raises(SparkBalanceError, match=f"^{type(sampler).__name__}: .*{sentence}"):
            sampler.fit_resample(table()[0], y)


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_has_no_meaning_is_refused_in_a_sentence(sentence):
    sampler = REFUSED[sentence]()
    with pytest.raises(SparkBalanceError, match=f"^{type(sampler).__name__}: .*{sentence}|^SMOTE: .*{sentence}"):
        sampler.fit(*table())


@pytest.mark.parametrize("kind", [ours.TomekLinks, ours.SMOTENC], ids=lambda kind: kind.__name__)
def test_help_lists_all_parameters_and_an_example_that_runs(kind, spark):
    for name in inspect.signature(kind).parameters:
        assert f"\n{name} : " in kind.__doc__
    example = kind.__doc__.split("Examples\n--------\n")[1].replace(">>> ", "")
    exec(example, {"np": np, kind.__name__: kind})
