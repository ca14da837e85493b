"""Samplers of one's own: they pass the shared checks, go by their names, and the page that shows how is right."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from example_cleaning import IsolationCleaning
from example_over import CloseSMOTE
from example_under import CappedSampler
from frames import labelled, rows_by_label

from spark_balance import Chain, RandomUnderSampler, Sampler, SparkBalanceError, register
from spark_balance.base import registry
from spark_balance.testing import CHECKS, Case, check_sampler, parametrize_with_checks

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "own-samplers.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


COLUMNS = {"label_col": "label", "key_cols": "id", "feature_cols": ("x", "y", "n")}
EXAMPLES = [
    CloseSMOTE(**COLUMNS, cell_rows=40),
    IsolationCleaning(**COLUMNS, n_neighbors=2),
    CappedSampler(label_col="label", key_cols="id", most_rows=40),
]
FILES = [ROOT / "tests" / "samplers" / f"example_{name}.py" for name in ("over", "cleaning", "under")]


@parametrize_with_checks(EXAMPLES)
def test_an_example_passes_every_check(spark, check, case):
    check.run(spark, case)


def test_all_checks_are_run_at_once(spark, monkeypatch):
    monkeypatch.setattr("spark_balance.testing.CHECKS", CHECKS[:3])
    given = (CappedSampler(label_col="label"), partial(CappedSampler, label_col="label"))
    assert [check_sampler(spark, sampler) for sampler in given] == [["declarations", "schema", "counts"]] * 2
    assert len(CHECKS) == len({str(check) for check in CHECKS}) > 35


def test_the_page_shows_the_examples_each_of_at_most_30_lines():
    texts = [file.read_text() for file in FILES]
    assert BLOCKS[:3] == texts
    assert max(len(text.splitlines()) for text in texts) <= 30


def test_what_is_between_base_and_neighbor_lies_near_the_base(spark):
    sampler = CloseSMOTE(**COLUMNS, reach=0.25, provenance_col="made")
    made = sampler.fit_resample(labelled(spark, [200, 60])).where("made.kind = 'synthetic'").select("made.gap")
    gaps = made.toArrow()["gap"].to_pylist()
    assert len(gaps) == 140
    assert 0 <= min(gaps) < max(gaps) < 0.25 < max(gaps) * 1.1


def test_only_rows_without_a_near_row_of_their_class_go(spark):
    rows = [(i, "a", i * 0.01, 0.0) for i in range(20)] + [(20, "b", 0.055, 0.0)]
    rows += [(21 + i, "b", 9.0 + i * 0.01, 0.0) for i in range(10)] + [(31, "a", 9.055, 0.0)]
    df = spark.createDataFrame(rows, "id long, label string, x double, y double")
    cleaning = IsolationCleaning(label_col="label", key_cols="id", n_neighbors=3, sampling_strategy="all")
    kept = {row["id"] for row in cleaning.fit_resample(df).collect()}
    assert {*range(32)} - kept == {20, 31}


def test_the_page_shows_every_check():
    listed = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.split("\n## Check it\n")[1], re.MULTILINE)
    assert listed == [(str(check), " ".join(check.run.__doc__.split())) for check in CHECKS]


def test_the_page_does_what_it_shows(spark, monkeypatch):
    monkeypatch.setattr("spark_balance.testing.CHECKS", CHECKS[:4])
    shown = {"spark": spark, "df": labelled(spark, [200, 90]), "CappedSampler": CappedSampler}
    for block in BLOCKS[3:]:
        exec(block, shown)
    assert rows_by_label(shown["capped"]) == {"class 0": 60, "class 1": 60}
    assert len(shown["passed"]) == 4
    assert [mark.name for mark in shown["test_capped"].pytestmark] == ["parametrize"]


def test_a_case_is_told_by_the_name_of_its_class():
    sampler = CappedSampler(label_col="label", most_rows=7)
    for given in (sampler, partial(CappedSampler, label_col="label", most_rows=7)):
        case = Case.of(given)
        assert (str(case), case(), Case.of(case)) == ("CappedSampler", sampler, case)


def test_a_chain_takes_it_by_its_name_and_tells_it_in_toml():
    chain = Chain([{"capped": {"most_rows": 9}}, {"smote": {}}], label_col="y")
    assert chain.steps[0] == CappedSampler(label_col="y", most_rows=9)
    assert chain.to_toml_dict()["steps"][0] == {"capped": {"label_col": "y", "most_rows": 9}}


class Mine(RandomUnderSampler):
    """Another sampler."""


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        (
            "smote",
            Mine,
            r"name='smote' is that of spark_balance.over_sampling.smote.SMOTE; choose another one for Mine$",
        ),
        ("capped", Mine, "name='capped' is that of example_under.CappedSampler; choose another one for Mine$"),
        ("my method", Mine, "name='my method' is not allowed; use lower-case letters, digits and underscores$"),
        ("", Mine, "name='' is not allowed"),
        (3, Mine, "name=3 is refused: input should be a valid string"),
        ("mine", dict, "<class 'dict'> is not a sampler class; derive it from spark_balance.Sampler$"),
        ("mine", Mine(label_col="y"), "is not a sampler class"),
    ],
    ids=["built-in", "taken", "spaces", "empty", "number", "dict", "instance"],
)
def test_what_cannot_be_registered_is_refused(name, kind, sentence):
    before = dict(registry.SAMPLERS)
    with pytest.raises(SparkBalanceError, match=f"register: .*{sentence}") as refused:
        register(name)(kind)
    assert "\n" not in str(refused.value)
    assert before == registry.SAMPLERS


def test_a_class_that_is_defined_again_takes_its_own_place(monkeypatch):
    monkeypatch.setattr(registry, "SAMPLERS", dict(registry.SAMPLERS))

    def defined():
        @register("again")
        class Again(RandomUnderSampler):
            """A cell of a notebook, run twice."""

        return Again

    first, second = defined(), defined()
    assert first is not second
    assert registry.registered()["again"] is second
    assert issubclass(second, Sampler)
