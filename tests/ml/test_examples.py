"""The examples run, and do what their words say."""

from __future__ import annotations

from pathlib import Path

import pytest
from modules import module_of

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name):
    return module_of(EXAMPLES / f"{name}.py")


@pytest.mark.engines("sail", "connect")
def test_balanced_batches_teach_scikit_learn(spark, capsys):
    assert example("arrow_batches").main(spark) > 0.75
    assert "PyTorch: " in capsys.readouterr().out


@pytest.mark.engines("spark")
def test_xgboost_learns_from_resampled_rows_and_from_their_weights(spark):
    results = example("xgboost_spark").main(spark)
    assert all(area > 0.8 for area, _ in results.values())
    # one row in 20 is rare: without the weights the model believes it is one in 2
    assert results["downsampled"][1] > 0.2
    assert results["downsampled and upweighted"][1] == pytest.approx(0.05, abs=0.02)


def test_lightgbm_learns_from_weights_and_its_probabilities_are_corrected(spark):
    weighted, corrected = example("lightgbm_weights").main(spark).values()
    assert weighted[0] > 0.8
    # the order of the rows is left alone
    assert corrected[0] == pytest.approx(weighted[0])
    # one row in 20 is rare: with balanced weights the model believes it is about one in 2
    assert weighted[1] > 0.2
    assert corrected[1] == pytest.approx(0.05, abs=0.02)
