"""New rows beside originals: every figure against a computation by hand, and planted faults that one figure finds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F, types as T

from spark_balance import SMOTE, SMOTENC, RandomOverSampler, SparkBalanceError, assess_synthetic
from spark_balance.datasets import payments
from spark_balance.trust.drawn import draw_rows

RARE, COMMON = 150, 600
NUMBERS = ["x", "y", "z"]
SCHEMA = "id long, shop string, kind string, x double, y double, z double, late boolean"
MARK = "struct<kind: string, base: struct<id: long>, neighbor: struct<id: long>, gap: double>"


def originals(seed=0, first=0):
    """Return a table of two classes that touch, of shops that have three rows each."""
    rng = np.random.default_rng(seed)
    late = np.arange(RARE + COMMON) < RARE
    table = pd.DataFrame(rng.normal(size=(len(late), 3)), columns=NUMBERS)
    table["x"] += 2.0 * late
    table["z"] = 5 * table["z"] + table["x"]
    table["kind"] = np.where(rng.random(len(late)) < 0.3, "a", np.where(late, "b", "c"))
    table["shop"] = [f"shop {i // 3}" for i in range(len(late))]
    return table.assign(id=np.arange(first, first + len(late)), late=late)[SCHEMA.replace(",", "").split()[::2]]


def interpolated(table, seed=1, most=None):
    """Make new rows as SMOTE does, of the first bases alone if `most` says so."""
    rng = np.random.default_rng(seed)
    rare = table[table["late"]].reset_index(drop=True)
    points = rare[NUMBERS].to_numpy() / table[NUMBERS].to_numpy().std(axis=0)
    away = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    near = np.argsort(away, axis=1)[:, 1:6]
    base = np.arange(COMMON - RARE) % (most or RARE)
    other, gap = near[base, rng.integers(0, 5, len(base))], rng.random(len(base))
    new = rare.loc[base].reset_index(drop=True)
    new[NUMBERS] += gap[:, None] * (rare.loc[other, NUMBERS].to_numpy() - new[NUMBERS].to_numpy())
    return new.assign(base=rare.loc[base, "id"].to_numpy(), neighbor=rare.loc[other, "id"].to_numpy(), gap=gap)


def frames(spark, table, new):
    """Return the frame of the originals, and that of all rows with a provenance."""
    before = spark.createDataFrame(table, SCHEMA)
    keyed = spark.createDataFrame(new, f"{SCHEMA}, base long, neighbor long, gap double")
    parents = [F.struct(F.col(side).alias("id")).alias(side) for side in ("base", "neighbor")]
    mark = F.struct(F.lit("synthetic").alias("kind"), *parents, F.col("gap")).cast(MARK)
    kept = F.struct(F.lit("original").alias("kind"), *[F.lit(None).alias(name) for name in ("base", "neighbor", "gap")])
    made = keyed.withColumn("id", F.lit(None).cast("long")).select(*before.columns, mark.alias("made"))
    return before, before.withColumn("made", kept.cast(MARK)).unionByName(made)


def assess(spark, table, new, **kwargs):
    before, after = frames(spark, table, new)
    given = {"feature_cols": NUMBERS, "provenance_col": "made", "sample": 1_000, **kwargs}
    return assess_synthetic(before, after, label_col="late", **given)


def distances(table, new):
    """Return, of new rows and of rare originals, how far the nearest of their class is, of another, and their parents.

    The parents of a new row are left out of the first two, and an original is not its own neighbor.
    """
    both = pd.concat([table, new], ignore_index=True)
    # a category that differs counts as one deviation
    kinds = pd.get_dummies(both["kind"]).to_numpy() / np.sqrt(2)
    places = np.column_stack([both[NUMBERS].to_numpy() / table[NUMBERS].to_numpy().std(axis=0), kinds])
    rare, ids = table["late"].to_numpy(), table["id"].to_numpy()
    asked = np.r_[np.flatnonzero(rare), len(table) : len(both)]
    away = np.sqrt(((places[asked][:, None] - places[: len(table)]) ** 2).sum(axis=2))
    parents = [[one, one] for one in ids[rare]] + new[["base", "neighbor"]].to_numpy().tolist()
    is_parent = np.array([np.isin(ids, pair) for pair in parents])
    apart, near = np.where(is_parent, np.inf, away), np.where(is_parent, away, np.inf).min(axis=1)
    found = apart[:, rare].min(axis=1), apart[:, ~rare].min(axis=1), near
    return [one[rare.sum() :] for one in found], [one[: rare.sum()] for one in found]


ENGINE_FIGURES = [
    "copies",
    "distance_to_closest_record",
    "nearer_to_other_class",
    "off_support",
    "drift",
    "correlation",
    "concentration",
]


@pytest.mark.engines("sail", "spark")
def test_every_figure_is_that_of_a_computation_by_hand(spark):
    table, names = originals(), [*NUMBERS, "kind"]
    new = interpolated(table)
    new.loc[:8, names] = table.loc[[3], names].to_numpy()  # copies of one original
    given = {"categorical_features": ["kind"], "group_cols": "shop", "tolerance": 0.05, "figures": ENGINE_FIGURES}
    report = assess(spark, table, new, **given)
    [found] = report.classes
    assert (found.label, found.originals, found.new_rows, found.judged) == (True, RARE, 450, 450)
    rare = table[table["late"]]
    (own, other, parent), (held_own, held_other, _) = distances(table, new)
    any_new, any_held = np.minimum(own, other), np.minimum(held_own, held_other)

    def quantile(values, q):
        return np.quantile(values, q, method="inverted_cdf")

    loose = {"abs": 1.5 / 450}  # a distance at a limit may round to either side
    assert found.copies.value == len(new.merge(rare[names], on=names)) / 450 == 9 / 450
    assert found.copies.within == pytest.approx((np.minimum(own, parent) <= 0.05).mean(), **loose)
    distance = found.distance_to_closest_record
    assert distance.nearer.value == pytest.approx((any_new < quantile(any_held, 0.05)).mean(), **loose)
    assert distance.quantiles["50%"] == pytest.approx((quantile(any_new, 0.5), quantile(any_held, 0.5)), rel=5e-3)
    assert found.nearer_to_other_class.value == pytest.approx((other < own).mean(), **loose)
    assert found.nearer_to_other_class.originals == pytest.approx((held_other < held_own).mean(), abs=1.5 / RARE)
    assert found.off_support.value == pytest.approx((own > quantile(held_own, 0.99)).mean(), **loose)
    shares = [rows["kind"].value_counts(normalize=True) for rows in (new, rare)]
    assert found.drift.columns["kind"] == pytest.approx(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)
    shop = table.set_index("id").loc[new["base"], "shop"]
    assert found.concentration.entity.value == pytest.approx(shop.value_counts(normalize=True).max())
    assert found.concentration.entity.originals == pytest.approx(rare["shop"].value_counts(normalize=True).max())
    assert found.concentration.base.value == new["base"].value_counts(normalize=True).max()
    assert json.loads(json.dumps(report.to_dict()))["classes"][0]["copies"]["value"] == found.copies.value


def copying(table, new):
    """Every other row is its base again."""
    rows = new.copy()
    rows.loc[::2, NUMBERS] = table.set_index("id").loc[new["base"][::2], NUMBERS].to_numpy()
    return rows


def shifting(table, new):
    return new.assign(y=new["y"] + 4 * table["y"].std())


def bridging(table, new):
    """New rows lie at the other class's rows."""
    rows = new.copy()
    others = table[~table["late"]].head(len(new))
    rows[NUMBERS] += 0.95 * (others[NUMBERS].to_numpy() - rows[NUMBERS].to_numpy())
    return rows


