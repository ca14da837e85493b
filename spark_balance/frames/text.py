"""How values are written: as JSON can carry them, and as a table of text."""

import math
from collections.abc import Sequence
from typing import Any


def plain(value: object) -> Any:
    """Return a label or group value as JSON can carry it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def text_table(title: str, head: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> str:
    """Lay out a small table: the first column left, the others right."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in (head, *body)
    ]
    return "\n".join([title, *lines])
