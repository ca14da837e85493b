"""Scores of a confusion matrix against scikit-learn and imbalanced-learn, without Spark."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st
from imblearn import metrics as imb
from sklearn import metrics as sk

from spark_balance import SparkBalanceError
from spark_balance.metrics.evaluation import ConfusionMatrix
from spark_balance.metrics.ranking import rank_bins

predictions = st.integers(2, 4).flatmap(
    lambda k: st.lists(
        st.tuples(*[st.integers(0, k - 1)] * 2, st.sampled_from([1, 1, 0.5, 3])), min_size=2, max_size=40
    )
)


def scored(rows):
    y, said, weight = (np.array(column) for column in zip(*rows, strict=True))
    labels = sorted({*y.tolist(), *said.tolist()})
    counts = [[weight[(y == true) & (said == other)].sum() for other in labels] for true in labels]
    return y, said, weight, ConfusionMatrix(tuple(labels), tuple(map(tuple, counts)))


def same(ours, theirs):
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@given(predictions)
def test_scores_are_scikit_learns(rows):
    y, said, weight, matrix = scored(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for beta in (0.5, 1, 2):
            precision, recall, f, support = sk.precision_recall_fscore_support(
                y, said, beta=beta, sample_weight=weight, zero_division=0
            )
            assert same(list(matrix.f_beta(beta).values()), f)
        assert same(list(matrix.precision.values()), precision)
        assert same(list(matrix.recall.values()), recall)
        assert same(list(matrix.support.values()), support)
        assert same(matrix.accuracy, sk.accuracy_score(y, said, sample_weight=weight))
        assert same(matrix.balanced_accuracy, sk.balanced_accuracy_score(y, said, sample_weight=weight))
        assert same(matrix.matthews_corrcoef, sk.matthews_corrcoef(y, said, sample_weight=weight))


@given(predictions)
def test_scores_are_imbalanced_learns(rows):
    y, said, weight, matrix = scored(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # repeated rows and not weights: imbalanced-learn 0.14 counts true negatives without their weights
        y, said = np.repeat(y, (2 * weight).astype(int)), np.repeat(said, (2 * weight).astype(int))
        geometric = imb.geometric_mean_score(y, said, average=None)
        specificity = imb.specificity_score(y, said, average=None)
        iba = imb.make_index_balanced_accuracy(alpha=0.1, squared=True)(imb.geometric_mean_score)
        assert same(list(matrix.specificity.values()), specificity)
        assert same(list(matrix.geometric_means.values()), geometric)
        assert same(matrix.geometric_mean, imb.geometric_mean_score(y, said))
        if len(set(y.tolist()) | set(said.tolist())) > 1:
            assert same(list(matrix.index_balanced_accuracy().values()), iba(y, said, average=None))


def test_a_matrix_prints_and_goes_to_json():
    matrix = ConfusionMatrix(("a", "b"), ((10.0, 2.0), (1.0, 3.5)))
    assert "b                  1  3.5" in str(matrix)
    assert matrix.to_dict() == {"labels": ["a", "b"], "counts": [[10.0, 2.0], [1.0, 3.5]]}
    with pytest.raises(SparkBalanceError, match="f_beta: beta=0 is refused"):
        matrix.f_beta(0)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from([1, 0.25, 2.5])), min_size=2, max_size=60),
    st.integers(2, 12),
)
def test_binned_areas_are_within_their_error(rows, bins):
    score, y, weight = (np.array(column) for column in zip(*rows, strict=True))
    if y.all() or not y.any():
        return
    place = score * bins // 41
    falling = [(weight[y & (place == b)].sum(), weight[~y & (place == b)].sum()) for b in range(bins)[::-1]]
    found = rank_bins(falling)
    assert abs(found.roc_auc - sk.roc_auc_score(y, score, sample_weight=weight)) <= found.roc_auc_error + 1e-12
    exact = sk.average_precision_score(y, score, sample_weight=weight)
    assert abs(found.pr_auc - exact) <= found.pr_auc_error + 1e-12


def test_the_error_of_bins_is_tight():
    # one bin: the best and the worst order are half the bound away from its middle
    found = rank_bins([(1.0, 1.0)])
    assert (found.roc_auc, found.roc_auc_error) == (0.5, 0.5)
    assert found.pr_auc + found.pr_auc_error == 1.0
