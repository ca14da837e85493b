"""Rows with several labels: counts, copies and removals as planned, new rows by the votes, and no label lost."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from frames import collected, digest, fraction, hashed, maybe, number
from pyspark.sql import functions as F

from spark_balance import (
    MLROS,
    MLRUS,
    MLSMOTE,
    SMOTE,
    Chain,
    class_counts,
    gather_labels,
    label_counts,
    spread_labels,
    stratified_folds,
    stratified_split,
)
from spark_balance.errors import ColumnError, CountsError, ParameterError, SparkBalanceError, TooFewRowsError
from spark_balance.testing.case import counted_rows
from spark_balance.testing.frames import layouts

ROWS = 600
SHARES = {"a": 70, "b": 45, "c": 20, "d": 8, "e": 5, "ü ,'f": 4}  # in percent of the rows

# as those of test_golden.py, of rows that have several labels
DIGESTS = {
    MLROS(label_col="labels"): (675, 128516050104300685876),
    MLRUS(label_col="labels"): (450, 134369519830759000447),
    MLSMOTE(label_col="labels", labels="union"): (710, 130836026115873923115),
}


def several(spark):
    """Return rows with up to six labels, in any order and some twice, of which four are rare; some have none."""
    there = [F.when(number(40 + i, 100) < share, F.lit(name)) for i, (name, share) in enumerate(SHARES.items())]
    # what is with e is often with f
    there[5] = F.when(there[4].isNotNull() & (number(50, 3) > 0), F.lit("ü ,'f")).otherwise(there[5])
    labels = F.concat(F.array(*there[::-1]), F.array(there[0]))
    df = spark.range(0, ROWS, 1, 3).select("id", labels.alias("labels"), fraction(1).alias("x"), fraction(2).alias("y"))
    # a new row has neither a key nor a text
    return df.withColumns(
        {
            "id": F.when(F.col("id") >= 0, F.col("id")),
            "text": F.concat(F.lit("row "), maybe(F.col("id").cast("string"), 12)),
        }
    )


@pytest.fixture(scope="module")
def before(spark):
    return collected(several(spark))


def labelset(row):
    return tuple(sorted({one for one in row["labels"] if one is not None}))


def by_set(table):
    return Counter(map(labelset, table))


def by_label(table):
    return Counter(label for row in table for label in labelset(row))


def rare(table):
    """Return the minority labels, as the paper has them."""
    counts = by_label(table)
    ratios = {label: max(counts.values()) / rows for label, rows in counts.items()}
    return {label for label, ratio in ratios.items() if ratio > np.mean(list(ratios.values()))}


def test_labels_are_counted_whatever_their_order(spark, before):
    counts = label_counts(several(spark), "labels")
    assert {label: one.rows for label, one in counts.labels.items()} == dict(by_label(before))
    assert set(counts.minority) == rare(before)
    assert counts.labelsets == len(by_set(before))
    assert class_counts(several(spark), "labels").rows == dict(by_set(before))
    spread = spread_labels(several(spark), list(SHARES))
    assert label_counts(spread, list(SHARES)).labels == counts.labels
    assert by_set(collected(gather_labels(spread, list(SHARES)))) == by_set(before)


@pytest.mark.parametrize("keyed", [{"key_cols": "id"}, {}], ids=["keyed", "unkeyed"])
@pytest.mark.parametrize(("kind", "sign"), [(MLROS, 1), (MLRUS, -1)])
def test_each_set_of_labels_has_the_rows_of_the_plan(spark, before, kind, sign, keyed):
    made = kind(label_col="labels", percentage=10, **keyed).resample(several(spark))
    after, originals = collected(made.frame), counted_rows(before, before[0])
    assert by_set(after) == Counter({label: rows for label, rows in made.plan.targets.items() if rows})
    assert sign * (len(after) - ROWS) == ROWS // 10
    # the arrays are as they were, and each row is one of the input
    assert set(counted_rows(after, before[0])) <= set(originals)
    less, more = (originals, counted_rows(after, before[0]))[::sign]
    assert less <= more
    assert set(by_label(after)) == set(by_label(before))
    if kind is MLRUS:
        assert all(by_label(after)[label] == by_label(before)[label] for label in rare(before))


@pytest.mark.every_engine
@pytest.mark.parametrize(("sampler", "expected"), DIGESTS.items(), ids=lambda one: getattr(one, "name", ""))
def test_the_rows_are_the_same_on_every_engine(spark, sampler, expected):
    assert digest(sampler.fit_resample(several(spark))) == expected


def test_copies_of_a_row_are_even_in_its_set(spark):
    made = collected(MLROS(label_col="labels", key_cols="id", percentage=300).fit_resample(several(spark)))
    times = Counter(row["id"] for row in made)
    sets = {row["id"]: labelset(row) for row in made}
    for labels in set(sets.values()):
        some = [times[i] for i, one in sets.items() if one == labels]
        assert max(some) - min(some) <= 1
    counts = label_counts(MLROS(label_col="labels", percentage=300).fit_resample(several(spark)), "labels")
    # they were as frequent as MeanIR of the input says before others brought rows of frequent labels
    mean = label_counts(several(spark), "labels").mean_imbalance
    assert all(one.imbalance <= 1.05 * mean for one in counts.labels.values())


@pytest.mark.parametrize("kind", [MLRUS, MLSMOTE])
def test_labels_give_the_same_rows_on_any_layout(spark, kind):
    sampler = kind(label_col="labels", random_state=3)
    names = several(spark).columns
    expected = counted_rows(collected(sampler.fit_resample(several(spark))), names)
    for layout, df in layouts(several(spark)).items():
        found = counted_rows(collected(sampler.fit_resample(df)), names)
        assert found == expected, layout
    # in another order, too, they are the same labels; without a key an array is part of what a row is
    turned = several(spark).withColumn("labels", F.reverse("labels"))
    keyed = (
        kind(label_col="labels", key_cols="id", passthrough="base")
        if kind is MLSMOTE
        else kind(label_col="labels", key_cols="id")
    )
    one, other = (
        Counter((row["id"], labelset(row), row["x"]) for row in collected(keyed.fit_resample(df)))
        for df in (several(spark), turned)
    )
    assert one == other


@pytest.mark.parametrize("rule", ["ranking", "union", "intersection"])
def test_a_new_row_has_the_labels_that_its_parents_agree_on(spark, before, rule):
    sampler = MLSMOTE(label_col="labels", key_cols="id", labels=rule, k_neighbors=3, scale=False, provenance_col="told")
    made = sampler.resample(several(spark))
    table = collected(made.frame)
    new = [row for row in table if row["told"]["kind"] == "synthetic"]
    rows, minority = {row["id"]: row for row in before}, rare(before)
    assert len(table) == made.plan.rows_after == ROWS + sum(by_label(before)[label] for label in minority)
    # each row is a base once for each of its minority labels
    expected = Counter({row["id"]: len(minority & set(labelset(row))) for row in before})
    assert Counter(row["told"]["base"]["id"] for row in new) == +expected
    bags = {label: [row for row in before if label in labelset(row)] for label in minority}
    for row in new:
        base, near = (rows[row["told"][of]["id"]] for of in ("base", "neighbor"))
        for name in "xy":
            assert row[name] == pytest.approx(base[name] + row["told"]["gap"] * (near[name] - base[name]), abs=1e-9)
        found = set()
        for label in minority & set(labelset(base)) & set(labelset(near)):
            others = sorted(
                (one for one in bags[label] if one["id"] != base["id"]),
                key=lambda one, base=base: sum((one[name] - base[name]) ** 2 for name in "xy"),
            )[:3]
            if near not in others:
                continue  # it was made for another label
            votes = Counter(one for voter in [base, *others] for one in labelset(voter))
            least = {"ranking": 2, "union": 1, "intersection": 4}[rule]
            found.add(tuple(sorted(one for one, times in votes.items() if times >= least)))
        assert row["labels"] == sorted(set(row["labels"]))
        assert tuple(row["labels"]) in found
    assert set(by_label(table)) == set(by_label(before))


def test_new_rows_of_one_base_are_others_for_each_label(spark):
    always = several(spark).withColumn(
        "labels", F.when(hashed(77) % 9 == 0, F.array(F.lit("p"), F.lit("q"))).otherwise(F.array(F.lit("r")))
    )
    made = MLSMOTE(label_col="labels", key_cols="id", provenance_col="told").fit_resample(always)
    gaps = sorted(row["told"]["gap"] for row in collected(made) if row["told"]["kind"] == "synthetic")
    assert len(gaps) == 2 * class_counts(always, "labels").rows["p", "q"]
    assert all(one < other for one, other in pairwise(gaps))


def test_few_rows_are_refused_or_left(spark):
    with pytest.raises(
        SparkBalanceError, match="k_neighbors='shrink' is refused: all .* vote .*; few_rows='leave' makes"
    ):
        MLSMOTE(label_col="labels", k_neighbors="shrink")
    df = several(spark)
    with pytest.raises(
        TooFewRowsError,
        match=r"has \d+ rows, k_neighbors=200 needs at least 201; use k_neighbors<=\d+, few_rows='leave'",
    ):
        MLSMOTE(label_col="labels", key_cols="id", k_neighbors=200, feature_cols=("x", "y")).plan(df)
    kept = MLSMOTE(label_col="labels", key_cols="id", k_neighbors=200, few_rows="leave").plan(df)
    assert kept.rows_after == ROWS


def test_labels_are_known_in_each_group(spark):
    df = several(spark).withColumn("day", F.col("id") % 3)
    for kind in (MLROS, MLRUS, MLSMOTE):
        more = {"few_rows": "leave", "feature_cols": ("x", "y")} if kind is MLSMOTE else {"percentage": 12}
        made = kind(label_col="labels", key_cols="id", within_cols="day", **more).resample(df)
        table = collected(made.frame)
        of_day = Counter(row["day"] for row in table)
        for day in range(3):
            assert of_day[day] == sum(entry.after for entry in made.plan.classes if entry.group == (day,))
        if kind is not MLSMOTE:
            found = Counter((row["day"], labelset(row)) for row in table)
            assert found == +Counter({(entry.group[0], entry.label): entry.after for entry in made.plan.classes})


def test_rows_without_an_array_are_missing(spark):
    df = several(spark).withColumn("labels", F.when(F.col("id") % 10 > 0, F.col("labels")))
    with pytest.raises(SparkBalanceError, match="label column 'labels' is NULL or NaN in 60 rows"):
        MLROS(label_col="labels").fit_resample(df)
    for kind in (MLRUS, MLSMOTE):
        kept = collected(kind(label_col="labels", null_label="keep").fit_resample(df))
        assert sum(row["labels"] is None for row in kept) == 60
        dropped = collected(kind(label_col="labels", null_label="drop").fit_resample(df))
        assert all(row["labels"] is not None for row in dropped)
        assert len(dropped) == len(kept) - 60


def test_given_counts_of_sets_are_taken(spark, before):
    counts = dict(by_set(before))
    made = MLROS(label_col="labels", key_cols="id").resample(several(spark), counts)
    again = MLROS(label_col="labels", key_cols="id").resample(several(spark))
    assert made.plan == again.plan
    assert counted_rows(collected(made.frame), ["id"]) == counted_rows(collected(again.frame), ["id"])
    wrong = {labels: rows + (labels == ("a", "d")) for labels, rows in counts.items()}
    with pytest.raises(CountsError, match="the given counts differ from the rows"):
        MLSMOTE(label_col="labels").fit_resample(several(spark), wrong)
    del counts["a",]
    for kind in (MLROS, MLRUS, MLSMOTE):
        with pytest.raises(Exception, match="which is not in the counts given"):
            kind(label_col="labels").fit_resample(several(spark), counts).collect()


def test_what_does_not_fit_is_said_in_a_sentence(spark):
    df = several(spark)
    with pytest.raises(ColumnError, match="'labels' has several labels a row, which MLROS, MLRUS and MLSMOTE resample"):
        SMOTE(label_col="labels").fit_resample(df)
    with pytest.raises(ColumnError, match="'labels' has several labels a row"):
        Chain([MLROS(label_col="labels"), SMOTE(label_col="labels")]).fit_resample(df)
    with pytest.raises(ParameterError, match="provenance_col names rows by their key"):
        MLSMOTE(label_col="labels", provenance_col="told").fit_resample(df)
    with pytest.raises(ParameterError, match="unknown parameter 'sampling_strategy', since how many rows is said by"):
        MLROS(label_col="labels", sampling_strategy="auto")
    with pytest.raises(ColumnError, match="label_col names column 'x' of type double"):
        label_counts(df, ["x"])
    with pytest.raises(ColumnError, match="labels are an array of strings"):
        spread_labels(df, ["a"], "text")
    for twice in (["a", "b", "a"], ["a", "A"]):
        with pytest.raises(ColumnError, match="spread_labels: label_cols='[aA]' is already a column"):
            spread_labels(df, twice)
    for call in (label_counts, gather_labels, spread_labels):
        with pytest.raises(ColumnError, match=f"{call.__name__}: label_cols? names no column; name one for each label"):
            call(df, [])
    many = spark.range(2_100).select("id", F.array(F.col("id").cast("string")).alias("labels"))
    with pytest.raises(
        ColumnError, match="label_col has 2,100 labels, and all are compared on the driver, at most 2,000"
    ):
        MLROS(label_col="labels").plan(many)


def test_parts_of_a_split_have_their_share_of_each_label(spark, before):
    shares, df = {0: 0.7, 1: 0.2, 2: 0.1}, several(spark)
    parts = [collected(part) for part in stratified_split(df, list(shares.values()), "labels", key_cols="id")]
    assert counted_rows([row for part in parts for row in part], before[0]) == counted_rows(before, before[0])
    every = by_label(before)
    for part, share in zip(parts, shares.values(), strict=True):
        assert len(part) == share * ROWS
        assert all(by_label(part)[label] == pytest.approx(share * rows, abs=1) for label, rows in every.items())
        assert set(by_label(part)) == set(every)


def test_folds_of_labels_are_the_same_on_any_layout(spark):
    def folds(df):
        return counted_rows(collected(stratified_folds(df, 5, "labels", random_state=4)), ["id", "fold"])

    expected = folds(several(spark))
    assert all(folds(df) == expected for df in layouts(several(spark)).values())
    for more in ({"group_cols": "text"}, {"duplicates": "together"}):
        with pytest.raises(ParameterError, match="rows with several labels are divided one by one"):
            stratified_folds(several(spark), 5, "labels", **more)
    missing = several(spark).withColumn("labels", F.when(F.col("id") % 10 > 0, F.col("labels")))
    placed = Counter((row["labels"] is None, row["fold"]) for row in collected(stratified_folds(missing, 5, "labels")))
    assert [placed[True, fold] for fold in range(5)] == [12] * 5


def test_methods_of_labels_are_steps_of_a_chain(spark):
    chain = Chain([MLRUS(label_col="labels", percentage=10), MLROS(label_col="labels", percentage=10)])
    made = chain.resample(several(spark))
    assert by_set(collected(made.frame)) == +Counter(made.plan.targets)


@pytest.mark.engines("sail", "spark")
def test_texts_of_several_labels_are_read_as_a_plan_says(spark):
    sets = [[], ["a"], ["a", "b c"]] * 4
    for write in (json.dumps, str, lambda some: f"[{', '.join(some)}]", " | ".join):
        texts = spark.createDataFrame(
            [(write(some) or None, i) for i, some in enumerate(sets)], "labels string, id int"
        )
        texts = texts.union(spark.createDataFrame([("b c", 99)], texts.schema)) if write([]) == "" else texts
        [note] = MLROS(label_col="labels", key_cols="id", null_label="keep").plan(texts).notes
        made = eval(note.partition("arrays with ")[2], {"F": F, "column": F.col("labels")})
        if "expr" in note:
            made = F.expr(note.partition('"')[2].rpartition('"')[0].replace("column", "labels"))
        found = collected(texts.where("id < 99").withColumn("labels", made).orderBy("id"))
        assert [row["labels"] or [] for row in found] == sets
