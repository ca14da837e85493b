"""The features of rows as Spark gets them: all numbers of a row in one column, and a column for each category."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_array

from spark_balance.errors import InputError
from spark_balance.sklearn.arrays import Array

NUMBERS = "x"
MOST_DENSE = 2**28  # numbers of a sparse matrix that is made dense: 2 GiB


@dataclass(frozen=True, eq=False)
class Features:
    """The numbers of each row, and its categories as their places among the values of a column."""

    numbers: Array | None
    categories: dict[int, tuple[Array, Array]]  # of each categorical column, the places and the values

    @classmethod
    def of_numbers(cls, who: str, X: Any) -> Features:
        """Take an array or a sparse matrix of numbers."""
        return cls(_dense(who, X), {})

    @classmethod
    def of_columns(cls, who: str, X: Any, categorical: Iterable[int], *, finite: bool = True) -> Features:
        """Take the columns of a table, some of which are categories."""
        X = _dense(who, X) if sparse.issparse(X) else X
        categories = {place: _factorized(_safe_indexing(X, place, axis=1)) for place in categorical}
        rest = [place for place in range(X.shape[1]) if place not in categories]
        finite_ones: Any = finite or "allow-nan"
        numbers = _safe_indexing(X, rest, axis=1) if rest else None
        if rest:
            numbers = check_array(numbers, accept_sparse=["csr", "csc"], ensure_all_finite=finite_ones)
        return cls(None if numbers is None else _dense(who, numbers), categories)

    @property
    def columns(self) -> dict[str, pa.Array]:
        """The columns for Spark."""
        made = {f"c{place}": pa.array(codes) for place, (codes, _) in self.categories.items()}
        if self.numbers is not None:
            width = self.numbers.shape[1]
            flat = pa.array(self.numbers.ravel())
            ends = np.arange(0, len(flat) + 1, width, dtype=np.int64)
            made[NUMBERS] = pa.LargeListArray.from_arrays(ends, flat).cast(pa.list_(flat.type))
        return made

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The parameters of a sampler that name the columns."""
        categorical = tuple(f"c{place}" for place in self.categories)
        if self.numbers is None:
            return {"feature_cols": categorical} if categorical else {}
        return {"feature_cols": (NUMBERS,)} | ({"categorical_features": categorical} if categorical else {})

    def values(self, found: pa.Table) -> Array:
        """Return the features of rows that come from Spark, as one array."""
        if self.numbers is not None and not self.categories:
            return self._numbers(found)
        width = len(self.categories) + (0 if self.numbers is None else self.numbers.shape[1])
        made = np.empty((found.num_rows, width), dtype=object)
        if self.numbers is not None:
            made[:, [place for place in range(width) if place not in self.categories]] = self._numbers(found)
        for place, (_, known) in self.categories.items():
            made[:, place] = known[found[f"c{place}"].to_numpy()]
        return made

    def sortable(self, found: pa.Table) -> list[Array]:
        """Return numbers that tell rows that come from Spark apart."""
        numbers = [] if self.numbers is None else list(self._numbers(found).T)
        return numbers + [found[f"c{place}"].to_numpy() for place in self.categories]

    def _numbers(self, found: pa.Table) -> Array:
        flat = found[NUMBERS].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        numbers: Array = flat.reshape(found.num_rows, -1)
        return numbers


def _factorized(column: Any) -> tuple[Array, Array]:
    values = column if isinstance(column, np.ndarray) else column.to_numpy()
    codes, known = pd.factorize(values, use_na_sentinel=False)
    return codes, np.asarray(known, dtype=object)


def _dense(who: str, X: Any) -> Array:
    """Return an array of floats, if it is not too large."""
    if sparse.issparse(X):
        if X.shape[0] * X.shape[1] > MOST_DENSE:
            raise InputError(
                f"{who}: X is a sparse matrix of {X.shape[0]:,} x {X.shape[1]:,}, and rows are compared as dense ones, "
                f"of at most {MOST_DENSE:,} numbers together; reduce it, for example with TruncatedSVD of scikit-learn"
            )
        X = X.toarray()
    kind = np.float32 if X.dtype in (np.float16, np.float32) else np.float64
    dense: Array = np.ascontiguousarray(X, dtype=kind)
    return dense
