"""MLSMOTE: synthetic rows for rare labels, whose other labels are those that their neighbors have."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator
from pyspark.sql import DataFrame, types as T

from spark_balance.base import OverSampler, Recipe, Result, Sampler, own_class
from spark_balance.base.strategy import Strategy
from spark_balance.errors import ParameterError, TooFewRowsError
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import choose_features
from spark_balance.frames.counts import GivenCounts
from spark_balance.frames.labelsets import labels_in, several_columns
from spark_balance.frames.plan import ClassCounts, ClassPlan, Counts, Label, ResamplingPlan
from spark_balance.multilabel.random_samplers import label_table, refuse_two_roles
from spark_balance.neighbors.cells import RECALL
from spark_balance.neighbors.space import LabelledColumns

NOT_HERE = {
    "metric": "distance is Euclid's here; scale the rows to one length for the angle between them",
    "sampling_strategy": "each row with a minority label makes one new row for it, and no more",
    "min_class_rows": "a new row is made of the rows with a label, which are k_neighbors + 1 or more",
    "singletons": "few_rows says what happens to a label that few rows have",
    "neighbors": "near rows are grouped, and rows near a border visit the next group",
}


class MLSMOTE(OverSampler):
    """Synthetic rows for rare labels, where rows have several (Charte, Rivera, del Jesus and Herrera, 2015).

    A label is a minority label if its IRLbl is above MeanIR (`label_counts`). For each minority label, each row that
    has it makes one new row: between itself and one of its k nearest rows with this label, as SMOTE does.
    A row with several minority labels makes one new row for each. The base and its k
    neighbors vote for its labels, and the label that it was made for is always among them.

    Parameters
    ----------
    label_col : str or sequence of str
        Several columns, each true (or an integer other than 0) where a row has the label that it is called, or one with
        the labels of each row, an array of strings. NULL in one of several columns is a row without that label; a new
        row has true or false there, or 1 or 0. In an array order and repetition say nothing. Any other label is a set
        of one.
    labels : {'ranking', 'union', 'intersection'}
        The labels of a new row: those that at least half of base and neighbors have, any of them, or all.
    k_neighbors : int, default 5
        Nearest rows with the same label to choose from, and that vote.
    few_rows : {'error', 'leave'}
        What to do with a minority label of k_neighbors rows or fewer: refuse, or make no rows for it.

    Notes
    -----
    The rows in all are exactly those of the plan. Which sets of labels they have is found out by the votes: what a plan
    says of a set is how many rows are made from its rows. All new rows are made of rows of the input, while the paper's
    pseudocode adds each to the data that the next label is counted on. Features are numbers; the paper's
    nominal features are not taken.

    Cost: as `SMOTE`, of each row once for each minority label that it has; the labels travel with the rows.

    Examples
    --------
    >>> rows = [(i, i * 7 % 13 / 1.0, True, i % 10 == 0) for i in range(200)]
    >>> df = spark.createDataFrame(rows, "id int, x double, a boolean, b boolean")
    >>> sampler = MLSMOTE(label_col=["a", "b"], key_cols="id")
    >>> sampler.fit_resample(df).groupBy("a", "b").count().sort("count").collect()
    [Row(a=True, b=True, count=40), Row(a=True, b=False, count=180)]
    """

    counts: ClassVar[Counts] = "none"
    several: ClassVar[bool] = True
    sampling_strategy: ClassVar[Strategy] = "auto"  # type: ignore[misc]  # not a parameter here
    metric: ClassVar[Literal["euclidean"]] = "euclidean"  # type: ignore[misc]
    min_class_rows: ClassVar[None] = None  # type: ignore[misc]
    singletons: ClassVar[Literal["error"]] = "error"  # type: ignore[misc]
    absent: ClassVar[Mapping[str, str]] = {**OverSampler.absent, **NOT_HERE}

    label_col: str | tuple[str, ...]  # type: ignore[assignment]
    labels: Literal["ranking", "union", "intersection"] = "ranking"
    k_neighbors: int = Field(default=5, ge=1, strict=True)
    recall: float = Field(default=RECALL, gt=0, lt=1)
    few_rows: Literal["error", "leave"] = "error"

    _two_roles = model_validator(mode="after")(refuse_two_roles)

    @field_validator("k_neighbors", mode="before")
    @classmethod
    def _has_neighbors(cls, given: object) -> object:
        if given == "shrink":
            raise ValueError("all k_neighbors vote for labels; few_rows='leave' makes no rows for a label of few rows")
        return given

    def recipe(self, run: Recipe) -> Result:
        """Do what SMOTE does, where each minority label is a class of the rows that have it."""
        sample = run.sample(run.changing, columns=self.choose_columns)
        bases = run.spread_evenly(run.rows(run.changing), draws="synthesize")
        return run.synthesize(run.knn_join(bases, run.cells(sample, own_class(self.k_neighbors)), self.k_neighbors))

    def choose_columns(self, _: Sampler, schema: T.StructType) -> LabelledColumns:
        """Choose the numbers that distance is measured in; the labels vote."""
        features = choose_features(self.name, schema, self.feature_cols, self.roles)
        voters = self.k_neighbors + 1
        least = {"ranking": -(-voters // 2), "union": 1, "intersection": voters}[self.labels]
        several = several_columns(self.label_col)
        return LabelledColumns(
            tuple(features),
            lacking=self.missing == "ignore",
            label_col=self.class_col,
            kind_of_label=T.ArrayType(T.StringType()) if several else schema[self.class_col].dataType,
            least=least,
            label_cols=several,
        )

    def prepare(self, df: DataFrame, counts: GivenCounts) -> tuple[DataFrame, ResamplingPlan, Strata]:
        """Check the frame, count and plan; a set of labels that is not in given counts stops the job."""
        df, plan, labels = super().prepare(df, counts)
        complete = counts is None or isinstance(counts, ClassCounts)
        return Strata.of(plan, df.schema, complete).guard(df), plan, labels

    def rows_of_labels(self, classes: Mapping[Label, int]) -> dict[Label, tuple[int, bool]]:
        """Return the rows that have each label, and whether it is one to make rows for."""
        table = label_table(self.name, classes)
        counts = table.count(table.rows).tolist()
        rare = table.is_minority.tolist()
        return dict(zip(table.labels, zip(counts, rare, strict=True), strict=True))

    def grows(self, rows: int, rare: bool) -> bool:
        """Return whether rows are made for a label."""
        return rare and (self.few_rows == "error" or rows > self.k_neighbors)

    def target_counts(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        """Return the rows of each set of labels, and those that are made from them."""
        if group and len(classes) < 2:
            return dict(classes)
        growing = {label for label, one in self.rows_of_labels(classes).items() if self.grows(*one)}
        return {label: rows * (1 + len(growing.intersection(labels_in(label)))) for label, rows in classes.items()}

    def strata(self, plan: ResamplingPlan, schema: T.StructType, _: bool) -> Strata:
        """Return the labels as classes: a row is of as many as it has labels."""
        bags = dict(enumerate(self._bags(plan)))
        return Strata(self.name, schema, plan.label_col, plan.within_cols, bags, complete=True, each=True)

    def _bags(self, plan: ResamplingPlan) -> Iterator[ClassPlan]:
        """Yield what happens to the rows of each label, of each group."""
        groups: dict[tuple[object, ...], dict[Label, int]] = {}
        for entry in plan.classes:
            groups.setdefault(entry.group, {})[entry.label] = entry.before
        for group, classes in groups.items():
            if group and len(classes) < 2:
                continue
            for label, (rows, rare) in self.rows_of_labels(classes).items():
                grows = self.grows(rows, rare)
                yield ClassPlan(group, label, rows, rows * (1 + grows), self.action if grows else "keep")

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if self.provenance_col is not None and not self.key_cols:
            raise ParameterError(
                f"{self.name}: provenance_col names rows by their key, since one row may be a base for several labels; "
                "name a unique key with key_cols"
            )

    def check_plan(self, plan: ResamplingPlan) -> None:
        """Refuse a label that has too few rows for its neighbors."""
        for entry in self._bags(plan):
            if entry.after > entry.before <= self.k_neighbors:
                smaller = f"k_neighbors<={entry.before - 1}, " if entry.before > 1 else ""
                raise TooFewRowsError(
                    f"{self.name}: label {entry.label!r}{entry.group_name(plan.within_cols)} has {entry.before} "
                    f"row{'s' * (entry.before > 1)}, k_neighbors={self.k_neighbors} needs at least "
                    f"{self.k_neighbors + 1}; use {smaller}few_rows='leave', which leaves it as it is, or MLROS"
                )
        super().check_plan(plan)
