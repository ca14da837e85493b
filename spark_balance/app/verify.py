"""What new rows have to be like for a job to keep them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import DataFrame

from spark_balance.base.sampler import Sampler
from spark_balance.combine.combined import single_steps
from spark_balance.errors import ConfigError, RefusedByGuard
from spark_balance.ml.weights import ClassWeighter
from spark_balance.neighbors.space import MixedColumns
from spark_balance.report.resampled import Judged
from spark_balance.trust.assess import DRAWN, FEWEST, assess_synthetic
from spark_balance.trust.figures import Correlation, Share
from spark_balance.trust.report import TrustReport

FIGURES = {  # of a report, by the key that limits them, and what each is
    "max_copies": ("copies", "the share of its new rows that equal an original"),
    "max_nearer_to_other_class": (
        "nearer_to_other_class",
        "the share of its new rows whose nearest original is of another class",
    ),
    "max_off_support": ("off_support", "the share of its new rows that are far from all its originals"),
    "max_correlation_drift": (
        "correlation",
        "the largest difference between a correlation in its new rows and originals",
    ),
    "max_detectable_auc": ("detectable", "the ROC-AUC of a classifier of its new rows and originals"),
}
Limit = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Assessed:
    """What was found of the new rows, and the limits of it by figure."""

    report: TrustReport
    limits: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and their limits as plain values that JSON can carry."""
        return {**self.report.to_dict(), "limits": self.limits}

    def judged(self) -> Judged:
        """Return what a page shows: each figure of each class beside the same of originals, and its limit."""
        return Judged(self.report.verdict, tuple(self.report.findings), tuple(self._lines()))

    def _lines(self) -> Iterator[tuple[str, ...]]:
        for one in self.report.classes:
            for name, limit in self.limits.items():
                figure = getattr(one, name)
                values = (getattr(figure, "value", None), getattr(figure, "originals", None), limit)
                yield (str(one.label), name, *["-" if value is None else f"{value:.4g}" for value in values])


class Verify(BaseModel):
    """The table ``[verify]``: limits of figures of the new rows; a run that exceeds one writes nothing.

    The figures are those of `assess_synthetic`, for each class that has new rows.

    Parameters
    ----------
    max_copies : float, optional
        Share of the new rows, from 0 to 1, that may equal an original of their class.
    max_nearer_to_other_class : float, optional
        Share of the new rows whose nearest original, their parents left out, may be of another class.
    max_off_support : float, optional
        Share of the new rows that may be farther from every original of their class than 99 % of its originals are.
    max_correlation_drift : float, optional
        Largest difference between the correlation of two features in new rows and in originals, from 0 to 1.
    max_detectable_auc : float, optional
        ROC-AUC that a classifier of new rows and originals may reach: 0.5 is chance. It takes scikit-learn.
    sample : int
        New rows of each class whose nearest originals are looked up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_copies: Limit | None = None
    max_nearer_to_other_class: Limit | None = None
    max_off_support: Limit | None = None
    max_correlation_drift: Limit | None = None
    max_detectable_auc: Limit | None = None
    sample: int = Field(default=1_000, ge=FEWEST, le=DRAWN)

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by figure."""
        given = {figure: getattr(self, key) for key, (figure, _) in FIGURES.items()}
        return {figure: limit for figure, limit in given.items() if limit is not None}

    def check(self, sampler: Sampler | ClassWeighter) -> None:
        """Refuse limits where no row is new, or where a new row does not say what it is made of."""
        if self.limits:
            _maker_of(sampler)
        elif self.model_fields_set:
            raise ConfigError(
                f"config: verify: no limit is set, so nothing is verified; give one of {', '.join(FIGURES)}"
            )

    def assess(self, sampler: Sampler, before: DataFrame, after: DataFrame) -> Assessed:
        """Compare new rows with originals, by the figures that have limits alone."""
        maker = _maker_of(sampler)
        used = maker.features(before)
        report = assess_synthetic(
            before,
            after,
            label_col=sampler.class_col,
            provenance_col=maker.options.provenance_col,
            feature_cols=tuple(one.name for one in used.features) if used else None,
            categorical_features=used.categorical if isinstance(used, MixedColumns) else (),
            figures=tuple(self.limits),
            sample=self.sample,
            random_state=sampler.random_state,
        )
        return Assessed(report, self.limits)

    def refuse(self, method: str, found: Assessed) -> None:
        """Refuse rows that exceed a limit, or of which a figure with a limit is unknown."""
        for key, (figure, meaning) in FIGURES.items():
            if (limit := found.limits.get(figure)) is None:
                continue
            unknown = [one for one in found.report.classes if getattr(one, figure) is None]
            if unknown:
                raise RefusedByGuard(
                    f"{method}: {figure} of class {unknown[0].label!r} takes more than its {unknown[0].originals:,} "
                    f"originals and {unknown[0].new_rows:,} new rows, so verify.{key}={limit:g} refuses them; nothing "
                    "was written; leave the limit out, or make no rows of the class"
                )
            values = [(getattr(one, figure), one.label) for one in found.report.classes]
            worst, label = max(values, key=lambda one: one[0].value, default=(None, None))
            if worst is not None and worst.value > limit:
                beside = f" ({worst.originals:.4g} of originals)" if isinstance(worst, Share | Correlation) else ""
                raise RefusedByGuard(
                    f"{method}: {figure} of class {label!r} is {worst.value:.4g}{beside}, {meaning}; "
                    f"verify.{key}={limit:g} refuses that; nothing was written; change the sampler or its features, or "
                    "raise the limit"
                )


def _maker_of(sampler: Sampler | ClassWeighter) -> Sampler:
    """Return what makes the new rows: the sampler, or the one step that adds rows."""
    steps = single_steps(sampler) if isinstance(sampler, Sampler) else []
    adding = [one for one in steps if one.promises.rows != "subset"]
    making = [one for one in adding if one.promises.rows != "copies"]
    who = f"config: verify: {sampler.name}"
    if not making:
        raise ConfigError(f"{who} makes no new rows to verify; leave [verify] out")
    [maker] = making[:1]
    if len(adding) > 1:
        names = ", ".join(one.name for one in adding)
        raise ConfigError(f"{who} adds rows in several steps ({names}), so a new row can be made of others; use one")
    if "provenance_col" not in type(maker).model_fields:
        raise ConfigError(f"{who}: new rows of {maker.name} cannot name what they are made of; leave [verify] out")
    if maker.options.provenance_col is None:
        raise ConfigError(
            f"{who}: which rows are new, and what each is made of, is in a provenance column; set provenance_col of "
            f"{maker.name}"
        )
    if maker is not steps[0] and not maker.keys:
        raise ConfigError(f"{who}: {maker.name} names the rows that earlier steps left by their key; set key_cols")
    return maker
