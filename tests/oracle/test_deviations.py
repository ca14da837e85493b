"""Where a method that cleans is not imbalanced-learn's: what docs/deviations.md lists, and no more than that."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from imbalanced import frame, ids, our_ties, real, with_identity
from imblearn import under_sampling as theirs
from pyspark.sql import functions as F

from spark_balance.samplers.registry import SAMPLERS

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
    named = re.findall(r"`test_deviations.py::(test_\w+)`", DOCS.read_text())
    assert named
    assert set(named) <= set(globals())


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


def test_fewer_rows_than_neighbours_vote_where_no_more_are_left(spark):
    # nearly every row is of another class than its neighbour: the first round leaves next to nothing
    label = np.arange(24) % 2
    columns = {"id": np.arange(24), "label": label, "x": np.arange(24.0), "y": np.zeros(24)}
    df = spark.createDataFrame(pa.table(columns))
    given = {"n_neighbors": 3, "sampling_strategy": "all"}
    assert kept(SAMPLERS["repeated_edited_nearest_neighbours"](**ALIKE, **given), df) == []
