"""Samplers are immutable values: validated, picklable and at home in TOML. No engine needed."""

from __future__ import annotations

import math
import pickle
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pyspark.sql import SparkSession

from spark_balance.errors import SparkBalanceError
from spark_balance.testing.case import Case, expect
from spark_balance.testing.checks import check

_COUNTED: tuple[Any, ...] = ("auto", 0.25, {"a": 3, "b": 10}, {True: 7})
_CLEANED: tuple[Any, ...] = ("auto", "all", ("a", "b"), (True,))
# values, and a word of why each is refused
_REFUSED: dict[str, dict[Any, str]] = {
    "random_state": dict.fromkeys([1.5, "1", None, True, 2.0], "integer"),
    "null_label": {"ignore": "'error', 'keep' or 'drop'"},
    "max_growth": {0: "greater than 0", -1: "greater than 0", "twice": "number"},
    "label_col": {3: "string"},
}
_NO_WISHES: tuple[Any, ...] = (1.5, 0, None)


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
    who = "" if case.of_steps else f"{case.kind.__name__}: "
    for name, values in _REFUSED.items():
        for value, why in values.items():
            given = f"{name}={value!r}"
            case.refuses(given, lambda n=name, v=value: case(**{n: v}), who, f"{given} is refused: ", why)  # type: ignore[misc]
    for wish in _NO_WISHES:
        why = case.why_not("says how many rows to keep" if case.cleans else "is not a ratio in (0, 1]")
        words = f"sampling_strategy={wish!r} ", why
        case.refuses(f"sampling_strategy={wish!r}", lambda wish=wish: case(sampling_strategy=wish), who, *words)  # type: ignore[misc]
    near = case.why_not("'minorty' is not one of "), case.why_not("; did you mean 'minority'?")
    case.refuses("a name that is nearly right", lambda: case(sampling_strategy="minorty"), who, *near)
    nearest = ("there is no parameter 'randm_state'", "'random_state'")
    case.refuses("a parameter that does not exist", lambda: case(randm_state=1), who, *nearest)
    case.refuses("no label_col", lambda: case.kind(), who)


@check()
def check_own_parameters_are_refused(spark: SparkSession, case: Case) -> None:
    """Every parameter refuses what is no value, beyond a bound or none of its choices, and a switch a word for yes."""
    for name, field in case.kind.model_fields.items():
        for value in _beyond(_schema(field)):
            given = f"{name}={value!r}"
            case.refuses(given, lambda n=name, v=value: case(**{n: v}), f"{given} is refused: ")  # type: ignore[misc]
        if field.annotation is not Any or name in ("sampling_strategy",):
            case.refuses(f"an object for {name}", lambda n=name: case(**{n: object()}), name)  # type: ignore[misc]
        if isinstance(field.default, bool):
            case.refuses(f"a word for {name}", lambda n=name: case(**{n: "no"}), f"{name}='no' is refused: ")  # type: ignore[misc]


def _schema(field: FieldInfo) -> dict[str, Any]:
    """Return what pydantic knows of a parameter, bounds and choices, as a JSON schema."""
    kind: Any = field.annotation
    if field.metadata:
        kind = Annotated[(kind, *field.metadata)]
    return TypeAdapter(kind).json_schema()


def _beyond(schema: Mapping[str, Any]) -> Iterator[object]:
    """Yield a value just beyond each bound, a number that is none, and a value that is none of the choices."""
    for one in schema.get("anyOf", [schema]):
        step = 1 if one.get("type") == "integer" else 0.01
        if "minimum" in one:
            yield one["minimum"] - step
        if "exclusiveMinimum" in one:
            yield one["exclusiveMinimum"]
        if "maximum" in one:
            yield one["maximum"] + step
        if one.get("type") == "number":
            yield math.nan
        choices = one.get("enum", [one["const"]] if "const" in one else [])
        if choices:
            yield "none of these" if isinstance(choices[0], str) else max(choices) + 1
