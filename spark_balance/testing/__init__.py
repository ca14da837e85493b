"""The checks that every sampler of this package passes, for samplers of your own.

``check_sampler(spark, sampler)`` runs all of them; ``@parametrize_with_checks([...])`` makes a test of each. The
frames that they work on have the columns ``id`` (a unique key), ``label``, the features ``x``, ``y`` and ``n``, and
others; give the sampler these names. Needs ``pip install "spark-balance[testing]"``.
"""

from collections.abc import Callable, Sequence
from typing import Any

from spark_balance.base.sampler import Sampler
from spark_balance.frames.arguments import Session, checked
from spark_balance.testing import odd, promises, refusals, same, sizes, windows, work
from spark_balance.testing.case import Case, CheckFailed, Make
from spark_balance.testing.checks import CHECKS, Check, check

__all__ = ["CHECKS", "Case", "Check", "CheckFailed", "check", "check_sampler", "parametrize_with_checks"]

# importing them has filled the list
_HOMES = (odd, promises, refusals, same, sizes, windows, work)


@checked
def check_sampler(spark: Session, sampler: Sampler | Make) -> list[str]:
    """Run every check that applies to a sampler, and stop at the first that fails.

    Parameters
    ----------
    spark : SparkSession
        Any engine; small jobs run, which take five to ten seconds on Sail where the method searches no neighbors.
    sampler : Sampler or callable
        A sampler with ``label_col="label"``, or ``target_col="y"`` with control points of a relevance, and, where it
        takes them, ``key_cols="id"`` and
        ``feature_cols=("x", "y", "n")``; or what makes one and takes parameters to lay over its own, such as
        ``functools.partial(MySampler, label_col="label")``.

    Returns
    -------
    list of str
        The names of the checks that it passed.

    Raises
    ------
    CheckFailed
        With one sentence that says what is not as declared.
    """
    case = Case.of(sampler)
    for one in (applying := _applying(case)):
        one.run(spark, case)
    return [str(one) for one in applying]


@checked
def parametrize_with_checks(samplers: Sequence[Sampler | Make]) -> Callable[..., Any]:
    """Make a test of each check that applies to each sampler.

    The test takes ``case`` and ``check``, and a session of its own: ``check.run(spark, case)``.

    Parameters
    ----------
    samplers : sequence of Sampler or callable
        As `check_sampler` takes them.
    """
    import pytest

    crossed = [(one, case) for case in map(Case.of, samplers) for one in _applying(case)]
    return pytest.mark.parametrize(
        ("check", "case"), [pytest.param(one, case, id=f"{case}-{one}") for one, case in crossed]
    )


def _applying(case: Case) -> list[Check]:
    return [one for one in CHECKS if one.applies(case)]
