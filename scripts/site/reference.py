"""The pages of the reference: which public names each has. mkdocstrings writes them from the docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import spark_balance
from spark_balance import base, datasets, errors, neighbors
from spark_balance.base import Sampler
from spark_balance.frames.levels import Quota, together
from spark_balance.frames.sample import Sample
from spark_balance.kernels.members import Members
from spark_balance.kernels.scale import Scale

OWN = (
    *(base.Recipe, base.OverSampler, base.UnderSampler, base.CleaningSampler),
    *(base.own_class, base.changing_among_all, base.all_among_all, base.Ask, base.Pair),
    *(Members, base.Context, Sample, Scale, base.each_class, base.ClassLevels, Quota, together),
    *(base.Node, base.SparkRun),
)
FOLDERS = {
    "over_sampling": "Methods that add rows",
    "under_sampling": "Methods that remove rows",
    "combine": "Methods of several steps",
    "multilabel": "Methods of several labels a row",
}
EVERY_SAMPLER = (
    "\nIts methods, such as `fit_resample`, `plan` and `explain`, are those of [every sampler](sampler.md). A frame "
    "is one of Spark, pandas or polars, or a `pyarrow.Table`: see [any frame](../quickstart.md#any-frame).\n"
)


def pages() -> dict[str, tuple[str, str, str]]:
    """Return by path the section, the title and the text of each page."""
    found = {"api/sampler.md": ("", "Every sampler", _page("Every sampler", [Sampler]))}
    samplers, rest = _public()
    for one in samplers:
        text = f"# {one.__name__}\n\n{_entry(one, members=False, heading=False)}{EVERY_SAMPLER}"
        found[f"api/{one.__name__}.md"] = (FOLDERS[one.__module__.split(".")[1]], one.__name__, text)
    groups = {
        "Counts and plans": [one for one in rest if _folder(one) in ("frames", "explain", "base", "multilabel")],
        "Splits and training": [one for one in rest if _folder(one) == "ml"],
        "Scores and probabilities": [one for one in rest if _folder(one) == "metrics"],
        "Reports, comparisons, sessions": [one for one in rest if _folder(one) in ("report", "compare", "app")],
        "Data to try things on": [getattr(datasets, name) for name in datasets.__all__],
        "Neighbors": [getattr(neighbors, name) for name in neighbors.__all__],
        "Parts of your own samplers": list(OWN),
        "Errors and warnings": [one for one in vars(errors).values() if _is_error(one)],
    }
    for title, offered in groups.items():
        path = f"api/{title.lower().replace(', ', '-').replace(' ', '-')}.md"
        found[path] = ("", title, _page(title, offered))
    return found


def _folder(one: Any) -> str:
    return "errors" if _is_error(one) else str(one.__module__).split(".")[1]


def _is_error(one: Any) -> bool:
    return inspect.isclass(one) and issubclass(one, Exception)


def _public() -> tuple[list[type[Sampler]], list[Any]]:
    offered = [getattr(spark_balance, name) for name in sorted(spark_balance.__all__, key=str.lower)]
    samplers = [one for one in offered if inspect.isclass(one) and issubclass(one, Sampler) and one is not Sampler]
    return samplers, [one for one in offered if one not in samplers and one is not Sampler]


def _page(title: str, offered: Iterable[Any]) -> str:
    return "\n".join([f"# {title}\n", *_entries(offered)])


def _entries(offered: Iterable[Any]) -> Iterator[str]:
    for one in offered:
        yield _entry(one, members=not _is_error(one))


def _entry(one: Any, *, members: bool, heading: bool = True) -> str:
    lines = [f"::: {one.__module__}.{one.__qualname__}", "    options:"]
    if not members:
        lines.append("      members: false")
    if not heading:
        lines.append("      show_root_heading: false")
    return "\n".join([*lines, ""]) if len(lines) > 2 else lines[0] + "\n"
