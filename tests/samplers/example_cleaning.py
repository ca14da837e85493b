"""A cleaning method of one's own: remove the rows that have no near row of their class."""

from dataclasses import dataclass

from pydantic import Field

from spark_balance.base import CleaningSampler, Recipe, Result, changing_among_all
from spark_balance.kernels.members import Members


@dataclass(frozen=True)
class Isolated:  # the decision rule, which runs on the workers
    changing: tuple[int, ...]
    k: int

    def __call__(self, members: Members):
        rows = members.owned_of(*self.changing)
        near = members.class_ids[members.neighbors(rows, self.k)]
        return rows[(near != members.class_ids[rows][:, None]).all(axis=1)], {}


class IsolationCleaning(CleaningSampler):
    """Remove the rows whose `n_neighbors` nearest rows are all of other classes."""

    n_neighbors: int = Field(default=5, ge=1, strict=True)

    def recipe(self, run: Recipe) -> Result:
        rows, cells = run.table(), run.cells(run.sample(run.whole_groups), changing_among_all(self.n_neighbors))
        return run.without(rows, run.decide(rows, lambda of: Isolated(of.changing, self.n_neighbors), cells=cells))
