"""Any samplers one after the other, as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pyspark.sql import DataFrame
from typing_extensions import Self

from spark_balance.base import Sampler, given_to, toml_of
from spark_balance.base.registry import name_of, sampler_of
from spark_balance.combine.combined import SHARED, CombinedSampler, check_agreement
from spark_balance.errors import ParameterError
from spark_balance.frames.plan import RowsOut


class Chain(CombinedSampler):
    """Any samplers one after the other, the next on what the one before returns.

    Parameters
    ----------
    steps : sequence of samplers
        In order; each returns whole tables (`output='all'`). A step may also be a table ``{name: parameters}`` as in
        TOML.
    label_col : str or sequence of str, optional
        Column with the class of each row; or several, as `MLROS`, `MLRUS` and `MLSMOTE` take them.

    Notes
    -----
    A step takes label, key, seed, `within_cols` and `null_label` of the chain; one that sets another value itself is
    refused. What the chain leaves out is that of its first step; `label_col`, `within_cols` and `null_label` are the
    same in all steps. `sampling_strategy` belongs to the steps. Once a step has added rows, later steps know a row by
    the hash of all its columns instead of `key_cols`. Cost: that of the steps; no counting after a step whose counts
    are exact.

    Examples
    --------
    >>> rows = [(i, i * 7 % 13 + 8.0 * (i % 10 == 0), i * 5 % 11 / 1.0, int(i % 10 == 0)) for i in range(200)]
    >>> df = spark.createDataFrame(rows, "id int, x double, y double, fraud int")
    >>> smote = SMOTE(label_col="fraud", key_cols="id", sampling_strategy={1: 60})
    >>> sampler = Chain([smote, RandomUnderSampler(label_col="fraud", key_cols="id")])
    >>> sampler.plan(df).targets
    {0: 60, 1: 60}
    >>> sampler.fit_resample(df).columns
    ['id', 'x', 'y', 'fraud']
    """

    rows: ClassVar[RowsOut] = "free"
    absent: ClassVar[Mapping[str, str]] = {"group_cols": "it belongs to a step; give it to that sampler"}

    label_col: str | tuple[str, ...]  # type: ignore[assignment]
    steps: tuple[Any, ...]

    def __init__(self, steps: Iterable[Any] = (), *unnamed: Any, **parameters: Any) -> None:
        if unnamed:
            raise ParameterError("Chain: several steps are one list; write Chain([SMOTE(...), TomekLinks(...)])")
        several = isinstance(steps, Iterable) and not isinstance(steps, Sampler | Mapping)
        given = list(steps) if several else [steps]
        down = {name: parameters[name] for name in SHARED if parameters.get(name) is not None}
        made = tuple(sampler_of("Chain: steps", one, down) for one in given)
        if not made:
            raise ParameterError("Chain: steps is empty; give at least one sampler")
        first = {name: getattr(made[0], name) for name in SHARED if name not in parameters}
        super().__init__(**{"steps": made, **first, **parameters})
        # what the first step says is not handed down to the others
        self.model_fields_set.difference_update(first)
        if not isinstance(self.sampling_strategy, str) or self.sampling_strategy != "auto":
            raise ParameterError(
                f"Chain: sampling_strategy={self.sampling_strategy!r} belongs to a step; give it to that sampler"
            )
        check_agreement(self)

    def without_key(self, df: DataFrame) -> Self:
        """Return the chain for a frame of which `key_cols` is not unique, its steps without the key too."""
        return self.replace(key_cols=None, steps=tuple(step.without_key(df) for step in self.steps))

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some parameters changed; what all steps share is changed in the steps too."""
        down = {name: value for name, value in changes.items() if name in SHARED}
        steps = tuple(step.replace(**down) for step in changes.get("steps", self.steps))
        return super().replace(**{**changes, "steps": steps})

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the chain whose new rows take these columns, or all, from their base, unless a step says others."""
        return self.replace(steps=tuple(step.inheriting(names) for step in self.steps))

    def to_toml_dict(self) -> dict[str, Any]:
        """Return the parameters that are not at their default, as TOML can carry them."""
        tables = [{name_of(type(step)): step.to_toml_dict()} for step in self.steps]
        rest = {name: value for name, value in given_to(self).items() if name != "steps"}
        return toml_of(self.name, rest) | {"steps": tables}
