"""Guards of an honest evaluation: no resampled rows in a frame to split or score; class shares of original data."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ParameterError, ResampledWarning, warn_user
from spark_balance.frames.columns import quoted
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import ClassCounts, Label, ResamplingPlan, is_number
from spark_balance.frames.provenance import is_new, is_provenance
from spark_balance.frames.row_ids import HI, LO, identity, unhashable

_FEW = 50  # rows of a class below which equal counts prove nothing
_FACTOR, _SIGMAS = 2.0, 6.0  # shares that differ by less may drift by themselves


def refuse_added_rows(method: str, df: DataFrame, allow_synthetic: bool) -> None:
    """Refuse a frame whose provenance column marks replicas or synthetic rows.

    Cost: nothing without such a column; with one, a job that stops at the first such row.
    """
    for field in () if allow_synthetic else df.schema.fields:
        if not is_provenance(field.dataType):
            continue
        mark = F.col(quoted(field.name))
        found = to_arrow(df.where(is_new(mark)).select(mark.getField("kind").alias("kind")).limit(1)).to_pylist()
        if found:
            raise BadValuesError(
                f"{method}: provenance column '{field.name}' marks rows that resampling added (kind "
                f"'{found[0]['kind']}'), whose copies would be on both sides; split and score original rows and "
                "resample the training part only, or set allow_synthetic=True"
            )


def value_columns(schema: T.StructType, key_cols: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns in which equal rows are equal: without key, provenance, and types that no engine hashes."""
    left_out = set(key_cols)
    values = [one for one in schema.fields if not (is_provenance(one.dataType) or unhashable(one.dataType))]
    return tuple(one.name for one in values if one.name not in left_out)


def refuse_equal_rows(method: str, df: DataFrame, values: tuple[str, ...]) -> None:
    """Refuse a frame in which rows are equal in these columns.

    Cost: one job with a shuffle of the hashes of all rows.
    """
    if not values:
        return
    counted = df.select(*identity(method, df.schema, values)).groupBy(HI, LO).count().where("count > 1")
    found = to_arrow(counted.agg(F.sum("count").alias("rows"), F.count("count").alias("different"))).to_pylist()[0]
    if found["rows"]:
        raise BadValuesError(
            f"{method}: {found['rows']:,} rows are equal to another ({found['different']:,} different ones) in all "
            "columns besides key_cols, so parts may share them; set duplicates='together' to keep equal rows in one "
            "part, or duplicates='split' to divide them"
        )


def warn_if_resampled(method: str, scored: Mapping[Label, float], before: Mapping[Label, float] | None) -> None:
    """Warn if the class shares of scored data look resampled.

    With the shares of the original data (`before`): a class's share differs by more than a factor of two and by more
    than six standard deviations of a sample of this size. Without: all classes have exactly the same number of rows,
    at least 50, which data has by design or by resampling only.
    """
    sentence = next(_signs_of_resampling(scored, before), None)
    if sentence is not None:
        advice = "scores of resampled data do not say how a model performs on original data"
        warn_user(ResampledWarning(f"{method}: {sentence}; {advice}"))


def _signs_of_resampling(scored: Mapping[Label, float], before: Mapping[Label, float] | None) -> Iterator[str]:
    counts, rows = set(scored.values()), sum(scored.values())
    natural_rows = sum(before.values()) if before else 0
    if before is None and len(scored) > 1 and len(counts) == 1 and min(counts) >= _FEW:
        yield f"every class of the scored data has exactly {min(counts):g} rows, as after resampling"
    for label, natural in before.items() if before and rows else ():
        share, expected = scored.get(label, 0) / rows, natural / natural_rows
        sigma = (expected * (1 - expected) / rows) ** 0.5
        factor = max(share, expected) / max(min(share, expected), 1e-300)
        if factor > _FACTOR and abs(share - expected) > _SIGMAS * sigma:
            yield f"class {label!r} is {share:.2%} of the scored data and {expected:.2%} of the original data"


def read_plan(method: str, record: object) -> list[tuple[Label, float, float]]:
    """Read class, rows before and weighted rows after from a plan or a manifest."""
    if isinstance(record, ResamplingPlan):
        within = record.within_cols
        entries = [(one.label, float(one.before), one.after * one.weight) for one in record.classes]
    elif isinstance(record, Mapping) and isinstance(record.get("plan"), Mapping):
        try:
            within, entries = tuple(record["plan"]["within_cols"]), _recorded(record)
        except (KeyError, TypeError, AttributeError) as odd:
            raise ParameterError(f"{method}: before is not a run's manifest: {odd!r}; see read_manifest") from None
    else:
        raise ParameterError(
            f"{method}: before is a {type(record).__name__} and after is not given; "
            "give both as {label: rows}, or a ResamplingPlan or a run's manifest alone"
        )
    if within:
        raise ParameterError(
            f"{method}: the plan balances within {list(within)}, where each group has its own rates; "
            "split the frame by group and give before and after of each"
        )
    return [(label, float(rows), float(kept)) for label, rows, kept in entries]


def _recorded(manifest: Mapping[str, Any]) -> list[tuple[Label, float, float]]:
    """Read a manifest: the rows that were written, where it has them, and not those that were planned."""
    entries = manifest["plan"]["classes"]
    after = {one["label"]: one["after"] for one in entries}
    if manifest.get("after"):
        written = {one["label"]: one["rows"] for one in manifest["after"]["classes"]}
        added = any(sampler.get("output") == "added" for sampler in manifest.get("sampler", {}).values())
        after = {one["label"]: written.get(one["label"], 0) + added * one["before"] for one in entries}
    return [(one["label"], one["before"], after[one["label"]] * one.get("weight", 1.0)) for one in entries]


def read_shares(method: str, given: object, when: str) -> dict[Label, float]:
    """Return positive numbers per class: given as counts, shares, or as a plan's rows before."""
    if isinstance(given, ClassCounts):
        return check_shares(method, given.rows, when)
    if isinstance(given, ResamplingPlan) or (isinstance(given, Mapping) and "plan" in given):
        return check_shares(method, {label: rows for label, rows, _ in read_plan(method, given)}, when)
    if not isinstance(given, Mapping) or len(given) < 2:
        raise ParameterError(f"{method}: {when}={given!r} is refused; give {{label: rows}} of at least 2 classes")
    return check_shares(method, given, when)


def check_shares(method: str, shares: Mapping[Label, Any], when: str) -> dict[Label, float]:
    """Refuse a class without rows; return the numbers as floats."""
    for label, share in shares.items():
        if not is_number(share) or share <= 0:
            raise ParameterError(
                f"{method}: {when} has {share!r} for class {label!r}; a class without rows has no probability to "
                "correct, so give a number above 0"
            )
    return {label: float(share) for label, share in shares.items()}
