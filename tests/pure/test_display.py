"""What a terminal and a notebook show of results and samplers: tables, names, signatures and help."""

import copy
import inspect
import pydoc

import pytest

import spark_balance
from spark_balance import SMOTE, ClassWeighter, RandomUnderSampler, SMOTETomek
from spark_balance.base.node import Resampled
from spark_balance.base.registry import SAMPLERS
from spark_balance.combine.combined import ChainedPlan
from spark_balance.explain.explanation import Explanation, Step
from spark_balance.frames.plan import ClassCounts, ClassPlan, ResamplingPlan
from spark_balance.frames.text import SHOWN
from spark_balance.metrics.evaluation import ConfusionMatrix, Evaluation
from spark_balance.report.page import Page

HOSTILE = '<script>alert("1")</script>\n\x1b[31m' + "x" * 200
PLAN = ResamplingPlan("SMOTE", HOSTILE, (ClassPlan((HOSTILE, None), HOSTILE, 9, 9, "keep"),), (HOSTILE, "b"))
MATRIX = ConfusionMatrix(("a", HOSTILE), ((3.0, 1.0), (0.0, 2.5)))
SHOWING = [
    ClassCounts(HOSTILE, {(HOSTILE, None): {HOSTILE: 9, "日本": 1}}, {}, (HOSTILE, "b")),
    PLAN,
    ChainedPlan("Chain", "y", PLAN.classes, PLAN.within_cols, steps=(PLAN, PLAN)),
    Explanation("SMOTE", 9, 9, 2, (Step("count", 2, 9),), {"features": [HOSTILE] * 30}, ("one",), (HOSTILE[:27],)),
    MATRIX,
    Evaluation(MATRIX, {}, None),
    Resampled(None, PLAN, {"features": ["x", HOSTILE], "recall": 0.99}, (UserWarning("few"),)),
]
KINDS = [SAMPLERS[name] for name in SAMPLERS] + [ClassWeighter]
PYDANTICS = ("dict", "json", "copy", "construct", "validate", "schema", "model_dump")


@pytest.mark.parametrize("value", SHOWING, ids=lambda one: type(one).__name__)
def test_a_result_is_a_table_in_a_terminal_and_in_a_notebook(value):
    text, html = repr(value), value._repr_html_()
    assert text == str(value)
    assert "\x1b" not in text
    assert "x" * 60 not in text
    assert "<table>" in html
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "\x1b" not in html


def test_columns_are_aligned_whatever_a_label_is():
    shown = repr(ClassCounts("y", {(None,): {"日本": 5, "a\nb": 95}}, {}, ("shop",))).splitlines()
    assert shown[1:] == ["shop  class  rows   share", "NULL  a\\nb     95  95.00%", "NULL  日本      5   5.00%"]


def test_a_long_table_ends_in_a_sum():
    counts = ClassCounts("y", {(day,): {0: 10, 1: 1 + (day < 5)} for day in range(5_000)}, {}, ("day",))
    plan = ResamplingPlan("M", "y", tuple(ClassPlan((), i, 3, 6, "replicate") for i in range(10_000)))
    matrix = ConfusionMatrix(tuple(range(100)), tuple((1.0,) * 100 for _ in range(100)))
    for value in (counts, plan, matrix, Evaluation(matrix, {}, None)):
        assert len(repr(value).splitlines()) <= 2 * (SHOWN + 3)
    assert repr(counts).splitlines()[-1].split() == ["...", "and", "9,980", "more", "54,805"]
    assert repr(plan).splitlines()[-1].split() == ["...", "and", "9,980", "more", "29,940", "59,880", "2"]
    assert repr(matrix).splitlines()[-1].split() == ["...", "and", "80", "more", *["80"] * 20, "6,400"]


def test_a_page_does_not_print_its_html():
    page = Page("<p>long</p>" * 1_000)
    assert len(repr(page)) < 120
    assert "11 kB" in repr(page)
    assert str(page) == "<p>long</p>" * 1_000


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_names_signature_and_help_are_those_of_the_parameters(kind):
    more = {"steps": [RandomUnderSampler(label_col="y")]} if "steps" in kind.model_fields else {}
    more |= {"label_col" if "label_col" in kind.model_fields else "target_col": "y"}
    names, signature = dir(kind(**more)), inspect.signature(kind)
    assert set(kind.model_fields) < set(names)
    assert not {*PYDANTICS, "tree", "nodes"} & set(names)
    assert len(names) <= len(kind.model_fields) + 7
    assert all(hasattr(kind, name) for name in set(names) - set(kind.model_fields))
    assert set(signature.parameters) == set(kind.model_fields)
    for unreadable in ("Annotated", "Validator", "Strict", "object at"):
        assert unreadable not in str(signature)
    described = {one for line in kind.__doc__.splitlines() if " : " in line for one in line.split(" : ")[0].split(", ")}
    assert set(kind.model_fields) <= described


def test_help_of_smote_says_all_parameters_once():
    text = pydoc.plain(pydoc.render_doc(SMOTE))
    head = text.partition("Method resolution order")[0]
    for name in SMOTE.model_fields:
        assert head.count(f"|  {name} : ") == 1
    assert 20 <= len(dir(SMOTE(label_col="y"))) <= 29


def test_a_sampler_prints_what_it_was_given():
    sampler = SMOTE(label_col="late", k_neighbors=3, key_cols="id")
    assert repr(sampler) == str(sampler) == "SMOTE(label_col='late', key_cols=('id',), k_neighbors=3)"
    assert repr(SMOTETomek(label_col="late", smote=sampler)) == f"SMOTETomek(label_col='late', smote={sampler})"


def test_a_copy_has_its_own_class_and_parameters():
    sampler = SMOTE(label_col="late")
    assert copy.copy(sampler) == copy.deepcopy(sampler) == sampler == sampler.replace()
    assert spark_balance.Sampler.replace is SMOTE.replace
