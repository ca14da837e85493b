"""Commands without a file: every method is one, its parameters are options, and the tables are those of a TOML file."""

from __future__ import annotations

import gzip
import shlex
import subprocess
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli

from spark_balance.__main__ import run
from spark_balance._methods import spelled
from spark_balance._version import __version__
from spark_balance.app import options
from spark_balance.app.config import JobConfig
from spark_balance.app.storage.names import address_of, sink_of
from spark_balance.app.storage.places import check_saved, save_tables
from spark_balance.app.storage.scratch import join_files
from spark_balance.base.registry import SAMPLERS
from spark_balance.errors import SparkBalanceError
from spark_balance.frames.relevance import BIN
from spark_balance.frames.text import plural, size

BUILT_IN = [name for name, kind in SAMPLERS.items() if kind.__module__.startswith("spark_balance.")]


def said(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["spark-balance", *words])
    monkeypatch.setenv("COLUMNS", "200")
    end = run()
    assert end.bug is None
    return end.code, capsys.readouterr().out + end.says


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_method_is_a_command_whose_help_has_all_parameters_and_an_example(monkeypatch, capsys, name):
    command, kind = name.replace("_", "-"), SAMPLERS[name]
    code, text = said(monkeypatch, capsys, command, "--help")
    assert code == 0
    for one in options.options_of(kind):
        taken = one.parameter == "output"  # of the command
        assert f"--{spelled('sampler_output' if taken else one.parameter)} " in text, one.parameter
        assert one.about, one.parameter
    words = shlex.split(options.example_of(command, kind))
    assert " ".join(words) in text
    # the words of the example are those of a job
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given.pop("--output") == "balanced.parquet"
    parameters = {one.parameter: given.pop(f"--{spelled(one.parameter)}", None) for one in options.options_of(kind)}
    assert not given
    table = options.read_all(kind, parameters)
    made = JobConfig.of({"input": {"path": words[2]}, "sampler": {name: table}})
    assert {made.sampler.options.target_col, made.sampler.label_col} in ({None, "is_fraud"}, {"amount", BIN})


