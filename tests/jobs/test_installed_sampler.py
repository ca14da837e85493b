"""A sampler that an installed package names as an entry point: every command and configuration knows it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from spark_balance.base import registry
from spark_balance.compare.job import CompareConfig
from spark_balance.errors import SparkBalanceError

EXAMPLE = Path(__file__).parents[1] / "samplers" / "example_under.py"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a function that installs a package with one sampler, for this process and this test."""
    monkeypatch.setattr(registry, "SAMPLERS", dict(registry.SAMPLERS))
    registry._install.cache_clear()

    def install(value, source):
        site = tmp_path / "site"
        about = site / "my_package-1.0.dist-info"
        about.mkdir(parents=True)
        (site / "my_package.py").write_text(source)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[spark_balance.samplers]\nbounded = {value}\n")
        monkeypatch.syspath_prepend(str(site))

    yield install
    registry._install.cache_clear()
    sys.modules.pop("my_package", None)


@pytest.fixture
def ours(installed):
    """Install the example under another name."""
    installed("my_package:CappedSampler", EXAMPLE.read_text().replace('@register("capped")\n', ""))


def job(tmp_path, flights, name="bounded"):
    config = tmp_path / "job.toml"
    config.write_text(
        f'input.path = "{flights}"\noutput.path = "{tmp_path / "out"}"\n'
        f'[sampler.{name}]\nlabel_col = "late"\nkey_cols = "flight"\nnull_label = "drop"\nmost_rows = 25\n'
    )
    return config


def test_a_job_takes_it_by_its_name(cli, ours, flights, tmp_path):
    code, out, err = cli("balance", job(tmp_path, flights), "--json")
    assert (code, err) == (0, "")
    assert [entry["after"] for entry in json.loads(out)["plan"]["classes"]] == [25, 25]


def test_a_name_that_is_nearly_right_is_told(cli, ours, flights, tmp_path):
    code, _, err = cli("balance", job(tmp_path, flights, "bounde"))
    assert code == 2
    assert "unknown key 'bounde'; did you mean 'bounded'?" in err


def test_a_comparison_takes_it_by_its_name(ours, flights, tmp_path):
    config = tmp_path / "compare.toml"
    config.write_text(
        f'input.path = "{flights}"\ncompare = {{ label_col = "late", positive = true, key_cols = "flight" }}\n'
        f'classifier.logistic_regression = {{}}\nreport = {{ path = "{tmp_path / "report"}", title = "it" }}\n'
        '[[treatment]]\nname = "bounded"\nsampler.bounded = { most_rows = 25 }\n'
    )
    [treatment] = CompareConfig.load(config).treatments
    assert (type(treatment.sampler).__name__, treatment.sampler.label_col) == ("CappedSampler", "late")


@pytest.mark.parametrize(
    ("value", "source", "sentence"),
    [
        ("my_package:Nothing", "", "sampler 'bounded' of .* cannot be loaded from my_package:Nothing: .*; mend"),
        ("my_package:broken", "broken = dict", "<class 'dict'> is not a sampler class"),
    ],
    ids=["absent", "no sampler"],
)
def test_what_cannot_be_loaded_is_told(installed, value, source, sentence):
    installed(value, source)
    with pytest.raises(SparkBalanceError, match=sentence):
        registry.registered()
