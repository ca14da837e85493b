"""Parameters of samplers: their types, and how refusals, TOML and docstrings write them."""

import inspect
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from spark_balance.errors import ParameterError
from spark_balance.frames.arguments import describe_refusal

_SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)
_ENTRY = re.compile(r"^(\w[\w, ]*) : ", re.MULTILINE)


def _names(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _by_label(value: str) -> BeforeValidator:
    """Take the list of {label, value} tables that TOML has for a dict of labels."""

    def taken(given: object) -> object:
        if (
            isinstance(given, list | tuple)
            and given
            and all(isinstance(one, Mapping) and set(one) == {"label", value} for one in given)
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


class Parameters(BaseModel):
    """Parameters that refuse in one sentence what they cannot be, and that TOML can carry."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: ClassVar[str] = "Parameters"  # of the class: how errors, plans and reports call the method
    absent: ClassVar[Mapping[str, str]] = {}  # parameters that people look for here, and why they are absent

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Name a method by its class, and let its docstring list all its parameters."""
        cls.name = cls.__name__
        cls.__doc__ = with_inherited_parameters(cls)

    def __init__(self, **parameters: Any) -> None:
        # a number of NumPy's is one
        plain = {name: one.item() if isinstance(one, np.generic) else one for name, one in parameters.items()}
        try:
            super().__init__(**plain)
        except ValidationError as error:
            known = list(type(self).model_fields)
            raise ParameterError(describe_refusal(self.name, known, error, self.absent)) from None

    def to_toml_dict(self) -> dict[str, Any]:
        """Return the parameters that are not at their default, as TOML can carry them."""
        return toml_of(self.name, given_to(self))

    @classmethod
    def from_toml_dict(cls, parameters: Mapping[str, Any]) -> Self:
        """Make the same from a TOML table."""
        return cls(**parameters)


def given_to(model: BaseModel) -> dict[str, Any]:
    """Return the parameters that a model was given, in the order of its fields: a set has another in each process."""
    return {name: getattr(model, name) for name in type(model).model_fields if name in model.model_fields_set}


def toml_of(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as TOML can carry them: dicts of labels as lists of tables, no None."""
    for name in ("sampling_strategy", "strategy"):
        if callable(given.get(name)):
            raise ParameterError(f"{method}: a callable {name} cannot be written to TOML; use a dict")
    for name, value in given.items():
        if not name.endswith("estimator") or value is None or isinstance(value, int):
            continue
        raise ParameterError(
            f"{method}: {name}={value!r} is an object, which cannot be written to TOML; leave it out "
            "for the default, or make the sampler in Python"
        )
    carried: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            column = {"sampling_strategy": "rows", "strategy": "weight"}.get(name, name)
            # no table at all would be an empty list, which is another wish
            carried[name] = [{"label": label, column: one} for label, one in value.items()] or {}
        elif value is not None:
            carried[name] = list(value) if isinstance(value, tuple) else value
    return carried


def with_inherited_parameters(cls: type) -> str:
    """Return the docstring of a class with the parameters of its parents after its own, and the nearest `Examples`."""
    own = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    sections = _sections(own)
    entries = _entries(sections.get("Parameters", ""))
    for parent in cls.__mro__[1:]:
        inherited = _sections(inspect.cleandoc(parent.__dict__.get("__doc__") or ""))
        for name, text in _entries(inherited.get("Parameters", "")).items():
            if not any(name in known.split(", ") for known in entries) and _there(cls, name):
                entries[name] = text
        if "Examples" in inherited and "Examples" not in sections:
            sections["Examples"] = inherited["Examples"].replace(f"{parent.__name__}(", f"{cls.__name__}(")
            own += f"\n\nExamples\n--------\n{sections['Examples']}"
    if not entries:
        return own
    listed = "Parameters\n----------\n" + "\n".join(entries.values())
    if "Parameters" in sections:
        return own.replace(f"Parameters\n----------\n{sections['Parameters']}", listed)
    head, *rest = re.split(r"\n\n(?=\w[\w ]*\n-+\n)", own, maxsplit=1)
    return "\n\n".join([head, listed, *rest])


def _there(cls: type, names: str) -> bool:
    """Return whether a class has one of these parameters: it may have given up those of a parent."""
    fields = getattr(cls, "model_fields", None)
    return not fields or any(name in fields for name in names.split(", "))


def _sections(text: str) -> dict[str, str]:
    found = list(_SECTION.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)] * bool(found)
    return {one[1]: text[one.end() + 1 : end].rstrip() for one, end in zip(found, ends, strict=True)}


def _entries(text: str) -> dict[str, str]:
    starts = [one.start() for one in _ENTRY.finditer(text)]
    ends = starts[1:] + [len(text)] * bool(starts)
    parts = [text[start:end].rstrip() for start, end in zip(starts, ends, strict=True)]
    return {part.partition(" : ")[0]: part for part in parts}
