"""Assess synthetic rows: are they copies, does their class lie there, do they give a record away, do they help."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from pyspark.sql import DataFrame

from spark_balance.errors import BadValuesError, ParameterError, TooFewRowsError, nearest_name
from spark_balance.frames.arguments import checked
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import names_in
from spark_balance.frames.counts import class_counts
from spark_balance.frames.plan import ClassPlan
from spark_balance.frames.text import plural
from spark_balance.kernels.closest import Asked
from spark_balance.kernels.draws import stream
from spark_balance.neighbors.closest import find_closest
from spark_balance.report.findings import some_of
from spark_balance.trust.compared import METHOD, choose_compared
from spark_balance.trust.drawn import (
    NOT_THERE,
    Drawn,
    count_alike,
    count_new,
    count_repeated,
    draw_rows,
    join_rows,
    share_of_groups,
)
from spark_balance.trust.facts import SEARCHED, Facts, scale_of
from spark_balance.trust.figures import FIGURES
from spark_balance.trust.near import Near
from spark_balance.trust.report import TrustReport

MOST_BYTES = 64 * 2**20  # of the numbers of all drawn rows on the driver
DRAWN, FEWEST = 10_000, 20  # drawn rows of a class, at most, and rows that are judged, at least


@checked
def assess_synthetic(
    before: DataFrame,
    after: DataFrame,
    *,
    label_col: str,
    provenance_col: str | None = None,
    feature_cols: Sequence[str] | None = None,
    categorical_features: Sequence[str] = (),
    group_cols: str | Sequence[str] = (),
    holdout: DataFrame | None = None,
    figures: Sequence[str] = FIGURES,
    sample: int = 1_000,
    tolerance: float = 0.0,
    random_state: int = 0,
) -> TrustReport:
    """Say whether new rows can be trusted: figures about them, beside the same figures about originals.

    Parameters
    ----------
    before : DataFrame
        The frame that was resampled: the originals.
    after : DataFrame
        The result, best as it was written and read back: it is read twice. Without a provenance column the new rows
        alone.
    label_col : str
        Column with the class of each row.
    provenance_col : str, optional
        The column of `after` that says which rows are new and what they are made of, as samplers add it under this
        name; the one of its form unless given. The parents of a new row, its base and its neighbor, are left out of
        what it is compared with. Without such a column, as for rows of another generator, nothing is left out.
    feature_cols : sequence of str, optional
        Numbers to compare; default every numeric column that has no other role.
    categorical_features : sequence of str, optional
        Categories to compare.
    group_cols : str or sequence of str, optional
        Columns of `before` that make an entity: a customer, a patient.
    holdout : DataFrame, optional
        Originals that the sampler did not see. Without it, held-out originals are drawn from `before` by a hash, the
        same ones each time; each is compared with all others, and `utility` leaves new rows out that are made of them.
    figures : sequence of str, optional
        Some of 'copies', 'distance_to_closest_record', 'nearer_to_other_class', 'off_support', 'drift', 'correlation',
        'detectable', 'utility' and 'concentration'; default all. 'detectable' and 'utility' need scikit-learn.
    sample : int, default 1,000
        New rows of each class whose nearest originals are looked up, among all originals; of held-out originals half as
        many. A share has an error of at most 0.03 and 0.04 then, a rare one of less. Time grows with it.
    tolerance : float, default 0
        Distance, in standard deviations of a feature, up to which `copies.within` counts a new row as a copy.
    random_state : int
        Seed of the draws and of the models.

    Returns
    -------
    TrustReport
        The figures of each class that has new rows, what a person should look at, and a verdict; prints as a table.
        `ClassTrust` and the classes of its figures define each with its unit and its source.

    Raises
    ------
    SparkBalanceError
        When a column is absent or of another type in `after`, a new row lacks a number, a class has new rows and no
        original, a figure is unknown, or scikit-learn is missing.

    Notes
    -----
    Cost: six jobs, one more for `group_cols` and two for a `holdout`. They scan the features of `before` four times and
    of `after` once; they shuffle a hash of each original of the classes with new rows. No row is searched in a cell:
    every task compares its originals with the drawn rows, so time grows with rows times `sample`. The driver gets at
    most 10,000 different rows of each class and side, and about 64 MiB. Originals with a NULL feature are left out.

    Examples
    --------
    >>> rows = [(i, float(i % 17), float(i % 23), int(i % 10 == 0)) for i in range(600)]
    >>> df = spark.createDataFrame(rows, "id int, x double, y double, rare int")
    >>> made = SMOTE(label_col="rare", key_cols="id", provenance_col="from").fit_resample(df)
    >>> report = assess_synthetic(df, made, label_col="rare", provenance_col="from", figures=["copies", "off_support"])
    >>> report.worst("off_support")[0], report.classes[0].new_rows
    (1, 480)
    """
    groups = names_in(group_cols)
    _check_numbers(figures, sample, tolerance, groups, provenance_col)
    compared = choose_compared(
        before, after, label_col, provenance_col, feature_cols, tuple(categorical_features), groups
    )
    if holdout is not None:
        compared.check_unseen(holdout)
    wanted = frozenset(figures)
    counted = class_counts(before, label_col)
    entries = {i: ClassPlan((), label, n, n, "") for i, (label, n) in enumerate(sorted(counted.rows.items()))}
    strata = Strata(METHOD, before.schema, label_col, (), entries, complete=True)
    new_rows, originals = compared.new_rows(after), compared.originals(before)
    made = count_new(new_rows, strata)
    if not made:
        return TrustReport((), compared.names)
    numbers = compared.numbers_of(before)
    width, seed = len(numbers), stream(random_state, "assess")
    most = min(DRAWN, max(FEWEST, MOST_BYTES // (16 * (width + 8) * len(entries))))
    of_made = strata.of_ids(list(made))
    alike = count_alike(originals, of_made) if "copies" in wanted else None
    features = compared.features
    old = draw_rows(originals, features, strata, strata.sizes, most, seed, width)[0].whole
    new_sizes = {code: one.rows for code, one in made.items()}
    new, copied = draw_rows(new_rows, features, strata, new_sizes, most, seed, width, alike)
    if broken := len(new.code) - len(new.whole.code):
        missing = [name for name, column in zip(numbers, new.numbers.T, strict=True) if np.isnan(column).any()]
        raise BadValuesError(
            f"{METHOD}: {broken:,} of {len(new.code):,} drawn new rows have NULL, NaN or infinity in "
            f"{some_of(missing)}; name with feature_cols the columns that new rows have values in"
        )
    held = None
    if holdout is not None:
        there = class_counts(holdout, label_col).rows
        sizes = {code: there.get(entry.label, 0) for code, entry in entries.items()}
        held = draw_rows(compared.originals(holdout), features, strata, sizes, most, seed, width)[0].whole
    near = {}
    if wanted & SEARCHED or tolerance:
        points = originals.select("*", *[one.alias(name) for name, one in features.items()])
        near = _look_up(points, old, new, held, strata, sample)
    shared = groups and "concentration" in wanted
    facts = Facts(
        {code: entry.label for code, entry in entries.items()},
        strata.sizes,
        made,
        new,
        old,
        held,
        numbers,
        compared.categories,
        near,
        copies={} if alike is None else copied,
        repeated={} if alike is None else count_repeated(alike),
        entities=share_of_groups(originals, new_rows, of_made, groups) if shared else {},
    )
    seed = random_state % 2**32
    return TrustReport(tuple(facts.judge(code, wanted, tolerance, seed) for code in sorted(made)), compared.names)


def _look_up(
    points: DataFrame, old: Drawn, new: Drawn, held: Drawn | None, strata: Strata, sample: int
) -> dict[int, tuple[Near, Near]]:
    """Search among all originals for those nearest to new rows and to held-out originals of each class: a job."""
    codes = np.unique(new.code).tolist()
    others = old if held is None else held
    parts = [part for code in codes for part in (new.of(code, sample), others.of(code, max(FEWEST, sample // 2)))]
    for code, few in zip(codes, parts[1::2], strict=True):
        if len(few.code) < 2:
            raise TooFewRowsError(
                f"{METHOD}: class {strata.entries[code].label!r} has {plural(len(few.code), 'different original')} to "
                "compare new rows with, which needs 2; leave the class out of both frames"
            )
    asked, scale = join_rows(parts), scale_of(old, strata.sizes)
    row, hi, lo = asked.all_parents
    whole = scale.integers(asked.numbers, np.int32)
    question = Asked(whole, asked.categories, asked.code, round(scale.unit**2), row, hi, lo)
    found = find_closest(strata.only(points, {}), question, scale)
    if len(row) and not np.isfinite(found.parent).any():
        raise BadValuesError(NOT_THERE)
    ends, near = np.cumsum([0, *[len(part.code) for part in parts]]).tolist(), []
    for i, part in enumerate(parts):
        among = bool(i % 2) and held is None
        near.append(Near(found, slice(ends[i], ends[i + 1]), part.times, scale.unit, among=among))
    return dict(zip(codes, zip(near[::2], near[1::2], strict=True), strict=True))


def _check_numbers(
    figures: Sequence[str], sample: int, tolerance: float, groups: tuple[str, ...], provenance_col: str | None
) -> None:
    for name in figures:
        if name not in FIGURES:
            raise ParameterError(
                f"{METHOD}: figures has {name!r}; the figures are {', '.join(FIGURES)}{nearest_name(name, FIGURES)}"
            )
    if isinstance(sample, bool) or not FEWEST <= sample <= DRAWN:
        raise ParameterError(f"{METHOD}: sample={sample!r} is refused; give a whole number from {FEWEST} to {DRAWN:,}")
    if not 0 <= tolerance < float("inf"):
        raise ParameterError(f"{METHOD}: tolerance={tolerance!r} is refused; give standard deviations, 0 or more")
    if groups and provenance_col is None:
        raise ParameterError(
            f"{METHOD}: group_cols needs provenance_col, which names the base of a new row; name it too"
        )
    if {"detectable", "utility"} & set(figures) and find_spec("sklearn") is None:
        raise ParameterError(
            f"{METHOD}: figures 'detectable' and 'utility' fit models of scikit-learn, which is not installed: pip "
            "install 'spark-balance[models]', or name other figures"
        )
