"""Errors that a user can fix, all under one root, and the warnings."""

import inspect
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class SparkBalanceError(ValueError):
    """A mistake of the user, explained in one sentence; its kinds are in `spark_balance.errors`.

    The sentence names the method, the column or class, the value given, what is
    allowed and what to do. A command exits 2 on it, without a traceback.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, sentence: str = "") -> None:
        # what a user gave may have lines of its own: a frame, or a name
        super().__init__(sentence.replace("\n", "\\n"))


class ParameterError(SparkBalanceError):
    """A parameter, or a combination of parameters, has a value that is not allowed."""


class StrategyError(ParameterError):
    """A `sampling_strategy`, or another plan, names an unknown class or a count that the class cannot have."""


class ColumnError(SparkBalanceError):
    """A column is missing, is given twice, has the wrong type or has a name that is already taken."""


class BadValuesError(SparkBalanceError):
    """A column holds values that the method cannot use: NULL, NaN, infinite, negative or unknown."""


class TooFewRowsError(SparkBalanceError):
    """A class, group or fold has fewer rows than the method needs."""


class CountsError(SparkBalanceError):
    """The given class counts, or those of a unique key, differ from the rows that were read."""


class ConfigError(SparkBalanceError):
    """A configuration file or an option of the command line is wrong."""


class InputError(SparkBalanceError):
    """The input does not exist, cannot be read or changed during the run."""


class OutputError(SparkBalanceError):
    """An output, manifest or report cannot be written, would replace data or changed during the run."""


class EngineError(SparkBalanceError):
    """The engine is unknown, cannot be started, lacks a feature or ran out of memory."""


class EngineFailureError(SparkBalanceError):
    """The engine failed, or the machine below it: a disk is full, a server went away. A command exits 1 on it."""

    exit_code = 1


class RefusedByGuard(SparkBalanceError):
    """A limit that the user set, such as `max_growth`, forbids this run. A command exits 3 on it."""

    exit_code = 3


class LabelWarning(UserWarning):
    """Most of many classes have one row, as if the label were a measurement or a key."""


class CategoryWarning(UserWarning):
    """A category has nearly as many values as a class has rows, as a key has."""


class RecallWarning(UserWarning):
    """The search is estimated to miss too many of the true neighbors."""


class ScaleWarning(UserWarning):
    """A few far values leave too few steps between the others."""


class ShortWarning(UserWarning):
    """A class will have fewer rows than its target."""


class DriftWarning(UserWarning):
    """The class shares of a batch of a stream are far from those before it."""


class ResampledWarning(UserWarning):
    """The scored data has class shares that only resampled data has."""


class LoggedBeforeWarning(UserWarning):
    """A run of MLflow has other parameters of a resampling, and MLflow does not change them."""


_MARK = ("[spark_balance", ".errors.{}] ")


def mark(kind: type[SparkBalanceError]) -> tuple[str, str]:
    """Return the two halves of what tells a sentence of ours from other text in an engine's error."""
    return _MARK[0], _MARK[1].format(kind.__name__)


@contextmanager
def raise_engine_sentences() -> Iterator[None]:
    """Raise the sentence with which we stopped a job of the engine as an error of the user."""
    try:
        yield
    except Exception as failed:
        ours = "".join(map(re.escape, _MARK)).replace(re.escape("{}"), r"(\w+Error)")
        found = re.search(rf"{ours}(.*?)(?= SQLSTATE|\n|$)", str(failed))
        if found is None or isinstance(failed, SparkBalanceError):
            raise
        kind: type[SparkBalanceError] = globals().get(found[1], SparkBalanceError)
        raise kind(found[2]) from failed


# how engines report a worker that the machine, a container or its own limit killed
_WORKER_DIED = re.compile(
    r"Python worker exited unexpectedly|exit(?:ed with)? (?:code|status):? ?(?:is )?137|ExecutorLostFailure"
    r"|OOMKilled|memory limits|\bMemoryError\b|ArrowMemoryError"
    # killed at its start: no sentence, only where the JVM waited for it
    r"|EOFException\n(?:\s+at [^\n]*\n)*?\s+at [^\n]*PythonWorkerFactory|Python worker failed to connect back"
)
_HEAP_FULL = "java.lang.OutOfMemoryError"


@contextmanager
def explain_memory_failure(step: str) -> Iterator[None]:
    """Explain in one sentence that a worker died, for which memory is the usual reason."""
    try:
        yield
    except Exception as failed:
        if isinstance(failed, SparkBalanceError):
            raise
        said = str(failed)
        if _HEAP_FULL in said:
            what, more = (
                "a JVM of Spark ran out of memory",
                "spark.executor.memory (spark.driver.memory on one machine)",
            )
        elif _WORKER_DIED.search(said):
            what, more = (
                "a Python worker or its executor died, as when memory runs out",
                "spark.executor.memoryOverhead",
            )
        else:
            raise
        raise EngineError(
            f"{step}: {what}; raise {more}, run fewer tasks at once (spark.executor.cores) or make them smaller "
            "(cell_rows of the sampler); explain shows the memory of the largest task"
        ) from failed


def wrong_counts(method: str) -> str:
    """Return the sentence for counts that differ from the rows."""
    return f"{method}: the given counts differ from the rows; give the right counts, or leave them out"


def nearest_name(given: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known name, or nothing."""
    # imported here: workers import this module and never need difflib
    from difflib import get_close_matches

    close = get_close_matches(given, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def warn_user(warning: Warning) -> None:
    """Warn of the line of the user's that called into this package."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals["__name__"].startswith("spark_balance."):
        level, frame = level + 1, frame.f_back
    warnings.warn(warning, stacklevel=level)
