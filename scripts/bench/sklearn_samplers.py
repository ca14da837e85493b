"""From which size spark_balance.sklearn pays: seconds of fit_resample, beside imbalanced-learn on the same arrays.

    python scripts/bench/sklearn_samplers.py                        10 thousand, 100 thousand and 1 million rows
    python scripts/bench/sklearn_samplers.py --rows 10000 100000    the sizes that are named
    python scripts/bench/sklearn_samplers.py --methods SMOTE        the methods that are named

Prints a table. Each measurement is a process of its own, ended after --seconds; its second call is timed, when the
engine is open.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib import import_module

import numpy as np

METHODS = {
    "RandomUnderSampler": "imblearn.under_sampling",
    "SMOTE": "imblearn.over_sampling",
    "BorderlineSMOTE": "imblearn.over_sampling",
    "TomekLinks": "imblearn.under_sampling",
    "EditedNearestNeighbours": "imblearn.under_sampling",
}
FEATURES, SHARE = 20, 10  # one row of ten is of the small class


def measure(module: str, method: str, rows: int) -> float:
    """Return the seconds of a call, after one on few rows."""
    draw = np.random.default_rng(0)
    label = (np.arange(rows) % SHARE == 0).astype(int)
    features = draw.normal(size=(rows, FEATURES)) + label[:, None]
    kind = getattr(import_module(module), method)
    sampler = kind(random_state=0) if "random_state" in kind().get_params() else kind()
    sampler.fit_resample(features[:1_000], label[:1_000])
    start = time.perf_counter()
    sampler.fit_resample(features, label)
    return time.perf_counter() - start


def timed(module: str, method: str, rows: int, seconds: int) -> str:
    """Return what a process of its own measures."""
    command = [sys.executable, __file__, "--one", module, method, str(rows)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True)
    except subprocess.TimeoutExpired:
        return f"> {seconds}"
    return f"{float(done.stdout.split()[-1]):.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        module, method, rows = given.one
        print(measure(module, method, int(rows)))
        return
    print(
        f"| method | rows of {FEATURES} features | imbalanced-learn, s | spark_balance.sklearn, s |\n|---|---|---|---|"
    )
    for method in given.methods:
        for rows in given.rows:
            both = (timed(module, method, rows, given.seconds) for module in (METHODS[method], "spark_balance.sklearn"))
            print(f"| {method} | {rows:,} | {' | '.join(both)} |", flush=True)


if __name__ == "__main__":
    main()
