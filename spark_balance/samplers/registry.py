"""Every sampler by the name that configurations use."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import TypeVar

from spark_balance.errors import SparkBalanceError
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

GROUP = "spark_balance.samplers"  # the entry points that installed packages name their samplers under
SamplerT = TypeVar("SamplerT", bound=type[Sampler])


def register(name: str) -> Callable[[SamplerT], SamplerT]:
    """Let a sampler of your own be named in configurations, chains and comparisons, as the built-in ones are.

    Parameters
    ----------
    name : str
        What configurations call it: lower-case letters, digits and underscores, such as ``"my_method"``.

    Returns
    -------
    callable
        A decorator of the class. One that is defined again, as in a notebook, takes the place of its former self.

    Raises
    ------
    SparkBalanceError
        If the name is none, or is another class's, or the class is not a `Sampler`.

    Notes
    -----
    It lasts as long as the process. A package that is installed names its samplers as entry points of the
    group ``spark_balance.samplers``, and every command knows them.
    """

    def named(kind: SamplerT) -> SamplerT:
        if not isinstance(kind, type) or not issubclass(kind, Sampler):
            raise SparkBalanceError(f"register: {kind!r} is no class of samplers; derive it from spark_balance.Sampler")
        known = SAMPLERS.get(name, kind)
        if (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
            raise SparkBalanceError(
                f"register: name={name!r} is that of {known.__module__}.{known.__qualname__}; "
                f"choose another one for {kind.__qualname__}"
            )
        SAMPLERS[name] = kind
        return kind

    if not isinstance(name, str) or not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise SparkBalanceError(f"register: name={name!r} is no name; take lower-case letters, digits and underscores")
    return named


def registered() -> dict[str, type[Sampler]]:
    """Return every sampler by its name: the built-in ones, those of installed packages, and those registered here."""
    _install()
    return SAMPLERS


@cache
def _install() -> None:
    """Register what installed packages name, once for the process."""
    for point in entry_points(group=GROUP):
        try:
            kind = point.load()
        except Exception as failed:
            raise SparkBalanceError(
                f"register: sampler '{point.name}' of an installed package cannot be loaded from {point.value}: "
                f"{failed}; mend the package or remove it"
            ) from failed
        register(point.name)(kind)
