"""The arguments of what is public: each of a type that its function says, or one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, get_args, get_type_hints, runtime_checkable

import numpy as np

from spark_balance.errors import ParameterError
from spark_balance.frames.habits import ADVICE, bind, hint_at

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
    signature, known = inspect.signature(called), list[tuple["type[BaseModel]", dict[str, type]]]()

    @wraps(called)
    def call(*args: Any, **kwargs: Any) -> Any:
        from pyspark.sql import DataFrame

        bound = bind(called, signature, args, kwargs)
        owner = type(args[0]) if "self" in signature.parameters else None
        if not known:
            known.append(_model(called, owner))
        model, framed = known[0]
        who, local = (owner or called).__name__, dict[str, Any]()
        others = {name: one for name, one in bound.arguments.items() if not isinstance(one, DataFrame | None)}
        if others := {name: one for name, one in others.items() if isinstance(one, framed.get(name, ()))}:
            from spark_balance.frames.conversion import find_local

            local = find_local(who, others)
            # of the right type, while all are checked
            bound.arguments |= {name: object.__new__(DataFrame) for name, one in local.items() if not is_dataclass(one)}
        _check(model, who, bound)
        if local:
            from spark_balance.frames.local import call_with_local

            bound.arguments |= local
            return call_with_local(called, bound)
        return called(*bound.args, **bound.kwargs)

    return cast(Called, call)


def _model(called: Callable[..., Any], owner: type | None) -> tuple[type[BaseModel], dict[str, type]]:
    """Return the types of the parameters of a function, and those that take a frame or a result that has one."""
    from pydantic import ConfigDict, create_model

    # a method may name its own class, where that is imported for type checkers alone
    own = {one.__name__: one for one in (owner.__mro__ if owner else ())}
    types = get_type_hints(called, localns=own, include_extras=True)
    fields = {name: (types.get(name, Any), None) for name in inspect.signature(called).parameters}
    config = ConfigDict(arbitrary_types_allowed=True, strict=True)
    framed = {name: one for name in fields if (one := _frames_of(types.get(name)))}
    return create_model(called.__name__, __config__=config, **cast(Any, fields)), framed


def _check(model: type[BaseModel], who: str, bound: inspect.BoundArguments) -> None:
    """Refuse an argument of a wrong type; NumPy's are made Python's where that is of the right one."""
    from pydantic import ValidationError

    try:
        model(**bound.arguments)
    except ValidationError:
        bound.arguments.update({name: as_python(one) for name, one in bound.arguments.items()})
        try:
            model(**bound.arguments)
        except ValidationError as refused:
            raise ParameterError(describe_refusal(who, list(bound.signature.parameters), refused)) from None


def _frames_of(kind: Any) -> type | None:
    """Return what a parameter of a type may be that has a frame: any frame, or a result of ours that has one."""
    from pyspark.sql import DataFrame

    for one in (kind, *get_args(kind)):
        if one is DataFrame:
            return object
        if is_dataclass(one) and "frame" in one.__annotations__:
            return cast(type, one)
    return None


def _is_checked(name: str, signature: inspect.Signature) -> bool:
    if name == "__init__":
        return all(one.kind is not one.VAR_KEYWORD for one in signature.parameters.values())
    return not name.startswith("_") and "df" in signature.parameters


def as_python(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's, in lists and dicts too."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if type(value) in (list, tuple):
        return type(value)(map(as_python, value))
    if type(value) is dict:
        return {as_python(key): as_python(one) for key, one in value.items()}
    return value


def describe_refusal(
    method: str, known: list[str], error: ValidationError, absent: Mapping[str, str] | None = None
) -> str:
    """Say in one sentence what is wrong with the parameters given; `absent` explains missing names."""
    # a parameter that is missing may be there under another name
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{method}: {reason}"
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        if absent and name in absent:
            return f"{method}: unknown parameter '{name}', since {absent[name]}"
        return f"{method}: unknown parameter '{name}'{hint_at(name, known)}"
    if first["type"] == "missing":
        return f"{method}: the parameter '{name}' is required; give it a value"
    if first["type"] == "is_instance_of" and first["ctx"]["class"] == "DataFrame":
        kind, needs = (
            type(first["input"]),
            "" if find_spec("narwhals") else "; for all but Spark's, pip install narwhals",
        )
        return (
            f"{method}: {name} is of type {kind.__module__}.{kind.__qualname__}; give a DataFrame of Spark, pandas or "
            f"polars, or a Table of pyarrow{needs}"
        )
    meant = _of_the_branch_meant([one for one in error.errors() if one["loc"][:1] == first["loc"][:1]])
    entry = "".join(f"[{key!r}]" for key in _inside(meant[0]))
    reasons = dict.fromkeys(one["msg"].removeprefix("Value error, ").replace(*_MODEL) for one in meant)
    reason, *others = reasons
    also = "".join(f" or {other.removeprefix('Input should be ')}" for other in others)
    return (
        f"{method}: {name}{entry}={shortened(meant[0]['input'])} is refused: {reason[0].lower()}{reason[1:]}{also}"
        + ADVICE.get(name, "")
    )


def shortened(value: object) -> str:
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
