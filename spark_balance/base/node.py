"""A node of a recipe, and the walk that builds the tree of nodes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base.parameters import Parameters
from spark_balance.errors import SparkBalanceError
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import quoted
from spark_balance.frames.plan import ClassPlan, ResamplingPlan
from spark_balance.frames.row_ids import HI, LO, identity
from spark_balance.frames.text import TextTable, show_facts, show_plan, shown
from spark_balance.kernels.draws import stream

if TYPE_CHECKING:
    from pyspark.sql import Column

    from spark_balance.base.paper import Paper
    from spark_balance.base.sampler import Sampler
    from spark_balance.explain.explanation import Step

Built = TypeVar("Built", covariant=True)
OneBuilt = TypeVar("OneBuilt")


@dataclass(frozen=True)
class Problem:
    """A sentence that says why a plan cannot be carried out, and the classes (by id) that it is about."""

    sentence: str
    class_ids: tuple[int, ...] = ()


@dataclass
class Classes:
    """The classes of a plan by class id, and those that a recipe names.

    Attributes
    ----------
    every : Strata
        All classes of the plan.
    action : str
        What the plan says happens to a class that the method changes.
    left_out : collection of int
        Class ids that are too small for the method; only `explain` leaves some out.
    """

    every: Strata
    action: str
    left_out: Collection[int] = ()

    @property
    def changing(self) -> Strata:
        """The classes that the method changes."""
        entries, action, left_out = self.every.entries.items(), self.action, self.left_out
        chosen = {code: entry for code, entry in entries if entry.action == action and code not in left_out}
        return replace(self.every, entries=chosen)

    @property
    def whole_groups(self) -> Strata:
        """All classes of the groups in which one changes."""
        return self.every.groups_of(self.changing.sizes)

    def group_name(self, entry: ClassPlan) -> str:
        """Return the words that say which group a class is in."""
        return entry.group_name(self.every.within_cols)


Selector = Callable[[Classes], Strata]
Keep = str | Callable[[DataFrame], DataFrame] | None  # a folder, or what writes rows somewhere and reads them back
EXTRACT_SHARE = 0.25  # of the rows: what is searched is read two or three times, and written once to be kept


@dataclass(frozen=True, eq=False)
class Node(Generic[Built]):
    """One call in a recipe: what it builds, and what that costs.

    Attributes
    ----------
    on_driver : bool
        Whether it is built once, for all that read it; a frame is computed again by each job that reads it.
    same_anywhere : bool
        Whether one seed gives the same rows on any layout.
    """

    on_driver: ClassVar[bool] = False
    same_anywhere: ClassVar[bool] = True

    def build(self, run: SparkRun) -> Built:
        """Make what the node stands for, lazily except for its `jobs`; inputs are ``run(self.input)``."""
        raise NotImplementedError

    @property
    def jobs(self) -> int:
        """Jobs that run while it is built."""
        return 0

    def streams(self, sampler: Sampler) -> bool:
        """Whether it takes a stream."""
        return False

    def searched(self, classes: Classes) -> Collection[int]:
        """Return the class ids of the rows whose features it reads."""
        return ()

    def check(self, sampler: Sampler, schema: T.StructType) -> None:
        """Refuse a frame from its schema alone."""

    def problems(self, sampler: Sampler, classes: Classes) -> Iterator[Problem]:
        """Yield why it cannot carry out the plan; `plan` and a run refuse, `explain` warns."""
        yield from ()

    def null_columns(self, sampler: Sampler, schema: T.StructType) -> list[str]:
        """Return the columns that are NULL in the rows it makes."""
        return []

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield what it costs to compute it once."""
        yield from ()

    def evaluations(self, paper: Paper, source: Node[Any]) -> int:
        """Return how often an input is computed when this node is: a job and the result are two."""
        return 1

    @property
    def inputs(self) -> Iterator[Node[Any]]:
        """The nodes it is made of."""
        for one in vars(self).values():
            if isinstance(one, Node):
                yield one

    def walk(self) -> list[Node[Any]]:
        """Return this node and all below it, each once, inputs first."""
        found: dict[Node[Any], None] = {}
        for one in self.inputs:
            found |= dict.fromkeys(one.walk())
        return [*found, self]


