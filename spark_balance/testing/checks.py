"""The list of checks, filled by the modules that hold them."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from spark_balance.frames.arguments import checked
from spark_balance.testing.case import Case

# what is asked of a sampler whatever it counts
WITHOUT_LABEL = frozenset(
    {
        *("declarations", "schema", "counts", "rows", "required_columns", "layouts", "duplicates", "seeds", "jobs"),
        *("nothing_is_left", "explain", "odd_frames", "round_trips", "it_cannot_be_changed"),
        "own_parameters_are_refused",
    }
)
Run = Callable[[SparkSession, Case], None]


@dataclass(frozen=True)
class Check:
    """A check, and which samplers it is for."""

    run: Run
    chosen: Callable[[Case], bool]

    def applies(self, case: Case) -> bool:
        """Return whether it is for a sampler: one of a numeric target has no classes that a frame could name."""
        return (case.by_label or str(self) in WITHOUT_LABEL) and self.chosen(case)

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
