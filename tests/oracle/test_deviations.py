"""Where a method that cleans is not imbalanced-learn's: what docs/deviations.md lists, and no more than that."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from imbalanced import frame, ids, our_ties, real, with_identity
from imblearn import over_sampling as over, under_sampling as theirs
from pyspark.sql import functions as F
from scipy.spatial.distance import pdist
from sklearn.svm import SVC

from spark_balance import SparkBalanceError
from spark_balance.base.registry import SAMPLERS
from spark_balance.frames import fetch

ALIKE = {"label_col": "label", "key_cols": "id", "scale": False}
DOCS = Path(__file__).parents[2] / "docs" / "deviations.md"


def kept(sampler, df):
    return ids(sampler.fit_resample(df))


def kept_there(oracle, df, name, order=None):
    rows, label = with_identity(df, name), real(name)[1]
    order = np.arange(len(label)) if order is None else order
    with our_ties():
        oracle.fit_resample(rows[order], label[order])
    return sorted(order[oracle.sample_indices_].tolist())


def test_every_row_of_the_table_names_a_test_that_is_here():
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| ") and not line.startswith("| method")]
    assert len(rows) > 20
    for row in rows:
        file, test = re.search(r"`([\w/]+\.py)::(test_\w+)` \|$", row).groups()
        folder = DOCS.parents[1] / "tests" if "/" in file else Path(__file__).parent
        assert f"def {test}(" in (folder / file).read_text(), row


def three_classes(away):
    """Return two classes of equal size that lie alike, and a large one at some distance."""
    draw = np.random.default_rng(2)
    small = np.rint(draw.normal(size=(40, 2)) * 2.0**12) / 2.0**12
    large = np.rint(draw.normal(size=(120, 2)) * 2.0**12) / 2.0**12 + away
    rows = np.concatenate([small, small + 64.0, large])
    return rows, np.repeat([1, 2, 0], [40, 40, 120])


def as_frame(spark, rows, label):
    columns = {"id": np.arange(len(rows)), "label": label} | {f"f{i}": column for i, column in enumerate(rows.T)}
    return spark.createDataFrame(pa.table(columns))


def test_no_two_classes_share_draws_and_bases_are_used_evenly(spark):
    rows, label = three_classes(away=1000.0)
    made = over.SMOTE(random_state=0).fit_resample(rows, label)[0][len(rows) :]
    # there the second class has the new rows of the first, moved
    np.testing.assert_allclose(made[:80] + 64.0, made[80:], atol=1e-9)
    sampler = SAMPLERS["smote"](**ALIKE, output="added", provenance_col="p", sampling_strategy={1: 130, 2: 130})
    told = (
        sampler.fit_resample(as_frame(spark, rows, label)).select("label", "p.gap", "p.base.id").toArrow().to_pydict()
    )
    gaps = [{gap for gap, one in zip(told["gap"], told["label"], strict=True) if one == code} for code in (1, 2)]
    assert all(len(one) == 90 for one in gaps)
    assert not gaps[0] & gaps[1]
    often = Counter(told["id"])
    assert set(often.values()) == {2, 3}
    assert len(often) == 80


@pytest.mark.parametrize(
    ("method", "oracle", "sentence"),
    [
        (
            "borderline_smote",
            over.BorderlineSMOTE,
            r"class 1 has no row in danger: .*; leave it out by .*=\{2: \d+\}, or use SMOTE",
        ),
        ("adasyn", over.ADASYN, "class 1 has no neighbor of another class: .* use SMOTE"),
    ],
)
def test_a_class_that_a_method_cannot_start_from_is_refused(spark, method, oracle, sentence):
    rows, label = three_classes(away=1000.0)
    if method == "adasyn":
        with pytest.raises(RuntimeError, match="Not any neigbours belong to the majority class"):
            oracle().fit_resample(rows, label)
    else:
        # silently as it was
        assert Counter(oracle().fit_resample(rows, label)[1].tolist()) == Counter(label.tolist())
    with pytest.raises(SparkBalanceError, match=sentence):
        SAMPLERS[method](**ALIKE).fit_resample(as_frame(spark, rows, label))


class Recording(SVC):
    """A support vector classifier that remembers how many rows of each class it was fitted on, and the rows."""

    seen: ClassVar[list] = []
    rows: ClassVar[list] = []

    def fit(self, rows, label):
        self.seen.append(sorted(Counter(label.tolist()).values()))
        self.rows.append(rows)
        return super().fit(rows, label)


@pytest.mark.parametrize("scale", [False, True])
def test_a_classifier_sees_features_and_not_the_integers_of_distances(spark, scale):
    rows, label = three_classes(away=1.0)
    given = {**ALIKE, "scale": scale, "svm_estimator": Recording(gamma=0.5), "sampling_strategy": {1: 90}}
    SAMPLERS["svm_smote"](**given).fit_resample(as_frame(spark, rows, label))
    seen = Recording.rows[-1]
    if scale:
        assert np.all((seen.std(axis=0) > 0.5) & (seen.std(axis=0) < 2))
    else:
        np.testing.assert_allclose(np.sort(pdist(seen)), np.sort(pdist(rows)), rtol=1e-3)
        np.testing.assert_allclose(np.sort(seen, axis=0), np.sort(rows, axis=0), atol=1e-3)
    with pytest.raises(SparkBalanceError, match="svm_estimator=.* is refused: it is not a scikit-learn estimator"):
        SAMPLERS["svm_smote"](**{**given, "svm_estimator": SVC})


def test_support_vectors_are_looked_for_among_a_bounded_number_of_rows(spark, monkeypatch):
    rows, label = three_classes(away=1.0)
    df = as_frame(spark, rows, label)
    given = {**ALIKE, "svm_estimator": Recording(gamma="scale"), "sampling_strategy": {1: 90}}
    Recording.seen.clear()
    SAMPLERS["svm_smote"](**given).fit_resample(df)
    monkeypatch.setattr(fetch, "FITTED_ROWS", 90)
    few = SAMPLERS["svm_smote"](**given).fit_resample(df)
    whole, sampled = Recording.seen
    assert whole == [40, 40, 120]
    # as many of each class, of a sample by draw
    assert 75 < sum(sampled) <= 90
    assert max(sampled) == 30
    assert few.where("label = 1").count() == 90
    over.SVMSMOTE(svm_estimator=Recording(gamma="scale"), sampling_strategy={1: 90}).fit_resample(rows, label)
    assert Recording.seen[2:] == [[40, 40, 120]]


def test_a_row_that_is_the_nearest_of_two_centroids_is_kept_once(spark):
    draw = np.random.default_rng(0)
    rows, label = draw.integers(0, 3, size=(300, 2)).astype(float), np.repeat([0, 1], [240, 60])
    sampler = SAMPLERS["cluster_centroids"](**ALIKE, voting="hard")
    here = kept(sampler, as_frame(spark, rows, label))
    assert len(here) == len(set(here)) == 120


def test_equal_rows_of_other_classes_are_links(spark):
    draw = np.random.default_rng(4)
    rows = np.rint(draw.normal(size=(320, 3)) * 2.0**12) / 2.0**12
    label = (draw.random(320) < 0.2).astype(int)
    twins = np.flatnonzero(label == 0)[:30]
    rows, label = np.concatenate([rows, rows[twins]]), np.concatenate([label, np.ones(30, dtype=int)])
    columns = {"id": np.arange(350), "label": label} | {f"f{i}": column for i, column in enumerate(rows.T)}
    oracle = theirs.TomekLinks()
    oracle.fit_resample(rows, label)
    here = set(kept(SAMPLERS["tomek_links"](**ALIKE), spark.createDataFrame(pa.table(columns))))
    there = set(oracle.sample_indices_.tolist())
    assert there - here == set(twins.tolist())
    assert not here - there
    assert len(there) < 350  # other links are the same


def test_of_several_smallest_classes_the_first_label_is_the_minority(spark):
    label = real("ties")[1]
    few = np.concatenate([np.flatnonzero(label == code)[-40:] for code in (2, 0, 1)])
    df = frame(spark, "ties")
    sampler = SAMPLERS["neighbourhood_cleaning_rule"](**ALIKE, sampling_strategy="all")
    oracle = theirs.NeighbourhoodCleaningRule(sampling_strategy="all")
    as_it_is, by_label = (kept_there(oracle, df, "ties", order) for order in (few, few[np.argsort(label[few])]))
    assert kept(sampler, df.where(F.col("id").isin(few.tolist()))) == by_label
    assert as_it_is != by_label


def test_a_name_means_the_classes_of_the_table_in_every_round(spark):
    df = frame(spark, "ties")
    given = {"n_neighbors": 3, "allow_minority": True}
    here = kept(SAMPLERS["all_knn"](**ALIKE, **given), df)
    assert here == kept_there(theirs.AllKNN(sampling_strategy=[0, 1], **given), df, "ties")
    assert here != kept_there(theirs.AllKNN(**given), df, "ties")


def test_ten_rounds_are_the_most_unless_more_are_asked_for(spark):
    df = frame(spark, "flights")
    here = SAMPLERS["repeated_edited_nearest_neighbours"](**ALIKE)
    assert kept(here, df) == kept_there(theirs.RepeatedEditedNearestNeighbours(max_iter=10), df, "flights")
    assert (here.max_iter, theirs.RepeatedEditedNearestNeighbours().max_iter) == (10, 100)


def test_a_minority_that_is_targeted_loses_links_alone(spark):
    df, label = frame(spark, "flights"), real("flights")[1]
    minority = set(np.flatnonzero(label == 1).tolist())
    alone = set(kept(SAMPLERS["one_sided_selection"](**ALIKE), df))
    both = set(kept(SAMPLERS["one_sided_selection"](**ALIKE, sampling_strategy="all"), df))
    lost = alone - both
    assert lost
    assert lost <= minority
    assert len(minority & both) > len(minority) / 2
    there = kept_there(theirs.OneSidedSelection(sampling_strategy="all", random_state=0), df, "flights")
    assert len(minority & set(there)) <= 1


@pytest.mark.parametrize("method", ["one_sided_selection", "condensed_nearest_neighbour"])
def test_a_seed_is_a_row_once(spark, method):
    df = frame(spark, "breast cancer")
    sampler = SAMPLERS[method](**ALIKE, n_seeds_S=300)
    here = kept(sampler, df)
    assert len(set(here)) == len(here)
    oracle = getattr(theirs, type(sampler).__name__)(n_seeds_S=300, random_state=0)
    there = kept_there(oracle, df, "breast cancer")
    assert len(set(there)) < len(there)


def test_condensing_does_not_depend_on_the_order_of_rows(spark):
    df = frame(spark, "wine")
    sampler = SAMPLERS["condensed_nearest_neighbour"](**ALIKE)
    assert kept(sampler, df) == kept(sampler, df.orderBy("f1"))
    orders = [None, np.random.default_rng(0).permutation(len(real("wine")[1]))]
    one, other = (kept_there(theirs.CondensedNearestNeighbour(random_state=0), df, "wine", order) for order in orders)
    assert one != other


def test_fewer_rows_than_neighbors_vote_where_no_more_are_left(spark):
    # nearly every row is of another class than its neighbor: the first round leaves next to nothing
    label = np.arange(24) % 2
    columns = {"id": np.arange(24), "label": label, "x": np.arange(24.0), "y": np.zeros(24)}
    df = spark.createDataFrame(pa.table(columns))
    given = {"n_neighbors": 3, "sampling_strategy": "all"}
    assert kept(SAMPLERS["repeated_edited_nearest_neighbours"](**ALIKE, **given), df) == []
