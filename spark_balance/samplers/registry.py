"""Every sampler by the name that configurations use."""

from __future__ import annotations

from spark_balance.samplers.base import Sampler
from spark_balance.samplers.edited_nearest_neighbours import EditedNearestNeighbours
from spark_balance.samplers.instance_hardness_threshold import InstanceHardnessThreshold
from spark_balance.samplers.near_miss import NearMiss
from spark_balance.samplers.random_over import RandomOverSampler
from spark_balance.samplers.random_under import RandomUnderSampler
from spark_balance.samplers.smote import SMOTE
from spark_balance.samplers.tomek_links import TomekLinks

SAMPLERS: dict[str, type[Sampler]] = {
    "edited_nearest_neighbours": EditedNearestNeighbours,
    "instance_hardness_threshold": InstanceHardnessThreshold,
    "near_miss": NearMiss,
    "random_over": RandomOverSampler,
    "random_under": RandomUnderSampler,
    "smote": SMOTE,
    "tomek_links": TomekLinks,
}
