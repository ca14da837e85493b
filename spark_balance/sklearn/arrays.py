"""What goes into a resampling and comes out alike: arrays, lists, sparse matrices, frames of pandas and polars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from sklearn.preprocessing import label_binarize
from sklearn.utils import _safe_indexing, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from spark_balance.errors import BadValuesError

Array = np.ndarray[Any, np.dtype[Any]]


def is_frame(given: Any) -> bool:
    """Tell a frame of pandas or polars, which need not be installed."""
    return isinstance(given, pd.DataFrame) or (_is_polars(given) and hasattr(given, "columns"))


def _is_polars(given: Any) -> bool:
    return type(given).__module__.startswith("polars.")


def categorical_columns(given: Any) -> list[int]:
    """Return the places of the columns that a frame says are categories; of an array, none."""
    if isinstance(given, pd.DataFrame):
        return [place for place, kind in enumerate(given.dtypes) if isinstance(kind, pd.CategoricalDtype)]
    kinds = given.dtypes if _is_polars(given) else []
    return [place for place, kind in enumerate(kinds) if not kind.is_numeric()]


@dataclass(frozen=True, eq=False)
class Target:
    """The class of each row, as its place among the classes, which are sorted."""

    given: Any
    classes: Array
    codes: Array
    one_hot: bool  # a column for each class, as `label_binarize` makes them

    @classmethod
    def of(cls, who: str, y: Any) -> Target:
        """Take what scikit-learn takes for classes."""
        several = f"{who}: y has rows of more than one class, and a row is of one; give one for each row"
        of_labels = "rows with several labels, in a frame, are resampled by MLROS, MLRUS and MLSMOTE"
        try:
            check_classification_targets(y)
        except ValueError as refused:
            if "multi-label" in str(refused):
                raise BadValuesError(f"{several}; {of_labels}") from None
            if "continuous" in str(refused):
                raise BadValuesError(
                    f"{who}: Unknown label type: y is continuous, and a class is a text or a whole number; a number "
                    "that is predicted, in a frame, is resampled by SMOTER, whose bins fit_relevance shows"
                ) from None
            raise
        one_hot = type_of_target(y) == "multilabel-indicator"
        values = np.asarray(y.toarray() if sparse.issparse(y) else y)
        if one_hot and (values.sum(axis=1) > 1).any():
            raise BadValuesError(f"{several}; {of_labels}")
        labels = values.argmax(axis=1) if one_hot else column_or_1d(values)
        return cls(y, *np.unique(labels, return_inverse=True), one_hot)

    @property
    def labels(self) -> Array:
        """The class of each row."""
        named: Array = self.classes[self.codes]
        return named

    @property
    def counts(self) -> dict[Any, int]:
        """The rows of each class."""
        return dict(zip(self.classes.tolist(), np.bincount(self.codes).tolist(), strict=True))

    @property
    def column(self) -> pa.Array:
        """The class of each row, for Spark."""
        return pa.array(self.classes.tolist()).take(pa.array(self.codes))

    def places(self, column: pa.ChunkedArray) -> Array:
        """Return the places of classes that come from Spark."""
        found: Array = pc.index_in(column, value_set=pa.array(self.classes.tolist())).to_numpy()
        return found

    def like(self, codes: Array) -> Any:
        """Return the classes of rows as the user gave theirs."""
        labels, given = self.classes[codes], self.given
        if self.one_hot:
            labels = label_binarize(labels, classes=self.classes)
        if isinstance(given, pd.Series):
            return pd.Series(labels, dtype=given.dtype, name=given.name)
        if is_frame(given):
            return _frame_like(given, labels.reshape(len(labels), -1))
        if _is_polars(given):
            return type(given)(given.name, labels.tolist(), dtype=given.dtype)
        if sparse.issparse(given):
            return type(given)(labels)
        return labels.tolist() if isinstance(given, list) else labels.astype(np.asarray(given).dtype, copy=False)


def rows_of(given: Any, rows: Array) -> Any:
    """Return rows of the features."""
    return _safe_indexing(given, rows) if len(rows) or not isinstance(given, list) else []


def with_rows(old: Any, new: Array) -> Any:
    """Return features, and behind them those of new rows in the same types."""
    if isinstance(old, pd.DataFrame):
        return pd.concat([old, _frame_like(old, new)], ignore_index=True)
    if is_frame(old):
        return old.vstack(_frame_like(old, new))
    if isinstance(old, list):
        return [*old, *new.tolist()]
    if sparse.issparse(old):
        return sparse.vstack([old, type(old)(_as_type(new, old.dtype))], format=old.format)
    return np.concatenate([old, _as_type(new, old.dtype)])


def _as_type(values: Array, kind: Any) -> Array:
    """Return values in the type of others; where those are whole numbers, rounded and within their range."""
    kind = np.dtype(kind)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        most = float(limits.max)
        if int(most) > limits.max:  # a double cannot be the largest number of 64 bits
            most = np.nextafter(most, 0)
        return np.clip(np.rint(values.astype(np.float64)), float(limits.min), most).astype(kind)
    return np.rint(values.astype(np.float64)).astype(kind) if kind.kind == "b" else values.astype(kind, copy=False)


def _frame_like(frame: Any, values: Array) -> Any:
    """Return values as a frame with the columns and types of another."""
    if _is_polars(frame):
        import polars as pl

        columns = []
        for (name, kind), column in zip(frame.schema.items(), values.T, strict=True):
            own = _as_type(column, np.int64) if kind.is_integer() else column
            columns.append(pl.Series(name, own.tolist()).cast(kind))
        return pl.DataFrame(columns)
    made = {}
    for place, (kind, column) in enumerate(zip(frame.dtypes, values.T, strict=True)):
        inner = getattr(kind, "numpy_dtype", getattr(kind, "subtype", kind))
        whole = isinstance(inner, np.dtype) and inner.kind in "iub"
        made[place] = pd.Series(_as_type(column, inner) if whole else column).astype(kind)
    return pd.DataFrame(made, index=range(len(values))).set_axis(frame.columns, axis=1)


def aligned(features: Any, classes: Any, *, index: bool) -> tuple[Any, Any]:
    """Let frames of pandas have an index that starts anew, or that of the features."""
    if hasattr(features, "reset_index") and not index:
        features = features.reset_index(drop=True)
    if hasattr(features, "iloc") and hasattr(classes, "iloc"):
        classes.index = features.index
    return features, classes
