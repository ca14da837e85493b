"""GaussianSMOTE: SMOTE with a gap that is normal around a uniform one."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from pyspark.sql import Column

from spark_balance.kernels.draws import stream
from spark_balance.plans.keys import HI, LO, NTH, normal
from spark_balance.plans.replicate import COPY
from spark_balance.samplers.smote import SMOTE


class GaussianSMOTE(SMOTE):
    """SMOTE that does not always stay between a row and its neighbour (after Lee, Kim and Kim, 2017).

    A new row is base + gap * (neighbour - base) with a gap drawn from the normal distribution whose
    mean is uniform in [0, 1) and whose standard deviation is sigma: it lies on the line
    through both, and beyond an end of the segment as often as the draw says. Nothing is cut off.

    Parameters
    ----------
    sigma : float, default 0.05
        Standard deviation of the gap around its mean; 0 is SMOTE.

    Notes
    -----
    As `SMOTE`, with which it shares all other parameters, neighbours, bases and means of the gap.
    """

    rows: ClassVar[Literal["segment", "free"]] = "free"

    sigma: float = Field(default=0.05, ge=0, allow_inf_nan=False, strict=True)

    def _gap(self, uniform: Column) -> Column:
        if not self.sigma:
            return uniform
        return uniform + self.sigma * normal(stream(self.random_state, "gaussian gap"), HI, LO, NTH, COPY)
