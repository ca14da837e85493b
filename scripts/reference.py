"""Write docs/reference.md from the docstrings of everything public.

``python scripts/reference.py`` writes it; a test says when it is no longer what the docstrings say.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import griffe
from pydantic import BaseModel

import spark_balance
from spark_balance import base, datasets, errors, neighbors
from spark_balance.base import Sampler
from spark_balance.frames.levels import Quota, together
from spark_balance.frames.sample import Sample
from spark_balance.kernels.members import Members
from spark_balance.kernels.scale import Scale

TARGET = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = """# Reference

Everything public, written from the docstrings by `python scripts/reference.py`: what `import spark_balance`
offers, `spark_balance.datasets`, `spark_balance.neighbors`, what [samplers of your own](own-samplers.md) are made of,
and `spark_balance.errors`.

Wherever a parameter is a DataFrame, it is one of Spark, pandas or polars, or a `pyarrow.Table`, and a DataFrame that
returns is of the type of the first: see [any frame](quickstart.md#any-frame).
"""
WIDTH = 110
OWN = (
    *(base.Recipe, base.OverSampler, base.UnderSampler, base.CleaningSampler),
    *(base.own_class, base.changing_among_all, base.all_among_all, base.Ask, base.Pair),
    *(Members, base.Context, Sample, Scale, base.each_class, base.ClassLevels, Quota, together),
    *(base.Node, base.SparkRun),
)


def page() -> str:
    """Return the whole page."""
    samplers, rest = _public()
    sections = {
        "Samplers": samplers,
        "What every sampler does": [Sampler],
        "Counts, splits, training, scores": [one for one in rest if not _is_error(one)],
        "Data to try things on": [getattr(datasets, name) for name in datasets.__all__],
        "Neighbors": [getattr(neighbors, name) for name in neighbors.__all__],
        "What samplers of your own are made of": [*OWN],
        "Errors and warnings": [one for one in vars(errors).values() if _is_error(one)],
    }
    parts = [HEAD]
    for title, offered in sections.items():
        parts += [f"## {title}\n", *_entries(offered)]
    return re.sub(r" +$", "", "\n".join(parts), flags=re.MULTILINE)


def _is_error(one: Any) -> bool:
    return inspect.isclass(one) and issubclass(one, Exception)


def _public() -> tuple[list[type[Sampler]], list[Any]]:
    offered = [getattr(spark_balance, name) for name in sorted(spark_balance.__all__, key=str.lower)]
    samplers = [one for one in offered if inspect.isclass(one) and issubclass(one, Sampler) and one is not Sampler]
    return samplers, [one for one in offered if one not in samplers and one is not Sampler]


def _entries(offered: Iterable[Any]) -> Iterator[str]:
    for one in offered:
        yield f"### {one.__name__}\n"
        if not _is_error(one):
            yield _signature(one)
        yield _text(one)
        if inspect.isclass(one) and not _is_error(one) and (one is Sampler or not issubclass(one, Sampler)):
            yield from _methods(one)


def _methods(of: type) -> Iterator[str]:
    for name, member in vars(of).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        known = inspect.isfunction(function) or isinstance(member, property | cached_property)
        if name.startswith("_") or not known:
            continue
        yield f"#### {of.__name__}.{name}\n"
        if inspect.isfunction(function):
            yield _signature(function)
        yield _text(function)


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
    given = parameter.default
    default = "" if given is inspect.Parameter.empty else f"={getattr(given, '__name__', repr(given))}"
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
    if section.kind is griffe.DocstringSectionKind.examples:
        return "**Examples**\n\n```python\n" + "\n\n".join(text for _, text in section.value) + "\n```\n"
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
