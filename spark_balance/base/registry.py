"""Every sampler by the name that configurations use."""

import re
from collections import UserDict
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

from spark_balance._methods import BUILT_IN, GROUP
from spark_balance.base.parameters import given_to
from spark_balance.base.sampler import Sampler
from spark_balance.errors import ConfigError, ParameterError, nearest_name
from spark_balance.frames.arguments import checked

SamplerT = TypeVar("SamplerT", bound=type[Sampler])


class Registry(UserDict[str, Any]):
    """Samplers by name; a built-in one is imported when it is asked for."""

    def __getitem__(self, name: str) -> type[Sampler]:
        kind = self.data[name]
        if isinstance(kind, str):
            kind = self.data[name] = getattr(import_module("spark_balance"), kind)
        found: type[Sampler] = kind
        return found


SAMPLERS = Registry({name: kind for name, (kind, _) in BUILT_IN.items()})


@checked
def register(name: str) -> Callable[[SamplerT], SamplerT]:
    """Let a sampler of your own be named in configurations, chains and comparisons, as the built-in ones are.

    Parameters
    ----------
    name : str
        What configurations call it: lower-case letters, digits and underscores, such as ``"my_method"``.

    Returns
    -------
    callable
        A decorator of the class. One that is defined again, as in a notebook, takes the place of its former self.

    Raises
    ------
    SparkBalanceError
        If the name is malformed or another class's, or the class is not a `Sampler`.

    Notes
    -----
    It lasts as long as the process. A package that is installed names its samplers as entry points of the
    group ``spark_balance.samplers``, and every command knows them.
    """

    def named(kind: SamplerT) -> SamplerT:
        if not isinstance(kind, type) or not issubclass(kind, Sampler):
            raise ParameterError(f"register: {kind!r} is not a sampler class; derive it from spark_balance.Sampler")
        known = SAMPLERS.get(name, kind)
        if (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
            raise ParameterError(
                f"register: name={name!r} is that of {known.__module__}.{known.__qualname__}; "
                f"choose another one for {kind.__qualname__}"
            )
        SAMPLERS[name] = kind
        return kind

    if not isinstance(name, str) or not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ParameterError(f"register: name={name!r} is not allowed; use lower-case letters, digits and underscores")
    return named


def registered() -> Registry:
    """Return every sampler by its name: the built-in ones, those of installed packages, and those registered here."""
    _install()
    return SAMPLERS


def name_of(kind: type[Sampler]) -> str:
    """Return the name that configurations use for a class."""
    return next(name for name, known in registered().items() if known is kind)


def sampler_of(who: str, given: Any, defaults: Mapping[str, Any]) -> Sampler:
    """Return a sampler, or make it of a table ``{name: parameters}``; errors begin with `who`.

    It takes those of the `defaults` that it does not set itself.
    """
    if isinstance(given, Sampler):
        missing = {name: value for name, value in defaults.items() if name not in given.model_fields_set}
        return type(given)(**{**given_to(given), **missing}) if missing else given
    if not isinstance(given, Mapping) or len(given) != 1 or not isinstance(next(iter(given.values())), Mapping):
        raise ParameterError(f"{who} has {given!r}; give a sampler, or a table {{name = {{parameters}}}}")
    [(name, parameters)] = given.items()
    known = registered()
    if name not in known:
        hint = nearest_name(name, list(known)) or f"; known are {', '.join(known)}"
        raise ParameterError(f"{who} names '{name}', an unknown sampler{hint}")
    return known[name].from_toml_dict({**defaults, **parameters})


@cache
def _install() -> None:
    """Register what installed packages name, once for the process."""
    for point in entry_points(group=GROUP):
        try:
            kind = point.load()
        except Exception as failed:
            raise ConfigError(
                f"register: sampler '{point.name}' of an installed package cannot be loaded from {point.value}: "
                f"{failed}; mend the package or remove it"
            ) from failed
        register(point.name)(kind)
