"""What a user reads: counts, shares, degrees, the plan, and both as JSON."""

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.frames.plan import ClassCounts, ClassPlan, ResamplingPlan, is_missing, is_number, sort_key


def counted(classes, missing=0):
    return ClassCounts("y", {(): classes}, {(): missing})


@pytest.mark.parametrize(
    ("few", "many", "degree"),
    [
        (50, 50, "balanced"),
        (400, 600, "balanced"),
        (399, 601, "mild"),
        (200, 800, "mild"),
        (199, 801, "moderate"),
        (10, 990, "moderate"),
        (9, 991, "extreme"),
    ],
)
def test_the_degree_is_told_by_the_share_of_the_minority(few, many, degree):
    assert counted({"a": few, "b": many}).degree == degree


def test_many_classes_of_one_size_are_balanced():
    assert counted(dict.fromkeys(range(10), 7)).degree == "balanced"
    assert counted({**dict.fromkeys(range(9), 100), 9: 66}).degree == "moderate"


@given(st.dictionaries(st.integers(), st.integers(1, 10**9), min_size=1, max_size=6), st.integers(0, 10**6))
def test_shares_are_of_the_labelled_rows_and_the_ratio_is_largest_to_smallest(classes, missing):
    counts = counted(classes, missing)
    assert list(counts.shares) == list(counts.rows) == sorted(classes)
    total = sum(classes.values())
    assert counts.shares == {label: pytest.approx(n / total) for label, n in classes.items()}
    assert counts.imbalance_ratio == pytest.approx(max(classes.values()) / min(classes.values()))
    assert counts.missing_rows == missing


def test_groups_are_added_up():
    counts = ClassCounts("y", {("mon",): {"a": 1, "b": 5}, ("tue",): {"b": 2}}, {("mon",): 3, ("tue",): 4}, ("day",))
    assert counts.rows == {"a": 1, "b": 7}
    assert counts.missing_rows == 7
    assert counts.to_dict()["within_cols"] == ["day"]


def test_the_counts_print_as_a_table():
    assert str(counted({"no": 1234, "yes": 56}, missing=7)) == (
        "y: moderate imbalance, 22.0 to 1\n"
        "class         rows   share\n"
        "no           1,234  95.66%\n"
        "yes             56   4.34%\n"
        "NULL or NaN      7       -"
    )
    assert "NULL" not in str(counted({"no": 3, "yes": 2}))


def test_grouped_counts_print_each_group():
    groups = {(10,): {"no": 30, "yes": 10}, (None,): {"no": 5}, (2,): {"yes": 1, "no": 3}}
    assert str(ClassCounts("y", groups, {(2,): 4}, ("shop",))) == (
        "y: mild imbalance, 3.5 to 1; 3 groups by shop, shares inside each\n"
        "shop  class        rows    share\n"
        "NULL  no              5  100.00%\n"
        "2     no              3   75.00%\n"
        "2     yes             1   25.00%\n"
        "10    no             30   75.00%\n"
        "10    yes            10   25.00%\n"
        "      NULL or NaN     4        -"
    )
    many = ClassCounts("y", {(i,): {"no": 2, "yes": 1 + i} for i in range(40)}, {}, ("shop",))
    lines = str(many).splitlines()
    assert len(lines) == 23
    assert lines[-1].startswith("... and 60 more  ")
    assert sum(int(line.split()[-2]) for line in lines[2:-1]) + int(lines[-1].split()[-1]) == sum(many.rows.values())


LABELS = {
    "string": ["a", "b"],
    "boolean": [False, True],
    "integer": [0, 1],
    "float": [0.5, 1.5],
    "decimal": [Decimal("0.10"), Decimal("1.10")],
    "date": [dt.date(2024, 1, 31), dt.date(2024, 2, 29)],
}
PLAIN = LABELS | {"decimal": ["0.10", "1.10"], "date": ["2024-01-31", "2024-02-29"]}


@pytest.mark.parametrize("kind", LABELS)
def test_counts_of_any_label_go_through_json(kind):
    data = json.loads(json.dumps(counted(dict(zip(LABELS[kind], [30, 10], strict=True)), missing=2).to_dict()))
    assert [(one["label"], one["rows"], one["share"]) for one in data["classes"]] == list(
        zip(PLAIN[kind], [30, 10], [0.75, 0.25], strict=True)
    )
    assert (data["label_col"], data["missing_rows"], data["imbalance_ratio"], data["degree"]) == ("y", 2, 3.0, "mild")


