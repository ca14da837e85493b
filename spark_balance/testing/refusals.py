"""Samplers are immutable values; what cannot work is refused in one sentence, before anything long runs."""

import math
import pickle
from collections.abc import Iterator, Mapping
from functools import partial, reduce
from typing import Annotated, Any

import tomli
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pyspark.sql import SparkSession, functions as F

from spark_balance.errors import SparkBalanceError
from spark_balance.testing.case import Case, expect
from spark_balance.testing.checks import check
from spark_balance.testing.frames import COUNTS, labelled, three_classes

_COUNTED: tuple[Any, ...] = ("auto", 0.25, {"a": 3, "b": 10}, {True: 7})
_CLEANED: tuple[Any, ...] = ("auto", "all", ("a", "b"), (True,))
# values, and a word of why each is refused
_REFUSED: dict[str, dict[Any, str]] = {
    "random_state": dict.fromkeys([1.5, "1", None, True, 2.0], "integer"),
    "null_label": {"ignore": "'error', 'keep' or 'drop'"},
    "max_growth": {0: "greater than 0", -1: "greater than 0", "twice": "number"},
    "label_col": {3: "string"},
}
_NO_WISHES: tuple[Any, ...] = (1.5, 0, None)
_FRAMES = {
    "a label that is an array": (
        {"label": "array(id)"},
        "label column 'label' is of type array<bigint>; a label is a string, boolean",
    ),
    "a label that is a struct": ({"label": "struct(label)"}, "label column 'label' is of type struct"),
    "a label that is a timestamp": ({"label": "timestamp_seconds(id)"}, "label column 'label' is of type timestamp"),
    "one class": ({"label": "'only one'"}, "has 1 class ('only one'), resampling needs at least 2"),
    "no labels": ({"label": "string(null)"}, "label column 'label' is NULL or NaN in 470 rows"),
    "a reserved name": ({"__spark_balance_code": "1"}, "'__spark_balance_code' starts with '__spark_balance_'"),
    "two columns of one name": ({"LABEL_2": "1", "label_2": "2"}, "two columns named"),
}
_PARAMETERS: tuple[tuple[str, Any, str], ...] = (
    ("label_col", "labell", "label_col names column 'labell', which the frame does not have; did you mean 'label'"),
    ("key_cols", "idd", "key_cols names column 'idd'"),
    ("key_cols", ["id", "id"], "key_cols names column 'id' twice"),
    ("within_cols", "day", "within_cols names column 'day', which the frame does not have"),
    ("within_cols", "label", "names the label column 'label'; leave it out"),
)
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


def _takes_wishes(case: Case) -> bool:
    return "sampling_strategy" in case.kind.model_fields


@check()
def check_round_trips(spark: SparkSession, case: Case) -> None:
    """A sampler is itself again after pickle and, with every form of sampling_strategy that it takes, after TOML."""
    import tomli_w

    for wish in _CLEANED if case.cleans else _COUNTED:
        try:
            sampler = case(sampling_strategy=wish, null_label="keep", max_growth=4.0)
        except SparkBalanceError:
            # steps have wishes of their own
            sampler = case()
        expect(pickle.loads(pickle.dumps(sampler)) == sampler, f"{case}: it is another sampler after pickle")
        table = tomli.loads(tomli_w.dumps(sampler.to_toml_dict()))
        back = type(sampler).from_toml_dict(table)
        expect(back == sampler, f"{case}: after TOML it is {back!r} and not {sampler!r}")


@check()
def check_it_cannot_be_changed(spark: SparkSession, case: Case) -> None:
    """A parameter is never set anew; `replace` makes another sampler."""
    sampler = case(random_state=1)
    try:
        setattr(sampler, "random_state", 7)  # noqa: B010 - a type checker refuses the other form
    except Exception:
        return
    expect(sampler.random_state == 1, f"{case}: random_state can be set, where a sampler is a value")


@check()
def check_values_are_refused(spark: SparkSession, case: Case) -> None:
    """What no sampler can use as a seed, a wish, a policy, a bound or a column is refused, by name."""
    who = "" if case.of_steps else f"{case.kind.__name__}: "
    for name, values in _REFUSED.items():
        for value, why in values.items():
            _refuses_value(case, name, value, who, f"{name}={value!r} is refused: ", why)
    for wish in _NO_WISHES if _takes_wishes(case) else ():
        why = case.why_not("says how many rows to keep" if case.cleans else "is not a ratio in (0, 1]")
        _refuses_value(case, "sampling_strategy", wish, who, f"sampling_strategy={wish!r} ", why)
    near = case.why_not("'minorty' is not one of "), case.why_not("; did you mean 'minority'?")
    if _takes_wishes(case):
        _refuses_value(case, "sampling_strategy", "minorty", who, *near)
    _refuses_value(case, "randm_state", 1, who, "unknown parameter 'randm_state'", "'random_state'")
    case.refuses("no label_col", case.kind, who)


@check()
def check_own_parameters_are_refused(spark: SparkSession, case: Case) -> None:
    """Every parameter refuses an object, a value beyond its bounds or outside its choices; a switch, a word."""
    for name, field in case.kind.model_fields.items():
        for value in _beyond(_schema(field)):
            _refuses_value(case, name, value, f"{name}={value!r} is refused: ")
        if field.annotation is not Any or name == "sampling_strategy":
            case.refuses(f"an object for {name}", partial(case, **{name: object()}), name)
        if isinstance(field.default, bool):
            _refuses_value(case, name, "no", f"{name}='no' is refused: ")


