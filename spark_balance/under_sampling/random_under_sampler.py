"""Random under-sampling: keep a random subset of the larger classes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from pydantic import StrictBool, model_validator
from pyspark.sql import DataFrame, functions as F, types as T
from typing_extensions import Self

from spark_balance.base import Bases, Carry, Node, Paper, Recipe, Result, RowsNode, SparkRun
from spark_balance.base.families import RandomSampler
from spark_balance.errors import ColumnError
from spark_balance.explain.explanation import Step, choose
from spark_balance.frames.bootstrap import bootstrapped
from spark_balance.frames.classes import Numbers
from spark_balance.frames.columns import check_columns, check_new_column, quoted, temp
from spark_balance.frames.copies import Share, shares_of
from spark_balance.frames.plan import ClassCounts, Label, Promises, ResamplingPlan, RowsOut
from spark_balance.frames.row_ids import CODE, COPIES

_WEIGHT = temp("weight")


class RandomUnderSampler(RandomSampler):
    """Keep a random subset of each targeted class, exactly as large as the plan says, or whole groups.

    Parameters
    ----------
    exact : bool, default True
        True keeps exactly the wanted number of rows, the same rows on any layout.
        False is one scan with binomial counts: by the key, the same rows on any layout, or,
        without `key_cols`, by Spark's `sampleBy`, whose rows depend on how the input is split
        (and which on Sail 0.7 repeats its draws in every partition: give a key there).
    replacement : bool, default False
        Draw with replacement (the bootstrap). Classes that keep their number of rows stay as
        they are, unless sampling_strategy is 'all'.
    weight_col : str, optional
        Multiply rows before / rows after of the class into this column (made as 1.0
        when absent): downsample and upweight, ready for an estimator's `weightCol`. With `group_cols`
        only if `exact=False`, since otherwise fewer rows than planned may be kept.

    Notes
    -----
    Cost, besides the counts: `exact=False` one scan. `exact=True` two, the first of the key columns alone; without
    `key_cols` it hashes all columns and shuffles the hashes. `group_cols` instead counts the rows of each group twice
    and shuffles those counts. No Python worker.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, int(i % 10 == 0)) for i in range(200)], "id int, fraud int")
    >>> sampler = RandomUnderSampler(label_col="fraud", key_cols="id")
    >>> sampler.plan(df).targets
    {0: 20, 1: 20}
    >>> sampler.fit_resample(df).count()
    40
    """

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[RowsOut] = "subset"
    action: ClassVar[str] = "downsample"

    replacement: StrictBool = False
    weight_col: str | None = None

    @model_validator(mode="after")
    def _drawn_one_way(self) -> Self:
        if self.replacement and not self.exact:
            raise ValueError("replacement=True needs exact=True, since sampleBy never draws a row twice")
        if self.group_cols and self.replacement:
            raise ValueError("replacement=True draws single rows, and group_cols keeps them together; leave one out")
        if self.group_cols and self.exact and self.weight_col is not None:
            raise ValueError(
                f"weight_col='{self.weight_col}' undoes the share that is kept, which group_cols can only come near; "
                "set exact=False, which keeps each group with just that probability"
            )
        return self

    def recipe(self, run: Recipe) -> Result:
        """Take each row as often as its class needs: never more than once, unless it is a bootstrap."""
        bases: Node[Bases]
        if self.replacement:
            bases = Bootstrap(run.table(), _weights)
        elif self.exact or self.key_cols or self.group_cols:
            how: dict[str, Any] = {"exact": self.exact, "groups": self.group_cols, "carry": _weights}
            bases = run.spread_evenly(run.table(), "after", draws="keep", **how)
        else:
            bases = SampleBy(run.table(), _weights)
        return run.take(bases, finish=self.weigh if self.weight_col is not None else None)

    @property
    def promises(self) -> Promises:
        """What it promises of the counts and rows that come out, with the parameters at hand."""
        return self.promised("copies" if self.replacement else "subset")

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if self.weight_col in (self.label_col, *(self.within_cols or ()), *self.keys):
            raise ColumnError(f"{self.name}: weight_col='{self.weight_col}' is the label, a key or a within column")
        if self.weight_col is not None and self.weight_col in df.columns:
            check_columns(self.name, df.schema, [self.weight_col], "weight_col")
            if df.schema[self.weight_col].dataType.typeName() not in ("double", "float"):
                raise ColumnError(
                    f"{self.name}: weight_col='{self.weight_col}' is of type "
                    f"{df.schema[self.weight_col].dataType.simpleString()}; weights are double or float, so cast it"
                )
        else:
            check_new_column(self.name, df.schema, self.weight_col, "weight_col")

    def changed(self, classes: dict[Label, int], targets: dict[Label, int]) -> set[Label]:
        """Return the classes that are drawn; a bootstrap of all draws those anew that keep their number of rows."""
        anew = self.replacement and self.sampling_strategy == "all"
        return set(classes) if anew else super().changed(classes, targets)

    def make_plan(self, counted: ClassCounts) -> ResamplingPlan:
        """Turn counts into a plan, with the weight of each class if `weight_col` is set."""
        plan = super().make_plan(counted)
        if self.weight_col is None:
            return plan
        weighted = [entry._replace(weight=entry.before / max(entry.after, 1)) for entry in plan.classes]
        return replace(plan, classes=tuple(weighted))

    def new_fields(self, schema: T.StructType) -> list[T.StructField]:
        """Return the columns that the resampled frame has beside those of a frame of this schema."""
        added = self.weight_col is not None and self.weight_col not in schema.names
        return [T.StructField(str(self.weight_col), T.DoubleType())] if added else []

    def weigh(self, run: SparkRun, taken: DataFrame, _: Any) -> DataFrame:
        """Multiply the weight of its class into the weight of each row."""
        weight, names = F.coalesce(F.col(_WEIGHT), F.lit(1.0)), run.df.columns
        if self.weight_col not in names:
            return taken.select(*run.columns, weight.alias(str(self.weight_col)))
        field = run.df.schema[self.weight_col]
        product = (F.col(quoted(self.weight_col)) * weight).cast(field.dataType)
        product = product.alias(self.weight_col, metadata=field.metadata)
        return taken.select(*[product if name == self.weight_col else F.col(quoted(name)) for name in names])


def _weights(run: SparkRun, _: Any) -> Numbers:
    return {_WEIGHT: [entry.weight for entry in run.plan.classes]}


@dataclass(frozen=True, eq=False)
class Bootstrap(Node[Bases]):
    """Exactly as many draws with replacement as a class is to have rows."""

    rows: RowsNode
    carry: Carry

    def build(self, run: SparkRun) -> Bases:
        """Draw each row as often as chance says."""
        entries = run.plan.classes
        drawn = [None if entry.action == "keep" else Share(entry.before, entry.after) for entry in entries]
        stream, numbers = run.stream("bootstrap"), self.carry(run, None)
        rows = bootstrapped(run.identified, run.classes.every, drawn, stream, bool(run.sampler.keys), numbers)
        return Bases(rows.withColumn(COPIES, F.lit(1)))

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the search for the last draw that is taken."""
        shares = shares_of(paper.classes.every, "after")
        yield from choose(paper.table, paper.rows, shares, keyed=bool(paper.sampler.keys))


@dataclass(frozen=True, eq=False)
class SampleBy(Node[Bases]):
    """Spark's own stratified sample: one scan, and the rows depend on how the input is split."""

    same_anywhere: ClassVar[bool] = False

    rows: RowsNode
    carry: Carry

    def build(self, run: SparkRun) -> Bases:
        """Take each row by the probability of its class."""
        rows = run.classes.every.attach(run.df, self.carry(run, None)).fillna(-1, subset=[CODE])
        fractions = {row.code: row.entry.rate for row in run.classes.every.rows} | {-1: 1.0}
        return Bases(rows.sampleBy(CODE, fractions, seed=run.stream("sampleBy")).withColumn(COPIES, F.lit(1)))
