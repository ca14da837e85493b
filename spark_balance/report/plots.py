"""The plots of a comparison as SVG: precision against recall, and how honest the probabilities are."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from spark_balance.errors import SparkBalanceError
from spark_balance.report.comparison import FEW, Comparison, Line, precision_recall, reliability

# a grey and colours that stand out on white and on a dark page alike, since the background is transparent
INK = "#7d8590"
COLOURS = (
    *("#7d8590", "#2f81f7", "#d9730d", "#2da44e", "#bf5af2", "#e5534b", "#12a5a5", "#b08800"),
    *("#ff6ac1", "#7a5af8", "#9c6644", "#74b816"),
)
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: smaller, and it can be searched
    "svg.hashsalt": "spark_balance",  # the same numbers draw the same file
    "text.parse_math": False,  # a name with a $ is only a name
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
WIDTH, HEIGHT = 7.2, 5.4


def check_plots() -> None:
    """Refuse to compare where nothing could be drawn afterwards."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise SparkBalanceError(
            "compare: matplotlib is not installed, which draws the plots; pip install 'spark-balance[report]'"
        ) from None


def figures(comparison: Comparison) -> dict[str, str]:
    """Draw all plots, by the names of their files."""
    return {
        name: draw(comparison, classifier)
        for classifier in comparison.classifiers
        for name, draw in zip(figure_names(classifier), (curves, calibration), strict=True)
    }


def figure_names(classifier: str) -> tuple[str, str]:
    """Name the files of a classifier's plots: precision against recall, and calibration."""
    return f"compare-{classifier}-precision-recall.svg", f"compare-{classifier}-calibration.svg"


def curves(comparison: Comparison, classifier: str) -> str:
    """Draw precision against recall, one line for each treatment: variants have the curve of their treatment."""
    lines = [line for line in comparison.of(classifier) if not line.variant]
    share = comparison.counts.shares[comparison.positive]

    def draw(axes: Any) -> None:
        for line, colour in _coloured(lines):
            recall, precision = zip(*precision_recall(line.bins, FEW), strict=True)
            axes.plot(recall, precision, color=colour, label=line.treatment)
        axes.axhline(share, color=INK, linestyle=":", linewidth=1.2, label="chance")
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))

    return _svg(draw)


def calibration(comparison: Comparison, classifier: str) -> str:
    """Draw the share of positives against the mean probability; dashed where the prior was corrected."""
    lines = [line for line in comparison.of(classifier) if "threshold moved" not in line.variant]

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1.2, label="honest")
        for line, colour in _coloured(lines):
            points = [(said, true) for said, true, rows in reliability(line.bins) if rows >= FEW]
            if points:
                style = "--" if line.variant else "-"
                axes.plot(*zip(*points, strict=True), style, marker="o", markersize=3.5, color=colour, label=line.name)
        axes.set(xlabel="mean probability", ylabel="share of positives", xlim=(0, 1), ylim=(0, 1))

    return _svg(draw)


def _coloured(lines: Sequence[Line]) -> list[tuple[Line, str]]:
    """Give every treatment its colour, and its variants the same."""
    names = list(dict.fromkeys(line.treatment for line in lines))
    return [(line, COLOURS[names.index(line.treatment) % len(COLOURS)]) for line in lines]


def _svg(draw: Any) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    # not by pyplot, which keeps a global list and chooses a backend for the whole process
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        figure.legend(loc="outside lower left", ncols=2, fontsize=9, handlelength=3)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawn = re.search(r"<svg.*</svg>", text.getvalue(), re.DOTALL)
    assert drawn is not None
    return drawn[0]
