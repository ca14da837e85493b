"""The list of checks, filled by the modules that hold them."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from spark_balance.frames.arguments import checked
from spark_balance.testing.case import Case

Run = Callable[[SparkSession, Case], None]


@dataclass(frozen=True)
class Check:
    """A check, and which samplers it is for."""

    run: Run
    applies: Callable[[Case], bool]

    def __str__(self) -> str:
        return self.run.__name__.removeprefix("check_")


CHECKS: list[Check] = []


@checked
def check(applies: Callable[[Case], bool] = lambda case: True) -> Callable[[Run], Run]:
    """Put a function on the list of checks, for the samplers that it applies to."""

    def listed(run: Run) -> Run:
        CHECKS.append(Check(run, applies))
        return run

    return listed
