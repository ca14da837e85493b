"""The report of one resampling: what to compare, sampled from both frames, as a page."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from pydantic import BaseModel
from pyspark.sql import DataFrame, types as T

from spark_balance.base.node import Resampled
from spark_balance.base.parameters import given_to
from spark_balance.base.sampler import Sampler
from spark_balance.base.verify import counts_of, only_added
from spark_balance.errors import ColumnError, ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import Feature, choose_categories, choose_features
from spark_balance.frames.counts import class_counts
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.plan import ClassCounts, ClassPlan, Label, ResamplingPlan
from spark_balance.neighbors.space import MixedColumns
from spark_balance.report.made_of import made_of, refuse_unknown_origins
from spark_balance.report.page import Page, check_installed
from spark_balance.report.paired_sample import MOST_CATEGORIES, Compared, PairedSample, paired_sample
from spark_balance.report.resampled import Resampling
from spark_balance.report.resampling_page import resampling_page
from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler

MOST_CLASSES = 8  # classes to sample: those that change first, then the largest


@checked
def resampling_report(
    before: DataFrame,
    resampled: Resampled,
    sampler: Sampler,
    after: DataFrame | None = None,
    seconds: Mapping[str, float] | None = None,
    new_rows: int = 0,
) -> Page:
    """Return the report of a resampling as one HTML document, for `displayHTML` or a file.

    Parameters
    ----------
    before : DataFrame
        The frame that was resampled.
    resampled : Resampled
        The result of ``sampler.resample(before)``.
    sampler : Sampler
        The sampler.
    after : DataFrame, optional
        The result as it was written and read back. Without it the lazy frame is evaluated three times.
    seconds : dict of str to float, optional
        Seconds of each step, to show as timings.
    new_rows : int
        Show that many new rows beside the rows they are made of, which takes a `provenance_col` and one more scan of
        each side. They are rows of your data: without this, the page holds none.

    Returns
    -------
    Page
        A string; notebooks show it.

    Raises
    ------
    SparkBalanceError
        If jinja2 is not installed, `after` does not have the columns of `before`, or `new_rows` are asked for without
        a provenance column.

    Notes
    -----
    Cost: one job that counts the classes after, and four that sample: two scans of each side. About 20,000 rows of
    each side at most come to the driver. The page holds class labels, column names, values of categories and points,
    and no rows unless `new_rows` are asked for.

    Examples
    --------
    >>> df = spark.createDataFrame([(float(i), i % 10 == 0) for i in range(100)], "x double, rare boolean")
    >>> sampler = SMOTE(label_col="rare")
    >>> page = resampling_report(df, sampler.resample(df), sampler)
    >>> "100 rows became 180" in page
    True
    """
    result = resampled.frame if after is None else after
    refuse_unreported(sampler, before.schema, new_rows)
    sampler = sampler.fitted(before)
    before, result = sampler.labelled(before), sampler.labelled(result)
    _check_columns(before, result, sampler)
    counted = class_counts(result, sampler.class_col, sampler.within_cols or ())
    sample = draw_sample(before, result, sampler, resampled.plan)
    known = gather_facts(before, resampled, sampler, counted, sample)
    shown = made_of(before, result, sampler, new_rows)
    return resampling_page(replace(known, seconds=seconds or {}, made_of=shown))


def gather_facts(
    before: DataFrame, resampled: Resampled, sampler: BaseModel, after: ClassCounts, sample: PairedSample | None
) -> Resampling:
    """Put together the facts of a report; nothing runs."""
    return Resampling(
        counts_of(resampled.plan, "before"),
        resampled.plan,
        after,
        sample,
        only_added=only_added(sampler),
        adds=isinstance(sampler, Sampler) and sampler.promises.rows != "subset",
        removes=isinstance(sampler, Sampler) and sampler.family != "over",
        left_null=sampler.left_null(before) if isinstance(sampler, Sampler) else (),
        notes=resampled.notes,
        warnings=tuple(map(str, resampled.warnings)),
        about=_parameters(sampler),
    )


def _parameters(sampler: BaseModel) -> dict[str, str]:
    """Return the parameters of a sampler as texts."""
    given = given_to(sampler)
    if isinstance(sampler, Sampler):
        given["random_state"] = sampler.random_state
    several = {name: value if isinstance(value, tuple) else (value,) for name, value in given.items()}
    return {
        name: ", ".join(type(one).__name__ if isinstance(one, BaseModel) else str(one) for one in values)
        for name, values in several.items()
    }


def draw_sample(before: DataFrame, after: DataFrame, sampler: BaseModel, plan: ResamplingPlan) -> PairedSample | None:
    """Sample what the sampler read and made, None where rows only got weights; see `paired_sample` for the cost."""
    if not isinstance(sampler, Sampler):
        return None
    schema, method = before.schema, sampler.name
    written = {field.name: field.dataType for field in after.schema.fields}
    # a weight column that was there is not as it was
    same = [f.name for f in schema.fields if written.get(f.name) == f.dataType]
    if isinstance(sampler, RandomUnderSampler):
        same = [name for name in same if name != sampler.weight_col]
    known = T.StructType([field for field in schema.fields if field.name in same])
    used = sampler.features(before)
    numbers: Sequence[Feature] = () if used is None else used.features
    categories = used.categorical if isinstance(used, MixedColumns) else ()
    if used is None:  # it looks at no columns
        with suppress(ColumnError):  # without a column of numbers
            numbers = choose_features(method, known, None, sampler.roles)
        categories = choose_categories(method, known, None, sampler.roles)
    columns = FeatureColumns(tuple(one for one in numbers if one.name in same))
    texts = tuple(name for name in categories if name in same)[:MOST_CATEGORIES]
    strata = Strata("report", schema, plan.label_col, (), dict(enumerate(_shown(plan))), complete=True)
    return paired_sample(before, after, Compared(strata, columns, texts, tuple(same), only_added(sampler)))


def _shown(plan: ResamplingPlan) -> list[ClassPlan]:
    """Return the classes to sample, those that change first, over all groups."""
    rows: dict[Label, tuple[int, int]] = {}
    changed = set()
    for entry in plan.classes:
        before, after = rows.get(entry.label, (0, 0))
        rows[entry.label] = before + entry.before, after + entry.after
        if entry.action != "keep":
            changed.add(entry.label)
    chosen = sorted(rows, key=lambda label: (label not in changed, -rows[label][0]))[:MOST_CLASSES]
    return [ClassPlan((), label, rows[label][0], rows[label][1], "") for label in sorted(chosen)]


def refuse_unreported(sampler: BaseModel, schema: T.StructType, new_rows: int = 0) -> None:
    """Refuse a sampler whose result is not a table like the one before, and new rows that do not name their bases."""
    check_installed("report", "jinja2", "renders the page", "report")
    if isinstance(sampler, Sampler) and sampler.options.output == "removed_keys":
        raise ParameterError(
            f"report: output='removed_keys' of {sampler.name} returns no rows to compare with those before; set "
            "output to 'all', or leave the report out"
        )
    refuse_unknown_origins(new_rows, sampler, schema)


def _check_columns(before: DataFrame, after: DataFrame, sampler: Sampler) -> None:
    """Refuse a result that is not of these rows."""
    for field in before.schema.fields:
        there = [other.dataType for other in after.schema.fields if other.name == field.name]
        if not there:
            raise ColumnError(
                f"resampling_report: after has no column '{field.name}', which before has; give the frame that "
                "resample returned, or the same as it was written"
            )
        if field.name == sampler.class_col and there != [field.dataType]:
            raise ColumnError(
                f"resampling_report: the label '{field.name}' is {there[0].simpleString()} after and "
                f"{field.dataType.simpleString()} before; read the result with the schema of the frame before"
            )
