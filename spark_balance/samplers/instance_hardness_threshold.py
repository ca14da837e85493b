"""Instance hardness threshold: keep the rows that a classifier finds easy."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import choose_features
from spark_balance.cost import CostModel, Part, Sketch, Step, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.apportion import quotas
from spark_balance.kernels.draws import stream
from spark_balance.kernels.hardness import Learnt, learnt
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.hardness import DRAW, scored_by_hardness
from spark_balance.plans.keys import CODE, HI, LO, UNIT, draw
from spark_balance.plans.pools import Pool, pools_of
from spark_balance.plans.sample import FITTED_ROWS, RECORD_BYTES, Sample, sampled, width_of
from spark_balance.plans.strata import Strata
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.parameters import Names
from spark_balance.samplers.scoring import Scored, ScoringSampler
from spark_balance.samplers.steps import counted, unchanged, written
from spark_balance.summary import ResamplingPlan

MOST_BYTES = 64 * 2**20  # of models that travel with the plan


class InstanceHardnessThreshold(ScoringSampler):
    """Keep the rows of each targeted class whose own class a classifier finds most probable.

    Hardness is 1 - the probability of the own class (Smith, Martinez and Giraud-Carrier, 2014).

    Parameters
    ----------
    estimator : object, optional
        A classifier with scikit-learn's `fit` and `predict_proba`; default a
        RandomForestClassifier of 100 trees. Its seeds are set and its `n_jobs` is 1.
    cv : int, default 5
        Folds of the rows that are fitted: each is judged by a model that has not seen it.
    feature_cols : tuple of str, optional
        Numeric columns, arrays of numbers or vectors; default every numeric column that
        is neither label, key nor within column.

    Notes
    -----
    Models are fitted on the driver on at most 20,000 rows, chosen by draw: as many of each class, or all
    that it has, so that a rare class is known too. A sampled row is judged by the model of the other
    folds, every other row by the model of the whole sample; the folds are not those of imbalanced-learn,
    and no parity is claimed. With `within_cols` each group has its own models and share of the rows.

    Cost, besides the counts: one job that checks the features and samples them, and cv + 1 fits; then
    lazily two scans, one crossing to Python of the targeted rows, and a broadcast of the rows kept; above
    1,000,000 rows kept two to four jobs more: see `plans.ranked.least`. Needs scikit-learn on
    the driver and the workers, of one version. See `Sampler` for the other parameters.
    """

    estimator: Any = None
    cv: int = Field(default=5, ge=2, strict=True)
    feature_cols: Names | None = None

    random: ClassVar[bool] = True

    @model_validator(mode="after")
    def _classifies(self) -> Self:
        missing = [name for name in ("fit", "predict_proba", "get_params") if not hasattr(self.estimator, name)]
        if self.estimator is not None and (missing or isinstance(self.estimator, type)):
            lacks = f"has no {missing[0]}" if missing else "is a class"
            raise ValueError(
                f"estimator={self.estimator!r} {lacks}; give a classifier as scikit-learn makes them, not yet fitted"
            )
        return self

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        self._features(df)
        if find_spec("sklearn") is None:
            raise SparkBalanceError(
                f"{self._name}: scikit-learn is not installed, on which its classifier is fitted; "
                "pip install 'spark-balance[report]', on the workers too"
            )

    def _features(self, df: DataFrame) -> FeatureColumns:
        taken = [self.label_col, *self._keys, *self._within]
        return FeatureColumns(tuple(choose_features(self._name, df.schema, self.feature_cols, taken)))

    def _scored(self, df: DataFrame, placed: DataFrame, strata: Strata) -> Scored:
        codes = [row.code for row in strata.rows if row.entry.action == self.action]
        judged = strata.groups_of(codes)
        columns, seed = self._features(df), stream(self.random_state, "sample")
        rows = sum(row.entry.before for row in judged.rows)
        # one cell: the least sample there is, of more rows than are fitted
        sample = sampled(self._identified(df), judged, columns, seed, width=width_of(df, columns), cell_rows=rows)
        pools = pools_of(judged)
        models = {pool.number: self._learnt(pool, sample, codes, FITTED_ROWS // len(pools)) for pool in pools}
        size = sum(len(one.model or b"") for one in models.values())
        if size > MOST_BYTES:
            raise SparkBalanceError(
                f"{self._name}: the fitted models are {size / 2**20:,.0f} MiB, of which at most "
                f"{MOST_BYTES // 2**20} can be sent to the workers; give a smaller estimator, one of fewer trees"
            )
        there = placed.where(F.col(CODE).isin(codes))
        units = there.select(*UNIT, draw(seed, HI, LO).alias(DRAW), sample.columns.flat.alias(FEATURES))
        group_of = {code: pool.number for pool in pools for code in pool.rows}
        fitted = sum(len(draws) for one in models.values() for draws in one.draws.values())
        notes = {"features": [feature.name for feature in columns.features], "fitted_rows": fitted}
        return Scored(scored_by_hardness(units, group_of, models), notes)

    def _learnt(self, pool: Pool, sample: Sample, targeted: list[int], most: int) -> Learnt:
        there = [code for code in pool.rows if code in sample.rows]
        quota = dict(zip(there, quotas([len(sample.rows[code]) for code in there], max(len(there), most)), strict=True))
        rows = {code: sample.rows[code][: quota[code]] for code in there}
        draws = {code: sample.draws[code][: quota[code]] for code in there}
        whole = all(quota.get(code, 0) == pool.rows[code] for code in pool.rows if code in targeted)
        return learnt(rows, draws, self._seeded(), self.cv, whole=whole)

    def _seeded(self) -> Any:
        from sklearn.base import clone
        from sklearn.ensemble import RandomForestClassifier

        estimator = RandomForestClassifier(n_estimators=100) if self.estimator is None else clone(self.estimator)
        seed = stream(self.random_state, "hardness") % 2**31
        names = {name: name.rpartition("__")[2] for name in estimator.get_params()}
        fixed = {name: seed for name, last in names.items() if last == "random_state"}
        return estimator.set_params(**fixed, **{name: 1 for name, last in names.items() if last == "n_jobs"})

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        rows = plan.rows_before
        if plan.rows_after == rows:
            return unchanged(table, rows, ())
        width = table.numbers - 1 - len(self._keys)
        taken = min(rows, FITTED_ROWS)
        scan = Part(table.splits(rows), {"read": float(rows * table.numbers)})
        held = taken * (8 * width + RECORD_BYTES)
        sample = Step("sample", (scan,), rows_read=rows, driver_bytes=held)
        last = written(table, rows, plan.rows_after, len(self._keys))
        score = Part(table.splits(rows), {"read": float(rows * table.numbers), "python": 1.0})
        steps = (counted(table, rows), sample, Step("score, write", (score, *last.parts), 2 * rows, last.rows_written))
        unknown = (
            f"the time that {self.cv + 1} models take to fit on {taken:,} rows, and to judge the others, comes on top"
        )
        return Sketch(steps, {"driver_sample_rows": taken}, (), (unknown,))
