"""How hard a row is to classify, by models that have not seen it (Smith, Martinez and Giraud-Carrier, 2014)."""

import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.distances import one_thread
from spark_balance.kernels.members import Said
from spark_balance.kernels.scores import UNKNOWN

_STEPS = 2.0**24  # to one part in this many: the last bits of a probability may depend on the machine


@dataclass(frozen=True)
class Learned:
    """What is known of the hardness of the rows of one group, as the workers get it."""

    # for each class id, what its sampled rows drew, ascending, and how hard each was to models that were fitted without
    # it
    draws: dict[int, Ints]
    scores: dict[int, Ints]
    model: bytes | None  # the model of all sampled rows, for the others; None where all rows are sampled

    @cached_property
    def opened(self) -> Any:
        """The model, opened once by each task that needs it."""
        return None if self.model is None else pickle.loads(zlib.decompress(self.model))

    def score(self, rows: Floats, codes: Ints, draws: Ints) -> Ints:
        """Return the hardness of rows as integers."""
        score = np.full(len(rows), UNKNOWN)
        for code, sampled in self.draws.items():
            own = np.flatnonzero(codes == code)
            at = np.minimum(np.searchsorted(sampled, draws[own]), len(sampled) - 1)
            score[own] = np.where(sampled[at] == draws[own], self.scores[code][at], UNKNOWN)
        others = np.flatnonzero(score == UNKNOWN)
        if len(others):
            score[others] = to_hardness(own_probability(self.opened, rows[others], codes[others]))
        return score


@dataclass(frozen=True)
class Hardness:
    """Scores each row, in column `score`, by how hard it is to classify for the models of the group of its class."""

    score: str
    group_of: Mapping[int, int]
    groups: Mapping[int, Learned]

    def __call__(self, features: Floats, class_ids: Ints, draws: Ints) -> Said:
        """Return the score of each row, given its class id and the draw that sampled it."""
        own = np.array([self.group_of[class_id] for class_id in class_ids.tolist()])
        score = np.empty(len(class_ids), dtype=np.int64)
        for group in map(int, np.unique(own)):
            here = own == group
            score[here] = self.groups[group].score(features[here], class_ids[here], draws[here])
        return {self.score: score}


def learn_hardness(rows: dict[int, Floats], draws: dict[int, Ints], estimator: Any, cv: int, *, whole: bool) -> Learned:
    """Fit the models of one group to its sampled rows, of which `draws`, by class too, are ascending.

    The estimator is a classifier of scikit-learn's kind, its seed set. The fold of a row is its place among the
    sampled rows of its class, modulo `cv`. If `whole`, all rows are sampled and no model of all is needed.
    """
    points = np.concatenate(list(rows.values()))
    codes = np.repeat(list(rows), [len(some) for some in rows.values()])
    fold = np.concatenate([np.arange(len(some)) % cv for some in rows.values()])
    score = np.empty(len(points), dtype=np.int64)
    for i in range(cv):
        held = fold == i
        if held.any():
            model = fit(estimator, points[~held], codes[~held])
            score[held] = to_hardness(own_probability(model, points[held], codes[held]))
    model = None if whole else zlib.compress(pickle.dumps(fit(estimator, points, codes)), 1)
    return Learned(draws, {code: score[codes == code] for code in rows}, model)


def to_hardness(probability: Floats) -> Ints:
    """Return 1 - the probability of the own class, as an integer."""
    return np.rint((1.0 - probability) * _STEPS).astype(np.int64)


def fit(estimator: Any, rows: Floats, codes: Ints) -> Any:
    """Fit a copy of an estimator; of one class or none there is nothing to learn."""
    if len(np.unique(codes)) < 2:
        return Certain(codes[:1])
    from sklearn.base import clone

    with one_thread():
        return clone(estimator).fit(rows, codes)


def own_probability(model: Any, rows: Floats, codes: Ints) -> Floats:
    """Return the probability that a model gives to the class of each row; 0 for a class it has not seen."""
    with one_thread():
        given = np.asarray(model.predict_proba(rows), dtype=np.float64)
    same: Bools = np.asarray(model.classes_) == codes[:, None]
    own: Floats = np.where(same, given, 0.0).sum(axis=1)
    return own


@dataclass(frozen=True)
class Certain:
    """The model of rows of one class: it knows no other."""

    classes_: Ints

    def predict_proba(self, rows: Floats) -> Floats:
        """Return 1 for the class."""
        return np.ones((len(rows), len(self.classes_)))
