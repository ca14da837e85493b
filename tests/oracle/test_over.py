"""Which rows over-samplers make new rows from, and how many, is imbalanced-learn's, where ties go by identity."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from unittest.mock import patch

import numpy as np
import pytest
from imbalanced import SETS, frame, our_ties, real, with_identity
from imblearn import over_sampling as theirs
from imblearn.over_sampling import _adasyn

from spark_balance import ADASYN, BorderlineSMOTE, SparkBalanceError

ALIKE = {"label_col": "label", "key_cols": "id", "scale": False, "output": "added", "provenance_col": "p"}


class _Recording:
    """NumPy that remembers how often rows were repeated."""

    def __init__(self):
        self.repeated = []

    def __getattr__(self, name):
        return getattr(np, name)

    def repeat(self, rows, often):
        self.repeated.append(often)
        return np.repeat(rows, often)


def _bases(df):
    """Return how often each row is a base."""
    return Counter(df.select("p.base.id").toArrow()["id"].to_pylist())


@pytest.mark.parametrize("parameters", [{}, {"n_neighbors": 8}], ids=str)
@pytest.mark.parametrize("name", SETS)
def test_adasyn_makes_as_many_rows_of_each(spark, name, parameters):
    df, label = frame(spark, name), real(name)[1]
    wish = {code: 3 * n for code, n in sorted(Counter(label.tolist()).items())}
    with our_ties(), patch.object(_adasyn, "np", _Recording()) as recorded:
        theirs.ADASYN(sampling_strategy=wish, **parameters).fit_resample(with_identity(df, name), label)
    expected = {}
    for code, often in zip(wish, recorded.repeated, strict=True):
        expected |= dict(zip(np.flatnonzero(label == code).tolist(), often.tolist(), strict=True))
    ours = ADASYN(**ALIKE, sampling_strategy=wish, **parameters).resample(df)
    found = _bases(ours.frame)
    assert found == Counter(expected)
    assert found.total() == ours.notes["rows_added"] != 2 * len(label)


@pytest.mark.parametrize("m", [10, 5])
@pytest.mark.parametrize("name", SETS)
def test_borderline_starts_from_the_same_rows_in_danger(spark, name, m):
    df, label = frame(spark, name), real(name)[1]
    wish = {code: 3 * n for code, n in sorted(Counter(label.tolist()).items())}
    oracle = theirs.BorderlineSMOTE(sampling_strategy=wish, m_neighbors=m)
    with our_ties():
        oracle.fit_resample(with_identity(df, name), label)
    expected = {code: rows.tolist() for code, rows in oracle.in_danger_indices.items()}
    for code in wish.keys() - expected:
        alone = BorderlineSMOTE(**ALIKE, sampling_strategy={code: wish[code]}, m_neighbors=m)
        with pytest.raises(SparkBalanceError, match=f"class {code} has no row in danger: .* use SMOTE"):
            alone.fit_resample(df)
    wish = {code: wish[code] for code in expected}
    for kind in ("borderline-1", "borderline-2"):
        ours = BorderlineSMOTE(**ALIKE, sampling_strategy=wish, m_neighbors=m, kind=kind).fit_resample(df)
        found = _bases(ours)
        assert sorted(found) == sorted(chain.from_iterable(expected.values()))
        for code, rows in expected.items():
            often = [found[row] for row in rows]
            assert sum(often) == wish[code] - np.count_nonzero(label == code)
            assert max(often) - min(often) <= 1
