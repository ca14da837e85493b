"""The one root error: everything a user can mend by changing what they gave."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class SparkBalanceError(ValueError):
    """A user's mistake, told in one sentence.

    The sentence names the method, the column or class, the value given, what is
    allowed and what to do. A command exits 2 on it, without a traceback.
    """

    exit_code: ClassVar[int] = 2


class RefusedByGuard(SparkBalanceError):
    """A limit that the user set, `max_growth` or `max_shuffle_gb`, forbids this run. A command exits 3 on it."""

    exit_code = 3


class RecallWarning(UserWarning):
    """The neighbours found locally are estimated to miss too many of the true ones."""


class ShortWarning(UserWarning):
    """A class will have fewer rows than were wanted of it."""


class ResampledWarning(UserWarning):
    """The data that is scored has class shares as only resampled data has them."""


@contextmanager
def told_by_the_engine(method: str) -> Iterator[None]:
    """Let a sentence of a method that stopped the engine's job be a user's mistake here."""
    try:
        yield
    except Exception as failed:
        sentence = re.search(rf"{method}: .*?(?= SQLSTATE|\n|$)", str(failed))
        if sentence is None or isinstance(failed, SparkBalanceError):
            raise
        raise SparkBalanceError(sentence.group()) from failed


# what engines say of a worker that the machine, a container or a limit of its own ended
_WORKER_DIED = re.compile(
    r"Python worker exited unexpectedly|exit(?:ed with)? (?:code|status):? ?(?:is )?137|ExecutorLostFailure"
    r"|OOMKilled|memory limits|\bMemoryError\b|ArrowMemoryError"
    # killed while it was being made: no sentence, only where the JVM waited for it
    r"|EOFException\n(?:\s+at [^\n]*\n)*?\s+at [^\n]*PythonWorkerFactory|Python worker failed to connect back"
)
_HEAP_FULL = "java.lang.OutOfMemoryError"


@contextmanager
def told_of_memory(step: str) -> Iterator[None]:
    """Tell in a sentence that a worker died, for which memory is the usual reason."""
    try:
        yield
    except Exception as failed:
        if isinstance(failed, SparkBalanceError):
            raise
        said = str(failed)
        if _HEAP_FULL in said:
            what, more = (
                "a JVM of Spark had no memory left",
                "spark.executor.memory (spark.driver.memory on one machine)",
            )
        elif _WORKER_DIED.search(said):
            what, more = (
                "a Python worker or its executor died, as when memory runs out",
                "spark.executor.memoryOverhead",
            )
        else:
            raise
        raise SparkBalanceError(
            f"{step}: {what}: raise {more}, let fewer tasks run at once (spark.executor.cores), or make them smaller "
            "(a sampler's cell_rows); explain tells the memory of the largest task"
        ) from failed


def wrong_counts(method: str) -> str:
    """Return the sentence for counts that the rows belie."""
    return f"{method}: the counts given are not those of the rows read; give the right ones, or let them be counted"


def nearest_name(given: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known name, or nothing."""
    # imported here: workers import this module and never need difflib
    from difflib import get_close_matches

    close = get_close_matches(given, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
