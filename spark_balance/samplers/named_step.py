"""A step of a chain by the name of its sampler, as TOML has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spark_balance.errors import SparkBalanceError, nearest_name
from spark_balance.samplers.base import Sampler


def named_step(given: Any, down: Mapping[str, Any]) -> Sampler:
    """Return the sampler of ``{name: parameters}``, with the parameters handed down that it does not set itself."""
    if isinstance(given, Sampler):
        return given
    if not isinstance(given, Mapping) or len(given) != 1 or not isinstance(next(iter(given.values())), Mapping):
        raise SparkBalanceError(f"Chain: steps has {given!r}; give a sampler, or a table {{name = {{parameters}}}}")
    [(name, parameters)] = given.items()
    names = registered()
    if name not in names:
        hint = nearest_name(name, list(names)) or f"; known are {', '.join(names)}"
        raise SparkBalanceError(f"Chain: steps names '{name}', which is no registered sampler{hint}")
    return names[name].from_toml_dict({**down, **parameters})


def registered() -> dict[str, type[Sampler]]:
    """Return the samplers by their names."""
    # the registry knows the chain too
    from spark_balance.samplers.registry import SAMPLERS

    return SAMPLERS
