"""Resample the rows that an estimator is fitted on, never those that its model transforms."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.errors import UnsupportedOperationException
from pyspark.ml import Estimator, Pipeline, PipelineModel, Transformer
from pyspark.ml.param import Param, Params
from pyspark.sql import DataFrame
from typing_extensions import Self

from spark_balance.base.parameters import given_to
from spark_balance.base.registry import registered
from spark_balance.base.sampler import Sampler
from spark_balance.errors import EngineError, ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.counts import class_counts
from spark_balance.frames.plan import ClassCounts, ClassPlan, ResamplingPlan
from spark_balance.kernels.draws import stream
from spark_balance.ml.persistence import Load, Persistent, keep_uid
from spark_balance.report.tracking import check_mlflow, has_active_run, log_resampling


class BalancedEstimator(Persistent, Pipeline):
    """Fit an estimator on resampled rows; its model transforms rows as they are.

    Inside `CrossValidator` and `TrainValidationSplit` only the rows of the training fold are resampled, so that no
    model learns from a copy or offspring of a validation row.

    It is a `Pipeline` of one stage, so that pyspark finds the wrapped estimator's parameters, also when it saves a
    `CrossValidator`. The sampler's parameters are Params under their own names:
    ``addGrid(balanced.k_neighbors, [3, 5])``.

    Parameters
    ----------
    sampler : Sampler
        Resamples the rows. If it needs features and names none, they are the estimator's `featuresCol`. If it makes
        new rows and `passthrough` is not given, columns that are not features take the base row's value, since an
        estimator takes no NULL weight.
    estimator : pyspark.ml.Estimator
        The estimator to fit, for instance a `Pipeline`. If it has a `seed` that is not set, it gets one from the
        sampler's `random_state` (pyspark's default differs from process to process).
    log_to_mlflow : bool, default False
        Log each fit to MLflow's active run, as `log_resampling` does. A fit without one logs nothing. So of a search,
        whose folds are fitted in other threads, the last fit of the best parameters is logged. Ensembles do not log.

    Raises
    ------
    SparkBalanceError
        If an argument, a value of a grid or the frame to fit on does not fit; on an engine without pyspark.ml (Sail);
        if MLflow refuses.

    Notes
    -----
    Cost of a fit: one job that counts the classes, the sampler's jobs (see there), and the estimator's. Each pass of
    the estimator resamples again until it caches the rows, as pyspark's trees and linear models do after their first.
    A grid of n points fits n times. The logger `spark_balance` has a line of each fit (INFO): its rows, and new ones.

    Examples
    --------
    >>> from pyspark.ml.classification import LogisticRegression
    >>> from pyspark.ml.feature import VectorAssembler
    >>> rows = [(float(i), int(i >= 16)) for i in range(20)]
    >>> df = VectorAssembler(inputCols=["x"], outputCol="features").transform(
    ...     spark.createDataFrame(rows, "x double, label int"))
    >>> balanced = BalancedEstimator(sampler=RandomUnderSampler(label_col="label"), estimator=LogisticRegression())
    >>> model = balanced.fit(df)
    >>> model.plan.targets, model.transform(df).count()
    ({0: 4, 1: 4}, 20)
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Param[Any]:
            """Return the Param of a sampler's parameter."""

    @checked
    def __init__(self, *, sampler: Sampler, estimator: Estimator[Any], log_to_mlflow: bool = False) -> None:
        if log_to_mlflow:
            check_mlflow(type(self).__name__)
        super().__init__(stages=[estimator])
        self.log_to_mlflow = log_to_mlflow
        self._sampler_type = type(sampler)
        fields = self._sampler_type.model_fields
        needed = {field: getattr(sampler, field) for field in fields if fields[field].is_required()}
        for field, info in fields.items():
            convert = partial(_plain, self._sampler_type, needed, field)
            param: Param[Any] = Param(self, field, f"{self._sampler_type.__name__}'s parameter", convert)
            setattr(self, field, param)
            if not info.is_required():
                self._setDefault(**{field: info.get_default(call_default_factory=True)})
        self._set(**given_to(sampler))

    def getSampler(self) -> Sampler:
        """Return the sampler with the current parameters."""
        fields = self._sampler_type.model_fields
        return self._sampler_type(**{field: self.getOrDefault(field) for field in fields if self.isSet(field)})

    def getEstimator(self) -> Estimator[Any]:
        """Return the wrapped estimator."""
        [estimator] = self.getStages()
        assert isinstance(estimator, Estimator)
        return estimator

    @checked
    def _fit(self, dataset: DataFrame) -> BalancedModel:
        sampler = self._sampler_for(dataset)
        sampler.check(dataset)
        sampler = sampler.fitted(dataset)
        counts = class_counts(sampler.labelled(dataset), sampler.class_col, sampler.within_cols or ())
        try:
            model = self._fitted(dataset, sampler, counts)
        except UnsupportedOperationException as refused:
            if "ml command" not in str(refused):
                raise
            raise EngineError(
                f"{type(self).__name__}: this engine has no pyspark.ml (Sail has none); fit on classic Spark or Spark "
                "Connect"
            ) from None
        plan = sampler.plan(dataset, counts)
        logging.getLogger("spark_balance").info("%s: %s", type(self).__name__, _fitted_on(sampler, plan))
        return BalancedModel(model, plan)

    def _fitted(self, dataset: DataFrame, sampler: Sampler, counts: ClassCounts) -> Transformer:
        estimator = self.getEstimator()
        if not is_set(estimator, "seed"):
            estimator = with_seed(estimator, stream(sampler.random_state, "estimator"))
        made = sampler.resample(dataset, counts)
        if self.log_to_mlflow and has_active_run():
            log_resampling(made, before=dataset)
        model: Transformer = estimator.fit(made.frame)
        return model

    def _sampler_for(self, dataset: DataFrame) -> Sampler:
        """Fill in the parameters that depend on the estimator and the frame."""
        sampler, estimator = self.getSampler().inheriting(), self.getEstimator()
        if (output := sampler.options.output) != "all":
            raise ParameterError(
                f"{type(self).__name__}: output={output!r} would fit on a part of the resampled table; "
                "leave it at 'all'"
            )
        if sampler.uses_features and vars(sampler).get("feature_cols", ()) is None:
            defined = estimator.hasParam("featuresCol") and estimator.isDefined("featuresCol")
            name = estimator.getOrDefault("featuresCol") if defined else None
            if name not in dataset.columns:
                # every numeric column would include a CrossValidator's folds
                raise ParameterError(
                    f"{type(self).__name__}: {self._sampler_type.__name__} needs feature_cols, since the frame has no "
                    "column that is the estimator's featuresCol; name the columns whose values make a row"
                )
            sampler = sampler.replace(feature_cols=(name,))
        return sampler

    @property
    def _to_java(self) -> Any:
        # CrossValidator asks with hasattr whether Scala can save this; a Pipeline could be
        raise AttributeError(f"{type(self).__name__} is saved by Python")

    def _described(self) -> dict[str, Any]:
        names = {kind: name for name, kind in registered().items()}
        if self._sampler_type not in names:
            raise ParameterError(
                f"{type(self).__name__}: {self._sampler_type.__name__} is not a registered sampler, so it has no name "
                "to be saved under; give it one with spark_balance.register"
            )
        params = {param.name: self.getOrDefault(param) for param in self.params if self.isSet(param)}
        del params["stages"]
        described = {"sampler": names[self._sampler_type], "params": params}
        return described | ({"log_to_mlflow": True} if self.log_to_mlflow else {})

    def _parts(self) -> Mapping[str, Any]:
        return {"estimator": self.getEstimator()}

    @classmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        sampler_type = registered()[described["sampler"]]
        params = described["params"]
        sampler = sampler_type(**{name: params[name] for name in params if name in sampler_type.model_fields})
        restored = cls(sampler=sampler, estimator=load("estimator"))
        restored.log_to_mlflow = described.get("log_to_mlflow", False)
        return restored._set(**params)


