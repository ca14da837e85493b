"""A comparison as Markdown: one table for each classifier."""

from __future__ import annotations

import re

from spark_balance.report.comparison import Comparison
from spark_balance.report.plots import figure_names
from spark_balance.report.sentences import CALIBRATION, CURVES, NOTES, cells, described, head

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def markdown(comparison: Comparison) -> str:
    """Return the whole comparison as a page, with the plots as files beside it."""
    names = [name for classifier in comparison.classifiers for name in figure_names(classifier)]
    plots = [f"![{name}]({name})" for name in names]
    parts = [f"# {escaped(comparison.title)}", tables(comparison), *plots, CURVES, CALIBRATION, *NOTES]
    return "\n\n".join(parts) + "\n"


def tables(comparison: Comparison) -> str:
    """Return what was compared and the tables, to stand in another page."""
    parts = [escaped(described(comparison)) + "."]
    for classifier in comparison.classifiers:
        names = [escaped(name) for name in head(comparison)]
        rows = [tuple(names), ("---",) + ("---:",) * (len(names) - 1)]
        rows += [(escaped(line.name), *cells(comparison, line)[1:]) for line in comparison.of(classifier)]
        parts += [f"**{classifier}**", "\n".join("| " + " | ".join(row) + " |" for row in rows)]
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, tags included."""
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))