FAULTS = {
    "copies": (copying, "equal an original in all features"),
    "off_support": (shifting, "new rows lie where the class is not"),
    "nearer_to_other_class": (bridging, "new rows lie among other classes"),
    "concentration": (lambda table, new: interpolated(table, most=3), "made of one entity"),
}


@pytest.fixture(scope="module")
def honest(spark):
    table = originals(seed=5)
    return table, interpolated(table, seed=6)


@pytest.mark.parametrize("figure", FAULTS)
def test_a_planted_fault_is_found_by_the_figure_for_it(spark, honest, figure):
    table, new = honest
    fault, words = FAULTS[figure]
    report = assess(spark, table, fault(table, new), group_cols="shop", figures=[figure])
    assert any(words in sentence for sentence in report.findings)


def test_features_that_are_shuffled_one_by_one_have_other_correlations(spark):
    table = originals(seed=5)
    table["z"] = 2 * table["x"] - table["y"] / 4
    new, rng = interpolated(table, seed=6), np.random.default_rng(7)
    shuffled = new.assign(**{name: rng.permutation(new[name]) for name in NUMBERS})
    said = [assess(spark, table, rows, figures=["drift", "correlation"]).findings for rows in (new, shuffled)]
    assert (said[0], len(said[1])) == ((), 1)
    assert "the correlation of x and z in its new rows differs by" in said[1][0]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25])
