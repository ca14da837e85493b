"""Several samplers one after the other, as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self

from spark_balance.errors import SparkBalanceError, nearest_name
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.parameters import given_to
from spark_balance.samplers.stepped import SteppedSampler

SHARED = ("label_col", "key_cols", "null_label", "within_cols", "random_state")
AGREED = ("label_col", "null_label", "within_cols")


class Chain(SteppedSampler):
    """Any samplers one after the other, the next on what the one before returns.

    Parameters
    ----------
    steps : sequence of samplers
        In order; each returns whole tables (`output='all'`). A step may also be a table
        ``{name: parameters}`` as in TOML: it takes label, key, seed, `within_cols` and
        `null_label` of the chain unless it has its own.

    Notes
    -----
    `label_col`, `within_cols` and `null_label` are the same in all steps, and are taken from
    them when they are left out; `sampling_strategy` belongs to the steps. Once a step has added
    rows, later steps know a row by the hash of all its columns instead of `key_cols`.
    Cost: that of the steps; no counting after a step whose counts are exact.
    """

    absent: ClassVar[Mapping[str, str]] = {"group_cols": "it belongs to a step; give it to that sampler"}

    steps: tuple[Any, ...]

    def __init__(self, steps: Iterable[Any] = (), **parameters: Any) -> None:
        several = isinstance(steps, Iterable) and not isinstance(steps, Sampler | Mapping)
        given = list(steps) if several else [steps]
        down = {name: parameters[name] for name in SHARED if name in parameters}
        made = tuple(_made(one, down) for one in given)
        if not made:
            raise SparkBalanceError("Chain: there are no steps; give at least one sampler")
        for name in SHARED:
            if name not in parameters and name in made[0].model_fields_set:
                parameters[name] = getattr(made[0], name)
        super().__init__(**{"steps": made, **parameters})
        for name in AGREED:
            for step in self.steps:
                if getattr(step, name) != getattr(self, name):
                    raise SparkBalanceError(
                        f"Chain: {step._name} has {name}={getattr(step, name)!r}, the chain {getattr(self, name)!r}; "
                        "make them the same"
                    )
        for step in self.steps:
            if getattr(step, "output", "all") != "all":
                raise SparkBalanceError(
                    f"Chain: {step._name} has output={step.output!r}; a step returns whole tables, so leave it at 'all'"
                )

    def _check_strategy(self) -> None:
        if self.sampling_strategy != "auto":
            raise SparkBalanceError(
                f"Chain: sampling_strategy={self.sampling_strategy!r} belongs to a step; give it to that sampler"
            )

    @property
    def _steps(self) -> tuple[Sampler, ...]:
        return self.steps

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the chain; what all steps share is changed in the steps too."""
        down = {name: value for name, value in (update or {}).items() if name in SHARED}
        steps = tuple(step.model_copy(update=down) for step in (update or {}).get("steps", self.steps))
        return super().model_copy(update={**(update or {}), "steps": steps}, deep=deep)

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the chain whose new rows take these columns, or all, from their base, if it is not told else."""
        return self.model_copy(update={"steps": tuple(step.inheriting(names) for step in self.steps)})

    def to_toml_dict(self) -> dict[str, Any]:
        """Return the parameters that are not at their default, as TOML can carry them."""
        names = _registered()
        of = {kind: name for name, kind in names.items()}
        tables = [{of[type(step)]: step.to_toml_dict()} for step in self.steps]
        rest = {name: value for name, value in given_to(self).items() if name not in {"steps", *SHARED}}
        carried = {name: list(v) if isinstance(v, tuple) else v for name, v in rest.items() if v is not None}
        return {**carried, "steps": tables}


def _made(given: Any, down: Mapping[str, Any]) -> Sampler:
    if isinstance(given, Sampler):
        return given
    if not isinstance(given, Mapping) or len(given) != 1 or not isinstance(next(iter(given.values())), Mapping):
        raise SparkBalanceError(f"Chain: steps has {given!r}; give a sampler, or a table {{name = {{parameters}}}}")
    [(name, parameters)] = given.items()
    names = _registered()
    if name not in names:
        hint = nearest_name(name, list(names)) or f"; known are {', '.join(names)}"
        raise SparkBalanceError(f"Chain: steps names '{name}', which is no registered sampler{hint}")
    return names[name].from_toml_dict({**down, **parameters})


def _registered() -> dict[str, type[Sampler]]:
    # the registry knows the chain too
    from spark_balance.samplers.registry import registered

    return registered()
