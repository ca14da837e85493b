"""Which columns of new rows and originals are compared, and how a new row names its parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import ColumnError
from spark_balance.frames.columns import (
    Feature,
    check_columns,
    check_labelled,
    choose_categories,
    choose_features,
    floats_of,
    quoted,
    temp,
)
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.numbers import numbers_of
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.provenance import PARENTS, is_new, keys_of, parent_identity, parent_types, provenance_fields
from spark_balance.frames.row_ids import FEATURES, HI, LO, hash_alike, identity
from spark_balance.neighbors.closest import CATEGORY_IDS
from spark_balance.neighbors.values import category_ids

METHOD = "assess_synthetic"
ALIKE = temp("alike_1"), temp("alike_2")  # a hash of what is compared
_SALT = 0x7B1E  # sets the second half of it apart from the first
_SIZES = temp("sizes")


@dataclass(frozen=True)
class Compared:
    """Which columns are compared, and how a new row names its parents."""

    schema: T.StructType  # of the originals
    label_col: str
    columns: FeatureColumns
    categories: tuple[str, ...]
    floats: tuple[str, ...]  # those of the categories
    provenance_col: str | None
    keys: tuple[str, ...]  # by which parents are named; none where a hash of all columns names them
    parents: Mapping[str, T.StructType]  # how base and neighbor are named, if they have a name

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are compared."""
        return (*self.columns.names, *self.categories)

    def numbers_of(self, df: DataFrame) -> tuple[str, ...]:
        """Name each number of a row: a column of one by its name, those of an array by their places too."""
        sizes = self.columns.sizes
        whole = df.where(reduce(and_, [size >= 0 for size in sizes])) if sizes else df  # of NULL it is -1, or NULL
        known = to_arrow(whole.select(F.array(*sizes).alias(_SIZES)).limit(1))[_SIZES].to_pylist() if sizes else []
        return tuple(self.columns.names_of_numbers(known[0] if known else ()))

    @property
    def features(self) -> dict[str, Column]:
        """The numbers of a row, and the ids of its categories."""
        numbers = self.columns.flat if self.columns.features else F.array().cast("array<double>")
        ids = F.array(*category_ids(self.categories, self.floats)) if self.categories else F.array()
        return {FEATURES: numbers, CATEGORY_IDS: ids.cast("array<bigint>")}

    def check_alike(self, frame: DataFrame, what: str, names: Sequence[str]) -> None:
        """Refuse a frame that lacks columns of before or has other types; files forget whether an array holds NULL."""
        there = {field.name: field.dataType for field in frame.schema.fields}
        for name in names:
            kind, other = self.schema[name].dataType, there.get(name)
            wanted, found = kind.simpleString(), "absent" if other is None else other.simpleString()
            if wanted != found and (other is None or not hash_alike(kind, other)):
                raise ColumnError(
                    f"{METHOD}: column '{name}' is {wanted[:200]} in before and {found[:200]} in {what}; give {what} "
                    "with the columns of before, and cast what a file has changed"
                )

    def check_unseen(self, holdout: DataFrame) -> None:
        """Refuse originals that cannot be identified or compared as those of before."""
        self.check_alike(holdout, "holdout", (self.label_col, *self.names, *(self.keys or self.schema.names)))

    def originals(self, df: DataFrame) -> DataFrame:
        """Identify originals as provenance names them, and hash what is compared."""
        return df.select("*", *identity(METHOD, self.schema, self.keys), *self._hashes())

    def new_rows(self, after: DataFrame) -> DataFrame:
        """Return the new rows alone: a hash of what is compared, the identities of parents, and one of both."""
        new, parents = after, list[Column]()
        if self.provenance_col is not None:
            mark = F.col(quoted(self.provenance_col))
            new = after.where(is_new(mark))
            nothing = F.lit(None).cast("bigint")
            for side in PARENTS:
                of = self.parents.get(side)
                ids = (nothing,) * 2 if of is None else parent_identity(METHOD, mark.getField(side), of, self.schema)
                new = new.withColumns(dict(zip(parent_id(side), ids, strict=True)))
                parents += [F.col(quoted(name)) for name in parent_id(side)]
        new = new.select("*", *self._hashes())
        return new.withColumns({name: F.xxhash64(one, *parents) for name, one in zip((HI, LO), ALIKE, strict=True)})

    def _hashes(self) -> list[Column]:
        """Return a hash of what is compared, in two halves: of columns, since that of an array takes an engine long."""
        of = [F.col(quoted(one.name)) if one.kind == "number" else numbers_of(one) for one in self.columns.features]
        of += category_ids(self.categories, self.floats)
        return [F.xxhash64(*of).alias(ALIKE[0]), F.xxhash64(F.lit(_SALT), *of).alias(ALIKE[1])]


def parent_id(side: str) -> tuple[str, str]:
    """Return the columns with the identity of a base or a neighbor."""
    return temp(f"{side}_hi"), temp(f"{side}_lo")


def choose_compared(
    before: DataFrame,
    after: DataFrame,
    label_col: str,
    provenance_col: str | None,
    feature_cols: Sequence[str] | None,
    categorical: tuple[str, ...],
    groups: tuple[str, ...],
) -> Compared:
    """Check the schemas of both sides, and choose what is compared."""
    schema = before.schema
    check_labelled(METHOD, before, label_col, ())
    check_columns(METHOD, schema, groups, "group_cols")
    provenance_col = _find_provenance(after.schema, provenance_col)
    parents = {} if provenance_col is None else parent_types(after.schema[provenance_col].dataType)
    keys = next((keys_of(of.names) for of in parents.values()), ())
    check_columns(METHOD, schema, keys, f"the provenance '{provenance_col}'")
    if not keys and any(one.dataType != T.LongType() for of in parents.values() for one in of.fields):
        raise ColumnError(
            f"{METHOD}: provenance_col '{provenance_col}' has lost digits of the hashes that name parents, as in a "
            "file that pandas read; read it with polars or an engine, or resample with key_cols"
        )
    taken = (label_col, *keys, *groups)
    categories = choose_categories(METHOD, schema, categorical, taken)
    chosen: list[Feature] = []
    if feature_cols != () or not categories:
        try:
            chosen = choose_features(METHOD, schema, feature_cols, (*taken, *categories))
        except ColumnError:
            if feature_cols is not None or not categories:
                raise
    compared = Compared(
        schema,
        label_col,
        FeatureColumns(tuple(chosen)),
        categories,
        floats_of(schema, categories),
        provenance_col,
        keys,
        parents,
    )
    compared.check_alike(after, "after", (label_col, *compared.names))
    return compared


def _find_provenance(schema: T.StructType, name: str | None) -> str | None:
    """Return the provenance column that the user named, or the only one that there is."""
    found = [one.name for one in provenance_fields(schema)]
    if name is None and len(found) < 2:
        return found[0] if found else None
    check_columns(METHOD, schema, [name] if name else [], "provenance_col")
    if name not in found:
        several = f"; name one of {', '.join(found)}" if name is None else ""
        kind = schema[name].dataType.simpleString()[:200] if name else "several"
        raise ColumnError(
            f"{METHOD}: provenance_col '{name}' is of type {kind}; give the column that a sampler with provenance_col "
            f"added{several}"
        )
    return name
