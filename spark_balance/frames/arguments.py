"""The arguments of what is public: each of a type that its function says, or one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import wraps
from importlib.util import find_spec
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, get_args, get_type_hints, runtime_checkable

import numpy as np

from spark_balance.errors import ParameterError
from spark_balance.frames.habits import ADVICE, describe_call, hint_at

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
    return cast(Called, _checked_function(called))


def _checked_function(called: Callable[..., Any]) -> Callable[..., Any]:
    signature, models = inspect.signature(called), list["type[BaseModel]"]()
    framed, results = set[str](), dict[str, type]()  # the parameters that take a frame, and a result of ours with one

    @wraps(called)
    def call(*args: Any, **kwargs: Any) -> Any:
        from pydantic import ConfigDict, ValidationError, create_model
        from pyspark.sql import DataFrame

        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            raise ParameterError(describe_call(called, signature, args, kwargs)) from None
        is_method = "self" in signature.parameters
        if not models:
            # a method may name its own class, where that is imported for type checkers alone
            kinds = type(args[0]).__mro__ if is_method else ()
            own = dict(zip(map(attrgetter("__name__"), kinds), kinds, strict=True))
            types = get_type_hints(called, localns=own, include_extras=True)
            fields = dict[str, Any]()
            for name in signature.parameters:
                kind = types.get(name, Any)
                fields[name] = kind, None
                if DataFrame in (kind, *get_args(kind)):
                    framed.add(name)
                elif is_dataclass(kind) and "frame" in kind.__annotations__:
                    results[name] = cast(type, kind)
            config = ConfigDict(arbitrary_types_allowed=True, strict=True)
            models.append(create_model(called.__name__, __config__=config, **fields))
        try:
            models[0](**bound.arguments)
        except ValidationError:
            pass
        else:
            if not results:
                return called(*bound.args, **bound.kwargs)
        who = type(args[0]).__name__ if is_method else called.__name__
        return _call_converted(called, who, bound, models[0], dict.fromkeys(framed, object) | results)

    return call


def _call_converted(
    called: Callable[..., Any], who: str, bound: inspect.BoundArguments, model: type[BaseModel], framed: dict[str, type]
) -> Any:
    """Call a function with NumPy's numbers as Python's, and other frames as Spark's, or refuse what stays wrong."""
    from pydantic import ValidationError
    from pyspark.sql import DataFrame

    from spark_balance.frames.conversion import find_local

    given = {name: one for name, one in bound.arguments.items() if isinstance(one, framed.get(name, ()))}
    local = find_local(who, {name: one for name, one in given.items() if not isinstance(one, DataFrame)})
    # of the right type, while all are checked
    stand_ins = {name: object.__new__(DataFrame) for name, one in local.items() if not is_dataclass(one)}
    bound.arguments.update({name: as_python(one) for name, one in (bound.arguments | stand_ins).items()})
    try:
        model(**bound.arguments)
    except ValidationError as refused:
        raise ParameterError(describe_refusal(who, list(bound.signature.parameters), refused)) from None
    if not local:
        return called(*bound.args, **bound.kwargs)
    from spark_balance.frames.local import call_with_local

    bound.arguments |= local
    return call_with_local(called, bound)


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
        kind = type(first["input"])
        needs = "" if find_spec("narwhals") else "; for all but Spark's, pip install narwhals"
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
    """Return a value as it is written, not without end, or the type of one that is written on several lines."""
    said = repr(value)
    if len(said.splitlines()) > 1:
        return f"<{type(value).__module__}.{type(value).__qualname__}>"
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
