"""Probabilities of a model trained on resampled rows, brought back to the data as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

from pyspark.sql import DataFrame

from spark_balance.columns import check_columns, check_frame, check_new_column
from spark_balance.errors import SparkBalanceError
from spark_balance.ml.probabilities import Probabilities, put
from spark_balance.summary import ClassCounts, Label, ResamplingPlan, is_number

Prior = Mapping[Label, float] | ClassCounts
Record = ResamplingPlan | Mapping[str, Any]


def correct_prior(
    df: DataFrame,
    probability_col: str,
    before: Prior | Record,
    after: Prior | None = None,
    labels: Sequence[Label] | None = None,
    output_col: str | None = None,
) -> DataFrame:
    """Correct the probabilities of a classifier that was trained on other class shares than it meets.

    Parameters
    ----------
    df : DataFrame
        Scored rows.
    probability_col : str
        A vector or an array of doubles, one probability for each class in the order of `labels`; or one
        double, the probability of the second of two classes.
    before, after : dict of label to number, or ClassCounts
        Rows or shares (any positive multiple) of each class in the data as it is, and in what the model was
        trained on.
    before : ResamplingPlan or dict
        Or both at once: the plan of the sampler or `ClassWeighter`, or a run's manifest as `read_manifest`
        returns it, which tells the rows that were written. Rows count as often as their weight says.
    labels : sequence of label, optional
        The classes in the order of the probabilities. Needed unless they are the numbers 0, 1, ... or False
        and True, since `StringIndexer` orders by frequency.
    output_col : str, optional
        Write the result here; `probability_col` is replaced when not given.

    Returns
    -------
    DataFrame
        The frame with corrected probabilities of the same type, summing to 1; NULL stays NULL. A prediction
        column is left as it was: decide anew with `decide_by_cost`.

    Raises
    ------
    SparkBalanceError
        When a class is missing on one side or has no rows there, or the column does not fit. A row with
        another number of probabilities than classes stops the job.

    Notes
    -----
    p'(c) is p(c) * before(c) / after(c), divided by its sum over the classes; for two classes that is Elkan's
    theorem 2, and Dal Pozzolo's formula when only the majority was sampled. It is exact when resampling
    kept each class's distribution: under-sampling, replication, class weights. Synthetic rows change it, so
    after SMOTE the result is an approximation. Rows that were downsampled and upweighted need no correction: their
    plan leaves probabilities as they are.

    Cost: column expressions only; no job, no shuffle, no Python worker.

    References
    ----------
    Elkan, C. (2001), The foundations of cost-sensitive learning. IJCAI.
    Dal Pozzolo, A. et al. (2015), Calibrating probability with undersampling for unbalanced classification. SSCI.
    Saerens, M. et al. (2002), Adjusting the outputs of a classifier to new a priori probabilities. Neural Computation.
    """
    method = "correct_prior"
    check_frame(method, df.schema)
    check_columns(method, df.schema, [probability_col], "probability_col")
    if output_col is not None:
        check_new_column(method, df.schema, output_col, "output_col")
    natural, trained = _priors(method, before, after)
    probabilities = Probabilities.of(method, df.schema, probability_col, _order(method, natural, labels))
    factors = [natural[label] / trained[label] for label in probabilities.labels]
    scaled = [factor / max(factors) for factor in factors]
    return put(df, output_col or probability_col, probabilities.scaled(scaled))


def _priors(method: str, before: Prior | Record, after: Prior | None) -> tuple[dict[Label, float], dict[Label, float]]:
    """Return the share of each class in the data as it is and in what was trained on."""
    if after is not None:
        natural, trained = shares_of(method, before, "before"), shares_of(method, after, "after")
        if set(natural) != set(trained):
            odd = sorted(map(repr, set(natural) ^ set(trained)))
            raise SparkBalanceError(f"{method}: class {odd[0]} is in only one of before and after; give both")
        return natural, trained
    plan = _entries(method, before)
    natural = _checked(method, {label: rows for label, rows, _ in plan}, "before")
    return natural, _checked(method, {label: rows for label, _, rows in plan}, "after")


def _entries(method: str, record: object) -> list[tuple[Label, float, float]]:
    """Read class, rows before and weighted rows after from a plan or a manifest."""
    if isinstance(record, ResamplingPlan):
        within = record.within_cols
        entries = [(one.label, float(one.before), one.after * one.weight) for one in record.classes]
    elif isinstance(record, Mapping) and isinstance(record.get("plan"), Mapping):
        try:
            within, entries = tuple(record["plan"]["within_cols"]), _recorded(record)
        except (KeyError, TypeError, AttributeError) as odd:
            raise SparkBalanceError(f"{method}: before is no run's manifest: {odd!r}; see read_manifest") from None
    else:
        raise SparkBalanceError(
            f"{method}: before is a {type(record).__name__} and after is not given; "
            "give both as {label: rows}, or a ResamplingPlan or a run's manifest alone"
        )
    if within:
        raise SparkBalanceError(
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


def shares_of(method: str, given: object, when: str) -> dict[Label, float]:
    """Return positive numbers per class: given as counts, shares, or as a plan's rows before."""
    if isinstance(given, ClassCounts):
        return _checked(method, given.rows, when)
    if isinstance(given, ResamplingPlan) or (isinstance(given, Mapping) and "plan" in given):
        return _checked(method, {label: rows for label, rows, _ in _entries(method, given)}, when)
    if not isinstance(given, Mapping) or len(given) < 2:
        raise SparkBalanceError(f"{method}: {when}={given!r} is refused; give {{label: rows}} of at least 2 classes")
    return _checked(method, given, when)


def _checked(method: str, shares: Mapping[Label, Any], when: str) -> dict[Label, float]:
    for label, share in shares.items():
        if not is_number(share) or share <= 0:
            raise SparkBalanceError(
                f"{method}: {when} has {share!r} for class {label!r}; a class without rows there has no probability "
                "to correct, so give a number above 0"
            )
    return {label: float(share) for label, share in shares.items()}


def _order(method: str, natural: Mapping[Label, float], labels: Sequence[Label] | None) -> tuple[Label, ...]:
    known = list(natural)
    if labels is None:
        if all(isinstance(label, Real | Decimal) for label in known) and sorted(known) == list(range(len(known))):
            return tuple(sorted(known))
        raise SparkBalanceError(
            f"{method}: the order of the classes {', '.join(map(repr, known[:20]))} in the probabilities is not known; "
            "give labels, such as StringIndexerModel.labels"
        )
    if len(labels) != len(known) or set(labels) != set(known):
        raise SparkBalanceError(
            f"{method}: labels={list(labels)!r} are not the classes {', '.join(map(repr, known[:20]))}; name each once"
        )
    return tuple(labels)
