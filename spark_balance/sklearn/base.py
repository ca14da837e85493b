"""What every sampler here is: an estimator of scikit-learn around a sampler of Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator, OneToOneFeatureMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, validate_data
from typing_extensions import Self

from spark_balance.base import Sampler
from spark_balance.base.registry import SAMPLERS
from spark_balance.errors import ParameterError
from spark_balance.frames.plan import ClassCounts
from spark_balance.sklearn.arrays import Array, Target, aligned, is_frame, rows_of, with_rows
from spark_balance.sklearn.estimator import FrameTags, ResamplerTags, SamplerTags, estimator
from spark_balance.sklearn.features import Features

Strategy = str | float | Mapping[Any, int] | list[Any] | Callable[[Array], Any]
Seed = int | np.random.RandomState | None
Neighbors = int | Any
LABEL, ROW, MADE = "label", "row", "made"
_METRICS: Mapping[str, Mapping[str, str]] = {
    "euclidean": {},
    "l2": {},
    "minkowski": {},
    "cosine": {"metric": "cosine"},
    "nan_euclidean": {"missing": "ignore"},
}


@estimator
class Resampler(OneToOneFeatureMixin, BaseEstimator):  # type: ignore[misc]
    """What all samplers share; a subclass names its method and has imbalanced-learn's parameters as fields.

    Parameters
    ----------
    sampling_strategy : str, float, dict, list or callable
        imbalanced-learn's forms; a callable receives `y`.
    random_state : int, RandomState or None
        An integer gives the same rows every time; None draws one from NumPy's.
    n_jobs : int or None
        Does nothing: the engine knows the cores of the machine.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> y = np.arange(100) % 5 == 0
    >>> X_resampled, y_resampled = Resampler().fit_resample(X, y)
    """

    _method: ClassVar[str]  # the name of the sampler of Spark in the registry
    _estimator_type: ClassVar[str] = "sampler"
    _reads: ClassVar[str] = "numbers"  # of X: "numbers", "categories", or "nothing"
    _selects: ClassVar[bool] = False  # what comes out are rows of X, so that there are `sample_indices_`
    _by_class: ClassVar[bool] = True  # rows that are kept come out class by class, as imbalanced-learn has them
    _itself: ClassVar[int] = 1  # of the neighbors that an estimator finds, how many are the row itself

    sampling_strategy: Strategy = "auto"

    def fit(self, X: Any, y: Any) -> Self:
        """Check the data and set `sampling_strategy_`; `fit_resample` resamples.

        Parameters
        ----------
        X : array-like, sparse matrix, or frame of pandas or polars, of shape (rows, features)
            The features.
        y : array-like of shape (rows,), or of one column for each class
            The class of each row.

        Returns
        -------
        self : object
            The sampler itself.
        """
        self._begin(X, y)
        return self

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Resample a table.

        Parameters
        ----------
        X : array-like, sparse matrix, or frame of pandas or polars, of shape (rows, features)
            The features.
        y : array-like of shape (rows,), or of one column for each class
            The class of each row.

        Returns
        -------
        X_resampled, y_resampled
            Features and classes, of the types that were given.
        """
        table, target, features, sampler = self._begin(X, y)
        rows = np.arange(len(target.codes))
        frame = pa.table({ROW: rows, LABEL: target.column, **features.columns})
        done = sampler.resample(frame, ClassCounts(LABEL, {(): target.counts}, {}))
        self.notes_ = done.notes
        kept, new = _split(sampler, done.frame, rows)
        if self._by_class and sampler.family != "over":
            kept = kept[np.lexsort((kept, target.codes[kept]))]
        codes = target.codes[kept]
        # rows that are all kept need not be copied first
        made = table if len(kept) == len(rows) and new.num_rows else rows_of(table, kept)
        bases = rows[:0]
        if new.num_rows:
            made_codes, values = target.places(new[LABEL]), features.values(new)
            order, bases = _order(made_codes, features, new)
            made = with_rows(made, values[order])
            codes = np.concatenate([codes, made_codes[order]])
            if self._by_class and sampler.family == "under":
                order = np.argsort(codes, kind="stable")
                made, codes = rows_of(made, order), codes[order]
        if self._selects:
            self.sample_indices_ = np.concatenate([kept, bases])
        return aligned(made, target.like(codes), index=self._reads == "nothing" and not new.num_rows)

    def _begin(self, X: Any, y: Any) -> tuple[Any, Target, Features, Sampler]:
        """Check all that is given; return features as they are to come out, and the sampler of Spark."""
        who = type(self).__name__
        target = Target.of(who, y)
        table, features = self._features(X, target)
        kind = SAMPLERS[self._method]
        fixed = {"label_col": LABEL, "key_cols": ROW, **self._returned(kind), **features.roles}
        sampler = kind(**{**self.for_spark(target), **{n: one for n, one in fixed.items() if n in kind.model_fields}})
        self.sampling_strategy_ = _targets(sampler, target.counts)
        return table, target, features, sampler

    def _features(self, X: Any, target: Target) -> tuple[Any, Features]:
        """Check features; return them as they are to come out, and as Spark gets them."""
        who, sparse_ones = type(self).__name__, ["csr", "csc"]
        if self._reads == "numbers":
            finite = "allow-nan" if self._ignores else True
            checked = validate_data(self, X, target.labels, accept_sparse=sparse_ones, ensure_all_finite=finite)[0]
            return X if isinstance(X, list) or is_frame(X) else checked, Features.of_numbers(who, checked)
        table = X
        if not is_frame(X):
            table = check_array(X, dtype=None, accept_sparse=sparse_ones, ensure_all_finite=False)
        validate_data(self, table, target.labels, skip_check_array=True)
        given = X if isinstance(X, list) else table
        if self._reads == "nothing":
            return given, Features(None, {})
        return given, Features.of_columns(who, table, self._categorical(table), finite=not self._ignores)

    def _categorical(self, table: Any) -> list[int]:
        """Return the places of the columns that are categories: all."""
        return list(range(table.shape[1]))

    def _returned(self, kind: type[Sampler]) -> dict[str, Any]:
        """Return the parameters that decide which rows Spark returns."""
        if kind.family == "clean":
            return {"output": "removed_keys"}
        return {"output": "added", "provenance_col": MADE} if kind.family == "over" else {}

    def for_spark(self, target: Target) -> dict[str, Any]:
        """Return the parameters for Spark: what it does not have is refused there, unless it is the default."""
        kind = SAMPLERS[self._method]
        given: dict[str, Any] = {"scale": False} if "scale" in kind.model_fields else {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name == "sampling_strategy":
                given[one.name] = value(target.labels) if callable(value) else value
            elif one.name == "random_state":
                given[one.name] = _seed(value)
            elif hasattr(value, "kneighbors"):
                given |= self._neighbors(one.name, value)
            elif one.name != "n_jobs" and (one.name in kind.model_fields or value is not one.default):
                given[one.name] = value
        return given

    def _neighbors(self, name: str, given: Any) -> dict[str, Any]:
        """Return the number of neighbors of an estimator that searches them, and its metric."""
        has = given.get_params(deep=False) if hasattr(given, "get_params") else {}
        metric = has.get("metric", "minkowski")
        if metric not in _METRICS or (metric == "minkowski" and has.get("p", 2) != 2):
            raise ParameterError(
                f"{type(self).__name__}: {name}={given!r} searches by another distance than 'euclidean', 'cosine' or "
                "'nan_euclidean'; give a number of neighbors, or an estimator with one of these"
            )
        return {name: given.n_neighbors - self._itself, **_METRICS[metric]}

    @property
    def _ignores(self) -> bool:
        """Whether neighbors are searched by a distance that takes rows which lack numbers."""
        given = [getattr(self, one.name) for one in fields(self)]
        return any(getattr(one, "metric", None) == "nan_euclidean" for one in given if hasattr(one, "kneighbors"))

    @property
    def _sampling_type(self) -> str:
        """What ensembles of imbalanced-learn ask for."""
        family = SAMPLERS[self._method].family
        return {"under": "under-sampling", "clean": "clean-sampling"}.get(family, "over-sampling")

    def __sklearn_tags__(self) -> ResamplerTags:
        tags = super().__sklearn_tags__()
        held = {one.name: getattr(tags, one.name) for one in fields(tags)}
        held |= {"estimator_type": "sampler", "sampler_tags": SamplerTags(self._selects)}
        strings = missing = self._reads != "numbers"
        held["input_tags"] = FrameTags(sparse=True, string=strings, categorical=strings, allow_nan=missing)
        held["target_tags"].required = True
        return ResamplerTags(**held)


def _seed(given: Seed) -> int:
    """Return an integer: the user's, or one that is drawn."""
    if isinstance(given, Integral) and not isinstance(given, bool):
        return int(given)
    return int(check_random_state(given).randint(2**31 - 1))


def _targets(sampler: Sampler, counts: dict[Any, int]) -> dict[Any, int]:
    """Return the rows to add, or those to keep; of a class that is cleaned, as many as the smallest has."""
    first = getattr(sampler, "steps", (sampler,))[0]
    after = first.target_counts((), counts)
    wish = first.sampling_strategy
    named = wish if isinstance(wish, Mapping) else first.changed(counts, after)
    changed = [label for label in sorted(counts) if label in named]
    if first.family == "clean":
        return dict.fromkeys(changed, min(counts.values()))
    return {label: after[label] - counts[label] if first.family == "over" else after[label] for label in changed}


def _split(sampler: Sampler, found: pa.Table, rows: Array) -> tuple[Array, pa.Table]:
    """Return the rows of the input that came out, and those that are new."""
    if sampler.family == "clean":
        return np.delete(rows, found[ROW].to_numpy()), found[:0]
    if sampler.promises.rows in ("subset", "copies"):
        drawn = np.sort(found[ROW].to_numpy())
        return (np.concatenate([rows, drawn]) if sampler.family == "over" else drawn), found[:0]
    if sampler.family == "over":
        return rows, found
    return found.filter(found[ROW].is_valid())[ROW].to_numpy(), found.filter(found[ROW].is_null())


def _order(codes: Array, features: Features, new: pa.Table) -> tuple[Array, Array]:
    """Return an order of new rows that no engine comes into, and their bases in it, if they are known.

    They come class by class, and there by their base and the gap that was drawn, or by their values.
    """
    bases = gaps = None
    if MADE in new.column_names:
        made = new[MADE].combine_chunks()
        bases, gaps = (
            None if one.null_count else one.to_numpy() for one in (made.field("base").field(ROW), made.field("gap"))
        )
    last = features.sortable(new) if gaps is None else [gaps]
    order = np.lexsort((*last, *([] if bases is None else [bases]), codes))
    return order, np.arange(0) if bases is None else bases[order]
