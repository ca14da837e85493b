"""What is saved of an ensemble, and of the estimator that fits one, is there again when it is loaded."""

from __future__ import annotations


def check_saved_and_loaded(fitted, rows, estimator, folder):
    """Save both, load both, and compare."""
    from spark_balance import BalancedModel

    fitted.save(f"{folder}/model")
    loaded = BalancedModel.load(f"{folder}/model").transform(rows)
    assert loaded.exceptAll(fitted.transform(rows)).isEmpty()
    estimator.save(f"{folder}/estimator")
    again = type(estimator).load(f"{folder}/estimator")
    assert again.getOrDefault("n_estimators") == estimator.getOrDefault("n_estimators") == 7
    assert again.getSampler() == estimator.getSampler()