@pytest.mark.parametrize("kind", LABELS)
def test_a_plan_of_any_label_goes_through_json(kind):
    few, many = LABELS[kind]
    group = (dt.date(2024, 1, 1), None, Decimal("2.5"))
    classes = (ClassPlan(group, few, 10, 30, "replicate"), ClassPlan(group, many, 30, 30, "keep"))
    plan = ResamplingPlan("M", "y", classes, ("day", "shop", "price"), 4, "drop")
    data = json.loads(json.dumps(plan.to_dict()))
    first = {"group": ["2024-01-01", None, "2.5"], "label": PLAIN[kind][0], "before": 10, "after": 30}
    assert data["classes"][0] == first | {"action": "replicate", "rate": 3.0, "weight": 1.0}
    assert (data["rows_before"], data["rows_after"], data["missing_rows"], data["missing_action"]) == (
        40,
        60,
        4,
        "drop",
    )


def test_what_is_no_number_in_json_is_no_number_there():
    nothing = counted({}, missing=5)
    assert nothing.degree == "balanced"
    odd = ResamplingPlan("M", "y", (ClassPlan((float("nan"),), float("inf"), 1, 1, "keep"),), ("price",))
    for data in (nothing.to_dict(), odd.to_dict()):
        json.dumps(data, allow_nan=False)


GROUPED = ResamplingPlan(
    "RandomOverSampler",
    "y",
    (
        ClassPlan(("mon",), "a", 10, 40, "replicate"),
        ClassPlan(("mon",), "b", 40, 40, "keep"),
        ClassPlan(("tue",), "a", 3, 5, "replicate"),
        ClassPlan(("tue",), "b", 5, 5, "keep"),
    ),
    ("day",),
    missing_rows=1200,
    missing_action="drop",
)


def test_targets_add_up_over_groups_and_rates_do_not():
    assert GROUPED.targets == {"a": 45, "b": 45}
    assert (GROUPED.rows_before, GROUPED.rows_after) == (58, 90)
    assert [one.rate for one in GROUPED.classes] == [4.0, 1.0, 5 / 3, 1.0]


def test_a_plan_prints_as_a_table():
    assert str(GROUPED) == (
        "RandomOverSampler: 58 rows -> 90; 1,200 rows without a label: drop\n"
        "day  class  before  after     action   rate\n"
        "mon  a          10     40  replicate      4\n"
        "mon  b          40     40       keep      1\n"
        "tue  a           3      5  replicate  1.667\n"
        "tue  b           5      5       keep      1"
    )


def test_a_plan_of_weights_tells_them():
    entries = (ClassPlan((), "a", 20, 10, "downsample", 2.0), ClassPlan((), "b", 5, 5, "keep"))
    plan = ResamplingPlan("M", "y", entries)
    assert str(plan).splitlines()[1:] == [
        "class  before  after      action  rate  weight",
        "a          20     10  downsample   0.5       2",
        "b           5      5        keep     1       1",
    ]
    assert plan.weighted_targets == {"a": 20.0, "b": 5.0}
    assert GROUPED.weighted_targets == GROUPED.targets


@pytest.mark.parametrize("value", [3, 0.5, np.int64(3), np.float32(0.5), Decimal("0.5"), Fraction(1, 3)])
def test_numbers_are_pythons_and_numpys(value):
    assert is_number(value)


@pytest.mark.parametrize("value", [True, np.True_, "3", None, float("nan"), float("inf"), np.nan, Decimal("NaN"), [3]])
def test_truth_values_text_and_what_is_not_finite_are_no_numbers(value):
    assert not is_number(value)


def test_a_long_plan_prints_its_largest_classes_and_sums_the_others():
    text = str(ResamplingPlan("M", "y", tuple(ClassPlan((), i, 5 + (i > 40), 5, "keep") for i in range(60))))
    lines = text.splitlines()
    assert lines[0] == "M: 319 rows -> 300"
    assert len(lines) == 23
    assert [line.split()[0] for line in lines[-20:-1]] == [str(i) for i in range(41, 60)]
    assert lines[-1].split() == ["...", "and", "40", "more", "200", "200", "1"]


def test_missing_is_null_or_nan_and_null_sorts_first():
    assert [is_missing(v) for v in (None, float("nan"), 0.0, "", False, float("inf"))] == [True, True] + [False] * 4
    assert sorted([3, None, -1], key=sort_key) == [None, -1, 3]
