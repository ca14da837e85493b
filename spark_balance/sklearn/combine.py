"""imbalanced-learn's combinations: SMOTE, then cleaning."""

from __future__ import annotations

from typing import Any, ClassVar

from spark_balance.errors import ParameterError
from spark_balance.sklearn.arrays import Target
from spark_balance.sklearn.base import MADE, Resampler, Seed
from spark_balance.sklearn.estimator import estimator
from spark_balance.sklearn.over import SMOTE
from spark_balance.sklearn.under import EditedNearestNeighbours, TomekLinks


class Combination(Resampler):
    """SMOTE, then a method that cleans."""

    _by_class: ClassVar[bool] = False
    _second: ClassVar[tuple[str, type[Resampler]]]

    def for_spark(self, target: Target) -> dict[str, Any]:
        """Return the parameters for Spark, those of both steps among them."""
        given = super().for_spark(target)
        smote = self._step("smote", SMOTE, target)
        if self.smote is not None and self.random_state is None:
            given["random_state"] = smote["random_state"]
        del smote["random_state"]  # one seed is that of both
        if self.smote is None:
            smote["sampling_strategy"] = given["sampling_strategy"]
        del given["sampling_strategy"]
        name, kind = self._second
        given |= {"smote": smote | {"provenance_col": MADE}, name: self._step(name, kind, target)}
        return given

    def _step(self, name: str, kind: type[Resampler], target: Target) -> dict[str, Any]:
        """Return the parameters of a step: those of the user's sampler, or of imbalanced-learn's default."""
        given = getattr(self, name)
        if given is not None and type(given) is not kind:
            raise ParameterError(
                f"{type(self).__name__}: {name}={given!r} is not allowed; give None, or "
                f"spark_balance.sklearn.{kind.__name__}(...)"
            )
        default = {} if kind is SMOTE else {"sampling_strategy": "all"}
        return (kind(**default) if given is None else given).for_spark(target)


@estimator
class SMOTEENN(Combination):
    """SMOTE, then edited nearest neighbors; see `spark_balance.SMOTEENN`.

    Parameters
    ----------
    smote : SMOTE, optional
        The SMOTE to use, with a `sampling_strategy` of its own.
    enn : EditedNearestNeighbours, optional
        The cleaning to use; default that of all classes.
    """

    _method: ClassVar[str] = "smoteenn"
    _second: ClassVar[tuple[str, type[Resampler]]] = ("enn", EditedNearestNeighbours)

    random_state: Seed = None
    smote: SMOTE | None = None
    enn: EditedNearestNeighbours | None = None
    n_jobs: int | None = None


@estimator
class SMOTETomek(Combination):
    """SMOTE, then the removal of Tomek links; see `spark_balance.SMOTETomek`.

    Parameters
    ----------
    smote : SMOTE, optional
        The SMOTE to use, with a `sampling_strategy` of its own.
    tomek : TomekLinks, optional
        The cleaning to use; default that of all classes.
    """

    _method: ClassVar[str] = "smotetomek"
    _second: ClassVar[tuple[str, type[Resampler]]] = ("tomek", TomekLinks)

    random_state: Seed = None
    smote: SMOTE | None = None
    tomek: TomekLinks | None = None
    n_jobs: int | None = None
