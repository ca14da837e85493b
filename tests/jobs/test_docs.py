"""The pages: their Python runs as it is printed, on a few flights."""

from __future__ import annotations

import re
import shlex
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import tomli
from frames import digest
from modules import module_of
from threadpoolctl import threadpool_limits

from spark_balance.app.config import JobConfig
from spark_balance.app.stream_job import StreamConfig

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
BLOCK = re.compile(
    r"(?:<!-- needs: (?P<needs>[^>]*) -->\n)?```python\n(?P<code>.*?)```(?:\n\n```text\n(?P<prints>.*?)```)?", re.DOTALL
)
STREAM = "files as a stream"


def run(page, spark, flights, folder, monkeypatch, needs=()):
    """Run the blocks of a page one after the other; those that need something else have to be right Python."""
    monkeypatch.setattr("spark_balance.open_session", lambda: spark)
    monkeypatch.chdir(folder)
    names = {"spark": spark}
    ran = 0
    for block in BLOCK.finditer((ROOT / "docs" / page).read_text()):
        code = block["code"].replace('"data/flights"', f'"{flights}"').replace('"data/', f'"{folder}/')
        code = compile(code, page, "exec")
        if block["needs"] is None or block["needs"] in needs:
            said = StringIO()
            # threads of OpenMP that wait for each other where the tests of other engines run spin for long
            with redirect_stdout(said), threadpool_limits(1, "openmp"):
                exec(code, names)
            if block["prints"] is not None:
                assert_prints(said.getvalue(), block["prints"])
            ran += 1
    return names, ran


def assert_prints(said, printed):
    """Compare what a block prints with what the page says: the same words, and numbers that are nearly equal."""
    number = re.compile(r"\d[\d,]*\.?\d*")
    assert number.sub("#", said).split() == number.sub("#", printed).split(), said
    for one, other in zip(number.findall(said), number.findall(printed), strict=True):
        one, other = (float(text.replace(",", "")) for text in (one, other))
        # what a classifier of scikit-learn says differs in its last digits between machines; counts do not
        assert one == other if other >= 100 else one == pytest.approx(other, rel=0.1), said


@pytest.mark.parametrize(
    ("page", "blocks"),
    [
        ("index.md", 1),
        ("quickstart.md", 6),
        ("methods.md", 4),
        ("multilabel.md", 3),
        ("spark-submit.md", 1),
        ("databricks.md", 1),
        ("etl.md", 2),
        ("streams.md", 1),
        ("imbalanced-learn.md", 1),
        ("spark-ml.md", 10),
        ("tutorial.md", 8),
        ("regression.md", 2),
        ("trust.md", 1),
        ("privacy.md", 2),
        ("when-to-resample.md", 1),
        ("windows.md", 2),
    ],
)
def test_a_page_does_what_it_shows(spark, flights, tmp_path, monkeypatch, page, blocks):
    assert run(page, spark, flights, tmp_path, monkeypatch)[1] == blocks


@pytest.mark.engines("spark")
def test_the_snippet_of_weights_is_what_spark_ml_takes(spark):
    from pyspark.sql import functions as F

    from spark_balance.datasets import payments

    page = (ROOT / "docs" / "spark-ml.md").read_text()
    [code] = [block["code"] for block in BLOCK.finditer(page) if block["needs"] == "pyspark.ml"]
    names = {"F": F, "df": payments(1_000, spark=spark)}
    exec(compile(code, "spark-ml.md", "exec"), names)
    assert names["model"].coefficients.size == 2


SHOWN = re.compile(r"```python\n(?P<code>.*?)```\n\n```\n(?P<printed>.*?)```", re.DOTALL)


@pytest.mark.usefixtures("spark")
def test_the_readme_prints_what_it_shows(capsys):
    page = (ROOT / "README.md").read_text()
    blocks = list(SHOWN.finditer(page))
    assert len(blocks) == page.count("```python") == 2
    for block in blocks:
        exec(compile(block["code"], "README.md", "exec"), {})
        assert capsys.readouterr().out == block["printed"]


@pytest.mark.usefixtures("spark")
def test_the_job_of_the_readme_ends_as_it_shows(cli, tmp_path, monkeypatch):
    section = (ROOT / "README.md").read_text().split("\n## One job\n")[1].split("\n## ")[0]
    commands, printed = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    make, job = map(shlex.split, commands.replace("\\\n", " ").splitlines())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    exec(make[-1], {})
    code, out, err = cli(*job[1:])
    assert code == 0, err
    # a title is padded to the width of its table
    assert printed in re.sub(r" +\n", "\n", out)
    assert (tmp_path / "report.html").exists()


@pytest.mark.usefixtures("spark")
def test_the_records_that_come_back_are_as_many_as_the_page_of_privacy_says():
    recover = module_of(ROOT / "scripts" / "recover.py")
    page = " ".join((ROOT / "docs" / "privacy.md").read_text().split())
    for growth, k in recover.SETTINGS[2::4]:
        assert recover.line_of(growth, k) in page
    one, mean = recover.smoothed(10)
    assert f"are {one:.2f} standard deviations away" in page
    assert f"takes their mean, which is {mean:.2f} away" in page


