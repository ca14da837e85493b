"""A recipe depends on parameters alone, and its nodes state the jobs and evaluations that really happen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cases import BUILT_IN, CASES, crossed
from frames import FEATURES, labelled
from recipes import shape_of, shapes

from spark_balance import (
    ADASYN,
    MWMOTE,
    SVMSMOTE,
    AllKNN,
    BorderlineSMOTE,
    EditedNearestNeighbours,
    InstanceHardnessThreshold,
    KMeansSMOTE,
    NearMiss,
    OneSidedSelection,
    RepeatedEditedNearestNeighbours,
    SafeLevelSMOTE,
    TomekLinks,
)
from spark_balance.base import Classes, SparkRun
from spark_balance.frames.classes import Strata
from spark_balance.neighbors.decisions import decide_in_cells, decide_row_by_row
from spark_balance.testing.work import watched

TESTS = Path(__file__).parents[1]
COUNTS = {"class 0": 300, "class 1": 120, "class 2": 50}
ACTIONS = ("toArrow", "collect", "count", "toPandas", "toLocalIterator", "head", "take", "first", "show", "foreach")
# above these numbers of rows something is computed once more instead of held
BOUNDS = (
    "base.levels.MOST_HELD",
    "frames.levels.MOST_HELD",
    "base.keep.MOST_HELD",
    "frames.ranked.MOST_HELD",
    "under_sampling.edited_nearest_neighbours.HELD",
)
WITHOUT_A_SESSION = """
import json, recipes
shapes = recipes.shapes()
from pyspark import SparkContext
from pyspark.sql import SparkSession
assert SparkContext._active_spark_context is None and SparkSession.getActiveSession() is None
print(json.dumps(shapes))
"""


@pytest.fixture(scope="module")
def without_a_session():
    """Return the shapes of all recipes, made by a process that never has a session."""
    found = [str(TESTS), str(TESTS / "samplers"), str(TESTS.parent)]
    remote = {name for name in os.environ if name.startswith("SPARK_")}
    given = {name: value for name, value in os.environ.items() if name not in remote}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_SESSION],
        capture_output=True,
        text=True,
        check=True,
        env={**given, "PYTHONPATH": os.pathsep.join(found)},
    )
    return json.loads(done.stdout)


def test_every_registered_recipe_is_built_without_a_session(without_a_session):
    assert {case.method for case in CASES} == set(BUILT_IN)
    assert set(without_a_session) == {str(case) for case in CASES}
    assert all(without_a_session.values())


def test_a_recipe_depends_on_parameters_alone(spark, without_a_session):
    # with a session at hand, and once more, it is the same
    assert shapes() == shapes() == without_a_session


@crossed(everywhere=())
def test_a_recipe_is_the_same_before_and_after_a_run(spark, case):
    sampler = case()
    before = shape_of(sampler)
    for rows in ([60, 30], [90, 30, 12]):
        sampler.resample(labelled(spark, rows))
        assert shape_of(sampler) == before


def one_method(case):
    """Choose methods that are no steps of others; centroids in one cell, whose rows are known, run no job."""
    return case.kind.family != "both" and (case.method != "cluster_centroids" or not case.one_cell)


@crossed(one_method, everywhere={"smote-exact", "smote-partition", "near_miss-cells"})
def test_a_node_runs_the_jobs_that_it_states(spark, case):
    df, sampler = labelled(spark, list(COUNTS.values())), case()
    plan = sampler.plan(df, COUNTS)
    run = SparkRun(sampler, df, plan, Classes(Strata.of(plan, df.schema, complete=True), sampler.action))
    nodes, ran = sampler.nodes, {}
    for node in nodes:
        with watched(df, *ACTIONS) as called:
            run(node)
        ran[node] = len(called)
    assert [(type(node).__name__, jobs) for node, jobs in ran.items()] == [
        (type(node).__name__, node.jobs) for node in nodes
    ]
    assert sum(ran.values()) == sampler.jobs


class Counting:
    """A rule that leaves a line in a file whenever it runs, in whatever process."""

    def __init__(self, rule, file):
        self.rule, self.file = rule, file

    def __call__(self, *given):
        with open(self.file, "a") as lines:
            lines.write("x\n")
        return self.rule(*given)


@pytest.fixture
def decided(tmp_path, monkeypatch):
    """Return a function that says how often a rule has run; in one cell or one partition that is once a time."""
    file = tmp_path / "decided"
    file.touch()

    def in_cells(rows, cell_map, rule, *more):
        return decide_in_cells(rows, cell_map, Counting(rule, str(file)), *more)

    def row_by_row(rows, rule, *more):
        return decide_row_by_row(rows, Counting(rule, str(file)), *more)

    monkeypatch.setattr("spark_balance.base.decide.decide_in_cells", in_cells)
    monkeypatch.setattr("spark_balance.base.decide.decide_row_by_row", row_by_row)
    return lambda: len(file.read_text().splitlines())


GIVEN = {"label_col": "label", "key_cols": "id", "feature_cols": FEATURES}
DECIDING = [
    ADASYN(**GIVEN),
    BorderlineSMOTE(**GIVEN),
    KMeansSMOTE(**GIVEN, cluster_balance_threshold=0.0),
    KMeansSMOTE(**GIVEN, cluster_balance_threshold=0.0, neighbors="exact"),
    MWMOTE(**GIVEN),
    SafeLevelSMOTE(**GIVEN),
    SVMSMOTE(**GIVEN),
    AllKNN(**GIVEN),
    AllKNN(**GIVEN, output="removed_keys"),
    EditedNearestNeighbours(**GIVEN),
    InstanceHardnessThreshold(**GIVEN, cv=2),
    NearMiss(**GIVEN),
    OneSidedSelection(**GIVEN),
    RepeatedEditedNearestNeighbours(**GIVEN),
    TomekLinks(**GIVEN),
]


# of many rows: no level of ADASYN's classes has a remainder here, and a threshold is found in one job less
SPARED = (ADASYN, InstanceHardnessThreshold, NearMiss)


@pytest.mark.parametrize("most", [None, 10], ids=["few", "many"])
@pytest.mark.parametrize("sampler", DECIDING, ids=[f"{i}-{sampler.name}" for i, sampler in enumerate(DECIDING)])
def test_explain_says_how_often_rows_are_decided_on(spark, monkeypatch, decided, sampler, most):
    for bound in BOUNDS if most else ():
        monkeypatch.setattr(f"spark_balance.{bound}", most)
    df = labelled(spark, [300, 120]).coalesce(1)
    sampler.fit_resample(df).toArrow()
    said = sum(step.times for step in sampler.explain(df).steps if step.name.startswith("decide"))
    assert decided() == said - bool(most and isinstance(sampler, SPARED))
