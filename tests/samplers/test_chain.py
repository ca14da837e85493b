"""Samplers one after the other: the rows of the steps by hand, counts handed on, and both at home in TOML."""

from __future__ import annotations

import pickle
import re
import shutil

import pytest
import tomli
import tomli_w
from frames import FEATURES, digest, labelled, rows_by_label

from spark_balance import SMOTE, RandomUnderSampler, SparkBalanceError
from spark_balance.combine import combined
from spark_balance.combine.chain import Chain
from spark_balance.combine.smote_then_clean import SMOTEENN, SMOTETomek
from spark_balance.errors import RefusedByGuard
from spark_balance.frames import counts as counting
from spark_balance.over_sampling.random_over_sampler import RandomOverSampler
from spark_balance.testing.frames import rich
from spark_balance.under_sampling.edited_nearest_neighbours import EditedNearestNeighbours
from spark_balance.under_sampling.prototype_selection import TomekLinks

KNOWN = {"label_col": "label", "random_state": 3}
SEARCH = {**KNOWN, "feature_cols": FEATURES}


@pytest.mark.parametrize(("kind", "cleaning"), [(SMOTEENN, EditedNearestNeighbours), (SMOTETomek, TomekLinks)])
def test_smote_then_cleaning_is_the_two_by_hand(spark, kind, cleaning):
    df = labelled(spark, [120, 40])
    by_hand = cleaning(sampling_strategy="all", **SEARCH).fit_resample(SMOTE(key_cols="id", **SEARCH).fit_resample(df))
    found = kind(key_cols="id", **SEARCH).resample(df)
    assert digest(found.frame) == digest(by_hand)
    assert rows_by_label(found.frame)["class 1"] > 40
    plan = kind(key_cols="id", **SEARCH).plan(df)
    assert (plan.counts, plan.targets) == ("at_most", {"class 0": 120, "class 1": 120})
    assert [step.method for step in plan.steps] == ["SMOTE", cleaning.__name__]
    assert str(plan).count(cleaning.__name__) >= 1


def test_exact_counts_are_handed_on_and_others_are_counted(spark, monkeypatch):
    df = labelled(spark, [120, 40])
    counted = []
    count = counting.class_counts
    monkeypatch.setattr(counting, "class_counts", lambda *of: (counted.append(1), count(*of))[1])
    wish = {"class 1": 80}
    chain = Chain([RandomOverSampler(sampling_strategy=wish, **KNOWN), RandomUnderSampler(**KNOWN)])
    out = chain.fit_resample(df, counts={"class 0": 120, "class 1": 40})
    assert rows_by_label(out) == {"class 0": 80, "class 1": 80}
    assert not counted
    assert chain.plan(df, counts={"class 0": 120, "class 1": 40}).counts == "exact"
    unknown = Chain([TomekLinks(**SEARCH), RandomUnderSampler(**KNOWN)])
    assert unknown.plan(df, counts={"class 0": 120, "class 1": 40}).counts == "none"
    ran = unknown.resample(df, counts={"class 0": 120, "class 1": 40})
    assert len(counted) == 1
    assert ran.plan.counts == "exact"
    assert rows_by_label(ran.frame) == ran.plan.targets


def test_a_class_that_a_step_leaves_too_small_to_hide_in_is_refused(spark):
    df = labelled(spark, [120, 40])
    steps = [EditedNearestNeighbours(sampling_strategy="all", **SEARCH), SMOTE(k_neighbors=2, **SEARCH)]
    chain = Chain(steps, min_class_rows=40)
    assert chain.plan(df).targets["class 1"] == 120
    sentence = r"^Chain: class 'class 1' has \d+ rows to make others of, too few to hide in; min_class_rows=40 refuses"
    with pytest.raises(RefusedByGuard, match=sentence) as refused:
        chain.resample(df)
    left = int(re.search(r"has (\d+) rows", str(refused.value))[1])
    assert 1 < left < 40
    assert chain.replace(min_class_rows=left).resample(df).plan.targets["class 1"] > left


@pytest.mark.parametrize(
    "sampler",
    [
        Chain([SMOTE(key_cols="id", **SEARCH), TomekLinks(**SEARCH)]),
        SMOTEENN(label_col="label", smote={"k_neighbors": 3}, enn={"kind_sel": "mode"}),
        SMOTETomek(label_col="label", tomek=TomekLinks(label_col="label")),
    ],
    ids=["chain", "smoteenn", "smotetomek"],
)
def test_they_round_trip(sampler):
    assert pickle.loads(pickle.dumps(sampler)) == sampler
    text = tomli_w.dumps(sampler.to_toml_dict())
    back = type(sampler).from_toml_dict(tomli.loads(text))
    assert back.steps == sampler.steps


