"""Every partition has its share of every class, and the same rows whatever the layout."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from frames import digest, labelled
from pyspark.sql import functions as F

from spark_balance import RandomOverSampler, SparkBalanceError, stratified_partitions

pytestmark = pytest.mark.engines("sail", "spark")


def partitions_of(df):
    """Return (ids, labels) of each partition that has rows, in its order."""

    def one_row(batches):
        # a closure: workers cannot import the tests
        whole = [batch for batch in batches if batch.num_rows]
        if whole:
            rows = pa.Table.from_batches(whole).to_pydict()
            yield pa.RecordBatch.from_pydict({"ids": [rows["id"]], "labels": [rows["label"]]})

    # spark_partition_id() is not there on Sail
    found = df.select("id", "label").mapInArrow(one_row, "ids array<bigint>, labels array<string>").collect()
    return [(row.ids, row.labels) for row in found]


@pytest.mark.engines("spark")
def test_each_partition_has_its_share_of_each_class_to_within_a_row(spark):
    rows = labelled(spark, (1000, 50, 7))
    out = stratified_partitions(rows, "label", 7)
    assert out.schema == rows.schema
    shares = [Counter(labels) for _, labels in partitions_of(out)]
    assert len(shares) == 7
    assert {share["class 0"] for share in shares} <= {142, 143}
    assert {share["class 1"] for share in shares} <= {7, 8}
    assert {share["class 2"] for share in shares} == {1}


@pytest.mark.engines("spark")
def test_copies_of_a_row_are_dealt_apart(spark):
    rows = labelled(spark, (40, 4))
    out = stratified_partitions(RandomOverSampler(label_col="label").fit_resample(rows), "label", 10)
    for ids, _ in partitions_of(out.where("label = 'class 1'")):
        assert len(set(ids)) == len(ids) == 4


@pytest.mark.engines("sail")
def test_the_same_rows_are_together_on_any_layout(spark):
    def parts(partitions, random_state=0, key_cols=None):
        rows = labelled(spark, (60, 9), partitions=partitions)
        out = stratified_partitions(rows, "label", 3, key_cols=key_cols, random_state=random_state)
        return sorted(sorted(ids) for ids, _ in partitions_of(out))

    assert parts(1) == parts(5)
    assert parts(1, key_cols="id") == parts(5, key_cols=("id",))
    assert parts(1) != parts(1, random_state=1)


@pytest.mark.engines("sail")
def test_no_partition_lacks_a_class_where_the_engine_hashes_in_its_own_way(spark):
    rows = labelled(spark, (1000, 50, 7))
    out = stratified_partitions(rows, "label", 7)
    assert digest(out) == digest(rows)
    assert all(len(set(labels)) == 3 for _, labels in partitions_of(out))


@pytest.mark.engines("spark")
def test_classes_are_mixed_inside_a_partition(spark):
    [(_, labels)] = partitions_of(stratified_partitions(labelled(spark, (500, 500)), "label", 1))
    assert 180 < Counter(labels[:400])["class 0"] < 220


def test_what_does_not_fit_is_one_sentence(spark):
    rows = labelled(spark, (20, 3))
    with pytest.raises(
        SparkBalanceError, match="class 'class 1' has 3 rows, too few for one in each of n_partitions=4"
    ):
        stratified_partitions(rows, "label", 4)
    for number, why in ((0, "give 1 or more"), (2.5, "input should be a valid integer")):
        with pytest.raises(SparkBalanceError, match=f"n_partitions={number} is refused: {why}"):
            stratified_partitions(rows, "label", number)
    with pytest.raises(SparkBalanceError, match="stratified_partitions: key_cols names column 'no'"):
        stratified_partitions(rows, "label", 2, key_cols="no")
    missing = rows.withColumn("label", F.when(F.col("id") > 4, F.col("label")))
    with pytest.raises(SparkBalanceError, match="'label' is NULL or NaN in 5 rows; filter them"):
        stratified_partitions(missing, "label", 2)
