"""Class-imbalance resampling for Spark DataFrames."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spark_balance.errors import RefusedByGuard, SparkBalanceError
    from spark_balance.ml.batches import stratified_partitions
    from spark_balance.ml.boosting import BalancedBoostingClassifier
    from spark_balance.ml.costs import cost_threshold, decide_by_cost
    from spark_balance.ml.ensembles import BalancedBaggingClassifier
    from spark_balance.ml.estimator import BalancedEstimator, BalancedModel
    from spark_balance.ml.evaluator import ImbalanceEvaluator
    from spark_balance.ml.metrics import calibration, confusion_matrix, evaluate, ranking
    from spark_balance.ml.prior import correct_prior
    from spark_balance.ml.splits import stratified_folds, stratified_split, time_split
    from spark_balance.ml.weights import ClassWeighter
    from spark_balance.plans.counts import class_counts
    from spark_balance.report.resampling import resampling_report
    from spark_balance.samplers.adasyn import ADASYN
    from spark_balance.samplers.all_knn import AllKNN
    from spark_balance.samplers.base import Sampler
    from spark_balance.samplers.borderline_smote import BorderlineSMOTE
    from spark_balance.samplers.chain import Chain
    from spark_balance.samplers.cluster_centroids import ClusterCentroids
    from spark_balance.samplers.condensed_nearest_neighbour import CondensedNearestNeighbour
    from spark_balance.samplers.edited_nearest_neighbours import EditedNearestNeighbours
    from spark_balance.samplers.gaussian_smote import GaussianSMOTE
    from spark_balance.samplers.instance_hardness_threshold import InstanceHardnessThreshold
    from spark_balance.samplers.kmeans_smote import KMeansSMOTE
    from spark_balance.samplers.mwmote import MWMOTE
    from spark_balance.samplers.near_miss import NearMiss
    from spark_balance.samplers.neighbourhood_cleaning_rule import NeighbourhoodCleaningRule
    from spark_balance.samplers.one_sided_selection import OneSidedSelection
    from spark_balance.samplers.random_over import RandomOverSampler
    from spark_balance.samplers.random_under import RandomUnderSampler
    from spark_balance.samplers.registry import register
    from spark_balance.samplers.repeated_edited_nearest_neighbours import RepeatedEditedNearestNeighbours
    from spark_balance.samplers.safe_level_smote import SafeLevelSMOTE
    from spark_balance.samplers.smote import SMOTE
    from spark_balance.samplers.smote_then_clean import SMOTEENN, SMOTETomek
    from spark_balance.samplers.smoten import SMOTEN
    from spark_balance.samplers.smotenc import SMOTENC
    from spark_balance.samplers.svm_smote import SVMSMOTE
    from spark_balance.samplers.tomek_links import TomekLinks
    from spark_balance.storage.manifest import read_manifest
    from spark_balance.summary import ClassCounts, ResamplingPlan

__version__ = "0.1.0"
__all__ = [
    "ADASYN",
    "MWMOTE",
    "SMOTE",
    "SMOTEENN",
    "SMOTEN",
    "SMOTENC",
    "SVMSMOTE",
    "AllKNN",
    "BalancedBaggingClassifier",
    "BalancedBoostingClassifier",
    "BalancedEstimator",
    "BalancedModel",
    "BorderlineSMOTE",
    "Chain",
    "ClassCounts",
    "ClassWeighter",
    "ClusterCentroids",
    "CondensedNearestNeighbour",
    "EditedNearestNeighbours",
    "GaussianSMOTE",
    "ImbalanceEvaluator",
    "InstanceHardnessThreshold",
    "KMeansSMOTE",
    "NearMiss",
    "NeighbourhoodCleaningRule",
    "OneSidedSelection",
    "RandomOverSampler",
    "RandomUnderSampler",
    "RefusedByGuard",
    "RepeatedEditedNearestNeighbours",
    "ResamplingPlan",
    "SMOTETomek",
    "SafeLevelSMOTE",
    "Sampler",
    "SparkBalanceError",
    "TomekLinks",
    "calibration",
    "class_counts",
    "confusion_matrix",
    "correct_prior",
    "cost_threshold",
    "decide_by_cost",
    "evaluate",
    "ranking",
    "read_manifest",
    "register",
    "resampling_report",
    "stratified_folds",
    "stratified_partitions",
    "stratified_split",
    "time_split",
]

# lazy: a Python worker that unpickles a kernel must not pay for pydantic and the samplers
_HOME = {
    "Chain": "samplers.chain",
    "SMOTEENN": "samplers.smote_then_clean",
    "SMOTETomek": "samplers.smote_then_clean",
    "SMOTE": "samplers.smote",
    "AllKNN": "samplers.all_knn",
    "ClusterCentroids": "samplers.cluster_centroids",
    "CondensedNearestNeighbour": "samplers.condensed_nearest_neighbour",
    "EditedNearestNeighbours": "samplers.edited_nearest_neighbours",
    "NeighbourhoodCleaningRule": "samplers.neighbourhood_cleaning_rule",
    "OneSidedSelection": "samplers.one_sided_selection",
    "RepeatedEditedNearestNeighbours": "samplers.repeated_edited_nearest_neighbours",
    "TomekLinks": "samplers.tomek_links",
    "InstanceHardnessThreshold": "samplers.instance_hardness_threshold",
    "NearMiss": "samplers.near_miss",
    "ADASYN": "samplers.adasyn",
    "BorderlineSMOTE": "samplers.borderline_smote",
    "GaussianSMOTE": "samplers.gaussian_smote",
    "SafeLevelSMOTE": "samplers.safe_level_smote",
    "KMeansSMOTE": "samplers.kmeans_smote",
    "MWMOTE": "samplers.mwmote",
    "SVMSMOTE": "samplers.svm_smote",
    "SMOTEN": "samplers.smoten",
    "SMOTENC": "samplers.smotenc",
    "RandomOverSampler": "samplers.random_over",
    "RandomUnderSampler": "samplers.random_under",
    "Sampler": "samplers.base",
    "register": "samplers.registry",
    "RefusedByGuard": "errors",
    "SparkBalanceError": "errors",
    "ClassCounts": "summary",
    "ClassWeighter": "ml.weights",
    "ResamplingPlan": "summary",
    "class_counts": "plans.counts",
    "ImbalanceEvaluator": "ml.evaluator",
    "calibration": "ml.metrics",
    "confusion_matrix": "ml.metrics",
    "evaluate": "ml.metrics",
    "ranking": "ml.metrics",
    "correct_prior": "ml.prior",
    "cost_threshold": "ml.costs",
    "decide_by_cost": "ml.costs",
    "read_manifest": "storage.manifest",
    "resampling_report": "report.resampling",
    "stratified_folds": "ml.splits",
    "stratified_split": "ml.splits",
    "time_split": "ml.splits",
    "BalancedEstimator": "ml.estimator",
    "BalancedModel": "ml.estimator",
    "BalancedBaggingClassifier": "ml.ensembles",
    "BalancedBoostingClassifier": "ml.boosting",
    "stratified_partitions": "ml.batches",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"spark_balance.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spark_balance' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
