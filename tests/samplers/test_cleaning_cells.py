"""With many cells decisions are nearly all those of one cell, and each cell keeps what classifies its rows."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from spark_balance.base.decide import CellsNode
from spark_balance.base.node import Classes, SparkRun
from spark_balance.base.registry import SAMPLERS
from spark_balance.frames.classes import Strata
from spark_balance.kernels.knn import knn
from spark_balance.neighbors.decisions import decide_in_cells
from spark_balance.under_sampling import edited_nearest_neighbours as rounds

ROWS = 6_000
METHODS = {
    "tomek_links": {},
    "edited_nearest_neighbours": {"kind_sel": "mode"},
    "repeated_edited_nearest_neighbours": {},
    "all_knn": {},
    "neighbourhood_cleaning_rule": {},
    "one_sided_selection": {"n_seeds_S": 20},
}


@pytest.fixture(scope="module")
def clusters(spark):
    """Rows of three classes in clusters that overlap, of two dimensions seen through five features."""
    draw = np.random.default_rng(3)
    middles = draw.normal(size=(12, 2)) * 6
    of = draw.integers(0, 12, ROWS)
    plane = middles[of] + draw.normal(size=(ROWS, 2))
    features = plane @ draw.normal(size=(2, 5)) + 0.01 * draw.normal(size=(ROWS, 5))
    label = np.where(draw.random(ROWS) < 0.06, draw.integers(0, 3, ROWS), np.array([0] * 7 + [1] * 4 + [2])[of])
    columns = {"id": np.arange(ROWS), "label": label} | {f"f{i}": column for i, column in enumerate(features.T)}
    return spark.createDataFrame(pa.table(columns)), features, label


def _kept(sampler, df):
    done = sampler.resample(df)
    kept = np.zeros(ROWS, dtype=bool)
    kept[done.frame.select("id").toArrow()["id"].to_numpy()] = True
    return kept, done.notes


@pytest.mark.parametrize("method", METHODS)
def test_many_cells_decide_as_one_does(clusters, method):
    df, _, _ = clusters
    sampler = SAMPLERS[method](label_col="label", key_cols="id", **METHODS[method])
    alone, notes = _kept(sampler, df)
    assert (notes["cells"], notes["estimated_recall"]) == (1, 1.0)
    several, notes = _kept(sampler.replace(cell_rows=700), df)
    assert notes["cells"] > 5
    # the share of true neighbors that cells are made for
    assert notes["estimated_recall"] >= 0.995
    assert np.mean(alone == several) >= 0.99
    assert 500 < np.count_nonzero(~alone) < ROWS / 2


def _all(method, **more):
    return SAMPLERS[method](label_col="label", key_cols="id", sampling_strategy="all", **more)


@pytest.fixture(scope="module")
def in_one_cell(clusters):
    """Return which rows a method keeps in one cell, and its notes; the same run is not made again."""
    return cache(lambda method, **more: _kept(_all(method, **more), clusters[0]))


def _proven(sampler, df, features, k):
    """Return which rows' k true neighbors are proven to be in their cell, and each row's nearest."""
    plan = sampler.plan(df)
    run = SparkRun(sampler, df, plan, Classes(Strata.of(plan, df.schema, complete=True), sampler.action))
    [cells] = [node for node in sampler.nodes if isinstance(node, CellsNode)]
    [pool], cell_map = run(cells).pools, run(cells).cell_map
    points = cell_map.scale.integers(features)
    found, away = knn(points, points, k + 1, how="brute")
    return cell_map.pools[pool.number].proven(points, np.sqrt(away[:, -1])), found[:, 1]


@pytest.mark.parametrize(
    ("method", "k", "more"),
    [
        ("edited_nearest_neighbours", 3, {"kind_sel": "all"}),
        ("edited_nearest_neighbours", 3, {"kind_sel": "mode"}),
        ("edited_nearest_neighbours", 11, {"kind_sel": "all", "n_neighbors": 11}),
        ("tomek_links", 1, {}),
    ],
)
@pytest.mark.parametrize("cell_rows", [250, 700])
def test_decisions_are_those_of_one_cell_wherever_the_neighbors_are_proven(
    clusters, in_one_cell, method, k, more, cell_rows
):
    df, features, _ = clusters
    alone, notes = in_one_cell(method, **more)
    assert (notes["estimated_recall"], notes["estimated_proven"]) == (1.0, 1.0)
    sampler = _all(method, cell_rows=cell_rows, **more)
    several, notes = _kept(sampler, df)
    assert notes["cells"] > 5
    proven, nearest = _proven(sampler, df, features, k)
    assert notes["estimated_proven"] == pytest.approx(proven.mean(), abs=0.05)
    assert 0.3 < proven.mean() < 1
    # a link is what both of its rows say
    needed = proven & proven[nearest] if method == "tomek_links" else proven
    assert (alone == several)[needed].all()
    assert np.mean(alone == several) >= 0.99
    assert sampler.explain(df).facts["estimated_proven"] == pytest.approx(notes["estimated_proven"])


def _right(features, label, kept, targeted):
    """Return the share of rows that go whose nearest kept row is of their class."""
    rows = np.flatnonzero(~kept & np.isin(label, targeted))
    away = ((features[rows][:, None] - features[kept]) ** 2).sum(axis=2)
    return np.mean(label[kept][away.argmin(axis=1)] == label[rows])


@pytest.mark.parametrize(("wish", "targeted"), [("auto", [0, 1]), ("all", [0, 1, 2]), ([0], [0])])
def test_what_condensing_keeps_classifies_the_rest(clusters, wish, targeted):
    df, features, label = clusters
    sampler = SAMPLERS["condensed_nearest_neighbour"](
        label_col="label", key_cols="id", scale=False, sampling_strategy=wish, cell_rows=ROWS
    )
    kept, notes = _kept(sampler, df)
    assert notes["cells"] == 1
    assert kept[~np.isin(label, targeted)].all()
    assert _right(features, label, kept, targeted) == 1.0
    again, _ = _kept(sampler, df.orderBy("f0").repartition(5))
    assert (again == kept).all()
    several, notes = _kept(sampler.replace(cell_rows=700), df)
    assert notes["cells"] > 5
    assert _right(features, label, several, targeted) >= 0.99
    assert np.count_nonzero(several) < 1.05 * np.count_nonzero(kept)
    other, _ = _kept(sampler.replace(random_state=1), df)
    assert (other != kept).any()


def test_a_minority_that_is_far_from_most_rows_still_counts(spark):
    draw = np.random.default_rng(8)
    place = np.concatenate([np.sort(draw.random(ROWS - 50)) * 100 + 5, draw.random(50)])
    columns = {"id": np.arange(ROWS), "label": np.arange(ROWS) >= ROWS - 50, "x": place, "y": draw.random(ROWS)}
    df = spark.createDataFrame(pa.table(columns))
    sampler = SAMPLERS["one_sided_selection"](label_col="label", key_cols="id", random_state=1)
    alone, _ = _kept(sampler, df)
    assert 0.1 < alone.mean() < 0.9
    several, notes = _kept(sampler.replace(cell_rows=500), df)
    assert notes["cells"] > 5
    assert np.mean(alone == several) >= 0.99


@pytest.mark.parametrize("method", ["all_knn", "repeated_edited_nearest_neighbours"])
def test_rows_are_judged_once_when_few_may_go_and_again_when_many_may(clusters, monkeypatch, method):
    df, _, _ = clusters
    asked = []

    def counted(*given):
        asked.append(given)
        return decide_in_cells(*given)

    monkeypatch.setattr("spark_balance.base.decide.decide_in_cells", counted)
    sampler = SAMPLERS[method](label_col="label", key_cols="id", cell_rows=700)
    once, notes = _kept(sampler, df)
    assert (len(asked), notes["cells"] > 5) == (1, True)
    for held in (0, ROWS // 4):
        asked.clear()
        monkeypatch.setattr(rounds, "HELD", held)
        again, of_again = _kept(sampler, df)
        assert (len(asked), of_again) == (2, notes)
        assert (again == once).all()
    asked.clear()
    told = sampler.replace(output="removed_keys").fit_resample(df).toArrow()["id"].to_numpy()
    assert len(asked) == 2
    assert sorted(told) == np.flatnonzero(~once).tolist()