def test_help_imports_no_engine_and_names_every_method():
    code = (
        "import sys; sys.argv[1:] = ['--help']; from spark_balance.__main__ import run; run();"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'pyspark', 'pandas', 'pydantic', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name in BUILT_IN:
        assert f" {name.replace('_', '-')} " in done.stdout


def test_version_and_usage(monkeypatch, capsys):
    assert said(monkeypatch, capsys, "--version") == (0, f"spark-balance {__version__}\n")
    assert said(monkeypatch, capsys, "smote")[0] == 2
    assert said(monkeypatch, capsys, "smote", "p.csv", "--k-neighbours", "3")[0] == 2


@pytest.mark.parametrize(
    ("kind", "given", "table"),
    [
        ("smote", {"label_col": "1", "feature_cols": "a, b,c"}, {"label_col": "1", "feature_cols": ["a", "b", "c"]}),
        ("smote", {"feature_cols": '["a,b"]', "scale": "false"}, {"feature_cols": ["a,b"], "scale": False}),
        ("smote", {"k_neighbors": "3", "recall": "0.9"}, {"k_neighbors": 3, "recall": 0.9}),
        ("smote", {"passthrough": "base", "sampler_output": "added"}, {"passthrough": "base", "output": "added"}),
        ("smote", {"passthrough": "a,b"}, {"passthrough": ["a", "b"]}),
        ("smote", {"sampling_strategy": "not majority"}, {"sampling_strategy": "not majority"}),
        ("smote", {"sampling_strategy": "1=500, yes=20"}, {"sampling_strategy": {1: 500, "yes": 20}}),
        ("tomek_links", {"sampling_strategy": "[false]"}, {"sampling_strategy": [False]}),
        ("near_miss", {"version": "2"}, {"version": 2}),
        ("chain", {"steps": "random-under,smote"}, {"steps": [{"random_under": {}}, {"smote": {}}]}),
        ("smoteenn", {"smote": "{k_neighbors = 3}"}, {"smote": {"k_neighbors": 3}}),
    ],
)
def test_an_option_is_read_as_the_parameter_is_written_in_toml(kind, given, table):
    assert options.read_all(SAMPLERS[kind], given) == table


@pytest.mark.parametrize(
    ("name", "text", "address"),
    [
        ("a.csv", "x,y\n1,2\n", {"format": "csv", "options": {"header": True, "sep": ",", "escape": '"'}}),
        ("a.tsv", "x\ty\n", {"format": "csv", "options": {"header": True, "sep": "\t", "escape": '"'}}),
        ("a.csv", '\ufeff"x;1";y\n', {"format": "csv", "options": {"header": True, "sep": ";", "escape": '"'}}),
        ("a.csv.gz", "a,2\n", {"format": "csv", "options": {"header": False, "sep": ",", "escape": '"'}}),
        ("a.jsonl", "{}", {"format": "json"}),
        ("a.PARQUET", "", {"format": "parquet"}),
        ("folder/part-0.snappy.parquet", "", {"format": "parquet"}),
        ("folder/_delta_log/0.json", "", {"format": "delta"}),
    ],
)
def test_the_ending_says_the_format_and_the_first_line_how_csv_is_written(tmp_path, name, text, address):
    place = tmp_path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    place.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    path = str(tmp_path / "folder" if "/" in name else place)
    assert address_of(path) == {"path": path, **address}


def test_a_name_that_says_no_format_is_refused(tmp_path):
    (tmp_path / "a.xlsx").touch()
    (tmp_path / "a.json").write_text('[{"x": 1}]')
    with pytest.raises(
        SparkBalanceError, match=r"a.json' is one JSON array, and engines read an object from each line"
    ):
        address_of(str(tmp_path / "a.json"))
    with pytest.raises(SparkBalanceError, match=r"a.xlsx' does not end in a known format; give --format, one of parq"):
        address_of(str(tmp_path / "a.xlsx"))
    assert address_of(str(tmp_path / "a.xlsx"), "json")["format"] == "json"
    with pytest.raises(SparkBalanceError, match=r"output: 'x.csv.gz' is a compressed file, .*; name it as \.csv"):
        sink_of("x.csv.gz", None)


def test_an_output_is_a_file_or_a_folder_as_its_name_says():
    assert sink_of("a.csv", None) == {"path": "a.csv", "format": "csv", "one_file": True}
    assert sink_of("a.csv", "append") == {"path": "a.csv", "format": "csv", "one_file": False}
    # also where it replaces what a TOML file says of its output
    assert sink_of("balanced", None) == {"path": "balanced", "format": "parquet", "one_file": False}


def test_a_saved_file_says_the_same_and_takes_no_other_place(tmp_path):
    table = {"label_col": "y", "sampling_strategy": {1: 500}, "feature_cols": ["a"]}
    job = JobConfig.of({"input": {"path": "p", "options": {"header": True}}, "sampler": {"smote": table}})
    file = tmp_path / "job.toml"
    save_tables(str(file), job.to_tables(), "smote")
    check_saved(str(file))
    assert JobConfig.of(tomli.loads(file.read_text())) == job
    file.write_text("[input]\n")
    with pytest.raises(SparkBalanceError, match="was not written by --save; name another file"):
        check_saved(str(file))
    with pytest.raises(SparkBalanceError, match=r"does not end in \.toml"):
        check_saved(str(tmp_path / "job.txt"))


@pytest.mark.parametrize("header", [True, False])
def test_several_files_of_text_become_one(tmp_path, header):
    first = "x\n" * header
    for name, rows in (("a", "1\n2\n"), ("b", "3\n")):
        (tmp_path / f"{name}.csv").write_text(first + rows)
        (tmp_path / f"{name}.json").write_text(rows)
    join_files(sorted(tmp_path.glob("*.csv")), "csv", with_header=header)
    join_files(sorted(tmp_path.glob("*.json")), "json", with_header=False)
    assert {file.suffix: file.read_text() for file in tmp_path.iterdir()} == {
        ".csv": f"{first}1\n2\n3\n",
        ".json": "1\n2\n3\n",
    }


def test_several_files_of_parquet_become_one(tmp_path):
    schema = pa.schema(
        [pa.field("x", pa.decimal128(9, 2), metadata={"a": "b"}), pa.field("t", pa.timestamp("us", "UTC"))]
    )
    parts = [pa.table([[Decimal("1.50"), None], [0, 1]], schema), pa.table([[Decimal("2.00")], [None]], schema)]
    for number, part in enumerate(parts):
        pq.write_table(part, tmp_path / f"{number}.parquet")
    join_files(sorted(tmp_path.iterdir()), "parquet", with_header=False)
    [file] = tmp_path.iterdir()
    assert pq.read_table(file).equals(pa.concat_tables(parts), check_metadata=True)


def test_numbers_have_units():
    assert [plural(n, "cell") for n in (0, 1, 2000)] == ["0 cells", "1 cell", "2,000 cells"]
    sizes = [0, 999, 14_200, 9_960_000, 1_500_000_000, 2e15]
    assert [size(n) for n in sizes] == ["0 B", "999 B", "14 kB", "10 MB", "1.5 GB", "2,000 TB"]
