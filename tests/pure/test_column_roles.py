"""Which column is what: every refusal in one sentence, and the choice of features."""

from unittest.mock import Mock

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from pyspark.ml.linalg import VectorUDT
from pyspark.sql import DataFrame, types as T

from spark_balance import ClassWeighter, RandomOverSampler, class_counts
from spark_balance.errors import CountsError, SparkBalanceError
from spark_balance.frames.columns import (
    check_columns,
    check_frame,
    check_labelled,
    check_new_column,
    choose_features,
    quoted,
    temp,
)


def schema(**columns):
    return T.StructType([T.StructField(name, kind) for name, kind in columns.items()])


FLIGHTS = schema(
    id=T.LongType(),
    late=T.BooleanType(),
    delay=T.DoubleType(),
    seats=T.IntegerType(),
    price=T.DecimalType(9, 2),
    carrier=T.StringType(),
    day=T.DateType(),
    hour=T.TimestampType(),
    image=T.ArrayType(T.FloatType()),
    words=T.ArrayType(T.StringType()),
    embedding=VectorUDT(),
)


def frame_of(schema):
    """Return what is asked of a frame before anything runs."""
    return Mock(spec=DataFrame, schema=schema, columns=schema.names, isStreaming=False)


def refusal(check, *args):
    with pytest.raises(SparkBalanceError) as caught:
        check("SMOTE", *args)
    return str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "__SPARK_balance_x"])
def test_a_new_column_needs_a_name_of_its_own(name):
    assert refusal(check_new_column, FLIGHTS, name, "weight_col") == (
        f"SMOTE: weight_col={name!r} cannot name a column; give a name that does not start with '__spark_balance_'"
    )


@pytest.mark.parametrize("prefix", ["__spark_balance_", "__Spark_BALANCE_"])
def test_a_reserved_name_is_refused(prefix):
    assert refusal(check_frame, schema(a=T.LongType(), **{f"{prefix}hi": T.LongType()})) == (
        f"SMOTE: column '{prefix}hi' starts with '__spark_balance_', which is reserved; rename it"
    )
    assert temp("hi") == "__spark_balance_hi"


@pytest.mark.parametrize("second", ["id", "ID"])
def test_two_columns_that_spark_cannot_tell_apart_are_refused(second):
    frame = T.StructType([T.StructField("id", T.LongType()), T.StructField(second, T.LongType())])
    assert refusal(check_frame, frame) == (
        f"SMOTE: the frame has two columns named 'id' and '{second}', which are one name to Spark; rename or drop one"
    )


def test_an_ordinary_frame_is_taken():
    check_frame("SMOTE", FLIGHTS)


def test_an_unknown_column_is_refused_with_the_nearest_name_or_all_of_them():
    assert refusal(check_columns, FLIGHTS, ["id", "carier"], "key_cols") == (
        "SMOTE: key_cols names column 'carier', which the frame does not have; did you mean 'carrier'?"
    )
    small = schema(a=T.LongType(), b=T.LongType())
    assert refusal(check_columns, small, ["zzz"], "key_cols") == (
        "SMOTE: key_cols names column 'zzz', which the frame does not have; its columns are a, b"
    )


def test_a_column_named_twice_is_refused():
    assert refusal(check_columns, FLIGHTS, ["id", "day", "id"], "key_cols") == (
        "SMOTE: key_cols names column 'id' twice; name each column once"
    )


def test_known_columns_are_taken():
    check_columns("SMOTE", FLIGHTS, iter(["id", "day"]), "key_cols")


TAKEN = [T.StringType(), T.BooleanType(), T.ByteType(), T.ShortType(), T.IntegerType(), T.LongType(), T.DateType()]


@pytest.mark.parametrize("kind", [*TAKEN, T.FloatType(), T.DoubleType(), T.DecimalType(20, 3)], ids=str)
def test_a_label_of_these_types_is_taken(kind):
    check_labelled("SMOTE", frame_of(schema(y=kind)), "y", ())


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (T.ArrayType(T.LongType()), "array<bigint>"),
        (T.MapType(T.StringType(), T.LongType()), "map<string,bigint>"),
        (schema(a=T.LongType()), "struct<a:bigint>"),
        (T.BinaryType(), "binary"),
        (T.TimestampType(), "timestamp"),
    ],
    ids=str,
)
def test_a_label_of_another_type_is_refused(kind, shown):
    assert refusal(check_labelled, frame_of(schema(y=kind)), "y", ()) == (
        f"SMOTE: label column 'y' is of type {shown}; a label is a string, boolean, integer, float, decimal or date"
    )


