"""How hard a row is to classify, by models that have not seen it (Smith, Martinez and Giraud-Carrier, 2014)."""

from __future__ import annotations

import pickle
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.nearest import one_thread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_STEPS = 2.0**24  # probabilities are told apart down to 1 / so many: the last bits may depend on the machine


@dataclass(frozen=True)
class Learnt:
    """What is known of the hardness of the rows of one group, as the workers get it.

    Attributes
    ----------
    draws, scores : dict of int to ndarray
        For each class number, what its sampled rows drew, ascending, and how hard each was to models
        that were fitted without it.
    model : bytes, optional
        The model of all sampled rows, for the others; None where there are no others.
    """

    draws: dict[int, Ints]
    scores: dict[int, Ints]
    model: bytes | None

    def __call__(self, rows: Floats, codes: Ints, draws: Ints, model: Any) -> Ints:
        """Return the hardness of rows as integers; `model` is the opened one."""
        score = np.empty(len(rows), dtype=np.int64)
        known = np.zeros(len(rows), dtype=bool)
        for code, sampled in self.draws.items():
            own = np.flatnonzero(codes == code)
            at = np.minimum(np.searchsorted(sampled, draws[own]), len(sampled) - 1)
            there = sampled[at] == draws[own]
            score[own[there]] = self.scores[code][at[there]]
            known[own[there]] = True
        others = np.flatnonzero(~known)
        if len(others):
            score[others] = hardness(own_probability(model, rows[others], codes[others]))
        return score


def learnt(rows: dict[int, Floats], draws: dict[int, Ints], estimator: Any, cv: int, *, whole: bool) -> Learnt:
    """Fit the models of one group.

    Parameters
    ----------
    rows, draws : dict of int to ndarray
        The sampled rows of each class, and their draws, ascending.
    estimator : object
        A classifier of scikit-learn's kind, its seed set.
    cv : int
        Folds; a row's fold is its place among the sampled rows of its class, modulo cv.
    whole : bool
        There are no rows besides those sampled, so no model of all is needed.
    """
    points = np.concatenate(list(rows.values()))
    codes = np.repeat(list(rows), [len(some) for some in rows.values()])
    fold = np.concatenate([np.arange(len(some)) % cv for some in rows.values()])
    score = np.empty(len(points), dtype=np.int64)
    for i in range(cv):
        held = fold == i
        if held.any():
            model = fitted(estimator, points[~held], codes[~held])
            score[held] = hardness(own_probability(model, points[held], codes[held]))
    model = None if whole else zlib.compress(pickle.dumps(fitted(estimator, points, codes)), 1)
    return Learnt(draws, {code: score[codes == code] for code in rows}, model)


def opened(model: bytes | None) -> Any:
    """Return the model that was sent."""
    return None if model is None else pickle.loads(zlib.decompress(model))


def hardness(probability: Floats) -> Ints:
    """Return 1 - the probability of the own class, as an integer."""
    return np.rint((1.0 - probability) * _STEPS).astype(np.int64)


def fitted(estimator: Any, rows: Floats, codes: Ints) -> Any:
    """Fit a copy of an estimator; of one class or none there is nothing to learn."""
    if len(np.unique(codes)) < 2:
        return Certain(codes[:1])
    from sklearn.base import clone

    with one_thread():
        return clone(estimator).fit(rows, codes)


def own_probability(model: Any, rows: Floats, codes: Ints) -> Floats:
    """Return the probability that a model gives to the class of each row; 0 for a class it has not seen."""
    with one_thread():
        told = np.asarray(model.predict_proba(rows), dtype=np.float64)
    known = np.asarray(model.classes_)
    at = np.minimum(np.searchsorted(known, codes), max(0, len(known) - 1))
    seen = known[at] == codes if len(known) else np.zeros(len(codes), dtype=bool)
    probability = np.zeros(len(rows))
    probability[seen] = told[seen, at[seen]]
    return probability


@dataclass(frozen=True)
class Certain:
    """What is learnt of rows of one class: that there is no other."""

    classes_: Ints

    def predict_proba(self, rows: Floats) -> Floats:
        """Return 1 for the class."""
        return np.ones((len(rows), len(self.classes_)))
