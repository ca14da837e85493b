"""``--report out.html``: what the page tells is what happened, and it is there only when the run succeeded."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from frames import digest
from pyspark.sql import functions as F
from reported import EVIL

from spark_balance import SMOTE, ClusterCentroids, RandomOverSampler, RandomUnderSampler, resampling_report
from spark_balance.app import job
from spark_balance.report.made_of import made_of
from spark_balance.report.resampling import draw_sample

LABEL = "it is <script>"


@pytest.fixture
def table(tmp_path):
    """Return the path of 400 rows of one class and 40 of another, under names that a page must escape."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({LABEL: [EVIL] * 40 + ["ok"] * 400, "<b>x": rng.normal(size=440), "y": rng.normal(size=440)})
    rows["note"] = np.where(np.arange(440) % 3, "a", "<i>b")
    path = tmp_path / "rows.parquet"
    rows.to_parquet(path, index=False)
    return path


@pytest.fixture
def run(cli, table, tmp_path):
    """Return a function that runs a command with a report."""

    def smote(*sets, command="smote", report=None):
        config = tmp_path / "job.toml"
        config.write_text(
            f'input.path = "{table}"\noutput.path = "{tmp_path / "out"}"\n[sampler.smote]\n'
            f'label_col = "{LABEL}"\nrandom_state = 7\n'
        )
        words = [word for each in sets for word in ("--set", each)]
        return cli(command, config, "--json", "--report", report or tmp_path / "out.html", *words)

    return smote


def cells(page, name):
    """Return the cells of the row of that name, in the table of what rows are made of."""
    section = page[page.index('id="rows"') : page.index('id="neighbors"')]
    row = re.search(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', section)[1]
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall("<td>(.*?)</td>", row)]


# Connect has the client of Sail and the engine of Spark
@pytest.mark.engines("sail", "spark")
def test_the_page_tells_what_the_run_did(run, tmp_path):
    code, out, err = run()
    assert (code, err) == (0, "")
    said = json.loads(out)
    page = (tmp_path / "out.html").read_text()
    assert said["report"] == str(tmp_path / "out.html")
    assert said["seconds"]["report"] > 0
    assert json.loads((tmp_path / "out.manifest.json").read_text())["report"] == said["report"]
    assert "<script" not in page
    assert "<i>b" not in page
    assert "&lt;b&gt;x" in page
    # rows before, kept, removed, added, copies among them, and about how many were different
    *few, different = cells(page, "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;")
    assert few == ["40", "40", "0", "360", "0.0%"]
    assert 36 <= int(different) <= 40
    assert cells(page, "ok")[:-1] == ["400", "400", "0", "0", "-"]
    assert "a row before" in page
    assert "has 40 rows; they say little" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("job.toml", "out", "out.html", "out.manifest.json", "rows.parquet")
    ]


@pytest.mark.engines("sail")
def test_the_page_shows_new_rows_if_the_command_asks_for_them(cli, run, tmp_path):
    code, _, err = run("sampler.smote.provenance_col=made_from")
    assert (code, err) == (0, "")
    assert "New rows beside" not in (tmp_path / "out.html").read_text()
    words = ["--set", "output.mode=overwrite", "--report", tmp_path / "more.html", "--report-rows", "4"]
    code, _, err = cli("smote", tmp_path / "job.toml", *words)
    assert (code, "set provenance_col of SMOTE" in err) == (2, True)
    code, _, err = cli("smote", tmp_path / "job.toml", *words, "--provenance", "made_from")
    assert code == 0
    assert (tmp_path / "more.html").read_text().count('<tr class="new">') == 4
    code, _, err = cli("smote", tmp_path / "job.toml", "--report-rows", "4")
    assert (code, "--report-rows=4 is for the page of --report" in err) == (2, True)


def test_without_a_report_the_output_is_the_same_and_nothing_more_runs(spark, run, cli, tmp_path):
    run()
    with_page = digest(spark.read.parquet(str(tmp_path / "out")))
    code, out, _ = cli("smote", tmp_path / "job.toml", "--json", "--set", "output.mode=overwrite")
    assert (code, json.loads(out)["report"], "report" in json.loads(out)["seconds"]) == (0, None, False)
    assert digest(spark.read.parquet(str(tmp_path / "out"))) == with_page


