"""Whatever a path is called, rows come from it and go to it alone; what cannot work is one sentence, all as it was."""

from __future__ import annotations

import contextlib
import json
import os
import socket

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spark_balance.app.storage.local_files import clear_own
from spark_balance.app.storage.paths import files_read

FEW, MANY = 4, 12


def put(folder, name="part-0.parquet", rows=MANY + FEW):
    """Write rows of two classes to a file in a new folder."""
    folder.mkdir(parents=True)
    late = [number < FEW for number in range(rows)]
    pq.write_table(pa.table({"id": list(range(rows)), "late": late}), folder / name)
    return folder


def tree(folder):
    """Return everything below a folder: what files hold, where links lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        held = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else path.stat().st_mode
        found[str(path.relative_to(folder))] = held
    return found


@pytest.fixture
def run(cli, tmp_path):
    """Return a function that balances an input into an output that is there."""

    def downsample(source, output, *words, **more):
        sets = {"input.path": source, "output.path": output, "output.mode": "overwrite", **more}
        sets = [f"{name}={value}" if "." in name else value for name, value in sets.items()]
        config = tmp_path.with_name(f"{tmp_path.name}.toml")
        config.write_text('[input]\n[output]\n[sampler.random_under]\nlabel_col = "late"\n')
        return cli("downsample", config, *words, *(word for one in sets for word in ("--set", one)))

    return downsample


def rows(folder):
    return sum(pq.read_table(file, partitioning=None).num_rows for file in folder.glob("*.parquet"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ts=10%3A00", marks=pytest.mark.engines("sail", "spark")),
        pytest.param(r"a b?#é[1]*{x,y}\%", marks=pytest.mark.engines("sail", "spark")),
        "{}",
    ],
)
def test_rows_are_read_and_replaced_whatever_the_name(run, tmp_path, name):
    source, target = put(tmp_path / "in" / name), put(tmp_path / name, "old.parquet", rows=5)
    for said in ("manifest: ", "was finished"):
        code, out, err = run(source, target)
        assert (code, "Traceback" in err) == (0, False), err
        assert said in out
        assert rows(target) == 2 * FEW
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, f"{name}.manifest.json", "in"])
    code, _, err = run(tmp_path / "in" / "*" / "part-?.parquet", tmp_path / "next")
    assert code == 0, err
    assert rows(tmp_path / "next") == 2 * FEW
    code, _, err = run(source, target, **{"output.mode": "append", "sampler.random_under.random_state": 1})
    assert code == 0, err
    assert rows(target) == 4 * FEW


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"output.path": "file://nowhere/out"}, "names the machine 'nowhere'; write file:///out"),
        ({"output.path": "file:out"}, "a URL has no relative path; write out"),
        ({"output.path": "~nosuchuser/out"}, "names the home of an unknown user; write ./~nosuchuser/out"),
        ({"output.path": '"out\\tput"'}, "has a control character"),
        ({"output.manifest": '"out\\u0000"'}, "has a control character"),
        ({"input.path": "file://nowhere/in"}, "names the machine 'nowhere'"),
        (
            {"output.path": "my lake", "output.format": "delta"},
            "engine sail keeps delta my lake in a folder of another",
        ),
        ({"output.path": "é", "output.format": "iceberg"}, "engine sail keeps iceberg é in a folder of another name"),
    ],
)
def test_a_path_that_names_no_place_is_refused(run, tmp_path, monkeypatch, given, sentence):
    monkeypatch.chdir(tmp_path)
    source, before = put(tmp_path / "in"), tree(tmp_path)
    code, _, err = run(source, "out", **given)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert tree(tmp_path) == before


@pytest.mark.parametrize("start", ["file://localhost", "FILE://", "file:", "file:///"])
def test_urls_of_this_machine_are_its_paths(run, tmp_path, monkeypatch, start):
    monkeypatch.chdir(put(tmp_path / "elsewhere"))
    put(tmp_path / "in%20")
    code, _, err = run(f"{start}{tmp_path}/in%20", f"{start}{tmp_path}/out%20")
    assert code == 0, err
    assert rows(tmp_path / "out%20") == 2 * FEW
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "in%20", "out%20", "out%20.manifest.json"]


def linked(spark, tmp_path):
    """Name one place twice, in every way that hides it; each returns what the job is given."""
    source, out = tmp_path / "in", tmp_path / "out"
    put(source / "day=1")

    def below_the_input():
        put(out)
        (source / "day=2").symlink_to(out)

    def below_the_output():
        put(out)
        (out / "more").symlink_to(source)

    def a_file_of_the_input():
        put(out, "mine.parquet")
        (source / "day=1" / "linked.parquet").symlink_to(out / "mine.parquet")

    def the_location_of_a_table():
        location = files_of_table(spark, "paths_in", source)
        return {"input.table": "paths_in", "output.path": location}

    def the_files_of_a_view():
        location = files_of_table(spark, "paths_in", source)
        spark.sql("CREATE OR REPLACE VIEW paths_view AS SELECT * FROM paths_in WHERE id >= 0")
        return {"input.table": "paths_view", "output.path": location}

    def the_table_of_a_view():
        files_of_table(spark, "paths_in", source)
        spark.sql("CREATE OR REPLACE VIEW paths_view AS SELECT * FROM paths_in WHERE id >= 0")
        return {"input.table": "paths_view", "output.table": "paths_in"}

    def the_files_of_a_table():
        return {"input.path": files_of_table(spark, "paths_in", source), "output.table": "paths_in"}

    ways = (below_the_input, below_the_output, a_file_of_the_input, the_location_of_a_table)
    ways += (the_files_of_a_view, the_table_of_a_view, the_files_of_a_table)
    return {way.__name__: way for way in ways}


def files_of_table(spark, name, source):
    """Make a table of two files' rows and return the folder where they lie."""
    spark.sql(f"DROP VIEW IF EXISTS {name.replace('_in', '_view')}")
    spark.sql(f"DROP TABLE IF EXISTS {name}")
    spark.read.parquet(str(source / "day=1")).write.saveAsTable(name)
    return files_read(spark.table(name))[0].parent


