"""What a run of a sampler gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame

from spark_balance.summary import ResamplingPlan


@dataclass(frozen=True)
class Resampled:
    """The resampled frame, the plan that made it, and what was learnt on the way."""

    frame: DataFrame
    plan: ResamplingPlan
    notes: dict[str, Any] = field(default_factory=dict)
    warning: str | None = None
