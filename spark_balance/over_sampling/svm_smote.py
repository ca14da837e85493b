"""SVMSMOTE: new rows from the support vectors of a classifier, inwards in danger, outwards where it is safe."""

from functools import reduce
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator
from pyspark.sql import Column, DataFrame, functions as F

from spark_balance.base import ClassLevels, Context, OverSampler, Pair, Recipe, Result, Sought
from spark_balance.errors import ParameterError
from spark_balance.frames.fetch import SUPPORT, find_support_vectors
from spark_balance.frames.levels import LEVEL, Quota, together
from spark_balance.frames.plan import RowsOut
from spark_balance.frames.row_ids import CODE, HI, LO, UNIT
from spark_balance.frames.sample import FITTED_ROWS
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.draws import uniform, xxhash64
from spark_balance.kernels.rules import in_danger
from spark_balance.over_sampling.borderline_smote import count_other_classes, pair_by_level


class SVMSMOTE(OverSampler):
    """SMOTE from the support vectors of a class (Nguyen, Cooper and Kamei, 2009).

    A support vector in danger (half or more of its m nearest neighbors are of other classes) goes towards a
    neighbor, a safe one away from it by at most out_step of the way; one with neighbors of other classes
    alone is noise. The rows wanted are divided between the first two by a draw from beta(10, 10) for each
    class, and each kind makes its part exactly, evenly (+- 1); where there is but one kind, it makes them all.

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 5
        Nearest neighbors of its class to choose from; a class needs at least k_neighbors + 1 rows, while
        'shrink' takes 5, or all other rows of a smaller class.
    m_neighbors : int, default 10
        Neighbors of all classes that decide what is in danger and what is noise.
    svm_estimator : estimator, optional
        A scikit-learn classifier with `support_`; default ``SVC(gamma='scale')``.
    out_step : float, default 0.5
        How far outwards a safe row goes, from 0 to 1; no farther than the type of a column goes.

    Notes
    -----
    The classifier is fitted on the driver, on at most 20,000 rows (of a larger table: small classes whole,
    the others alike), with the features at a spread of about 1, or with ``scale=False`` as they are, as
    imbalanced-learn fits it. It needs scikit-learn. Cost: as `BorderlineSMOTE`,
    and one job for these rows (of each group).
    """

    rows: ClassVar[RowsOut] = "free"

    k_neighbors: Sought = 5
    m_neighbors: int = Field(default=10, ge=1, strict=True)
    svm_estimator: Any = None
    out_step: float = Field(default=0.5, ge=0, le=1, strict=True)

    @field_validator("svm_estimator")
    @classmethod
    def _fits(cls, given: Any) -> Any:
        if given is not None and (
            isinstance(given, type) or not (hasattr(given, "fit") and hasattr(given, "get_params"))
        ):
            raise ValueError("it is not a scikit-learn estimator; give one that has support_ once fitted, as SVC()")
        return given

    @property
    def needs_all(self) -> str | None:
        """Why the method needs every feature of every row."""
        return "the classifier is fitted to whole rows"

    def recipe(self, run: Recipe) -> Result:
        """Find the support vectors in danger and those that are safe, and make rows inwards and outwards."""
        sample = run.sample(run.whole_groups)
        counted = count_other_classes(run, sample, self.m_neighbors, "m_neighbors")
        rows = run.rows(run.whole_groups, number="none")
        support = run.learn(counted.cells, self.support_vectors, rows=rows, name="fit")
        levels = run.then(counted, self.noise_unless_support, learned=support)
        pairs = pair_by_level(run, sample, levels, self.in_and_out, self.k, shrink=self.shrinks, tell=_level)
        return run.synthesize(pairs, self.inwards_or_outwards)

    def support_vectors(self, context: Context) -> DataFrame:
        """Return the row ids of the support vectors of each group."""
        assert context.rows is not None
        seed, width, scale = context.run.stream("fit"), context.sample.columns.width, context.scale
        # the classifier's own parameters mean features and not integers: gamma='scale' is of all numbers together
        unit, center = context.unit, 0.0 if self.scale else scale.center
        found = [
            find_support_vectors(
                context.rows.where(F.col(CODE).isin(list(pool.rows))),
                pool.rows,
                seed,
                lambda features, class_ids: self._support(scale.integers(features) / unit + center, class_ids),
                width,
            )
            for pool in context.pools
        ]
        return F.broadcast(reduce(DataFrame.unionAll, found))

    def _support(self, features: Floats, class_ids: Ints) -> Ints:
        try:
            from sklearn.base import clone
            from sklearn.svm import SVC
        except ImportError:
            raise ParameterError(
                f"{self.name}: this method fits scikit-learn's SVC, which is not installed; "
                "pip install 'spark-balance[models]'"
            ) from None
        model = SVC(gamma="scale") if self.svm_estimator is None else clone(self.svm_estimator)
        model.fit(features, class_ids)
        if not hasattr(model, "support_"):
            raise ParameterError(
                f"{self.name}: svm_estimator={type(model).__name__} has no support_ once it is fitted; "
                "use sklearn.svm.SVC or one like it"
            )
        vectors: Ints = np.asarray(model.support_, dtype=np.int64)
        return vectors

    def noise_unless_support(self, counted: DataFrame, context: Context) -> DataFrame:
        """Take all but support vectors for noise."""
        level = F.when(F.col(SUPPORT), F.col(LEVEL)).otherwise(F.lit(self.m_neighbors)).cast("int").alias(LEVEL)
        return counted.join(context.learned, [HI, LO], "left").select(*UNIT, level)

    def in_and_out(self, of: ClassLevels) -> list[Quota]:
        """Divide the new rows between support vectors in danger and safe ones."""
        m = self.m_neighbors
        danger = {level: n for level, n in of.rows.items() if in_danger(level, m)}
        safe = {level: n for level, n in of.rows.items() if level < m and level not in danger}
        if not danger and not safe:
            raise of.refuse(
                f"has no support vector, among at most {FITTED_ROWS:,} rows, that is not noise: "
                f"of all of them the {m} nearest neighbors are of other classes"
            )
        if not danger or not safe:
            return together(of.class_id, danger or safe, of.wanted)
        # what the tenth smallest of 19 uniform draws is has the distribution beta(10, 10)
        drawn = uniform(xxhash64(of.context.run.stream("in danger"), of.class_id, np.arange(19)))
        inwards = int(float(np.sort(drawn)[9]) * (of.wanted + 1))
        return together(of.class_id, danger, inwards) + together(of.class_id, safe, of.wanted - inwards)

    def inwards_or_outwards(self, pair: Pair) -> Column:
        """Return a gap towards the neighbor in danger, and away from it where it is safe."""
        inwards = 2 * pair.base("level") >= self.m_neighbors
        return F.when(inwards, pair.uniform).otherwise(-self.out_step * pair.uniform)


def _level() -> dict[str, Column]:
    return {"level": F.col(LEVEL)}
