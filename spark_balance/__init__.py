"""Class-imbalance resampling for DataFrames of Spark, pandas and polars, and Tables of pyarrow."""

from typing import TYPE_CHECKING

import lazy_loader

from spark_balance._version import __version__ as __version__

# Every public name, once for the interpreter and once for type checkers; a test compares the two. The imports are lazy
# because a Python worker that unpickles a kernel must not pay for pydantic and the samplers.
_EXPORTS = {
    "app.session": ["open_session"],
    "app.storage.manifest": ["read_manifest"],
    "app.stream": ["StreamBalancer"],
    "base.registry": ["register"],
    "base.sampler": ["Sampler"],
    "combine.chain": ["Chain"],
    "combine.random_by_relevance": ["RelevanceOverSampler", "RelevanceUnderSampler"],
    "combine.smote_then_clean": ["SMOTEENN", "SMOTETomek"],
    "combine.smoter": ["SMOGN", "SMOTER"],
    "compare.advice": ["Advice", "advise"],
    "errors": ["RefusedByGuard", "SparkBalanceError"],
    "frames.counts": ["class_counts"],
    "frames.plan": ["ClassCounts", "ResamplingPlan"],
    "frames.relevance": ["Relevance", "fit_relevance"],
    "frames.windows": ["from_windows", "to_windows"],
    "metrics.evaluate": ["calibration", "confusion_matrix", "evaluate", "ranking"],
    "metrics.evaluator": ["ImbalanceEvaluator"],
    "metrics.regression": ["RegressionEvaluation", "evaluate_regression"],
    "ml.batches": ["stratified_partitions"],
    "ml.decisions": ["correct_prior", "cost_threshold", "decide_by_cost"],
    "ml.ensembles": ["BalancedBaggingClassifier", "BalancedBoostingClassifier"],
    "ml.estimator": ["BalancedEstimator", "BalancedModel"],
    "ml.leaks": ["check_leakage"],
    "ml.relevance_weights": ["relevance_weights"],
    "ml.splits": ["stratified_folds", "stratified_split"],
    "ml.time_splits": ["time_split"],
    "ml.weights": ["ClassWeighter"],
    "multilabel.counts": ["LabelCounts", "label_counts"],
    "multilabel.gather": ["gather_labels", "spread_labels"],
    "multilabel.mlsmote": ["MLSMOTE"],
    "multilabel.random_samplers": ["MLROS", "MLRUS"],
    "over_sampling.borderline_smote": ["BorderlineSMOTE", "SafeLevelSMOTE"],
    "over_sampling.kmeans_smote": ["KMeansSMOTE"],
    "over_sampling.random_over_sampler": ["RandomOverSampler"],
    "over_sampling.smote": ["SMOTE", "SMOTEN", "SMOTENC", "GaussianSMOTE"],
    "over_sampling.svm_smote": ["SVMSMOTE"],
    "over_sampling.weighted_smote": ["ADASYN", "MWMOTE"],
    "report.resampling": ["resampling_report"],
    "report.trace": ["trace"],
    "report.tracking": ["log_resampling"],
    "trust.assess": ["assess_synthetic"],
    "trust.report": ["TrustReport"],
    "under_sampling.cluster_centroids": ["ClusterCentroids"],
    "under_sampling.edited_nearest_neighbours": [
        "AllKNN",
        "EditedNearestNeighbours",
        "NeighbourhoodCleaningRule",
        "RepeatedEditedNearestNeighbours",
    ],
    "under_sampling.instance_hardness_threshold": ["InstanceHardnessThreshold"],
    "under_sampling.near_miss": ["NearMiss"],
    "under_sampling.prototype_selection": ["CondensedNearestNeighbour", "OneSidedSelection", "TomekLinks"],
    "under_sampling.random_under_sampler": ["RandomUnderSampler"],
}
if TYPE_CHECKING:
    from spark_balance.app.session import open_session as open_session
    from spark_balance.app.storage.manifest import read_manifest as read_manifest
    from spark_balance.app.stream import StreamBalancer as StreamBalancer
    from spark_balance.base.registry import register as register
    from spark_balance.base.sampler import Sampler as Sampler
    from spark_balance.combine.chain import Chain as Chain
    from spark_balance.combine.random_by_relevance import (
        RelevanceOverSampler as RelevanceOverSampler,
        RelevanceUnderSampler as RelevanceUnderSampler,
    )
    from spark_balance.combine.smote_then_clean import SMOTEENN as SMOTEENN, SMOTETomek as SMOTETomek
    from spark_balance.combine.smoter import SMOGN as SMOGN, SMOTER as SMOTER
    from spark_balance.compare.advice import Advice as Advice, advise as advise
    from spark_balance.errors import RefusedByGuard as RefusedByGuard, SparkBalanceError as SparkBalanceError
    from spark_balance.frames.counts import class_counts as class_counts
    from spark_balance.frames.plan import ClassCounts as ClassCounts, ResamplingPlan as ResamplingPlan
    from spark_balance.frames.relevance import Relevance as Relevance, fit_relevance as fit_relevance
    from spark_balance.frames.windows import from_windows as from_windows, to_windows as to_windows
    from spark_balance.metrics.evaluate import (
        calibration as calibration,
        confusion_matrix as confusion_matrix,
        evaluate as evaluate,
        ranking as ranking,
    )
    from spark_balance.metrics.evaluator import ImbalanceEvaluator as ImbalanceEvaluator
    from spark_balance.metrics.regression import (
        RegressionEvaluation as RegressionEvaluation,
        evaluate_regression as evaluate_regression,
    )
    from spark_balance.ml.batches import stratified_partitions as stratified_partitions
    from spark_balance.ml.decisions import (
        correct_prior as correct_prior,
        cost_threshold as cost_threshold,
        decide_by_cost as decide_by_cost,
    )
    from spark_balance.ml.ensembles import (
        BalancedBaggingClassifier as BalancedBaggingClassifier,
        BalancedBoostingClassifier as BalancedBoostingClassifier,
    )
    from spark_balance.ml.estimator import BalancedEstimator as BalancedEstimator, BalancedModel as BalancedModel
    from spark_balance.ml.leaks import check_leakage as check_leakage
    from spark_balance.ml.relevance_weights import relevance_weights as relevance_weights
    from spark_balance.ml.splits import stratified_folds as stratified_folds, stratified_split as stratified_split
    from spark_balance.ml.time_splits import time_split as time_split
    from spark_balance.ml.weights import ClassWeighter as ClassWeighter
    from spark_balance.multilabel.counts import LabelCounts as LabelCounts, label_counts as label_counts
    from spark_balance.multilabel.gather import gather_labels as gather_labels, spread_labels as spread_labels
    from spark_balance.multilabel.mlsmote import MLSMOTE as MLSMOTE
    from spark_balance.multilabel.random_samplers import MLROS as MLROS, MLRUS as MLRUS
    from spark_balance.over_sampling.borderline_smote import (
        BorderlineSMOTE as BorderlineSMOTE,
        SafeLevelSMOTE as SafeLevelSMOTE,
    )
    from spark_balance.over_sampling.kmeans_smote import KMeansSMOTE as KMeansSMOTE
    from spark_balance.over_sampling.random_over_sampler import RandomOverSampler as RandomOverSampler
    from spark_balance.over_sampling.smote import (
        SMOTE as SMOTE,
        SMOTEN as SMOTEN,
        SMOTENC as SMOTENC,
        GaussianSMOTE as GaussianSMOTE,
    )
    from spark_balance.over_sampling.svm_smote import SVMSMOTE as SVMSMOTE
    from spark_balance.over_sampling.weighted_smote import ADASYN as ADASYN, MWMOTE as MWMOTE
    from spark_balance.report.resampling import resampling_report as resampling_report
    from spark_balance.report.trace import trace as trace
    from spark_balance.report.tracking import log_resampling as log_resampling
    from spark_balance.trust.assess import assess_synthetic as assess_synthetic
    from spark_balance.trust.report import TrustReport as TrustReport
    from spark_balance.under_sampling.cluster_centroids import ClusterCentroids as ClusterCentroids
    from spark_balance.under_sampling.edited_nearest_neighbours import (
        AllKNN as AllKNN,
        EditedNearestNeighbours as EditedNearestNeighbours,
        NeighbourhoodCleaningRule as NeighbourhoodCleaningRule,
        RepeatedEditedNearestNeighbours as RepeatedEditedNearestNeighbours,
    )
    from spark_balance.under_sampling.instance_hardness_threshold import (
        InstanceHardnessThreshold as InstanceHardnessThreshold,
    )
    from spark_balance.under_sampling.near_miss import NearMiss as NearMiss
    from spark_balance.under_sampling.prototype_selection import (
        CondensedNearestNeighbour as CondensedNearestNeighbour,
        OneSidedSelection as OneSidedSelection,
        TomekLinks as TomekLinks,
    )
    from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler as RandomUnderSampler

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
