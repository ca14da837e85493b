"""Row ids, draws from them, a number for each of several identical rows, and the columns that travel with rows."""

import math
from collections.abc import Callable, Mapping

from pyspark.sql import Column, DataFrame, Window, functions as F, types as T

from spark_balance.errors import ColumnError
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import VariantType

CODE = temp("code")  # which class (of which group)
HI, LO = temp("hi"), temp("lo")  # the two halves of the identity
NTH = temp("nth")  # 0, 1, ... among rows of one identity
UNIT = [CODE, HI, LO, NTH]
_NAMED = temp("named")  # true of a row that a join finds
FEW_UNITS = 5_000_000  # identities that a broadcast carries
_SALT = 0x5BA1A7CE  # sets the second half of the identity apart from the first


def _column(name: str) -> Column:
    return F.col(quoted(name))


def identity(
    method: str, schema: T.StructType, key_cols: tuple[str, ...], of: Callable[[str], Column] = _column
) -> list[Column]:
    """Return the identity of a row: 128 bits of its key columns, or of all columns without a key.

    `of` finds the value of a column, where that lies elsewhere: in the struct that names a base.
    """
    # NULL-ness is hashed too, since xxhash64 skips NULLs
    names = sorted(key_cols or schema.names)
    hashed, nulls, kinds = [], [], {field.name: field.dataType for field in schema.fields}
    for name in names:
        if not unhashable(kinds[name]):
            hashed.append(_hashable(of(name), kinds[name]))
            nulls.append(hashed[-1].isNull())
    if not hashed or (key_cols and len(hashed) < len(names)):
        raise ColumnError(
            f"{method}: columns {', '.join(names)} hold maps, variants or year-month intervals, which cannot "
            "identify a row; name a unique key of other types with key_cols"
        )
    return [F.xxhash64(*hashed, *nulls).alias(HI), F.xxhash64(F.lit(_SALT).cast("bigint"), *hashed, *nulls).alias(LO)]


def _hashable(column: Column, kind: T.DataType) -> Column:
    """Return what of a value all engines hash alike."""
    if isinstance(kind, T.StructType):
        # field by field, NULL-ness too; and Sail would hash what lies under a NULL struct
        fields = [_hashable(column.getField(field.name), field.dataType) for field in kind.fields]
        return F.when(column.isNotNull(), F.xxhash64(*fields, *[field.isNull() for field in fields]))
    if isinstance(kind, T.DayTimeIntervalType):
        # Spark hashes its microseconds, Sail no interval
        return F.unix_micros(F.timestamp_micros(F.lit(0)) + column)
    # engines agree on the text of a wide decimal, not on its hash
    wide = isinstance(kind, T.DecimalType) and kind.precision > 18
    return column.cast("string") if wide else column


def hash_alike(one: T.DataType, other: T.DataType) -> bool:
    """Return whether equal values of two types have one hash: decimals of pandas are as wide as a frame's values."""
    if isinstance(one, T.DecimalType) and isinstance(other, T.DecimalType):
        return one.scale == other.scale and max(one.precision, other.precision) <= 18
    return one == other


def unhashable(kind: T.DataType) -> bool:
    """Tell the types that some engine does not hash: maps, variants, year-month intervals, and what holds some."""
    if isinstance(kind, T.StructType):
        return any(unhashable(field.dataType) for field in kind.fields)
    if isinstance(kind, T.ArrayType):
        return unhashable(kind.elementType)
    return isinstance(kind, T.MapType | VariantType | T.YearMonthIntervalType)


def by_code(values: Mapping[int, int], code: str = CODE) -> Column:
    """Return the number that a row's class, or another code, is given; NULL for rows of none that is named."""
    return F.create_map(*[F.lit(value) for pair in values.items() for value in pair])[F.col(quoted(code))]


def draw(stream: int, *of: str | Column) -> Column:
    """Draw a signed 64-bit number for a row, the same on every engine and layout."""
    columns = []
    for what in of:
        column = F.col(quoted(what)) if isinstance(what, str) else what
        columns.append(column.cast("bigint"))
    return F.xxhash64(F.lit(stream).cast("bigint"), *columns)


def uniform(drawn: Column) -> Column:
    """Turn a draw into a double in [0, 1)."""
    return F.shiftrightunsigned(drawn, 11) * F.lit(2.0**-53)


