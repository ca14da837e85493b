"""What cannot work is refused in one sentence, before anything long runs."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_balance.testing.case import Case
from spark_balance.testing.checks import check
from spark_balance.testing.frames import labelled

_FRAMES = {
    "a label that is an array": (
        {"label": "array(label)"},
        "label column 'label' is of type array<string>; a label is a string, boolean",
    ),
    "a label that is a struct": ({"label": "struct(label)"}, "label column 'label' is of type struct"),
    "a label that is a timestamp": ({"label": "timestamp_seconds(id)"}, "label column 'label' is of type timestamp"),
    "one class": ({"label": "'only one'"}, "has 1 class ('only one'), resampling needs at least 2"),
    "no labels": ({"label": "string(null)"}, "label column 'label' is NULL or NaN in 470 rows"),
    "a reserved name": ({"__spark_balance_code": "1"}, "'__spark_balance_code' starts with '__spark_balance_'"),
    "two columns of one name": ({"LABEL_2": "1", "label_2": "2"}, "two columns named"),
}
_PARAMETERS = {
    "label_col": ("labell", "label_col names column 'labell', which the frame does not have; did you mean 'label'"),
    "key_cols": ("idd", "key_cols names column 'idd'"),
    "within_cols": ("day", "within_cols names column 'day', which the frame does not have"),
}
_NOT_THERE = "names class 'class 9', which is not in the data; the classes are"
_KEEPS = "says how many rows to keep, which this method finds out itself"
_NUMBERS: tuple[tuple[object, str], ...] = (
    ({"class 9": 500}, _NOT_THERE),
    (0.5, "needs a label of exactly 2 classes, this one has 3"),
    ({"class 0": -1}, "wants -1 rows of class 'class 0'; give a whole number >= 0"),
    (["class 0"], "is a list, which only methods that clean take; use a dict"),
)
_CLASSES: tuple[tuple[object, str], ...] = (
    (["class 9"], _NOT_THERE),
    (0.5, _KEEPS),
    ({"class 0": 9}, _KEEPS),
    (dict, _KEEPS),
)


@check()
def check_frames_are_refused(spark: SparkSession, case: Case) -> None:
    """Labels of no use, one class, no rows, too many classes and names that cannot be told apart are refused."""
    base = labelled(spark, [300, 120, 50])
    for what, (columns, sentence) in _FRAMES.items():
        kept = [name for name in base.columns if name not in columns]
        df = base.select(*kept, *[F.expr(sql).alias(name) for name, sql in columns.items()])
        case.refuses(what, lambda df=df: case().fit_resample(df), sentence)  # type: ignore[misc]
    case.refuses("a frame without rows", lambda: case().fit_resample(base.where("id < 0")), "has 0 class")
    many = labelled(spark, [1_500, 500]).withColumn("label", F.col("id")).withColumn("id", F.col("n"))
    case.refuses("2,000 classes", lambda: case().fit_resample(many), "gives more than 1,000 classes")


@check()
def check_a_stream_is_refused(spark: SparkSession, case: Case) -> None:
    """A stream is refused with the way to resample its batches."""
    stream = spark.readStream.format("rate").load().selectExpr("value AS id", "value % 2 AS label", "1.0 AS x")
    case.refuses("a stream", lambda: case().fit_resample(stream), "the frame is a stream", "foreachBatch")


@check(lambda case: "x" in (getattr(case.sampler, "feature_cols", None) or ()))
def check_features_that_are_no_numbers_are_refused(spark: SparkSession, case: Case) -> None:
    """A NULL, NaN or infinite feature of a row that is looked at is refused, and its column named."""
    for value in ("null", "double('NaN')", "double('-Infinity')"):
        # a row of each class, whichever the method looks at
        df = labelled(spark, [40, 20]).withColumn("x", F.expr(f"if(id IN (5, 45), {value}, x)"))
        case.refuses(f"a feature that is {value}", lambda df=df: case().fit_resample(df), case.who, "'x'")  # type: ignore[misc]


@check()
def check_columns_are_refused(spark: SparkSession, case: Case) -> None:
    """A label, key or group that the frame does not have, or that is named twice, is refused."""
    df = labelled(spark, [300, 120, 50])
    for name, (value, sentence) in _PARAMETERS.items():
        case.refuses(f"{name}={value!r}", lambda n=name, v=value: case(**{n: v}).fit_resample(df), sentence)  # type: ignore[misc]
    twice = ["id", "id"]
    case.refuses("a key twice", lambda: case(key_cols=twice).fit_resample(df), "key_cols names column 'id' twice")
    case.refuses(
        "the label as a group",
        lambda: case(within_cols="label").fit_resample(df),
        "names the label column 'label'; leave it out",
    )


@check()
def check_wishes_are_refused(spark: SparkSession, case: Case) -> None:
    """A sampling_strategy that does not fit the classes of the frame is refused before anything but counts runs."""
    df = labelled(spark, [300, 120, 50])
    for wish, why in _CLASSES if case.cleans else _NUMBERS:
        given = f"sampling_strategy={wish!r}"
        case.refuses(given, lambda wish=wish: case(sampling_strategy=wish).plan(df), case.why_not(why))  # type: ignore[misc]


@check()
def check_growth_is_refused(spark: SparkSession, case: Case) -> None:
    """A plan that grows the data more than max_growth is refused."""
    counts = {"class 0": 300, "class 1": 120, "class 2": 50}
    df = labelled(spark, list(counts.values()))
    plan = case().plan(df, counts)
    growth = plan.rows_after / plan.rows_before
    less, more = growth * 0.999, growth * 1.001
    words = f"makes {plan.rows_before} rows {plan.rows_after}, {growth:.3g} times as many; max_growth="
    case.refuses(f"max_growth={less:.3f}", lambda: case(max_growth=less).plan(df, counts), words)
    case(max_growth=more).plan(df, counts)
