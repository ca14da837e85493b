"""Samplers are immutable values: validated, printable, picklable and at home in TOML. No engine needed."""

from __future__ import annotations

import datetime
import math
import pickle
from decimal import Decimal

import numpy as np
import pytest
import tomli
import tomli_w
from cases import crossed
from sklearn.cluster import MiniBatchKMeans

from spark_balance import (
    SMOTE,
    SMOTEN,
    SMOTENC,
    KMeansSMOTE,
    NeighbourhoodCleaningRule,
    RandomOverSampler,
    RandomUnderSampler,
    RepeatedEditedNearestNeighbours,
    SparkBalanceError,
)
from spark_balance.base.registry import SAMPLERS

NAMES = {kind.__name__: kind for kind in SAMPLERS.values()} | {"Decimal": Decimal, "datetime": datetime}


COUNTED = ["auto", 0.25, {"a": 3, "b": 10}, {True: 7}, {2: 5}]
CLEANED = ["auto", "all", ("a", "b"), [True], [2, datetime.date(2024, 1, 31)]]


def double_the_minority(counts):
    smallest = min(counts, key=counts.get)
    return {smallest: 2 * counts[smallest]}


@crossed(lambda case: case.own, everywhere=())
def test_what_a_sampler_prints_makes_it_again(case):
    for wish in CLEANED if case.cleans else COUNTED:
        sampler = case(sampling_strategy=wish, null_label="keep", max_growth=4)
        assert eval(repr(sampler), NAMES) == sampler
        assert type(sampler).from_toml_dict(tomli.loads(tomli_w.dumps(sampler.to_toml_dict()))) == sampler


@crossed(lambda case: case.own, everywhere=())
def test_a_sampler_at_its_defaults_has_a_short_table(case):
    assert case.kind(label_col="late").to_toml_dict() == {"label_col": "late"}


@crossed(lambda case: case.label == "keyed" and not case.cleans and case.own, everywhere=())
def test_a_callable_is_picklable_but_has_no_toml(spark, case):
    from frames import labelled

    sampler = case(sampling_strategy=double_the_minority)
    assert pickle.loads(pickle.dumps(sampler)) == sampler
    with pytest.raises(SparkBalanceError, match="a callable sampling_strategy cannot be written to TOML; use a dict"):
        sampler.to_toml_dict()
    if case.adds:
        assert sampler.plan(labelled(spark, [60, 20])).targets == {"class 0": 60, "class 1": 40}


def test_names_may_be_a_string_a_list_or_a_tuple():
    one, two, three = (RandomOverSampler(label_col="y", key_cols=keys) for keys in ("id", ["id"], ("id",)))
    assert one == two == three
    assert SMOTE(label_col="y", passthrough=["day"]) == SMOTE(label_col="y", passthrough=("day",))


def test_categories_may_be_left_to_the_types_of_the_columns_as_imbalanced_learn_has_it():
    assert SMOTENC(label_col="y", categorical_features="auto") == SMOTENC(label_col="y")
    assert SMOTENC(label_col="y", categorical_features=["auto"]).categorical_features == ("auto",)


@pytest.mark.parametrize(
    ("kind", "parameters", "sentence"),
    [
        (SMOTE, {"k_neighbors": 0}, "k_neighbors=0 is refused"),
        (SMOTE, {"k_neighbors": 2.5}, "k_neighbors=2.5 is refused"),
        (SMOTE, {"cell_rows": 1}, "cell_rows=1 is refused"),
        (SMOTE, {"neighbors": "cell"}, "neighbors='cell' is refused"),
        (SMOTE, {"passthrough": "all"}, "passthrough='all' is refused"),
        (SMOTE, {"output": "new"}, "output='new' is refused"),
        (SMOTE, {"sampling_strategy": "majority"}, "cannot be used by a method that adds rows"),
        (RandomOverSampler, {"sampling_strategy": "majority"}, "cannot be used by a method that adds rows"),
        (RandomUnderSampler, {"sampling_strategy": "minority"}, "cannot be used by a method that removes rows"),
        (RandomUnderSampler, {"output": "added"}, "unknown parameter 'output'"),
        (RandomUnderSampler, {"replacement": True, "exact": False}, "replacement=True needs exact=True"),
    ],
)
def test_values_that_this_sampler_refuses(kind, parameters, sentence):
    with pytest.raises(SparkBalanceError, match=f"{kind.__name__}: .*{sentence}"):
        kind(label_col="y", **parameters)


