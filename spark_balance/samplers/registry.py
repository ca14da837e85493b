"""Every sampler by the name that configurations use."""

from __future__ import annotations

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
from spark_balance.samplers.repeated_edited_nearest_neighbours import RepeatedEditedNearestNeighbours
from spark_balance.samplers.safe_level_smote import SafeLevelSMOTE
from spark_balance.samplers.smote import SMOTE
from spark_balance.samplers.smote_then_clean import SMOTEENN, SMOTETomek
from spark_balance.samplers.smoten import SMOTEN
from spark_balance.samplers.smotenc import SMOTENC
from spark_balance.samplers.svm_smote import SVMSMOTE
from spark_balance.samplers.tomek_links import TomekLinks

SAMPLERS: dict[str, type[Sampler]] = {
    "adasyn": ADASYN,
    "all_knn": AllKNN,
    "borderline_smote": BorderlineSMOTE,
    "chain": Chain,
    "cluster_centroids": ClusterCentroids,
    "condensed_nearest_neighbour": CondensedNearestNeighbour,
    "edited_nearest_neighbours": EditedNearestNeighbours,
    "gaussian_smote": GaussianSMOTE,
    "instance_hardness_threshold": InstanceHardnessThreshold,
    "kmeans_smote": KMeansSMOTE,
    "mwmote": MWMOTE,
    "near_miss": NearMiss,
    "neighbourhood_cleaning_rule": NeighbourhoodCleaningRule,
    "one_sided_selection": OneSidedSelection,
    "random_over": RandomOverSampler,
    "random_under": RandomUnderSampler,
    "repeated_edited_nearest_neighbours": RepeatedEditedNearestNeighbours,
    "safe_level_smote": SafeLevelSMOTE,
    "smote": SMOTE,
    "smoteenn": SMOTEENN,
    "smoten": SMOTEN,
    "smotenc": SMOTENC,
    "smotetomek": SMOTETomek,
    "svm_smote": SVMSMOTE,
    "tomek_links": TomekLinks,
}