def _tables(made: Resampled) -> list[TextTable]:
    plan, *others = show_plan(made.plan)
    lines = [*plan.notes, *show_facts(made.notes), *(f"warning: {one}" for one in made.warnings), "rows: in .frame"]
    return [replace(plan, notes=lines), *others]


@shown(_tables)
@dataclass(frozen=True)
class Resampled:
    """The resampled frame, the plan that made it, what was learned on the way, and the sampler or weighter."""

    frame: DataFrame
    plan: ResamplingPlan
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
    sampler: Parameters | None = None


class Result(Node[DataFrame]):
    """A node that a recipe may return: the resampled frame."""

    def unchanged(self, run: SparkRun) -> DataFrame:
        """Return the frame when the plan changes no class."""
        return run.classes.every.guard(run.df)


@dataclass
class SparkRun:
    """The walk that builds: what a node may ask while it is built.

    Attributes
    ----------
    sampler : Sampler
    df : DataFrame
        The user's frame.
    plan : ResamplingPlan
    classes : Classes
    extract_path : str or callable, optional
        Where the rows that are searched are kept, so that the source is read once for them.
    notes : dict
        What is learned on the way, for the user.
    warnings : list of Warning
    """

    sampler: Sampler
    df: DataFrame
    plan: ResamplingPlan
    classes: Classes
    extract_path: Keep = None
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)
    built: dict[Node[Any], Any] = field(default_factory=dict)

    def __call__(self, node: Node[OneBuilt]) -> OneBuilt:
        """Return what a node builds; each node is built once."""
        if node not in self.built:
            try:
                self.built[node] = node.build(self)
            except SparkBalanceError:
                raise  # a refusal is one sentence, which says who and why
            except Exception as failed:
                if hasattr(failed, "add_note"):  # Python 3.11
                    failed.add_note(f"{self.sampler.name}: while building {type(node).__name__}")
                raise
        made: OneBuilt = self.built[node]
        return made

    @cached_property
    def identified(self) -> DataFrame:
        """The user's rows with their row id."""
        schema = self.sampler.unlabelled(self.df).schema
        return self.df.select("*", *identity(self.sampler.name, schema, self.sampler.keys))

    @cached_property
    def searched(self) -> DataFrame:
        """The rows of all classes that are searched with their row id: of an extract, where one is wanted and pays."""
        class_ids = set[int]().union(*(node.searched(self.classes) for node in self.sampler.nodes))
        chosen, keep = self.classes.every.of_ids(class_ids), self.extract_path
        if keep is None or chosen.each or EXTRACT_SHARE * self.plan.rows_before < sum(chosen.sizes.values()):
            return self.identified
        features, options = self.sampler.features(self.df), self.sampler.options
        read = {self.sampler.class_col, *self.sampler.roles, *(features.names if features else ())}
        columns = [F.col(quoted(name)) for name in self.df.columns if name in read or options.passes(name)]
        rows = chosen.only(self.identified, {}).select(*columns, HI, LO)
        if callable(keep):
            return keep(rows)
        # the same run finds and replaces what it wrote, and never what another run reads
        own = f"{keep.rstrip('/')}/{hashlib.sha256(repr((self.sampler, vars(self.plan))).encode()).hexdigest()[:16]}"
        rows.write.mode("overwrite").parquet(own)
        return rows.sparkSession.read.schema(rows.schema).parquet(own)

    @property
    def columns(self) -> list[Column]:
        """The user's columns."""
        return [F.col(quoted(name)) for name in self.df.columns]

    def stream(self, draws: str) -> int:
        """Return the stream of one kind of draw: its name is part of what a seed means."""
        return stream(self.sampler.random_state, draws)
