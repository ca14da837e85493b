"""Fit the model that `explain` turns work into seconds and bytes with: spark_balance/cost_model.json.

Each step that is timed is an equation: its units of work, as `explain` counts them, times the seconds of each are the
seconds measured. The kernels alone are equations too. No unit costs less than nothing; a step weighs by its relative
error. Sizes differ from those that scripts/bench/predictions.py checks.

    .venv/bin/python scripts/bench/model.py [--engines spark,sail] [--rounds 3] [case ...]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from explained_runs import MEASURED, Case, measured, one
from kernel_times import kernel_times
from machine import machine, named, now
from scipy.optimize import nnls
from section import Options, Row, main

from spark_balance.cost import HELD, UNITS

MODEL = Path("spark_balance/cost_model.json")
KEY = {"key_cols": "id"}
CASES = {
    "20,000 x 28": Case(20_000, 20_000, 28, "smote", KEY | {"grown": 3}),
    "60,000 x 28": Case(20_000, 60_000, 28, "smote", KEY | {"grown": 3}),
    "150,000 x 28": Case(20_000, 150_000, 28, "smote", KEY | {"grown": 3}),
    "400,000 x 28": Case(20_000, 400_000, 28, "smote", KEY | {"grown": 2}),
    "150,000 x 28, small cells": Case(20_000, 150_000, 28, "smote", KEY | {"grown": 2, "cell_rows": 8_192}),
    "150,000 x 28, many cells": Case(20_000, 150_000, 28, "smote", KEY | {"grown": 2, "cell_rows": 1_024}),
    "150,000 x 28, tiny cells": Case(20_000, 150_000, 28, "smote", KEY | {"grown": 2, "cell_rows": 256}),
    "80,000 x 64": Case(20_000, 80_000, 64, "smote", KEY | {"grown": 3}),
    "50,000 of 650,000 x 28": Case(600_000, 50_000, 28, "smote", KEY),
    "over, 50,000 of 650,000 x 28": Case(600_000, 50_000, 28, "random_over", KEY),
    "under, 50,000 of 650,000 x 28": Case(600_000, 50_000, 28, "random_under", KEY),
    "under, no key, 50,000 of 650,000 x 28": Case(600_000, 50_000, 28, "random_under"),
    "over, 20,000 of 40,000 x 28": Case(20_000, 20_000, 28, "random_over", KEY),
}
QUICK = ("20,000 x 28", "60,000 x 28", "over, 20,000 of 40,000 x 28")


def seconds_each(rows: list[Row]) -> dict[str, float]:
    """Return the seconds of each unit that come nearest to all steps."""
    equations, answers = [], []
    for row in rows:
        for step in MEASURED:
            if step in row["work"] and step in row["seconds"]:
                # a tenth of a second is within the noise, whatever share of a short step it is
                weight = 1 / (row["seconds"][step] + 0.1)
                equations.append([row["work"][step][unit] * weight for unit in UNITS])
                answers.append(row["seconds"][step] * weight)
    system = np.array(equations)
    # units differ by ten powers of ten: columns are brought to one size first
    size = np.maximum(system.max(axis=0), 1e-300)
    found, _ = nnls(system / size, np.array(answers))
    return {unit: float(value) for unit, value in zip(UNITS, found / size, strict=True)}


def bytes_each(rows: list[Row]) -> dict[str, float]:
    """Return the bytes of each unit that come nearest to the peaks of the workers; only Spark has workers."""
    seen = [row for row in rows if row["held"] and row["worker_rss"]]
    system = np.array([[1.0, *row["held"]] for row in seen])
    size = system.max(axis=0)
    found, _ = nnls(system / size, np.array([row["worker_rss"] * 1e6 for row in seen]))
    return {unit: float(value) for unit, value in zip(HELD, found / size, strict=True)}


def measure(options: Options) -> list[Row]:
    """Measure, fit, and write the model down; a quick run, or one of named cases, writes no model."""
    cases = {name: CASES[name] for name in QUICK} if options.quick else CASES
    rows = kernel_times() + measured(cases, options)
    engines = {
        engine: seconds_each([row for row in rows if row["engine"] in (engine, "kernel")]) for engine in options.engines
    }
    old: dict[str, Any] = json.loads(MODEL.read_text())
    # an engine that was left out keeps what was measured before
    seconds = old["seconds_each"] | engines
    if not options.quick and not options.names:
        held = bytes_each(rows) if "spark" in engines else old["bytes_each"]
        found = {"seconds_each": seconds, "bytes_each": held, "machine": named(machine()), "date": now()[:10]}
        MODEL.write_text(json.dumps(found, indent=1) + "\n")
    units: list[Row] = [
        {"unit": unit, "about": about} | {engine: each.get(unit, 0.0) for engine, each in seconds.items()}
        for unit, about in UNITS.items()
    ]
    return units + rows


if __name__ == "__main__":
    main(measure, one)
