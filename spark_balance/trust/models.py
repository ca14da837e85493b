"""Models on the driver: what tells new rows from originals, and what is fitted on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.trust.drawn import Drawn
from spark_balance.trust.figures import Detectable, Utility
from spark_balance.trust.judge import weigh

HELD_OUT = 0.2  # share of originals that score what was fitted on the others
FOLDS, FEWEST = 5, 20  # rows of each side, below which no model says anything
MODEL_ROWS = 5_000  # of each side that a model is fitted on
_TREES, _RATE, _LEAVES, _LEAST = 25, 0.2, 15, 20
_BINS = np.linspace(0, 1, 255)[1:-1]
_MOST_VALUES = 254  # of a category, that the trees take


def detectable_of(new: Drawn, old: Drawn, held: Drawn | None, seed: int) -> Detectable | None:
    """Cross-validate a classifier that tells new rows of a class from its held-out originals, of each as many.

    No new row is made of one of these, and no two of one base: where a parent or another offspring lies would say too
    much.
    """
    others = old.take(np.flatnonzero(_first_of_each(old))) if held is None else held
    fresh = _one_of_each_base(new.take(np.flatnonzero(~_has_parent_in(new, others))))
    n = min(len(fresh.code), len(others.code), MODEL_ROWS)
    if n < FEWEST:
        return None
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    rows, weights = _join(fresh.take(np.arange(n)), others.take(np.arange(n)))
    y = np.repeat([1, 0], n)
    scores = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, y):
        model = _fit(new, seed, rows[train], y[train], weights[train])
        scored = model.predict_proba(rows[test])[:, 1]
        scores.append(roc_auc_score(y[test], scored, sample_weight=weights[test]))
    return Detectable(float(np.mean(scores)), float(np.std(scores)), n)


def utility_of(
    new: Drawn,
    old: Drawn,
    held: Drawn | None,
    code: int,
    weights: dict[int, float],
    scored_weights: dict[int, float],
    new_weight: float,
    seed: int,
) -> Utility | None:
    """Score models that were fitted with and without new rows, on originals that neither saw.

    `weights` are how many originals a drawn one of each class stands for, `scored_weights` those of one that is scored,
    and `new_weight` those of a new row.
    """
    seen = np.zeros(len(old.code), dtype=bool) if held is not None else _first_of_each(old)
    test, train = old.take(np.flatnonzero(seen)) if held is None else held, old.take(np.flatnonzero(~seen))
    fresh = new.take(np.flatnonzero(~_has_parent_in(new, test)))
    if min((test.code == code).sum(), (test.code != code).sum(), len(fresh.code)) < FEWEST:
        return None
    x, _ = _join(train, fresh, test)
    y = np.concatenate([train.code, fresh.code]) == code
    w = np.concatenate([weigh(train, weights), fresh.times * new_weight])
    scored = []
    for fitted in (len(train.code), len(y)):
        model = _fit(old, seed, x[:fitted], y[:fitted], w[:fitted])
        said = model.predict_proba(x[len(y) :])[:, 1]
        scored.append(_scores(test.code == code, said, weigh(test, scored_weights)))
    return Utility(scored[0], scored[1], len(test.code))


def _scores(target: Bools, said: Floats, weight: Floats) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, brier_score_loss, precision_score, recall_score

    by: dict[str, Any] = {"sample_weight": weight}
    decided = {"zero_division": 0.0, **by}
    return {
        "pr_auc": float(average_precision_score(target, said, **by)),
        "recall": float(recall_score(target, said > 0.5, **decided)),
        "precision": float(precision_score(target, said > 0.5, **decided)),
        "brier_score": float(brier_score_loss(target, said, **by)),
    }


def _first_of_each(rows: Drawn) -> Bools:
    """Mark the first rows of each class, which drew them: a split of each class by a hash of its rows."""
    held = np.zeros(len(rows.code), dtype=bool)
    for one in np.unique(rows.code):
        there = np.flatnonzero(rows.code == one)
        held[there[: round(HELD_OUT * len(there))]] = True
    return held


def _one_of_each_base(new: Drawn) -> Drawn:
    """Keep the first new row of each base."""
    if "base" not in new.parents:
        return new
    hi, lo, _ = new.parents["base"]
    return new.take(np.sort(np.unique(_as_pairs(hi, lo), return_index=True)[1]))


def _has_parent_in(new: Drawn, rows: Drawn) -> Bools:
    """Mark new rows of which a parent is among some rows."""
    known, found = _as_pairs(rows.hi, rows.lo), np.zeros(len(new.code), dtype=bool)
    for hi, lo, there in new.parents.values():
        found |= there & np.isin(_as_pairs(hi, lo), known)
    return found


def _as_pairs(hi: Ints, lo: Ints) -> NDArray[Any]:
    return np.ascontiguousarray(np.column_stack([hi, lo])).view("V16").ravel()


def _join(*parts: Drawn) -> tuple[Floats, Floats]:
    """Return the rows of all parts as trees take them, and how often each is there.

    Of a number trees see which of some hundred quantiles it is beyond, so that is what they get: with weights they
    would look for these much longer. Of a category they get the rank of its frequency.
    """
    numbers = np.concatenate([part.numbers for part in parts])
    columns = [np.searchsorted(np.unique(np.quantile(one, _BINS)), one, side="right") for one in numbers.T]
    for column in np.concatenate([part.categories for part in parts]).T:
        _, place, count = np.unique(column, return_inverse=True, return_counts=True)
        order = np.empty(len(count), dtype=np.int64)
        order[np.argsort(-count, kind="stable")] = np.arange(len(count))
        columns.append(np.minimum(order[place], _MOST_VALUES))
    return np.column_stack(columns).astype(np.float64), np.concatenate([part.times for part in parts]).astype(float)


def _fit(rows: Drawn, seed: int, x: Floats, y: Bools | Ints, weights: Floats) -> Any:
    """Fit boosted trees, `rows` of which say what is a number and what a category."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    which = [False] * rows.numbers.shape[1] + [True] * rows.categories.shape[1]
    trees = HistGradientBoostingClassifier(
        max_iter=_TREES,
        learning_rate=_RATE,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=min(_LEAST, len(x) // 10),  # few rows could not be split otherwise
        early_stopping=False,
        random_state=seed,
        categorical_features=which if any(which) else None,
    )
    # one thread: sums in one order on any machine, and no threads that wait for each other on few rows
    with threadpool_limits(limits=1):
        return trees.fit(x, y, sample_weight=weights / weights.mean())
