"""A quick comparison for advice: a handful of treatments, boosted trees, folds of a bounded sample."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame

from spark_balance.base.sampler import Sampler
from spark_balance.compare.facts import Facts, Gap
from spark_balance.compare.job import compare_here
from spark_balance.compare.measure import Treatment
from spark_balance.compare.remedies import Asked, choose_remedy
from spark_balance.compare.rules import TREATMENTS
from spark_balance.compare.table import Setup, prepare_table
from spark_balance.compare.trainers import GradientBoostedTrees
from spark_balance.errors import ColumnError, ParameterError
from spark_balance.ml.weights import ClassWeighter

N_FOLDS = 5
ROWS, MOST_ROWS, RARE_ROWS = 20_000, 100_000, 100  # to compare on: more, up to a bound, where few of them are rare


def hold_contest(df: DataFrame, facts: Facts, asked: Asked) -> dict[str, Gap]:
    """Return what weights, downsampling and oversampling change of PR-AUC on folds of a stratified sample."""
    if len(facts.sizes) != 2:
        raise ParameterError(
            f"advise: compare=True compares treatments of two classes, and label column '{facts.counts.label_col}' has "
            f"{len(facts.sizes):,}; leave it out, or make a column that is true for the class to find"
        )
    if not facts.numbers:
        raise ColumnError(
            "advise: compare=True fits on numbers, and no numeric column without missing values is left; fill one, or "
            "leave compare out"
        )
    wanted = max(ROWS, math.ceil(RARE_ROWS * facts.rows / facts.rare_rows))
    setup = Setup(
        label_col=facts.counts.label_col,
        positive=facts.rare,
        feature_cols=facts.numbers,
        categorical_cols=facts.categories,
        key_cols=asked.get("key_cols") or None,
        n_folds=N_FOLDS,
        sample_rows=min(wanted, MOST_ROWS),
        row_limit=2 * MOST_ROWS,
        random_state=asked.get("random_state", 0),
    )
    treatments = [Treatment(name="nothing")]
    for action in TREATMENTS:
        remedy = choose_remedy(action, facts, asked)
        sampler = remedy if isinstance(remedy, Sampler) else None
        weights = remedy if isinstance(remedy, ClassWeighter) else None
        treatments.append(Treatment(name=action, sampler=sampler, weights=weights))
    found = compare_here(prepare_table(df, setup), {"trees": GradientBoostedTrees()}, treatments)
    first, *others = found.lines
    return {line.treatment: Gap(*line.against(first, "pr_auc")) for line in others}