@pytest.mark.parametrize("given", [pa.array([0, 1]), "flights", None], ids=["arrow", "name", "none"])
def test_what_is_no_frame_is_refused(given):
    sampler = RandomOverSampler(label_col="y")
    for refused in (sampler.plan, sampler.explain, sampler.fit_resample, lambda df: class_counts(df, "y")):
        with pytest.raises(
            SparkBalanceError, match="df is of type .*; give a DataFrame of Spark, pandas or polars, or"
        ):
            refused(given)


@pytest.mark.parametrize(
    ("kind", "value"), [(T.IntegerType(), "spam"), (T.StringType(), 1), (T.ByteType(), 200), (T.DateType(), "day")]
)
def test_given_counts_name_values_of_the_column(kind, value):
    for method in (RandomOverSampler(label_col="y").plan, ClassWeighter(label_col="y").plan):
        with pytest.raises(CountsError, match=f"counts names {value!r}, which is not a value of column 'y' of type "):
            method(frame_of(schema(y=kind)), {value: 3})


def test_an_absent_label_is_refused():
    assert refusal(check_labelled, frame_of(FLIGHTS), "lates", ()) == (
        "SMOTE: label_col names column 'lates', which the frame does not have; did you mean 'late'?"
    )


@pytest.mark.parametrize("name", ["day", "DAY"])
def test_a_new_column_cannot_take_a_name_in_use(name):
    assert refusal(check_new_column, FLIGHTS, name, "weight_col") == (
        f"SMOTE: weight_col='{name}' is already a column of the frame; choose another name"
    )


@pytest.mark.parametrize("name", [None, "weight"])
def test_a_new_column_of_a_free_name_is_taken(name):
    check_new_column("SMOTE", FLIGHTS, name, "weight_col")


def test_without_feature_cols_every_numeric_column_that_has_no_other_role_is_a_feature():
    chosen = choose_features("SMOTE", FLIGHTS, None, ["late", "id"])
    assert [(one.name, one.kind, one.type) for one in chosen] == [
        ("delay", "number", T.DoubleType()),
        ("seats", "number", T.IntegerType()),
        ("price", "number", T.DecimalType(9, 2)),
    ]


def test_named_features_keep_their_order_and_may_be_arrays_and_vectors():
    chosen = choose_features("SMOTE", FLIGHTS, ("embedding", "seats", "image"), ["late"])
    assert [(one.name, one.kind) for one in chosen] == [
        ("embedding", "vector"),
        ("seats", "number"),
        ("image", "array"),
    ]


def test_a_frame_without_numbers_is_refused():
    frame = schema(y=T.LongType(), id=T.LongType(), name=T.StringType())
    assert refusal(choose_features, frame, None, ["y", "id"]) == (
        "SMOTE: the frame has no numeric column besides id, y; name the features with feature_cols"
    )


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((), "SMOTE: feature_cols is empty; name at least one numeric column"),
        (("late",), "SMOTE: feature_cols names column 'late', the label, a key or a within column; leave it out"),
        (("seats", "seats"), "SMOTE: feature_cols names column 'seats' twice; name each column once"),
        (("seat",), "SMOTE: feature_cols names column 'seat', which the frame does not have; did you mean 'seats'?"),
        (
            ("carrier",),
            "SMOTE: feature column 'carrier' is of type string; features are numeric columns, booleans, arrays "
            "of numbers or vectors; leave it out of feature_cols or turn it into a number",
        ),
        (
            ("words",),
            "SMOTE: feature column 'words' is of type array<string>; features are numeric columns, booleans, "
            "arrays of numbers or vectors; leave it out of feature_cols or turn it into a number",
        ),
        (
            ("day",),
            "SMOTE: feature column 'day' is of type date; features are numeric columns, booleans, arrays of "
            "numbers or vectors; derive a number from it first, such as hour(`day`) or unix_timestamp(`day`)",
        ),
    ],
)
def test_a_bad_feature_is_refused(names, sentence):
    assert refusal(choose_features, FLIGHTS, names, ["late"]) == sentence


@pytest.mark.parametrize("kind", [T.TimestampType(), T.TimestampNTZType()], ids=str)
def test_a_moment_is_refused_with_the_way_to_a_number(kind):
    assert "hour(`at`) or unix_timestamp(`at`)" in refusal(choose_features, schema(at=kind), ("at",), [])


@given(st.text(max_size=20))
def test_a_quoted_name_is_one_name_whatever_it_holds(name):
    inner = quoted(name)[1:-1]
    assert quoted(name) == f"`{inner}`"
    # every backtick is doubled, so none ends the name early, and the name is still there
    assert inner.count("`") == 2 * name.count("`")
    assert inner.replace("``", "`") == name
