"""What a manifest says of the rows of each class that a run made: by what, of how many bases, with which seed."""

from collections.abc import Iterator

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.app.config import Table
from spark_balance.app.steps import Steps
from spark_balance.app.storage import Pinned
from spark_balance.base.sampler import Sampler
from spark_balance.base.verify import only_added
from spark_balance.combine.combined import ChainedPlan, single_steps
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.counts import group_counts
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import ClassCounts, ClassPlan, ResamplingPlan
from spark_balance.frames.provenance import is_new
from spark_balance.frames.text import plain
from spark_balance.ml.weights import ClassWeighter

_ROWS, _BASES = temp("rows"), temp("bases")
Made = tuple[ClassCounts, ClassCounts]  # new rows of each class, and rows that they were made of


def _count_made(written: DataFrame, column: str, plan: ResamplingPlan) -> Made:
    """Count the new rows of each class and the bases they have: one job, a scan of label and provenance."""
    mark, kind = F.col(quoted(column)), written.schema[column].dataType
    of = kind["base"].dataType if isinstance(kind, T.StructType) else None
    names = of.names if isinstance(of, T.StructType) else []
    base = [mark.getField("base").getField(name).alias(temp(f"base_{i}")) for i, name in enumerate(names)]
    groups = [F.col(quoted(name)) for name in (*plan.within_cols, plan.label_col)]
    each = written.where(is_new(mark)).groupBy(*groups, *base).agg(F.count(F.lit(1)).alias(_ROWS))
    summed = each.groupBy(*groups).agg(F.sum(_ROWS).alias(_ROWS), F.count(F.lit(1)).alias(_BASES))
    *classes, rows, bases = to_arrow(summed).to_pydict().values()

    def counted(numbers: list[int]) -> ClassCounts:
        return group_counts("manifest", plan.label_col, plan.within_cols, zip(*classes, numbers, strict=True))

    return counted(rows), counted(bases)


def lineage_of(
    made_by: Sampler | ClassWeighter,
    plan: ResamplingPlan,
    after: ClassCounts,
    pinned: Pinned,
    written: DataFrame,
    steps: Steps,
) -> Table:
    """Return what is known of the rows of each class; None is what only provenance would say.

    Cost: nothing without a provenance column; with one, a job that scans label and provenance of what was written.
    """
    steps_of = single_steps(made_by) if isinstance(made_by, Sampler) else []
    makers, made = [one for one in steps_of if one.promises.rows != "subset"], None
    # a step does not say what another made
    if len(makers) == 1 and (column := makers[0].options.provenance_col) is not None:
        with steps.step("lineage"):
            made = _count_made(written, column, plan)
    classes = []
    for entry in plan.classes:
        rows, bases = _made_of(made_by, plan, entry, after), None
        if made is not None:
            rows, bases = (side.groups.get(entry.group, {}).get(entry.label, 0) for side in made)
        classes.append(
            {
                "group": [*map(plain, entry.group)],
                "label": plain(entry.label),
                "methods": [*_methods(plan, entry)],
                "rows_before": entry.before,
                "rows_made": rows,
                "bases": 0 if rows == 0 else bases,
            }
        )
    return {
        "random_state": made_by.random_state if isinstance(made_by, Sampler) else None,
        "input_version": pinned.source.version,
        "input_state": pinned.state,
        "classes": classes,
    }


def _made_of(
    made_by: Sampler | ClassWeighter, plan: ResamplingPlan, entry: ClassPlan, after: ClassCounts
) -> int | None:
    """Return the rows that were made of a class, where the counts say it."""
    if not isinstance(made_by, Sampler) or made_by.promises.rows == "subset" or not list(_methods(plan, entry)):
        return 0
    if made_by.family != "over":
        return None
    written = after.groups.get(entry.group, {}).get(entry.label, 0)
    return written - (0 if only_added(made_by) else entry.before)


def _methods(plan: ResamplingPlan, entry: ClassPlan) -> Iterator[str]:
    """Yield the methods that changed a class, in order."""
    if isinstance(plan, ChainedPlan):
        for step in plan.steps:
            for one in step.classes:
                if (one.group, one.label) == (entry.group, entry.label):
                    yield from _methods(step, one)
    elif entry.action != "keep":
        yield plan.method
