"""Limits that the user set, which forbid a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_balance.errors import RefusedByGuard
from spark_balance.frames.plan import ResamplingPlan
from spark_balance.frames.text import noun_of, plural

if TYPE_CHECKING:
    from spark_balance.base.sampler import Sampler


def check_growth(sampler: Sampler, plan: ResamplingPlan) -> None:
    """Refuse a plan that makes the data larger than the user allows."""
    most = sampler.max_growth
    if most is not None and plan.rows_after > most * plan.rows_before:
        growth = plan.rows_after / plan.rows_before
        raise RefusedByGuard(
            f"{sampler.name}: the plan turns {plan.rows_before} rows into {plan.rows_after}, {growth:.3g} times as "
            f"many; max_growth={most:g} refuses that; lower sampling_strategy or raise max_growth"
        )


def check_class_rows(sampler: Sampler, plan: ResamplingPlan) -> None:
    """Refuse a plan that makes rows of a class with fewer than the user allows."""
    least = sampler.options.min_class_rows
    for entry in plan.classes:
        if least is not None and entry.before < least and entry.before < entry.after:
            noun = noun_of(plan.label_col)
            weigh = "ClassWeighter" if noun == "class" else "relevance_weights"
            raise RefusedByGuard(
                f"{sampler.name}: {noun} {entry.label!r}{entry.group_name(plan.within_cols)} has "
                f"{plural(entry.before, 'row')} to make others of, too few to hide in; min_class_rows={least} refuses "
                f"that; leave the {noun} out of sampling_strategy, weigh it with {weigh}, or lower min_class_rows"
            )
