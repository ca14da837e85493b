"""A comparison as one self-contained HTML file: tables and plots, no script, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from spark_balance.report.comparison import Comparison
from spark_balance.report.page import Page, document, figure, table
from spark_balance.report.plots import INK, figure_names
from spark_balance.report.sentences import CALIBRATION, CURVES, NOTES, cells, described, head


def page(comparison: Comparison, figures: Mapping[str, str]) -> Page:
    """Return the whole page, with the plots that `plots.figures` drew."""
    notes = "".join(f'<p class="note">{_emphasised(note)}</p>' for note in NOTES)
    sections = "".join(_section(comparison, classifier, figures) for classifier in comparison.classifiers)
    told = f"<main><h1>{escape(comparison.title)}</h1><p>{escape(described(comparison))}.</p>{sections}{notes}</main>"
    return document(comparison.title, told)


def _section(comparison: Comparison, classifier: str, figures: Mapping[str, str]) -> str:
    rows = (cells(comparison, line) for line in comparison.of(classifier))
    # two plots in one page must not share the ids of their clip paths, and their ink is the page's
    pr, honest = [_own_ids(figures[name], name).replace(INK, "currentColor") for name in figure_names(classifier)]
    plots = figure(_labelled(pr, CURVES), CURVES) + figure(_labelled(honest, CALIBRATION), CALIBRATION)
    name = classifier.replace("_", " ")
    told = table(name, [escape(one) for one in head(comparison)], map(_row, rows))
    return f'<h2>{escape(name)}</h2>{told}<div class="plots">{plots}</div>\n'


def _row(texts: tuple[str, ...]) -> list[str]:
    return [re.sub(r" (± [\d.]+)$", r" <small>\1</small>", escape(text)) for text in texts]


def _labelled(svg: str, told: str) -> str:
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(told)}" ', 1)


def _emphasised(note: str) -> str:
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", escape(note))


def _own_ids(svg: str, prefix: str) -> str:
    ids = re.sub(r'\bid="', f'id="{prefix}-', svg)
    return re.sub(r"url\(#", f"url(#{prefix}-", re.sub(r'href="#', f'href="#{prefix}-', ids))
