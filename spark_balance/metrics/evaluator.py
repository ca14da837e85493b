"""The scores as an evaluator that pyspark.ml's CrossValidator takes; needs pyspark.ml, so it is imported late."""

from __future__ import annotations

import math
from typing import Any

from pyspark import keyword_only
from pyspark.errors import AnalysisException
from pyspark.ml.evaluation import Evaluator
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasLabelCol, HasPredictionCol, HasProbabilityCol, HasWeightCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWriter, MLWritable, MLWriter
from pyspark.sql import DataFrame

from spark_balance.errors import OutputError, ParameterError, TooFewRowsError, nearest_name
from spark_balance.frames.arguments import checked
from spark_balance.metrics.evaluation import Evaluation
from spark_balance.metrics.scored import Scored

_METHOD = "ImbalanceEvaluator"
_AREAS = ("areaUnderPR", "areaUnderROC")
_ERRORS = ("brierScore", "expectedCalibrationError")
# in the order of Evaluation's scores
_OF_ALL = ("accuracy", "balancedAccuracy", "geometricMean", "matthewsCorrCoef")
_OF_A_CLASS = tuple(
    f"{name}ByLabel"
    for name in ("precision", "recall", "specificity", "fMeasure", "geometricMean", "indexBalancedAccuracy")
)
METRICS = (*_AREAS, *_ERRORS, *_OF_ALL, *_OF_A_CLASS)


def _check_metric(name: Any) -> str:
    """Refuse an unknown score, however it is set."""
    if name not in METRICS:
        hint = nearest_name(name, METRICS) if isinstance(name, str) else ""
        raise ParameterError(f"{_METHOD}: metricName={name!r} is not one of {', '.join(METRICS)}{hint}")
    return str(name)


def _param(name: str, doc: str, converter: Any) -> Param[Any]:
    return Param(Params._dummy(), name, doc, converter)


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
    labelCol : str
        Column with the true class; labels are the numbers 0, 1, ...
    predictionCol : str
        Column with the predicted class.
    probabilityCol : str
        Column with a vector or an array of probabilities.
    weightCol : str, optional
        Column with the weight of each row.
    metricName : str
        'areaUnderPR' (average precision, not Spark's interpolated area), 'areaUnderROC', 'brierScore',
        'expectedCalibrationError' (smaller is better for these two), 'accuracy', 'balancedAccuracy',
        'geometricMean', 'matthewsCorrCoef', or of the class `metricLabel` 'precisionByLabel', 'recallByLabel',
        'specificityByLabel', 'fMeasureByLabel', 'geometricMeanByLabel', 'indexBalancedAccuracyByLabel'.
    metricLabel : float
        The class of the scores by label and of the areas.
    beta : float
        Recall counts `beta` times as much as precision in 'fMeasureByLabel'.
    numBins : int
        Bins of the areas, 0 for exact ones; 'expectedCalibrationError' has 15 bins if it is 0.
    allowSynthetic : bool
        Accept a frame whose provenance column marks replicas or synthetic rows.

    Raises
    ------
    SparkBalanceError
        As `evaluate`; also for a score that is undefined because a fold lacks the class.

    Notes
    -----
    Plain Python over the functions of `spark_balance.metrics.evaluate`, so it needs no JVM: it works on classic Spark
    and Connect, and on frames that were scored elsewhere. Costs and warnings are those of `evaluate`.

    Examples
    --------
    >>> rows = [(0, 0.0), (0, 1.0), (1, 1.0), (1, 1.0)]
    >>> scored = spark.createDataFrame(rows, "label int, prediction double")
    >>> ImbalanceEvaluator(metricName="balancedAccuracy").evaluate(scored)
    0.75
    """

    metricName: Param[str] = _param("metricName", f"one of {', '.join(METRICS)}", _check_metric)
    metricLabel: Param[float] = _param("metricLabel", "class of scores by label and of areas", TypeConverters.toFloat)
    beta: Param[float] = _param("beta", "weight of recall in F-beta", TypeConverters.toFloat)
    numBins: Param[int] = _param("numBins", "bins of areas, 0 for exact ones", TypeConverters.toInt)
    allowSynthetic: Param[bool] = _param("allowSynthetic", "accept rows that were added", TypeConverters.toBoolean)

    _input_kwargs: dict[str, Any]

    @checked
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
        """Return whether a larger score is better."""
        return self.getMetricName() not in _ERRORS

    @checked
    def _evaluate(self, dataset: DataFrame) -> float:
        score = self._score(dataset)
        if math.isnan(score):
            # a search would take the model of the first NaN for the best one
            raise TooFewRowsError(
                f"{_METHOD}: {self.getMetricName()} is not defined on rows of which none (with a weight) is "
                f"of class {self.getOrDefault(self.metricLabel):g}, or none of another; "
                "give every fold rows of both, as stratified_folds does"
            )
        return score

    def _score(self, dataset: DataFrame) -> float:
        name, label = self.getMetricName(), self.getOrDefault(self.metricLabel)
        probable = name in (*_AREAS, *_ERRORS)
        role, column = ("probability_col", self.probabilityCol) if probable else ("prediction_col", self.predictionCol)
        columns: dict[str, Any] = {role: self.getOrDefault(column)}
        weight_col = self.getWeightCol() if self.isDefined(self.weightCol) else None
        scored = Scored(_METHOD, dataset, self.getLabelCol(), weight_col=weight_col, **columns)
        scored = scored.checked(self.getOrDefault(self.allowSynthetic))
        bins = self.getOrDefault(self.numBins)
        if name in _AREAS:
            areas = scored.guarded_ranking(label, bins or None)
            return areas.pr_auc if name == "areaUnderPR" else areas.roc_auc
        if name in _ERRORS:
            gaps = scored.guarded_calibration(bins or 15)
            return gaps.brier_score if name == "brierScore" else gaps.expected_calibration_error
        matrix = scored.confusion()
        scores = Evaluation(matrix, {}, None, self.getOrDefault(self.beta))
        if name in _OF_ALL:
            return list(scores.overall().values())[_OF_ALL.index(name)]
        if label not in matrix.labels:
            raise ParameterError(
                f"{_METHOD}: metricLabel={label!r} is not one of the classes "
                f"{', '.join(map(repr, matrix.labels))}; set it to one of them"
            )
        return list(scores.by_class()[label].values())[_OF_A_CLASS.index(name)]

    def write(self) -> MLWriter:
        """Return a writer that works on classic Spark and on Connect."""
        return _Writer(self)


class _Writer(DefaultParamsWriter):
    def save(self, path: str) -> None:
        """Save to a path that the engine can reach."""
        save_text(self, _METHOD, self._get_metadata_to_save(self.instance, self.sparkSession), f"{path}/metadata")


def save_text(writer: MLWriter, method: str, text: str, path: str) -> None:
    """Save as pyspark does, which overwrites by a call into the JVM that Connect does not have."""
    frame = writer.sparkSession.createDataFrame([(text,)], "value string").coalesce(1)
    try:
        frame.write.mode("overwrite" if writer.shouldOverwrite else "error").text(path)
    except AnalysisException as refused:
        if "PATH_ALREADY_EXISTS" not in str(refused):
            raise
        raise OutputError(
            f"{method}: '{path}' exists; choose another path, or use write().overwrite().save(...)"
        ) from None