def test_a_few_rows_off_the_support_are_named_with_how_many_and_where(spark, honest, share):
    table, new = honest
    many = int(np.ceil(share * len(new)))
    planted = new.assign(base=np.where(np.arange(len(new)) < many, None, new["base"]))
    planted.loc[: many - 1, "y"] += 12 * table["y"].std()
    [said] = assess(spark, table, planted, figures=["off_support"]).findings
    assert f"about {many}, are more than twice as far" in said
    assert "outside the range of the originals in y; new rows lie where the class is not" in said


def test_no_figure_speaks_against_honest_rows(spark, honest):
    report = assess(spark, *honest, group_cols="shop", categorical_features=["kind"])
    assert report.findings == ()
    [found] = report.classes
    assert all(getattr(found, name) is not None for name in ("detectable", "utility", "drift", "off_support"))
    assert 0.3 < found.detectable.value < 0.8


def test_the_figures_do_not_depend_on_the_layout(spark, honest):
    before, after = frames(spark, *honest)
    given = {"label_col": "late", "provenance_col": "made", "feature_cols": NUMBERS, "sample": 60}
    one = assess_synthetic(before, after, **given)
    other = assess_synthetic(before.repartition(7, "y"), after.repartition(3, "x"), **given)
    assert one.to_dict() == other.to_dict()
    assert one.classes[0].judged == 60


def test_rows_without_a_key_and_without_provenance_are_assessed_too(spark, honest):
    table, _ = honest
    before = spark.createDataFrame(table, SCHEMA).drop("id", "shop")
    sampler = SMOTENC(label_col="late", categorical_features=["kind"], provenance_col="made")
    made = sampler.fit_resample(before)
    given = {
        "label_col": "late",
        "categorical_features": ["kind"],
        "figures": ["off_support", "copies", "concentration"],
    }
    with_parents = assess_synthetic(before, made, provenance_col="made", **given)
    alone = assess_synthetic(before, made.where("made.kind <> 'original'").drop("made"), **given)
    assert with_parents.findings == alone.findings == ()
    assert with_parents.classes[0].new_rows == alone.classes[0].new_rows == COMMON - RARE
    assert alone.classes[0].concentration.base is None
    # its parents left out, the class is farther from a new row
    assert with_parents.classes[0].off_support.value >= alone.classes[0].off_support.value


@pytest.mark.parametrize("figure", ["drift", "off_support"])
def test_rows_that_were_not_written_are_assessed_by_any_figure(spark, honest, figure):
    before = spark.createDataFrame(honest[0], SCHEMA)
    made = SMOTE(label_col="late", key_cols="id", feature_cols=NUMBERS, provenance_col="made").fit_resample(before)
    given = {"label_col": "late", "provenance_col": "made", "feature_cols": NUMBERS, "sample": 20}
    [found] = assess_synthetic(before, made, figures=[figure], **given).classes
    assert getattr(found, figure) is not None


