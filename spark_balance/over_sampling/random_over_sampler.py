"""Random over-sampling: repeat rows of the smaller classes, as they are or smoothed."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator
from pyspark.sql import Column, DataFrame, functions as F
from typing_extensions import Self

from spark_balance.base import ClassRows, Context, Names, Recipe, Result, Shrinkage, SparkRun
from spark_balance.base.families import RandomSampler
from spark_balance.errors import ParameterError
from spark_balance.frames.classes import Numbers
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.features import FLAT, FeatureColumns
from spark_balance.frames.plan import Label, Promises, ResamplingPlan, RowsOut
from spark_balance.frames.provenance import COPY
from spark_balance.frames.row_ids import HI, LO, NTH, normal
from spark_balance.frames.typed import apart, as_column, required

_SPREAD, _MOVED = temp("spread"), temp("moved")
Spreads = tuple[FeatureColumns, list[list[float]]]


class RandomOverSampler(RandomSampler):
    """Repeat rows of each targeted class until it has exactly the rows that the plan says.

    Every row is repeated floor(after / before) times and an exact random subset once more, so copies are spread as
    evenly as can be (imbalanced-learn draws them with replacement). With `group_cols` the same of whole groups, as
    far as they fit. With `shrinkage` the added rows are smoothed: the ROSE of Menardi and Torelli (2014).

    Parameters
    ----------
    exact : bool, default True
        False lets each row have its last copy by its own probability: one scan less, approximate counts.
    output : {'all', 'added'}
        Return the whole table, or only the new rows, to append to it.
    provenance_col : str, optional
        Add this column: a struct of `kind` ('original', 'replica' or 'synthetic'), `base` and `neighbor` (structs of
        the key columns, or of the identity hash without a key) and `gap` (double), NULL where they do not apply.
    shrinkage : float or dict of label to float, optional
        Add normal noise to the features of every added row, of standard deviation shrinkage * (4 / ((d + 2) n))^(1 /
        (d + 4)) * that of the feature in the class, with d features and n rows in the table. The deviation is taken
        from a sample of at least 20,000 rows of the class, so from all rows of a smaller one. No number goes beyond the
        type of its column.
    feature_cols : tuple of str, optional
        The features to smooth; default every numeric column that is neither label, key
        nor within column. Only with `shrinkage`.

    Notes
    -----
    Cost, besides the counts: one scan, and one more of the key columns when a remainder is to be chosen exactly;
    without `key_cols` that one hashes all columns and shuffles the hashes. `shrinkage` adds one job that samples the
    features of the rows to grow. `group_cols` instead counts the rows of each group twice and shuffles those counts.
    Where the classes that get at least 4 new rows for each of their own make more than 64 MiB of numbers, one more scan
    of those classes and one shuffle of their rows deal the copies out to as many tasks as they need. No Python worker.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, int(i % 10 == 0)) for i in range(200)], "id int, fraud int")
    >>> sampler = RandomOverSampler(label_col="fraud", key_cols="id")
    >>> sampler.plan(df).targets
    {0: 180, 1: 180}
    >>> sampler.fit_resample(df).count()
    360
    """

    family: ClassVar[Literal["over"]] = "over"
    rows: ClassVar[RowsOut] = "copies"
    action: ClassVar[str] = "replicate"

    output: Literal["all", "added"] = "all"
    provenance_col: str | None = None
    shrinkage: Shrinkage = None
    feature_cols: Names | None = None
    min_class_rows: ClassRows | None = None

    @model_validator(mode="after")
    def _rows_or_groups(self) -> Self:
        if self.group_cols and self.shrinkage is not None:
            raise ValueError("shrinkage makes new rows of single ones, and group_cols repeats groups; leave one out")
        return self

    def recipe(self, run: Recipe) -> Result:
        """Take each row as often as its class needs, and smooth the added rows if `shrinkage` is set."""
        how: dict[str, Any] = {"draws": "replicate", "exact": self.exact, "groups": self.group_cols}
        if self.shrinkage is None:
            return run.take(run.spread_evenly(run.table(), "after", **how))
        spreads = run.learn(run.sample(run.changing, cell_numbers=None), self.spreads)
        bases = run.spread_evenly(run.table(), "after", **how, carry=_spread_numbers, learned=spreads)
        return run.take(bases, finish=smooth, learned=spreads)

    @property
    def promises(self) -> Promises:
        """What it promises of the counts and rows that come out, with the parameters at hand."""
        return self.promised("copies" if self.shrinkage is None else "free")

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if self.shrinkage is None and self.feature_cols is not None:
            raise ParameterError(
                f"{self.name}: feature_cols is only used with shrinkage; set shrinkage or leave it out"
            )

    def check_plan(self, plan: ResamplingPlan) -> None:
        """Refuse a plan in which a class without a shrinkage grows."""
        super().check_plan(plan)
        if not isinstance(self.shrinkage, Mapping):
            return
        for entry in plan.classes:
            if entry.after > entry.before and entry.label not in self.shrinkage:
                raise ParameterError(
                    f"{self.name}: shrinkage has no entry for class {entry.label!r}, which gets new rows; "
                    "add one (0 repeats rows as they are)"
                )

    def shrinkage_of(self, label: Label) -> float:
        """Return the shrinkage of a class."""
        shrinkage: float = self.shrinkage[label] if isinstance(self.shrinkage, Mapping) else self.shrinkage or 0.0
        return shrinkage

    def spreads(self, context: Context) -> Spreads:
        """Return the features, and the standard deviation of the noise for each class and number of a row."""
        plan, sample = context.run.plan, context.sample
        factors = {row.code: self.shrinkage_of(row.entry.label) for row in context.run.classes.changing.rows}
        width = sample.columns.width
        constant = (4 / ((width + 2) * plan.rows_before)) ** (1 / (width + 4))
        spreads = []
        for row in context.run.classes.every.rows:
            spread = sample.spread(row.code) * constant * factors.get(row.code, 0.0)
            spreads.append(list(map(float, spread)))
        return sample.columns, spreads


def _spread_numbers(run: SparkRun, spreads: Spreads) -> Numbers:
    return {_SPREAD: spreads[1]}


def smooth(run: SparkRun, taken: DataFrame, spreads: Spreads) -> DataFrame:
    """Add the noise to the added rows and to no others, where there is some."""
    columns, schema, noise = spreads[0], run.df.schema, run.stream("shrinkage")
    # where copies are dealt out, originals have no spread, of no type
    deviations = F.col(_SPREAD).cast("array<double>")
    moving = (F.col(COPY) > 0) & F.exists(deviations, lambda one: one > 0)
    rows = taken.withColumn(FLAT, F.when(moving, columns.flat))
    moved = [
        F.get(FLAT, F.lit(i)) + F.get(_SPREAD, F.lit(i)) * normal(noise, HI, LO, NTH, COPY, F.lit(i))
        for i in range(columns.width)
    ]
    rows = rows.withColumn(_MOVED, F.when(F.col(FLAT).isNotNull(), F.array(*moved)))
    smoothed = columns.restored(_MOVED)

    def column(name: str) -> Column:
        if name not in smoothed:
            return F.col(quoted(name))
        field = schema[name]
        chosen = F.when(F.col(FLAT).isNotNull(), as_column(smoothed[name])).otherwise(F.col(quoted(name)))
        return required(chosen, field).alias(name, metadata=field.metadata)

    kept = [name for name in taken.columns if name not in (*schema.names, COPY)]
    return rows.select(*map(column, schema.names), *kept, apart(F.col(COPY)).alias(COPY))
