"""Resampling of a numeric target: goals by arithmetic, new targets by the formula of the paper, types and refusals."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from frames import collected, digest
from pyspark.sql import functions as F

from spark_balance import (
    SMOGN,
    SMOTE,
    SMOTER,
    RandomOverSampler,
    RelevanceOverSampler,
    RelevanceUnderSampler,
    SparkBalanceError,
)
from spark_balance.kernels.relevance import goals
from spark_balance.testing.work import watched

POINTS = ((2.0, 1.0), (20.0, 0.0), (60.0, 1.0))
COMMON = {"target_col": "cost", "key_cols": "id", "relevance": POINTS, "threshold": 0.8, "random_state": 3}
BOTH = {**COMMON, "feature_cols": ("x", "y"), "k_neighbors": 3}


@pytest.fixture(scope="module")
def costs(spark):
    """Return 300 rows of a skewed target: about a tenth below 7 and a tenth above 48."""
    share = F.pmod(F.xxhash64("id"), F.lit(1000)) / 1000.0
    x, y = (F.pmod(F.xxhash64(F.col("id"), F.lit(salt)), F.lit(4096)) / 512.0 for salt in (1, 2))
    key = F.when(F.col("id") >= 0, F.col("id"))
    return spark.range(0, 300, 1, 3).select(
        key.alias("id"), x.alias("x"), y.alias("y"), (share * share * 60).alias("cost")
    )


def bins(sampler, df):
    return {row[0]: row[1] for row in sampler.labelled(df).groupBy("relevance_bin").count().collect()}


@pytest.mark.parametrize(
    ("rows", "how", "wanted"),
    [
        ({"high": 10, "normal": 90}, "balance", {"high": 50, "normal": 50}),
        ({"high": 10, "low": 11, "normal": 80}, "balance", {"high": 34, "low": 34, "normal": 33}),
        ({"high": 10, "normal": 90}, "extreme", {"high": 90, "normal": 10}),
        ({"high": 10, "low": 20, "normal": 70}, "extreme", {"high": 61, "low": 30, "normal": 9}),
    ],
)
def test_goals_share_out_the_rows_that_there_are(rows, how, wanted):
    assert goals(rows, how) == wanted
    # as UBL has it: B^2 / rows of a bin, scaled to the rows of all
    mean = sum(rows.values()) / len(rows)
    parts = {name: mean if how == "balance" else mean**2 / n for name, n in rows.items()}
    scale = sum(rows.values()) / sum(parts.values())
    assert all(abs(wanted[name] - part * scale) < 1 for name, part in parts.items())


@pytest.mark.parametrize("how", ["balance", "extreme", {"low": 90, "normal": 100}])
def test_each_method_brings_bins_to_their_goals_as_far_as_it_can(costs, how):
    sampler = SMOTER(**BOTH, sampling_strategy=how)
    before = bins(sampler, costs)
    assert set(before) == {"low", "normal", "high"}
    wanted = {**before, **how} if isinstance(how, dict) else goals(before, how)
    assert sampler.plan(costs).targets == wanted
    assert bins(sampler, sampler.fit_resample(costs)) == wanted
    if isinstance(how, str):
        for kind, bound in ((RelevanceUnderSampler, min), (RelevanceOverSampler, max)):
            one = kind(**COMMON, sampling_strategy=how)
            there = {name: bound(n, wanted[name]) for name, n in before.items()}
            assert one.plan(costs, counts=before).targets == there
            assert bins(one, one.fit_resample(costs)) == there


@pytest.mark.parametrize("less", [0, 4])  # which has parents on both sides of zero
def test_a_new_target_is_the_mean_of_its_parents_by_inverse_distance(costs, less):
    costs = costs.withColumn("cost", F.col("cost") - less)
    known = {row["id"]: row for row in collected(costs)}
    points = [(value - less, phi) for value, phi in POINTS]
    sampler = SMOTER(
        **{**BOTH, "relevance": points},
        provenance_col="made_of",
        passthrough="base",
        sampling_strategy={"low": 200, "high": 150},
    )
    new = [row for row in collected(sampler.fit_resample(costs)) if row["made_of"]["kind"] == "synthetic"]
    assert len(new) > 200
    for row in new:
        base, near = (known[row["made_of"][side]["id"]] for side in ("base", "neighbor"))
        here, one, other = (np.array([of["x"], of["y"]]) for of in (row, base, near))
        to_base, to_near = np.linalg.norm(here - one), np.linalg.norm(here - other)
        if to_base + to_near > 0:
            wanted = (to_near * base["cost"] + to_base * near["cost"]) / (to_base + to_near)
            assert math.isclose(row["cost"], wanted, rel_tol=1e-9)
        assert min(base["cost"], near["cost"]) <= row["cost"] <= max(base["cost"], near["cost"])


def test_a_far_neighbor_gives_noise_around_the_base_and_a_near_one_what_smoter_does(costs):
    known = {row["id"]: row for row in collected(costs)}
    goals_of = {"low": 200, "high": 150}
    given = {**BOTH, "scale": False, "provenance_col": "made_of", "passthrough": "base", "sampling_strategy": goals_of}
    still, moved = (
        [
            row
            for row in collected(SMOGN(**given, noise=noise).fit_resample(costs))
            if row["made_of"]["kind"] != "original"
        ]
        for noise in (0.0, 0.1)
    )
    [low, _, high] = SMOGN(**given).relevant.bins
    spans = {one: [row for row in known.values() if one.low <= row["cost"] < one.high] for one in (low, high)}
    far_rows, between = 0, 0
    for row in still:
        base, there = known[row["id"]], np.array([row[name] for name in ("x", "y", "cost")])
        [mates] = [of for one, of in spans.items() if one.low <= base["cost"] < one.high]
        others = np.array([[of[name] for name in ("x", "y", "cost")] for of in mates if of["id"] != base["id"]])
        start = np.array([base[name] for name in ("x", "y", "cost")])
        away = np.linalg.norm(others[:, :2] - start[:2], axis=1)
        nearest = np.argsort(away)[:3]
        near = nearest[away[nearest] <= away[nearest[-1]] / 2]
        if (there == start).all():
            far_rows += 1
            assert len(near) < 3
            continue
        between += 1
        gaps = [(there[0] - start[0]) / (others[i][0] - start[0]) for i in near]
        assert any(
            np.allclose(there, start + gap * (others[i] - start), atol=1e-9) for gap, i in zip(gaps, near, strict=True)
        )
    assert far_rows > 100
    assert between > 20
    # near neighbors give the same rows; noise has the deviations of the bin
    same = {tuple(row[name] for name in ("id", "x", "y", "cost")) for row in still}
    noisy = [row for row in moved if tuple(row[name] for name in ("id", "x", "y", "cost")) not in same]
    assert len(noisy) == far_rows
    for name in ("x", "y", "cost"):
        scaled = []
        for row in noisy:
            [mates] = [of for one, of in spans.items() if one.low <= known[row["id"]]["cost"] < one.high]
            scaled.append((row[name] - known[row["id"]][name]) / np.std([of[name] for of in mates]) / 0.1)
        assert abs(np.mean(scaled)) < 0.25
        assert 0.85 < np.std(scaled) < 1.15
    assert len({row["cost"] for row in noisy}) == far_rows


@pytest.mark.parametrize("kind", ["double", "int"])
def test_noise_leaves_no_bin_and_takes_the_jobs_that_are_declared(costs, kind):
    typed = costs.withColumn("cost", F.col("cost").cast(kind))
    sampler = SMOGN(**BOTH, noise=3.0, sampling_strategy={"low": 400, "high": 200})
    with watched(typed, "toArrow", "collect", "count", "_collect_as_arrow") as ran:
        made = sampler.fit_resample(typed)
    assert len(ran) == 1 + sampler.jobs
    assert bins(sampler, made) == sampler.plan(typed).targets


@pytest.mark.parametrize("kind", ["smallint", "bigint", "float", "decimal(38,20)"])
def test_a_target_keeps_its_type_and_its_bin(costs, kind):
    # doubles near 2^60 are 256 apart
    shift, steps = (2**60, 10_000) if kind == "bigint" else (0, 1)
    whole = (F.col("cost") * steps).cast(kind)
    typed = costs.withColumn("cost", (whole + shift).cast(kind) if shift else whole)
    points = [(shift + value * steps, phi) for value, phi in POINTS]
    sampler = SMOTER(**{**BOTH, "relevance": points}, sampling_strategy={"low": 150, "high": 90})
    out = sampler.fit_resample(typed)
    assert out.schema == typed.schema
    assert bins(sampler, out) == sampler.plan(typed).targets
    values = [row["cost"] for row in collected(out)]
    assert len(values) > 300
    assert isinstance(values[0], Decimal if "decimal" in kind else float if kind == "float" else int)


def test_a_row_without_a_target_is_refused_kept_or_dropped(costs):
    holed = costs.withColumn("cost", F.when(F.col("id") % 10 != 0, F.col("cost")))
    with pytest.raises(SparkBalanceError, match=r"target column 'cost' is NULL or NaN in 30 rows; filter them"):
        SMOTER(**BOTH).plan(holed)
    for how, kept in (("keep", 30), ("drop", 0)):
        sampler = SMOTER(**BOTH, null_label=how)
        out = sampler.fit_resample(holed)
        assert out.where("cost is null").count() == kept
        assert out.count() == 270 + kept


def test_points_that_were_fitted_are_told_and_give_the_same_rows(costs):
    made = RelevanceOverSampler(target_col="cost", key_cols="id", relevance=lambda q: [(q(0.5), 0), (q(0.9), 1)])
    result = made.resample(costs)
    assert result.notes["relevance_points"] == [list(one) for one in result.sampler.relevance]
    assert digest(result.sampler.fit_resample(costs)) == digest(result.frame)
    assert bins(result.sampler, result.frame) == result.plan.targets
    with pytest.raises(SparkBalanceError, match="a callable relevance cannot be written to TOML; use control points"):
        made.to_toml_dict()


@pytest.mark.parametrize(
    ("kind", "given", "sentence"),
    [
        (SMOTER, {"sampling_strategy": "auto"}, "sampling_strategy='auto' is not one of balance, extreme or a dict"),
        (SMOTER, {"sampling_strategy": {"middle": 9}}, "names bin 'middle', which is not in the data; the bins are"),
        (SMOTER, {"sampling_strategy": {"low": 0.5}}, "wants 0.5 rows of bin 'low'"),
        (RelevanceOverSampler, {"sampling_strategy": {"normal": 9}}, "this method only adds rows"),
        (RelevanceUnderSampler, {"sampling_strategy": {"high": 999}}, "this method only removes rows"),
        (SMOTER, {"relevance": "extreme"}, "give 'extremes', two or more pairs"),
        (SMOTER, {"relevance": [(-9, 1), (-5, 0)]}, "are in 1 bin (normal), resampling needs at least 2; lower thresh"),
        (SMOTER, {"target_col": "id"}, "key_cols names the target column 'id'"),
        (SMOTER, {"target_col": "name"}, "'name' is of type string; a target is a number"),
        (SMOTER, {"label_col": "x"}, "unknown parameter 'label_col', since its target is a number, which target_col"),
        (SMOTER, {"feature_cols": ("x", "cost")}, "feature_cols names column 'cost'"),
        (SMOTER, {"provenance_col": "made_of", "key_cols": None}, "name a unique key with key_cols"),
        (SMOTER, {"k_neighbors": 60}, "SMOTER: bin 'high' has"),
        (SMOGN, {"k_neighbors": 60}, "k_neighbors='shrink' or RelevanceOverSampler"),
        (
            RelevanceOverSampler,
            {"min_class_rows": 90},
            "leave the bin out of sampling_strategy, weigh it with relevance",
        ),
        (
            SMOTER,
            {"missing": "drop", "feature_cols": "none"},
            "SMOTER: after missing='drop': the values of target column",
        ),
        (
            SMOTER,
            {"missing": "drop", "feature_cols": "none"},
            "in 0 bins (none), resampling needs at least 2; set missing",
        ),
        (
            SMOTER,
            {"missing": "drop", "feature_cols": "none", "relevance": "extremes"},
            "drop': target column 'cost' has no",
        ),
    ],
)
def test_what_cannot_be_resampled_is_refused(costs, kind, given, sentence):
    df = costs.withColumns({"name": F.when(F.col("x") >= 0, "a"), "none": F.when(F.col("x") < 0, F.col("x"))})
    searched = {"feature_cols": ("x", "y")} if "feature_cols" in kind.model_fields else {}
    with pytest.raises(SparkBalanceError) as refused:
        kind(**{**searched, **COMMON, **given}).fit_resample(df)
    assert sentence in str(refused.value)


def test_a_plan_says_what_happens_to_small_bins(costs):
    few = costs.where("cost > 7 or id = 1").withColumn("cost", F.when(F.col("id") != 1, F.col("cost")).otherwise(1.0))
    sampler = SMOTER(**BOTH, singletons="leave", sampling_strategy={"low": 40, "high": 40})
    plan = sampler.plan(few)
    assert plan.targets["low"] == 1
    assert plan.notes == ("bin 'low' has 1 row, and stays as it is (singletons='leave')",)
    assert str(plan).splitlines()[1].split() == ["bin", "before", "after", "action", "rate"]


def test_a_column_of_bins_that_is_there_already_is_refused(costs):
    with pytest.raises(SparkBalanceError, match="'relevance_bin' is already a column of the frame"):
        SMOTER(**BOTH).fit_resample(costs.withColumn("relevance_bin", F.lit("low")))


def test_many_numbers_and_long_ones_stand_still_without_noise(costs):
    many = costs.withColumn("many", F.array(*[F.col("x") * i for i in range(130)]))
    df = many.withColumn("long", F.lit(2**60) + F.pmod(F.xxhash64("id"), F.lit(10**6)))
    known = {row["id"]: row for row in collected(df)}
    given = {**BOTH, "feature_cols": ("many", "long"), "provenance_col": "made_of", "passthrough": "base"}
    new = [row for row in collected(SMOGN(**given, noise=0.0).fit_resample(df)) if row["made_of"]["base"]]
    still = [row for row in new if row["cost"] == known[row["id"]]["cost"]]
    assert 0 < len(still) < len(new)
    for row in still:
        assert row["many"] == known[row["id"]]["many"]
        # a double as large is a multiple of 256
        assert abs(row["long"] - known[row["id"]]["long"]) <= 128


def test_a_frame_of_pandas_comes_back_as_one(costs):
    pandas, sampler = costs.toPandas(), SMOTER(**BOTH, passthrough="base")
    made = sampler.resample(pandas)
    assert list(made.frame.columns) == costs.columns
    assert made.sampler.labelled(made.frame).groupby("relevance_bin").size().to_dict() == made.plan.targets
    assert digest(costs.sparkSession.createDataFrame(made.frame)) == digest(sampler.fit_resample(costs))


def test_methods_of_classes_name_those_of_numbers():
    for kind in (RandomOverSampler, SMOTE):
        with pytest.raises(SparkBalanceError, match="unknown parameter 'target_col', since a target that is a number"):
            kind(target_col="cost")
    with pytest.raises(SparkBalanceError, match="unknown parameter 'target'; did you mean 'target_col'"):
        SMOTER(target="cost")


@pytest.mark.parametrize("how", ["ignore", "drop"])
def test_rows_that_lack_features_are_taken_or_left(costs, how):
    lacking = costs.withColumn("x", F.when(F.col("id") % 5 != 0, F.col("x")))
    made = SMOGN(**BOTH, missing=how, provenance_col="made_of", noise=0.5).resample(lacking)
    rows = collected(made.frame)
    assert len(rows) == (300 if how == "ignore" else 240) == made.plan.rows_after
    x = {row["id"]: row["x"] for row in collected(lacking)}
    new = [row for row in rows if row["made_of"]["kind"] == "synthetic"]
    assert new
    if how == "ignore":
        own = [x[row["made_of"]["base"]["id"]] for row in new]
        moved = [row["x"] != value for row, value in zip(new, own, strict=True) if value is not None]
        # a base near a neighbor that lacks the value keeps its own
        assert np.mean(moved) > 0.85
    else:
        assert all(row["x"] is not None for row in rows)


@pytest.mark.parametrize("k", [3, "shrink"])
def test_a_bin_of_one_row_is_repeated_by_noise_too(costs, k):
    df = costs.where("cost < 40").union(costs.where("cost > 48").orderBy("id").limit(1))
    sampler = SMOGN(**{**BOTH, "k_neighbors": k}, singletons="replicate", sampling_strategy={"high": 40, "low": 40})
    high = [row for row in collected(sampler.fit_resample(df)) if row["cost"] > 48]
    assert len(high) == 40
    assert len({(row["x"], row["y"], row["cost"]) for row in high}) == 1


def test_noise_has_the_deviation_of_the_rows_that_have_a_feature(costs):
    df = costs.withColumns({"x": F.when(F.col("id") % 4 > 0, F.col("x")), "z": F.lit(None).cast("double")})
    known = {row["id"]: row for row in collected(df)}
    given = {**BOTH, "feature_cols": ("x", "y", "z"), "missing": "ignore", "provenance_col": "made_of"}
    made = [row for row in collected(SMOGN(**given, noise=0.1).fit_resample(df)) if row["made_of"]["base"]]
    of_base = [known[row["made_of"]["base"]["id"]] for row in made]
    assert all(row["y"] is not None and row["z"] is None for row in made)
    noisy = [(row["x"], base["x"]) for row, base in zip(made, of_base, strict=True) if base["x"] is not None]
    assert len(noisy) > 40
    assert all(x is not None and abs(x - base) < 8 for x, base in noisy)
