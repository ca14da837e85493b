"""The report of one resampling: what to compare, sampled from both frames, as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from spark_balance.columns import choose_categories, choose_features
from spark_balance.errors import SparkBalanceError
from spark_balance.plans.counts import class_counts
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.paired_sample import MOST_CATEGORIES, Compared, PairedSample, paired_sample
from spark_balance.plans.strata import Strata, Stratum
from spark_balance.report.page import Page
from spark_balance.report.resampled import Resampling
from spark_balance.report.resampling_page import resampling_page
from spark_balance.samplers.base import Resampled, Sampler, only_added
from spark_balance.samplers.parameters import given_to
from spark_balance.summary import ClassCounts, ClassPlan, Label, ResamplingPlan
from spark_balance.targets import counts_of

MOST_CLASSES = 8  # that are looked at row by row: those that change first, then the largest


def resampling_report(
    before: DataFrame,
    resampled: Resampled,
    sampler: Sampler,
    after: DataFrame | None = None,
    seconds: Mapping[str, float] | None = None,
) -> Page:
    """Return the report of a resampling as one HTML document, for `displayHTML` or a file.

    Parameters
    ----------
    before : DataFrame
        The frame that was resampled.
    resampled : Resampled
        What ``sampler.resample(before)`` returned.
    sampler : Sampler
        The sampler.
    after : DataFrame, optional
        The result as it was written and read back. Without it the lazy frame is evaluated, three times.
    seconds : dict of str to float, optional
        What to tell of timings.

    Returns
    -------
    Page
        A string; notebooks show it.

    Notes
    -----
    Cost: one job that counts the classes after, and four that sample, two scans of each side; at most some 20,000
    rows of each side come to the driver. The page holds class labels, column names, values of categories and
    points, and no rows.
    """
    result = resampled.frame if after is None else after
    check_reported(sampler)
    _check_columns(before, result, sampler)
    counted = class_counts(result, sampler.label_col, sampler.within_cols or ())
    sample = sample_of(before, result, sampler, resampled.plan)
    known = told(before, resampled, sampler, counted, sample)
    return resampling_page(replace(known, seconds=seconds or {}))


def told(
    before: DataFrame, resampled: Resampled, sampler: BaseModel, after: ClassCounts, sample: PairedSample | None
) -> Resampling:
    """Put together what a report tells; nothing runs."""
    return Resampling(
        counts_of(resampled.plan, "before"),
        resampled.plan,
        after,
        sample,
        only_added=only_added(sampler),
        adds=isinstance(sampler, Sampler) and sampler._makes != "subset",
        removes=getattr(sampler, "family", "over") != "over",
        left_null=sampler.left_null(before) if isinstance(sampler, Sampler) else (),
        notes=resampled.notes,
        warnings=tuple(map(str, resampled.warnings)),
        about=_parameters(sampler),
    )


def _parameters(sampler: BaseModel) -> dict[str, str]:
    """Return what a sampler was told, as texts."""
    given = given_to(sampler)
    if isinstance(sampler, Sampler):
        given["random_state"] = sampler.random_state
    return {name: ", ".join(map(_named, v)) if isinstance(v, tuple) else _named(v) for name, v in given.items()}


def _named(value: object) -> str:
    return type(value).__name__ if isinstance(value, BaseModel) else str(value)


def sample_of(before: DataFrame, after: DataFrame, sampler: BaseModel, plan: ResamplingPlan) -> PairedSample | None:
    """Sample what the sampler read and made, None where rows only got weights; see `paired_sample` for the cost."""
    if not isinstance(sampler, Sampler):
        return None
    schema, method = before.schema, sampler._name
    written = {field.name: field.dataType for field in after.schema.fields}
    # a weight column that was there is not as it was
    same = [f.name for f in schema.fields if written.get(f.name) == f.dataType]
    same = [name for name in same if name != getattr(sampler, "weight_col", None)]
    known = T.StructType([field for field in schema.fields if field.name in same])
    numbers, categories = _features(before, sampler)
    taken = {sampler.label_col, *(sampler.key_cols or ()), *(sampler.within_cols or ())}
    if numbers is None:
        try:
            numbers = tuple(choose_features(method, known, None, taken))
        except SparkBalanceError:
            numbers = ()
        categories = choose_categories(method, known, None, taken)
    columns = FeatureColumns(tuple(one for one in numbers if one.name in same))
    texts = tuple(name for name in categories if name in same)[:MOST_CATEGORIES]
    strata = Strata("report", schema, plan.label_col, (), _strata(plan), complete=True)
    return paired_sample(before, after, Compared(strata, columns, texts, tuple(same), only_added(sampler)))


def _features(df: DataFrame, sampler: Sampler) -> tuple[tuple[Any, ...] | None, tuple[str, ...]]:
    """Return the columns that the sampler, or its steps, learn from; None where it looks at no columns."""
    steps: tuple[Any, ...] = getattr(sampler, "_steps", (sampler,))
    found = [step.features(df) for step in steps if callable(getattr(step, "features", None))]
    if not found:
        return None, ()
    numbers = {feature.name: feature for one in found for feature in one.features}
    categories = {name: None for one in found for name in getattr(one, "categorical", ())}
    return tuple(numbers.values()), tuple(categories)


def _strata(plan: ResamplingPlan) -> tuple[Stratum, ...]:
    """Return the classes to look at, those that change first, over all groups."""
    rows: dict[Label, tuple[int, int]] = {}
    changed = set()
    for entry in plan.classes:
        before, after = rows.get(entry.label, (0, 0))
        rows[entry.label] = before + entry.before, after + entry.after
        if entry.action != "keep":
            changed.add(entry.label)
    chosen = sorted(rows, key=lambda label: (label not in changed, -rows[label][0]))[:MOST_CLASSES]
    entries = [ClassPlan((), label, rows[label][0], rows[label][1], "") for label in sorted(chosen)]
    return tuple(Stratum(code, entry) for code, entry in enumerate(entries))


def check_reported(sampler: BaseModel) -> None:
    """Refuse a sampler whose result is no table like the one before."""
    output = getattr(sampler, "output", "all")
    if output not in ("all", "added"):
        raise SparkBalanceError(
            f"report: output={output!r} of {type(sampler).__name__} returns no rows to lay beside those before; set "
            "output to 'all', or leave the report out"
        )


def _check_columns(before: DataFrame, after: DataFrame, sampler: Sampler) -> None:
    """Refuse a result that is not of these rows."""
    for field in before.schema.fields:
        there = [other.dataType for other in after.schema.fields if other.name == field.name]
        if not there:
            raise SparkBalanceError(
                f"resampling_report: after has no column '{field.name}', which before has; give the frame that "
                "resample returned, or the same as it was written"
            )
        if field.name == sampler.label_col and there != [field.dataType]:
            raise SparkBalanceError(
                f"resampling_report: the label '{field.name}' is {there[0].simpleString()} after and "
                f"{field.dataType.simpleString()} before; read the result with the schema of the frame before"
            )
