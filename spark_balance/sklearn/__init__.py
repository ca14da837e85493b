"""imbalanced-learn's samplers, by their names and with their parameters, on an engine inside the process.

Each has `fit_resample(X, y)` for arrays, lists, sparse matrices and frames of pandas and polars, and goes into
pipelines of imbalanced-learn. It runs the sampler of the same name in `spark_balance`: what a laptop runs is what a
cluster runs. After `fit_resample` it has `sampling_strategy_`, `n_features_in_`, `feature_names_in_` if X has names,
`notes_` of the run, and `sample_indices_` if what comes out are rows of X. Features are not scaled, as there.
"""

from spark_balance.sklearn.combine import SMOTEENN as SMOTEENN, SMOTETomek as SMOTETomek
from spark_balance.sklearn.over import (
    ADASYN as ADASYN,
    SMOTE as SMOTE,
    SMOTEN as SMOTEN,
    SMOTENC as SMOTENC,
    SVMSMOTE as SVMSMOTE,
    BorderlineSMOTE as BorderlineSMOTE,
    KMeansSMOTE as KMeansSMOTE,
    RandomOverSampler as RandomOverSampler,
)
from spark_balance.sklearn.under import (
    AllKNN as AllKNN,
    ClusterCentroids as ClusterCentroids,
    CondensedNearestNeighbour as CondensedNearestNeighbour,
    EditedNearestNeighbours as EditedNearestNeighbours,
    InstanceHardnessThreshold as InstanceHardnessThreshold,
    NearMiss as NearMiss,
    NeighbourhoodCleaningRule as NeighbourhoodCleaningRule,
    OneSidedSelection as OneSidedSelection,
    RandomUnderSampler as RandomUnderSampler,
    RepeatedEditedNearestNeighbours as RepeatedEditedNearestNeighbours,
    TomekLinks as TomekLinks,
)
