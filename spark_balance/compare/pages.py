"""A comparison as a self-contained HTML page and as Markdown, in the same words and numbers, and its plots as SVG."""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from spark_balance.compare.comparison import (
    CALIBRATION_BINS,
    FEW,
    SCORES,
    Comparison,
    Line,
    precision_recall,
    reliability,
)
from spark_balance.report.page import Page, render

# a gray and colors that stand out on white and on a dark page alike, since the background is transparent
INK = "#7d8590"
COLORS = (
    *("#7d8590", "#2f81f7", "#d9730d", "#2da44e", "#bf5af2", "#e5534b", "#12a5a5", "#b08800"),
    *("#ff6ac1", "#7a5af8", "#9c6644", "#74b816"),
)


def render_page(comparison: Comparison, figures: Mapping[str, str]) -> Page:
    """Return the HTML page, with the plots that `draw_figures` drew."""
    from markupsafe import Markup, escape

    def inlined(name: str, caption: str) -> Markup:
        # two plots in one page must not share the ids of their clip paths, and their ink is the page's
        svg = re.sub(r'\b(id="|href="#)|url\(#', rf"\g<0>{name}-", figures[name]).replace(INK, "currentColor")
        return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1))

    return Page(_render("comparison.html.jinja", comparison, title=comparison.title, inlined=inlined))


def render_markdown(comparison: Comparison) -> str:
    """Return the Markdown page, with the plots as files beside it."""
    return _render("comparison.md.jinja", comparison)


def render_tables(comparison: Comparison) -> str:
    """Return the description and one Markdown table for each classifier, to stand in another page."""
    return _render("tables.md.jinja", comparison).strip()


def _render(template: str, comparison: Comparison, **values: Any) -> str:
    compared = f"PR-AUC against {comparison.lines[0].name}"
    head = ("treatment", compared, *SCORES.values(), "seconds to fit", "rows trained on")
    known: dict[str, Any] = {"few": FEW, "bins": CALIBRATION_BINS, "cells": format_cells, "figure_names": figure_names}
    known |= {"description": _describe(comparison), "head": head}
    return render(template, "spark_balance.compare", of=comparison, **known, **values)


def _describe(of: Comparison) -> str:
    rows, share = sum(of.counts.rows.values()), of.counts.shares[of.positive]
    size = f"{rows:,} rows" if of.source_rows == rows else f"a stratified sample of {rows:,} of {of.source_rows:,} rows"
    categories = f" and {len(of.categorical)} categories" if of.categorical else ""
    return (
        f"{size}, {len(of.features)} features{categories}, {of.counts.label_col} = {of.positive} in {share:.2%} "
        f"({of.counts.degree}); {of.n_folds} stratified folds, random_state {of.random_state}; resampled on "
        f"{of.engine}, fitted by {of.learner}."
    )


def format_cells(comparison: Comparison, line: Line) -> tuple[str, ...]:
    """Return a line as the texts of a table row."""
    first = comparison.of(line.classifier)[0]
    gap, spread = line.against(first, "pr_auc")
    compared = "" if line is first else f"{gap:+z.3f} ± {spread:.3f}"
    shown = [f"{line.mean(name):z.3f} ± {line.spread(name):.3f}" for name in SCORES]
    seconds = sum(line.seconds) / len(line.seconds)
    rows = round(sum(line.rows) / len(line.rows))
    return (line.name, compared, *shown, f"{seconds:.1f}", f"{rows:,}")


def draw_figures(comparison: Comparison) -> dict[str, str]:
    """Draw all plots, by the names of their files."""
    return {
        name: draw(comparison, classifier)
        for classifier in comparison.classifiers
        for name, draw in zip(figure_names(classifier), (draw_curves, draw_calibration), strict=True)
    }


def figure_names(classifier: str) -> tuple[str, str]:
    """Name the files of a classifier's plots: precision against recall, and calibration."""
    return f"compare-{classifier}-precision-recall.svg", f"compare-{classifier}-calibration.svg"


def draw_curves(comparison: Comparison, classifier: str) -> str:
    """Draw precision against recall, one line for each treatment: variants have the curve of their treatment."""
    lines = [line for line in comparison.of(classifier) if not line.variant]
    share = comparison.counts.shares[comparison.positive]

    def draw(axes: Any) -> None:
        for line, color in _colored(lines):
            recall, precision = zip(*precision_recall(line.bins, FEW), strict=True)
            axes.plot(recall, precision, color=color, label=line.treatment)
        axes.axhline(share, color=INK, linestyle=":", linewidth=1.2, label="chance")
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))

    return _svg(draw)


def draw_calibration(comparison: Comparison, classifier: str) -> str:
    """Draw the share of positives against the mean probability; dashed where the prior was corrected."""
    lines = [line for line in comparison.of(classifier) if "threshold moved" not in line.variant]

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1.2, label="honest")
        for line, color in _colored(lines):
            points = [(said, true) for said, true, rows in reliability(line.bins) if rows >= FEW]
            if points:
                style = "--" if line.variant else "-"
                axes.plot(*zip(*points, strict=True), style, marker="o", markersize=3.5, color=color, label=line.name)
        axes.set(xlabel="mean probability", ylabel="share of positives", xlim=(0, 1), ylim=(0, 1))

    return _svg(draw)


def _colored(lines: Sequence[Line]) -> list[tuple[Line, str]]:
    """Give every treatment its color, and its variants the same."""
    names = list(dict.fromkeys(line.treatment for line in lines))
    return [(line, COLORS[names.index(line.treatment) % len(COLORS)]) for line in lines]


def _svg(draw: Any) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    # not by pyplot, which keeps a global list and chooses a backend for the whole process
    style = resources.files("spark_balance.compare") / "templates" / "plots.mplstyle"
    with resources.as_file(style) as file, matplotlib.rc_context(fname=file), warnings.catch_warnings():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        draw(axes)
        lines = axes.get_lines()
        legend = figure.legend(lines, "-" * len(lines), loc="outside lower left", ncols=2, fontsize=9, handlelength=3)
        # now, since a legend leaves out what begins with an underscore
        for said, line in zip(legend.get_texts(), lines, strict=True):
            said.set_text(line.get_label())
        text = io.StringIO()
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the browser draws the text, with its own
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawn = re.search(r"<svg.*</svg>", text.getvalue(), re.DOTALL)
    assert drawn is not None
    return drawn[0]
