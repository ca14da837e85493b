"""What samplers that clean share: every row is judged by its neighbours of all classes, and some are removed."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import quoted
from spark_balance.errors import SparkBalanceError
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import ORIGIN
from spark_balance.plans.interpolate import required
from spark_balance.plans.keys import numbered, without
from spark_balance.plans.pools import Pool
from spark_balance.plans.replicate import origin
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled
from spark_balance.samplers.pooling import PoolingSampler
from spark_balance.summary import Label, ResamplingPlan
from spark_balance.targets import cleaned_classes, wanted_rows


@dataclass(frozen=True)
class Question:
    """What a cleaning method works on.

    Attributes
    ----------
    units : DataFrame
        Units of all labelled rows with their pool, features and, if it is to come back, origin.
    cell_map : CellMap
        The cells of each pool.
    pools : tuple of Pool
        The classes that search each other: one pool, or one for each group of `within_cols`.
    targeted : tuple of int
        Numbers of the classes that rows may be removed of.
    """

    units: DataFrame
    cell_map: CellMap
    pools: tuple[Pool, ...]
    targeted: tuple[int, ...]


@dataclass(frozen=True)
class Removed:
    """The units to remove (with their origin), and what was learnt on the way."""

    frame: DataFrame
    notes: dict[str, object] = field(default_factory=dict)


class CleaningSampler(PoolingSampler):
    """The parameters and the template of methods that remove rows by what their neighbours are.

    Parameters
    ----------
    sampling_strategy : str or list
        The classes that rows may be removed of: imbalanced-learn's names, or a list of labels.
    output : {'all', 'removed_keys'}
        Return the cleaned table, or only the decision: key, group and label of each removed row.
    """

    family: ClassVar[Literal["clean"]] = "clean"
    counts: ClassVar[Literal["exact", "at_most", "approximate", "none"]] = "at_most"
    rows: ClassVar[Literal["subset"]] = "subset"
    random: ClassVar[bool] = False
    action: ClassVar[str] = "clean"

    output: Literal["all", "removed_keys"] = "all"

    @model_validator(mode="after")
    def _keys_to_tell(self) -> Self:
        if self.output == "removed_keys" and not self.key_cols:
            raise ValueError("output='removed_keys' tells rows by their key; name a unique key with key_cols")
        return self

    @abstractmethod
    def _removed(self, question: Question) -> Removed:
        """Say which rows go: the one thing a cleaning method has to write."""

    def _check_strategy(self) -> None:
        if not isinstance(self.sampling_strategy, list | tuple):
            cleaned_classes(self._name, {0: 1, 1: 2}, self.sampling_strategy)

    def _wanted(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        if len(classes) < 2 and not group:
            wanted_rows(self._name, classes, "auto", "under")
        return dict(classes)

    def _touched(self, classes: dict[Label, int], after: dict[Label, int]) -> set[Label]:
        wish = self.sampling_strategy
        if len(classes) < 2:
            return set()
        if self.within_cols and isinstance(wish, list | tuple):
            wish = [label for label in wish if label in classes]
        return set(cleaned_classes(self._name, classes, wish))

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        searched = self._searchable(strata)
        if not searched.rows:
            return Resampled(self._selected(df, df, strata), plan)
        for sentence in self._too_few(searched):
            raise SparkBalanceError(sentence)
        rows = self._identified(df)
        sample, cell_map, pools = self._mapped(df, rows, searched)
        columns = sample.columns
        targeted = self._targeted(searched)
        placed = numbered(strata.attach(rows, {}), F.lit(True), bool(self._keys), plan.rows_before)
        told = [origin(df.schema, self._keys).alias(ORIGIN)] if self.output == "removed_keys" else []
        units = self._pool_units(placed, columns, pools, *told)
        found = self._removed(Question(units, cell_map, pools, targeted))
        notes = self._notes(sample, cell_map, searched) | found.notes
        most = sum(row.entry.before for row in searched.rows if row.code in targeted)
        kept = without(placed, found.frame, most) if self.output == "all" else found.frame
        frame = self._selected(df, kept, strata)
        return Resampled(frame, plan, notes, self._warnings(notes))

    def _selected(self, df: DataFrame, rows: DataFrame, strata: Strata) -> DataFrame:
        """Give the result the user's columns, or those of the decision."""
        if self.output == "all":
            return rows.select(*self._original_columns(df))
        names = [*self._keys, *self._within, self.label_col]
        if ORIGIN not in rows.columns:
            return rows.select(*[F.col(quoted(name)) for name in names]).where(F.lit(False))
        told = [F.col(ORIGIN)[name] if name in self._keys else F.col(quoted(name)) for name in names]
        fields = [df.schema[name] for name in names]
        described = [
            required(column, field).alias(field.name, metadata=field.metadata)
            for column, field in zip(told, fields, strict=True)
        ]
        return strata.labelled(rows).select(*described)
