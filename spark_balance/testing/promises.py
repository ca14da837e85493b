"""What a sampler declares of counts, rows, columns and the origin of new rows, held against what came out."""

from collections import Counter
from functools import cache
from typing import Any

from pyspark.sql import SparkSession, types as T

from spark_balance.errors import SparkBalanceError
from spark_balance.frames.columns import TEMP_PREFIX
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.plan import is_missing
from spark_balance.testing.case import WIDE, Case, Outcome, counted_rows, expect, expect_same
from spark_balance.testing.checks import check
from spark_balance.testing.frames import FEATURES, labelled, rich

_BETWEEN = ("base", "neighbor", "gap")


@cache
def _before(spark: SparkSession) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = to_arrow(rich(spark)).to_pylist()
    return rows


@check()
def check_declarations(spark: SparkSession, case: Case) -> None:
    """Family, counts, rows and the name of the action are declared, and the class says what it does."""
    for name, allowed in (
        ("family", ("over", "under", "clean", "both")),
        ("counts", ("exact", "at_most", "approximate", "none")),
        ("rows", ("subset", "copies", "segment", "free")),
    ):
        declared = getattr(case.kind, name, None)
        expect(declared in allowed, f"{case}: {name}={declared!r} is declared; it is one of {', '.join(allowed)}")
    expect(bool(getattr(case.kind, "action", "")), f"{case}: action is not declared; name what happens to a class")
    expect(bool(case.kind.__doc__), f"{case}: the class has no docstring")


@check()
def check_schema(spark: SparkSession, case: Case) -> None:
    """Names, order, types, nullability and metadata stay; new columns come last, and none is temporary."""
    verify_schema(case, case.outcome(spark))


@check()
def check_counts(spark: SparkSession, case: Case) -> None:
    """Each class has the rows of the plan: exactly, at most or nearly, as is declared."""
    outcome = case.outcome(spark)
    verify_counts(case, outcome)
    expect(bool(outcome.table), f"{case}: nothing comes out")


@check()
def check_rows(spark: SparkSession, case: Case) -> None:
    """A subset has rows of the input, copies whole ones; adding keeps all; a segment stays in a feature's range."""
    verify_rows(case, _before(spark), case.outcome(spark))


@check(lambda case: "output" in case.kind.model_fields and case.adds and not case.part)
def check_added_and_originals_are_all(spark: SparkSession, case: Case) -> None:
    """The rows of output='added' and the originals are those of output='all'."""
    added, everything = case.outcome(spark, output="added").rows, case.outcome(spark).rows
    together = added + counted_rows(_before(spark), rich(spark).columns)
    expect_same(together, everything, f"{case}: output='added' and the originals are not output='all'")


@check(lambda case: case.cleans and case.keyed and "output" in case.kind.model_fields and not case.part)
def check_removed_and_kept_are_all(spark: SparkSession, case: Case) -> None:
    """The keys of output='removed_keys' and the rows that stay are all rows; both keep their schema."""
    removed, kept = case.outcome(spark, output="removed_keys"), case.outcome(spark)
    names = removed.after.names
    for name in names:
        verify_field(case, removed.before[name], removed.after[name])
    together = removed.everything + counted_rows(kept.table, names)
    everything = counted_rows(_before(spark), names)
    expect(bool(removed.table), f"{case}: nothing is removed of a frame of classes that overlap")
    expect_same(together, everything, f"{case}: keys removed and rows that stay are not all rows")


@check(lambda case: "passthrough" in case.kind.model_fields)
def check_other_columns_of_new_rows(spark: SparkSession, case: Case) -> None:
    """By passthrough='base' a new row has the other columns of a row of the input, whole; unset they are NULL."""
    others = [name for name in rich(spark).columns if name not in FEATURES]
    known = counted_rows(_before(spark), others)
    of_base = counted_rows(case.outcome(spark, output="added", passthrough="base").table, others)
    expect(bool(of_base) and set(of_base) <= set(known), f"{case}: other columns of a new row are not those of a row")
    if "passthrough" not in case.sampler.model_fields_set:
        added = case.outcome(spark, output="added").table
        filled = {name for row in added for name in others if name != "label" and row[name] is not None}
        expect(not filled, f"{case}: columns {sorted(filled)} of new rows are filled, though passthrough is not set")


@check()
def check_required_columns(spark: SparkSession, case: Case) -> None:
    """Columns that may not be NULL stay so, or are refused in a sentence that names one."""
    df = labelled(spark, [60, 20])
    strict = df.schema
    for field in strict.fields:
        field.nullable = field.name != "id"
    given = from_arrow(spark, to_arrow(df), strict)
    try:
        verify_schema(case, case.made_of(given))
    except SparkBalanceError:
        expect(case.sampler.promises.rows in ("segment", "free"), f"{case}: a key that may not be NULL is refused")
        case.refuses("a key that may not be NULL", lambda: case().fit_resample(given), "'id' may not be NULL")


def _names_its_base(case: Case) -> bool:
    makes_new_values = case.sampler.promises.rows in ("segment", "free")
    return makes_new_values and "provenance_col" in case.kind.model_fields