class BalancedModel(Persistent, PipelineModel):
    """The model that was fitted on resampled rows; it transforms rows as they are.

    Attributes
    ----------
    model : pyspark.ml.Transformer
        The wrapped estimator's own model.
    plan : ResamplingPlan
        Rows of each class before and after, as `correct_prior` needs them. In a loaded model labels that
        JSON cannot carry (dates, decimals) are text.
    """

    @checked
    def __init__(self, model: Transformer, plan: ResamplingPlan) -> None:
        super().__init__([model])
        self.plan = plan

    @property
    def model(self) -> Transformer:
        """The wrapped estimator's own model."""
        return self.stages[0]

    @checked
    def _transform(self, dataset: DataFrame) -> DataFrame:
        return super()._transform(dataset)

    def copy(self, extra: Mapping[Param[Any], Any] | None = None) -> BalancedModel:
        """Return a copy, its model with extra parameters."""
        return keep_uid(BalancedModel(self.model.copy(dict(extra or {})), self.plan), self.uid)

    def _described(self) -> dict[str, Any]:
        return {"plan": self.plan.to_dict()}

    def _parts(self) -> Mapping[str, Any]:
        return {"model": self.model}

    @classmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        return cls(load("model"), _read_plan(described["plan"]))


def _fitted_on(sampler: Sampler, plan: ResamplingPlan) -> str:
    """Say how many rows a fit is on, or that of each member, and what is known of new ones without a job."""
    sign = {"exact": "", "at_most": "at most ", "approximate": "about ", "none": "perhaps "}[plan.counts]
    added = f"{sign}{plan.rows_after - plan.rows_before:,}" if sampler.family == "over" else "some"
    new = "none" if sampler.promises.rows == "subset" else added
    rows = f"{sign}{plan.rows_after:,} rows that {plan.method} made of {plan.rows_before:,}"
    return f"fitted on {rows}, {new} of them new; parents of a new row are in this training set"


def is_set(estimator: Params, name: str) -> bool:
    """Return whether it has such a Param and the user set it."""
    return estimator.hasParam(name) and estimator.isSet(name)


def with_seed(estimator: Estimator[Any], seed: int) -> Estimator[Any]:
    """Give an estimator this seed, if it takes one."""
    return estimator.copy({estimator.getParam("seed"): seed}) if estimator.hasParam("seed") else estimator


def _plain(sampler_type: type[Sampler], needed: Mapping[str, Any], name: str, value: Any) -> Any:
    """Validate one parameter's value, and return it as JSON can carry it if that can be."""
    sampler = sampler_type(**{**needed, name: value})
    return value if callable(value) else sampler.to_toml_dict().get(name)


def _read_plan(saved: dict[str, Any]) -> ResamplingPlan:
    classes = tuple(
        ClassPlan(tuple(one["group"]), one["label"], one["before"], one["after"], one["action"], one.get("weight", 1.0))
        for one in saved["classes"]
    )
    same = {name: saved[name] for name in ("method", "label_col", "missing_rows", "missing_action", "counts")}
    return ResamplingPlan(**same, classes=classes, within_cols=tuple(saved["within_cols"]))
