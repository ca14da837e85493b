"""The nodes that say how often each row is taken: by its level, and of whole groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base.decide import Context, Decisions, ScanNode
from spark_balance.base.node import Classes, Node, SparkRun
from spark_balance.base.rows import Bases, RowsNode, SpreadNode
from spark_balance.errors import ColumnError, CountsError, TooFewRowsError, wrong_counts
from spark_balance.explain.explanation import Step, choose_groups
from spark_balance.frames.classes import Stratum
from spark_balance.frames.columns import check_columns
from spark_balance.frames.copies import share_numbers, shares_of, with_copies
from spark_balance.frames.levels import LEVEL, LEVEL_BYTES, Levels, Quota, counted
from spark_balance.frames.ranked import MOST_HELD
from spark_balance.frames.row_ids import HI, LO, NTH, UNIT, identity, unhashable
from spark_balance.frames.whole_groups import class_sizes, with_group_copies

if TYPE_CHECKING:
    from spark_balance.base.paper import Paper
    from spark_balance.base.sampler import Sampler

LevelCounts = Mapping[int, Mapping[int, int]]  # rows by class id and level


@dataclass(frozen=True)
class ClassLevels:
    """A class whose rows have levels, for the quota that says how many new rows each level makes.

    Attributes
    ----------
    class_id : int
    label : label
    wanted : int
        New rows wanted of the class.
    rows : dict of int to int
        Rows of each level.
    """

    context: Context
    stratum: Stratum
    rows: Mapping[int, int]

    @property
    def class_id(self) -> int:
        """The class id."""
        return self.stratum.code

    @property
    def wanted(self) -> int:
        """New rows wanted of the class."""
        return self.stratum.entry.after - self.stratum.entry.before

    def refuse(self, why: str, use: str = "use SMOTE for it") -> TooFewRowsError:
        """Return the error for a class that can make no rows, which names the wish that leaves it out."""
        entry, run = self.stratum.entry, self.context.run
        others = {one.entry.label: one.entry.after for one in run.classes.changing.rows if one.entry is not entry}
        # in groups a class may have another number of rows in each
        without = f"leave it out by sampling_strategy={others!r}, or " if others and not entry.group else ""
        group = run.classes.group_name(entry)
        return TooFewRowsError(f"{self.context.method}: class {entry.label!r}{group} {why}; {without}{use}")


Quotas = Callable[[Context, LevelCounts], list[Quota]]


def each_class(of: Callable[[ClassLevels], list[Quota]]) -> Quotas:
    """Return the quota that treats each class by itself."""

    def quota(context: Context, counts: LevelCounts) -> list[Quota]:
        classes = context.run.classes.changing.rows
        return [quota for one in classes for quota in of(ClassLevels(context, one, counts.get(one.code, {})))]

    return quota


@dataclass(frozen=True, eq=False)
class GroupSpreadNode(SpreadNode):
    """The same of whole groups: the rows of one class and group are taken together."""

    groups: tuple[str, ...]

    def streams(self, sampler: Sampler) -> bool:
        """Take a stream where each group is taken by its own probability."""
        return not self.exact

    def check(self, sampler: Sampler, schema: T.StructType) -> None:
        """Refuse columns that cannot be grouped by."""
        check_columns(sampler.name, schema, self.groups, "group_cols")
        if sampler.label_col in self.groups:
            raise ColumnError(
                f"{sampler.name}: group_cols names the label column '{sampler.label_col}', so a class is one group, "
                "kept whole or not at all; leave it out"
            )
        for name in self.groups:
            if unhashable(schema[name].dataType):
                raise ColumnError(
                    f"{sampler.name}: group_cols names column '{name}' of type "
                    f"{schema[name].dataType.simpleString()}; Spark cannot group by maps and variants, so name others"
                )

    def build(self, run: SparkRun) -> Bases:
        """Say how often the rows of each group are to appear."""
        strata = self.rows.strata(run)
        shares = shares_of(strata, self.what)
        numbers, stream = {**share_numbers(shares, exact=False), **self.carried(run)}, run.stream(self.draws)
        grouped = run.df.select("*", *identity(run.sampler.name, run.df.schema, self.groups))
        if self.exact:
            rows = strata.attach(grouped, {**numbers, **class_sizes(shares)})
            rows = with_group_copies(rows, strata, shares, stream).withColumn(NTH, F.lit(0))
        else:
            # rows of one identity draw alike: a group is chosen whole
            rows = strata.attach(grouped, numbers)
            rows = with_copies(rows, strata, shares, stream, keyed=True, exact=False, taken=False)
        # its group is chosen: from here on a row has a row id of its own
        own = identity(run.sampler.name, run.df.schema, run.sampler.keys)
        return Bases(rows.withColumns(dict(zip((HI, LO), own, strict=True))))

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the search for the groups that are taken once more."""
        if self.exact:
            yield from choose_groups(paper.table, paper.rows, shares_of(self.rows.strata(paper), self.what))


@dataclass(frozen=True, eq=False)
class LevelSpreadNode(Node[Bases]):
    """Copies of each row by its level: a job counts the levels, and a quota says how many rows each of them makes."""

    even: ClassVar[bool] = False  # one cell may make all new rows of a class

    levels: Decisions
    quotas: Quotas
    draws: str
    among: RowsNode

    @property
    def jobs(self) -> int:
        """One: it counts the levels."""
        return 1

    def build(self, run: SparkRun) -> Bases:
        """Count the levels, and say how often each row is a base."""
        levels, context, changing = run(self.levels), self.levels.context(run), run.classes.changing
        scan = self.levels if isinstance(self.levels, ScanNode) else None
        found = Levels.of(levels.select(*UNIT, LEVEL), run.stream(self.draws), self._most(run.classes))
        if any(sum(found.rows.get(class_id, {}).values()) != rows for class_id, rows in changing.sizes.items()):
            raise CountsError(wrong_counts(run.sampler.name))
        quotas = self.quotas(context, found.rows)
        run.notes.update(counted(quotas))
        rows, name = run(self.among), run.sampler.name
        if scan is None:
            return Bases(found.joined(rows, quotas, name), tuple(quotas))

        def finish(units: DataFrame) -> DataFrame:
            # a level that needs no cells is found again where the row is, which costs no join
            return replace(found, units=scan.decide(run, units, units.columns)).chosen(quotas, name)

        return Bases(rows, tuple(quotas), finish)

    def evaluations(self, paper: Paper, source: Node[Any]) -> int:
        """Compute levels for the job that counts; for a threshold and the result where they are too many to hold."""
        if source is not self.levels:
            return 1
        again = self._most(paper.classes) > MOST_HELD
        # where a row is, its level is found again
        return 2 + again if isinstance(self.levels, ScanNode) else 1 + 2 * again

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield what the driver holds of the levels."""
        most = self._most(paper.classes)
        yield Step("count levels", 1, driver_bytes=most * LEVEL_BYTES if most <= MOST_HELD else 0)

    def _most(self, classes: Classes) -> int:
        """Return how many rows have levels at most."""
        judged = classes.whole_groups if isinstance(self.levels, ScanNode) else classes.changing
        return sum(judged.sizes.values())
