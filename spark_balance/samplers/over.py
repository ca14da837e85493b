"""What samplers that add rows share: which rows to return, and where each came from."""

from __future__ import annotations

from typing import ClassVar, Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import check_new_column
from spark_balance.plans.replicate import origin_type, provenance, provenance_type
from spark_balance.samplers.base import Sampler


class OverSampler(Sampler):
    """The parameters of a sampler that adds rows.

    Parameters
    ----------
    output : {'all', 'added'}
        Return the whole table, or only the new rows, to append to it.
    provenance_col : str, optional
        Add this column: a struct of `kind` ('original', 'replica' or 'synthetic'), `base` and
        `neighbor` (structs of the key columns, or of the identity hash without a key) and
        `gap` (double), NULL where they do not apply.
    """

    family: ClassVar[Literal["over"]] = "over"

    output: Literal["all", "added"] = "all"
    provenance_col: str | None = None

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        check_new_column(self._name, df.schema, self.provenance_col, "provenance_col")

    def new_fields(self, schema: T.StructType) -> list[T.StructField]:
        """Return the columns that the resampled frame has beside those of a frame of this schema."""
        if self.provenance_col is None:
            return []
        return [T.StructField(self.provenance_col, provenance_type(origin_type(schema, self._keys)))]

    def _told(
        self,
        df: DataFrame,
        kind: Column,
        base: Column | None = None,
        neighbor: Column | None = None,
        gap: Column | None = None,
    ) -> list[Column]:
        """Return the provenance column, if it is asked for."""
        if self.provenance_col is None:
            return []
        of = origin_type(df.schema, self._keys)
        return [provenance(kind, of, base, neighbor, gap).alias(self.provenance_col)]

    def _originals(self, df: DataFrame) -> DataFrame:
        """Return the user's rows, told as originals."""
        return df.select(*self._original_columns(df), *self._told(df, F.lit("original")))
