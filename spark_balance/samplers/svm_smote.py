"""SVMSMOTE: new rows from the support vectors of a classifier, inwards in danger, outwards where it is safe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.danger import in_danger
from spark_balance.kernels.draws import stream, uniform, xxhash64
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.keys import CODE, HI, LO, NTH, UNIT
from spark_balance.plans.levels import LEVEL, Tier, together
from spark_balance.plans.sample import FITTED_ROWS
from spark_balance.plans.strata import Stratum
from spark_balance.plans.support import SUPPORT, support_of
from spark_balance.samplers.levelled import LevelledSampler, LevelledWork


class SVMSMOTE(LevelledSampler):
    """SMOTE from the support vectors of a class (Nguyen, Cooper and Kamei, 2009).

    A support vector in danger (half or more of its m nearest neighbours are of other classes) goes towards a
    neighbour, a safe one away from it by at most out_step of the way; one with neighbours of other classes
    alone is noise. The rows wanted are divided between the first two by a draw from beta(10, 10) for each
    class, and each kind makes its part exactly, evenly (+- 1); where there is but one kind, it makes them all.

    Parameters
    ----------
    k_neighbors : int, default 5
        Nearest neighbours of its class to choose from; a class needs at least k_neighbors + 1 rows.
    m_neighbors : int, default 10
        Neighbours of all classes that tell danger and noise.
    svm_estimator : estimator, optional
        A scikit-learn classifier with `support_`; default ``SVC(gamma='scale')``.
    out_step : float, default 0.5
        How far outwards a safe row goes, from 0 to 1.

    Notes
    -----
    The classifier is fitted on the driver, on at most 20,000 rows (of a larger table: small classes whole,
    the others alike), with the features at a spread of about 1, or with ``scale=False`` as they are but for
    their centre: no parity with imbalanced-learn is claimed. It needs scikit-learn. Cost: as `LevelledSampler`,
    and one job for these rows (of each group).
    """

    rows: ClassVar[Literal["segment", "free"]] = "free"

    k_neighbors: int = Field(default=5, ge=1, strict=True)
    m_neighbors: int = Field(default=10, ge=1, strict=True)
    svm_estimator: Any = None
    out_step: float = Field(default=0.5, ge=0, le=1, strict=True)

    @field_validator("svm_estimator")
    @classmethod
    def _fits(cls, given: Any) -> Any:
        if given is not None and (
            isinstance(given, type) or not (hasattr(given, "fit") and hasattr(given, "get_params"))
        ):
            raise ValueError("it is no scikit-learn estimator; give one that has support_ once it is fitted, as SVC()")
        return given

    def to_toml_dict(self) -> dict[str, Any]:
        """Return the parameters that are not at their default, as TOML can carry them."""
        if self.svm_estimator is not None:
            raise SparkBalanceError(f"{self._name}: an svm_estimator cannot be written to TOML; leave it out")
        return super().to_toml_dict()

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts, without groups."""
        return 3

    def _reconsidered(self, verdicts: DataFrame, work: LevelledWork) -> DataFrame:
        """Take all but support vectors for noise."""
        features = work.sample.columns.flat.alias(FEATURES)
        rows = work.judging.only(work.rows, {}).withColumn(NTH, F.lit(0)).select(*UNIT, features)
        seed, width = stream(self.random_state, "fit"), work.sample.columns.width
        scale = work.pool_map.scale
        # the classifier's own parameters mean distances between features, not between integers
        unit = scale.unit(work.sample.evenly(work.sample.rows), equalised=self.scale)
        found = [
            support_of(
                rows.where(F.col(CODE).isin(list(pool.rows))),
                pool.rows,
                seed,
                lambda features, code: self._support(scale.integers(features) / unit, code),
                width,
            )
            for pool in work.pools
        ]
        support = F.broadcast(reduce(DataFrame.unionAll, found))
        noise = F.lit(self.m_neighbors)
        level = F.when(F.col(SUPPORT), F.col(LEVEL)).otherwise(noise).cast("int").alias(LEVEL)
        return verdicts.join(support, [HI, LO], "left").select(*UNIT, level)

    def _support(self, features: NDArray[np.float64], code: NDArray[np.int64]) -> NDArray[np.int64]:
        try:
            from sklearn.base import clone
            from sklearn.svm import SVC
        except ImportError:
            raise SparkBalanceError(f"{self._name}: it fits scikit-learn's SVC; install scikit-learn") from None
        model = SVC(gamma="scale") if self.svm_estimator is None else clone(self.svm_estimator)
        model.fit(features, code)
        if not hasattr(model, "support_"):
            raise SparkBalanceError(
                f"{self._name}: svm_estimator={type(model).__name__} has no support_ once it is fitted; "
                "use sklearn.svm.SVC or one like it"
            )
        vectors: NDArray[np.int64] = np.asarray(model.support_, dtype=np.int64)
        return vectors

    def _tiers(self, row: Stratum, rows: Mapping[int, int]) -> list[Tier]:
        m = self.m_neighbors
        danger = {level: n for level, n in rows.items() if in_danger(level, m)}
        safe = {level: n for level, n in rows.items() if level < m and level not in danger}
        wanted = row.entry.after - row.entry.before
        if not danger and not safe:
            raise self._use_smote(
                row,
                f"has no support vector, among at most {FITTED_ROWS:,} rows, that is not noise: "
                f"of all of them the {m} nearest neighbours are of other classes",
            )
        if not danger or not safe:
            return together(row.code, danger or safe, wanted)
        inwards = int(self._part(row.code) * (wanted + 1))
        return together(row.code, danger, inwards) + together(row.code, safe, wanted - inwards)

    def _part(self, code: int) -> float:
        """Draw from beta(10, 10): what the tenth smallest of 19 uniform draws is."""
        drawn = uniform(xxhash64(stream(self.random_state, "in danger"), code, np.arange(19)))
        return float(np.sort(drawn)[9])

    def _known(self) -> list[Column]:
        return [F.col(LEVEL).alias("level")]

    def _gap(self, uniform: Column) -> Column:
        inwards = 2 * self._of_base("level") >= self.m_neighbors
        return F.when(inwards, uniform).otherwise(-self.out_step * uniform)
