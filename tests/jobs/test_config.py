"""TOML in, samplers out; every mistake is one sentence that names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli
import tomli_w

from spark_balance.app.config import JobConfig
from spark_balance.base.registry import SAMPLERS
from spark_balance.errors import SparkBalanceError

GOOD = """
[input]
path = "in"

[sampler.random_under]
label_col = "late"
sampling_strategy = [{ label = true, rows = 5 }, { label = false, rows = 7 }]

[output]
path = "out"
"""


@pytest.fixture
def load(tmp_path):
    def written(text, *overrides):
        (tmp_path / "job.toml").write_text(text)
        return JobConfig.load(tmp_path / "job.toml", overrides)

    return written


def test_a_configuration_holds_input_sampler_and_output(load):
    config = load(GOOD)
    assert config.input.path == "in"
    assert config.input.format == "parquet"
    assert config.output.mode == "error"
    assert config.sampler_name == "random_under"
    assert config.sampler.sampling_strategy == {True: 5, False: 7}


def test_overrides_are_toml_or_else_strings(load):
    config = load(
        GOOD,
        "sampler.random_under.random_state=3",
        "output.path=s3://bucket/out",
        'output.partition_by=["day"]',
        "output.options.compression=zstd",
        "sampler.random_under.sampling_strategy=0.5",
    )
    assert config.sampler.random_state == 3
    assert config.sampler.sampling_strategy == 0.5
    assert config.output.path == "s3://bucket/out"
    assert config.output.partition_by == ("day",)
    assert config.output.options == {"compression": "zstd"}


def test_one_column_needs_no_list_and_options_are_texts(load):
    config = load(
        GOOD,
        "input.columns=late",
        "output.partition_by=day",
        "input.options.header=false",
        "input.options.maxColumns=9",
        "input.options.sep=;",
    )
    assert config.input.columns == ("late",)
    assert config.output.partition_by == ("day",)
    assert config.input.options == {"header": "false", "maxColumns": "9", "sep": ";"}
    text = "[input]\npath = 'in'\n[describe]\nlabel_col = 'y'\nwithin_cols = 'day'"
    assert load(text).describe.within_cols == ("day",)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("outputs.path=x", r"config: unknown key 'outputs'; did you mean 'output'\?"),
        ("output.pth=x", r"config: output: unknown key 'pth'; did you mean 'path'\?"),
        ("input.shema=x", r"config: input: unknown key 'shema'; did you mean 'schema'\?"),
        ("input.format=parqet", r"config: input: format='parqet' is not one of .*; did you mean 'parquet'\?"),
        ("input.table=t", "config: input: give exactly one of path and table"),
        ("output.mode=replace", "config: output.mode='replace': input should be 'error', 'overwrite' or 'append'"),
        ("output=3", r"config: output=3 is a value; make it a table \[output\]"),
        ("sampler.random_under.randm_state=1", r"sampler.random_under: .*'randm_state'; did you mean 'random_state'\?"),
        ("sampler.random_under.random_state=1.5", "sampler.random_under: .*random_state=1.5"),
        ('sampler.random_under.random_state="a"', "sampler.random_under: .*random_state='a'"),
        ("sampler.random_over.label_col=late", r"2 samplers \(random_under, random_over\) are given"),
        ("sampler.random_undr.label_col=late", r"config: sampler: unknown key 'random_undr'; did you mean"),
        ("sampler=smote", r"give the sampler as one table \[sampler.<name>\]"),
        ("input.path.x=1", "--set input.path.x=1: 'path' is a value, not a table"),
        ("output.path=", "config: output.path='': string should have at least 1 character"),
        ("input.path=", "config: input.path='': string should have at least 1 character"),
        ("output.manifest=", "config: output.manifest='': string should have at least 1 character"),
        (
            "sampler.random_under.sampling_strategy=[{label = true, rows = 5}, {label = true, rows = 6}]",
            "sampling_strategy=.* is refused: class True is given twice; name each class once",
        ),
        ("k_neighbors", "--set k_neighbors: give table.key=value"),
        ("=3", "--set =3: give table.key=value"),
    ],
)
def test_a_mistake_is_one_sentence(load, override, sentence):
    with pytest.raises(SparkBalanceError, match=sentence) as refused:
        load(GOOD, override)
    assert "\n" not in str(refused.value)


def test_malformed_toml_is_told_with_its_line(load):
    with pytest.raises(SparkBalanceError, match=r"job.toml' is not TOML: .*line 2"):
        load("[input]\npath = \n")


@pytest.mark.parametrize(
    ("text", "override"),
    [
        ("a = " + "[" * 2000 + "]" * 2000, ""),
        (".".join("a" * 2000) + " = 1", ""),
        ("a = " + "[" * 60 + "]" * 60, ""),
        ("", "a=" + "[" * 2000 + "]" * 2000),
        ("", ".".join("a" * 2000) + "=1"),
    ],
    ids=["brackets", "dots", "sixty", "set", "set dots"],
)
def test_a_file_without_bottom_is_refused(load, text, override):
    with pytest.raises(SparkBalanceError, match=r"^config: '.*', with what --set adds, nests values more than 50 deep"):
        load(text, *filter(None, [override]))


def test_a_missing_file_or_table_is_told(load, tmp_path):
    with pytest.raises(SparkBalanceError, match=r"nope.toml' does not exist"):
        JobConfig.load(tmp_path / "nope.toml")
    with pytest.raises(SparkBalanceError, match="cannot be read"):
        JobConfig.load(tmp_path)
    with pytest.raises(SparkBalanceError, match=r"the table \[input\] is missing"):
        load("")


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_go_to_toml_and_back(name):
    given = {"label_col": "late", "random_state": 7, "key_cols": ["a", "b"], "null_label": "keep", "within_cols": "day"}
    if "target_col" in SAMPLERS[name].model_fields:
        given = {"target_col": "delay", "relevance": ((0, 0), (9, 1.0)), "sampling_strategy": {"high": 90}}
    steps = {"steps": [{"smote": {"k_neighbors": 3}}, {"tomek_links": {}}]} if name == "chain" else {}
    sampler = SAMPLERS[name](**given, max_growth=3.0, **steps)
    text = tomli_w.dumps({"sampler": {name: sampler.to_toml_dict()}})
    assert SAMPLERS[name].from_toml_dict(tomli.loads(text)["sampler"][name]) == sampler


@pytest.mark.parametrize("wish", ["all", 0.25, {"a": 3, "b": 4}, {True: 1, False: 2}, {1: 5, 2: 6}])
def test_every_strategy_goes_to_toml_and_back(wish):
    sampler = SAMPLERS["random_under"](label_col="late", sampling_strategy=wish)
    text = tomli_w.dumps(sampler.to_toml_dict())
    assert SAMPLERS["random_under"].from_toml_dict(tomli.loads(text)) == sampler


def test_what_the_page_of_tables_shows_is_a_configuration():
    page = (Path(__file__).parents[2] / "docs/tables.md").read_text()
    shown = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    configs = [JobConfig.of(tomli.loads(text)) for text in shown]
    assert [bool(config.input.where) for config in configs] == [True, False]
    assert configs[1].output.replace_where == "day = '2013-01-31'"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["input.version=1", "input.timestamp=2013-01-01"], "version and timestamp both say which state to read"),
        (["output.replace_where=a"], "replace_where goes with mode 'overwrite', mode is 'error'"),
        (["output.replace_where=a", "output.mode=overwrite"], "replace_where is for formats delta and iceberg, format"),
        (["output.format=delta", "output.properties.a=b"], "properties has 'a'; a Delta path takes those that begin"),
    ],
)
def test_what_a_table_cannot_take_is_refused(load, overrides, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        load(GOOD, *overrides)