@pytest.mark.parametrize(
    ("kind", "parameters", "sentence"),
    [
        (RandomOverSampler, {"shrinkage": -1}, "shrinkage=-1 is refused: input should be greater than or equal to 0"),
        (
            RandomOverSampler,
            {"shrinkage": {0: -1}},
            r"shrinkage\[0\]=-1 is refused: input should be greater than or equal to 0",
        ),
        (
            RandomOverSampler,
            {"shrinkage": "much"},
            "shrinkage='much' is refused: input should be a valid number or a valid dictionary",
        ),
        (
            KMeansSMOTE,
            {"density_exponent": "none"},
            "density_exponent='none' is refused: input should be 'auto' or a valid number",
        ),
        (
            KMeansSMOTE,
            {"density_exponent": math.inf},
            "density_exponent=inf is refused: input should be a finite number",
        ),
        (SMOTE, {"feature_cols": ["x", 3]}, r"feature_cols\[1\]=3 is refused: input should be a valid string"),
    ],
)
def test_a_refusal_names_the_type_that_was_meant(kind, parameters, sentence):
    with pytest.raises(SparkBalanceError, match=f"^{kind.__name__}: {sentence}$"):
        kind(label_col="y", **parameters)


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        (SMOTENC, "categorical_encoder", "categories are compared and kept as they are; leave it out"),
        (SMOTEN, "categorical_encoder", "categories are compared and kept as they are; leave it out"),
        (
            NeighbourhoodCleaningRule,
            "edited_nearest_neighbours",
            ".*; to edit by another rule first, use EditedNearestNeighbours before it in a Chain",
        ),
    ],
)
def test_a_parameter_of_imbalanced_learn_that_is_absent_says_what_to_use(kind, name, sentence):
    with pytest.raises(SparkBalanceError, match=f"^{kind.__name__}: unknown parameter '{name}', since {sentence}$"):
        kind(label_col="y", **{name: None})


def test_numbers_are_those_of_imbalanced_learn():
    assert RepeatedEditedNearestNeighbours(label_col="y", max_iter=5_000).max_iter == 5_000
    assert SMOTE(label_col="y", k_neighbors=np.int64(3), scale=np.bool_(False)) == SMOTE(
        label_col="y", k_neighbors=3, scale=False
    )
    assert KMeansSMOTE(label_col="y", kmeans_estimator=None) == KMeansSMOTE(label_col="y")
    assert KMeansSMOTE(label_col="y", kmeans_estimator=MiniBatchKMeans(5)).n_clusters == 5
    for given, sentence in ((0, "it makes 0 clusters, and 1 to 1,000 are allowed"), ("many", "has no parameter n_clu")):
        with pytest.raises(SparkBalanceError, match=f"^KMeansSMOTE: kmeans_estimator={given!r} .*{sentence}"):
            KMeansSMOTE(label_col="y", kmeans_estimator=given)
    with pytest.raises(SparkBalanceError, match="kmeans_estimator=.* is an object, which cannot be written to TOML"):
        KMeansSMOTE(label_col="y", kmeans_estimator=MiniBatchKMeans(5)).to_toml_dict()


def test_the_parameters_are_listed_when_no_name_is_near():
    with pytest.raises(SparkBalanceError, match="SMOTE: unknown parameter 'zzz'; its parameters are label_col, "):
        SMOTE(label_col="y", zzz=1)
    with pytest.raises(SparkBalanceError, match="SMOTE: the parameter 'label_col' is required; give it a value"):
        SMOTE()
