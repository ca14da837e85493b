"""SMOTE, then cleaning: SMOTEENN and SMOTETomek."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from spark_balance.errors import SparkBalanceError
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.chain import AGREED, SHARED
from spark_balance.samplers.edited_nearest_neighbours import EditedNearestNeighbours
from spark_balance.samplers.parameters import Names, given_to, toml_of
from spark_balance.samplers.smote import SMOTE
from spark_balance.samplers.stepped import SteppedSampler
from spark_balance.samplers.tomek_links import TomekLinks
from spark_balance.targets import wanted_rows


class SmoteThenClean(SteppedSampler):
    """The parameters of SMOTE followed by a method that cleans.

    Parameters
    ----------
    sampling_strategy : str, float, dict or callable
        That of SMOTE, unless `smote` is given with its own.
    smote : SMOTE or dict, optional
        The SMOTE to use, or its parameters; label, key, seed, `within_cols`, `null_label` and
        `feature_cols` are those given here unless it has its own.
    feature_cols : tuple of str, optional
        The features of both steps; default every numeric column that is neither label, key nor within column.

    Notes
    -----
    Cost: that of SMOTE and of the cleaning method on SMOTE's result, whose counts are known. The
    cleaning step knows a row by the hash of all its columns, since new rows have no key of their own.
    """

    counts: ClassVar[Literal["at_most"]] = "at_most"
    rows: ClassVar[Literal["segment"]] = "segment"
    absent: ClassVar[Mapping[str, str]] = SMOTE.absent
    second: ClassVar[str]

    smote: Any = Field(default=None)
    feature_cols: Names | None = None

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        if self.smote is not None and "sampling_strategy" in self.model_fields_set:
            raise SparkBalanceError(
                f"{self._name}: smote and sampling_strategy are both given; say sampling_strategy in smote"
            )
        for step in self._steps:
            for name in AGREED:
                if getattr(step, name) != getattr(self, name):
                    raise SparkBalanceError(
                        f"{self._name}: {step._name} has {name}={getattr(step, name)!r}, {self._name} "
                        f"{getattr(self, name)!r}; make them the same"
                    )
            if getattr(step, "output", "all") != "all":
                raise SparkBalanceError(f"{self._name}: {step._name} returns a part; leave output at 'all'")

    def _check_strategy(self) -> None:
        if not isinstance(self.sampling_strategy, Mapping) and not callable(self.sampling_strategy):
            wanted_rows(self._name, {0: 1, 1: 10**15}, self.sampling_strategy, "over")

    @property
    def _steps(self) -> tuple[Sampler, ...]:
        first = self._one(SMOTE, "smote", {"sampling_strategy": self.sampling_strategy})
        return first, self._cleaning()

    @abstractmethod
    def _cleaning(self) -> Sampler:
        """Return the second step."""

    def _one(self, kind: type[Sampler], name: str, defaults: Mapping[str, Any]) -> Sampler:
        """Return a step: the user's, or the default one."""
        given = getattr(self, name)
        if isinstance(given, kind):
            return given
        if given is not None and not isinstance(given, Mapping):
            raise SparkBalanceError(
                f"{self._name}: {name}={given!r} is no {kind.__name__}; give one, a dict of its parameters, or None"
            )
        shared = {one: getattr(self, one) for one in (*SHARED, "feature_cols")}
        return kind(**{**shared, **defaults, **(given or {})})

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the sampler whose new rows take these columns, or all, from their base, if SMOTE is not told else."""
        given = self.smote
        if isinstance(given, Sampler):
            return self.model_copy(update={"smote": given.inheriting(names)})
        # of its parameters alone, so that a seed that is handed down later reaches it
        own = {"passthrough": names, "sampling_strategy": self.sampling_strategy, **(given or {})}
        parameters = {**given_to(self), "smote": own}
        parameters.pop("sampling_strategy", None)
        return type(self)(**parameters)

    def to_toml_dict(self) -> dict[str, Any]:
        """Return the parameters that are not at their default, as TOML can carry them."""
        nested = {}
        for name in ("smote", self.second):
            given = getattr(self, name)
            if given is not None:
                own = isinstance(given, Sampler)
                # a step of one's own has its own default
                nested[name] = {"sampling_strategy": "auto"} | given.to_toml_dict() if own else dict(given)
        rest = {name: value for name, value in given_to(self).items() if name not in {"smote", self.second}}
        return toml_of(self._name, rest) | nested


class SMOTEENN(SmoteThenClean):
    """SMOTE, then edited nearest neighbours (Batista, Prati and Monard, 2004).

    Parameters
    ----------
    enn : EditedNearestNeighbours or dict, optional
        The cleaning to use, or its parameters; default that of all classes
        (``sampling_strategy='all'``).

    Notes
    -----
    See `SmoteThenClean` and `Sampler` for the other parameters.
    """

    second: ClassVar[str] = "enn"

    enn: Any = Field(default=None)

    def _cleaning(self) -> Sampler:
        return self._one(EditedNearestNeighbours, "enn", {"sampling_strategy": "all"})


class SMOTETomek(SmoteThenClean):
    """SMOTE, then the removal of Tomek links (Batista, Bazzan and Monard, 2003).

    Parameters
    ----------
    tomek : TomekLinks or dict, optional
        The cleaning to use, or its parameters; default that of all classes
        (``sampling_strategy='all'``).

    Notes
    -----
    See `SmoteThenClean` and `Sampler` for the other parameters.
    """

    second: ClassVar[str] = "tomek"

    tomek: Any = Field(default=None)

    def _cleaning(self) -> Sampler:
        return self._one(TomekLinks, "tomek", {"sampling_strategy": "all"})
