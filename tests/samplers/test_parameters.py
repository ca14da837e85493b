"""Samplers are immutable values: validated, printable, picklable and at home in TOML. No engine needed."""

from __future__ import annotations

import datetime
import pickle
import tomllib
from decimal import Decimal

import pytest
import tomli_w
from cases import CASES, crossed
from pydantic import ValidationError

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler, SparkBalanceError
from spark_balance.samplers.registry import SAMPLERS

NAMES = {kind.__name__: kind for kind in SAMPLERS.values()} | {"Decimal": Decimal, "datetime": datetime}


COUNTED = ["auto", 0.25, {"a": 3, "b": 10}, {True: 7}, {2: 5}]
CLEANED = ["auto", "all", ("a", "b"), [True], [2, datetime.date(2024, 1, 31)]]


def double_the_minority(counts):
    smallest = min(counts, key=counts.get)
    return {smallest: 2 * counts[smallest]}


@crossed(lambda case: case.own, everywhere=())
def test_a_sampler_round_trips(case):
    for wish in CLEANED if case.cleans else COUNTED:
        sampler = case(sampling_strategy=wish, null_label="keep", max_growth=4)
        assert eval(repr(sampler), NAMES) == sampler
        assert pickle.loads(pickle.dumps(sampler)) == sampler
        text = tomli_w.dumps(sampler.to_toml_dict())
        assert type(sampler).from_toml_dict(tomllib.loads(text)) == sampler


@crossed(lambda case: case.own, everywhere=())
def test_a_sampler_at_its_defaults_has_a_short_table(case):
    assert case.kind(label_col="late").to_toml_dict() == {"label_col": "late"}


@crossed(lambda case: case.own, everywhere=())
def test_a_sampler_cannot_be_changed(case):
    sampler = case()
    with pytest.raises((ValidationError, AttributeError)):
        sampler.random_state = 7
    assert sampler.random_state == 1
    assert hash(sampler.label_col) == hash("label")


@crossed(lambda case: case.name == "keyed" and not case.cleans and case.own, everywhere=())
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


@crossed(lambda case: case.own, everywhere=())
@pytest.mark.parametrize("seed", [1.5, "1", None, True, 2.0])
def test_a_seed_is_an_integer(case, seed):
    with pytest.raises(SparkBalanceError, match=f"{case.kind.__name__}: random_state={seed!r} is refused: .*integer"):
        case(random_state=seed)


@crossed(lambda case: case.own, everywhere=())
def test_an_unknown_parameter_is_named_with_the_nearest(case):
    name = case.kind.__name__
    with pytest.raises(SparkBalanceError, match=f"{name}: there is no parameter 'randm_state'; .* 'random_state'"):
        case(randm_state=1)
    with pytest.raises(SparkBalanceError, match=f"{name}: there is no parameter 'zzz'; its parameters are label_col, "):
        case(zzz=1)
    with pytest.raises(SparkBalanceError, match=f"{name}: the parameter 'label_col' is required"):
        case.kind()


@crossed(lambda case: case.own, everywhere=())
@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"sampling_strategy": "minorty"}, "'minorty' is not one of .*; did you mean 'minority'?"),
        ({"sampling_strategy": 1.5}, r"sampling_strategy=1.5 (is not a ratio in \(0, 1\]|says how many rows to keep)"),
        ({"sampling_strategy": 0}, r"sampling_strategy=0 (is not a ratio in \(0, 1\]|says how many rows to keep)"),
        ({"sampling_strategy": None}, "sampling_strategy=None (is not a ratio|says how many rows to keep)"),
        ({"null_label": "ignore"}, "null_label='ignore' is refused: .*'error', 'keep' or 'drop'"),
        ({"max_growth": 0}, "max_growth=0 is refused: .*greater than 0"),
        ({"label_col": 3}, "label_col=3 is refused: .*string"),
    ],
    ids=str,
)
def test_values_that_cannot_be_are_refused(case, parameters, sentence):
    with pytest.raises(SparkBalanceError, match=f"{case.kind.__name__}: .*{sentence}"):
        case(**parameters)


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
        (RandomUnderSampler, {"output": "added"}, "there is no parameter 'output'"),
        (RandomUnderSampler, {"replacement": True, "exact": False}, "replacement=True needs exact=True"),
    ],
)
def test_values_that_this_sampler_refuses(kind, parameters, sentence):
    with pytest.raises(SparkBalanceError, match=f"{kind.__name__}: .*{sentence}"):
        kind(label_col="y", **parameters)


def test_every_sampler_says_what_it_promises():
    for kind in {case.kind for case in CASES}:
        assert kind.family in ("over", "under", "clean", "both")
        assert kind.counts in ("exact", "at_most", "approximate", "none")
        assert kind.rows in ("subset", "copies", "segment", "free")
        assert kind.__doc__
