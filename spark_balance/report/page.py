"""The shell of every page: one file, light and dark, wide and narrow, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from spark_balance.report.style import STYLE


class Page(str):
    """A whole HTML document, which notebooks show: ``displayHTML(page)`` on Databricks, or as a cell's last value."""

    def _repr_html_(self) -> str:
        # in a frame of its own, so that its style does not become the notebook's
        return (
            f'<iframe srcdoc="{escape(self)}" title="report" sandbox '
            'style="width: 100%; height: 80vh; border: 0"></iframe>'
        )


def document(title: str, body: str) -> Page:
    """Return a page: `title` is text, `body` is HTML."""
    return Page(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def table(told: str, head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return a table of HTML cells whose first column names the row; it scrolls by itself, by keyboard too."""
    names = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for first, *cells in rows
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="Table: {escape(told)}"><table class="{kind}">'
        f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def figure(picture: str, caption: str) -> str:
    """Return a picture with the HTML that is told below it."""
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"