@check(_names_its_base)
def check_new_rows_lie_between(spark: SparkSession, case: Case) -> None:
    """A new row fills the declared fields of `provenance_col`, and lies at base + gap * (neighbor - base)."""
    df = labelled(spark, [300, 120, 120])
    rows = {row["id"]: row for row in to_arrow(df).to_pylist()}
    table = case.made_of(df, key_cols="id", provenance_col="made_of").table
    made = [row for row in table if row["made_of"]["kind"] == "synthetic"]
    expect(bool(made), f"{case}: no row has kind 'synthetic' in provenance_col, of a plan that adds rows")
    promises = case.sampler.promises
    for row in made:
        filled = tuple(name for name in _BETWEEN if row["made_of"][name] is not None)
        expect(
            filled == promises.provenance,
            f"{case}: provenance_col of a new row has {', '.join(filled) or 'nothing'}, promises.provenance is "
            f"{', '.join(promises.provenance) or 'empty'}: {row}",
        )
    if promises.provenance != _BETWEEN:
        return
    used = case(key_cols="id").features(df)
    numbers = [feature.name for feature in used.features if feature.name in ("x", "y")] if used else []
    for row in made:
        _verify_segment(case, row, rows, numbers)
    # the ends of a segment are where a method puts what is safe at one end alone
    one, other = ({row["made_of"]["gap"] for row in made if row["label"] == f"class {i}"} - {0, 1} for i in (1, 2))
    shared = case.kind.random and one & other
    expect(not shared, f"{case}: two classes of one size draw the same gaps, such as {[*one & other][:3]}")


def _verify_segment(case: Case, row: dict[str, Any], rows: dict[int, dict[str, Any]], numbers: list[str]) -> None:
    """Expect the fractions among the features of a new row, which are not rounded, to be those of its provenance."""
    base, near = (rows[row["made_of"][of]["id"]] for of in ("base", "neighbor"))
    gap = row["made_of"]["gap"]
    expect(base["label"] == row["label"], f"{case}: the base of a new row is of another class: {row}, {base}")
    if case.sampler.promises.rows == "segment":
        expect(0 <= gap <= 1, f"{case}: the gap of a new row is {gap}, outside of its segment")
    for name in numbers:
        there = base[name] + gap * (near[name] - base[name])
        expect(
            abs(row[name] - there) <= 1e-9,
            f"{case}: '{name}' of a new row is {row[name]}, where base, neighbor and gap make {there}: {row}",
        )


def verify_schema(case: Case, outcome: Outcome) -> None:
    """Expect the frame's columns as they were, then those that the sampler says it adds."""
    if case.keys_only:
        return
    new = [field.name for field in case.sampler.new_fields(outcome.before)]
    wanted = [*outcome.before.names, *new]
    expect(outcome.after.names == wanted, f"{case}: the columns are {outcome.after.names} and not {wanted}")
    for was, now in zip(outcome.before.fields, outcome.after.fields, strict=False):
        verify_field(case, was, now)
    left = [name for name in outcome.after.names if name.startswith(TEMP_PREFIX)]
    expect(not left, f"{case}: temporary columns come out: {left}")


def verify_field(case: Case, was: T.StructField, now: T.StructField) -> None:
    """Expect a column to be what it was, NULLs and metadata included."""
    for what in ("dataType", "nullable", "metadata"):
        one, other = getattr(was, what), getattr(now, what)
        expect(one == other, f"{case}: {what} of column '{was.name}' was {one} and is {other}")


def verify_counts(case: Case, outcome: Outcome) -> None:
    """Expect the rows of each class of each group as the plan promises them."""
    if case.keys_only:
        return
    promised = case.sampler.promises.counts
    if not outcome.plan.missing_rows or outcome.plan.missing_action == "drop":
        named = all(label is not None for _, label in outcome.by_class)
        expect(named, f"{case}: rows without a label come out of nowhere")
    for entry in outcome.plan.classes:
        got = outcome.rows_of(entry)
        wanted = entry.after - (entry.before if case.part else 0)
        # of several steps, the last may touch what the plan of all calls kept
        promise = "exact" if entry.action == "keep" and not case.part else promised
        who = f"{case}: class {entry.label!r}" + (f" of group {entry.group}" if entry.group else "")
        expect(_kept(promise, got, wanted), f"{who} has {got} rows, its plan promises {wanted} ({promise})")
    known = {entry.label for entry in outcome.plan.classes}
    strange = {label for _, label in outcome.by_class if label is not None and label not in known}
    expect(not strange, f"{case}: classes {sorted(map(str, strange))} come out that are not in the plan")


def _kept(promise: str, got: int, wanted: int) -> bool:
    if promise == "exact":
        return got == wanted
    if promise == "at_most":
        return got <= wanted
    return promise == "none" or abs(got - wanted) <= WIDE * max(wanted, 1) ** 0.5


def verify_rows(case: Case, before: list[dict[str, Any]], outcome: Outcome) -> None:
    """Expect rows to be what is declared of them."""
    if case.keys_only:
        return
    names, makes = outcome.before.names, case.sampler.promises.rows
    originals, rows = counted_rows(before, names), outcome.rows
    if makes == "subset":
        expect(rows <= originals, f"{case}: rows are new, or come out more often: {_some(rows - originals)}")
    if makes == "copies":
        strange = Counter({row: n for row, n in rows.items() if row not in originals})
        expect(not strange, f"{case}: copies come out of rows that the frame does not have: {_some(strange)}")
    if case.adds and not case.part:
        expect(originals <= rows, f"{case}: originals are lost or changed: {_some(originals - rows)}")
    if makes == "segment":
        for name in (name for name in FEATURES if name in names):
            there = [row[name] for row in before if not is_missing(row[name])]
            least, most = min(there), max(there)
            made = [row[name] for row in outcome.table if not is_missing(row[name])]
            outside = [one for one in made if not least <= one <= most]
            expect(not outside, f"{case}: '{name}' of new rows is {outside[:3]}, outside of {least} to {most}")


def _some(rows: Counter[str]) -> str:
    return f"{rows.total()} of them, such as {', '.join(sorted(rows)[:3])}"
