"""Iterative stratification of rows with several labels, on the rows of each set of labels."""

from collections.abc import Sequence
from fractions import Fraction
from heapq import heapify, heappop, heappush
from itertools import compress, pairwise
from math import lcm

import numpy as np

from spark_balance.kernels import Ints
from spark_balance.kernels.draws import quotas, xxhash64
from spark_balance.kernels.labelsets import LabelTable

ONE_BY_ONE = 100_000  # rows that are dealt one by one: a few seconds


def stratify(table: LabelTable, shares: Sequence[Fraction], stream: int) -> Ints:
    """Return the rows of each set of labels (rows) that each part gets (columns).

    Of many rows, each part first gets the whole rows of its share of each set, all but 100,000 rows in equal numbers of
    each set. These are dealt as Sechidis et al. write it: of the label with the fewest rows left, each row, in the
    order of their draws, goes to the part that lacks most of the label, of these to that which lacks most rows.
    Parts that are alike in both take turns. Rows without labels then fill the parts up.
    """
    unit = lcm(*(share.denominator for share in shares))
    parts = [int(share * unit) for share in shares]  # all that is wanted is counted in this part of a row
    rows = table.rows.tolist()
    held = quotas(rows, ONE_BY_ONE)
    dealt = [[(one - some) * part // unit for part in parts] for one, some in zip(rows, held, strict=True)]
    labels: list[list[int]] = [[] for _ in rows]
    sets: list[list[int]] = [[] for _ in table.labels]
    for label, one in zip(table.label_of.tolist(), table.set_of.tolist(), strict=True):
        labels[one].append(label)
        sets[label].append(one)
    left = [one - sum(many) if there else 0 for one, many, there in zip(rows, dealt, labels, strict=True)]
    dealt = [many if there else [0] * len(parts) for many, there in zip(dealt, labels, strict=True)]
    given = np.array(dealt, dtype=object).reshape(len(rows), len(parts))
    wanted = [sum(rows) * part for part in parts]
    lacks = [want - unit * int(has) for want, has in zip(wanted, given.sum(axis=0), strict=True)]
    lacks_of = []
    for some in sets:
        whole = sum(rows[one] for one in some)
        has = given[some].sum(axis=0)
        lacks_of.append([whole * part - unit * int(one) for part, one in zip(parts, has, strict=True)])
    remaining = [sum(left[one] for one in some) for some in sets]
    draws = _draws(left, stream)
    queue = [(many, label) for label, many in enumerate(remaining) if many]
    heapify(queue)
    turn = 0
    while queue:
        many, label = heappop(queue)
        if not many or many != remaining[label]:
            continue  # it has fewer rows by now, and is there again
        touched = set[int]()
        in_order = sorted((drawn, some) for some in sets[label] if left[some] for drawn in draws[some])
        for _, one in in_order:
            part = _neediest(lacks_of[label], lacks, turn)
            turn = (part + 1) % len(parts)
            dealt[one][part] += 1
            left[one] = 0  # all of them are dealt in this turn
            lacks[part] -= unit
            for other in labels[one]:
                lacks_of[other][part] -= unit
                remaining[other] -= 1
                touched.add(other)
        for other in touched:
            heappush(queue, (remaining[other], other))
    for one in compress(range(len(rows)), [not there for there in labels]):
        dealt[one] = _fill(rows[one], lacks, unit)
    return np.array(dealt, dtype=np.int64).reshape(len(rows), len(parts))


def _draws(rows: list[int], stream: int) -> list[list[int]]:
    """Return a draw for each of some rows of each set."""
    ends = np.cumsum([0, *rows])
    sets = np.repeat(np.arange(len(rows)), rows)
    drawn = xxhash64(stream, sets, np.arange(ends[-1]) - ends[sets]).tolist()
    return [drawn[first:last] for first, last in pairwise(ends.tolist())]


def _neediest(lacks: list[int], lacks_rows: list[int], turn: int) -> int:
    """Return the part that lacks most of a label, then most rows, then whose turn it is."""
    parts = range(len(lacks))
    return max(parts, key=lambda part: (lacks[part], lacks_rows[part], -((part - turn) % len(lacks))))


def _fill(rows: int, lacks: list[int], unit: int) -> list[int]:
    """Deal rows out to the parts that lack some, so that they lack about as much afterwards."""
    order, level = sorted(lacks, reverse=True), 0
    for many in range(1, len(order) + 1):
        # as many parts as lack more than what is left to lack for each of them
        level = -(-(sum(order[:many]) - rows * unit) // many)
        if many == len(order) or level >= order[many]:
            break
    given = [max(0, lack - level) // unit for lack in lacks]
    rest = rows - sum(given)
    after = sorted(range(len(lacks)), key=lambda part: given[part] * unit - lacks[part])
    for part in (after * (rest // len(after) + 1))[:rest]:
        given[part] += 1
    return given
