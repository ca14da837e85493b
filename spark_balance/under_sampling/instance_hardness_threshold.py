"""Instance hardness threshold: keep the rows that a classifier finds easy."""

from importlib.util import find_spec
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from pyspark.sql import DataFrame
from typing_extensions import Self

from spark_balance.base import DRAW, SCORES, Context, Names, Recipe, Result, Sampler
from spark_balance.errors import ParameterError
from spark_balance.frames.plan import RowsOut
from spark_balance.frames.ranked import SCORE
from spark_balance.frames.row_ids import CODE
from spark_balance.frames.sample import FITTED_ROWS
from spark_balance.kernels.draws import quotas
from spark_balance.kernels.hardness import Hardness, Learned, learn_hardness
from spark_balance.neighbors.pools import Pool

MOST_BYTES = 64 * 2**20  # of models that travel with the plan


class InstanceHardnessThreshold(Sampler):
    """Keep the rows of each targeted class whose own class a classifier finds most probable.

    Hardness is 1 - the probability of the own class (Smith, Martinez and Giraud-Carrier, 2014).

    Parameters
    ----------
    estimator : object, optional
        A classifier with scikit-learn's `fit` and `predict_proba`; default a
        RandomForestClassifier of 100 trees. Its seeds are set and its `n_jobs` is 1.
    cv : int, default 5
        Folds of the rows that are fitted: a model that has not seen a row scores it.
    feature_cols : tuple of str, optional
        Numeric columns, arrays of numbers or vectors; default every numeric column without another role.

    Notes
    -----
    Models are fitted on the driver on at most 20,000 rows, chosen by draw: as many of each class, or all that it has.
    The model of the other folds scores a sampled row, the model of the whole sample every other row; no parity with
    imbalanced-learn's folds is claimed. Each group of `within_cols` has models of its own.

    Cost, besides the counts: one job that checks the features and samples them, and cv + 1 fits; then lazily two
    scans, one crossing to Python of the targeted rows, and a broadcast of the rows kept; above 1,000,000 rows kept
    two to four jobs more. Needs scikit-learn on the driver and the workers, of one version.
    """

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[RowsOut] = "subset"
    action: ClassVar[str] = "downsample"

    estimator: Any = None
    cv: int = Field(default=5, ge=2, strict=True)
    feature_cols: Names | None = None

    @model_validator(mode="after")
    def _classifies(self) -> Self:
        missing = [name for name in ("fit", "predict_proba", "get_params") if not hasattr(self.estimator, name)]
        if self.estimator is not None and (missing or isinstance(self.estimator, type)):
            lacks = f"has no {missing[0]}" if missing else "is a class"
            raise ValueError(
                f"estimator={self.estimator!r} {lacks}; give a classifier as scikit-learn makes them, not yet fitted"
            )
        return self

    def recipe(self, run: Recipe) -> Result:
        """Fit models to a sample, score each row by them, and keep the least."""
        sample = run.sample(run.whole_groups, cell_numbers=None)
        rows, models = run.table(number="changing"), run.learn(sample, self.models)
        return run.keep_least(
            rows, run.scan(rows, self.hardness, SCORES, by=(CODE, DRAW), sample=sample, learned=models)
        )

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if find_spec("sklearn") is None:
            raise ParameterError(
                f"{self.name}: this method fits a classifier of scikit-learn, which is not installed; "
                "pip install 'spark-balance[models]', on the workers too"
            )

    def models(self, context: Context) -> dict[int, Learned]:
        """Fit the models of each group."""
        most = FITTED_ROWS // len(context.pools)
        models = {pool.number: self._learned(pool, context, most) for pool in context.pools}
        size = sum(len(one.model or b"") for one in models.values())
        if size > MOST_BYTES:
            raise ParameterError(
                f"{self.name}: the fitted models are {size / 2**20:,.0f} MiB, of which at most "
                f"{MOST_BYTES // 2**20} can be sent to the workers; give a smaller estimator, one of fewer trees"
            )
        fitted = sum(len(draws) for one in models.values() for draws in one.draws.values())
        context.run.notes["fitted_rows"] = fitted
        return models

    def hardness(self, context: Context) -> Hardness:
        """Return the rule: how hard a row is to classify."""
        group_of = {class_id: pool.number for pool in context.pools for class_id in pool.rows}
        return Hardness(SCORE, group_of, context.learned)

    def _learned(self, pool: Pool, context: Context, most: int) -> Learned:
        sample = context.sample
        there = [class_id for class_id in pool.rows if class_id in sample.rows]
        quota = dict(zip(there, quotas([len(sample.rows[c]) for c in there], max(len(there), most)), strict=True))
        rows = {class_id: sample.rows[class_id][: quota[class_id]] for class_id in there}
        draws = {class_id: sample.draws[class_id][: quota[class_id]] for class_id in there}
        whole = all(quota.get(c, 0) == pool.rows[c] for c in pool.rows if c in context.changing)
        return learn_hardness(rows, draws, self._seeded(context.run.stream("hardness") % 2**31), self.cv, whole=whole)

    def _seeded(self, seed: int) -> Any:
        from sklearn.base import clone
        from sklearn.ensemble import RandomForestClassifier

        estimator = RandomForestClassifier(n_estimators=100) if self.estimator is None else clone(self.estimator)
        names = {name: name.rpartition("__")[2] for name in estimator.get_params()}
        fixed = {name: seed for name, last in names.items() if last == "random_state"}
        return estimator.set_params(**fixed, **{name: 1 for name, last in names.items() if last == "n_jobs"})
