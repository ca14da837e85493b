"""The arguments of what is public: each of a type that its function says, or one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, get_type_hints, runtime_checkable

import numpy as np

from spark_balance.errors import ParameterError, nearest_name

# a worker that imports this module calls nothing that is checked, and must not pay for pydantic
if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails
    from pyspark.sql import SparkSession

    Session = SparkSession
else:

    @runtime_checkable
    class Session(Protocol):
        """A session of Spark, of which that of Connect is of a class of its own."""

        sql: Any


_WRONG_TYPE = ("_type", "literal_error", "is_instance_of", "sequence_str")
_MODEL = "a valid dictionary or instance", "an instance"  # which pydantic takes a dictionary for, where it may
_MOST_SHOWN = 200
Called = TypeVar("Called", bound=Callable[..., Any])


def checked(called: Called) -> Called:
    """Have a function refuse an argument that is not of a type that it says; NumPy's numbers and arrays are Python's.

    Of a class: its constructor, and every public method that takes a frame.
    """
    if isinstance(called, type):
        for name, method in list(vars(called).items()):
            if inspect.isfunction(method) and _is_checked(name, inspect.signature(method)):
                setattr(called, name, checked(method))
        return cast(Called, called)
    signature, models = inspect.signature(called), list["type[BaseModel]"]()

    @wraps(called)
    def call(*args: Any, **kwargs: Any) -> Any:
        from pydantic import ConfigDict, ValidationError, create_model

        bound = signature.bind(*args, **kwargs)
        is_method = "self" in signature.parameters
        if not models:
            # a method may name its own class, where that is imported for type checkers alone
            kinds = type(args[0]).__mro__ if is_method else ()
            own = dict(zip(map(attrgetter("__name__"), kinds), kinds, strict=True))
            types = get_type_hints(called, localns=own, include_extras=True)
            fields = dict[str, Any]()
            for name in signature.parameters:
                fields[name] = types.get(name, Any), None
            config = ConfigDict(arbitrary_types_allowed=True, strict=True)
            models.append(create_model(called.__name__, __config__=config, **fields))
        try:
            models[0](**bound.arguments)
        except ValidationError:
            bound.arguments.update({name: _as_python(one) for name, one in bound.arguments.items()})
            try:
                models[0](**bound.arguments)
            except ValidationError as refused:
                who = type(args[0]).__name__ if is_method else called.__name__
                raise ParameterError(describe_refusal(who, list(signature.parameters), refused)) from None
        return called(*bound.args, **bound.kwargs)

    return cast(Called, call)


def _is_checked(name: str, signature: inspect.Signature) -> bool:
    if name == "__init__":
        return all(one.kind is not one.VAR_KEYWORD for one in signature.parameters.values())
    return not name.startswith("_") and "df" in signature.parameters


def _as_python(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's, in lists and dicts too."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if type(value) in (list, tuple):
        return type(value)(map(_as_python, value))
    if type(value) is dict:
        return {_as_python(key): _as_python(one) for key, one in value.items()}
    return value


def describe_refusal(
    method: str, known: list[str], error: ValidationError, absent: Mapping[str, str] | None = None
) -> str:
    """Say in one sentence what is wrong with the parameters given; `absent` explains missing names."""
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{method}: {reason}"
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        if absent and name in absent:
            return f"{method}: unknown parameter '{name}', since {absent[name]}"
        hint = nearest_name(name, known) or f"; its parameters are {', '.join(known)}"
        return f"{method}: unknown parameter '{name}'{hint}"
    if first["type"] == "missing":
        return f"{method}: the parameter '{name}' is required; give it a value"
    if first["type"] == "is_instance_of" and first["ctx"]["class"] == "DataFrame":
        kind = type(first["input"])
        return (
            f"{method}: {name} is of type {kind.__module__}.{kind.__qualname__}; give a DataFrame of Spark, such as "
            "spark.createDataFrame makes of it"
        )
    meant = _of_the_branch_meant([one for one in error.errors() if one["loc"][:1] == first["loc"][:1]])
    entry = "".join(f"[{key!r}]" for key in _inside(meant[0]))
    reasons = dict.fromkeys(one["msg"].removeprefix("Value error, ").replace(*_MODEL) for one in meant)
    reason, *others = reasons
    also = "".join(f" or {other.removeprefix('Input should be ')}" for other in others)
    return f"{method}: {name}{entry}={_shown(meant[0]['input'])} is refused: {reason[0].lower()}{reason[1:]}{also}"


def _shown(value: object) -> str:
    """Return a value as it is written, on a line of its own and not without end."""
    said = " ".join(repr(value).splitlines())
    return said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}..."


def _inside(error: ErrorDetails) -> tuple[int | str, ...]:
    """Return the keys and positions inside of a parameter at which it is wrong."""
    inside, of_union = error["loc"][1:], error["loc"][1:2] and isinstance(error["loc"][1], str)
    return inside[1:] if of_union else inside


def _of_the_branch_meant(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Return the errors of the branch of a union that came furthest: into a dict, or beyond the type."""
    depth = max(len(_inside(one)) for one in errors)
    deepest = [one for one in errors if len(_inside(one)) == depth]
    valued = [one for one in deepest if not one["type"].endswith(_WRONG_TYPE)]
    meant = valued or deepest
    return [one for one in meant if _inside(one) == _inside(meant[0])]
