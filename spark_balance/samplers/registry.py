"""Every sampler by the name that configurations use."""

from __future__ import annotations

from spark_balance.samplers.base import Sampler
from spark_balance.samplers.edited_nearest_neighbours import EditedNearestNeighbours
from spark_balance.samplers.random_over import RandomOverSampler
from spark_balance.samplers.random_under import RandomUnderSampler
from spark_balance.samplers.smote import SMOTE
from spark_balance.samplers.smoten import SMOTEN
from spark_balance.samplers.smotenc import SMOTENC
from spark_balance.samplers.tomek_links import TomekLinks

SAMPLERS: dict[str, type[Sampler]] = {
    "edited_nearest_neighbours": EditedNearestNeighbours,
    "random_over": RandomOverSampler,
    "random_under": RandomUnderSampler,
    "smote": SMOTE,
    "smoten": SMOTEN,
    "smotenc": SMOTENC,
    "tomek_links": TomekLinks,
}
