"""What keeps an evaluation honest: no resampled rows in what is split or scored."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import quoted
from spark_balance.errors import ResampledWarning, SparkBalanceError
from spark_balance.plans.replicate import is_provenance
from spark_balance.summary import Label

_FEW = 50  # rows of a class below which equal counts are no evidence
_FACTOR = 2.0  # shares that differ by less may drift by themselves
_SIGMAS = 6.0


def refuse_added_rows(method: str, df: DataFrame, allow_synthetic: bool) -> None:
    """Refuse a frame whose provenance column tells of replicas or synthetic rows.

    Cost: nothing without such a column; with one, a job that stops at the first such row.
    """
    if allow_synthetic:
        return
    for field in df.schema.fields:
        if not is_provenance(field.dataType):
            continue
        kind = F.col(quoted(field.name)).getField("kind")
        found = df.where(kind != "original").select(kind.alias("kind")).limit(1).toArrow().to_pylist()
        if found:
            raise SparkBalanceError(
                f"{method}: provenance column '{field.name}' says that the frame has rows which resampling added (kind "
                f"'{found[0]['kind']}'), and their copies would be on both sides; split and score data as it is and "
                "resample the training part only, or set allow_synthetic=True"
            )


def warn_if_resampled(method: str, scored: Mapping[Label, float], before: Mapping[Label, float] | None) -> None:
    """Warn when the class shares of scored data look resampled.

    With the shares of the data as it is (`before`): a class's share is off by more than a factor of two
    and by more than six standard deviations of a sample of this size. Without: all classes have
    exactly the same number of rows, at least 50, which data has by design or by resampling only.
    """
    sentence = _looks_resampled(scored, before)
    if sentence:
        warnings.warn(
            f"{method}: {sentence}; scores of resampled data do not tell how a model does on data as it is",
            ResampledWarning,
            stacklevel=3,  # the caller of the public function that calls this
        )


def _looks_resampled(scored: Mapping[Label, float], before: Mapping[Label, float] | None) -> str | None:
    rows = sum(scored.values())
    if not rows:
        return None
    if before is None:
        counts = set(scored.values())
        if len(scored) > 1 and len(counts) == 1 and min(counts) >= _FEW:
            return f"every class of the scored data has exactly {min(counts):g} rows, as after resampling"
        return None
    natural_rows = sum(before.values())
    for label, natural in before.items():
        share, expected = scored.get(label, 0) / rows, natural / natural_rows
        sigma = (expected * (1 - expected) / rows) ** 0.5
        factor = max(share, expected) / max(min(share, expected), 1e-300)
        if factor > _FACTOR and abs(share - expected) > _SIGMAS * sigma:
            return f"class {label!r} is {share:.2%} of the scored data and {expected:.2%} of the data as it is"
    return None
