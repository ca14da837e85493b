"""What `explain` says of a frame before anything runs, and that little runs for it."""

from __future__ import annotations

import numpy as np
import pytest
from cases import crossed
from frames import FEATURES, labelled

from spark_balance import SMOTE, SparkBalanceError
from spark_balance.base.registry import SAMPLERS
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cells import Goal, fit_cells
from spark_balance.neighbors.pools import pools_of_classes


@pytest.fixture(scope="module")
def rows(spark, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("explain") / "rows")
    labelled(spark, [730, 250]).write.parquet(path)
    return spark.read.parquet(path)


@pytest.fixture
def jobs(rows, monkeypatch):
    """Return a list that gets the name of every action."""
    ran = []
    for name in ("toArrow", "collect", "count", "toPandas", "foreach"):
        action = getattr(type(rows), name)
        monkeypatch.setattr(
            type(rows), name, lambda df, *given, of=action, name=name: (ran.append(name), of(df, *given))[1]
        )
    monkeypatch.setattr(type(rows), "write", property(lambda df: pytest.fail("explain wrote")))
    return ran


@crossed(lambda case: case.method == "smote", everywhere={"smote-cells_base"})
def test_what_explain_says_of_the_cells_is_what_the_run_reports(rows, case):
    facts = case().explain(rows, cores=2).facts
    notes = case().resample(rows).notes
    for name in ("cells", "guests_per_row", "estimated_recall", "candidates_per_row"):
        assert facts[name] == notes[name], name


def test_only_classic_spark_is_named_by_its_name(rows, engine):
    for name in ("smote", "random_over", "tomek_links"):
        said = str(SAMPLERS[name](label_col="label").explain(rows))
        assert engine == "spark" or "spark" not in said.lower()


def test_no_cores_are_refused(rows):
    with pytest.raises(SparkBalanceError, match="SMOTE: cores=0 is not allowed; give at least 1, or leave it out$"):
        SMOTE(label_col="label").explain(rows, cores=0)


def test_given_counts_spare_the_count(rows, jobs):
    SAMPLERS["random_under"](label_col="label").explain(rows, {"class 0": 730, "class 1": 250})
    assert jobs == []


def test_a_low_recall_and_a_small_class_are_warnings(rows):
    said = SMOTE(label_col="label", feature_cols=FEATURES, cell_rows=16, recall=0.9999).explain(rows)
    assert any("of the true neighbors will be found, below recall=0.9999" in sentence for sentence in said.warnings)
    said = SMOTE(label_col="label", feature_cols=FEATURES, k_neighbors=250).explain(rows)
    assert "has 250 rows, k_neighbors=250 needs at least 251" in said.warnings[0]


def test_expected_sizes_are_those_of_the_cells_when_all_rows_are_sampled():
    """The rows that tasks place are counted against the sizes that were expected of them."""
    draw = np.random.default_rng(0)
    points = np.rint(draw.normal(size=(3_000, 3)) * 1000)
    points[:1_000] = 7  # equal rows, which no cell can part
    sample = Sample(FeatureColumns((), (3,)), {0: points}, {0: np.arange(len(points))}, {0: 1.0})
    scale = Scale(np.zeros(3), np.ones(3), 2.0**21)
    made = fit_cells(sample, pools_of_classes({0: len(points)}, 5), scale, Goal(CellSize(200))).pools[0]
    assert made.shards.max() > 1
    home, _, visits = made.assign(points, draw.integers(0, 2**62, len(points)), np.zeros(len(points)))
    tasks = int(made.shards.sum())
    placed = np.bincount(home, minlength=tasks) + np.bincount(visits, minlength=tasks)
    expected = made.sizes(points, len(points))
    assert expected.sum() == pytest.approx(placed.sum())
    single = np.repeat(made.shards, made.shards) == 1
    assert np.array_equal(expected[single], placed[single])
    assert np.allclose(made.sizes(points, 10 * len(points)), 10 * expected)
