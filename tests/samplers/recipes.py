"""What a recipe looks like: its nodes with all that they hold, as text that can be compared."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from cases import CASES

from spark_balance.base import Node, Sampler


def shape_of(sampler: Sampler) -> list[str]:
    """Describe each node by its type, its inputs by their number, and whatever else it holds."""
    numbers: dict[Any, int] = {}
    shown = []
    for node in sampler.nodes:
        numbers[node] = len(numbers)
        shown.append(_described(node, numbers, top=True))
    return shown


def _described(value: Any, numbers: dict[Any, int], *, top: bool = False) -> str:
    if isinstance(value, Node) and not top:
        return f"node {numbers[value]}"
    if is_dataclass(value) and not isinstance(value, type):
        held = ", ".join(f"{one.name}={_described(getattr(value, one.name), numbers)}" for one in fields(value))
        return f"{type(value).__name__}({held})"
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_described(one, numbers) for one in value)}]"
    return repr(value)


def shapes() -> dict[str, list[str]]:
    """Return the shape of the recipe of every registered sampler, with each of its sets of parameters."""
    return {str(case): shape_of(case()) for case in CASES}
