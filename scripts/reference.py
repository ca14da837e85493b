"""Write docs/reference.md from the docstrings of everything that `import spark_balance` offers.

``python scripts/reference.py`` writes it; a test says when it is no longer what the docstrings say.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
from pydantic import BaseModel

import spark_balance
from spark_balance.samplers.base import Sampler

TARGET = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = """# Reference

Everything that `import spark_balance` offers, written from the docstrings by `python scripts/reference.py`.
"""
WIDTH = 110


def page() -> str:
    """Return the whole page."""
    samplers, rest = _public()
    shared = sorted({base for kind in samplers for base in _shared(kind)} - {*samplers}, key=lambda kind: kind.__name__)
    parts = [HEAD, "## Samplers\n", *_entries([*samplers]), "## What samplers share\n", *_entries(shared)]
    parts += ["## Counts, splits, training, scores\n", *_entries(rest)]
    return re.sub(r" +$", "", "\n".join(parts), flags=re.MULTILINE)


def _public() -> tuple[list[type[Sampler]], list[Any]]:
    offered = [getattr(spark_balance, name) for name in sorted(spark_balance.__all__, key=str.lower)]
    samplers = [one for one in offered if inspect.isclass(one) and issubclass(one, Sampler) and one is not Sampler]
    return samplers, [one for one in offered if one not in samplers and one is not Sampler]


def _shared(kind: type) -> list[type]:
    """Return the bases that document parameters, notes or methods of their own."""
    bases = [base for base in kind.__mro__[1:] if base.__module__.startswith("spark_balance.")]
    told = [base for base in bases if re.search(r"^(Parameters|Notes)$", inspect.getdoc(base) or "", re.MULTILINE)]
    return [*told, *({Sampler} & {*bases} - {*told})]


def _entries(offered: list[Any]) -> Iterator[str]:
    for one in offered:
        yield f"### {one.__name__}\n"
        yield _signature(one)
        yield _text(one)
        if inspect.isclass(one):
            if bases := _shared(one):
                yield (
                    "Further parameters: " + ", ".join(f"[{b.__name__}](#{b.__name__.lower()})" for b in bases) + ".\n"
                )
            if not (issubclass(one, Sampler) and one is not Sampler):
                yield from _methods(one)


def _methods(of: type) -> Iterator[str]:
    for name, member in vars(of).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if name.startswith("_") or not (inspect.isfunction(function) or isinstance(member, property)):
            continue
        yield f"#### {of.__name__}.{name}\n"
        if inspect.isfunction(function):
            yield _signature(function)
        yield _text(member if isinstance(member, property) else function)


def _signature(one: Any) -> str:
    if inspect.isclass(one) and issubclass(one, BaseModel):
        fields = [(name, field) for name, field in one.model_fields.items()]
        given = [name if field.is_required() else f"{name}={field.get_default()!r}" for name, field in fields]
    else:
        try:
            parameters = list(inspect.signature(one).parameters.values())
        except ValueError:
            return ""
        given = [_parameter(parameter) for parameter in parameters if parameter.name not in ("self", "cls")]
    name = one.__name__
    line = f"{name}({', '.join(given)})"
    if len(line) > WIDTH:
        line = f"{name}(\n    " + ",\n    ".join(given) + ",\n)"
    return f"```text\n{line}\n```\n"


def _parameter(parameter: inspect.Parameter) -> str:
    kind = parameter.kind
    star = "*" if kind is parameter.VAR_POSITIONAL else "**" if kind is parameter.VAR_KEYWORD else ""
    default = "" if parameter.default is inspect.Parameter.empty else f"={parameter.default!r}"
    return f"{star}{parameter.name}{default}"


def _text(one: Any) -> str:
    docstring = griffe.Docstring(inspect.getdoc(one) or "", parser="numpy")
    return "\n".join(
        _section(section) for section in docstring.parse("numpy", warnings=False, warn_unknown_params=False)
    )


def _section(section: griffe.DocstringSection) -> str:
    if section.kind is griffe.DocstringSectionKind.text:
        return f"{section.value}\n"
    if section.kind is griffe.DocstringSectionKind.admonition:
        return f"**{section.title or section.value.kind}.** {section.value.description}\n"
    lines = [f"**{section.kind.value.capitalize()}**\n"]
    for item in section.value:
        name = f"`{item.name}`" if getattr(item, "name", "") else ""
        kind = f"({item.annotation})" if name and item.annotation else str(item.annotation or "")
        lines.append(
            f"- {name} {kind}: ".replace("  ", " ").replace(" :", ":") + re.sub(r"\s*\n\s*", " ", item.description)
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page())