def test_originals_that_lack_a_number_are_not_compared(spark, honest):
    table, new = honest
    figures = ["distance_to_closest_record", "off_support"]
    gaps = table.head(40).assign(id=table["id"] + 5_000, y=np.nan)
    found = assess(spark, pd.concat([table, gaps]), new, figures=figures).classes[0]
    wanted = assess(spark, table, new, figures=figures).classes[0]
    assert found.originals == RARE + 40
    # drawn by the same hash; the standard deviations weigh 190 rare rows for 150
    assert found.off_support.value == pytest.approx(wanted.off_support.value, abs=0.02)
    assert found.distance_to_closest_record.ratio == pytest.approx(wanted.distance_to_closest_record.ratio, rel=0.05)


def test_originals_that_are_there_twice_are_found_wherever_they_lie(spark, honest):
    table, new = honest
    twice = pd.concat([table, table.assign(id=table["id"] + 5_000)])
    before, after = frames(spark, twice, new)
    given = {"label_col": "late", "provenance_col": "made", "feature_cols": NUMBERS}
    figures = ["copies", "distance_to_closest_record"]
    report = assess_synthetic(before.repartition(8, "id"), after, figures=figures, **given)
    [found] = report.classes
    assert found.copies.originals == 1.0
    assert [held for _, held in found.distance_to_closest_record.quantiles.values()] == [0.0] * 5


def test_replicas_are_copies_and_identical_rows_are_drawn_once(spark, honest):
    before = spark.createDataFrame(honest[0], SCHEMA)
    made = RandomOverSampler(label_col="late", key_cols="id", provenance_col="made").fit_resample(before)
    report = assess_synthetic(before, made, label_col="late", provenance_col="made", feature_cols=NUMBERS)
    assert report.worst("copies") == (True, 1.0)
    assert report.classes[0].judged == RARE  # three equal replicas of each


def test_one_row_made_thousands_of_times_is_drawn_though_chance_misses_it(spark, honest):
    table, new = honest
    before, after = frames(spark, table, new.head(3))
    many = (
        after.where("made.kind <> 'original'")
        .crossJoin(spark.range(4_000).select())
        .unionByName(after.where("made.kind = 'original'"))
    )
    report = assess_synthetic(before, many, label_col="late", provenance_col="made", feature_cols=NUMBERS)
    [found] = report.classes
    assert (found.new_rows, found.judged) == (12_000, 3)
    assert found.concentration.base.value == pytest.approx(1 / 3)
    assert any("made of one base" in sentence for sentence in report.findings)


@pytest.mark.every_engine
def test_a_class_of_two_has_no_third_to_be_far_from(spark, honest):
    table, new = honest
    two = pd.concat([table.head(2), table[~table["late"]]])
    report = assess(
        spark, two, new.head(40).assign(base=0, neighbor=1), figures=["off_support", "nearer_to_other_class"]
    )
    [found] = report.classes
    assert (found.judged, found.off_support, found.nearer_to_other_class, report.findings) == (40, None, None, ())


@pytest.mark.parametrize("times", [1, 50])
def test_one_new_row_is_compared_however_often_it_is_there(spark, honest, times):
    table, new = honest
    report = assess(spark, table, new.loc[[0] * times], figures=["off_support", "nearer_to_other_class", "drift"])
    [found] = report.classes
    assert (found.new_rows, found.judged, found.off_support.value) == (times, 1, 0)


def test_no_more_rows_are_drawn_than_the_driver_has_room_for(spark, honest, monkeypatch):
    monkeypatch.setattr("spark_balance.trust.assess.DRAWN", 40)
    drawn = []

    def draw(*args, **kwargs):
        drawn.append(draw_rows(*args, **kwargs))
        return drawn[-1]

    monkeypatch.setattr("spark_balance.trust.assess.draw_rows", draw)
    assess(spark, *honest, figures=["drift"], sample=20)
    sizes = [np.bincount(rows.code) for rows, _ in drawn]
    assert all(20 <= n <= 80 for side in sizes for n in side if n)


