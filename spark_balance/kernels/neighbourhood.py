"""How wide a cell's border must be, and what share of the true neighbours it then holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.nearest import among, nearest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
QUERIES = 1_000


@dataclass(frozen=True)
class Estimate:
    """What the sample says of a class's cells: recall of true neighbours, and guests for each row.

    Where classes share cells also the share of rows whose neighbours are proven to be the true ones; None if
    nothing was asked that the sample knows.
    """

    recall: float
    guests: float
    proven: float | None = None


def with_margin(
    cells: Cells, sample: Floats, rows: int, k: int, *, recall: float, most_guests: float
) -> tuple[Cells, Estimate]:
    """Choose the margin within which rows visit neighbouring cells.

    Parameters
    ----------
    cells : Cells
        Centroids, the margin still 0.
    sample : ndarray of shape (n_sampled, n_features)
        Integers held in float64, in the order of their draws.
    rows : int
        Rows of the class that the sample stands for.
    k : int
        Neighbours that will be asked for.
    recall : float
        Share of the true neighbours wanted.
    most_guests : float
        Visits for each row that may be spent on it.

    """
    if len(sample) < 2:
        return cells, Estimate(1.0, 0.0)
    queries = np.arange(min(QUERIES, len(sample)))
    neighbours = expected_neighbours(sample, queries, rows, min(k, len(sample) - 1))
    asked = np.repeat(sample[queries], neighbours.shape[1], axis=0)
    return chosen_margin(
        cells, asked, neighbours.reshape(-1, sample.shape[1]), sample, recall=recall, most_guests=most_guests
    )


def chosen_margin(
    cells: Cells, asked: Floats, neighbours: Floats, visitors: Floats, *, recall: float, most_guests: float
) -> tuple[Cells, Estimate]:
    """Choose the margin that brings rows and their neighbours together.

    Parameters
    ----------
    cells : Cells
        Centroids, the margin still 0.
    asked, neighbours : ndarray of shape (n_pairs, n_features)
        Rows, and where a neighbour of each is to be expected.
    visitors : ndarray of shape (n_sampled, n_features)
        A sample of the rows that may be guests.
    recall : float
        Share of the pairs that are to meet.
    most_guests : float
        Visits for each visitor that may be spent on it.
    """
    if len(cells) == 1:
        return cells, Estimate(1.0, 0.0)
    needed = _needed_margins(cells, asked, neighbours)
    # where the sample knows no neighbour, as many visit as may
    tau = float(np.quantile(needed, recall, method="inverted_cdf")) if len(needed) else np.inf
    margin = cells.margins(visitors)[2]
    most = min(margin.size - 1, int(most_guests * len(visitors)))
    cap = float(np.partition(margin.ravel(), most)[most])
    cells = replace(cells, tau=min(tau, cap))
    held = float(np.mean(needed <= cells.tau)) if len(needed) else 1.0
    return cells, Estimate(held, float(np.count_nonzero(margin <= cells.tau)) / len(visitors))


def _needed_margins(cells: Cells, asked: Floats, neighbours: Floats) -> Floats:
    if not len(asked):
        return np.empty(0)
    wanted = cells.homes(asked)
    home, near, margin = cells.margins(neighbours)
    needed: Floats = np.where(near == wanted[:, None], margin, np.inf).min(axis=1)
    needed[home == wanted] = 0.0
    return needed


def expected_neighbours(sample: Floats, queries: Ints, rows: int, k: int) -> Floats:
    """Return where the k nearest neighbours of sampled rows are to be expected among so many rows.

    Notes
    -----
    Neighbours in a sample of s out of n rows are further away than the true ones, by
    (n / s)^(1 / d) in d intrinsic dimensions, so they are drawn nearer by that factor.
    """
    return drawn_nearer(sample[queries], sample[nearest(sample, queries, k)], len(sample) / rows)


def expected_among(asked: Floats, others: Floats, rows: int, k: int) -> Floats:
    """Do the same for rows that may be none of `others`, a sample of so many rows."""
    found, away = among(asked, others, k + 1)
    # a row that is one of them finds itself first; an equal row is in its cell anyway
    first = (away[:, :1] == 0).astype(np.int64)
    k = min(k, found.shape[1] - 1) if first.any() else min(k, found.shape[1])
    found = np.take_along_axis(found, first + np.arange(k), axis=1)
    return drawn_nearer(asked, others[found], len(others) / rows)


def drawn_nearer(own: Floats, near: Floats, share: float) -> Floats:
    """Return where the neighbours, found in a sample that is such a share of the rows, are to be expected."""
    nearer = share ** (1 / _dimension(own, near)) if share < 1 else 1.0
    own = own[:, None, :]
    expected: Floats = np.rint(own + nearer * (near - own))
    return expected


def _dimension(own: Floats, near: Floats) -> float:
    """Estimate the intrinsic dimension from how fast neighbours recede (Levina and Bickel, 2004)."""
    distance = np.sqrt(((near - own[:, None, :]) ** 2).sum(axis=2))
    distance = np.sort(distance[(distance > 0).all(axis=1)], axis=1)
    if not len(distance) or distance.shape[1] < 2:
        return float(own.shape[1])
    inverse = np.log(distance[:, -1:] / distance[:, :-1]).mean()
    return float(np.clip(1 / inverse if inverse > 0 else np.inf, 1.0, own.shape[1]))
