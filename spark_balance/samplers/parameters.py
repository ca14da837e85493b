"""The types of the parameters that samplers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from spark_balance.errors import nearest_name


def _names(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _strategy(given: object) -> object:
    """Take the list of {label, rows} tables that TOML has for a dict."""
    if isinstance(given, list | tuple) and all(
        isinstance(item, Mapping) and set(item) == {"label", "rows"} for item in given
    ):
        return {item["label"]: item["rows"] for item in given}
    return given


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Wish = Annotated[Any, BeforeValidator(_strategy)]


def refusal(method: str, known: list[str], error: ValidationError) -> str:
    """Tell in one sentence what is wrong with the parameters given."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "the parameters"
    if first["type"] == "extra_forbidden":
        hint = nearest_name(name, known) or f"; its parameters are {', '.join(known)}"
        return f"{method}: there is no parameter '{name}'{hint}"
    if first["type"] == "missing":
        return f"{method}: the parameter '{name}' is required; give it a value"
    reason = first["msg"].removeprefix("Value error, ")
    return f"{method}: {name}={first['input']!r} is refused: {reason[0].lower()}{reason[1:]}"
