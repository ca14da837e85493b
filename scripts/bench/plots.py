"""The plots of the benchmark: time, memory and recall against rows, recall against guests, the largest task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter
from paper import max_of_a_task

Section = dict[str, Any]
# a grey and colours that stand out on white and on GitHub's dark page alike, since the background is transparent
INK = "#7d8590"
COLOURS = ("#2f81f7", "#d9730d", "#2da44e", "#bf5af2")
GOAL = "#e5534b"
ROWS = 10**7  # of the table on paper
ENGINES = {"spark": "classic Spark", "sail": "Sail"}

matplotlib.use("svg")
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "spark_balance",  # the same numbers draw the same file
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
        "lines.linewidth": 2,
        "lines.markersize": 7,
    }
)


def draw(sections: dict[str, Section], folder: Path) -> list[Path]:
    """Draw every plot whose section is there; return the files."""
    made = {}
    if scaling := sections.get("scaling"):
        made["time.svg"] = time_against_rows(scaling)
        made["memory.svg"] = memory_against_rows(scaling)
    sizes = [row for row in sections.get("recall", {}).get("rows", []) if row["set"].split(",")[0] == "G"]
    if len(of_cells := [row for row in sizes if row["way"] == "cells"]) > 1:
        made["recall.svg"] = recall_against_rows(sections["recall"] | {"rows": of_cells})
    made["largest-task.svg"] = largest_task_against_imbalance()
    if guests := sections.get("guests"):
        made["guests.svg"] = recall_against_guests(guests)
    for name, figure in made.items():
        figure.savefig(folder / name, transparent=True, metadata={"Date": None})
        plt.close(figure)
    return [folder / name for name in made]


def time_against_rows(section: Section) -> Figure:
    """Seconds for each size, both axes logarithmic, with the line of one time per row."""
    figure, axes = _frame("SMOTE to three times the minority, read to written", section)
    for (engine, sizes), colour in zip(_by_engine(section), COLOURS, strict=False):
        rows, seconds = [row["rows"] for row in sizes], [row["seconds"] for row in sizes]
        axes.plot(rows, seconds, "o-", color=colour, label=ENGINES[engine])
        texts = [f"{y:,.{1 if y < 100 else 0}f} s" for y in seconds]
        _numbers(axes, rows, seconds, texts, colour, above=engine == "spark")
        if len(sizes) > 1:
            axes.plot(rows, [seconds[1] * x / rows[1] for x in rows], ":", color=colour, linewidth=1.2, zorder=1)
    axes.plot([], [], ":", color=INK, linewidth=1.2, label="the second size's seconds a row, at every size")
    axes.set(xscale="log", yscale="log", ylabel="seconds, from an open session (median)")
    _rows_axis(axes, section)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.margins(y=0.12)
    _legend(axes)
    return figure


def memory_against_rows(section: Section) -> Figure:
    """Peak memory for each size, both axes logarithmic, with the promise of one gigabyte for a worker."""
    figure, axes = _frame("Peak memory of a Python worker", section)
    told = {"spark": ("worker_rss", "worker on classic Spark"), "sail": ("process_rss", "whole Sail process")}
    for (engine, sizes), colour in zip(_by_engine(section), COLOURS, strict=False):
        column, label = told[engine]
        rows, peaks = [row["rows"] for row in sizes], [row[column] for row in sizes]
        axes.plot(rows, peaks, "o-", color=colour, label=label)
        _numbers(axes, rows, peaks, [f"{peak:,.0f}" for peak in peaks], colour, above=engine == "sail")
    axes.axhline(1_000, color=GOAL, linestyle="--", linewidth=1.5, label="promised of a worker")
    axes.set(xscale="log", yscale="log", ylabel="peak resident memory, MB")
    _rows_axis(axes, section)
    axes.set_ylim(axes.get_ylim()[0] / 1.5, axes.get_ylim()[1] * 1.5)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _legend(axes)
    return figure


def recall_against_rows(section: Section) -> Figure:
    """Share of true neighbors for each size of one class of G, and the run's own estimate."""
    figure, axes = _frame("Neighbors that are true ones, by default", section)
    sizes = sorted(section["rows"], key=lambda row: int(row["rows"]))
    rows, found = [row["rows"] for row in sizes], [row["recall"] for row in sizes]
    axes.plot(rows, found, "o-", color=COLOURS[0], label="found")
    axes.plot(rows, [row["estimated"] for row in sizes], ":", color=COLOURS[0], label="as estimated in the run")
    _numbers(axes, rows, found, [f"{one:.3f}" for one in found], COLOURS[0], above=True)
    axes.axhline(0.99, color=GOAL, linestyle="--", linewidth=1.5, label="asked for")
    axes.set(xscale="log", ylabel="share of true neighbors")
    axes.set_ylim(0.97, 1.005)
    _rows_axis(axes, section)
    _legend(axes)
    return figure


