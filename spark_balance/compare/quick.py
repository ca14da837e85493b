"""A quick look at a bounded sample: how well a model ranks the rarest class before others. Arrays, scikit-learn."""

from __future__ import annotations

import numpy as np

from spark_balance.compare.facts import Ranking
from spark_balance.kernels import Floats

FOLDS = 5
_TREES, _LEAVES, _RATE, _LEAF = 50, 8, 0.1, 20


def rank_quickly(features: Floats, categorical: list[bool], positive: Floats, stands_for: Floats, seed: int) -> Ranking:
    """Fit boosted trees on folds of a sample, and score the rows held out.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
        Numbers, and the codes of categories; NaN where a value is missing.
    categorical : list of bool
        Which features are codes.
    positive : ndarray of shape (n_rows,)
        1.0 for rows of the rarest class, of which each fold needs one at least; else 0.0.
    stands_for : ndarray of shape (n_rows,)
        How many rows of the table each row stands for.
    seed : int
        Seed of folds and trees.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import average_precision_score, roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    # inside of a side rows count as they do in the table; the sides as they do in the sample, or trees see few of one
    is_rare = positive == 1
    means = [stands_for[~is_rare].mean(), stands_for[is_rare].mean()]
    weights = stands_for / np.where(is_rare, means[1], means[0])
    is_even = bool(np.allclose(weights, 1))  # scikit-learn takes a second longer to bin rows with weights
    model = HistGradientBoostingClassifier(
        max_iter=_TREES,
        max_leaf_nodes=_LEAVES,
        learning_rate=_RATE,
        min_samples_leaf=max(1, min(_LEAF, np.count_nonzero(is_rare) // FOLDS)),
        categorical_features=categorical,
        early_stopping=False,
        random_state=seed % 2**32,
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    said = np.empty(len(positive))
    # one thread: sums in one order on any machine
    with threadpool_limits(limits=1):
        for train, held in folds.split(features, positive):
            model.fit(features[train], positive[train], sample_weight=None if is_even else weights[train])
            said[held] = model.predict_proba(features[held])[:, 1]
    # the odds of the table, not those of the sample
    odds = said / np.maximum(1 - said, 1e-300) * (means[1] / means[0])
    natural = odds / (1 + odds)
    share = float(stands_for[is_rare].sum() / stands_for.sum())
    named = natural >= share
    true = stands_for[named & is_rare].sum()
    return Ranking(
        rows=len(positive),
        pr_auc=float(average_precision_score(positive, natural, sample_weight=stands_for)),
        roc_auc=float(roc_auc_score(positive, natural, sample_weight=stands_for)),
        threshold=share,
        recall_at_half=float(np.mean(natural[is_rare] >= 0.5)),
        recall=float(np.mean(named[is_rare])),
        precision=float(true / max(stands_for[named].sum(), 1e-300)),
    )
