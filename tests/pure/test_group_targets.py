"""Plans of several groups, and the growth that a plan may have."""

from contextlib import nullcontext

import pytest

from spark_balance import SMOTE, RandomOverSampler
from spark_balance.base.guards import check_growth
from spark_balance.base.strategy import check_strategy, plan_classes, wanted_of_group
from spark_balance.errors import BadValuesError, ParameterError, RefusedByGuard, StrategyError
from spark_balance.frames.plan import ClassCounts


def test_a_group_of_one_class_stays_and_so_does_one_that_meets_a_ratio():
    assert wanted_of_group("M", ("de",), {"a": 5}, "auto", "over") == {"a": 5}
    assert wanted_of_group("M", ("de",), {}, "auto", "over") == {}
    assert wanted_of_group("M", ("de",), {"a": 5, "b": 4}, 0.5, "over") == {"a": 5, "b": 4}
    assert wanted_of_group("M", ("de",), {"a": 5, "b": 4}, 1, "over") == {"a": 5, "b": 5}
    assert wanted_of_group("M", ("de",), {"a": 5, "b": 2}, 0.6, "over") == {"a": 5, "b": 3}


def test_what_is_wrong_in_a_group_is_refused_as_without_groups():
    for group, classes, wish in [
        ((), {"a": 5}, "auto"),
        ((), {"a": 5, "b": 4}, 0.5),
        (("de",), {"a": 5, "b": 4, "c": 4}, 0.5),
        (("de",), {"a": 5, "b": 4}, "majority"),
        (("de",), {"a": 5, "b": 4}, {"b": 3}),
        ((), {"a": 5, "b": 4}, {"c": 9}),
    ]:
        with pytest.raises(StrategyError):
            wanted_of_group("M", group, classes, wish, "over")


def test_a_dict_may_name_classes_that_a_group_has_not():
    assert wanted_of_group("M", ("de",), {"a": 5, "b": 4}, {"b": 6, "c": 9}, "over") == {"a": 5, "b": 6}


def counted(groups, missing=0):
    return ClassCounts("y", groups, dict.fromkeys(groups, 0) | ({next(iter(groups)): missing} if missing else {}))


def test_a_plan_has_every_class_of_every_group_in_one_order():
    sampler = RandomOverSampler(label_col="y", within_cols="country")
    plan = plan_classes(sampler, counted({("fr",): {"b": 2, "a": 3}, (None,): {"a": 9}, ("de",): {"a": 1, "b": 4}}))
    told = [(one.group, one.label, one.before, one.after, one.action) for one in plan.classes]
    assert told == [
        ((None,), "a", 9, 9, "keep"),
        (("de",), "a", 1, 4, "replicate"),
        (("de",), "b", 4, 4, "keep"),
        (("fr",), "a", 3, 3, "keep"),
        (("fr",), "b", 2, 3, "replicate"),
    ]


def test_no_rows_are_refused_and_rows_without_a_label_are_by_default():
    with pytest.raises(StrategyError, match="has 0 class"):
        plan_classes(RandomOverSampler(label_col="y"), ClassCounts("y", {}, {}))
    missing = counted({(): {"a": 3, "b": 2}}, missing=1)
    with pytest.raises(BadValuesError, match="NULL or NaN in 1 rows"):
        plan_classes(RandomOverSampler(label_col="y"), missing)
    for how, action in [("keep", "keep"), ("drop", "drop")]:
        plan = plan_classes(RandomOverSampler(label_col="y", null_label=how), missing)
        assert (plan.missing_rows, plan.missing_action) == (1, action)


@pytest.mark.parametrize(("most", "refused"), [(1.5, False), (1.49, True), (0.5, True), (None, False)])
def test_a_plan_grows_as_much_as_it_may_and_no_more(most, refused):
    sampler = RandomOverSampler(label_col="y")
    plan = plan_classes(sampler, counted({(): {"a": 60, "b": 20}}))
    assert (plan.rows_before, plan.rows_after) == (80, 120)
    bounded = RandomOverSampler(label_col="y", max_growth=most)
    told = (
        pytest.raises(RefusedByGuard, match="turns 80 rows into 120, 1.5 times as many") if refused else nullcontext()
    )
    with told:
        check_growth(bounded, plan)


def test_a_wish_that_no_counts_could_meet_is_refused_at_once():
    for family, wish in [
        ("over", "majority"),
        ("under", "minority"),
        ("over", 1.5),
        ("over", 1.5e-15),
        ("under", []),
        ("clean", 0.5),
    ]:
        with pytest.raises(StrategyError):
            check_strategy("M", wish, family)
    with pytest.raises(ParameterError, match="it is what methods are made of"):
        check_strategy("M", "auto", None)
    for family, wish in [
        ("over", 1e-9),
        ("over", 3e-15),
        ("under", 1e-9),
        ("under", 1.0),
        ("over", {}),
        ("under", lambda counts: 1),
        ("clean", ["a"]),
        ("clean", "majority"),
        ("both", []),
    ]:
        check_strategy("M", wish, family)


@pytest.mark.parametrize(("least", "refused"), [(None, False), (20, False), (21, True)])
def test_a_class_too_small_to_hide_in_is_refused_where_rows_are_made_of_it(least, refused):
    sampler = SMOTE(label_col="y", within_cols="day", min_class_rows=least)
    rows = counted({("mon",): {"a": 60, "b": 20}, ("tue",): {"a": 9}})
    sentence = r"SMOTE: class 'b' in {'day': 'mon'} has 20 rows to make others of, .*min_class_rows=21 refuses"
    with pytest.raises(RefusedByGuard, match=sentence) if refused else nullcontext():
        plan_classes(sampler, rows)
