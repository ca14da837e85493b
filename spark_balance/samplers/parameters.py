"""The types of the parameters that samplers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from spark_balance.errors import SparkBalanceError, nearest_name


def _names(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _by_label(value: str) -> BeforeValidator:
    """Take the list of {label, value} tables that TOML has for a dict of labels."""

    def taken(given: object) -> object:
        if isinstance(given, list | tuple) and all(
            isinstance(one, Mapping) and set(one) == {"label", value} for one in given
        ):
            labels = [one["label"] for one in given]
            for label in labels:
                if labels.count(label) > 1:
                    raise ValueError(f"class {label!r} is given twice; name each class once")
            return {one["label"]: one[value] for one in given}
        return tuple(given) if isinstance(given, list) else given

    return BeforeValidator(taken)


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Wish = Annotated[Any, _by_label("rows")]
Weighting = Annotated[Any, _by_label("weight")]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Shrinkage = Annotated[NotNegative | dict[Any, NotNegative] | None, _by_label("shrinkage")]


def refusal(method: str, known: list[str], error: ValidationError, absent: Mapping[str, str] | None = None) -> str:
    """Tell in one sentence what is wrong with the parameters given; `absent` says why there are none of some names."""
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{method}: {reason}"
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        if absent and name in absent:
            return f"{method}: there is no parameter '{name}', since {absent[name]}"
        hint = nearest_name(name, known) or f"; its parameters are {', '.join(known)}"
        return f"{method}: there is no parameter '{name}'{hint}"
    if first["type"] == "missing":
        return f"{method}: the parameter '{name}' is required; give it a value"
    return f"{method}: {name}={first['input']!r} is refused: {reason[0].lower()}{reason[1:]}"


def given_to(model: BaseModel) -> dict[str, Any]:
    """Return the parameters that a model was given, in the order of its fields: a set has another in each process."""
    return {name: getattr(model, name) for name in type(model).model_fields if name in model.model_fields_set}


def toml_of(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as TOML can carry them: dicts of labels as lists of tables, no None."""
    if callable(given.get("sampling_strategy")):
        raise SparkBalanceError(f"{method}: a callable sampling_strategy cannot be written to TOML; use a dict")
    if given.get("estimator") is not None:
        raise SparkBalanceError(
            f"{method}: estimator={given['estimator']!r} is an object, which cannot be written to TOML; leave it out "
            "for the default, or make the sampler in Python"
        )
    carried = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            column = "rows" if name == "sampling_strategy" else name
            carried[name] = [{"label": label, column: one} for label, one in value.items()]
        elif value is not None:
            carried[name] = list(value) if isinstance(value, tuple) else value
    return carried
