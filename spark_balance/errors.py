"""The one root error: everything a user can mend by changing what they gave."""

import re
from collections.abc import Iterator
from contextlib import contextmanager


class SparkBalanceError(ValueError):
    """A user's mistake, told in one sentence.

    The sentence names the method, the column or class, the value given, what is
    allowed and what to do. A command exits 2 on it, without a traceback.
    """


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


def wrong_counts(method: str) -> str:
    """Return the sentence for counts that the rows belie."""
    return f"{method}: the counts given are not those of the rows read; give the right ones, or let them be counted"


def nearest_name(given: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known name, or nothing."""
    # imported here: workers import this module and never need difflib
    from difflib import get_close_matches

    close = get_close_matches(given, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