def test_the_readme_is_short_with_code_first_and_numbers_that_were_measured():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    assert lines.index("```python") < 35
    measured = (ROOT / "docs" / "benchmarks.md").read_text()
    section = "\n".join(lines).split("\n## Speed\n")[1]
    numbers = re.findall(r"\d+\.\d\d\b", section)
    assert len(numbers) >= 4
    assert [number for number in numbers if f" {number} " not in measured] == []
    worse, treatments, better = re.search(
        r"(\d+) of (\d+) treatments ranked .* and (\d+) ranked", " ".join(lines)
    ).groups()
    studied = " ".join((ROOT / "docs" / "when-to-resample.md").read_text().split())
    assert f"Of {treatments} treatments (by table and classifier) {worse} rank worse" in studied
    assert f"and {better} better" in studied


def test_the_model_of_dbt_balances_what_it_refers_to(spark, flights, tmp_path, monkeypatch):
    class Project:
        def config(self, **given):
            assert given["materialized"] == "table"

        def ref(self, name):
            return {"flights": spark.read.parquet(str(flights))}[name]

    names, ran = run("etl.md", spark, flights, tmp_path, monkeypatch, needs=["dbt"])
    assert ran == 3
    names["model"](Project(), spark).createOrReplaceTempView("balanced")
    [query] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "etl.md").read_text(), re.DOTALL)
    query = re.sub(r"{{ *ref\('\w+'\) *}}", "balanced", query)
    assert spark.sql(query).count() == 0
    unbalanced = query.replace("balanced", "(SELECT * FROM balanced UNION ALL SELECT * FROM balanced WHERE late)")
    assert spark.sql(unbalanced).count() > 0


@pytest.mark.engines("spark")
def test_streams_keep_what_the_page_says(spark, flights, tmp_path, monkeypatch):
    names, ran = run("streams.md", spark, flights, tmp_path, monkeypatch, needs=[STREAM])
    assert ran == 6
    wanted = digest(names["each"].fit_resample(names["flights"], counts=names["counts"]))
    assert digest(spark.read.parquet(f"{tmp_path}/flights_stream")) == wanted
    by_batch = spark.read.parquet(f"{tmp_path}/flights_batches").groupBy("late").count().collect()
    assert {row["count"] for row in by_batch} == {60}
    # the batch has the shares that the counts have, so they stay what they are
    assert digest(spark.read.parquet(f"{tmp_path}/flights_followed").drop("batch_id")) == wanted
    for _ in range(2):
        names["balance"](names["flights"], 0)
    assert digest(spark.read.format("delta").load(f"{tmp_path}/flights_delta")) == wanted


@pytest.mark.engines("sail")
def test_the_picture_is_what_runs_make(spark):
    picture = module_of(ROOT / "scripts" / "picture.py")
    late = 28_317  # of the demo's flights
    counts = {False: 299_029, True: late}, {False: 299_029, True: 299_029}
    drawn = picture.draw(*counts, *(picture.grown(spark, how) for how in ("partition", "cells")))
    assert picture.TARGET.read_text(encoding="utf-8") == drawn, "run python scripts/picture.py"


def test_toml_files_on_pages_are_what_a_job_takes():
    found = 0
    for page in [*PAGES, ROOT / "scripts" / "site" / "configuration.py"]:
        for text in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL):
            tables = tomli.loads(text)
            if "project" not in tables:  # of the package of a sampler
                if "stream" in tables:
                    StreamConfig.of(tables)
                else:
                    config = JobConfig.of({"input": {"path": "x"}, **tables})
                    assert config.to_tables().keys() >= tables.keys(), page.name
                found += 1
    assert found == 9


