"""What `help` says of a class of parameters: each parameter, where it is described, and a signature that reads."""

import inspect
import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, get_type_hints

from pydantic import BaseModel

_SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)
_ENTRY = re.compile(r"^(\w[\w, ]*) : ", re.MULTILINE)


def docstring_of(cls: type, *others: type) -> str:
    """Return the docstring of a class with the parameters of its parents after its own, and the nearest `Examples`.

    What no parent describes is described by `others`.
    """
    own = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    sections = _sections(own)
    entries = _entries(sections.get("Parameters", ""))
    inherited: dict[str, str] = {}
    for parent in filter(_fields, (*cls.__mro__[1:], *others)):
        said = _sections(inspect.cleandoc(parent.__dict__.get("__doc__") or ""))
        inherited = {**_entries(said.get("Parameters", "")), **inherited}
        if "Examples" in said and "Examples" not in sections:
            sections["Examples"] = said["Examples"].replace(f"{parent.__name__}(", f"{cls.__name__}(")
            own += f"\n\nExamples\n--------\n{sections['Examples']}"
    described = {name for names in entries for name in names.split(", ")}
    # a class may have given up parameters of a parent
    entries |= {name: inherited[name] for name in _fields(cls) if name in inherited and name not in described}
    if not entries:
        return own
    listed = "Parameters\n----------\n" + "\n".join(entries.values())
    if "Parameters" in sections:
        return own.replace(f"Parameters\n----------\n{sections['Parameters']}", listed)
    head, *rest = re.split(r"\n\n(?=\w[\w ]*\n-+\n)", own, maxsplit=1)
    return "\n\n".join([head, listed, *rest])


def described(cls: type) -> dict[str, str]:
    """Return what the docstring of a class says of each parameter, in a line."""
    entries = _entries(_sections(inspect.cleandoc(cls.__doc__ or "")).get("Parameters", ""))
    return {
        name: " ".join(text.partition("\n")[2].split()) for names, text in entries.items() for name in names.split(", ")
    }


def signature_of(cls: type[BaseModel]) -> inspect.Signature:
    """Return the signature of a class of parameters: names, types without what checks them, and defaults."""
    fields, first = cls.model_fields, inspect.signature(cls.__init__).parameters
    types = get_type_hints(SimpleNamespace(__annotations__={name: one.annotation for name, one in fields.items()}))

    def parameters() -> Iterator[inspect.Parameter]:
        for name, field in fields.items():
            yield inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD if name in first else inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.is_required() else field.get_default(),
                annotation=inspect.Parameter.empty if types[name] is Any else types[name],
            )

    return inspect.Signature(sorted(parameters(), key=lambda one: one.kind))


def _fields(cls: type) -> Mapping[str, Any]:
    """Return the parameters of a class: fields of pydantic or of a dataclass."""
    fields: Mapping[str, Any] = getattr(cls, "model_fields", None) or getattr(cls, "__dataclass_fields__", {})
    return fields


def _sections(text: str) -> dict[str, str]:
    found = list(_SECTION.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)] * bool(found)
    return {one[1]: text[one.end() + 1 : end].rstrip() for one, end in zip(found, ends, strict=True)}


def _entries(text: str) -> dict[str, str]:
    starts = [one.start() for one in _ENTRY.finditer(text)]
    ends = starts[1:] + [len(text)] * bool(starts)
    parts = [text[start:end].rstrip() for start, end in zip(starts, ends, strict=True)]
    return {part.partition(" : ")[0]: part for part in parts}
