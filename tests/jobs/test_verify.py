"""The gate of a job: new rows that exceed a limit are not kept, and what is kept says how good it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from manifests import check_described
from tables import at, make_flights

from spark_balance import SMOTE, ClassWeighter, RandomUnderSampler
from spark_balance.app.verify import FIGURES, Verify
from spark_balance.combine.chain import Chain
from spark_balance.combine.smote_then_clean import SMOTEENN
from spark_balance.errors import ConfigError
from spark_balance.over_sampling.random_over_sampler import RandomOverSampler
from spark_balance.under_sampling.cluster_centroids import ClusterCentroids
from spark_balance.under_sampling.prototype_selection import TomekLinks

CONF = Path(__file__).parents[2] / "conf" / "jobs"
LATE, ROWS = 150, 800


@pytest.fixture(scope="module")
def many_flights(tmp_path_factory):
    """Return the path of 800 flights, 150 of them late, whose features are noise."""
    path = tmp_path_factory.mktemp("data") / "flights.parquet"
    make_flights(ROWS, LATE).to_parquet(path, index=False)
    return path


@pytest.fixture
def job(cli, many_flights, tmp_path):
    """Return a function that runs a method's configuration on the flights, into "out"."""

    def run(command, *words, **sets):
        sets = {"input.path": many_flights, "output.path": tmp_path / "out", **sets}
        words = [*words, *(word for name, value in sets.items() for word in ("--set", f"{name}={value}"))]
        return cli(command, CONF / f"{command}.toml", *words)

    return run


def test_rows_within_the_limits_are_kept_and_their_figures_are_shown(job, tmp_path):
    limits = {f"verify.{name}": "1.0" for name in FIGURES}
    code, out, err = job("smote", "--report", tmp_path / "page.html", **limits)
    assert code == 0, err
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    check_described(manifest)
    trust = manifest["trust"]
    names = [name for name, _ in FIGURES.values()]
    assert trust["limits"] == dict.fromkeys(names, 1.0)
    [late] = trust["classes"]
    assert (late["label"], late["originals"], late["new_rows"]) == (True, LATE, ROWS - 2 * LATE)
    # noise has no classes: new rows are where all rows are
    assert late["nearer_to_other_class"]["value"] > 0.5
    assert late["copies"]["value"] == 0
    assert [name for name in ("drift", "utility", "concentration") if late[name] is not None] == []
    assert manifest["seconds"]["trust"] > 0
    assert f"trust: {trust['verdict']}" in out
    page = (tmp_path / "page.html").read_text()
    section = page[page.index('id="trust"') : page.index('id="rows"')]
    assert trust["verdict"] in section
    shown = [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in re.findall("<tr>.*?</tr>", section)][1:]
    assert [row[1] for row in shown] == names
    assert [row[2] for row in shown] == [f"{late[name]['value']:.4g}" for name in names]
    assert {row[4] for row in shown} == {"1"}


@pytest.mark.parametrize(
    ("limit", "value", "sentence"),
    [
        (
            "max_nearer_to_other_class",
            0.05,
            r"nearer_to_other_class of class True is 0\.\d+ \(0\.\d+ of originals\), the share of its new rows",
        ),
        (
            "max_correlation_drift",
            0.001,
            r"correlation of class True is 0\.\d+ \(0\.\d+ of originals\), the largest difference between a corr",
        ),
        ("max_detectable_auc", 0.01, r"detectable of class True is 0\.\d+, the ROC-AUC of a classifier"),
    ],
)
def test_rows_that_exceed_a_limit_are_not_kept(job, tmp_path, limit, value, sentence):
    code, out, err = job("smote", "--report", tmp_path / "page.html", **{f"verify.{limit}": str(value)})
    assert (code, out) == (3, "")
    assert re.search(f"SMOTE: {sentence}.*; verify.{limit}={value:g} refuses that; nothing was written", err), err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_copies_are_not_kept(spark, job, tmp_path):
    flights = make_flights(ROWS, LATE)
    features = ["month", "day"]
    flights[features] = flights[features] // 1_500
    flights.to_parquet(tmp_path / "few.parquet", index=False)
    sets = {"input.path": tmp_path / "few.parquet", "sampler.smote.feature_cols": str(features)}
    code, _, err = job("smote", **sets, **{"verify.max_copies": "0"})
    assert (code, "copies of class True is 1 (1 of originals), the share of its new rows that equal" in err) == (
        3,
        True,
    ), err
    assert [path.name for path in tmp_path.iterdir()] == ["few.parquet"]


def test_a_figure_that_a_class_is_too_small_for_keeps_nothing(job, flights, tmp_path):
    code, _, err = job("smote", **{"input.path": flights, "verify.max_detectable_auc": "1.0"})
    assert code == 3
    assert "detectable of class True takes more than its 60 originals and 460 new rows" in err
    assert list(tmp_path.iterdir()) == []


