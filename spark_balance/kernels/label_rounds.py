"""How many rows of each set of labels are copied or go: ML-ROS and ML-RUS as arithmetic, many rounds at a time."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spark_balance.kernels import Bools, Ints
from spark_balance.kernels.labelsets import LabelTable

_PARTS = 16  # of the rows that may go, between two looks at them


def _first(holds: Callable[[int], bool], most: int, guess: float) -> int | None:
    """Return a number, `most` at most, for which something holds and for the one before it does not; None if never.

    It looks around a guess, since each look costs a pass over all pairs.
    """
    low, high, step = 0, most + 1, 1
    at = int(min(max(guess, 1), most))
    if holds(at):
        high = at
        while (at := high - step) > 0 and holds(at):
            high, step = at, 2 * step
        low = max(at, 0)
    else:
        low = at
        while (at := min(low + step, most)) > low and not holds(at):
            low, step = at, 2 * step
        if at == low:
            return None
        high = at
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def clone(table: LabelTable, most: int) -> Ints:
    """Return how many rows of each set ML-ROS copies, `most` in all.

    In rounds, each minority label has one of its rows copied, until its IRLbl is no longer above MeanIR.
    """
    active, taken, mean = np.flatnonzero(table.is_minority), np.zeros(len(table.labels), np.int64), table.mean_imbalance

    def after(rounds: int) -> Ints:
        more: Ints = taken.copy()
        more[active] += rounds
        return more

    def settled(rounds: int) -> Bools:
        counts = table.count(table.rows + table.deal(after(rounds), table.rows))
        return np.asarray(counts.max() <= mean * counts[active])

    while len(active) and most >= len(active):
        whole, counts = most // len(active), table.count(table.rows + table.deal(taken, table.rows))
        speeds = table.speeds(active, table.rows)
        with np.errstate(all="ignore"):
            ahead = counts[None, :] - mean * counts[active, None]
            guesses = ahead / (mean * speeds[active, None] - speeds[None, :])
        guess = np.nan_to_num(np.where(ahead > 0, np.where(guesses < 0, np.inf, guesses), 0), nan=np.inf).max(axis=1)
        rounds = _first(lambda many: bool(settled(many).any()), whole, math.ceil(min(guess.min(), whole))) or whole
        left = active[~settled(rounds)]
        taken, most = after(rounds), most - rounds * len(active)
        active = left
    taken[active[:most]] += 1
    return table.deal(taken, table.rows)


def remove(table: LabelTable, most: int) -> Ints:
    """Return how many rows of each set ML-RUS removes, `most` in all.

    In rounds, each majority label loses one of its rows, until its IRLbl is MeanIR. Rows with a label of another
    kind stay, as do those of a label that has reached MeanIR, and the last row of each label.
    """
    gone, turn = np.zeros(len(table.rows), np.int64), 0
    active = np.array(table.imbalance) < table.mean_imbalance
    while most and active.any():
        closed = np.bincount(table.set_of, ~active[table.label_of], len(table.rows)) > 0
        closed |= np.bincount(table.set_of, minlength=len(table.rows)) == 0
        phase = _Removal(table, gone, np.where(closed, 0, table.rows - gone), active, most, turn)
        empty = active & (table.count(phase.left) == 0)
        if empty.any():
            active = active & ~empty
            continue
        # what goes is shared by what is left, which is looked at again before it has become another mixture
        some = min(most, max(1, int(phase.left.sum() // (_PARTS * active.sum()))))
        rounds = _first(phase.ends, some, phase.guess)
        if rounds is None:
            step = phase.lost(some)
        elif phase.lost(rounds).sum() > most:
            if rounds == 1:
                return gone + phase.one_each()
            step = phase.lost(rounds - 1)
        else:
            done = phase.settled(rounds)
            whole = (phase.counts_after(rounds) >= 1)[done].all()
            step, active = phase.lost(rounds if whole else rounds - 1), active & ~done
        gone, most, turn = gone + step, most - int(step.sum()), turn + 1
    return gone


@dataclass(frozen=True)
class _Removal:
    """The rounds of a removal until a label is settled, or all is removed."""

    table: LabelTable
    gone: Ints  # of each set, before
    left: Ints  # rows of each set that may go
    active: Bools  # the labels that lose rows
    most: int
    turn: int

    @cached_property
    def before(self) -> Ints:
        """Rows of each label before the first round."""
        return self.table.count(self.table.rows - self.gone)

    def lost(self, rounds: int) -> Ints:
        """Return the rows of each set that go in some rounds."""
        return np.minimum(self.left, self.table.deal(np.where(self.active, rounds, 0), self.left, self.turn))

    def counts_after(self, rounds: int) -> Ints:
        """Return the rows of each label after some rounds."""
        return np.asarray(self.before - self.table.count(self.lost(rounds)))

    def settled(self, rounds: int) -> Bools:
        """Return the labels that lose no more rows after some rounds."""
        counts = self.counts_after(rounds)
        return np.asarray(self.active & ((self.table.mean_imbalance * counts <= counts.max()) | (counts < 1)))

    def ends(self, rounds: int) -> bool:
        """Return whether the rounds end there."""
        return self.lost(rounds).sum() > self.most or bool(self.settled(rounds).any())

    @property
    def guess(self) -> float:
        """About the round after which a label is settled, as if rows were numbers."""
        mean, counts, active = self.table.mean_imbalance, self.before, np.flatnonzero(self.active)
        speeds = self.table.speeds(active, self.left)
        with np.errstate(all="ignore"):
            slower = mean * speeds[active, None] - speeds[None, :]
            guesses = (mean * counts[active, None] - counts[None, :]) / slower
            ends = counts[active] / speeds[active]
        found = float(np.where(slower > 0, guesses, np.inf).min())
        return math.ceil(min(found, float(ends.min()), self.most / len(active) + 1))

    def one_each(self) -> Ints:
        """Return one row of each label while there are some to remove, but no label's last."""
        gone = np.zeros_like(self.left)
        for label in np.flatnonzero(self.active):
            if gone.sum() == self.most:
                break
            alone = (np.arange(len(self.active)) == label).astype(np.int64)
            one = self.table.deal(alone, self.left - gone, self.turn)
            if (self.before - self.table.count(gone + one) >= 1).all():
                gone += one
        return gone
