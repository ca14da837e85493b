"""The Examples of what resamples, trains, measures and reports run as they are printed."""

from __future__ import annotations

import doctest
import inspect

import pytest

import spark_balance

FOLDERS = ("ml", "metrics", "report", "compare", "over_sampling", "under_sampling", "combine", "multilabel")
OTHERS = {"StreamBalancer", "fit_relevance", "from_windows", "to_windows"}
WITHOUT = ("BalancedModel", "LabelCounts")
OURS = [
    name
    for name in spark_balance.__all__
    if (getattr(spark_balance, name).__module__.split(".")[1] in FOLDERS and name not in WITHOUT) or name in OTHERS
]
FITTED = [name for name in OURS if name.startswith("Balanced")]


def run(name, spark):
    offered = getattr(spark_balance, name)
    names = {one: getattr(spark_balance, one) for one in spark_balance.__all__} | {"spark": spark}
    example = doctest.DocTestParser().get_doctest(inspect.getdoc(offered), names, name, None, 0)
    assert example.examples, f"{name} has no Examples"
    said = []
    found = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert found.failed == 0, "".join(said)


@pytest.mark.parametrize("name", sorted({*OURS} - {*FITTED}))
@pytest.mark.usefixtures("runs")
def test_the_example_runs(spark, name):
    run(name, spark)


@pytest.mark.engines("spark")
@pytest.mark.parametrize("name", FITTED)
def test_the_example_of_what_fits_runs(spark, name):
    run(name, spark)
