"""SMOTE, then cleaning: SMOTEENN and SMOTETomek."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from typing_extensions import Self

from spark_balance.base import Names, Sampler, given_to, toml_of
from spark_balance.base.parameters import Missing
from spark_balance.base.registry import sampler_of
from spark_balance.base.strategy import check_strategy
from spark_balance.combine.combined import SHARED, CombinedSampler, check_agreement
from spark_balance.errors import ParameterError
from spark_balance.frames.plan import Counts
from spark_balance.over_sampling.smote import SMOTE
from spark_balance.under_sampling.edited_nearest_neighbours import EditedNearestNeighbours
from spark_balance.under_sampling.prototype_selection import TomekLinks


class SmoteThenClean(CombinedSampler):
    """The parameters of SMOTE followed by a method that cleans.

    Parameters
    ----------
    sampling_strategy : str, float, dict or callable
        That of SMOTE, unless `smote` is given with its own.
    smote : SMOTE or dict, optional
        The SMOTE to use, or its parameters; it takes label, key, seed, `within_cols`, `null_label` and `feature_cols`
        that are given here, and is refused if it sets another value itself.
    feature_cols : tuple of str, optional
        The features of both steps; default every numeric column that is neither label, key nor within column.
    """

    counts: ClassVar[Counts] = "at_most"
    absent: ClassVar[Mapping[str, str]] = SMOTE.absent
    handed_down: ClassVar[tuple[str, ...]] = (*SHARED, "feature_cols", "missing")
    second: ClassVar[str]
    cleaning: ClassVar[type[Sampler]]

    smote: Any = Field(default=None)
    feature_cols: Names | None = None
    missing: Missing = "error"

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        if self.smote is not None and "sampling_strategy" in self.model_fields_set:
            raise ParameterError(
                f"{self.name}: smote and sampling_strategy are both given; say sampling_strategy in smote"
            )
        check_strategy(self.name, self.sampling_strategy, "over")
        check_agreement(self)

    @property
    def steps(self) -> tuple[Sampler, ...]:
        """SMOTE, and the method that cleans."""
        first = self._one(SMOTE, "smote", {"sampling_strategy": self.sampling_strategy})
        return first, self._one(self.cleaning, self.second, {"sampling_strategy": "all"})

    def _one(self, kind: type[Sampler], name: str, defaults: Mapping[str, Any]) -> Sampler:
        """Return a step: the user's, or the default one."""
        given = getattr(self, name)
        down = {one: value for one in self.handed_down if (value := getattr(self, one)) is not None}
        if isinstance(given, kind):
            own = {one: value for one, value in down.items() if one in self.model_fields_set}
            return sampler_of(self.name, given, own)
        if given is not None and not isinstance(given, Mapping):
            raise ParameterError(
                f"{self.name}: {name}={given!r} is not allowed; give {kind.__name__}(...), a dict of its parameters, "
                "or None"
            )
        return kind(**{**down, **defaults, **(given or {})})

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some parameters changed; what its steps share is changed in those given, too."""
        down = {name: value for name, value in changes.items() if name in SHARED}
        nested: dict[str, Any] = {}
        for name in ("smote", self.second):
            given = getattr(self, name)
            if isinstance(given, Sampler):
                nested[name] = given.replace(**down)
            elif given is not None:
                nested[name] = {**given, **{one: value for one, value in down.items() if one in given}}
        return super().replace(**{**nested, **changes})

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the sampler whose new rows take these columns, or all, from their base, unless SMOTE says others."""
        given = self.smote
        if isinstance(given, Sampler):
            return self.replace(smote=given.inheriting(names))
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
        return toml_of(self.name, rest) | nested


class SMOTEENN(SmoteThenClean):
    """SMOTE, then edited nearest neighbors (Batista, Prati and Monard, 2004).

    Parameters
    ----------
    enn : EditedNearestNeighbours or dict, optional
        The cleaning to use, or its parameters; default that of all classes (``sampling_strategy='all'``).

    Notes
    -----
    Cost: that of SMOTE and of the cleaning method on SMOTE's result, whose counts are known. The
    cleaning step knows a row by the hash of all its columns, since new rows have no key of their own.
    """

    second: ClassVar[str] = "enn"
    cleaning: ClassVar[type[Sampler]] = EditedNearestNeighbours

    enn: Any = Field(default=None)


class SMOTETomek(SmoteThenClean):
    """SMOTE, then the removal of Tomek links (Batista, Bazzan and Monard, 2003).

    Parameters
    ----------
    tomek : TomekLinks or dict, optional
        The cleaning to use, or its parameters; default that of all classes (``sampling_strategy='all'``).

    Notes
    -----
    Cost: as `SMOTEENN`.
    """

    second: ClassVar[str] = "tomek"
    cleaning: ClassVar[type[Sampler]] = TomekLinks

    tomek: Any = Field(default=None)
