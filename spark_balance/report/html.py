"""A comparison as one self-contained HTML file: tables and plots, no script, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from spark_balance.report.comparison import Comparison
from spark_balance.report.plots import figure_names
from spark_balance.report.sentences import CALIBRATION, CURVES, NOTES, cells, described, head

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1400px; margin: 2rem auto; padding: 0 1rem;
  color: light-dark(#1f2328, #d7dde4); background: light-dark(#ffffff, #12161c); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .3rem .5rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid light-dark(#d1d9e0, #30363d); }
th { vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { text-align: left; }
tbody tr:hover { background: light-dark(#f0f3f6, #1c222a); }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 1rem 0; flex: 1 1 480px; }
figure svg { width: 100%; height: auto; }
figcaption, .note, small { color: light-dark(#59636e, #9aa4af); font-size: 13px; }
small { font-size: 11px; }
"""


def page(comparison: Comparison, figures: Mapping[str, str]) -> str:
    """Return the whole page, with the plots that `plots.figures` drew."""
    title = escape(comparison.title)
    notes = "".join(f'<p class="note">{_emphasised(note)}</p>' for note in NOTES)
    sections = "".join(_section(comparison, classifier, figures) for classifier in comparison.classifiers)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><h1>{title}</h1>"
        f"<p>{escape(described(comparison))}.</p>{sections}{notes}</body></html>\n"
    )


def _section(comparison: Comparison, classifier: str, figures: Mapping[str, str]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head(comparison))
    body = "".join(_row(cells(comparison, line)) for line in comparison.of(classifier))
    # two plots in one page must not share the ids of their clip paths
    pr, honest = [_own_ids(figures[name], name) for name in figure_names(classifier)]
    plots = (
        f"<figure>{pr}<figcaption>{CURVES}</figcaption></figure>"
        f"<figure>{honest}<figcaption>{CALIBRATION}</figcaption></figure>"
    )
    table = f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'
    return f'<h2>{escape(classifier.replace("_", " "))}</h2>{table}<div class="plots">{plots}</div>\n'


def _row(texts: tuple[str, ...]) -> str:
    shown = [re.sub(r" (± [\d.]+)$", r" <small>\1</small>", escape(text)) for text in texts[1:]]
    return f"<tr><td>{escape(texts[0])}</td>" + "".join(f"<td>{text}</td>" for text in shown) + "</tr>"


def _emphasised(note: str) -> str:
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", escape(note))


def _own_ids(svg: str, prefix: str) -> str:
    ids = re.sub(r'\bid="', f'id="{prefix}-', svg)
    return re.sub(r"url\(#", f"url(#{prefix}-", re.sub(r'href="#', f'href="#{prefix}-', ids))
