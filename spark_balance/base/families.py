"""The parameters that the methods of a family share; they have no behavior beside their plan."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field, StrictBool, model_validator
from typing_extensions import Self

from spark_balance.base.parameters import ClassRows, Missing, Names, Singletons
from spark_balance.base.sampler import Sampler
from spark_balance.base.strategy import cleaned_classes, wanted_rows
from spark_balance.frames.plan import ClassPlan, Counts, Label, Promises, RowsOut
from spark_balance.frames.text import noun_of
from spark_balance.neighbors.cells import LEAST, MAX_WORK, RECALL, TASK_MB

_NUMBERS = "a target that is a number is resampled by RelevanceOverSampler, RelevanceUnderSampler, SMOTER and SMOGN"


class OverSampler(Sampler):
    """The parameters of a method that makes new rows between rows and their neighbors.

    Parameters
    ----------
    output : {'all', 'added'}
        Return the whole table, or only the new rows, to append to it.
    metric : {'euclidean', 'cosine'}
        'cosine' measures the angle between rows as they are, and `scale` does nothing then: for the search, rows are
        brought to one length; a row of zeros is refused. New rows lie between the rows themselves: none is
        longer than the longer of its two, and the wider their angle, the shorter it is.
    """

    family: ClassVar[Literal["over"]] = "over"
    rows: ClassVar[RowsOut] = "segment"
    provenance: ClassVar[tuple[str, ...]] = ("base", "neighbor", "gap")
    action: ClassVar[str] = "synthesize"
    absent: ClassVar[Mapping[str, str]] = {
        "categorical_features": "it makes new numbers alone; SMOTENC makes categories, too",
        "target_col": _NUMBERS,
        "group_cols": "a row between two groups would belong to neither; RandomOverSampler(group_cols=...) repeats "
        "whole groups, and within_cols keeps base and neighbor inside each group (which balances inside each, too)",
    }

    feature_cols: Names | None = None
    recall: float = Field(default=RECALL, gt=0, lt=1)
    max_work: int = Field(default=MAX_WORK, ge=LEAST["max_work"], strict=True)
    task_memory_mb: int = Field(default=TASK_MB, ge=LEAST["task_memory_mb"], strict=True)
    cell_rows: int | None = Field(default=None, ge=LEAST["cell_rows"], strict=True)
    scale: StrictBool = True
    metric: Literal["euclidean", "cosine"] = "euclidean"
    missing: Missing = "error"
    output: Literal["all", "added"] = "all"
    provenance_col: str | None = None
    passthrough: Literal["null", "base"] | tuple[str, ...] = "null"
    min_class_rows: ClassRows | None = None
    singletons: Singletons = "error"

    sought: ClassVar[str] = "k_neighbors"  # names the number of neighbors to go towards

    @property
    def k(self) -> int:
        """Neighbors that a new row may lie towards, in a class that has enough rows."""
        given = getattr(self, self.sought)
        wanted: int = type(self).model_fields[self.sought].default if given == "shrink" else given
        return wanted

    @property
    def shrinks(self) -> bool:
        """Whether a class with too few rows for that is searched for fewer."""
        return bool(getattr(self, self.sought, None) == "shrink")

    def target_counts(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        """Return the rows that each class of a group is to have; one of a single row may stay as it is."""
        wanted = super().target_counts(group, classes)
        if self.singletons == "leave":
            wanted |= {label: 1 for label, rows in classes.items() if rows == 1}
        return wanted

    def remarks(self, entries: Iterable[ClassPlan]) -> Iterator[str]:
        """Yield what a plan says of classes that are searched for fewer neighbors than others."""
        entries = [*entries]
        yield from super().remarks(entries)
        for entry in entries:
            about = f"{noun_of(self.class_col)} {entry.label!r}{entry.group_name(self.within_cols or ())}"
            if entry.before == 1 and entry.after > 1 and self.singletons == "replicate":
                yield f"{about} has 1 row, which is repeated"
            elif entry.before == entry.after == 1 and self.singletons == "leave" and self._names(entry.label):
                yield f"{about} has 1 row, and stays as it is (singletons='leave')"
            elif self.shrinks and 1 < entry.before <= self.k and entry.after > entry.before:
                yield f"{about} has {entry.before} rows: {self.sought}={entry.before - 1} there, not {self.k}"

    def _names(self, label: Label) -> bool:
        """Whether the wish is about a class too."""
        return not isinstance(self.sampling_strategy, Mapping) or label in self.sampling_strategy

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the sampler whose new rows take columns of their base, unless the user chose them."""
        return self if "passthrough" in self.model_fields_set else self.replace(passthrough=names)


