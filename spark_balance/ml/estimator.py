"""Resample what an estimator is fitted on, never what its model transforms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from pyspark.errors import UnsupportedOperationException
from pyspark.ml import Estimator, Pipeline, PipelineModel, Transformer
from pyspark.ml.param import Param, Params
from pyspark.sql import DataFrame

from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.ml.persistence import Load, Persistent
from spark_balance.plans.counts import class_counts
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.parameters import given_to
from spark_balance.samplers.registry import registered
from spark_balance.summary import ClassCounts, ClassPlan, ResamplingPlan


class BalancedEstimator(Persistent, Pipeline):
    """Fit an estimator on resampled rows; its model transforms rows as they are.

    Inside `CrossValidator` and `TrainValidationSplit` only the rows of the training fold are
    resampled, so that no copy or offspring of a validation row is learnt from.

    It is a `Pipeline` of one stage, so that pyspark finds the wrapped estimator's parameters,
    also when it saves a `CrossValidator`. The sampler's parameters are Params under their own
    names: ``addGrid(balanced.k_neighbors, [3, 5])``.

    Parameters
    ----------
    sampler : Sampler
        What to do to the rows. When it needs features and names none, they are the
        estimator's `featuresCol`. When it makes new rows and `passthrough` is not given, columns
        that are not features take the base row's value, since an estimator takes no NULL weight.
    estimator : pyspark.ml.Estimator
        What to fit, a `Pipeline` for instance. If it has a `seed` that is not set, it gets one from
        the sampler's `random_state` (pyspark's default differs from process to process).

    Notes
    -----
    Cost of a fit: one job that counts the classes, the sampler's own (see there), and the
    estimator's, each of whose passes resamples again until it caches the rows, as pyspark's trees
    and linear models do after their first. A grid of n fits that n times.

    Raises
    ------
    SparkBalanceError
        In one sentence, for whatever does not fit: from the arguments, the grid's values, or the
        frame to fit on. Also on an engine without pyspark.ml (Sail).
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Param[Any]:
            """Return the Param of a sampler's parameter."""

    def __init__(self, *, sampler: Sampler, estimator: Estimator[Any]) -> None:
        name = type(self).__name__
        if not isinstance(sampler, Sampler):
            raise SparkBalanceError(
                f"{name}: sampler={sampler!r} is no sampler; give one, such as SMOTE(label_col=...)"
            )
        if not isinstance(estimator, Estimator):
            raise SparkBalanceError(f"{name}: estimator={estimator!r} is no pyspark.ml Estimator; give one to fit")
        super().__init__(stages=[estimator])
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
        """Return the sampler with the parameters that are set now."""
        fields = self._sampler_type.model_fields
        return self._sampler_type(**{field: self.getOrDefault(field) for field in fields if self.isSet(field)})

    def getEstimator(self) -> Estimator[Any]:
        """Return the wrapped estimator."""
        [estimator] = self.getStages()
        assert isinstance(estimator, Estimator)
        return estimator

    def _fit(self, dataset: DataFrame) -> BalancedModel:
        sampler = self._sampler_for(dataset)
        sampler.check(dataset)
        counts = class_counts(dataset, sampler.label_col, sampler.within_cols or ())
        with _engine_has_ml(type(self).__name__):
            model = self._fitted(dataset, sampler, counts)
        return BalancedModel(model, sampler.plan(dataset, counts))

    def _fitted(self, dataset: DataFrame, sampler: Sampler, counts: ClassCounts) -> Transformer:
        estimator = self.getEstimator()
        if not is_set(estimator, "seed"):
            estimator = with_seed(estimator, stream(sampler.random_state, "estimator"))
        model: Transformer = estimator.fit(sampler.fit_resample(dataset, counts))
        return model

    def _sampler_for(self, dataset: DataFrame) -> Sampler:
        """Fill in what only the estimator and the frame tell."""
        sampler, estimator = self.getSampler().inheriting(), self.getEstimator()
        if getattr(sampler, "output", "all") != "all":
            raise SparkBalanceError(
                f"{type(self).__name__}: output='added' would fit on the new rows alone; leave it at 'all'"
            )
        filled: dict[str, Any] = {}
        if _lacks_features(sampler):
            defined = estimator.hasParam("featuresCol") and estimator.isDefined("featuresCol")
            name = estimator.getOrDefault("featuresCol") if defined else None
            if name not in dataset.columns:
                # every numeric column would include a CrossValidator's folds
                raise SparkBalanceError(
                    f"{type(self).__name__}: {self._sampler_type.__name__} needs feature_cols, since the frame has no "
                    "column that is the estimator's featuresCol; name the columns whose values make a row"
                )
            filled["feature_cols"] = (name,)
        return sampler.model_copy(update=filled)

    @property
    def _to_java(self) -> Any:
        # CrossValidator asks with hasattr whether Scala can save this; a Pipeline could be
        raise AttributeError(f"{type(self).__name__} is saved by Python")

    def _described(self) -> dict[str, Any]:
        names = {kind: name for name, kind in registered().items()}
        if self._sampler_type not in names:
            raise SparkBalanceError(
                f"{type(self).__name__}: {self._sampler_type.__name__} is not a registered sampler, so it has no name "
                "to be saved under; give it one with spark_balance.register"
            )
        params = {param.name: self.getOrDefault(param) for param in self.params if self.isSet(param)}
        del params["stages"]
        return {"sampler": names[self._sampler_type], "params": params}

    def _parts(self) -> Mapping[str, Any]:
        return {"estimator": self.getEstimator()}

    @classmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        sampler_type = registered()[described["sampler"]]
        params = described["params"]
        sampler = sampler_type(**{name: params[name] for name in params if name in sampler_type.model_fields})
        restored = cls(sampler=sampler, estimator=load("estimator"))
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

    def __init__(self, model: Transformer, plan: ResamplingPlan) -> None:
        super().__init__([model])
        self.plan = plan

    @property
    def model(self) -> Transformer:
        """The wrapped estimator's own model."""
        return self.stages[0]

    def copy(self, extra: Mapping[Param[Any], Any] | None = None) -> BalancedModel:
        """Return a copy, its model with extra parameters."""
        return BalancedModel(self.model.copy(dict(extra or {})), self.plan)._resetUid(self.uid)

    def _described(self) -> dict[str, Any]:
        return {"plan": self.plan.to_dict()}

    def _parts(self) -> Mapping[str, Any]:
        return {"model": self.model}

    @classmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        return cls(load("model"), _plan(described["plan"]))