def test_originals_that_nobody_saw_stand_for_those_of_before(spark, honest):
    unseen = spark.createDataFrame(originals(seed=9, first=10_000), SCHEMA)
    report = assess(spark, *honest, holdout=unseen, figures=["off_support", "utility"])
    assert report.classes[0].utility.held_out == RARE + COMMON
    assert report.findings == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": None}, "column 'y' is double in before and absent in holdout"),
        ({"id": None}, "column 'id' is bigint in before and absent in holdout"),
        ({"late": None}, "column 'late' is boolean in before and absent in holdout"),
        ({"y": "int"}, "column 'y' is double in before and int in holdout"),
    ],
)
def test_originals_that_nobody_saw_have_the_columns_of_the_others(spark, honest, change, words):
    [(name, kind)] = change.items()
    frame = spark.createDataFrame(honest[0], SCHEMA)
    frame = frame.withColumn(name, F.col(name).cast(kind)) if kind else frame.drop(name)
    with pytest.raises(SparkBalanceError, match=f"^assess_synthetic: {words}"):
        assess(spark, *honest, holdout=frame, figures=["drift"])


@pytest.mark.parametrize("place", [0, 1])
def test_an_array_that_is_null_is_left_out_in_the_first_row_too(spark, place):
    rows = [(i % 3 == 0, [float(i % 17), float(i % 23)]) for i in range(90)]
    without = [(False, None), *rows] if place == 0 else [*rows, (False, None)]
    before, after = (spark.createDataFrame(some, "late boolean, v array<double>") for some in (without, rows[:30]))
    report = assess_synthetic(before.coalesce(1), after, label_col="late", feature_cols=["v"], figures=["drift"])
    assert sorted(report.classes[0].drift.columns) == ["v[0]", "v[1]"]


def test_an_array_may_hold_null_in_one_frame_and_not_in_the_other(spark):
    rows = [(i % 3 == 0, [float(i % 17), float(i % 23)]) for i in range(90)]
    kind = T.StructType(
        [T.StructField("late", T.BooleanType()), T.StructField("v", T.ArrayType(T.DoubleType(), False))]
    )
    before, after = spark.createDataFrame(rows, kind), spark.createDataFrame(rows[:30], "late boolean, v array<double>")
    report = assess_synthetic(before, after, label_col="late", feature_cols=["v"], figures=["drift"])
    assert sorted(report.classes[0].drift.columns) == ["v[0]", "v[1]"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"figures": ["copy"]}, "figures has 'copy'; the figures are copies, distance_to_closest_record"),
        ({"sample": 5}, "sample=5 is refused; give a whole number from 20 to 10,000"),
        ({"tolerance": -1.0}, "tolerance=-1.0 is refused; give standard deviations, 0 or more"),
        ({"provenance_col": "gone"}, "provenance_col names column 'gone', which the frame does not have"),
        ({"provenance_col": "x"}, "provenance_col 'x' is of type double; give the column that a sampler"),
        ({"provenance_col": None, "group_cols": "shop"}, "group_cols needs provenance_col"),
        ({"feature_cols": ["x", "late"]}, "feature_cols names column 'late', the label"),
        ({"feature_cols": ["id"]}, "feature_cols names column 'id', the label, a key"),
    ],
)
def test_a_mistake_is_one_sentence(spark, honest, change, words):
    with pytest.raises(SparkBalanceError, match=r"^assess_synthetic: ") as refused:
        assess(spark, *honest, **change)
    assert words in str(refused.value)


