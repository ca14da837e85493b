"""The command for streams: files that arrive, starts that go on, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from frames import digest, labelled, rows_by_label
from pyspark.sql import functions as F

from spark_balance import RandomUnderSampler, StreamBalancer
from spark_balance.app.storage import Sink
from spark_balance.app.storage.local_files import held
from spark_balance.app.storage.streams import Begun, StreamState, put_batch, settled

START = {"class 0": 600, "class 1": 240, "class 2": 100}
UNDER = RandomUnderSampler(label_col="label", key_cols="id", exact=False)
TOML = """
[input]
path = "in"

[sampler.random_under]
label_col = "label"
key_cols = ["id"]
exact = false

[stream]
state = "state"
counts = [{label = "class 0", rows = 600}, {label = "class 1", rows = 240}, {label = "class 2", rows = 100}]

[output]
path = "out"
"""


@pytest.fixture
def job(spark, cli, tmp_path, monkeypatch):
    """Return a function that starts the stream with keys set, where 313 rows have arrived."""
    monkeypatch.chdir(tmp_path)
    Path("job.toml").write_text(TOML)
    arrive(spark, 0)
    return lambda *keys: cli("stream", "job.toml", *[word for key in keys for word in ("--set", key)])


def whole(path):
    return str(Path(path).resolve())  # the JVM does not follow monkeypatch.chdir


def part(spark, number):
    return labelled(spark, [600, 240, 100]).where(F.col("id") % 3 == number)


def arrive(spark, number):
    part(spark, number).coalesce(1).write.mode("append").parquet(whole("in"))


def batches_of(said):
    return json.loads(said)["batches"]


@pytest.mark.engines("spark")
def test_shares_that_follow_go_on_after_each_start(spark, job, cli, tmp_path):
    following = ("stream.half_life=500", "stream.max_share_ratio=1.01")
    balance = StreamBalancer(UNDER, START, f"{tmp_path}/c", f"{tmp_path}/wanted", half_life=500.0)
    for number in (0, 1):
        if number:
            arrive(spark, number)
        balance(part(spark, number), number)
        words = [word for key in following for word in ("--set", key)]
        code, said, told = cli("stream", "job.toml", "--json", *words)
        assert code == 0
        assert f"batch {number}: written" in told
        [batch] = batches_of(said)
        assert (batch["batch"], batch["rows"]) == (number, part(spark, number).count())
        assert 0 <= batch["psi"] < 0.01
    assert digest(spark.read.parquet(whole("out"))) == digest(spark.read.parquet(whole("wanted")))
    code, _, told = job()
    assert (code, "out exists, and it was begun with half_life; choose" in told) == (2, True)


@pytest.mark.engines("spark", "connect")
def test_shares_that_stay_keep_the_rows_of_the_table(spark, job):
    code, said, told = job()
    assert (code, "shares" in said) == (0, False)
    arrive(spark, 1)
    code, said, told = job(
        "output.path=other", "stream.state=of_other", "input.where=n % 5 != 3", "input.columns=['label', 'id']"
    )
    kept, all_rows = spark.read.parquet(whole("other")), spark.read.parquet(whole("in"))
    arrived = all_rows.where("n % 5 != 3").select("label", "id")
    wanted = UNDER.fit_resample(arrived, counts=START)
    assert digest(kept) == digest(wanted)
    rows, written = all_rows.count(), wanted.count()
    assert f"batch 0: {rows} rows read, {written} written" in told
    assert f"│ 0     │  {rows} │     {written} │" in said
    job()  # the first one goes on with what has arrived since
    assert digest(spark.read.parquet(whole("out"))) == digest(UNDER.fit_resample(all_rows, counts=START))
    code, said, _ = job()
    assert (code, "nothing new has arrived since the last start" in said) == (0, True)


@pytest.mark.engines("spark")
def test_a_table_of_the_past_gives_the_counts(spark, job, cli):
    labelled(spark, [300, 120, 50]).write.parquet(whole("before"))
    Path("job.toml").write_text(TOML.split("counts =")[0] + '[stream.past]\npath = "before"\n[output]\npath = "out"\n')
    code, said, _ = cli("stream", "job.toml", "--dry-run", "--json")
    assert code == 0
    assert {one["label"]: one["before"] for one in json.loads(said)["plan"]["classes"]} == {
        "class 0": 300,
        "class 1": 120,
        "class 2": 50,
    }
    assert sorted(path.name for path in Path().iterdir()) == ["before", "in", "job.toml"]


@pytest.mark.engines("spark")
def test_a_class_that_counts_do_not_name_ends_it_and_a_start_with_it_goes_on(spark, job):
    known = 'stream.counts=[{label = "class 0", rows = 600}, {label = "class 1", rows = 240}]'
    for way, sentence in [
        ("stream.half_life=500", "batch 0 has 3. rows of class 'class 2', which counts does not name"),
        ("input.format=parquet", "label has a row of class 'class 2', which is not in the counts given"),
    ]:
        places = (f"output.path={way}", f"stream.state={way}_state")
        code, _, told = job(way, known, *places)
        assert code == 2
        assert re.search(f"^spark-balance: .*{sentence}", told.splitlines()[-1])
        code, _, _ = job(way, *places)
        assert code == 0
        assert rows_by_label(spark.read.parquet(whole(way)))["class 2"] == rows_by_label(part(spark, 0))["class 2"]


@pytest.mark.engines("spark")
def test_a_start_that_would_part_or_lose_what_was_written_is_refused(spark, job):
    assert job()[0] == 0
    parted = "stream: parquet out was begun with other columns, types or partitions"
    for key, sentence in [
        ("output.path=other", "stream: parquet other is not there, and state 'state' goes on after the first batch"),
        ("output.partition_by=['label']", f"{parted} (label string, label string as folder 1)"),
        ("sampler.random_under.weight_col=w", f"{parted} (w double)"),
        ("input.columns=['id', 'label']", f"{parted} (n int, x double, y double)"),
    ]:
        code, _, told = job(key)
        assert (code, sentence in told) == (2, True), told
    arrive(spark, 1)
    with held(Path("state")):
        code, _, told = job()
    assert (code, "another start goes on from state 'state' at this moment" in told) == (2, True)
    assert job("output.path=./out/")[0] == 0
    assert digest(spark.read.parquet(whole("out"))) == digest(
        UNDER.fit_resample(spark.read.parquet(whole("in")), counts=START)
    )
    shutil.rmtree("state/checkpoint")
    code, _, told = job()
    assert (code, "out exists, and the stream of state 'state' did not write it" in told) == (2, True)


@pytest.mark.engines("spark")
def test_a_row_without_a_label_stops_a_stream_that_may_have_none(spark, job):
    part(spark, 0).withColumn("label", F.lit(None).cast("string")).limit(1).write.mode("append").parquet(whole("in"))
    code, _, told = job()
    assert code == 2
    assert told.splitlines()[-1] == (
        "spark-balance: RandomUnderSampler: label column 'label' is NULL or NaN in a row; filter such rows, or set "
        "null_label to 'keep' or 'drop'"
    )
    assert job("sampler.random_under.null_label=keep")[0] == 0
    kept = spark.read.parquet(whole("out"))
    assert kept.where("label IS NULL").count() == 1


@pytest.mark.engines("spark")
def test_a_batch_that_comes_again_is_in_a_delta_table_once(spark, tmp_path):
    rows, sink = part(spark, 0), Sink(path=f"{tmp_path}/out", format="delta")
    for stream, batch, times in [("one", 0, 1), ("one", 0, 1), ("one", 1, 2), ("other", 0, 3)]:
        put_batch(sink, stream, rows, batch)
        assert spark.read.format("delta").load(sink.path).count() == times * rows.count()
    by_label = Sink(path=f"{tmp_path}/out", format="delta", partition_by=("label",))
    assert settled(spark, by_label).partition_by == ()  # those of the table
    new = by_label.model_copy(update={"path": f"{tmp_path}/new"})
    assert settled(spark, new) == new


@pytest.mark.engines("sail")
def test_the_id_of_a_stream_stays_and_what_it_writes_is_noted(spark, tmp_path):
    state, out, other = StreamState(f"{tmp_path}/state"), Begun("follow", "out", "id int"), Begun("stay", "b", "id int")
    assert state.begun(spark) is None
    made = state.begin(spark, out)
    assert state.begun(spark) is None  # no query has begun
    Path(state.checkpoint).mkdir()
    assert state.begun(spark) == (made, out)
    assert state.begin(spark, out) == state.begin(spark, other) == made
    assert state.begun(spark) == (made, other)
    assert StreamState(f"{tmp_path}/new").begin(spark, out) != made


@pytest.mark.engines("sail")
def test_an_output_is_known_however_it_is_spelled(spark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    schema = spark.createDataFrame([], "b int, a string").schema

    def begun(**sink):
        return Begun.of(spark, "stay", Sink(**sink), schema)

    for spelled in ("out/", "./out", f"{tmp_path}/out", f"file://{tmp_path}/out/", "in/../out"):
        assert begun(path=spelled) == begun(path="out")
    assert begun(path="out").columns == "a string\nb int"
    assert begun(path="out", format="csv").columns == "b int\na string"
    assert begun(path="out", partition_by=("b",)).columns == "a string\nb int as folder 1"
    assert begun(path="out", format="csv").output != begun(path="out").output != begun(path="other").output


@pytest.mark.engines("spark")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (["output.path=in"], "stream: parquet in exists, and the stream of state 'state' did not write it; choose"),
        (["output.path=in/out"], "output: path 'in/out' overlaps the input 'in'"),
        (["stream.state=in/state"], "stream: state 'in/state' overlaps the input 'in'; give it a folder of its own"),
        (["stream.state=out"], "stream: state 'out' overlaps the output 'out'"),
        (["output.mode=append"], "stream: output.mode is for a job on a table; a stream has format, path, table"),
        (["output.partition_by=['nope']"], "partition_by"),
        (["sampler.random_under.exact=true"], "RandomUnderSampler: the frame is a stream; resample each batch"),
        (["sampler.random_under.label_col=nope"], "label_col"),
        (["stream.counts=[{label=5, rows=3},{label=6, rows=3}]"], "counts names 5, which is not a value of column"),
        (["input.path=job.toml", "input.format=csv"], "input: path 'job.toml' is not a folder; name the one that"),
        (["input.version=3"], "input: version and timestamp are one state of a table, and a stream reads on"),
        (["stream.state=job.toml"], "stream: state 'job.toml' is a file; name a folder"),
        (["stream.state=job.toml/state"], "stream: state 'job.toml/state' cannot be made, "),
        (["sampler.random_under.within_cols=['n']"], "stream: counts names classes alone, and within_cols names n"),
        (["stream.half_life=9", "input.schema='id int, label string, Batch_ID int'"],
         "output: the frame has a column 'batch_id', and the folders of 'out' would have its name"),
        (["stream.half_life=9", "sampler.random_under.label_col=batch_id", "input.schema='id int, batch_id string'"],
         "column 'batch_id' has the name of a column of the table of counts"),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)  # fmt: skip
def test_what_no_stream_can_be_is_refused_before_it_begins(job, keys, sentence):
    code, said, told = job(*keys)
    assert (code, said) == (2, "")
    assert sentence in told
    assert sorted(path.name for path in Path().iterdir()) == ["in", "job.toml"]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (["stream.every=soon"], "every='soon' is not a number of seconds, minutes, hours or days; give '10 minutes'"),
        (["stream.past.path=x"], "config: stream: give exactly one of counts and [stream.past]"),
        (["stream.counts=3"], "config: stream: counts=3 is not a list of {label = ..., rows = ...}"),
        (["stream.max_share_ratio=3"], "max_share_ratio is for shares that follow the stream; give half_life"),
        (["stream.half_life=0"], "config: stream.half_life=0"),
        (["run.tasks=3"], "config: unknown key 'run'"),
        (["stream={}"], "config: the table [stream] is missing; a stream has input, sampler, stream, output"),
        ([], "input: engine sail streams no files; use engine spark"),
    ],
    ids=lambda given: given[0] if isinstance(given, list) and given else "",
)
@pytest.mark.engines("sail")
def test_a_file_that_says_no_stream_is_refused(job, keys, sentence):
    code, _, told = job(*keys)
    assert code == 2
    assert sentence in told


@pytest.mark.engines("spark")
def test_the_configuration_of_the_page_runs(spark, cli, flights, tmp_path):
    config = Path(__file__).parents[2] / "conf" / "streams" / "flights.toml"
    places = {"input.path": flights, "output.path": tmp_path / "out", "stream.state": tmp_path / "state"}
    code, said, _ = cli(
        "stream", config, *[word for key, place in places.items() for word in ("--set", f"{key}={place}")]
    )
    assert (code, "written: 2 batches" in said) == (0, True)
    late, others = (
        spark.read.parquet(f"{tmp_path}/out").where(F.col("late") == is_late).count() for is_late in (True, False)
    )
    assert late == 60
    assert 20 < others < 80  # of 520, by 27,000 in 300,000 and what the batch adds
