"""One sampler to check, and what it makes of a frame."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession, types as T

from spark_balance.base.sampler import Sampler
from spark_balance.errors import ParameterError, RecallWarning, SparkBalanceError
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import ClassCounts, ClassPlan, Group, Label, ResamplingPlan, is_missing
from spark_balance.testing import frames

Make = Callable[..., Sampler]
WIDE = 6  # standard deviations of a sum of that many draws


class CheckFailed(AssertionError):
    """A sampler does not do what it declares; the message says what in one sentence."""


@contextmanager
def unwarned() -> Iterator[None]:
    """Ignore warnings of recall: the cells of small frames are smaller than any that recall is promised for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecallWarning)
        yield


def expect(holds: bool, sentence: str) -> None:
    """Fail a check with this sentence unless it holds."""
    if not holds:
        raise CheckFailed(sentence)


@dataclass(frozen=True)
class Outcome:
    """What a sampler made of a frame.

    Attributes
    ----------
    plan : ResamplingPlan
    before, after : StructType
        The schemas.
    table : list of dict
        The rows.
    """

    plan: ResamplingPlan
    before: T.StructType
    after: T.StructType
    table: list[dict[str, Any]]

    @cached_property
    def rows(self) -> Counter[str]:
        """How often each row is there, with the columns of the frame alone."""
        return counted_rows(self.table, self.before.names)

    @cached_property
    def everything(self) -> Counter[str]:
        """How often each row is there, with the columns that the sampler added."""
        return counted_rows(self.table, self.after.names)

    @cached_property
    def by_class(self) -> Counter[tuple[Group, Label]]:
        """Rows of each class of each group; all rows without a label are the class None."""
        names, label = self.plan.within_cols, self.plan.label_col
        return Counter((_group(row[name] for name in names), _class_of(row[label])) for row in self.table)

    def rows_of(self, entry: ClassPlan) -> int:
        """Return the rows of a class of the plan."""
        return self.by_class[_group(entry.group), entry.label]


def counted_rows(table: Iterable[Mapping[str, Any]], names: Collection[str]) -> Counter[str]:
    """Count equal rows by their text, in which NaN is NaN and a map is its entries."""
    return Counter(repr([row[name] for name in names]) for row in table)


def difference(found: Counter[str], expected: Counter[str], most: int = 3) -> str:
    """Return in how many rows two results differ, with the first of those in one alone; '' if they are equal."""
    parts = [
        f"{more.total()} {what}, such as {', '.join(sorted(more)[:most])}"
        for what, more in (("unexpected", found - expected), ("missing", expected - found))
        if more
    ]
    return "; ".join(parts)


def expect_same(found: Counter[str], expected: Counter[str], sentence: str) -> None:
    """Fail a check with this sentence and the first rows that differ, unless two results are equal."""
    expect(found == expected, f"{sentence}: {difference(found, expected)}")


def _class_of(label: object) -> Label:
    if isinstance(label, list):
        return tuple(sorted({one for one in label if one is not None}))
    return None if is_missing(label) else label


def _group(values: Iterable[object]) -> Group:
    return tuple("NaN" if is_missing(value) and value is not None else value for value in values)


