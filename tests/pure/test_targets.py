"""The arithmetic of `sampling_strategy` is imbalanced-learn's, over every form and kind of label."""

import datetime as dt
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import tomli
import tomli_w
from hypothesis import example, given, strategies as st
from imblearn.utils import check_sampling_strategy

from spark_balance import RandomOverSampler, RandomUnderSampler
from spark_balance.base.strategy import NAMED_STRATEGIES, cleaned_classes, wanted_rows
from spark_balance.base.verify import first_missed
from spark_balance.errors import SparkBalanceError
from spark_balance.frames.plan import ClassCounts, ClassPlan, ResamplingPlan

KINDS = ("over", "under")
REFUSED = "refused"
names = st.text("abcXYZ 01é_", min_size=1, max_size=4).map(lambda s: s.strip() or "a")
labels = st.one_of(st.sets(names, max_size=5), st.sets(st.integers(-9, 9), max_size=5), st.sets(st.booleans()))
# few distinct sizes, so that ties are common; some large ones for the arithmetic of ratios
sizes = st.one_of(st.integers(1, 4), st.integers(1, 400))


@st.composite
def class_counts(draw, classes=labels):
    found = draw(st.permutations(sorted(draw(classes))))
    return {label: draw(sizes) for label in found}


binary = class_counts(
    st.one_of(st.sets(names, min_size=2, max_size=2), st.sets(st.integers(0, 5), min_size=2, max_size=2))
)


def ours(counts, strategy, kind):
    try:
        return wanted_rows("M", counts, strategy, kind)
    except SparkBalanceError:
        return REFUSED