@pytest.mark.parametrize(
    ("report", "sets", "command", "sentence"),
    [
        ("s3://bucket/out.html", [], "smote", "is not a local file"),
        ("{tmp}/out.txt", [], "smote", "does not end in .html"),
        ("{tmp}/a.html", [], "smote", "is a folder"),
        ("{tmp}/job.toml/x.html", [], "smote", "is a file; choose another"),
        ("{tmp}/out/x.html", [], "smote", "overlaps the output"),
        ("{tmp}/m.html", ["output.manifest={tmp}/m.html"], "smote", "overlaps the manifest"),
        ("{tmp}/rows.parquet/x.html", [], "smote", "report: file"),
        ("{tmp}/x.html", [], "describe", "spark-balance describe: no such option: --report"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_runs(run, tmp_path, report, sets, command, sentence):
    (tmp_path / "a.html").mkdir()
    there = [one.format(tmp=tmp_path) for one in (report, *sets)]
    code, out, err = run(*there[1:], command=command, report=there[0])
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_what_has_no_rows_to_show_is_refused(cli, table, tmp_path):
    config = tmp_path / "job.toml"
    config.write_text(
        f'input.path = "{table}"\noutput.path = "{tmp_path / "out"}"\n[sampler.tomek_links]\n'
        f'label_col = "{LABEL}"\noutput = "removed_keys"\nkey_cols = ["y"]\nfeature_cols = ["<b>x"]\n'
    )
    code, _, err = cli("balance", config, "--report", tmp_path / "x.html")
    assert (code, "output='removed_keys' of TomekLinks returns no rows" in err) == (2, True)
    code, _, err = cli("balance", config, "--dry-run", "--report", tmp_path / "x.html")
    assert (code, "--dry-run writes none" in err) == (2, True)


def test_a_run_that_fails_at_its_end_leaves_the_old_page_and_nothing_else(run, tmp_path, monkeypatch):
    old = '<meta name="generator" content="spark-balance">old'
    (tmp_path / "out.html").write_text(old)
    kept = job.staged_text

    def taken(place, text):
        # somebody else wrote the output while the page was made
        (tmp_path / "out").mkdir()
        return kept(place, text)

    monkeypatch.setattr(job, "staged_text", taken)
    code, _, err = run()
    assert (code, "was made or changed during the run" in err) == (2, True)
    assert (tmp_path / "out.html").read_text() == old
    assert not [path for path in tmp_path.iterdir() if "staging" in path.name]


def made(spark, sampler, rows):
    before = spark.createDataFrame(rows)
    done = sampler.resample(before)
    return before, done, draw_sample(before, done.frame, sampler, done.plan)


def numbers(n, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"y": ["few"] * (n // 10) + ["many"] * (n - n // 10), "x": rng.normal(size=n)})


def added_of(sample):
    return {label: int(sample.after.added[sample.after.code == i].sum()) for i, label in enumerate(sample.labels)}


def test_rows_that_were_made_or_copied_are_told_from_those_that_were_there(spark):
    rows = numbers(200)
    rows.loc[5, "x"] = rows.loc[4, "x"]  # twins that are no copies
    _, _, sample = made(spark, SMOTE(label_col="y"), rows)
    assert added_of(sample) == {"few": 160, "many": 0}
    assert int(sample.before.times.sum()) == 200
    # between equal rows lie their copies alone
    truly = np.isin(sample.after.numbers[:, 0], sample.before.numbers[:, 0])
    assert np.array_equal(sample.after.copy, truly)
    # told by the provenance column as by looking rows up
    _, _, told = made(spark, SMOTE(label_col="y", provenance_col="p"), rows)
    assert np.array_equal(told.after.added > 0, sample.after.added > 0)
    _, _, only = made(spark, SMOTE(label_col="y", output="added"), rows)
    assert added_of(only) == {"few": 160, "many": 0}
    _, _, copies = made(spark, RandomOverSampler(label_col="y"), rows)
    assert added_of(copies) == {"few": 160, "many": 0}
    assert copies.after.copy.all()
    # a weight that was there is another after, in the same rows
    _, _, fewer = made(spark, RandomUnderSampler(label_col="y", weight_col="w"), rows.assign(w=1.0))
    assert added_of(fewer) == {"few": 0, "many": 0}
    _, _, centroids = made(spark, ClusterCentroids(label_col="y"), rows)
    assert added_of(centroids)["many"] >= 15


def test_a_table_of_a_few_different_rows_is_sampled_whole_and_a_large_one_is_bounded(spark, monkeypatch):
    from spark_balance.report import paired_sample as plan

    monkeypatch.setattr(plan, "PER_CLASS", 500)
    rows = numbers(20_000)
    rows["x"] = np.arange(20_000) % 4
    _, _, sample = made(spark, RandomOverSampler(label_col="y"), rows)
    # 2 classes of 4 values, whose counts are all there
    assert len(sample.before.code) == len(sample.after.code) == 8
    assert int(sample.after.times.sum()) == 36_000
    assert added_of(sample) == {"few": 16_000, "many": 0}
    _, _, sample = made(spark, RandomUnderSampler(label_col="y"), numbers(20_000))
    for side in (sample.before, sample.after):
        assert 800 < len(side.code) < 1_300


def test_columns_without_values_or_of_other_kinds_are_shown_as_they_are(spark):
    rows = numbers(100)
    rows["v"] = [[float(i), 1.0] for i in range(100)]
    rows["hole"] = np.where(np.arange(100) % 2, np.nan, 1.0)
    rows["c"] = np.where(np.arange(100) % 2, None, "b")
    sampler = RandomUnderSampler(label_col="y")
    before, done, sample = made(spark, sampler, rows)
    assert sample.numbers == ("x", "hole")
    assert sample.categories == ("c",)
    page = resampling_report(before, done, sampler)
    assert "50.0%" in page
    assert "NULL" in page
    smote = SMOTE(label_col="y", feature_cols=["x", "v"])
    before, done, sample = made(spark, smote, rows)
    assert sample.numbers == ("x", "v[0]", "v[1]")
    assert np.isfinite(sample.after.numbers).all()
    # a notebook shows the page in a frame of its own
    page = resampling_report(before, done, smote, seconds={"all of it": 2.0})
    assert page.startswith("<!DOCTYPE html>")
    assert "v[1]" in page
    assert "all of it" in page
    assert "sandbox" in page._repr_html_()
    assert "hole, c" in page
    texts = rows[["y", "c"]]
    before, done, sample = made(spark, RandomOverSampler(label_col="y"), texts)
    assert added_of(sample) == {"few": 80, "many": 0}
    assert 'id="projection"' not in resampling_report(before, done, RandomOverSampler(label_col="y"))


def test_missing_values_are_counted_in_all_rows_of_each_class(spark):
    rows = numbers(200).assign(hole=np.where(np.arange(200) % 4, 1.0, np.nan), text="a", whole=1)
    before, done, sample = made(spark, SMOTE(label_col="y", feature_cols=["x"]), rows)
    shown = {one.name: (one.before, one.after) for one in sample.missing}
    # 20 rows became 180: what is not a feature is NULL in the 160 new ones
    assert shown == {"hole": ((5, 45), (165, 45)), "text": ((0, 0), (160, 0)), "whole": ((0, 0), (160, 0))}
    nan = before.withColumn("hole", F.coalesce("hole", F.lit(float("nan"))))
    sampler = SMOTE(label_col="y", feature_cols=["x"], passthrough="base")
    assert draw_sample(nan, sampler.fit_resample(nan), sampler, done.plan).missing[0].before == (5, 45)
    page = resampling_report(before, done, SMOTE(label_col="y", feature_cols=["x"]))
    row = re.search(r'<th scope="row">text</th>(.*?)</tr>', page[page.index('id="missing"') :])[1]
    assert re.findall("<td>(.*?)</td>", row) == ["0.0%", "44.4%", "few", "0.0%", "88.9%"]


@pytest.mark.parametrize("key", [None, ["day", "n"]])
def test_new_rows_are_shown_beside_their_bases_if_asked(spark, key):
    rows = numbers(100)
    rows["n"], rows["day"] = np.arange(100), pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(100), unit="h")
    sampler = SMOTE(label_col="y", feature_cols=["x"], key_cols=key, provenance_col="p")
    before, done, _ = made(spark, sampler, rows)
    assert "New rows beside" not in resampling_report(before, done, sampler)
    shown = made_of(before, done.frame, sampler, 10)
    assert shown.columns == ("row", "way to the neighbor", "y", "x", "n", "day")
    assert (len(shown.rows), shown.more_columns) == (30, 0)
    for number, lines in enumerate(zip(*[iter(shown.rows)] * 3, strict=True), 1):
        assert [line[0] for line in lines] == [f"new row {number}", "base", "neighbor"]
        assert {line[2] for line in lines} == {"few"}
        gap = float(lines[0][1].rstrip("%")) / 100
        values = [float(line[3]) for line in lines]
        away = abs(values[2] - values[1])
        assert values[0] == pytest.approx(values[1] + gap * (values[2] - values[1]), abs=0.006 * away + 1e-5)
    page = resampling_report(before, done, sampler, new_rows=10)
    assert page.count('<tr class="new">') == 10
    # what names no base cannot be shown beside it
    plain = sampler.replace(provenance_col=None)
    with pytest.raises(ValueError, match=r"new_rows=10 shows .* set provenance_col of SMOTE"):
        resampling_report(before, plain.resample(before), plain, new_rows=10)
    with pytest.raises(ValueError, match="new_rows=-1 is negative"):
        resampling_report(before, done, sampler, new_rows=-1)


def test_nothing_to_add_and_groups_are_told_too(spark):
    rows = pd.DataFrame({"y": ["a", "b"] * 10, "day": ["mon"] * 10 + ["tue"] * 10, "x": np.arange(20.0)})
    sampler = SMOTE(label_col="y", output="added")
    before, done, sample = made(spark, sampler, rows)
    assert len(sample.after.code) == 0
    assert "Class shares" in resampling_report(before, done, sampler)
    grouped = RandomUnderSampler(label_col="y", within_cols="day", sampling_strategy={"a": 2})
    before, done, sample = made(spark, grouped, rows)
    assert int(sample.after.times.sum()) == 14
    assert '<th scope="row">tue</th><td>a</td><td>5</td><td>2</td>' in resampling_report(before, done, grouped)


def test_a_result_of_other_rows_is_refused(spark):
    sampler = RandomOverSampler(label_col="y")
    before, done, _ = made(spark, sampler, numbers(50))
    with pytest.raises(ValueError, match="after has no column 'x'"):
        resampling_report(before, done, sampler, after=before.drop("x"))
    with pytest.raises(ValueError, match="the label 'y' is int after"):
        resampling_report(before, done, sampler, after=before.selectExpr("1 as y", "x"))