def largest_task_against_imbalance() -> Figure:
    """Rows of the largest task of new rows, as `explain` says on paper, for a rare class of ten million rows."""
    figure, axes = plt.subplots(figsize=(7.6, 4.8), layout="constrained")
    figure.suptitle("The largest task of new rows: 10 M rows x 28 to balance", x=0.01, ha="left", fontsize=12)
    shares = [0.3, *(10.0**-power for power in range(1, 6))]
    most = [max_of_a_task(share) for share in shares]
    axes.plot(shares, most, "o-", color=COLOURS[0], label="in the largest task")
    axes.plot(shares, [(1 - 2 * share) * ROWS for share in shares], ":", color=COLOURS[1], label="all new rows")
    axes.set(xscale="log", yscale="log", xlabel="share of the rare class", ylabel="rows")
    axes.invert_xaxis()
    _legend(axes)
    return figure


def recall_against_guests(section: Section) -> Figure:
    """Share of true neighbors for each bound on guests, and the run's own estimate."""
    figure, axes = _frame("What guests buy", section)
    for row, colour in zip(section["rows"], COLOURS, strict=False):
        curve = sorted(row["curve"], key=lambda point: float(point["guests"]))
        visits = [point["guests"] for point in curve]
        label = f"{row['set']}, {row['rows']:,} rows in {curve[0]['cells']} cells"
        axes.plot(visits, [point["recall"] for point in curve], "o-", color=colour, label=label)
        axes.plot(visits, [point["estimated"] for point in curve], ":", color=colour)
    axes.plot([], [], ":", color=INK, label="as estimated in the run")
    axes.axhline(0.99, color=GOAL, linestyle="--", linewidth=1.5, label="0.99, the goal with the default cells")
    axes.set(xlabel="guests: copies of a row in cells beside its own", ylabel="share of true neighbors")
    axes.set_ylim(top=1.005)
    _legend(axes)
    return figure


def _frame(title: str, section: Section) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(7.6, 4.8), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    quick = "a quick run, " if section["quick"] else ""
    figure.supxlabel(f"{quick}{section['machine']}, {section['date'][:10]}", fontsize=8, x=0.99, ha="right")
    return figure, axes


def _numbers(axes: Axes, rows: list[float], values: list[float], texts: list[str], colour: str, *, above: bool) -> None:
    """Write each point's number beside it, one line's above and the other's below."""
    for x, y, text in zip(rows, values, texts, strict=True):
        place = (0, 8 if above else -17)
        axes.annotate(text, (x, y), place, textcoords="offset points", ha="center", color=colour)


def _legend(axes: Axes) -> None:
    """Put the legend above the plot, where no line can run through it."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, borderaxespad=0.3)


def _by_engine(section: Section) -> list[tuple[str, list[dict[str, Any]]]]:
    found = {engine: [row for row in section["rows"] if row["engine"] == engine] for engine in ENGINES}
    return [(engine, sorted(rows, key=lambda row: int(row["rows"]))) for engine, rows in found.items() if rows]


def _rows_axis(axes: Axes, section: Section) -> None:
    features = section["rows"][0]["features"]
    axes.set_xlabel(f"rows of the minority ({features} features)")
    axes.xaxis.set_major_locator(FixedLocator(sorted({row["rows"] for row in section["rows"]})))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.08)


def _short(rows: float) -> str:
    return f"{rows / 1e6:g} M" if rows >= 1e6 else f"{rows / 1e3:g} k"
