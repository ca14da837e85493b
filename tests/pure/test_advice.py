"""The advice: each rule on facts that it is for, each figure it quotes on the page, and commands as they are meant."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance._methods import BUILT_IN, SAMPLER_OF
from spark_balance.app import options
from spark_balance.app.config import JobConfig
from spark_balance.compare import advice, remarks
from spark_balance.compare.facts import Facts, Gap, Ranking
from spark_balance.compare.quick import rank_quickly
from spark_balance.compare.remedies import choose_remedy
from spark_balance.compare.rules import DECIDE
from spark_balance.frames.plan import ClassCounts

PAGE = (Path(__file__).parents[2] / "docs" / "when-to-resample.md").read_text()
TABLES = ["flights", "crashes", "lending_club", "caravan", "breast_cancer"]
RANKED = Ranking(20_000, 0.4, 0.8, 0.05, 0.1, 0.7, 0.2)
LOST = {name: Gap(-0.01, 0.02) for name in ("weights", "downsample", "oversample")}


def facts(sizes, *, missing=0, **known):
    """Return the facts of a table of two numbers, or what else is known of it."""
    counts = ClassCounts("y", {(): sizes}, {(): missing} if missing else {})
    return Facts(counts, **{"numbers": ("a", "b"), "is_default": True, "ranking": RANKED, **known})


MODERATE, EXTREME = {False: 9_000, True: 1_000}, {False: 99_700, True: 300}
# a rule, and facts that it is for; the answer to each differs from that of its neighbor by what is named
DECIDED = {
    "the label is a measurement": (facts({i: 1 + (i < 3) for i in range(20)}), "nothing", None),
    "too many rows to fit": (
        facts({0: 500_000_000, 1: 20_000}, numbers=tuple("abcdefgh")),
        "downsample",
        "RandomUnder",
    ),
    "weights won on folds": (facts(MODERATE, gaps=LOST | {"weights": Gap(0.03, 0.01)}), "weights", "ClassWeighter"),
    "downsample won on folds": (
        facts(MODERATE, gaps=LOST | {"downsample": Gap(0.03, 0.01)}),
        "downsample",
        "RandomUnder",
    ),
    "oversample won on folds": (facts(MODERATE, gaps=LOST | {"oversample": Gap(0.03, 0.01)}), "oversample", "SMOTE("),
    "nothing won on folds": (facts(EXTREME, gaps=LOST | {"oversample": Gap(0.03, 0.04)}), "threshold", "decide_by"),
    "balanced": (facts({0: 500, 1: 400}), "nothing", None),
    "nothing to learn": (facts(MODERATE, ranking=replace(RANKED, roc_auc=0.51)), "nothing", None),
    "several classes": (facts({"a": 900, "b": 80, "c": 60}), "weights", "ClassWeighter"),
    "mild": (facts({0: 700, 1: 300}), "threshold", "decide_by_cost"),
    "moderate": (facts(MODERATE), "threshold", "decide_by_cost"),
    "extreme": (facts(EXTREME), "oversample", "SMOTE("),
}
REMARKED = {
    "ranking": facts(MODERATE),
    "outcome": facts(MODERATE, ranking=replace(RANKED, roc_auc=0.9995)),
    "compared": facts(MODERATE, gaps=LOST, fit_rows=5_000),
    "few": facts({0: 970, 1: 30}),
    "few and downsampled": facts({0: 9_970, 1: 30}, fit_rows=5_000),
    "categories of the base": facts(EXTREME, categories=("c",)),
    "many columns": facts(EXTREME, numbers=tuple(f"x{i}" for i in range(60))),
    "repeated": facts(EXTREME, repeated=0.5),
    "prior after weights": facts({"a": 900, "b": 80, "c": 60}),
    "prior after oversampling": facts(EXTREME),
    "incomplete": facts(EXTREME, incomplete={"d": 0.1}),
    "unused": facts(MODERATE, unused=("id",)),
    "unlabeled": facts(MODERATE, missing=7),
}


@pytest.mark.parametrize("name", [rule.name for rule in DECIDE])
def test_each_rule_decides_where_it_is_for(name):
    of, action, line = DECIDED[name]
    assert next(rule.name for rule in DECIDE if rule.holds(of)) == name
    said = advice.give_advice(of)
    assert said.recommendation == action
    assert said.python is None if line is None else line in said.python


@pytest.mark.parametrize("name", [rule.name for rule in remarks.REMARK])
def test_each_remark_is_made_where_it_is_for_and_nowhere_else(name):
    [rule] = [rule for rule in remarks.REMARK if rule.name == name]
    begins = rule.says.split("{")[0] or rule.says.split("}")[-1].split("{")[0]

    def is_made(of):
        return any(begins in sentence for sentence in advice.give_advice(of).sentences)

    assert begins.strip()
    assert is_made(REMARKED[name])
    assert not is_made(facts({0: 500, 1: 400}))


OVERSAMPLED = {
    "numbers alone": ({}, "SMOTE(label_col='y', sampling_strategy=0.033)"),
    "few rows": ({"sizes": {0: 99_970, 1: 30}}, "RandomOverSampler("),
    "categories alone": ({"numbers": (), "categories": ("c", "d")}, "SMOTEN("),
    "no column at all": ({"numbers": ()}, "RandomOverSampler("),
    "more categories than numbers": ({"categories": ("c", "d", "e")}, "SMOTENC("),
    "more numbers than categories": ({"categories": ("c",)}, "SMOTE(\n"),
    "rows without a label": ({"missing": 3}, "null_label='drop'"),
}


@pytest.mark.parametrize("what", OVERSAMPLED)
def test_the_method_to_try_is_one_that_the_columns_and_rows_allow(what):
    known, call = OVERSAMPLED[what]
    said = advice.give_advice(facts(**{"sizes": EXTREME, **known}))
    assert said.recommendation == "oversample"
    assert call in said.python


def figures_in(text):
    return set(re.findall(r"[+-]?\d[\d,]*(?:\.\d+)?%?", text))


def is_on_the_page(cell):
    [block] = re.findall(rf"<!-- compare {cell.table} -->\n(.*?)<!-- /compare {cell.table} -->", PAGE, re.DOTALL)
    if cell.classifier:
        part = block.split(f"**{cell.classifier}**")[1].split("\n**")[0]
        block = next(line for line in part.splitlines() if line.startswith(f"| {cell.treatment} |"))
    return cell.figure in figures_in(block)


@pytest.mark.parametrize("rule", [*DECIDE, *remarks.REMARK], ids=lambda rule: rule.name)
def test_each_figure_that_is_quoted_stands_on_the_page_where_the_rule_says(rule):
    assert [cell for cell in rule.cells if not is_on_the_page(cell)] == []
    quoted = figures_in(rule.measured)
    assert quoted == {cell.figure for cell in rule.cells}
    # what decides was measured, except that a label is one
    assert rule.measured or rule.action is None or rule.name == "the label is a measurement"


def measured(table):
    """Return the facts of a table of the study as the page describes it, with what each treatment changed of trees."""
    [block] = re.findall(rf"<!-- compare {table} -->\n(.*?)<!-- /compare {table} -->", PAGE, re.DOTALL)
    numbers = {name: int(n.replace(",", "")) for n, name in re.findall(r"([\d,]+) (rows|features|categories)", block)}
    share = float(re.search(r"in ([\d.]+)% \(", block)[1]) / 100
    rare = round(numbers["rows"] * share)
    trees = dict(re.findall(r"^\| ([^|,]+) \| ([+-][\d.]+ ± [\d.]+) \|", block.split("**gradient")[1], re.MULTILINE))
    names = {"weights": "weights", "downsample": "downsample + upweight", "oversample": "SMOTE"}
    gaps = {action: Gap(*map(float, trees[name].split(" ± "))) for action, name in names.items()}
    columns = [tuple(f"{kind}{i}" for i in range(numbers.get(kind, 0))) for kind in ("features", "categories")]
    return facts({False: numbers["rows"] - rare, True: rare}, numbers=columns[0], categories=columns[1]), gaps


@pytest.mark.parametrize("table", TABLES)
def test_of_the_tables_of_the_study_the_advice_is_what_was_measured(table):
    of, gaps = measured(table)
    # none of these treatments won there, so the threshold is moved: without a comparison, and with one
    assert not any(gap.is_clear for gap in gaps.values())
    assert advice.give_advice(of).recommendation == "threshold"
    compared = advice.give_advice(replace(of, gaps=gaps, n_folds=5))
    assert compared.recommendation == "threshold"
    best = max(gaps.values(), key=lambda gap: gap.mean)
    assert any(f"{best.mean:+.3f} ± {best.spread:.3f}" in sentence for sentence in compared.sentences)
    assert (" --compare true" in advice.give_advice(of).command, compared.command) == (True, None)


def test_the_page_lists_the_rules_in_their_order():
    table = PAGE.split("| what it finds | what it says to do first |\n|---|---|\n")[1].split("\n\n")[0]
    words = {
        "nothing": "nothing",
        "threshold": "move the threshold",
        "weights": "give each class a weight",
        "downsample": "downsample, with weights",
        "oversample": "move the threshold, then try to oversample",
    }
    others = {
        "the label is a measurement": "make a column of few classes",
        "nothing to learn": "look for other columns",
    }
    others |= dict.fromkeys([f"{action} won on folds" for action in LOST], "that one")
    said = [others.get(rule.name, words[str(rule.action)]) for rule in DECIDE]
    assert [line.split("|")[2].strip() for line in table.splitlines()] == [one for one, _ in groupby(said)]


def read_back(command):
    """Return the sampler or weights that a command means, as the command line reads it."""
    _, name, source, *words = shlex.split(command)
    parameters = dict(zip(words[::2], words[1::2], strict=True))
    assert (source, parameters.pop("--output")[-8:]) == ("INPUT", ".parquet")
    sampler = None if name == "weights" else SAMPLER_OF.get(name, name.replace("-", "_"))
    kind = options.kind_of(name, sampler)
    given = {
        one.parameter: parameters.pop(f"--{advice_option(one.parameter)}", None) for one in options.options_of(kind)
    }
    assert not parameters
    table = options.read_all(kind, given)
    tables = {"weights": table} if sampler is None else {"sampler": {sampler: table}}
    config = JobConfig.of({"input": {"path": "x"}, **tables})
    return config.sampler or config.weights


def advice_option(parameter):
    from spark_balance._methods import spelled

    return spelled(parameter)


ODD = ("plain", "a,b", " blank", "it's", '["x"]', "x=1")
COMMANDED = {
    "weights": facts({"a": 900, "b": 80, "c": 60}),
    "two classes too many": facts({False: 9_000, True: 100}, fit_rows=1_000),
    "labels of text": facts({"no": 9_000, "1": 100, "a, b=c": 5_000, "true": 8_000}, fit_rows=400),
    "labels that look like values": facts({"no": 9_000, "1": 8_000, "true": 9_500, "x y": 8_500}, fit_rows=400),
    "numbers": facts(EXTREME),
    "odd names": facts(EXTREME, numbers=ODD, is_default=False, categories=("c,d",)),
    "one odd name": facts(EXTREME, numbers=("a,b",), is_default=False),
    "categories": facts(EXTREME, numbers=(), categories=ODD),
    "mixed": facts(EXTREME, numbers=("a",), categories=("b", "c")),
    "few": facts({0: 9_970, 1: 30}, missing=4),
}


@pytest.mark.parametrize("what", COMMANDED)
def test_the_command_and_the_line_mean_the_same_sampler(what):
    of, asked = COMMANDED[what], {"key_cols": ("id", "k,l"), "random_state": 3}
    said = advice.give_advice(of, asked)
    wanted = choose_remedy(said.recommendation, of, asked)
    assert read_back(said.command) == wanted
    names = {name: getattr(__import__("spark_balance"), name) for name, _ in BUILT_IN.values()}
    names["ClassWeighter"] = __import__("spark_balance").ClassWeighter
    call = re.sub(r"\.(fit_resample|with_weights)\(train\)$", "", said.python.split(" = ", 1)[1])
    assert eval(call, names) == wanted


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=6), st.integers(10, 10**6))
def test_what_stays_fits_and_no_class_loses_more_than_it_must(sizes, fit_rows):
    of = facts(dict(enumerate(sizes)), fit_rows=fit_rows)
    kept = sum(min(rows, of.cap) for rows in sizes)
    if sum(sizes) <= fit_rows:
        assert kept == sum(sizes)
    else:
        assert fit_rows - len(sizes) < kept <= fit_rows


def test_the_rarest_of_many_classes_takes_one_sum_of_the_groups(monkeypatch):
    one, asked, sizes = facts({label: 2 + label % 7 for label in range(1, 500)}), [], Facts.sizes.fget
    monkeypatch.setattr(Facts, "sizes", property(lambda self: asked.append(1) or sizes(self)))
    assert (one.rare, len(asked)) == (7, 1)


def test_a_cost_makes_the_share_the_threshold():
    for sizes, costs in (({"no": 300, "yes": 100}, "[[0, 1], [3, 0]]"), ({0: 100, 1: 300}, "[[0, 3], [1, 0]]")):
        python = advice.give_advice(facts(sizes)).python
        assert f'(scored, "probability", {costs}' in python
        assert ("labels=['no', 'yes']" in python) == ("no" in sizes)


def test_it_reads_on_a_terminal_of_80_columns():
    for of in [*REMARKED.values(), *[one for one, *_ in DECIDED.values()]]:
        said = advice.give_advice(of)
        assert max(map(len, str(said).splitlines())) <= 80
        assert "None" not in str(said)
        assert not re.search(r"\bnan\b", str(said))
        assert said.to_dict()["sentences"] == list(said.sentences)
        assert said.sentences[1].startswith(f"{of.rare_rows:,} of {of.rows:,} rows")


def table_of(rows, rare, signal):
    draw = np.random.default_rng(0)
    positive = np.arange(rows) < rare
    features = draw.normal(size=(rows, 3))
    features[positive, 0] += signal
    features[::7, 1] = np.nan
    return features, positive.astype(float)


def test_a_quick_model_ranks_what_can_be_ranked_and_counts_rows_as_the_table_has_them():
    features, positive = table_of(4_000, 200, signal=2.0)
    whole = rank_quickly(features, [False] * 3, positive, np.ones(4_000), 0)
    assert 0.85 < whole.roc_auc < 0.99
    assert whole.threshold == 0.05
    assert whole.recall_at_half < whole.recall
    # a fifth of the others stand for all
    some = np.arange(4_000) < 960
    fewer = rank_quickly(features[some], [False] * 3, positive[some], np.where(positive[some] == 1, 1.0, 5.0), 0)
    assert fewer.threshold == pytest.approx(0.05)
    for name in ("pr_auc", "recall_at_half", "recall", "precision"):
        assert getattr(fewer, name) == pytest.approx(getattr(whole, name), abs=0.1), name
    features, positive = table_of(2_000, 200, signal=0.0)
    assert rank_quickly(features, [False] * 3, positive, np.ones(2_000), 0).roc_auc < 0.6
