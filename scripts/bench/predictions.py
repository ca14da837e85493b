"""What `explain` expects against what is measured, at sizes that its model was not fitted to.

.venv/bin/python scripts/bench/predictions.py [--quick] [--engines spark,sail] [--rounds 3] [case ...]
"""

from __future__ import annotations

from explained_runs import Case, G, measured, one
from model import KEY
from section import Options, Row, main

CASES = {
    "SMOTE of G": Case(*G, "smote", KEY),
    "SMOTE exact of G": Case(*G, "smote", KEY | {"neighbors": "exact"}),
    "over of G": Case(*G, "random_over", KEY),
    "under of G": Case(*G, "random_under", KEY),
    "SMOTE of 1,000,000 x 28": Case(10_000, 1_000_000, 28, "smote", KEY | {"grown": 3}),
    "SMOTE of 10,000 x 28": Case(10_000, 10_000, 28, "smote", KEY | {"grown": 3}),
    "SMOTE of 100,000 x 40": Case(100_000, 100_000, 40, "smote", KEY | {"grown": 4}),
}
QUICK = ("SMOTE of 10,000 x 28",)


def measure(options: Options) -> list[Row]:
    """Return expected and measured seconds of each case, and the error of the whole."""
    cases = {name: CASES[name] for name in QUICK} if options.quick else CASES
    rows = measured(cases, options)
    for row in rows:
        row["all_seconds"], row["all_expected"] = (sum(row[of].values()) for of in ("seconds", "expected"))
        row["error"] = row["all_expected"] / row["all_seconds"] - 1
        row["expected_mb"] = row["task_bytes"] / 1e6
    return rows


if __name__ == "__main__":
    main(measure, one)
