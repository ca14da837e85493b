"""How the rows that hold a value are shared out among the classes: the numbers of the value difference metric."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F

from spark_balance.errors import BadValuesError
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.row_ids import CODE
from spark_balance.kernels.metrics import ValueDifference
from spark_balance.kernels.scale import GRID

MOST_VALUES = 1_000_000  # of all columns together, in the rows to grow: 32 MB on the driver for two classes
_GROUP, _CLASS, _GROWS = temp("group"), temp("class"), temp("grows")
_VALUE, _PLACE, _TOTAL = temp("value"), temp("place"), temp("total")


def category_ids(names: tuple[str, ...], floats: tuple[str, ...]) -> list[Column]:
    """Return the 64-bit ids of a row's categories: hashes of their text, or of floats, with NULL one of its own."""
    columns = [(F.col(quoted(name)), "double" if name in floats else "string") for name in names]
    return [F.xxhash64(column.cast(kind), column.isNull()) for column, kind in columns]


@dataclass(frozen=True)
class Probabilities:
    """What is learned of the values of some columns."""

    table: pa.Table  # one row for each group, column and value
    metric: ValueDifference  # what the probabilities are for
    names: tuple[str, ...]  # the columns that `join` adds: arrays of numbers
    categorical: tuple[str, ...]
    floats: tuple[str, ...]
    strata: Strata

    def join(self, rows: DataFrame) -> DataFrame:
        """Add what the values of each row are held as, by one broadcast join for each column."""
        groups, _ = _number_classes(self.strata)
        rows = self.strata.attach(rows, {_GROUP: groups}).drop(CODE)
        place = self.table[_PLACE].to_numpy()
        ids = category_ids(self.categorical, self.floats)
        for i, (name, one) in enumerate(zip(self.names, ids, strict=True)):
            here = self.table.filter(pa.array(place == i)).select([_GROUP, _VALUE, _TOTAL])
            known = from_arrow(rows.sparkSession, here.rename_columns([_GROUP, _VALUE, name]))
            rows = rows.withColumn(_VALUE, one).join(F.broadcast(known), [_GROUP, _VALUE], "left")
        return rows.drop(_GROUP, _VALUE)


def count_values(df: DataFrame, strata: Strata, categorical: tuple[str, ...], floats: tuple[str, ...]) -> Probabilities:
    """Count, for each value of some columns, the rows of every class that hold it; groups are counted apart.

    Cost: one job, one shuffle of (column, value, class counts); at most 1,000,000 values, of rows to grow, are read.
    """
    groups, classes = _number_classes(strata)
    grows = [int(row.entry.after > row.entry.before) for row in strata.rows]
    labelled = strata.attach(df, {_GROUP: groups, _CLASS: classes, _GROWS: grows}).where(F.col(CODE).isNotNull())
    ids = enumerate(category_ids(categorical, floats))
    each = [F.struct(F.lit(i).alias("place"), one.alias("value")) for i, one in ids]
    long = labelled.select(_GROUP, _CLASS, _GROWS, F.explode(F.array(*each)).alias(_VALUE))
    n_classes = max(classes) + 1
    # of two classes, the share of one gives that of the other
    counted_classes = [0] if n_classes == 2 else list(range(n_classes))
    counted = to_arrow(
        long.groupBy(_GROUP, F.col(_VALUE)["place"].alias(_PLACE), F.col(_VALUE)["value"].alias(_VALUE))
        .agg(
            F.max(_GROWS).alias(_GROWS),
            F.count(F.lit(1)).alias(_TOTAL),
            *[F.sum((F.col(_CLASS) == c).cast("bigint")).alias(f"{_CLASS}_{c}") for c in counted_classes],
        )
        .where(F.col(_GROWS) == 1)
        .limit(MOST_VALUES + 1)
    )
    if counted.num_rows > MOST_VALUES:
        raise BadValuesError(
            f"{strata.method}: the rows to grow hold more than {MOST_VALUES:,} values in the feature columns "
            f"{', '.join(categorical)}; "
            "a value that one row has says nothing of others, so leave keys out of feature_cols"
        )
    total = counted[_TOTAL].to_numpy()
    shares = [np.rint(counted[f"{_CLASS}_{c}"].to_numpy() / total * GRID) for c in counted_classes]
    numbers = pa.FixedSizeListArray.from_arrays(pa.array(np.column_stack(shares).ravel()), len(counted_classes))
    table = counted.select([_GROUP, _PLACE, _VALUE]).append_column(_TOTAL, numbers.cast(pa.list_(pa.float64())))
    names = tuple(temp(f"value_{i}") for i in range(len(categorical)))
    metric = ValueDifference(len(categorical), len(counted_classes))
    return Probabilities(table, metric, names, categorical, floats, strata)


def _number_classes(strata: Strata) -> tuple[list[int], list[int]]:
    """Return the number of the group of each class, and of its label."""
    groups = {row.entry.group: 0 for row in strata.rows}
    labels = sorted({row.entry.label for row in strata.rows})
    places = {group: i for i, group in enumerate(groups)}
    return [places[row.entry.group] for row in strata.rows], [labels.index(row.entry.label) for row in strata.rows]
