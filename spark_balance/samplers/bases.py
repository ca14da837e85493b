"""What a run of a method that makes new rows works on: its sample and cells, and which rows are bases."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.keys import CODE
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata


@dataclass(frozen=True)
class Work:
    """What a run works on once its sample is taken.

    Attributes
    ----------
    df, rows : DataFrame
        The user's rows, and the same with their identity.
    strata, growing : Strata
        All classes, and those that get new rows.
    sample : Sample
    cell_map : CellMap
        The cells of the classes that grow.
    cell_rows : int
    """

    df: DataFrame
    rows: DataFrame
    strata: Strata
    growing: Strata
    sample: Sample
    cell_map: CellMap
    cell_rows: int

    @property
    def wanted(self) -> dict[int, int]:
        """New rows wanted of each class that grows, by its number."""
        return {row.code: row.entry.after - row.entry.before for row in self.growing.rows}

    @property
    def rows_of(self) -> dict[int, int]:
        """Rows of each class that grows, by its number."""
        return {row.code: row.entry.before for row in self.growing.rows}


@dataclass(frozen=True)
class Bases:
    """The rows to search among, and how often each is a base.

    Attributes
    ----------
    frame : DataFrame
        Units with copies, features and what else travels.
    cell_map : CellMap
        The cells in which neighbours are searched.
    rows : dict of int to int
        Rows of each entry of the map.
    by : str
        The column with the number of a row's entry in the map.
    learnt : dict of str to object, optional
        Notes.
    """

    frame: DataFrame
    cell_map: CellMap
    rows: dict[int, int]
    by: str = CODE
    learnt: dict[str, object] | None = None
