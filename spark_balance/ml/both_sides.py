"""What two frames share, counted by hashes: the rows of a training and of a test part."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import ColumnError
from spark_balance.frames.columns import check_columns, check_frame, quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.provenance import PARENTS, is_new, keys_of, parent_identity, parent_types, provenance_fields
from spark_balance.frames.row_ids import HI, LO, hash_alike, identity, with_columns_of
from spark_balance.metrics.guards import value_columns

ROWS, NEW, OF_TRAIN, EQUAL, KEYS, GROUPS = range(6)  # what is counted
_WHAT, _TRAIN, _TEST, _BOTH_TRAIN, _BOTH_TEST = map(temp, ("what", "train", "test", "both_train", "both_test"))
_MARK, _SHOWN = map(temp, ("mark", "shown"))
_OF_PARENT = [tuple(temp(f"{what}_of_{parent}") for what in ("hi", "lo", "found")) for parent in PARENTS]
MOST_SHOWN = 20  # columns of an example without a key
Hash = tuple[Column, Column]


@dataclass
class BothSides:
    """Train and test, and for each thing to count the columns by which their rows are compared.

    Attributes
    ----------
    method : str
    train, test : DataFrame
    keys, groups : tuple of str
        Columns that name a row, and an entity.
    compared : tuple of str or None
        Columns in which rows are compared; None for all that both sides have.
    provenance_col : str or None
        The column that says what rows are made of, where a side has several.
    by : dict of int to tuple of str
        What is counted, and the columns of each.
    """

    method: str
    train: DataFrame
    test: DataFrame
    keys: tuple[str, ...]
    groups: tuple[str, ...]
    compared: tuple[str, ...] | None
    provenance_col: str | None
    by: dict[int, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        given = {"key_cols": self.keys, "group_cols": self.groups, "compare_cols": self.compared or ()}
        for side in (self.train, self.test):
            check_frame(self.method, side.schema)
            for role, names in given.items():
                check_columns(self.method, side.schema, names, role)
        self._marks = [self._provenance_of(side.schema) for side in (self.train, self.test)]
        if self.provenance_col is not None and not any(self._marks):
            raise ColumnError(
                f"{self.method}: provenance_col='{self.provenance_col}' is not a provenance column of either side; "
                "give the name that the sampler was given, or leave it out"
            )
        there = set(self.train.columns)
        common = tuple(name for name in value_columns(self.test.schema, ()) if name in there)
        values = tuple(name for name in common if name not in self.keys) if self.compared is None else self.compared
        parents = next(iter(self._parent_types.values()), None)
        named = {
            NEW: tuple(filter(None, self._marks[1:])),
            OF_TRAIN: (keys_of(parents.names) or common) if parents else (),
            EQUAL: tuple(name for name in values if name in common),
            KEYS: self.keys,
            GROUPS: self.groups,
        }
        self.by = {what: names for what, names in named.items() if names}
        if not self.by:
            raise ColumnError(
                f"{self.method}: train and test have no column in common that can be compared; give frames of one table"
            )
        if parents and keys_of(parents.names):
            check_columns(self.method, self.test.schema, parents.names, "the provenance of train")
            self._check_types(parents, parents.names)
        compared = {name for what, names in self.by.items() if what != NEW for name in names}
        self._check_types(self.train.schema, [name for name in self.train.columns if name in compared])

    def _provenance_of(self, schema: T.StructType) -> str | None:
        found = [one.name for one in provenance_fields(schema)]
        if self.provenance_col is not None:
            return self.provenance_col if self.provenance_col in found else None
        if len(found) > 1:
            raise ColumnError(
                f"{self.method}: columns {', '.join(found)} all say what rows are made of; name one with provenance_col"
            )
        return found[0] if found else None

    @property
    def _parent_types(self) -> dict[str, T.StructType]:
        """The types of what names base and neighbor; a frame of pandas has none of what is NULL everywhere."""
        name = self._marks[0]
        return parent_types(self.train.schema[name].dataType) if name else {}

    def _check_types(self, kinds: T.StructType, names: Iterable[str]) -> None:
        for name in names:
            one, other = kinds[name].dataType, self.test.schema[name].dataType
            if not hash_alike(one, other):
                raise ColumnError(
                    f"{self.method}: column '{name}' is of type {one.simpleString()} in train and "
                    f"{other.simpleString()} in test, so no values would be found equal; cast one of them"
                )

    def _parents(self) -> list[Hash]:
        """Return the hashes of base and neighbor of a row of train, NULL where it has none."""
        mark = F.col(quoted(str(self._marks[0])))
        types = self._parent_types.items()
        return [parent_identity(self.method, mark.getField(name), kind, kind) for name, kind in types]

    def _original(self, mark: str | None) -> Hash:
        """Return the hash by which train names a row of test, NULL of a new one."""
        hi, lo = self._hash(self.test, OF_TRAIN)
        return (hi if mark is None else F.when(~is_new(F.col(quoted(mark))), hi)), lo

    def _marked(self, number: int) -> DataFrame:
        """Return (what, hash) of each row of train (0) or test (1), for each thing to count."""
        side, mark = (self.train, self.test)[number], self._marks[number]
        nothing = F.lit(0).cast("bigint")
        marks: list[tuple[int, Hash]] = [(ROWS, (nothing, nothing))]
        if mark is not None:
            marks.append((NEW, (F.when(is_new(F.col(quoted(mark))), nothing), nothing)))
        if OF_TRAIN in self.by:
            marks += [(OF_TRAIN, one) for one in ([self._original(mark)] if number else self._parents())]
        for what in (EQUAL, KEYS, GROUPS):
            if what in self.by:
                hi, lo = self._hash(side, what)
                if what != EQUAL:  # NULLs alone name nothing
                    hi = F.when(reduce(or_, [F.col(quoted(name)).isNotNull() for name in self.by[what]]), hi)
                marks.append((what, (hi, lo)))
        # Sail refuses an array of structs of which one may be NULL and another may not; and to explode constants would
        # have Spark hash the row again for each
        halves = zip(*[(F.lit(what), *one) for what, one in marks], strict=True)
        arrays = [F.array(*all_of).alias(name) for name, all_of in zip((_WHAT, HI, LO), halves, strict=True)]
        rows = side.select(*arrays).select(F.explode(F.arrays_zip(_WHAT, HI, LO)).alias(_MARK))
        rows = rows.select(*[F.col(_MARK).getField(name).alias(name) for name in (_WHAT, HI, LO)])
        of_side = F.lit(1 - number).alias(_TRAIN), F.lit(number).alias(_TEST)
        return rows.where(F.col(HI).isNotNull()).select("*", *of_side)

    def _hash(self, side: DataFrame, what: int) -> Hash:
        hi, lo = identity(self.method, side.schema, self.by[what])
        return hi, lo

    @property
    def _by_hash(self) -> DataFrame:
        """The rows of train and of test for each hash: a scan of each side, and a shuffle."""
        sums = [F.sum(side).alias(side) for side in (_TRAIN, _TEST)]
        return self._marked(0).unionAll(self._marked(1)).groupBy(_WHAT, HI, LO).agg(*sums)

    def _shared(self, what: int) -> DataFrame:
        both = (F.col(_WHAT) == what) & (F.col(_TRAIN) > 0) & (F.col(_TEST) > 0)
        return self._by_hash.where(both).select(HI, LO)

    def count(self) -> dict[int, tuple[int, int, int, int]]:
        """Count the rows of train and test, and those with a counterpart on the other side, for each thing: one job."""
        totals = self._by_hash.groupBy(_WHAT).agg(
            F.sum(_TRAIN).alias(_TRAIN),
            F.sum(_TEST).alias(_TEST),
            F.sum(F.when(F.col(_TEST) > 0, F.col(_TRAIN)).otherwise(0)).alias(_BOTH_TRAIN),
            F.sum(F.when(F.col(_TRAIN) > 0, F.col(_TEST)).otherwise(0)).alias(_BOTH_TEST),
        )
        names = (_TRAIN, _TEST, _BOTH_TRAIN, _BOTH_TEST)
        found = {row[_WHAT]: tuple(row[name] for name in names) for row in to_arrow(totals).to_pylist()}
        return {what: found.get(what, (0, 0, 0, 0)) for what in (ROWS, *self.by)}

    def count_offspring(self) -> int:
        """Count the rows of train with a parent in test: one job, which shuffles the hashes of all parents."""
        parents, of_test = list(zip(_OF_PARENT, self._parents(), strict=False)), F.lit(False)
        halves = [one.alias(name) for names, two in parents for name, one in zip(names, two, strict=False)]
        rows = self.train.select(*halves)
        for (hi, lo, found), _ in parents:
            shared = self._shared(OF_TRAIN).withColumn(found, F.lit(True))
            renamed = rows.withColumnsRenamed({hi: HI, lo: LO})
            rows, of_test = (
                with_columns_of(shared, renamed, [HI, LO]).drop(HI, LO),
                of_test | F.col(quoted(found)).isNotNull(),
            )
        return rows.where(of_test).count()

    def examples(self, what: int, most: int) -> list[dict[str, Any]]:
        """Return some rows of test that are concerned, those of the smallest hashes: a job or two scans of test."""
        if what == NEW:
            mark = F.col(quoted(self.by[NEW][0]))
            new = self.test.where(is_new(mark)).select(mark.alias(_SHOWN), *identity(self.method, self.test.schema, ()))
            return [row[_SHOWN] for row in to_arrow(new.orderBy(HI, LO).limit(most)).to_pylist()]
        wanted = self._shared(what).orderBy(HI, LO).limit(most)
        shown = [F.col(quoted(name)).alias(name) for name in self.keys or self.by[what][:MOST_SHOWN]]
        rows = self.test.select(*self._hash(self.test, what), F.struct(*shown).alias(_SHOWN))
        rows = rows.join(F.broadcast(wanted), [HI, LO], "left_semi")
        # rows of one hash differ in their key alone; the largest is not NULL if any is not
        one = F.max(_SHOWN) if self.keys else F.first(_SHOWN)
        found = rows.groupBy(HI, LO).agg(one.alias(_SHOWN)).orderBy(HI, LO)
        return [row[_SHOWN] for row in to_arrow(found).to_pylist()]