def test_new_rows_without_numbers_or_originals_are_refused(spark, honest):
    table, new = honest
    with pytest.raises(SparkBalanceError, match="450 drawn new rows have NULL, NaN or infinity in y"):
        assess(spark, table, new.assign(y=np.nan), figures=["drift"])
    with pytest.raises(SparkBalanceError, match="450 new rows of a class that before does not have"):
        assess(spark, table[~table["late"]], new)
    before, after = frames(spark, table, new)
    with pytest.raises(SparkBalanceError, match="column 'x' is double in before and absent in after"):
        assess_synthetic(before, after.drop("x"), label_col="late", provenance_col="made", feature_cols=NUMBERS)


@pytest.mark.parametrize("figure", ["off_support", "concentration"])
def test_rows_that_are_made_of_others_than_these_are_refused(spark, honest, figure):
    table, new = honest
    given = {"figures": [figure], "group_cols": "shop"}
    with pytest.raises(SparkBalanceError, match="before has none of the rows that the provenance names"):
        assess(spark, table, new.assign(base=new["base"] + 9_000, neighbor=new["neighbor"] + 9_000), **given)


def test_nothing_new_is_nothing_to_judge(spark, honest):
    before, after = frames(spark, *honest)
    only = after.where("made.kind = 'original'")
    report = assess_synthetic(before, only, label_col="late", provenance_col="made", feature_cols=NUMBERS)
    assert (report.classes, report.verdict) == ((), "No row is new.")
    assert "No row is new." in str(report)


@pytest.fixture(scope="module")
def payments_made():
    """Return payments of pandas, a result with a key, one without, and one of copies."""
    table = payments(3_000)
    given = {"label_col": "is_fraud", "provenance_col": "made_of"}
    few = {"feature_cols": ["amount", "age", "attempts"], "k_neighbors": 2, "sampling_strategy": 0.1}
    keyed = SMOTE(key_cols="payment_id", **given, **few).fit_resample(table)
    unkeyed = SMOTE(**given, **few).fit_resample(table)
    return table, keyed, unkeyed, RandomOverSampler(key_cols="payment_id", **given).fit_resample(table)


OF_PAYMENTS = {
    "label_col": "is_fraud",
    "feature_cols": ["amount", "age", "attempts"],
    "figures": ["copies", "nearer_to_other_class"],
}


def test_a_file_that_pandas_read_again_names_the_same_parents(payments_made, tmp_path):
    table, keyed, unkeyed, _ = payments_made
    wanted = assess_synthetic(table, keyed, provenance_col="made_of", **OF_PAYMENTS)
    keyed.to_parquet(tmp_path / "keyed.parquet")
    unkeyed.to_parquet(tmp_path / "unkeyed.parquet")
    again = pd.read_parquet(tmp_path / "keyed.parquet")
    # the column is found by its form
    assert assess_synthetic(table, again, **OF_PAYMENTS).to_dict() == wanted.to_dict()
    with pytest.raises(SparkBalanceError, match="has lost digits of the hashes that name parents"):
        assess_synthetic(table, pd.read_parquet(tmp_path / "unkeyed.parquet"), **OF_PAYMENTS)


def test_copies_of_pandas_have_no_neighbor(payments_made):
    table, _, _, copies = payments_made
    report = assess_synthetic(table, copies, **OF_PAYMENTS)
    assert report.worst("copies") == (1, 1.0)


def test_new_rows_alone_may_have_shorter_decimals(payments_made):
    table, keyed, _, _ = payments_made
    alone = keyed[keyed["made_of"].str["kind"] != "original"].drop(columns="made_of")
    cheap = alone[alone["amount"] < 100]
    assert assess_synthetic(table, cheap, **OF_PAYMENTS).classes[0].new_rows == len(cheap) > 0


def test_what_takes_more_rows_is_said(payments_made):
    table, keyed, _, _ = payments_made
    report = assess_synthetic(table, keyed, **{**OF_PAYMENTS, "figures": ["detectable", "utility", "copies"]})
    assert report.classes[0].unknown == ("detectable", "utility")
    said = "as far as 9 originals can say; not known, since more rows are needed: detectable, utility."
    assert report.verdict.endswith(said)
