"""Every sampler by the name that configurations use."""

from __future__ import annotations

from spark_balance.samplers.adasyn import ADASYN
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.borderline_smote import BorderlineSMOTE
from spark_balance.samplers.edited_nearest_neighbours import EditedNearestNeighbours
from spark_balance.samplers.gaussian_smote import GaussianSMOTE
from spark_balance.samplers.kmeans_smote import KMeansSMOTE
from spark_balance.samplers.mwmote import MWMOTE
from spark_balance.samplers.random_over import RandomOverSampler
from spark_balance.samplers.random_under import RandomUnderSampler
from spark_balance.samplers.safe_level_smote import SafeLevelSMOTE
from spark_balance.samplers.smote import SMOTE
from spark_balance.samplers.svm_smote import SVMSMOTE
from spark_balance.samplers.tomek_links import TomekLinks

SAMPLERS: dict[str, type[Sampler]] = {
    "adasyn": ADASYN,
    "borderline_smote": BorderlineSMOTE,
    "edited_nearest_neighbours": EditedNearestNeighbours,
    "gaussian_smote": GaussianSMOTE,
    "kmeans_smote": KMeansSMOTE,
    "mwmote": MWMOTE,
    "random_over": RandomOverSampler,
    "random_under": RandomUnderSampler,
    "safe_level_smote": SafeLevelSMOTE,
    "smote": SMOTE,
    "svm_smote": SVMSMOTE,
    "tomek_links": TomekLinks,
}