@at({"delta path": "sail"})
def test_a_table_is_as_it_was_when_a_limit_is_exceeded(job, place, tmp_path):
    sets = {f"output.{name}": value for name, value in place["sink"].items()}
    assert job("smote", **sets)[0] == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, _, err = job("smote", **sets, **{"verify.max_nearer_to_other_class": "0.05"})
    assert (code, "verify.max_nearer_to_other_class" in err) == (3, True), err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_rows_that_were_kept_under_another_limit_are_made_again(job):
    limit = "verify.max_nearer_to_other_class"
    assert job("smote")[0] == 0
    assert "was finished" in job("smote")[1]
    assert job("smote", **{limit: "0.05"})[0] == 3


@pytest.mark.parametrize(
    ("command", "sets", "sentence"),
    [
        (
            "upsample",
            {"verify.max_copies": "0"},
            "RandomOverSampler makes no new rows to verify; leave \\[verify\\] out",
        ),
        ("weights", {"verify.max_copies": "0"}, "ClassWeighter makes no new rows to verify"),
        ("smotenc", {"verify.max_copies": "2"}, "verify.max_copies=2: input should be less than or equal to 1"),
        ("smote", {"verify.max_copy": "0"}, "unknown key 'max_copy'; did you mean 'max_copies'"),
        ("smote", {"verify.max_copies": "0", "verify.sample": "3"}, "verify.sample=3: input should be greater"),
        ("smote", {"verify.sample": "500"}, "no limit is set, so nothing is verified; give one of max_copies"),
    ],
)
@pytest.mark.parametrize("words", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_limits_that_cannot_be_are_refused(job, tmp_path, command, sets, sentence, words):
    code, _, err = job(command, *words, **sets)
    assert (code, bool(re.search(sentence, err))) == (2, True), err
    assert list(tmp_path.iterdir()) == []


KNOWN, SAID = {"label_col": "y"}, {"label_col": "y", "provenance_col": "made_of"}


@pytest.mark.parametrize(
    ("sampler", "sentence"),
    [
        (ClassWeighter(**KNOWN), "ClassWeighter makes no new rows"),
        (RandomUnderSampler(**KNOWN), "RandomUnderSampler makes no new rows"),
        (TomekLinks(key_cols="id", output="removed_keys", **KNOWN), "TomekLinks makes no new rows"),
        (RandomOverSampler(**SAID), "RandomOverSampler makes no new rows"),
        (SMOTE(**KNOWN), "SMOTE: which rows are new.*; set provenance_col of SMOTE$"),
        (SMOTEENN(**KNOWN), "SMOTEENN: which rows are new.*; set provenance_col of SMOTE$"),
        (ClusterCentroids(**KNOWN), "new rows of ClusterCentroids cannot name what they are made of"),
        (
            Chain([SMOTE(**SAID), RandomOverSampler(**KNOWN)]),
            r"adds rows in several steps \(SMOTE, RandomOverSampler\)",
        ),
        (Chain([RandomUnderSampler(**KNOWN), SMOTE(**SAID)]), "by their key; set key_cols$"),
        (SMOTE(**SAID), ""),
        (RandomOverSampler(shrinkage=0.1, **SAID), ""),
        (SMOTEENN(smote=SMOTE(**SAID), **KNOWN), ""),
        (Chain([RandomUnderSampler(**KNOWN), SMOTE(**SAID)], key_cols="id"), ""),
    ],
)
def test_only_rows_that_name_what_they_are_made_of_are_verified(sampler, sentence):
    Verify().check(sampler)
    if not sentence:
        return Verify(max_copies=0).check(sampler)
    with pytest.raises(ConfigError, match=f"^config: verify: .*{sentence}"):
        Verify(max_copies=0).check(sampler)
    return None


@pytest.mark.parametrize("method", ["random_over", "smoten", "chain"])
def test_rows_of_each_kind_are_verified(spark, cli, many_flights, tmp_path, method):
    own = {
        "random_over": 'provenance_col = "made_of"\nshrinkage = 0.5\nfeature_cols = ["temp", "humid"]',
        "smoten": 'provenance_col = "made_of"\nfeature_cols = ["origin", "dest"]',
        # a column that an earlier step looks at, and that is NULL in new rows
        "chain": 'steps = [{ tomek_links = { feature_cols = ["visib"] } }, '
        '{ smote = { feature_cols = ["temp", "humid"], provenance_col = "made_of" } }]',
    }[method]
    (tmp_path / "job.toml").write_text(
        f'[input]\npath = "{many_flights}"\n[sampler.{method}]\nlabel_col = "late"\nkey_cols = "flight"\n{own}\n'
        f'[verify]\nmax_off_support = 1.0\n[output]\npath = "{tmp_path / "out"}"\n'
    )
    code, _, err = cli("balance", tmp_path / "job.toml")
    assert code == 0, err
    trust = json.loads((tmp_path / "out.manifest.json").read_text())["trust"]
    assert [one["off_support"] is None for one in trust["classes"]] == [False]
