"""Pools: rows that search each other, and what is asked of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from spark_balance.frames.classes import Strata


@dataclass(frozen=True)
class Pool:
    """Rows that search each other: those of a class, of the classes of a group, or of a class in a cluster."""

    number: int
    rows: dict[int, int]  # of each class, by its id
    labels: dict[int, object] = field(default_factory=dict)  # that the class ids stand for

    def count(self, class_ids: Iterable[int]) -> int:
        """Return the rows of some classes."""
        return sum(map(self.rows.__getitem__, class_ids))

    @property
    def minority(self) -> int:
        """The id of the smallest class; of several, that of the smallest label."""
        return min(self.rows, key=lambda class_id: (self.rows[class_id], class_id))


@dataclass(frozen=True)
class Question:
    """What is asked of a pool: the rows of some classes look for k neighbors among those of some, all by class id."""

    queries: tuple[int, ...]
    among: tuple[int, ...]
    k: int


def pools_of(strata: Strata) -> list[Pool]:
    """Return a pool for each group of classes, in the order of the plan."""
    groups: dict[tuple[object, ...], Pool] = {}
    for row in strata.rows:
        pool = groups.setdefault(row.entry.group, Pool(len(groups), {}, {}))
        pool.rows[row.code] = row.entry.before
        pool.labels[row.code] = row.entry.label
    return list(groups.values())


def pools_of_classes(rows: Mapping[int, int], k: int) -> list[tuple[Pool, list[Question]]]:
    """Return a pool for each class alone, whose number is its class id, with the question for k neighbors."""
    return [
        (Pool(one, {one: some}), [Question((one,), (one,), max(1, min(k, some - 1)))]) for one, some in rows.items()
    ]