WAYS = ["below_the_input", "below_the_output", "a_file_of_the_input", "the_location_of_a_table", "the_files_of_a_view"]


@pytest.mark.engines("sail", "spark")
@pytest.mark.parametrize("way", [*WAYS, "the_table_of_a_view", "the_files_of_a_table"])
def test_the_input_is_never_overwritten_under_another_name(spark, cli, tmp_path, way):
    given = {"output.mode": "overwrite", "output.manifest": tmp_path / "m.json"}
    made = linked(spark, tmp_path)[way]()
    given |= made or {"input.path": tmp_path / "in", "output.path": tmp_path / "out"}
    around = [tmp_path, *(path for path in given.values() if isinstance(path, type(tmp_path)) and path.is_dir())]
    config = tmp_path / "job.toml"
    config.write_text('[input]\n[output]\n[sampler.random_under]\nlabel_col = "late"\n')
    before = [tree(folder) for folder in around]
    sets = [f"{name}={value}" for name, value in given.items()]
    code, _, err = cli("downsample", config, *(word for one in sets for word in ("--set", one)))
    assert code == 2, err
    assert "overlaps the input" in err
    assert "Traceback" not in err
    assert [tree(folder) for folder in around] == before


def a_pipe(path):
    os.mkfifo(path)


def a_socket(path):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as opened:
        opened.bind(str(path))


def a_loop(path):
    path.symlink_to(path)


def documents(path):
    (path / "letters").mkdir(parents=True)
    (path / "letters" / "to you.txt").write_text("yours")


def data_and_a_document(path):
    (put(path) / "README.md").write_text("mine")


def a_configuration(path):
    path.write_text('[input]\npath = "in"\n')


def another_page(path):
    path.write_text("<html>mine</html>")


