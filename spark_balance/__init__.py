"""Class-imbalance resampling for Spark DataFrames."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spark_balance.errors import SparkBalanceError
    from spark_balance.ml.batches import stratified_partitions
    from spark_balance.ml.ensembles import BalancedBaggingClassifier
    from spark_balance.ml.estimator import BalancedEstimator, BalancedModel
    from spark_balance.plans.counts import class_counts
    from spark_balance.samplers.random_over import RandomOverSampler
    from spark_balance.samplers.random_under import RandomUnderSampler
    from spark_balance.samplers.smote import SMOTE
    from spark_balance.summary import ClassCounts, ResamplingPlan

__version__ = "0.1.0"
__all__ = [
    "SMOTE",
    "BalancedBaggingClassifier",
    "BalancedEstimator",
    "BalancedModel",
    "ClassCounts",
    "RandomOverSampler",
    "RandomUnderSampler",
    "ResamplingPlan",
    "SparkBalanceError",
    "class_counts",
    "stratified_partitions",
]

# lazy: a Python worker that unpickles a kernel must not pay for pydantic and the samplers
_HOME = {
    "SMOTE": "samplers.smote",
    "RandomOverSampler": "samplers.random_over",
    "RandomUnderSampler": "samplers.random_under",
    "SparkBalanceError": "errors",
    "ClassCounts": "summary",
    "ResamplingPlan": "summary",
    "class_counts": "plans.counts",
    "BalancedEstimator": "ml.estimator",
    "BalancedModel": "ml.estimator",
    "BalancedBaggingClassifier": "ml.ensembles",
    "stratified_partitions": "ml.batches",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"spark_balance.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spark_balance' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