def theirs(counts, strategy, kind):
    y = np.repeat(np.array(list(counts)), list(counts.values()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # many classes for few rows
            wanted = check_sampling_strategy(strategy, y, f"{kind}-sampling")
    except (ValueError, OverflowError):
        return REFUSED
    before = counts if kind == "over" else dict.fromkeys(counts, 0)
    return {label: int(before[label] + wanted[label]) if label in wanted else n for label, n in counts.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("degree", "least"), [("mild", Fraction(1, 5)), ("moderate", Fraction(1, 100))])
@given(counts=class_counts())
def test_a_degree_changes_as_few_rows_as_it_takes(kind, degree, least, counts):
    after = ours(counts, degree, kind)
    if len(counts) < 2 or len(counts) * least > 1:
        assert after == REFUSED
        return
    assert min(after.values()) >= least * sum(after.values())
    changed = {label for label in counts if after[label] != counts[label]}
    assert all((after[label] > counts[label]) == (kind == "over") for label in changed)
    # all that changed has one size, and one row less of change would not do
    assert len({after[label] for label in changed}) <= 1
    nearer = {label: n + (label in changed) * (-1 if kind == "over" else 1) for label, n in after.items()}
    assert not changed or min(nearer.values()) < least * sum(nearer.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*NAMED_STRATEGIES, "smallest"])
@given(counts=class_counts())
@example(counts={"b": 3, "a": 3, "c": 3})
@example(counts={2: 5, 1: 1, 0: 5, 3: 1})
def test_a_named_strategy_is_that_of_imbalanced_learn(name, kind, counts):
    assert ours(counts, name, kind) == theirs(counts, name, kind)


@pytest.mark.parametrize("kind", KINDS)
@given(counts=st.one_of(binary, class_counts()), ratio=st.floats(-0.1, 1.2) | st.sampled_from([1, 0.1, 0.3, 0.7, 0.9]))
@example(counts={"a": 10, "b": 10}, ratio=1.0)
@example(counts={1: 100, 0: 29}, ratio=0.29)
@example(counts={"a": 4, "b": 4}, ratio=1e-308)
def test_a_ratio_is_that_of_imbalanced_learn(kind, counts, ratio):
    assert ours(counts, ratio, kind) == theirs(counts, ratio, kind)


@pytest.mark.parametrize("kind", KINDS)
@given(counts=binary, data=st.data())
def test_a_ratio_near_the_one_at_hand_is_that_of_imbalanced_learn(kind, counts, data):
    small, large = sorted(counts.values())
    ratio = data.draw(st.sampled_from([small / large, small / (large + 1), min(1.0, (small + 1) / large)]))
    assert ours(counts, ratio, kind) == theirs(counts, ratio, kind)


@pytest.mark.parametrize("kind", KINDS)
@given(counts=class_counts(), data=st.data())
def test_a_dict_is_that_of_imbalanced_learn(kind, counts, data):
    change = st.integers(-1, 30) if kind == "over" else st.integers(-30, 1)
    wish = {label: n + data.draw(change) for label, n in counts.items() if data.draw(st.booleans())}
    if data.draw(st.integers(0, 9)) == 0:
        wish["not a class"] = 5
    assert ours(counts, wish, kind) == theirs(counts, wish, kind)


@pytest.mark.parametrize("kind", KINDS)
@given(counts=class_counts(), data=st.data())
def test_a_callable_receives_the_counts_and_its_dict_is_followed(kind, counts, data):
    change = data.draw(st.integers(0, 30) if kind == "over" else st.integers(-3, 0))
    received = []

    def wish(given):
        received.append(given)
        return {label: n + change for label, n in given.items()}

    def wish_from_labels(y):
        return {label: int(n) + change for label, n in zip(*np.unique(y, return_counts=True), strict=True)}

    result = ours(counts, wish, kind)
    assert result == theirs(counts, wish_from_labels, kind)
    assert received == ([counts] if len(counts) > 1 else [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_callable_cannot_change_the_counts(kind):
    counts = {"a": 5, "b": 9}

    def greedy(given):
        given["a"] = given["b"] = 7
        return {}

    assert wanted_rows("M", counts, greedy, kind) == {"a": 5, "b": 9}
    assert counts == {"a": 5, "b": 9}


@given(counts=class_counts().filter(lambda c: len(c) > 1), kind=st.sampled_from(KINDS))
def test_every_class_is_answered_with_python_integers_smallest_label_first(counts, kind):
    after = wanted_rows("M", counts, {next(iter(counts)): np.int64(counts[next(iter(counts))])}, kind)
    assert list(after) == sorted(counts)
    assert {type(n) for n in after.values()} == {int}


@pytest.mark.parametrize(
    "labels", [(dt.date(2024, 1, 1), dt.date(2024, 1, 2)), (Decimal("0.10"), Decimal("1.10")), (0.5, 1.5)]
)
def test_labels_of_other_types_are_labels_too(labels):
    few, many = labels
    assert wanted_rows("M", {many: 9, few: 2}, "auto", "over") == {few: 9, many: 9}
    assert wanted_rows("M", {many: 9, few: 2}, {many: 4}, "under") == {few: 2, many: 4}


def test_a_class_named_by_an_equal_value_keeps_the_label_of_the_data():
    after = wanted_rows("M", {True: 2, False: 9}, {1: 5}, "over")
    assert {(type(label), n) for label, n in after.items()} == {(bool, 5), (bool, 9)}


COUNTS = {"ham": 90, "spam": 10}
SENTENCES = [
    (
        {"ham": 3},
        "auto",
        "over",
        "SMOTE: the label has 1 class ('ham'), resampling needs at least 2; check label_col and the rows read",
    ),
    (
        COUNTS,
        "minorty",
        "over",
        "SMOTE: sampling_strategy='minorty' is not one of auto, minority, majority, not minority, not majority, all, "
        "mild, moderate; did you mean 'minority'?",
    ),
    (
        COUNTS,
        "majority",
        "over",
        "SMOTE: sampling_strategy='majority' cannot be used by a method that adds rows; "
        "use 'auto', 'minority' or a dict",
    ),
    (
        COUNTS,
        "minority",
        "under",
        "SMOTE: sampling_strategy='minority' cannot be used by a method that removes rows; "
        "use 'auto', 'majority' or a dict",
    ),
    (
        COUNTS,
        1.5,
        "over",
        "SMOTE: sampling_strategy=1.5 is not a ratio in (0, 1], one of auto, minority, majority, not minority, "
        "not majority, all, mild, moderate, a dict {label: rows} or a callable",
    ),
    (
        {"a": 1, "b": 2, "c": 3},
        0.5,
        "under",
        "SMOTE: sampling_strategy=0.5 (a ratio) needs a label of exactly 2 classes, this one has 3; "
        "use a dict {label: rows}",
    ),
    (
        COUNTS,
        {"egg": 4},
        "over",
        "SMOTE: sampling_strategy names class 'egg', which is not in the data; the classes are 'ham', 'spam'",
    ),
    (
        COUNTS,
        {"spam": 9},
        "over",
        "SMOTE: sampling_strategy wants 9 rows of class 'spam', which has 10; "
        "this method only adds rows, so ask for at least 10",
    ),
    (
        COUNTS,
        {"ham": 91},
        "under",
        "SMOTE: sampling_strategy wants 91 rows of class 'ham', which has 90; "
        "this method only removes rows, so ask for at most 90",
    ),
    (COUNTS, {"ham": -1}, "under", "SMOTE: sampling_strategy wants -1 rows of class 'ham'; give a whole number >= 0"),
    (
        COUNTS,
        lambda counts: 7,
        "over",
        "SMOTE: the sampling_strategy callable returned 7; it must return a dict {label: rows}",
    ),
    (
        COUNTS,
        0.1,
        "over",
        "SMOTE: sampling_strategy=0.1 leaves nothing to add, the classes {'ham': 90, 'spam': 10} are at 0.1111 "
        "already; use a larger ratio",
    ),
    (
        COUNTS,
        0.05,
        "under",
        "SMOTE: sampling_strategy=0.05 leaves nothing to remove, the classes {'ham': 90, 'spam': 10} are at 0.1111 "
        "already; use a larger ratio",
    ),
]


@pytest.mark.parametrize(("counts", "strategy", "kind", "sentence"), SENTENCES)
def test_the_refusal_names_method_value_and_what_is_allowed(counts, strategy, kind, sentence):
    with pytest.raises(SparkBalanceError) as refusal:
        wanted_rows("SMOTE", counts, strategy, kind)
    assert str(refusal.value) == sentence


ODD = [None, True, ["spam"], float("nan"), {"spam": 20.5}, {"spam": True}, {"spam": "9"}]


@pytest.mark.parametrize("strategy", ODD)
def test_a_wish_of_another_form_is_refused_by_its_value(strategy):
    shown = next(iter(strategy.values())) if isinstance(strategy, dict) else strategy
    with pytest.raises(SparkBalanceError) as refusal:
        wanted_rows("SMOTE", COUNTS, strategy, "over")
    assert repr(shown) in str(refusal.value)


def cleaned(counts, strategy):
    try:
        return cleaned_classes("M", counts, strategy)
    except SparkBalanceError:
        return REFUSED


def their_cleaned(counts, strategy):
    y = np.repeat(np.array(list(counts)), list(counts.values()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sorted(check_sampling_strategy(strategy, y, "clean-sampling"))
    except ValueError:
        return REFUSED


several = class_counts(labels.filter(lambda found: len(found) > 1))
ABSENT = {str: "not a class", int: 99, bool: 7}


@pytest.mark.parametrize("name", [*NAMED_STRATEGIES, "smallest"])
@given(counts=several)
@example(counts={"b": 3, "a": 3, "c": 3})
@example(counts={2: 5, 1: 1, 0: 5, 3: 1})
def test_a_name_cleans_the_classes_that_imbalanced_learn_cleans(name, counts):
    assert cleaned(counts, name) == their_cleaned(counts, name)


@given(counts=several, data=st.data())
def test_a_list_cleans_the_classes_that_imbalanced_learn_cleans(counts, data):
    wish = data.draw(st.lists(st.sampled_from(list(counts))))
    if data.draw(st.integers(0, 4)) == 0:
        wish.append(ABSENT[type(next(iter(counts)))])
    assert cleaned(counts, wish) == cleaned(counts, tuple(wish)) == their_cleaned(counts, wish)


@pytest.mark.parametrize("wish", [0.5, 1, {"spam": 3}, dict], ids=repr)
def test_how_many_rows_to_clean_is_not_the_users_to_say(wish):
    assert their_cleaned(COUNTS, wish) == REFUSED
    with pytest.raises(SparkBalanceError) as refusal:
        cleaned_classes("TomekLinks", COUNTS, wish)
    assert str(refusal.value) == (
        f"TomekLinks: sampling_strategy={wish!r} says how many rows to keep, which this method finds out itself; "
        "use one of auto, minority, majority, not minority, not majority, all, or a list of the classes to clean"
    )


@pytest.mark.parametrize("sampler", [RandomOverSampler, RandomUnderSampler])
def test_an_empty_list_is_a_list_and_an_empty_dict_a_dict(sampler):
    with pytest.raises(
        SparkBalanceError, match=r"sampling_strategy=\[\] is a list, which only methods that clean take"
    ):
        sampler(label_col="y", sampling_strategy=[])
    nothing = sampler(label_col="y", sampling_strategy={})
    assert sampler.from_toml_dict(tomli.loads(tomli_w.dumps(nothing.to_toml_dict()))) == nothing


def test_a_list_of_classes_to_add_or_remove_rows_of_is_refused():
    for kind in KINDS:
        assert theirs(COUNTS, ["spam"], kind) == REFUSED
        with pytest.raises(SparkBalanceError, match="is a list, which only methods that clean take; use a dict"):
            wanted_rows("SMOTE", COUNTS, ["spam"], kind)


def missed(after, promise="exact", missing=7, action="keep", added=False):
    classes = (ClassPlan((), "a", 5, 9, "replicate"), ClassPlan((), "b", 9, 9, "keep"))
    plan = ResamplingPlan("M", "y", classes, missing_rows=7, missing_action=action, counts=promise)
    return first_missed(plan, ClassCounts("y", {(): after}, {(): missing}), added=added)


def test_the_first_class_that_missed_its_plan_is_told():
    assert missed({"a": 9, "b": 9}) is None
    assert missed({"a": 8, "b": 9}) == "M: class 'a' was planned to have 9 rows and 8 were written"
    assert missed({"a": 9}) == "M: class 'b' was planned to have 9 rows and 0 were written"
    assert missed({"a": 4}, missing=0, added=True) is None
    assert missed({"a": 4, "b": 9}, missing=0, added=True) is not None
    assert missed({"a": 8, "b": 9}, "at_most") is None
    assert missed({"a": 8, "b": 10}, "at_most") is not None
    # what is kept as it is cannot be less
    assert missed({"a": 8, "b": 8}, "at_most") == "M: class 'b' was planned to have 9 rows and 8 were written"
    assert missed({"a": 1, "b": 10}, "approximate") is None


def test_rows_without_a_label_are_planned_too():
    assert missed({"a": 9, "b": 9}, missing=6) == "M: 7 rows without a label were planned and 6 were written"
    assert missed({"a": 9, "b": 9}, missing=0, action="drop") is None
    assert missed({"a": 9, "b": 9}, action="drop") is not None
    assert missed({"a": 4}, added=True) is not None
    assert missed({"a": 8, "b": 9}, "at_most", missing=6) is not None
