"""Class counts that decay, and how far the class shares of new rows are from those before."""

import numpy as np

from spark_balance.kernels import Bools, Floats, Ints

_BY_CHANCE = np.log(1e6)
_UNSEEN = 0.5  # rows that every class is taken to have more, so that a class without rows has a share


def decay(held: Floats, rows: Ints, half_life: float) -> Floats:
    """Return the counts of classes after a batch: what is held counts half after `half_life` new rows."""
    # rounded, since machines differ in the last digits of a power
    return np.asarray(held * round(0.5 ** (float(rows.sum()) / half_life), 12) + rows, dtype=np.float64)


def shares_of(rows: Floats | Ints) -> Floats:
    """Return the share of each class, none of which is 0."""
    some = rows + _UNSEEN
    return np.asarray(some / some.sum(), dtype=np.float64)


def stability_index(before: Floats | Ints, now: Floats | Ints) -> float:
    """Return the population stability index of two counts of the same classes.

    It is the sum of (q - p) ln(q / p) over the shares p before and q now, the symmetric Kullback-Leibler divergence
    (Kullback and Leibler 1951). Those who score credit call less than 0.1 stable, and more than 0.25 a shift; the
    share of a rare class may double without either.
    """
    p, q = shares_of(before), shares_of(now)
    return float(((q - p) * np.log(q / p)).sum())


def share_ratios(before: Floats | Ints, now: Floats | Ints) -> Floats:
    """Return the share of each class now as a multiple of its share before."""
    return np.asarray(shares_of(now) / shares_of(before), dtype=np.float64)


def drifted(before: Floats | Ints, now: Floats | Ints, most: float) -> Bools:
    """Return the classes whose share changed by more than a factor, and by more than chance does.

    Of n rows a share q is found by chance with a probability of exp(-n KL(q, p)) at most where the true one is p
    (Chernoff 1952; Hoeffding 1963), which is to be less than one in a million. As p is an estimate itself, of m rows,
    n is 1 / (1 / n + 1 / m).
    """
    p, ratios, here = shares_of(before), share_ratios(before, now), float(now.sum())
    if not here:
        return np.zeros(len(now), dtype=np.bool_)
    rows = 1 / (1 / here + 1 / max(float(before.sum()), _UNSEEN))
    by_chance = rows * (_divergence(now / here, p) + _divergence(1 - now / here, 1 - p)) < _BY_CHANCE
    return np.asarray((np.maximum(ratios, 1 / ratios) > most) & ~by_chance, dtype=np.bool_)


def _divergence(q: Floats, p: Floats) -> Floats:
    """Return q ln(q / p), which is 0 where q is."""
    return q * np.log(np.where(q > 0, q, 1.0) / np.where(q > 0, p, 1.0))
