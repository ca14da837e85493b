"""What every sampler is: validated parameters, a plan, and a recipe that makes one frame of another."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from pyspark.sql import DataFrame, types as T
from typing_extensions import Self

from spark_balance.base.node import Classes, Keep, Node, Resampled, Result, SparkRun
from spark_balance.base.paper import estimate, explain, explain_sizes
from spark_balance.base.parameters import Names, Parameters, Wish
from spark_balance.base.recipe import Recipe
from spark_balance.base.rows import SampleNode, without_lacking
from spark_balance.base.strategy import Kind, check_strategy, plan_classes, wanted_of_group
from spark_balance.errors import TooFewRowsError, warn_user
from spark_balance.frames.arguments import checked
from spark_balance.frames.classes import Strata, without_null_labels
from spark_balance.frames.columns import check_columns, check_labelled, names_in, told_in_pipelines
from spark_balance.frames.counts import GivenCounts, known_counts
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.labelsets import describe_texts
from spark_balance.frames.plan import ClassCounts, ClassPlan, Counts, Label, Promises, ResamplingPlan, RowsOut
from spark_balance.frames.provenance import origin_type, provenance_type
from spark_balance.neighbors.space import check_missing, why_all_features


@checked
class Sampler(Parameters):
    """The parameters that all samplers share, and what they do with a frame.

    Parameters
    ----------
    label_col : str
        Column with the class of each row.
    sampling_strategy : str, float, dict or callable
        imbalanced-learn's forms with its arithmetic: 'auto', 'minority', 'majority', 'not minority', 'not majority',
        'all', a ratio (two classes only) or ``{label: rows after}``; or 'mild' or 'moderate', until each class has 20 %
        or 1 % of all rows. A callable gets ``{label: rows}`` and gives such a dict.
        With `within_cols` it is applied inside each group; one whose classes meet a ratio already stays as it is.
    random_state : int
        One seed gives the same rows on any layout, engine and retry.
    key_cols : tuple of str, optional
        A unique key. With it draws read only these columns; without it a row is known by a 128-bit hash of all.
    null_label : {'error', 'keep', 'drop'}
        What to do with rows whose label is NULL or NaN.
    max_growth : float, optional
        Refuse a plan that makes the data more than `max_growth` times larger.
    within_cols : tuple of str, optional
        Balance inside each combination of these columns; neighbors never cross.

    Examples
    --------
    >>> rows = [(i, i * 7 % 13 + 8.0 * (i % 10 == 0), i * 5 % 11 / 1.0, int(i % 10 == 0)) for i in range(200)]
    >>> df = spark.createDataFrame(rows, "id int, x double, y double, fraud int")
    >>> Sampler(label_col="fraud", key_cols="id").fit_resample(df).columns
    ['id', 'x', 'y', 'fraud']
    """

    family: ClassVar[Kind]  # adds rows, removes as many as the plan says, removes what it finds, or is steps of others
    counts: ClassVar[Counts] = "exact"
    rows: ClassVar[RowsOut]
    provenance: ClassVar[tuple[str, ...]] = ()  # the fields of provenance_col that a new row fills
    random: ClassVar[bool] = True  # another seed gives other rows
    action: ClassVar[str]  # what a plan says happens to a class
    several: ClassVar[bool] = False  # label_col may be an array of labels: a class is a set of them
    absent: ClassVar[Mapping[str, str]] = {
        "group_cols": "this method decides about single rows; RandomUnderSampler and RandomOverSampler take groups"
    }
    strata: ClassVar[Callable[..., Strata]] = staticmethod(Strata.of)  # the classes that nodes work on, of a plan
    offered: ClassVar = ("plan", "fit_resample", "resample", "explain", "explain_sizes", *Parameters.offered)
    label_col: str
    sampling_strategy: Wish = "auto"
    random_state: int = Field(default=0, strict=True)
    key_cols: Names | None = None
    null_label: Literal["error", "keep", "drop"] = "error"
    max_growth: float | None = Field(default=None, gt=0, strict=True)
    within_cols: Names | None = None

    def __init__(self, *unnamed: Any, **parameters: Any) -> None:
        super().__init__(*unnamed, **parameters)
        check_strategy(self.name, self.sampling_strategy, getattr(self, "family", None))
        check_missing(self.name, self.options.missing, self.needs_all)

    def recipe(self, run: Recipe) -> Result:
        """Return the tree of nodes that makes the resampled frame, of the parameters alone: the one hook to write."""
        raise NotImplementedError(f"{self.name} has no recipe(run)")

    def target_counts(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        """Return the rows that each class of a group is to have; a method whose plan is another overrides it."""
        return wanted_of_group(self.name, group, classes, self.sampling_strategy, self.family)

    def changed(self, classes: dict[Label, int], targets: dict[Label, int]) -> set[Label]:
        """Return the classes that the method changes: by default those whose number of rows does."""
        return {label for label, rows in targets.items() if rows != classes[label]}

    def remarks(self, entries: Iterable[ClassPlan]) -> Iterator[str]:
        """Yield what a plan says below its table."""
        yield from describe_texts(self.class_col, {entry.label for entry in entries}) if self.several else ()

    @property
    def promises(self) -> Promises:
        """What it promises of the counts and rows that come out, with the parameters at hand."""
        return Promises(self.counts, self.rows, self.provenance)

    @property
    def needs_all(self) -> str | None:
        """Why the method needs every feature of every row; None where it does not."""
        return why_all_features(self.options.metric)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key columns; none without a key."""
        return self.key_cols or ()

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns that cannot be features: label, key and within columns."""
        return (*names_in(self.label_col), *self.keys, *(self.within_cols or ()))

    @property
    def tree(self) -> Result:
        """The nodes of the recipe. It is made anew each time: a copy with other parameters has another tree."""
        return self.recipe(Recipe())

    @property
    def nodes(self) -> list[Node[Any]]:
        """The nodes of the recipe, inputs first."""
        return self.tree.walk()

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts."""
        return sum(node.jobs for node in self.nodes)

    @property
    def streams(self) -> bool:
        """Whether it takes a stream, if counts are given: what happens to a row depends on its key alone."""
        return all(node.streams(self) for node in self.nodes)

    @property
    def same_anywhere(self) -> bool:
        """Whether one seed gives the same rows on any layout, with the parameters at hand."""
        return all(node.same_anywhere for node in self.nodes)

    @property
    def uses_features(self) -> bool:
        """Whether it looks at the features of rows."""
        return any(isinstance(node, SampleNode) for node in self.nodes)

    def features(self, df: DataFrame) -> FeatureColumns | None:
        """Return the feature columns that it would use of a frame; None if it uses none."""
        return next((node.columns(self, df.schema) for node in self.nodes if isinstance(node, SampleNode)), None)

    def left_null(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns of a frame that are NULL in the rows that it makes."""
        lost = {name for node in self.nodes for name in node.null_columns(self, df.schema)}
        return tuple(name for name in df.columns if name in lost)

    def new_fields(self, schema: T.StructType) -> list[T.StructField]:
        """Return the columns that the resampled frame has beside those of a frame of this schema."""
        told = self.options.provenance_col
        return [] if told is None else [T.StructField(told, provenance_type(origin_type(schema, self.keys)))]

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the sampler whose new rows take columns of their base, unless the user chose them."""
        return self

    def without_key(self, df: DataFrame) -> Self:
        """Return the sampler for rows that the key no longer identifies; it does not use the key as a feature."""
        columns = self.features(df) if self.key_cols and self.options.feature_cols is None else None
        named = {"feature_cols": tuple(one.name for one in columns.features)} if columns and columns.features else {}
        return self.replace(key_cols=None, **named)

    def plan(self, df: DataFrame, counts: GivenCounts = None) -> ResamplingPlan:
        """Say what would happen to each class, before anything runs.

        Parameters
        ----------
        df : DataFrame
            The frame to resample.
        counts : dict of label to int, or ClassCounts, optional
            Rows of each class if they are known: docs/etl.md says which are checked; else they are counted (one job).

        Returns
        -------
        ResamplingPlan
            Rows before and after, action and rate per class; prints as a table.
        """
        _, plan, _ = self.prepare(df, counts)
        self.check_plan(plan)
        return plan

    def fit_resample(self, df: DataFrame, counts: GivenCounts = None, *, extract_path: Keep = None) -> DataFrame:
        """Return the resampled frame: of Spark lazily, of pandas, polars or pyarrow computed.

        Parameters
        ----------
        df : DataFrame of Spark, pandas or polars, or pyarrow.Table
            The frame to resample; every column and its metadata is kept.
        counts : dict of label to int, or ClassCounts, optional
            As `plan` takes them.
        extract_path : str or callable, optional
            A folder to keep the rows that are searched, if they are few of the table's, or a function that writes a
            frame and reads it back: the source is read once for them, and the result reads what was kept.

        Returns
        -------
        DataFrame or Table
            Of the type of `df`. Same schema, plus the columns that the parameters add.

        Raises
        ------
        SparkBalanceError
            When something does not fit, before any long job.
        """
        return self.resample(df, counts, extract_path=extract_path).frame

    def resample(self, df: DataFrame, counts: GivenCounts = None, *, extract_path: Keep = None) -> Resampled:
        """Do what `fit_resample` does, and return the plan and the notes with the frame."""
        with told_in_pipelines(self.name):
            df, plan, strata = self.prepare(df, counts)
            self.check_plan(plan)
            run, tree = SparkRun(self, df, plan, Classes(strata, self.action), extract_path), self.tree
            frame = run(tree) if run.classes.changing.entries else tree.unchanged(run)
        for warning in run.warnings:
            warn_user(warning)
        return Resampled(self.unlabelled(frame), plan, run.notes, tuple(run.warnings), self)

    explain: ClassVar = explain  # as methods, and written where the cost is added up
    explain_sizes: ClassVar = explain_sizes
    estimate: ClassVar = estimate

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        df = self.labelled(df)
        check_labelled(self.name, df, self.class_col, self.within_cols or (), lambda: self.streams, self.several)
        check_columns(self.name, df.schema, self.keys, "key_cols")
        for node in self.nodes:
            node.check(self, df.schema)

    def make_plan(self, counted: ClassCounts) -> ResamplingPlan:
        """Turn counts into a plan: arithmetic alone, no frame."""
        return plan_classes(self, counted)

    def check_plan(self, plan: ResamplingPlan) -> None:
        """Refuse a plan that this method cannot carry out; `explain` warns of it instead."""
        classes = Classes(self.strata(plan, T.StructType(), True), self.action)
        for problem in (one for node in self.nodes for one in node.problems(self, classes)):
            raise TooFewRowsError(problem.sentence)

    def prepare(self, df: DataFrame, counts: GivenCounts) -> tuple[DataFrame, ResamplingPlan, Strata]:
        """Check the frame, count and plan; return the frame without rows to drop, the plan, and its classes."""
        self.check(df)
        df = self.labelled(without_lacking(self, df))
        plan = self.make_plan(known_counts(self.name, df, self.class_col, self.within_cols or (), counts))
        df = without_null_labels(self.name, df, self.class_col, self.null_label)
        known = counts is None or (isinstance(counts, ClassCounts) and not self.streams)  # a stream may bring others
        return df, plan, self.strata(plan, df.schema, known)