def normal(stream: int, *of: str | Column) -> Column:
    """Draw a standard normal double, rounded to 2^-24: engines' logarithms differ in the last bits (Box and Muller)."""
    radius = F.sqrt(-2.0 * F.log(1.0 - uniform(draw(stream, *of, F.lit(0)))))
    drawn = radius * F.cos(2 * math.pi * uniform(draw(stream, *of, F.lit(1))))
    return F.floor(drawn * 2.0**24 + 0.5) * F.lit(2.0**-24)


def copies_of(rows: DataFrame) -> DataFrame:
    """Count the rows of every identity: (code, hi, lo, count)."""
    return rows.groupBy(CODE, HI, LO).count()


def units(rows: DataFrame, keyed: bool) -> DataFrame:
    """Return (code, hi, lo, nth) of every row: a narrow scan with a key, a shuffle of the identities without one."""
    if keyed:
        return rows.select(CODE, HI, LO, F.lit(0).alias(NTH))
    each = F.explode(F.sequence(F.lit(0), (F.col("count") - 1).cast("int")))
    return copies_of(rows).select(CODE, HI, LO, each.alias(NTH))


def numbered(rows: DataFrame, among: Column, keyed: bool, at_most: int, firsts: Column | None = None) -> DataFrame:
    """Number identical rows 0, 1, ... so that duplicates are not drawn as one block.

    Only rows `among` which some but not all are to be chosen need a number. With a key every number is 0. Without
    one, identities that occur once (nearly all) stay where they are; only true duplicates are moved. At most
    `at_most` rows can be repeated, which says whether the repeated identities fit a broadcast. Of the
    rows whose number is 0, those stay that `firsts` says.
    """
    once = rows if firsts is None else rows.where(firsts)
    if keyed:
        return once.withColumn(NTH, F.lit(0))
    repeated = copies_of(rows.where(among)).where("count > 1").select(HI, LO, F.lit(True).alias(_NAMED))
    if at_most // 2 <= FEW_UNITS:
        repeated = F.broadcast(repeated)
    order, named = Window.partitionBy(HI, LO).orderBy(HI), F.col(_NAMED)
    once = with_columns_of(repeated, once, [HI, LO]).where(named.isNull()).withColumn(NTH, F.lit(0))
    again = with_columns_of(repeated, rows, [HI, LO]).where(named).withColumn(NTH, F.row_number().over(order) - 1)
    return once.unionByName(again).drop(_NAMED)


def with_columns_of(few: DataFrame, rows: DataFrame, by: list[str]) -> DataFrame:
    """Add the columns of a few rows, unique in `by`, to all rows; NULL in the others.

    The few are the left side of the join, which Sail holds in memory where it does not know how large either side is.
    """
    return few.join(rows, by, "right")


def without(rows: DataFrame, units: DataFrame, at_most: int) -> DataFrame:
    """Return the rows that are not among some units; where `at_most` is too many to broadcast, by a shuffle of both."""
    names = [HI, LO, NTH]
    units = units.select(*names, F.lit(True).alias(_NAMED))
    if at_most <= FEW_UNITS:
        # gathered first, since an engine waits for a broadcast, with all that has to run for it, some minutes only
        units = F.broadcast(units.repartition(HI))
    return with_columns_of(units, rows, names).where(F.col(_NAMED).isNull()).drop(_NAMED)


COPIES = temp("copies")  # how often a row is taken
CELL = temp("cell")
FEATURES = temp("features")  # array<float>, array<double>, or the packed bytes of a row's numbers
ORIGIN, NEAR_ORIGIN = temp("origin"), temp("near_origin")  # what provenance says of a row, and of its neighbor
CARRIED = temp("carried")  # what new rows take from their base
BASE, NEAR = temp("base"), temp("near")  # numbers of a base and of its neighbor
GAP = temp("gap")  # how far a new row lies from its base to its neighbor
FIRST = temp("first")  # the first copy of a base that uses a neighbor, or the rank of the neighbor
OTHERS = temp("others")  # the other rows of a base's class, k at most
UNIT_COLUMNS = (CODE, HI, LO, NTH, COPIES)


LISTED = 128  # numbers of a row above which they are one list: engines look a column up among all others


def name_numbers(what: str, width: int) -> list[str]:
    """Return the names of the columns that hold a row's numbers: one each, or a list of all where they are many."""
    return [what] if width > LISTED else list(map(f"{what}{{}}".format, range(width)))
