"""Classes with fewer rows than a search wants neighbors: fewer of them, each used as often; one row is repeated."""

from collections import Counter
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_allclose

import spark_balance as sb
from spark_balance.errors import ParameterError, TooFewRowsError
from spark_balance.frames import copies
from spark_balance.kernels.members import elect
from spark_balance.testing.frames import labelled

SIZES = {"class 0": 60, "class 1": 1, "class 2": 3, "class 3": 5}
SHRINK = {"label_col": "label", "key_cols": "id", "provenance_col": "made_of", "feature_cols": ("x", "y")}


@pytest.fixture
def few(spark):
    return labelled(spark, [*SIZES.values()])


def pairs_of(made, label):
    """Count the new rows of a class by base and neighbor."""
    new = [row.made_of for row in made.frame.collect() if row.label == label and row.made_of.kind == "synthetic"]
    return Counter((one.base.id, one.neighbor.id) for one in new)


@pytest.mark.parametrize("neighbors", ["cells", "exact"])
def test_each_other_row_of_a_small_class_is_gone_towards_as_often(few, neighbors):
    made = sb.SMOTE(**SHRINK, k_neighbors="shrink", singletons="replicate", neighbors=neighbors).resample(few)
    for label in ("class 2", "class 3"):
        pairs = pairs_of(made, label)
        assert len(pairs) == SIZES[label] * (SIZES[label] - 1)  # every row goes towards every other, none to itself
        assert sum(pairs.values()) == 60 - SIZES[label]
        assert max(pairs.values()) - min(pairs.values()) <= 2  # a base may have one copy more, and a neighbor of it


@pytest.mark.engines("sail", "spark")
def test_dealt_out_a_small_class_makes_the_same_rows(few):
    sampler = sb.SMOTE(**SHRINK, k_neighbors="shrink", singletons="replicate")
    here = sampler.resample(few)
    with mock.patch.object(copies, "DEALT_NUMBERS", 16):
        there = sampler.resample(few)
        dealt = Counter(map(str, there.frame.collect()))
    assert there.notes["tasks_of_new_rows"] > 1
    assert dealt == Counter(map(str, here.frame.collect()))


def test_a_new_row_lies_between_its_two(few):
    made = sb.SMOTE(**SHRINK, k_neighbors="shrink", singletons="leave").resample(few)
    original = {row.id: np.array([row.x, row.y]) for row in few.collect()}
    for row in made.frame.collect():
        if row.made_of.kind == "synthetic":
            base, near = original[row.made_of.base.id], original[row.made_of.neighbor.id]
            assert_allclose([row.x, row.y], base + row.made_of.gap * (near - base), rtol=1e-12)


def test_a_class_of_one_row_is_repeated_or_left(few):
    replicate = sb.SMOTE(**SHRINK, k_neighbors="shrink", singletons="replicate")
    rows = [row for row in replicate.fit_resample(few).collect() if row.label == "class 1"]
    assert Counter(row.made_of.kind for row in rows) == {"original": 1, "replica": 59}
    assert len({(row.x, row.y, row.made_of.base.id if row.id is None else row.id) for row in rows}) == 1
    assert all(row.made_of.neighbor is None and row.made_of.gap is None for row in rows)
    left = replicate.replace(singletons="leave")
    assert left.plan(few).targets == {"class 0": 60, "class 1": 1, "class 2": 60, "class 3": 60}
    assert Counter(row.label for row in left.fit_resample(few).collect()) == left.plan(few).targets
    stays = "class 'class 1' has 1 row, and stays as it is (singletons='leave')"
    for wish, said in [("auto", True), ({"class 1": 30, "class 3": 30}, True), ({"class 3": 30}, False)]:
        assert (stays in left.replace(sampling_strategy=wish).plan(few).notes) == said


def test_the_plan_says_what_shrinks(few):
    plan = sb.ADASYN(**SHRINK, n_neighbors="shrink", singletons="replicate").plan(few)
    assert plan.notes == (
        "class 'class 1' has 1 row, which is repeated",
        "class 'class 2' has 3 rows: n_neighbors=2 there, not 5",
        "class 'class 3' has 5 rows: n_neighbors=4 there, not 5",
    )
    assert str(plan).splitlines()[-3:] == [*plan.notes]
    assert plan.to_dict()["notes"] == [*plan.notes]


def test_who_does_not_shrink_is_shown_how(few):
    with pytest.raises(TooFewRowsError, match="use singletons='replicate' or 'leave', or RandomOverSampler"):
        sb.SMOTE(**SHRINK, k_neighbors="shrink").plan(few)
    with pytest.raises(TooFewRowsError, match="use k_neighbors<=2, k_neighbors='shrink' or RandomOverSampler"):
        sb.SMOTE(**SHRINK, singletons="leave").plan(few)
    with pytest.raises(ParameterError, match="shrink"):
        sb.SMOTE(**SHRINK, k_neighbors="shrnk")


def test_a_group_has_small_classes_of_its_own(spark):
    df = labelled(spark, [20, 9]).selectExpr("*", "if(id in (20, 21, 22), 'b', 'a') AS day")
    df = df.unionByName(labelled(spark, [12]).selectExpr("id + 100 AS id", "label", "x", "y", "n", "'b' AS day"))
    made = sb.SMOTE(**SHRINK, k_neighbors="shrink", within_cols="day").resample(df)
    assert made.plan.notes == ("class 'class 1' in {'day': 'b'} has 3 rows: k_neighbors=2 there, not 5",)
    assert Counter((row.day, row.label) for row in made.frame.collect()) == {
        ("a", "class 0"): 20, ("a", "class 1"): 20, ("b", "class 0"): 12, ("b", "class 1"): 12,
    }  # fmt: skip


def test_who_is_no_voter_has_no_vote():
    near, values = np.array([[1, 2, -1, -1, -1]]), np.array([7, 5, 7, 9, 9, 9])
    assert values[elect(near, values, np.array([0]))] == 5
    assert values[elect(near, values, np.array([1]))] == 7
