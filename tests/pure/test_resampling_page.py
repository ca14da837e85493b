"""The page about a resampling: everything it is told is on it, as text and nothing else."""

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from reported import EVIL, counted, hostile, resampling
from sklearn.decomposition import PCA

from spark_balance.frames.plan import ClassPlan, ResamplingPlan
from spark_balance.report.distribution import Spread, bin_edges, bin_shares, largest_gap
from spark_balance.report.findings import findings
from spark_balance.report.paired_sample import Missing
from spark_balance.report.projection import Projection
from spark_balance.report.resampling_page import resampling_page
from spark_balance.report.verdict import verdict

TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "header",
    "h1",
    "h2",
    "h3",
    "p",
    "nav",
    "ul",
    "li",
    "main",
    "b",
    "span",
    "section",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "figure",
    "figcaption",
    "svg",
    "path",
    "code",
}


class Reader(HTMLParser):
    """What a browser would see: tags with their attributes, and text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.names, self.texts, self.ids, self.links = set(), set(), [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.names |= {name for name, _ in attributes}
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        self.texts += [value for name, value in attributes if name == "aria-label"]

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


def seen(of):
    page = Reader(resampling_page(of))
    assert page.tags <= TAGS
    assert not [name for name in page.names if name.startswith("on") or name in ("src", "srcset", "action")]
    # nothing is fetched, and every link leads to a part of the page
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)
    return page.text


def test_every_section_is_there_with_what_was_told():
    text = seen(resampling())
    for heading in (
        *("Class shares", "The plan", "What the rows are made of", "Neighbors", "Distributions", "Projection"),
        *("Timings", "About this run", "Warnings", "New rows beside their bases", "Missing values"),
    ):
        assert heading in text
    # rows, shares, degree; the plan; what was added and copied; recall; seconds
    for told in (
        *("400 rows became 600", "25.00%", "50.00%", "mild imbalance, 3.0 to 1", "balanced, 1.0 to 1"),
        *("synthesize", "exactly the rows planned", "NULL or NaN"),
        *("200", "10.0%", "0.971", "12", "SMOTE: beware", "1.5", "4.5", "6.0", "parquet in", "gone"),
        *("way to the neighbor", "new row 1", "25%", "1.25", "3 more columns are not shown"),
    ):
        assert told in text
    # a picture says what it shows
    assert "a of class few: mean" in text
    assert "Rows before by class; across: " in text
    assert "New rows by class; across: " in text


def test_names_and_values_that_look_like_tags_are_only_text():
    text = seen(hostile())
    assert text.count(EVIL) > 10
    assert "javascript:alert(5)" in text
    page = resampling_page(hostile())
    assert "<script" not in page
    assert "<script" not in page._repr_html_()


anything = st.text(min_size=1, max_size=12)


@settings(max_examples=25)
@given(st.lists(anything, min_size=6, max_size=6, unique=True))
def test_any_text_stays_text(texts):
    label, other, number, category, value, note = texts
    text = seen(
        resampling(
            labels=(label, other), numbers=(number,), categories=(category,), values=(value,), about={note: note}
        )
    )
    normal = " ".join(text.replace("\r", "\n").split())
    for one in texts:
        clean = one.replace("\x00", "").replace("\r", "\n")
        assert " ".join(clean.split()) in normal or "\x00" in one


def test_a_section_with_nothing_to_say_is_left_out():
    text = seen(resampling(numbers=()))
    assert ("Distributions" in text, "Projection" in text, "Missing values" in text) == (True, False, False)
    bare = resampling(
        numbers=(), categories=(), warnings=(), seconds={}, about={}, left_null=(), notes={}, made_of=None
    )
    bare = dataclasses.replace(bare, before=counted({"few": 100, "many": 300}))
    sample = dataclasses.replace(bare.sample.after, copy=np.zeros(600, dtype=bool))
    page = resampling_page(dataclasses.replace(bare, sample=dataclasses.replace(bare.sample, after=sample)))
    assert Reader(page).ids == ["main", "classes", "plan", "rows"]


def test_the_verdict_is_three_sentences_at_most():
    def said(**changes):
        of = resampling(**changes)
        return verdict(of, len(findings(of)))

    assert said() == [
        "400 rows became 600: SMOTE added 200 rows to class few.",
        "Classes before: mild imbalance, 3.0 to 1; after: balanced, 1.0 to 1.",
        "None of 3 columns moved, and 2 warnings below need a look.",
    ]
    still = ResamplingPlan("SMOTE", "y", (ClassPlan((), "few", 100, 100, "keep"),))
    same = counted({"few": 100})
    nothing = dataclasses.replace(resampling().sample, labels=("few",), different=(90,))
    assert said(before=same, after=same, plan=still, sample=nothing)[0].endswith("SMOTE had nothing to do.")


def test_columns_that_moved_are_marked_wherever_they_are_named():
    sample = resampling().sample
    moved = sample.after.numbers + [[3, 0]] * (sample.after.added > 0)[:, None]
    of = resampling(sample=dataclasses.replace(sample, after=dataclasses.replace(sample.after, numbers=moved)))
    assert list(of.classes[0].moved) == ["a"]
    page = resampling_page(of)
    # in the words above the pictures, over its histogram and in the table
    assert page.count('<span class="moved">') == 3
    assert page.count('a <span class="moved">') == 2
    assert "1 of 3 columns moved (a), and " in Reader(page).text


def test_missing_values_are_shown_by_column_and_by_the_class_that_changed_most():
    [one] = resampling().missing
    assert (one.name, one.label) == ("a", "few")
    assert (one.before, one.after) == (35 / 400, 235 / 600)
    assert one.of_class == (0.05, 205 / 300)
    assert "a 8.8% 39.2% few 5.0% 68.3%" in " ".join(seen(resampling()).split())
    still = Missing("b", (100, 300), (300, 300))
    sample = dataclasses.replace(resampling().sample, missing=(still, *resampling().sample.missing))
    of = resampling(sample=sample)
    assert [one.name for one in of.missing] == ["a", "b"]  # what changed comes first
    assert "b 100.0% 100.0% - " in " ".join(seen(of).split())


def test_a_method_that_only_removes_shows_what_is_left():
    plan = ResamplingPlan(
        "NearMiss", "y", (ClassPlan((), "few", 500, 300, "x"), ClassPlan((), "many", 300, 300, "keep"))
    )
    of = resampling(before=counted({"few": 500, "many": 300}), plan=plan, adds=False, removes=True, notes={})
    assert (of.classes[0].added, of.classes[0].removed, of.classes[0].compared) == (0, 200, "after")
    text = seen(of)
    assert "rows before and rows after" in text
    assert "800 rows became 600: NearMiss removed 200 rows from class few." in text
    assert "of the added rows are exact copies" not in text
    assert "Neighbors" not in text


def test_only_the_new_rows_as_output():
    of = resampling(only_added=True, after=counted({"few": 200}))
    assert (of.classes[0].added, of.classes[0].removed) == (200, 0)
    text = seen(of)
    assert "SMOTE made 200 new rows for a table of 400." in text
    assert "the new rows alone: only one class" in text


def test_weights_change_no_rows_and_need_no_sample():
    plan = ResamplingPlan(
        "ClassWeighter", "y", (ClassPlan((), "a", 1, 1, "weigh", 3.0), ClassPlan((), "b", 3, 3, "weigh"))
    )
    text = seen(resampling(before=counted({"a": 1, "b": 3}), after=counted({"a": 1, "b": 3}), plan=plan, sample=None))
    assert "share after with weights" in text
    assert "4 rows stay as they are: ClassWeighter gave them weights." in text
    assert "Projection" not in text


def test_several_classes_and_groups_are_cut_to_a_bounded_table():
    classes = {f"c{i:03}": 10 + i for i in range(200)}
    plan = ResamplingPlan(
        "X", "y", tuple(ClassPlan(("mon",), label, n, n, "keep") for label, n in classes.items()), ("day",)
    )
    text = seen(resampling(before=counted(classes), after=counted(classes), plan=plan))
    assert text.count("The first 50 of 200 classes.") == 2


def warned(**changes):
    return " ".join(findings(resampling(warnings=(), **changes)))


def test_what_is_worth_a_warning_is_one():
    assert "copies of rows that were there" in warned()
    assert "few: has 20 rows" in warned(before=counted({"few": 20, "many": 300}))
    assert "60 numbers in a row" in warned(numbers=tuple(f"n{i}" for i in range(60)))
    assert "numbers in a row" not in warned()
    many = dataclasses.replace(resampling().sample, different=(60, 300))
    assert "about 40% of its rows before repeat" in warned(sample=many)
    assert "repeat the features" not in warned()
    strange = dataclasses.replace(resampling().sample.after, added=np.ones(600, dtype=int))
    assert "many: 300 sampled rows of a class that was kept" in warned(
        sample=dataclasses.replace(resampling().sample, after=strange)
    )
    assert "of a class that was kept" not in warned()
    grown = {"after": counted({"few": 1300, "many": 300})}
    assert "12.0 new rows for each row" in warned(**grown)
    assert "new rows for each row" not in warned()


def test_new_rows_among_strangers_or_spread_otherwise_are_warned_of():
    sample = resampling().sample
    moved = dataclasses.replace(sample.after, numbers=sample.after.numbers + 3 * (sample.after.added > 0)[:, None])
    of = resampling(sample=dataclasses.replace(sample, after=moved), warnings=())
    told = " ".join(findings(of))
    assert "new rows lie among other classes" in told
    assert "the distributions of new rows and rows before differ in a, b" in told
    near = of.classes[0].nearness
    assert near.new_among_own < 0.5 < near.own_among_own
    # rows of the same distribution are as near to it as it is to itself
    near = resampling().classes[0].nearness
    assert near.new == pytest.approx(near.own, rel=0.3)
    assert near.new_among_own == pytest.approx(near.own_among_own, abs=0.05)


values = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=1, max_size=40).map(np.array)


@given(values, values)
def test_the_distance_of_two_distributions_is_kolmogorovs(one, other):
    ones = np.ones(len(one)), np.ones(len(other))
    assert largest_gap(one, ones[0], other, ones[1]) == pytest.approx(
        max(abs((one <= x).mean() - (other <= x).mean()) for x in [*one, *other])
    )
    # a weight is as many rows
    twice = np.concatenate([one, one[:1]])
    weights = np.concatenate([[2.0], ones[0][1:]])
    expected = largest_gap(twice, np.ones(len(twice)), other, ones[1])
    assert largest_gap(one, weights, other, ones[1]) == pytest.approx(expected)


@given(values)
def test_bins_hold_every_value_once(one):
    edges = bin_edges(one)
    assert (np.diff(edges) > 0).all()
    assert bin_shares(one, np.ones(len(one)), edges).sum() == pytest.approx(1)


def test_missing_values_are_told_and_left_out():
    spread = Spread.of(np.array([1.0, 3.0, np.nan, np.inf]), np.array([1.0, 1.0, 1.0, 1.0]))
    assert spread == Spread(2.0, 1.0, 0.5)
    assert np.array_equal(bin_edges(np.array([1.0, 2.0, 4.0])), [0.5, 1.5, 2.5, 3.5, 4.5])


def test_the_projection_is_that_of_principal_components():
    rows = np.random.default_rng(1).normal(size=(500, 4)) @ np.array(
        [[3, 1, 0, 0], [0, 1, 0, 0], [0, 0, 2, 1], [0, 0, 0, 1]]
    )
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    expected = PCA(2).fit(scaled)
    found = Projection.of(rows)
    assert found.explained == pytest.approx(expected.explained_variance_ratio_)
    assert np.abs(found.points(rows)) == pytest.approx(np.abs(expected.transform(scaled)), abs=1e-8)
    assert found.heaviest(0) == list(np.argsort(-np.abs(expected.components_[0]))[:3])
    # one column has one axis
    assert Projection.of(rows[:, :1]).explained.tolist() == [1.0, 0.0]