class RandomSampler(Sampler):
    """The parameters of a method that takes rows, or whole groups of rows, at random.

    Parameters
    ----------
    group_cols : tuple of str, optional
        Rows of one class with equal values here (a customer's, a session's; NULLs are one group) are taken or left
        together. Each class has groups of its own: what happens to a customer's good rows does not touch the fraudulent
        ones. All classes draw groups in one order, so a group that is taken in one tends to be taken in others.
        With `exact=True` groups come in that order until the next no longer fits, so a class has at most the rows
        planned and misses fewer than that group has; a group of more rows than there is room for is passed over.
        `exact=False` with `key_cols` or `group_cols` and given counts also takes streams.
    """

    absent: ClassVar[Mapping[str, str]] = {"target_col": _NUMBERS}

    exact: StrictBool = True
    group_cols: Names | None = None

    def promised(self, rows: RowsOut) -> Promises:
        """Return what `exact` and `group_cols` promise of counts, with what is promised of rows."""
        counts: Counts = "approximate" if not self.exact else "at_most" if self.group_cols else "exact"
        return Promises(counts, rows, ("base",) if self.family == "over" else ())


class UnderSampler(Sampler):
    """The parameters of a method that keeps as many rows as the plan says, chosen by their neighbors."""

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[RowsOut] = "subset"
    action: ClassVar[str] = "downsample"

    feature_cols: Names | None = None
    recall: float = Field(default=RECALL, gt=0, lt=1)
    max_work: int = Field(default=MAX_WORK, ge=LEAST["max_work"], strict=True)
    task_memory_mb: int = Field(default=TASK_MB, ge=LEAST["task_memory_mb"], strict=True)
    cell_rows: int | None = Field(default=None, ge=LEAST["cell_rows"], strict=True)
    scale: StrictBool = True
    metric: Literal["euclidean", "cosine"] = "euclidean"
    missing: Missing = "error"


class CleaningSampler(Sampler):
    """The parameters of a method that removes rows by what their neighbors are.

    Parameters
    ----------
    sampling_strategy : str or list
        The classes that rows may be removed of: imbalanced-learn's names, or a list of labels.
    output : {'all', 'removed_keys'}
        Return the cleaned table, or only the decision: key, group and label of each removed row.
    """

    family: ClassVar[Literal["clean"]] = "clean"
    counts: ClassVar[Counts] = "at_most"
    rows: ClassVar[RowsOut] = "subset"
    random: ClassVar[bool] = False
    action: ClassVar[str] = "clean"

    feature_cols: Names | None = None
    recall: float = Field(default=RECALL, gt=0, lt=1)
    max_work: int = Field(default=MAX_WORK, ge=LEAST["max_work"], strict=True)
    task_memory_mb: int = Field(default=TASK_MB, ge=LEAST["task_memory_mb"], strict=True)
    cell_rows: int | None = Field(default=None, ge=LEAST["cell_rows"], strict=True)
    scale: StrictBool = True
    metric: Literal["euclidean", "cosine"] = "euclidean"
    missing: Missing = "error"
    output: Literal["all", "removed_keys"] = "all"

    @model_validator(mode="after")
    def _needs_keys(self) -> Self:
        if self.output == "removed_keys" and not self.key_cols:
            raise ValueError("output='removed_keys' names rows by their key; name a unique key with key_cols")
        return self

    def target_counts(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        """Return the rows that each class has: the most that may stay."""
        if len(classes) < 2 and not group:
            wanted_rows(self.name, classes, "auto", "under")
        return dict(classes)

    def changed(self, classes: dict[Label, int], targets: dict[Label, int]) -> set[Label]:
        """Return the classes that rows may be removed of."""
        wish = self.sampling_strategy
        if len(classes) < 2:
            return set()
        if self.within_cols and isinstance(wish, list | tuple):
            wish = [label for label in wish if label in classes]
        return set(cleaned_classes(self.name, classes, wish))