def test_pages_link_to_what_there_is():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            # these are made of the code when the site is built, whose test follows the links to them
            made = page.parent.name == "docs" and (link.startswith("api/") or link == "sizes.md")
            assert made or (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_method_is_named_and_shown_as_it_declares_itself():
    from spark_balance.base.registry import SAMPLERS

    readme = (ROOT / "README.md").read_text()
    table = (ROOT / "docs" / "methods.md").read_text().split("\n## ")[0]
    words = {"exact": "exact", "at_most": "at most", "approximate": "approximate", "none": "in all"}
    for kind in (kind for kind in SAMPLERS.values() if kind.__module__.startswith("spark_balance.")):
        assert f"`{kind.__name__}`" in readme
        lines = [line.split("|") for line in table.splitlines() if f"`{kind.__name__}`" in line]
        assert lines, kind.__name__
        if kind.family != "both":  # a chain declares what its steps do
            assert {words[kind.counts], kind.rows} <= set(re.split(", | \\(", lines[0][3].strip())), kind.__name__


# what the pages say to type, and what runs it as it is typed
RUN_BY = {
    r"(\.venv/bin/)?spark-submit .* conf/spark/local.conf(?!.*/str)": "test_spark_submit.py::test_the_documented",
    r"spark-submit --properties-file conf/spark/delta.conf": "test_spark_submit.py::test_a_job_runs_with_the_jars",
    r"spark-submit jobs/\*.py": "test_spark_submit.py::test_the_documented",
    r"spark-submit --properties-file conf/spark/standalone.conf|bash scripts/cluster.sh": "scripts/cluster_check.py",
    r"python scripts/cluster_check.py": "scripts/cluster_check.py",
    r"spark-balance advise conf/": "test_cli.py::test_advise_judges",
    r"spark-balance (balance|describe|downsample|weights|smote)($| conf/)(?!.*--[rm])": "test_cli.py::test_every_conf",
    r"spark-balance (balance windows|downsample readings)\.": "test_window_jobs.py::test_the_page",
    r"spark-balance smote conf/(?!.*--mlf).*--report": "test_report.py",
    r"spark-balance smote conf/.*--mlflow": "test_mlflow.py",
    r"spark-balance mlsmote films\.": "test_label_jobs.py::test_labels_in_several_columns",
    r"spark-balance advise INPUT": "test_advise_command.py::test_a_threshold_comes_with",
    r"spark-balance (?!compare|explain|stream)[\w-]+ (payments|job)\.": "test_data_command.py",
    r"spark-balance (--\w+|\w+ --help)": "tests/pure/test_words.py",
    r"spark-balance stream": "test_stream_job.py::test_the_configuration",
    r"spark-balance compare": "test_compare_command.py",
    r"spark-balance explain": "test_explain_command.py",
    r"bash scripts/package.sh": "test_package.py",
    r"spark-pipelines run": "test_pipeline.py",
    r"python scripts/picture.py": "test_docs.py::test_the_picture",
    r"python scripts/recover.py": "test_docs.py::test_the_records",
    r"bash scripts/docs.sh": "tests/browser/test_site.py",
    r"python scripts/reading_ease.py": "tests/pure/test_reading_ease.py",
    r"python scripts/site/figures.py": "tests/browser/test_site.py::test_the_pictures",
    r"python scripts/notebook.py": "test_notebooks.py::test_the_notebook",
    r"python scripts/flights.py|bash scripts/demo.sh": "scripts/demo.sh",
    r"python scripts/faults.py|bash scripts/soak.sh --faults": "test_faults.py::test_a_fault",
    r"bash scripts/soak.sh --hostile": "test_hostile.py",
    r"(python scripts/mutants.py|bash scripts/soak.sh --mutants)": "tests/pure/test_mutants.py",
    r"bash scripts/soak.sh(?! --)": "test_kills.py",
    r"bash scripts/(setup|test).sh|\.venv/bin/pytest": "scripts/test.sh",
    # what needs another machine, a service or hours
    r"spark-submit (--properties-file conf/spark/cluster.conf|--archives)|databricks bundle": "by hand",
    r"bash scripts/versions.sh": "scripts/test.sh",
    r"python scripts/multilabel.py": "by hand",
    r"spark-submit .*jobs/stream.py": "by hand",
    r"(bash|python|.venv/bin/python) scripts/(bench|real_tables|when_to_resample|check_extras|loaders)": "by hand",
    r"python scripts/regression.py": "by hand",
    r"python scripts/missing_values.py": "by hand",
    r"python scripts/(renew_pins.py|fetch_jars.py --renew)": "by hand",
}
COMMAND = re.compile(
    r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:data/versions/[\d.]+/bin/)?"
    r"((?:spark-|bash scripts|python scripts|databricks bundle|\.venv/)\S* .*)"
)


def commands():
    """Yield the pages' commands: lines of blocks, and what stands in backticks."""
    for page in PAGES:
        fenced = False
        for line in page.read_text().replace("\\\n", " ").splitlines():
            fenced ^= line.startswith("```")
            for text in [line] if fenced else re.findall("`([^`]+)`", line):
                found = COMMAND.match(text)
                # a message begins with the command's name and a colon
                if found and not re.match(r"[\w-]+:", text):
                    yield page.name, " ".join(found[1].split(" #")[0].split())


def test_each_documented_command_is_run_by_a_test():
    found = list(commands())
    assert len(found) > 30
    for page, command in found:
        runs = [test for pattern, test in RUN_BY.items() if re.match(pattern, command)]
        assert len(runs) == 1, f"{page}: {command}: {runs}"
        file, _, name = runs[0].partition("::")
        place = ROOT / file if "/" in file else ROOT / "tests" / "jobs" / file
        assert runs[0] == "by hand" or f"def {name}" in place.read_text() or not name, runs[0]
        for path in re.findall(r"(?:^| )((?:conf|jobs|scripts)/[\w/.]+)", command):
            assert (ROOT / path).exists(), f"{page}: {command}"