def _refuses_value(case: Case, name: str, value: object, *words: str) -> None:
    case.refuses(f"{name}={value!r}", partial(case, **{name: value}), *words)


def _schema(field: FieldInfo) -> dict[str, Any]:
    """Return what pydantic knows of a parameter, bounds and choices, as a JSON schema."""
    kind: Any = field.annotation
    if field.metadata:
        kind = reduce(lambda one, more: Annotated[one, more], field.metadata, kind)
    return TypeAdapter(kind).json_schema()


def _beyond(schema: Mapping[str, Any]) -> Iterator[object]:
    """Yield a value just beyond each bound, NaN for a number, and a value outside of the choices."""
    for one in schema.get("anyOf", [schema]):
        step = 1 if one.get("type") == "integer" else 0.01
        if "minimum" in one:
            yield one["minimum"] - step
        if "exclusiveMinimum" in one:
            yield one["exclusiveMinimum"]
        if "maximum" in one:
            yield one["maximum"] + step
        if one.get("type") == "number":
            yield math.nan
        choices = one.get("enum", [one["const"]] if "const" in one else [])
        if choices:
            yield "none of these" if isinstance(choices[0], str) else max(choices) + 1


@check()
def check_frames_are_refused(spark: SparkSession, case: Case) -> None:
    """Labels of no use, one class, no rows, too many classes and names that differ in case alone are refused."""
    base = three_classes(spark)
    for what, (columns, sentence) in _FRAMES.items():
        kept = [name for name in base.columns if name not in columns]
        df = base.select(*kept, *[F.expr(sql).alias(name) for name, sql in columns.items()])
        case.refuses(what, partial(case().fit_resample, df), sentence)
    case.refuses("a frame without rows", partial(case().fit_resample, base.where("id < 0")), "has 0 class")
    many = labelled(spark, [10_000, 1_000]).withColumn("label", F.col("id")).withColumn("id", F.col("n"))
    case.refuses("11,000 classes", partial(case().fit_resample, many), "gives more than 10,000 classes")


@check()
def check_a_stream_is_refused(spark: SparkSession, case: Case) -> None:
    """A stream is refused with the way to resample its batches."""
    stream = spark.readStream.format("rate").load().selectExpr("value AS id", "value % 2 AS label", "1.0 AS x")
    case.refuses("a stream", partial(case().fit_resample, stream), "the frame is a stream", "foreachBatch")


@check(lambda case: "x" in (getattr(case.sampler, "feature_cols", None) or ()))
def check_features_that_are_no_numbers_are_refused(spark: SparkSession, case: Case) -> None:
    """A NULL, NaN or infinite feature of a row that is looked at is refused, its column named and its rows counted."""
    takes = "missing=" if "missing" in case.kind.model_fields else "fill them"
    for value, use in (("null", takes), ("double('NaN')", takes), ("double('-Infinity')", "1e300")):
        # a row of each class, whichever the method looks at
        df = labelled(spark, [40, 20]).withColumn("x", F.expr(f"if(id IN (5, 45), {value}, x)"))
        case.refuses(f"a feature that is {value}", partial(case().fit_resample, df), case.who, "'x' (", " rows)", use)


@check()
def check_columns_are_refused(spark: SparkSession, case: Case) -> None:
    """A label, key or group that the frame does not have, or that is named twice, is refused."""
    df = three_classes(spark)
    for name, value, sentence in _PARAMETERS:
        case.refuses(f"{name}={value!r}", lambda n=name, v=value: case(**{n: v}).fit_resample(df), sentence)  # type: ignore[misc]


@check(_takes_wishes)
def check_wishes_are_refused(spark: SparkSession, case: Case) -> None:
    """A sampling_strategy that does not fit the classes of the frame is refused before anything but counts runs."""
    df = three_classes(spark)
    for wish, why in _CLASSES if case.cleans else _NUMBERS:
        given = f"sampling_strategy={wish!r}"
        case.refuses(given, lambda wish=wish: case(sampling_strategy=wish).plan(df, COUNTS), case.why_not(why))  # type: ignore[misc]


@check(lambda case: "min_class_rows" in case.kind.model_fields)
def check_small_classes_are_protected(spark: SparkSession, case: Case) -> None:
    """A plan that makes rows of a class with fewer than min_class_rows is refused."""
    df = three_classes(spark)
    grown = [entry.before for entry in case().plan(df, COUNTS).classes if entry.before < entry.after]
    if grown:
        least = min(grown)
        words = f"has {least} rows to make others of, too few to hide in; min_class_rows={least + 1} refuses that"
        case.refuses(f"min_class_rows={least + 1}", lambda: case(min_class_rows=least + 1).plan(df, COUNTS), words)
        case(min_class_rows=least).plan(df, COUNTS)


@check()
def check_growth_is_refused(spark: SparkSession, case: Case) -> None:
    """A plan that grows the data more than max_growth is refused."""
    df = three_classes(spark)
    plan = case().plan(df, COUNTS)
    growth = plan.rows_after / plan.rows_before
    less, more = growth * 0.999, growth * 1.001
    words = f"turns {plan.rows_before} rows into {plan.rows_after}, {growth:.3g} times as many; max_growth="
    case.refuses(f"max_growth={less:.3f}", lambda: case(max_growth=less).plan(df, COUNTS), words)
    case(max_growth=more).plan(df, COUNTS)
