"""What a run will do and cost, as arithmetic: no engine, no data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spark_balance import (
    ADASYN,
    SMOTE,
    AllKNN,
    BorderlineSMOTE,
    EditedNearestNeighbours,
    InstanceHardnessThreshold,
    KMeansSMOTE,
    NearMiss,
    RandomOverSampler,
    RandomUnderSampler,
    SparkBalanceError,
    TomekLinks,
)
from spark_balance.explain.cells import CellCost, CellLoad
from spark_balance.explain.explanation import WORKER_BYTES, Table, worker_bytes
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import SAMPLE_BYTES, SAMPLE_ROWS, CellSize, Sample, expected_rows
from spark_balance.kernels.knn import BRUTE_ROWS, count_candidates
from spark_balance.kernels.pivots import CANDIDATES
from spark_balance.kernels.recall import QUERIES
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors import cells, estimates
from spark_balance.neighbors.cells import MAX_CELLS, MAX_HALO, Goal, fit_cells
from spark_balance.neighbors.pools import pools_of_classes

SAMPLERS = [
    SMOTE(label_col="y"),
    SMOTE(label_col="y", neighbors="partition"),
    SMOTE(label_col="y", neighbors="exact"),
    BorderlineSMOTE(label_col="y", kind="borderline-2"),
    KMeansSMOTE(label_col="y"),
    RandomOverSampler(label_col="y", key_cols="id"),
    RandomOverSampler(label_col="y", shrinkage=1.0),
    RandomUnderSampler(label_col="y"),
    RandomUnderSampler(label_col="y", exact=False),
    TomekLinks(label_col="y"),
    AllKNN(label_col="y"),
    NearMiss(label_col="y"),
]


def load(**changes):
    """Return a class of 1,000,000 rows in 20 equal cells, doubled."""
    made = CellLoad(1_000_000, 1_000_000, np.full(20, 75_000.0), 20, 0.5, 0.995, 80_000)
    return replace(made, **changes)


def warned(*loads, **changes):
    made = CellCost(Table(30, 4), 10_000_000, 28, 5, 0, Goal(CellSize(65_536)), loads or (load(),))
    return list(replace(made, **changes).warnings())


def steps_of(sampler, rows=10**9, features=28, minority=0.01, cores=64):
    said = sampler.explain_sizes(rows, features, minority, cores=cores)
    return {step.name: step for step in said.steps}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
def test_more_rows_never_cost_less(sampler):
    said = [sampler.explain_sizes(rows, 28, 0.01, cores=8) for rows in (10**4, 10**5, 10**6, 10**7, 10**8, 10**9)]
    for name in ("rows_read", "rows_written", "shuffle_bytes"):
        assert np.all(np.diff([sum(getattr(step, name) for step in one.steps) for one in said]) >= 0)
    assert np.all(np.diff([one.shuffle_bytes for one in said]) >= 0)
    assert all(one.rows_written == one.rows_after for one in said)


def test_on_paper_the_units_are_rows_bytes_and_cells():
    said = SMOTE(label_col="y", key_cols="id").explain_sizes(10**9, 28, 0.01, cores=64)
    facts, steps = said.facts, {step.name: step for step in said.steps}
    assert facts["cells"] == -(-(10**7) // (3 * 65_536))
    assert facts["guests_per_row"] == MAX_HALO
    assert facts["estimated_recall"] is None
    assert "recall is unknown" in str(said)
    assert steps["count"].rows_read == 10**9
    assert steps["place"].shuffle_rows == pytest.approx(4e7)
    assert steps["place"].shuffle_bytes == pytest.approx(4e7 * (28 * 8 + 64))
    assert steps["write"].rows_written == said.rows_after == 2 * (10**9 - 10**7)
    assert facts["driver_sample_rows"] == SAMPLE_ROWS
    assert steps["sample"].driver_bytes == SAMPLE_ROWS * (28 * 8 + 20)
    # beside the sample, three matrices of all pairs of centroids
    assert steps["fit cells"].driver_bytes == SAMPLE_ROWS * (28 * 8 + 20) + 3 * 8 * facts["cells"] ** 2
    assert len(str(said).splitlines()) < 25


def test_a_class_of_one_cell_has_no_halo_rows():
    facts = SMOTE(label_col="y").explain_sizes(10**6, 28, 0.01, cores=2).facts
    assert (facts["cells"], facts["guests_per_row"], facts["largest_cell_rows"]) == (1, 0, 10_000)


def test_a_partition_has_no_halo_rows_and_as_many_rows_as_a_cell():
    said = SMOTE(label_col="y", neighbors="partition").explain_sizes(10**8, 28, 0.1, cores=8)
    assert said.facts["guests_per_row"] == 0
    assert said.facts["cells"] == -(-(10**7) // (3 * 65_536))


def test_an_exact_search_sends_questions_and_answers():
    # a remainder: some rows are taken once more than others
    given = {"label_col": "y", "key_cols": "id", "sampling_strategy": 0.9}
    exact, plain = (steps_of(SMOTE(**given, neighbors=how)) for how in ("exact", "cells"))
    assert list(exact) == [
        "count",
        "sample",
        "fit cells",
        "choose",
        "place",
        "search, ask",
        "answer",
        "merge",
        "deal out",
        "write",
    ]
    assert exact["place"] == plain["place"]
    # its bases are placed twice, so what chooses them runs twice
    assert (exact["choose"].times, plain["choose"].times) == (2, 1)
    rows, asked = 10**7, round(0.9 * 10**7)
    answer = 8 * 5 * (28 + 4)
    assert exact["search, ask"].shuffle_bytes >= rows * (2 * 28 * 8 + answer) + asked * 28 * 8
    assert exact["answer"].shuffle_bytes >= (rows + asked) * answer
    assert exact["write"].rows_written == plain["write"].rows_written
    # only bases ask and are answered
    fewer = steps_of(SMOTE(label_col="y", neighbors="exact", sampling_strategy=0.0102))
    assert fewer["answer"].shuffle_rows < 0.05 * exact["answer"].shuffle_rows


@pytest.mark.parametrize(
    "sampler", [BorderlineSMOTE(label_col="y"), ADASYN(label_col="y")], ids=["borderline", "adasyn"]
)
def test_levels_are_held_where_they_are_few_and_computed_again_where_they_are_many(sampler):
    """A job counts them; where the driver cannot hold them, a threshold and the result read them too."""
    few, many = steps_of(sampler, rows=10**6, minority=0.1), steps_of(sampler, rows=10**8, minority=0.1)
    assert (few["decide for levels"].times, many["decide for levels"].times) == (1, 3)
    assert (few["place for levels"].times, many["place for levels"].times) == (1, 3)
    assert (few["count levels"].driver_bytes, many["count levels"].driver_bytes) == (8_000_000, 0)
    assert few["place"].times == few["sample"].times == few["write"].times == 1
    said = sampler.explain_sizes(10**8, 28, 0.1, cores=4)
    assert said.shuffle_bytes == sum(step.shuffle_bytes * step.times for step in said.steps)
    assert said.shuffle_bytes > 3 * many["place for levels"].shuffle_bytes


def test_scores_are_computed_again_where_too_many_rows_are_kept_to_hold_them():
    small, large = (steps_of(NearMiss(label_col="y"), rows=rows, minority=0.3) for rows in (10**6, 10**7))
    assert (small["decide"].times, large["decide"].times) == (1, 4)


def test_rounds_decide_again_where_too_many_rows_may_go():
    def times(rows, **more):
        said = AllKNN(label_col="y", **more).explain_sizes(rows, 5, 0.1, cores=2)
        return sum(step.times for step in said.steps if step.name == "decide")

    assert (times(10**6), times(10**8)) == (1, 2)
    assert times(10**6, output="removed_keys", key_cols="id") == 2


def test_models_and_clusters_cost_a_sample_and_no_shuffle():
    hard = steps_of(InstanceHardnessThreshold(label_col="y", key_cols="id"))
    assert list(hard) == ["count", "sample", "decide", "write"]
    assert hard["sample"].driver_bytes == pytest.approx(2 * 20_000 * (28 * 8 + 20))
    assert not any(step.shuffle_bytes for step in hard.values())
    clustered = steps_of(KMeansSMOTE(label_col="y"))
    assert clustered["decide"].times == 3
    assert clustered["place"].shuffle_rows < 0.05 * 10**9


def test_cleaning_sends_integers_of_four_bytes():
    placed = steps_of(EditedNearestNeighbours(label_col="y", key_cols="id"))["place"]
    assert placed.shuffle_bytes == pytest.approx(12 * 65_536 * 4_000 * (4 * 28 + 64))


def test_a_key_saves_the_shuffle_of_hashes_and_no_remainder_saves_the_scan():
    def steps(**parameters):
        return steps_of(RandomUnderSampler(label_col="y", **parameters), 10**6, 5, 0.25, 2)

    assert steps()["choose"].shuffle_rows == 2 * 750_000
    assert steps(key_cols="id")["choose"].shuffle_rows == 0
    assert list(steps(exact=False)) == ["count", "write"]
    # 3 of each row exactly
    assert list(steps_of(RandomOverSampler(label_col="y"), 10**6, 5, 0.25, 2)) == ["count", "write"]


@pytest.mark.parametrize(
    "given", [{"minority": 0.0}, {"minority": 0.6}, {"features": 0}, {"cores": 0}, {"rows": 10, "minority": 0.001}]
)
def test_a_table_that_cannot_be_is_refused(given):
    with pytest.raises(SparkBalanceError, match="no table has rows="):
        SMOTE(label_col="y").explain_sizes(**{"rows": 1000, "features": 3, "minority": 0.1, "cores": 2} | given)


def test_an_ordinary_search_has_nothing_to_warn_of():
    assert warned() == []


@pytest.mark.parametrize(
    ("loads", "changes", "words"),
    [
        (
            [load(rows=10**9, centroids=MAX_CELLS, sampled=10**6)],
            {},
            "4,000 cells, the most a search makes, are 250,000",
        ),
        ([load(sampled=1_000)], {}, "the driver's sample is at its bound: 1,000 rows for 20 cells, 50 a cell"),
        ([load(sizes=np.full(20, 1.5e6))], {}, "GB in its Python worker, above 1 GB"),
        ([load(sizes=np.full(20, 1e7))], {}, "an Arrow buffer at most 2"),
        ([load(sizes=np.array([75_000.0] * 19 + [400_000.0]))], {}, "times the mean"),
        ([load()], {"table": Table(30, 64)}, "20 cells keep 20 of 64 cores at work"),
    ],
)
def test_what_breaks_a_promise_is_a_warning(loads, changes, words):
    assert any(words in sentence for sentence in warned(*loads, **changes)), warned(*loads, **changes)


def test_a_class_too_small_is_a_warning_and_left_out():
    said = SMOTE(label_col="y").explain_sizes(1000, 3, 0.005, cores=1)
    assert "class 'minority' has 5 rows, k_neighbors=5 needs at least 6" in said.warnings[0]
    assert "cells" not in said.facts
    assert [step.name for step in said.steps] == ["count", "write"]


def test_json_has_all_of_it():
    said = SMOTE(label_col="y").explain_sizes(10**6, 28, 0.01, cores=2)
    told = said.to_dict()
    assert told["shuffle_bytes"] == sum(step["times"] * step["shuffle_bytes"] for step in told["steps"])
    assert {"cells", "guests_per_row", "estimated_recall", "candidates_per_row"} <= set(told)
    assert [step["step"] for step in told["steps"]] == [step.name for step in said.steps]


def test_the_memory_of_a_worker_grows_with_what_it_holds():
    assert worker_bytes() == WORKER_BYTES
    assert worker_bytes(points=10**6) > worker_bytes(points=10**5) > worker_bytes()
    assert worker_bytes(10**6, pairs=10**6) > worker_bytes(10**6)


def test_candidates_are_all_points_of_a_small_cell_and_bounded_in_a_large_one():
    assert count_candidates(BRUTE_ROWS) == BRUTE_ROWS
    assert count_candidates(65_536) == CANDIDATES
    assert count_candidates(65_536, 9_000) == 9_000
    assert max(count_candidates(n) for n in range(1_000, 100_000, 1_000)) == BRUTE_ROWS


def test_the_sample_is_bounded_by_rows_and_by_bytes():
    assert expected_rows([1_000], width=28, cell_size=CellSize(65_536)) == [1_000]
    assert expected_rows([10**9], width=28, cell_size=CellSize(65_536)) == [SAMPLE_ROWS]
    assert sum(expected_rows([10**9, 10**8], width=500, cell_size=CellSize(3_000))) == pytest.approx(
        SAMPLE_BYTES // 4_000
    )


def fitted(points, rows, cell_rows):
    """Fit the cells of a class of so many rows, of which these points are a sample."""
    sample = Sample(FeatureColumns((), (3,)), {0: points}, {0: np.arange(len(points))}, {0: 1.0})
    scale = Scale(np.zeros(3), np.ones(3), 2.0**21)
    return fit_cells(sample, pools_of_classes({0: rows}, 5), scale, Goal(CellSize(cell_rows))).pools[0]


def test_a_class_beyond_the_most_cells_has_larger_cells_and_no_more_of_them(monkeypatch):
    monkeypatch.setattr(cells, "MAX_CELLS", 8)
    points = np.rint(np.random.default_rng(0).normal(size=(4_000, 3)) * 1000)
    made = fitted(points, 10**6, 1_000)  # 1,000 cells are wanted
    assert 4 <= len(made.cells) <= 16
    assert made.shards.max() == 1


def test_the_recall_of_one_large_cell_is_estimated_from_as_many_rows_as_that_of_several(monkeypatch):
    drawn = np.random.default_rng(0)
    points = np.rint(drawn.normal(size=(8_000, 3)) * 1000 + np.where(drawn.random(8_000) < 0.03, 10**5, 0)[:, None])
    asked = []
    monkeypatch.setattr(
        estimates, "estimate_recall", lambda points, queries, rows, k, work: asked.append(len(queries)) or 0.999
    )
    made = fitted(points, 10**5, 90_000)
    assert len(made.cells) == 2
    assert (len(asked), sum(asked)) == (1, QUERIES)
    assert made.estimate.recall == pytest.approx(0.999, rel=0.01)
    assert made.estimate.proven is None, "nobody asked"
    assert len(fitted(points, 10_000, 90_000).cells) == 1


@pytest.mark.parametrize("features", [5, 28, 150, 768])
@pytest.mark.parametrize("memory", [256, 512, 1_000, 2_000])
def test_a_task_takes_the_memory_that_it_may(features, memory):
    """Whatever the rows, until there are too many cells."""
    for rows in (10**6, 10**7, 10**9):
        said = TomekLinks(label_col="y", task_memory_mb=memory).explain_sizes(rows, features, 0.1, cores=64)
        if said.facts["cells"] < MAX_CELLS:
            decide = next(step for step in said.steps if step.name == "decide")
            assert decide.task_bytes <= memory * 10**6
    # and larger cells where it may take more
    few, many = (
        SMOTE(label_col="y", task_memory_mb=some).explain_sizes(10**9, features, 0.1, cores=64).facts["cells"]
        for some in (256, 2_000)
    )
    assert few > many
