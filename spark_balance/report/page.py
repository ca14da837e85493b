"""Rendering: a template of a package becomes a self-contained HTML page or a text."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from spark_balance.errors import SparkBalanceError

if TYPE_CHECKING:
    from jinja2 import Environment

HOME = "spark_balance.report"


class Page(str):
    """A whole HTML document, which notebooks show: ``displayHTML(page)`` on Databricks, or as a cell's last value."""

    def __repr__(self) -> str:
        return f"Page of {len(self) / 1000:,.0f} kB: a notebook shows it, a browser once it is written to a file"

    def _repr_html_(self) -> str:
        # in a frame of its own, so that its style does not become the notebook's
        return (
            f'<iframe srcdoc="{escape(self)}" title="report" sandbox '
            'style="width: 100%; height: 80vh; border: 0"></iframe>'
        )


def check_installed(method: str, package: str, purpose: str, extra: str) -> None:
    """Refuse to start what a missing package would stop at its end."""
    if find_spec(package) is None:
        hint = f"pip install 'spark-balance[{extra}]'"
        name = package.replace("sklearn", "scikit-learn")
        raise SparkBalanceError(f"{method}: {name}, which {purpose}, is not installed; {hint}")


def render(template: str, package: str = HOME, **values: Any) -> str:
    """Fill in a template of a package; those of this package are there for all."""
    return _environment(package).get_template(template).render(values)


@cache
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

    loader = ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, HOME))])
    environment = Environment(
        loader=loader,
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"as": format, "zip": zip, "markdown": _escape_markdown}
    return environment


def _escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, tags included."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", text.replace("\n", " "))
