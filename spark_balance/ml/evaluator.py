"""The scores as an evaluator that pyspark.ml's CrossValidator takes."""

from __future__ import annotations

import math
from typing import Any

# the one module here that needs pyspark.ml, which is imported when the class is first asked for
from pyspark import keyword_only
from pyspark.ml.evaluation import Evaluator
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasLabelCol, HasPredictionCol, HasProbabilityCol, HasWeightCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWriter, MLWritable, MLWriter
from pyspark.sql import DataFrame

from spark_balance.errors import SparkBalanceError, nearest_name
from spark_balance.ml.confusion import OF_A_CLASS, OF_ALL
from spark_balance.ml.guards import warn_if_resampled
from spark_balance.ml.scored import Scored

_AREAS = ("areaUnderPR", "areaUnderROC")
_ERRORS = ("brierScore", "expectedCalibrationError")
METRICS = (*_AREAS, *_ERRORS, *OF_ALL, *OF_A_CLASS)


def _metric(name: Any) -> str:
    """Refuse a score that is not known, however it is set."""
    if name not in METRICS:
        hint = nearest_name(name, METRICS) if isinstance(name, str) else ""
        raise SparkBalanceError(f"ImbalanceEvaluator: metricName={name!r} is not one of {', '.join(METRICS)}{hint}")
    return str(name)


class ImbalanceEvaluator(
    Evaluator,
    HasLabelCol,
    HasPredictionCol,
    HasProbabilityCol,
    HasWeightCol,
    DefaultParamsReadable["ImbalanceEvaluator"],
    MLWritable,
):
    """Evaluate with one score for imbalanced data, as `MulticlassClassificationEvaluator` does with its own.

    Parameters
    ----------
    labelCol, predictionCol, probabilityCol, weightCol : str
        Columns, with pyspark.ml's defaults; labels are the numbers 0, 1, ...
    metricName : str
        'areaUnderPR' (the default: average precision, not Spark's interpolated area), 'areaUnderROC',
        'brierScore', 'expectedCalibrationError' (these two: smaller is better), 'accuracy', 'balancedAccuracy',
        'geometricMean', 'matthewsCorrCoef', or of the class `metricLabel` 'precisionByLabel', 'recallByLabel',
        'specificityByLabel', 'fMeasureByLabel', 'geometricMeanByLabel', 'indexBalancedAccuracyByLabel'.
    metricLabel : float
        The class of the scores by label and of the areas; 1.0 by default.
    beta : float
        Of 'fMeasureByLabel'; 1.0 by default.
    numBins : int
        Bins of the areas, 0 (the default) for exact ones; 'expectedCalibrationError' has 15 when it is 0.
    allowSynthetic : bool
        Accept a frame whose provenance column tells of replicas or synthetic rows; False by default.

    Notes
    -----
    Plain Python over the functions of `spark_balance.ml.metrics`, so it needs no JVM: classic Spark, Connect,
    and frames scored elsewhere. Costs, errors and warnings are those of `evaluate`; a score that is not defined,
    since a fold lacks the class, is an error too.
    """

    metricName: Param[str] = Param(Params._dummy(), "metricName", f"one of {', '.join(METRICS)}", _metric)
    metricLabel: Param[float] = Param(
        Params._dummy(), "metricLabel", "the class of scores by label and of areas", TypeConverters.toFloat
    )
    beta: Param[float] = Param(Params._dummy(), "beta", "how much recall counts", TypeConverters.toFloat)
    numBins: Param[int] = Param(Params._dummy(), "numBins", "bins of areas, 0 for exact ones", TypeConverters.toInt)
    allowSynthetic: Param[bool] = Param(
        Params._dummy(), "allowSynthetic", "accept rows that resampling added", TypeConverters.toBoolean
    )

    _input_kwargs: dict[str, Any]

    @keyword_only
    def __init__(
        self,
        *,
        labelCol: str = "label",
        predictionCol: str = "prediction",
        probabilityCol: str = "probability",
        weightCol: str | None = None,
        metricName: str = "areaUnderPR",
        metricLabel: float = 1.0,
        beta: float = 1.0,
        numBins: int = 0,
        allowSynthetic: bool = False,
    ) -> None:
        super().__init__()
        self._setDefault(metricName="areaUnderPR", metricLabel=1.0, beta=1.0, numBins=0, allowSynthetic=False)
        self.setParams(**self._input_kwargs)

    def setParams(self, **params: Any) -> ImbalanceEvaluator:
        """Set params by name."""
        return self._set(**params)

    def setMetricName(self, value: str) -> ImbalanceEvaluator:
        """Set the score."""
        return self.setParams(metricName=value)

    def getMetricName(self) -> str:
        """Return the score."""
        return self.getOrDefault(self.metricName)

    def isLargerBetter(self) -> bool:
        """Tell whether a model with a larger score is the better one."""
        return self.getMetricName() not in _ERRORS

    def _evaluate(self, dataset: DataFrame) -> float:
        score = self._score(dataset)
        if math.isnan(score):
            # a search would take the model of the first NaN for the best
            raise SparkBalanceError(
                f"ImbalanceEvaluator: {self.getMetricName()} is not defined on rows of which none (with a weight) is "
                f"of class {self.getOrDefault(self.metricLabel):g}, or none of another; "
                "give every fold rows of both, as stratified_folds does"
            )
        return score

    def _score(self, dataset: DataFrame) -> float:
        name, label = self.getMetricName(), self.getOrDefault(self.metricLabel)
        probable = name in (*_AREAS, *_ERRORS)
        scored = Scored(
            "ImbalanceEvaluator",
            dataset,
            self.getLabelCol(),
            None if probable else self.getPredictionCol(),
            self.getProbabilityCol() if probable else None,
            self.getWeightCol() if self.isDefined(self.weightCol) else None,
        ).checked(self.getOrDefault(self.allowSynthetic))
        bins = self.getOrDefault(self.numBins)
        if name in _AREAS:
            areas = scored.ranking(label, bins or None)
            if scored.weight_col is None:
                warn_if_resampled("ImbalanceEvaluator", {label: areas.positives, "others": areas.negatives}, None)
            return areas.pr_auc if name == "areaUnderPR" else areas.roc_auc
        if name in _ERRORS:
            gaps, rows = scored.calibration(bins or 15)
            warn_if_resampled("ImbalanceEvaluator", rows, None)
            return gaps.brier_score if name == "brierScore" else gaps.expected_calibration_error
        matrix, rows = scored.confusion()
        warn_if_resampled("ImbalanceEvaluator", rows, None)
        if name in OF_ALL:
            return OF_ALL[name](matrix)
        if label not in matrix.labels:
            raise SparkBalanceError(
                f"ImbalanceEvaluator: metricLabel={label!r} is none of the classes "
                f"{', '.join(map(repr, matrix.labels))}; set it to one of them"
            )
        return OF_A_CLASS[name](matrix, self.getOrDefault(self.beta))[label]

    def write(self) -> MLWriter:
        """Return a writer that works on classic Spark and on Connect."""
        return _Writer(self)


class _Writer(DefaultParamsWriter):
    """pyspark's own, but that overwrites without a call into the JVM, which Connect does not have."""

    def save(self, path: str) -> None:
        """Save to a path that the engine can reach."""
        text = self._get_metadata_to_save(self.instance, self.sparkSession)
        frame = self.sparkSession.createDataFrame([(text,)], "value string").coalesce(1)
        frame.write.mode("overwrite" if self.shouldOverwrite else "error").text(f"{path}/metadata")