def test_a_table_in_a_chain_takes_what_the_chain_says():
    chain = Chain([{"smote": {}}, {"tomek_links": {"sampling_strategy": "all"}}], label_col="y", random_state=7)
    assert chain.steps == (
        SMOTE(label_col="y", random_state=7),
        TomekLinks(label_col="y", random_state=7, sampling_strategy="all"),
    )
    assert [step.random_state for step in chain.replace(random_state=9).steps] == [9, 9]


@pytest.mark.engines("sail", "connect")
def test_a_small_frame_is_computed_once_for_a_step_that_reads_features(spark, tmp_path, monkeypatch):
    source = str(tmp_path / "source")
    rich(spark).where("label <> 'class 2'").write.parquet(source)
    df, sampler = spark.read.parquet(source), SMOTEENN(key_cols="id", **SEARCH)
    with monkeypatch.context() as patch:
        patch.setattr(combined, "HELD_NUMBERS", 0)
        lazy = sampler.fit_resample(df)
        expected = digest(lazy)
    made = sampler.fit_resample(df)
    shutil.rmtree(source)
    assert made.schema == lazy.schema
    assert digest(made) == expected


def parts(**given):
    return SMOTE(label_col="y", feature_cols=FEATURES, **given), TomekLinks(label_col="y", feature_cols=FEATURES)


WHOLES = [
    lambda smote, tomek, **whole: Chain([smote, tomek], **whole),
    lambda smote, tomek, **whole: Chain([Chain([smote, tomek])], **whole).steps[0],
    lambda smote, tomek, **whole: SMOTETomek(label_col="y", smote=smote, tomek=tomek, **whole),
]


@pytest.mark.parametrize("combine", WHOLES, ids=["chain", "nested", "smotetomek"])
def test_samplers_take_what_the_whole_says_and_keep_the_rest(combine):
    whole = {"random_state": 42, "key_cols": "id", "null_label": "drop"}
    made = combine(*parts(), **whole)
    back = type(made).from_toml_dict(tomli.loads(tomli_w.dumps(made.to_toml_dict())))
    for one in (made, back, pickle.loads(pickle.dumps(made))):
        assert one.random_state == 42
        assert {(step.random_state, step.key_cols, step.null_label) for step in one.steps} == {(42, ("id",), "drop")}
    assert {step.random_state for step in made.replace(random_state=9).steps} == {9}
    # without a seed of the whole each keeps its own, and so do those that TOML brings back
    apart = combine(*parts(random_state=3))
    back = type(apart).from_toml_dict(tomli.loads(tomli_w.dumps(apart.to_toml_dict())))
    assert [step.random_state for one in (apart, back) for step in one.steps] == [3, 0, 3, 0]
    with pytest.raises(SparkBalanceError, match="SMOTE has random_state=3, .* has 42; make them the same$"):
        combine(*parts(random_state=3), **whole)


def test_the_seed_of_a_chain_of_samplers_chooses_the_rows(spark):
    df = labelled(spark, [60, 20])
    steps = [RandomOverSampler(label_col="label", sampling_strategy=0.5), RandomUnderSampler(label_col="label")]
    one, same, other = (digest(Chain(steps, random_state=seed).fit_resample(df)) for seed in (42, 42, 43))
    assert one == same != other


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Chain([]), "Chain: steps is empty; give at least one sampler$"),
        (
            lambda: Chain([SMOTE(label_col="a"), TomekLinks(label_col="b")]),
            "TomekLinks has label_col='b', Chain has 'a'; make them the same$",
        ),
        (lambda: Chain([SMOTE(label_col="a", output="added")]), "has output='added'"),
        (
            lambda: Chain([{"smot": {}}], label_col="a"),
            "Chain: steps names 'smot', an unknown sampler; did you mean 'smote'",
        ),
        (lambda: Chain([SMOTE(label_col="a")], sampling_strategy=0.5), "sampling_strategy=0.5 belongs to a step"),
        (
            lambda: SMOTEENN(label_col="a", enn=3),
            r"enn=3 is not allowed; give EditedNearestNeighbours\(\.\.\.\), a dict of its parameters, or None$",
        ),
        (lambda: SMOTEENN(label_col="a", smote={}, sampling_strategy=0.5), "smote and sampling_strategy are both"),
    ],
    ids=["empty", "labels", "output", "name", "wish", "enn", "both"],
)
def test_steps_that_do_not_fit_are_refused(make, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        make()
