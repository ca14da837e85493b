"""What a run will cost, as arithmetic: no engine, no data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler, SparkBalanceError
from spark_balance.cost import HELD, UNITS, CostModel, Part, Step, Table
from spark_balance.kernels.local import BRUTE_ROWS, CANDIDATES, ROWS_PER_PIVOT, candidates, pivots
from spark_balance.kernels.neighbourhood import QUERIES
from spark_balance.plans import cells
from spark_balance.plans.cells import MOST_CELLS, MOST_GUESTS
from spark_balance.plans.sample import SAMPLE_BYTES, SAMPLE_ROWS, expected_rows
from spark_balance.samplers.cell_steps import CellSearch
from spark_balance.samplers.cell_work import ClassWork

EACH_ONE = CostModel(dict.fromkeys(UNITS, 1.0) | {"task": 0.0}, dict.fromkeys(HELD, 1.0), "a machine", "a day")
SAMPLERS = [
    SMOTE(label_col="y"),
    SMOTE(label_col="y", neighbors="partition"),
    SMOTE(label_col="y", neighbors="exact"),
    RandomOverSampler(label_col="y", key_cols="id"),
    RandomOverSampler(label_col="y", shrinkage=1.0),
    RandomUnderSampler(label_col="y"),
    RandomUnderSampler(label_col="y", exact=False),
]


def work(**changes):
    """Return a class of 1,000,000 rows in 20 equal cells, doubled."""
    made = ClassWork(1_000_000, 1_000_000, np.full(20, 75_000.0), 20, 0.5, 0.995, 80_000)
    return replace(made, **changes)


def search(*classes, **changes):
    made = CellSearch(Table(30, 4), 10_000_000, 28, 5, 1, 0, 65_536, False, classes or (work(),))
    return replace(made, **changes)


def warned(*classes, **changes):
    return list(search(*classes, **changes).warnings(CostModel.of("spark")))


def test_the_seconds_of_a_part_are_those_of_its_waves_or_of_its_largest_task():
    def seconds(tasks, cores, largest=1.0):
        step = Step("s", (Part(tasks, {"read": 120.0}, largest),))
        return EACH_ONE.seconds(step, cores) - 1  # its stage

    assert seconds(1, 1) == seconds(1, 8) == 120
    assert seconds(4, 4) == 30
    assert seconds(3, 2) == 80  # two waves of 40
    assert seconds(4, 4, largest=2.0) == 60
    assert seconds(400, 4, largest=2.0) == 30


def test_python_starts_once_however_many_tasks_there_are():
    assert Step("s", (Part(100, {"python": 1.0}),)).work(2)["python"] == 1


@pytest.mark.parametrize("engine", ["spark", "sail", "connect"])
def test_every_unit_has_a_measured_cost(engine):
    model = CostModel.of(engine)
    assert set(model.seconds_each) == set(UNITS)
    assert set(model.bytes_each) == set(HELD)
    assert min(model.seconds_each.values()) >= 0


def test_an_engine_without_a_model_is_refused():
    with pytest.raises(SparkBalanceError, match="'flink' has no measured model: use one of spark, sail, connect"):
        CostModel.of("flink")


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
def test_more_rows_never_cost_less(sampler):
    said = [sampler.explain_sizes(rows, 28, 0.01, cores=8) for rows in (10**4, 10**5, 10**6, 10**7, 10**8, 10**9)]
    assert np.all(np.diff([sum(one.seconds.values()) for one in said]) > 0)
    for name in ("rows_read", "rows_written", "shuffle_bytes"):
        assert np.all(np.diff([sum(getattr(step, name) for step in one.sketch.steps) for one in said]) >= 0)


def test_more_cores_and_fewer_features_never_cost_more():
    def seconds(features, cores):
        return sum(SMOTE(label_col="y").explain_sizes(10**8, features, 0.1, cores=cores).seconds.values())

    assert seconds(28, 8) > seconds(28, 64) > seconds(14, 64)


def test_on_paper_the_units_are_rows_bytes_and_cells():
    said = SMOTE(label_col="y", key_cols="id").explain_sizes(10**9, 28, 0.01, cores=64)
    facts, steps = said.sketch.facts, {step.name: step for step in said.sketch.steps}
    assert facts["cells"] == -(-(10**7) // 65_536)
    assert facts["guests_per_row"] == MOST_GUESTS
    assert facts["estimated_recall"] is None
    assert "recall is unknown" in str(said)
    assert steps["count"].rows_read == 10**9
    assert steps["place"].shuffle_rows == pytest.approx(1.9e7)
    assert steps["place"].shuffle_bytes == pytest.approx(1.9e7 * (28 * 8 + 64))
    assert steps["search, write"].rows_written == said.rows_after == 2 * (10**9 - 10**7)
    assert facts["driver_sample_rows"] == SAMPLE_ROWS
    # its sample, and three matrices of all pairs of centroids
    assert steps["sample"].driver_bytes == SAMPLE_ROWS * (28 * 8 + 20) + 3 * 8 * facts["cells"] ** 2
    assert len(str(said).splitlines()) < 25


def test_a_class_of_one_cell_has_no_guests():
    facts = SMOTE(label_col="y").explain_sizes(10**6, 28, 0.01, cores=2).sketch.facts
    assert (facts["cells"], facts["guests_per_row"], facts["largest_cell_rows"]) == (1, 0, 10_000)


def test_random_partitions_share_nothing():
    said = SMOTE(label_col="y", neighbors="partition").explain_sizes(10**9, 28, 0.01, cores=64)
    steps = {step.name: step for step in said.sketch.steps}
    assert said.sketch.facts["guests_per_row"] == 0
    assert steps["place"].shuffle_rows == 10**7


def test_an_exact_search_places_bases_once_more_and_sends_questions_and_answers():
    said = {
        neighbors: SMOTE(label_col="y", neighbors=neighbors).explain_sizes(10**9, 28, 0.01, cores=64)
        for neighbors in ("cells", "exact")
    }
    cells, exact = ({step.name: step for step in one.sketch.steps} for one in said.values())
    assert [*exact] == ["count", "sample", "place", "search, ask", "answer", "merge, write"]
    assert (exact["place"], exact["sample"]) == (cells["place"], cells["sample"])
    rows, asked = 10**7, round(0.9 * 10**7)
    answer = 8 * 5 * (28 + 4)
    assert exact["search, ask"].shuffle_bytes >= rows * (2 * 28 * 8 + answer) + asked * 28 * 8
    assert exact["answer"].shuffle_bytes >= (rows + asked) * answer
    assert exact["merge, write"].rows_written == cells["search, write"].rows_written
    assert exact["search, ask"].parts[0].amounts["homed"] == cells["place"].parts[0].amounts["homed"]
    # only bases ask and are answered
    fewer = SMOTE(label_col="y", neighbors="exact", sampling_strategy=0.0102).explain_sizes(10**9, 28, 0.01, cores=64)
    answered = next(step for step in fewer.sketch.steps if step.name == "answer")
    assert answered.shuffle_rows < 0.05 * exact["answer"].shuffle_rows
    assert "as many rows ask another cell as visit one" in str(said["exact"])
    work = {name: sum(part.amounts.get("distances", 0) for step in one.sketch.steps for part in step.parts)
            for name, one in said.items()}  # fmt: skip
    assert work["exact"] > work["cells"] > 0


def test_without_a_key_all_columns_are_read_to_know_a_row():
    def read(keys):
        sample = search(work(), keys=keys, table=Table(100, 2)).steps(CostModel.of("spark"))[1]
        return sample.parts[0].amounts["read"]

    assert read(keys=0) > 2 * read(keys=1)


def test_a_key_saves_the_shuffle_of_hashes_and_no_remainder_saves_the_scan():
    def steps(**parameters):
        said = RandomUnderSampler(label_col="y", **parameters).explain_sizes(10**6, 5, 0.25, cores=2)
        return {step.name: step for step in said.sketch.steps}

    assert steps()["choose"].shuffle_rows == 2 * 750_000
    assert steps(key_cols="id")["choose"].shuffle_rows == 0
    assert list(steps(exact=False)) == ["count", "write"]
    grown = RandomOverSampler(label_col="y").explain_sizes(10**6, 5, 0.25, cores=2)
    assert [step.name for step in grown.sketch.steps] == ["count", "write"]  # 3 of each row exactly


@pytest.mark.parametrize(
    "given",
    [{"minority": 0.0}, {"minority": 0.6}, {"features": 0}, {"cores": 0}, {"rows": 10, "minority": 0.001}],
)
def test_a_table_that_cannot_be_is_refused(given):
    with pytest.raises(SparkBalanceError, match="there is no table of rows="):
        SMOTE(label_col="y").explain_sizes(**{"rows": 1000, "features": 3, "minority": 0.1, "cores": 2} | given)


def test_an_ordinary_search_has_nothing_to_warn_of():
    assert warned() == []


@pytest.mark.parametrize(
    ("classes", "changes", "words"),
    [
        ([work(rows=10**9, centroids=MOST_CELLS, sampled=10**6)], {}, "the most cells there are, 4,000, are 250,000"),
        ([work(sampled=1_000)], {}, "the driver's sample is at its bound: 1,000 rows for 20 cells, 50 a cell"),
        ([work(sizes=np.full(20, 4e6))], {}, "GB in its Python worker, above 1 GB"),
        ([work(sizes=np.full(20, 1e7))], {}, "an Arrow buffer at most 2"),
        ([work(sizes=np.array([75_000.0] * 19 + [400_000.0]))], {}, "times the mean"),
        ([work()], {"table": Table(30, 64)}, "20 cells keep 20 of 64 cores at work"),
    ],
)
def test_what_breaks_a_promise_is_a_warning(classes, changes, words):
    assert any(words in sentence for sentence in warned(*classes, **changes)), warned(*classes, **changes)


def test_a_class_too_small_is_a_warning_and_left_out():
    said = SMOTE(label_col="y").explain_sizes(1000, 3, 0.005, cores=1)
    assert "class 'minority' has 5 rows, k_neighbors=5 needs at least 6" in said.sketch.warnings[0]
    assert "cells" not in said.sketch.facts


def test_the_model_has_a_machine_and_a_date_and_json_has_all_of_it():
    told = SMOTE(label_col="y").explain_sizes(10**6, 28, 0.01, cores=2).to_dict()
    assert set(told["model"]) == {"machine", "date"}
    assert told["seconds"] == pytest.approx(sum(step["seconds"] for step in told["steps"]))
    assert {"cells", "guests_per_row", "estimated_recall", "candidates_per_row"} <= set(told)


def test_candidates_are_all_points_of_a_small_cell_and_bounded_in_a_large_one():
    assert candidates(BRUTE_ROWS) == BRUTE_ROWS
    assert CANDIDATES < candidates(65_536) <= 8_000
    assert (pivots(BRUTE_ROWS), pivots(64_000)) == (0, 64_000 // ROWS_PER_PIVOT)
    assert max(candidates(n) for n in range(1_000, 100_000, 1_000)) == BRUTE_ROWS


def test_the_sample_is_bounded_by_rows_and_by_bytes():
    assert expected_rows([1_000], width=28, cell_rows=65_536) == [1_000]
    assert expected_rows([10**9], width=28, cell_rows=65_536) == [SAMPLE_ROWS]
    assert sum(expected_rows([10**9, 10**8], width=500, cell_rows=3_000)) == pytest.approx(SAMPLE_BYTES // 4_000)


def test_a_class_beyond_the_most_cells_has_larger_cells_and_no_more_of_them(monkeypatch):
    monkeypatch.setattr(cells, "MOST_CELLS", 8)
    points = np.rint(np.random.default_rng(0).normal(size=(4_000, 3)) * 1000)
    made = cells.class_cells(points, 10**6, 0, 1_000, 5)  # 1,000 cells are wanted
    assert 4 <= len(made.cells) <= 16
    assert made.shards.max() == 1


def test_the_recall_of_one_large_cell_is_estimated_from_as_many_rows_as_that_of_several(monkeypatch):
    drawn = np.random.default_rng(0)
    points = np.rint(drawn.normal(size=(8_000, 3)) * 1000 + np.where(drawn.random(8_000) < 0.03, 10**5, 0)[:, None])
    asked = []
    monkeypatch.setattr(cells, "expected_recall", lambda points, queries, rows, k: asked.append(len(queries)) or 0.9)
    made = cells.class_cells(points, 10**5, 0, 90_000, 5)
    assert len(made.cells) == 2
    assert (len(asked), sum(asked)) == (1, QUERIES)
    assert made.estimate.recall == pytest.approx(0.9, rel=0.01)
