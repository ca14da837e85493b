"""Samplers are immutable values: validated, picklable and at home in TOML. No engine needed."""

from __future__ import annotations

import pickle
import tomllib
from typing import Any

from pyspark.sql import SparkSession

from spark_balance.errors import SparkBalanceError
from spark_balance.testing.case import Case, expect
from spark_balance.testing.checks import check

_COUNTED: tuple[Any, ...] = ("auto", 0.25, {"a": 3, "b": 10}, {True: 7})
_CLEANED: tuple[Any, ...] = ("auto", "all", ("a", "b"), (True,))
_REFUSED: dict[str, tuple[Any, ...]] = {
    "random_state": (1.5, "1", None, True, 2.0),
    "sampling_strategy": ("minorty", 1.5, 0, None),
    "null_label": ("ignore",),
    "max_growth": (0, -1, "twice"),
    "label_col": (3,),
}


@check()
def check_round_trips(spark: SparkSession, case: Case) -> None:
    """A sampler is itself again after pickle and, with every form of sampling_strategy that it takes, after TOML."""
    import tomli_w

    for wish in _CLEANED if case.cleans else _COUNTED:
        try:
            sampler = case(sampling_strategy=wish, null_label="keep", max_growth=4.0)
        except SparkBalanceError:
            # steps have wishes of their own
            sampler = case()
        expect(pickle.loads(pickle.dumps(sampler)) == sampler, f"{case}: it is another sampler after pickle")
        table = tomllib.loads(tomli_w.dumps(sampler.to_toml_dict()))
        back = type(sampler).from_toml_dict(table)
        expect(back == sampler, f"{case}: after TOML it is {back!r} and not {sampler!r}")


@check()
def check_it_cannot_be_changed(spark: SparkSession, case: Case) -> None:
    """A parameter is never set anew; `model_copy` makes another sampler."""
    sampler = case(random_state=1)
    try:
        setattr(sampler, "random_state", 7)  # noqa: B010 - a type checker refuses the other form
    except Exception:
        return
    expect(sampler.random_state == 1, f"{case}: random_state can be set, where a sampler is a value")


@check()
def check_values_are_refused(spark: SparkSession, case: Case) -> None:
    """What no sampler can use as a seed, a wish, a policy, a bound or a column is refused, by name."""
    for name, values in _REFUSED.items():
        for value in values:
            case.refuses(f"{name}={value!r}", lambda n=name, v=value: case(**{n: v}), f"{name}={value!r}"[:60])  # type: ignore[misc]
    case.refuses("a parameter that does not exist", lambda: case(randm_state=1), "'randm_state'", "did you mean")
    case.refuses("no label_col", lambda: case.kind())


@check()
def check_own_parameters_are_refused(spark: SparkSession, case: Case) -> None:
    """Every parameter refuses an object that is of no type at all, by name."""
    for name, field in case.kind.model_fields.items():
        if field.annotation is not Any or name in ("sampling_strategy",):
            case.refuses(f"an object for {name}", lambda n=name: case(**{n: object()}), name)  # type: ignore[misc]