@dataclass(frozen=True)
class Case:
    """A sampler to check.

    Parameters
    ----------
    make : callable
        Takes parameters and returns the sampler with those laid over its own, such as
        ``functools.partial(MySampler, label_col="label", key_cols="id")``.
    name : str
        How failures call it.
    """

    make: Make
    name: str

    @classmethod
    def of(cls, given: Sampler | Make | Case) -> Case:
        """Make a case of a sampler, or of what makes one."""
        if isinstance(given, Case):
            return given
        if isinstance(given, Sampler):
            given = partial(type(given), **{name: getattr(given, name) for name in given.model_fields_set})
        made = given()
        if not isinstance(made, Sampler):
            raise ParameterError(
                f"check_sampler: {given!r} makes {made!r}; give a sampler, or a function that makes one"
            )
        return cls(given, type(made).__name__)

    def __str__(self) -> str:
        return self.name

    def __call__(self, **more: Any) -> Sampler:
        """Make the sampler, with other parameters on top."""
        return self.make(**more)

    @cached_property
    def sampler(self) -> Sampler:
        """The sampler with its own parameters."""
        return self.make()

    @property
    def kind(self) -> type[Sampler]:
        """Its class."""
        return type(self.sampler)

    @property
    def by_label(self) -> bool:
        """Whether classes are those of a label, and not bins of a numeric target."""
        return "label_col" in self.kind.model_fields

    @property
    def adds(self) -> bool:
        """Whether it is a method that adds rows."""
        return self.kind.family == "over"

    @property
    def cleans(self) -> bool:
        """Whether it finds out itself how many rows to remove."""
        return self.kind.family == "clean"

    @property
    def part(self) -> bool:
        """Whether only what is new or gone comes out, and not the whole table."""
        return getattr(self.sampler, "output", "all") != "all"

    @property
    def keys_only(self) -> bool:
        """Whether the result is not a table of rows but the keys of the rows to remove."""
        return getattr(self.sampler, "output", "all") == "removed_keys"

    @property
    def of_steps(self) -> bool:
        """Whether it is given other samplers as its steps, which refuse what they are given by their own names."""
        return "steps" in self.kind.model_fields

    @property
    def who(self) -> str:
        """How its sentences begin; those of steps begin with the name of the step."""
        return ": " if self.kind.family == "both" else f"{self.kind.__name__}: "

    @property
    def keyed(self) -> bool:
        """Whether rows are known by a key."""
        return bool(self.sampler.key_cols)

    @property
    def exact(self) -> bool:
        """Whether each class ends with exactly the rows of the plan."""
        return self.sampler.promises.counts == "exact"

    @property
    def learns(self) -> bool:
        """Whether jobs run before the frame is built."""
        return self.sampler.jobs > 0

    @property
    def draws_rows(self) -> bool:
        """Whether what is drawn is which rows come out how often, and nothing else."""
        plain = self.kind.random and self.exact and not self.learns and self.kind.family != "both"
        return plain and self.sampler.promises.rows in ("subset", "copies")

    def outcome(self, spark: SparkSession, frame: str = "rich", layout: str = "", **more: Any) -> Outcome:
        """Resample one of the frames of `spark_balance.testing.frames`; results are cached."""
        other = {name: value for name, value in more.items() if getattr(self.sampler, name) != value}
        return _outcome(self, spark, frame, layout, tuple(sorted(other.items())))

    def made_of(self, df: DataFrame, counts: Mapping[Any, int] | ClassCounts | None = None, **more: Any) -> Outcome:
        """Resample a frame and read the result; a few thousand rows at most."""
        with unwarned():
            resampled = self(**more).resample(df, counts)
        frame, made_by = resampled.frame, resampled.sampler or self.sampler
        return Outcome(resampled.plan, df.schema, frame.schema, to_arrow(made_by.labelled(frame)).to_pylist())

    def made_unless_refused(self, what: str, df: DataFrame, **more: Any) -> Outcome | None:
        """Resample a frame and read the result; None if it is refused in one sentence that names the method."""
        try:
            return self.made_of(df, **more)
        except SparkBalanceError as refused:
            self._verify_refusal(what, refused, self.who)
            return None

    def why_not(self, reason: str) -> str:
        """Return why a sampling_strategy is refused: this, unless it belongs to the steps of a chain anyway."""
        return "belongs to a step" if self.of_steps else reason

    def refuses(self, what: str, attempt: Callable[[], object], *words: str) -> None:
        """Expect an attempt to be refused in one sentence that has these words."""
        try:
            with unwarned():
                attempt()
        except SparkBalanceError as refused:
            return self._verify_refusal(what, refused, *words)
        except Exception as failed:
            raise CheckFailed(f"{self}: {what} raises {type(failed).__name__} and no SparkBalanceError") from failed
        raise CheckFailed(f"{self}: {what} is not refused")

    def _verify_refusal(self, what: str, refused: SparkBalanceError, *words: str) -> None:
        sentence = str(refused)
        expect("\n" not in sentence, f"{self}: {what} is refused in more than one line: {sentence}")
        for word in words:
            expect(word in sentence, f"{self}: the refusal of {what} does not say {word!r}: {sentence}")


@lru_cache(maxsize=512)
def _outcome(case: Case, spark: SparkSession, frame: str, layout: str, more: tuple[tuple[str, Any], ...]) -> Outcome:
    df: DataFrame = getattr(frames, frame)(spark)
    return case.made_of(frames.layouts(df)[layout] if layout else df, **dict(more))