def is_set(estimator: Params, name: str) -> bool:
    """Tell whether it has such a Param and the user set it."""
    return estimator.hasParam(name) and estimator.isSet(name)


def with_seed(estimator: Estimator[Any], seed: int) -> Estimator[Any]:
    """Give an estimator this seed, if it takes one."""
    return estimator.copy({estimator.getParam("seed"): seed}) if estimator.hasParam("seed") else estimator


def _plain(sampler_type: type[Sampler], needed: Mapping[str, Any], name: str, value: Any) -> Any:
    """Validate one parameter's value, and return it as JSON can carry it if that can be."""
    sampler = sampler_type(**{**needed, name: value})
    return value if callable(value) else sampler.to_toml_dict().get(name)


def _lacks_features(sampler: Sampler) -> bool:
    """Tell whether it would take every numeric column for a feature."""
    # RandomOverSampler uses features only when it smooths
    unused = getattr(sampler, "shrinkage", 0) is None
    return "feature_cols" in type(sampler).model_fields and not unused and sampler.feature_cols is None  # type: ignore[attr-defined]


@contextmanager
def _engine_has_ml(name: str) -> Iterator[None]:
    try:
        yield
    except UnsupportedOperationException as refused:
        if "ml command" not in str(refused):
            raise
        raise SparkBalanceError(
            f"{name}: this engine has no pyspark.ml (Sail has none); fit on classic Spark or Spark Connect"
        ) from None


def _plan(saved: dict[str, Any]) -> ResamplingPlan:
    classes = [
        ClassPlan(
            tuple(entry["group"]),
            entry["label"],
            entry["before"],
            entry["after"],
            entry["action"],
            entry.get("weight", 1.0),
        )
        for entry in saved["classes"]
    ]
    return ResamplingPlan(
        method=saved["method"],
        label_col=saved["label_col"],
        classes=tuple(classes),
        within_cols=tuple(saved["within_cols"]),
        missing_rows=saved["missing_rows"],
        missing_action=saved["missing_action"],
        counts=saved["counts"],
    )
