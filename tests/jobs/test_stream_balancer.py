"""A stream balanced by counts that decay: the batch function by itself, and a stream of files that fails."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
from pathlib import Path

import pytest
from frames import LABELS, digest, labelled, rows_by_label
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql import functions as F

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler, SparkBalanceError, StreamBalancer, class_counts
from spark_balance.errors import DriftWarning
from spark_balance.frames.decayed import Decayed

START = {"class 0": 600, "class 1": 240, "class 2": 100}
# most batches here are not like those before
pytestmark = pytest.mark.filterwarnings("ignore::spark_balance.errors.DriftWarning")
UNDER = RandomUnderSampler(label_col="label", key_cols="id", exact=False)


def balancer(place, sampler=UNDER, counts=START, **more):
    given = {"write": f"{place}/out", "half_life": 500.0, **more}
    return StreamBalancer(sampler, counts, f"{place}/counts", **given)


def batches(spark, number=3):
    df = labelled(spark, [600, 240, 100]).withColumn("shop", F.col("n") % 2)
    return [df.where(F.col("id") % number == place) for place in range(number)]


def out(spark, place):
    return spark.read.parquet(f"{place}/out")


def written(spark, place):
    # to Sail the values of a partition are text
    return {int(row[0]) for row in out(spark, place).select("batch_id").distinct().collect()}


def held(spark, place, batch):
    rows = spark.read.parquet(f"{place}/counts").where(F.col("batch_id") == batch).collect()
    return {row["label"]: row["decayed_rows"] for row in rows}


@pytest.mark.engines("sail", "connect")  # on classic Spark the last test runs it
def test_a_batch_gets_the_rows_of_the_decayed_counts(spark, tmp_path):
    start = START | {"class 2": 60}
    balance = balancer(tmp_path, counts=start)
    state = {(label,): float(rows) for label, rows in start.items()}
    for number, batch in enumerate(batches(spark, 2)):
        balance(batch, number)
        decayed = Decayed.of(state, class_counts(batch, "label"), 500.0)
        state = dict(zip(decayed.keys, decayed.after, strict=True))
        assert held(spark, tmp_path, number) == {key[0]: rows for key, rows in state.items()}
        made = out(spark, tmp_path).where(F.col("batch_id") == number).drop("batch_id")
        wanted = UNDER.fit_resample(batch, counts={label: round(rows) for (label,), rows in state.items()})
        assert digest(made) == digest(wanted)
        assert 0 < made.count() < batch.count()


def test_a_batch_that_comes_again_gives_the_same_rows_and_counts(spark, tmp_path):
    balance, (first, second, third) = balancer(tmp_path), batches(spark)
    balance(first, 0)
    balance(second, 1)
    rows, counts = digest(out(spark, tmp_path)), held(spark, tmp_path, 1)
    # in other partitions and another order, by a balancer that travelled to the server of Spark Connect
    serializer = CloudPickleSerializer()
    serializer.loads(serializer.dumps(balance))(second.repartition(3, "n").sort(F.desc("id")), 1)
    assert (digest(out(spark, tmp_path)), held(spark, tmp_path, 1)) == (rows, counts)
    balance(third, 2)
    balance(second, 1)  # a checkpoint of before
    assert held(spark, tmp_path, 1) == counts
    balance(third, 2)
    assert digest(out(spark, tmp_path).where("batch_id < 2")) == rows


def test_a_batch_whose_counts_before_are_lost_is_refused(spark, tmp_path):
    balance, (first, second, third) = balancer(tmp_path), batches(spark)
    balance(first, 5)  # a checkpoint that was there before the balancer
    balance(first, 5)
    balance(second, 6)
    for lost in (0, 8):
        with pytest.raises(
            SparkBalanceError, match=f"batch {lost} needs the counts of batch {lost - 1}, .* 5 to 6; give"
        ):
            balance(third, lost)
    assert written(spark, tmp_path) == {5, 6}


def test_a_batch_that_was_counted_with_other_rows_is_refused(spark, tmp_path):
    first, second, _ = batches(spark)
    balancer(tmp_path)(first, 0)
    rows, counts = digest(out(spark, tmp_path)), held(spark, tmp_path, 0)
    other = balancer(tmp_path, write=f"{tmp_path}/other")  # of another stream, and the same label
    sentence = (
        r"batch 0 has other rows than the batch 0 that '.*/counts' has counts of; give .*, remove '.*/counts/slot=0'"
    )
    for batch in (second, first.where("label != 'class 2'"), first.where("id < 0")):
        with pytest.raises(SparkBalanceError, match=sentence):
            other(batch, 0)
    assert (digest(out(spark, tmp_path)), held(spark, tmp_path, 0)) == (rows, counts)
    shutil.rmtree(tmp_path / "counts" / "slot=0")
    other(second, 0)
    # other parameters are a restart, not another balancer
    balancer(tmp_path, UNDER.replace(random_state=5, sampling_strategy="majority"), half_life=9.0)(second, 0)


def test_counts_of_other_columns_are_refused(spark, tmp_path):
    batch = batches(spark)[0].withColumn("text", F.col("label"))
    shops = UNDER.replace(within_cols="shop")
    balancer(tmp_path, shops, class_counts(batch, "label", "shop"))(batch, 0)
    for other in (UNDER, UNDER.replace(label_col="text")):
        by = other.label_col
        with pytest.raises(
            SparkBalanceError, match=f"batch 0 in '.*/counts' was not counted by {by}, as this balancer"
        ):
            balancer(tmp_path, other)(batch, 1)


def test_groups_in_counts_are_those_of_the_column_as_python_writes_them(spark, tmp_path):
    df = labelled(spark, [40, 20]).withColumn("day", F.lit("2026-03-01 12:00:00").cast("timestamp"))
    df = df.withColumn("part", F.lit(0.1).cast("float"))
    noon = dt.datetime(2026, 3, 1, 12)
    start = {(noon, 0.1, "class 0"): 40, (noon, 0.1, "class 1"): 20}
    for _ in range(2):
        balancer(tmp_path, UNDER.replace(within_cols=["day", "part"]), start, half_life=1e9)(df, 0)
    assert held(spark, tmp_path, 0) == pytest.approx({"class 0": 80, "class 1": 40})
    assert spark.read.parquet(f"{tmp_path}/counts").count() == 2


def test_batches_without_a_class_or_without_rows_are_batches(spark, tmp_path):
    balance, batch = balancer(tmp_path, half_life=1e9), batches(spark, 1)[0]
    balance(batch.where("label = 'class 0'"), 0)
    assert held(spark, tmp_path, 0) == pytest.approx({"class 0": 1200, "class 1": 240, "class 2": 100}, rel=1e-5)
    assert 20 < out(spark, tmp_path).count() < 90  # of 600, each by 100 in 1,200
    balance(batch.where("id < 0"), 1)
    assert held(spark, tmp_path, 1) == held(spark, tmp_path, 0)
    table = spark.read.parquet(f"{tmp_path}/counts").where("batch_id = 1")
    assert table.where("psi IS NULL AND share_ratio IS NULL AND rows = 0").count() == 3


def test_a_class_that_counts_do_not_name_stops_the_stream_until_they_do(spark, tmp_path):
    batch, known = batches(spark)[0], {"class 0": 600, "class 1": 240}
    balance = balancer(tmp_path, counts=known)
    balance(batch.where("label != 'class 2'"), 0)
    with pytest.raises(SparkBalanceError, match="batch 1 has 3. rows of class 'class 2', which counts does not name"):
        balance(batch, 1)
    assert held(spark, tmp_path, 1) == {}
    balancer(tmp_path, counts=known | {"class 2": 1})(batch, 1)
    assert held(spark, tmp_path, 1)["class 2"] == rows_by_label(batch)["class 2"]


@pytest.mark.parametrize("label", LABELS)
def test_labels_of_each_type_come_back_from_the_table(spark, tmp_path, label):
    df = labelled(spark, [40, 20], label)
    balance = balancer(tmp_path, counts=class_counts(df, "label"), half_life=1e9)
    balance(df, 0)
    balance(df, 1)
    balance(df, 1)  # its rows are those that it was counted with
    assert held(spark, tmp_path, 1) == pytest.approx({name: 3 * rows for name, rows in rows_by_label(df).items()})
    assert spark.read.parquet(f"{tmp_path}/counts").schema["label"].dataType == df.schema["label"].dataType


def test_groups_are_balanced_by_their_own_counts_and_new_ones_are_welcome(spark, tmp_path):
    sampler = UNDER.replace(within_cols="shop", sampling_strategy="majority")
    batch = batches(spark, 1)[0]
    start = class_counts(batch.where("shop = 0"), "label", "shop")
    balancer(tmp_path, sampler, start, half_life=1e9)(batch, 0)
    table = spark.read.parquet(f"{tmp_path}/counts")
    assert table.where("shop = 0 AND abs(decayed_rows - 2 * rows) < 0.01").count() == 3
    assert table.where("shop = 1 AND decayed_rows = rows").count() == 3
    kept = out(spark, tmp_path).groupBy("shop", "label").count().collect()
    all_of = batch.groupBy("shop", "label").count().collect()
    changed = set(map(tuple, kept)) ^ set(map(tuple, all_of))
    assert {(shop, label) for shop, label, _ in changed} == {(0, "class 0"), (1, "class 0")}


def test_a_ratio_that_is_met_already_keeps_all_rows(spark, tmp_path):
    df = labelled(spark, [100, 60])
    balance = balancer(tmp_path, UNDER.replace(sampling_strategy=0.5), {"class 0": 100, "class 1": 30}, half_life=100)
    balance(df, 0)
    assert digest(out(spark, tmp_path).drop("batch_id")) == digest(df)
    balance(df.where("label = 'class 0'"), 1)
    assert out(spark, tmp_path).where("batch_id = 1").count() < 100


def test_rows_are_repeated_and_weighted_as_the_sampler_says(spark, tmp_path):
    df = labelled(spark, [100, 20])
    over = RandomOverSampler(label_col="label", key_cols="id", exact=False, sampling_strategy=0.6)
    balancer(tmp_path / "over", over, {"class 0": 100, "class 1": 20}, half_life=1e9)(df, 0)
    assert rows_by_label(out(spark, tmp_path / "over")) == {"class 0": 100, "class 1": 60}
    seen = []
    weigh = UNDER.replace(weight_col="weight")
    balance = StreamBalancer(
        weigh,
        {"class 0": 300, "class 1": 20},
        f"{tmp_path}/c",
        lambda frame, number: seen.append((frame, number)),
        half_life=1e9,
    )
    balance(df, 0)
    [(frame, number)] = seen
    assert number == 0
    assert {tuple(row) for row in frame.select("label", "weight").distinct().collect()} == {
        ("class 0", 10.0),
        ("class 1", 1.0),
    }


def test_the_table_holds_the_last_batches_alone(spark, tmp_path):
    balance, batch = balancer(tmp_path, write=lambda frame, number: None), batches(spark, 20)[0]
    for number in range(12):
        balance(batch, number)
    assert len(list((tmp_path / "counts").iterdir())) == 10
    numbers = spark.read.parquet(f"{tmp_path}/counts").select("batch_id").distinct().collect()
    assert {row[0] for row in numbers} == set(range(2, 12))


def test_what_is_no_batch_is_refused(spark, tmp_path):
    balance, batch = balancer(tmp_path), batches(spark)[0]
    for given, sentence in [
        (("data/in", 0), "StreamBalancer: batch is of type builtins.str; give a DataFrame"),
        ((batch, "0"), "StreamBalancer: batch_id='0' is refused"),
        ((batch.withColumn("Batch_ID", F.lit(1)), 0), "the frame has a column 'batch_id', and the folders of"),
    ]:
        with pytest.raises(SparkBalanceError, match=sentence):
            balance(*given)


def test_a_drift_is_logged_and_warned_of(spark, tmp_path, caplog, recwarn):
    balance, batch = balancer(tmp_path), batches(spark, 1)[0]
    with caplog.at_level(logging.INFO, "spark_balance"):
        balance(batch, 0)
        assert not [one for one in recwarn if one.category is DriftWarning]
        with pytest.warns(DriftWarning, match=r"batch 1: class 'class 2' is 54\.\d+% of 184 rows, before 10\.\d+%"):
            balance(batch.where("label = 'class 2' OR id < 84"), 1)
    said = [one.message for one in caplog.records if "psi" in one.message]
    assert said[0] == "StreamBalancer: batch 0: 940 rows, psi 0.0000"
    table = spark.read.parquet(f"{tmp_path}/counts").where("batch_id = 1 AND label = 'class 2'").first()
    assert said[1] == f"StreamBalancer: batch 1: 184 rows, psi {table['psi']:.4f}"
    assert table["psi"] > 1
    assert 5 < table["share_ratio"] < 5.3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sampler": SMOTE(label_col="label", key_cols="id")}, "SMOTE decides about a row by other rows; use Random"),
        ({"sampler": UNDER.replace(exact=True)}, "RandomUnderSampler decides about a row by other rows"),
        ({"sampler": UNDER.replace(sampling_strategy={"class 0": 5})}, "names rows, and the counts of a stream change"),
        ({"sampler": UNDER.replace(label_col="rows")}, "column 'rows' has the name of a column of the table of counts"),
        ({"counts": {"class 0": 5}}, "needs at least 2"),
        ({"counts": {"class 0": -5}}, "StreamBalancer: counts has the entry 'class 0': -5"),
        ({"counts": None}, "StreamBalancer: counts=None is refused"),
        ({"half_life": 0}, "half_life=0 is refused"),
        ({"max_share_ratio": 1.0}, "max_share_ratio=1.0 is refused"),
        ({"write": 3}, "write=3 is refused"),
        ({"sampler": UNDER.replace(label_col="Slot")}, "column 'Slot' has the name of a column of the table of counts"),
        ({"write": "counts/"}, "folder is 'counts' and write 'counts/', and the counts need a folder of their own"),
        ({"write": "counts/rows"}, "name two of which none is in the other"),
        ({"folder": "out/counts"}, "name two of which none is in the other"),
        ({"folder": "out/./counts", "write": f"file://{os.getcwd()}/out/"}, "name two of which none is in the other"),
        ({"folder": "s3a://b/./c", "write": "s3a://b/c/rows"}, "name two of which none is in the other"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_cannot_follow_a_stream_is_refused(given, sentence):
    right = {"sampler": UNDER, "counts": START, "folder": "counts", "write": "out", "half_life": 100.0}
    with pytest.raises(SparkBalanceError, match=sentence):
        StreamBalancer(**right | given)


def test_labels_that_the_column_cannot_hold_and_missing_ones_are_refused(spark, tmp_path):
    df = labelled(spark, [20, 10])
    with pytest.raises(SparkBalanceError, match="counts names 0, which is not a value of column 'label'"):
        balancer(tmp_path, counts={0: 20, 1: 10})(df, 0)
    missing = df.withColumn("label", F.when(F.col("id") > 0, F.col("label")))
    with pytest.raises(SparkBalanceError, match="label column 'label' is NULL or NaN in 1 rows"):
        balancer(tmp_path)(missing, 0)
    balancer(tmp_path, UNDER.replace(null_label="drop"))(missing, 0)
    assert out(spark, tmp_path).where("label IS NULL").count() == 0


class Failing:
    """Write, and fail of one batch: when its rows are written, or when its counts are, too."""

    def __init__(self, place, batch, when):
        self.balance, self.batch, self.when = balancer(place, write=self.write), batch, when
        self.place = place

    def write(self, frame, number):
        frame.write.mode("overwrite").parquet(f"{self.place}/out/batch_id={number}")
        self.fail(number, "rows")

    def __call__(self, batch, number):
        self.balance(batch, number)
        self.fail(number, "counts")

    def fail(self, number, when):
        if (number, when) == (self.batch, self.when):
            raise RuntimeError(f"fails {when}")


def read_on(spark, schema, place, each):
    """Read what is new, two files at a time, and return what stopped the stream."""
    stream = spark.readStream.schema(schema).option("maxFilesPerTrigger", 2).parquet(f"{place.parent}/in")
    query = stream.writeStream.foreachBatch(each).option("checkpointLocation", f"{place}/checkpoint")
    running = query.trigger(availableNow=True).start()
    try:
        running.awaitTermination(120)
    except Exception as failed:
        return str(failed)
    return None


@pytest.mark.engines("spark")
def test_a_stream_of_files_that_fails_and_goes_on_gives_what_one_in_peace_gives(spark, tmp_path):
    for number, batch in enumerate(batches(spark)):
        batch.coalesce(1).write.mode("append").parquet(f"{tmp_path}/in")
        for file in Path(tmp_path / "in").glob("*.parquet"):
            if file.stat().st_mtime > 1_000:
                os.utime(file, (number, number))  # files come in the order of their times
    schema = batch.schema
    peace, trouble = tmp_path / "peace", tmp_path / "trouble"
    assert read_on(spark, schema, peace, balancer(peace)) is None
    for batch, when in [(0, "rows"), (1, "counts")]:
        assert f"fails {when}" in read_on(spark, schema, trouble, Failing(trouble, batch, when))
    assert read_on(spark, schema, trouble, Failing(trouble, None, "never")) is None
    assert digest(out(spark, trouble)) == digest(out(spark, peace))
    rows = out(spark, trouble).select("batch_id", "id").collect()
    assert {row[0] for row in rows} == {0, 1}
    assert len({row[1] for row in rows}) == len(rows)
    assert [held(spark, trouble, number) for number in (0, 1)] == [held(spark, peace, number) for number in (0, 1)]