@pytest.mark.parametrize(
    ("there", "given", "sentence"),
    [
        *((kind, {}, "is neither a file nor a folder") for kind in (a_pipe, a_socket, a_loop)),
        (documents, {}, "holds 'letters/to you.txt', which is not data of a known format"),
        (data_and_a_document, {}, "holds 'README.md', which is not data of a known format"),
        (a_configuration, {}, "is not data of a known format"),
        (a_configuration, {"output.manifest": "there"}, "exists and is not a run's manifest"),
        (a_pipe, {"output.manifest": "there"}, "is neither a file nor a folder"),
        (another_page, {"--report": "there"}, "exists and is not a page of a run"),
        (a_pipe, {"--report": "there"}, "is neither a file nor a folder"),
        (a_configuration, {"--log-json": "there"}, "exists and is not a log of runs"),
        (another_page, {"--report": "there/deep.html"}, "cannot be made, "),
        (documents, {"--report": "~nosuchuser/x.html"}, "names the home of an unknown user"),
        (documents, {"output.path": "/"}, "holds the working folder"),
        (documents, {"output.path": "n" * 250}, "has a name that is too long for this disk"),
        (documents, {"output.path": f"{'n' * 300}/out"}, "has a name that is too long for this disk"),
        (documents, {"output.manifest": f"{'n' * 250}.json"}, "has a name that is too long for this disk"),
        (documents, {"output.manifest": "s3://nope/m.json"}, "is not a local file"),
        (documents, {"input.path": "n" * 300}, "does not exist"),
    ],
)
@pytest.mark.parametrize("words", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_only_data_is_replaced(run, tmp_path, monkeypatch, there, given, sentence, words):
    monkeypatch.chdir(tmp_path)
    source, place = put(tmp_path / "in"), tmp_path / "there.html"
    if "--report" in given and words:
        pytest.skip("a dry run writes no report")
    there(place)
    before = tree(tmp_path)
    given = {name: value.replace("there", str(place)) for name, value in given.items()}
    out = "out" if given else place
    for option in [name for name in given if name.startswith("--")]:
        words = [*words, option, given.pop(option)]
    code, _, err = run(source, out, *words, **given)
    assert code == 2, err
    assert sentence in err
    assert "Traceback" not in err
    assert tree(tmp_path) == before


@pytest.mark.engines("sail", "spark")
def test_a_value_that_is_too_long_for_a_folder_leaves_nothing(run, tmp_path):
    file = put(tmp_path / "in") / "part-0.parquet"
    table = pq.read_table(file)
    pq.write_table(table.append_column("word", pa.array(["a", "b" * 300] * (len(table) // 2))), file)
    before = tree(tmp_path)
    code, _, err = run(tmp_path / "in", tmp_path / "out", **{"output.partition_by": '["word"]'})
    assert (code, "Traceback" in err) == (2, False), err
    assert "write: a folder or a file has a name that is too long for this disk" in err
    clear_own()  # as the end of a process does: another task of Sail's may have written on
    assert tree(tmp_path) == before


@pytest.mark.engines("sail", "spark")
@pytest.mark.parametrize("side", ["input.path", "output.path", "output.manifest"])
def test_a_scheme_without_a_file_system_is_refused(run, tmp_path, side):
    source = put(tmp_path / "in")
    before = tree(tmp_path)
    code, out, err = run(source, tmp_path / "out", "--json", **{side: "nope://there/x"})
    assert (code, out, "Traceback" in err) == (2, "", False), err
    assert "nope://there/x" in err
    assert tree(tmp_path) == before


def test_data_under_any_name_is_replaced(run, tmp_path):
    source, out = put(tmp_path / "in"), put(tmp_path / "out" / "day=1", "000000_0")
    for name in ("_SUCCESS", ".part.parquet.crc", "rows.csv.gz", "_delta_log/0.json"):
        (out.parent / name).parent.mkdir(exist_ok=True)
        (out.parent / name).touch()
    for _ in range(2):  # with a page of its own too
        code, _, err = run(source, out.parent, "--report", tmp_path / "out.html")
        assert code == 0, err
    assert rows(out.parent) == 2 * FEW
    (tmp_path / "empty").mkdir()
    assert run(source, tmp_path / "empty")[0] == 0


def test_a_partition_without_a_value_is_no_class(run, tmp_path):
    for value, many in (("true", FEW), ("false", MANY), ("__HIVE_DEFAULT_PARTITION__", 3)):
        (tmp_path / "in" / f"late={value}").mkdir(parents=True)
        pq.write_table(pa.table({"id": list(range(many))}), tmp_path / "in" / f"late={value}" / "rows.parquet")
    code, out, err = run(tmp_path / "in", tmp_path / "out", "--json", **{"sampler.random_under.null_label": "drop"})
    assert code == 0, err
    before = json.loads(out)["before"]
    assert {entry["label"]: entry["rows"] for entry in before["classes"]} == {"true": FEW, "false": MANY}
    assert before["missing_rows"] == 3
    assert json.loads(out)["notes"]["rows_left_out"] == {"have no label": 3}
    code, _, err = run(tmp_path / "in", tmp_path / "typed", **{"input.schema": '"id bigint, late boolean"'})
    assert code == 2
    assert "engine sail cannot read as boolean; make the column a string in input.schema" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "out.manifest.json"]
