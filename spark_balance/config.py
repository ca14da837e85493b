"""A job as a TOML file: what to read, which sampler, where to write."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from spark_balance.controls import Controls
from spark_balance.errors import SparkBalanceError, nearest_name
from spark_balance.ml.weights import ClassWeighter
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.parameters import Names
from spark_balance.samplers.registry import registered
from spark_balance.storage import Sink, Source

Table = dict[str, Any]
ModelT = TypeVar("ModelT", bound=BaseModel)


class Describe(BaseModel):
    """What to count when there is no sampler: the label, and within which columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_col: str
    within_cols: Names = ()


class JobConfig(BaseModel):
    """One job.

    Attributes
    ----------
    input : Source
        Table ``[input]``.
    sampler_name, sampler : str, Sampler
        Table ``[sampler.<name>]``, one of the registered samplers with its parameters.
    output : Sink
        Table ``[output]``.
    weights : ClassWeighter
        Table ``[weights]``, for the command that weighs instead of resampling.
    describe : Describe
        Table ``[describe]``, for a configuration that only counts.
    run : Controls
        Table ``[run]``: tasks, size of files, what may be shuffled.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    input: Source
    output: Sink | None = None
    sampler_name: str | None = None
    sampler: Sampler | None = None
    weights: ClassWeighter | None = None
    describe: Describe | None = None
    run: Controls = Controls()

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a TOML file and lay ``table.key=value`` overrides over it.

        Parameters
        ----------
        path : str or Path
            The file.
        overrides : iterable of str
            ``"sampler.smote.k_neighbors=3"``: the value is TOML, or a string when it is not TOML.

        Raises
        ------
        SparkBalanceError
            In one sentence, for whatever is wrong with the file or the overrides.
        """
        tables = parsed(Path(path))
        for override in overrides:
            lay_over(tables, override)
        return cls.of(tables)

    @classmethod
    def of(cls, tables: Table) -> Self:
        """Validate what a TOML file holds."""
        check_keys("config", tables, ["input", "sampler", "weights", "output", "describe", "run"])
        if "input" not in tables:
            raise SparkBalanceError("config: the table [input] is missing; say there what to read")
        name, sampler = named_sampler(tables["sampler"]) if "sampler" in tables else (None, None)
        return cls(
            input=validated(Source, "input", tables["input"]),
            output=validated(Sink, "output", tables["output"]) if "output" in tables else None,
            weights=weighter(tables["weights"]) if "weights" in tables else None,
            describe=validated(Describe, "describe", tables["describe"]) if "describe" in tables else None,
            run=validated(Controls, "run", tables.get("run", {})),
            sampler_name=name,
            sampler=sampler,
        )


def parsed(path: Path) -> Table:
    """Read a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SparkBalanceError(f"config: file '{path}' does not exist") from None
    except (OSError, UnicodeDecodeError) as unreadable:
        raise SparkBalanceError(f"config: file '{path}' cannot be read: {unreadable}") from None
    except tomllib.TOMLDecodeError as malformed:
        # the message ends with the line and the column
        raise SparkBalanceError(f"config: file '{path}' is not TOML: {malformed}") from None


def lay_over(tables: Table, override: str) -> None:
    """Set one value of the tables."""
    name, equals, text = override.partition("=")
    *parents, key = name.strip().split(".")
    if not equals or not all([*parents, key]):
        raise SparkBalanceError(f"--set {override}: give table.key=value, such as sampler.smote.k_neighbors=3")
    table = tables
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise SparkBalanceError(f"--set {override}: '{parent}' is a value, not a table; see the configuration")
    table[key] = _value(text.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return {"True": True, "False": False}.get(text, text)  # as Python spells them


def named_sampler(tables: Any) -> tuple[str, Sampler]:
    """Make the one sampler of ``[sampler.<name>]``."""
    if not isinstance(tables, dict) or not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise SparkBalanceError(f"config: give the sampler as one table [sampler.<name>], name is one of {_known()}")
    check_keys("config: sampler", tables, list(registered()))
    if len(tables) > 1:
        raise SparkBalanceError(
            f"config: {len(tables)} samplers ({', '.join(tables)}) are given; a job has exactly one"
        )
    [(name, parameters)] = tables.items()
    try:
        return name, registered()[name].from_toml_dict(parameters)
    except SparkBalanceError as refused:
        raise SparkBalanceError(f"config: sampler.{name}: {refused}") from refused


def weighter(table: Any) -> ClassWeighter:
    """Make the weighter of ``[weights]``."""
    if not isinstance(table, dict):
        raise SparkBalanceError(f"config: weights={table!r} is a value; make it a table [weights]")
    try:
        return ClassWeighter.from_toml_dict(table)
    except SparkBalanceError as refused:
        raise SparkBalanceError(f"config: weights: {refused}") from refused


def _known() -> str:
    return ", ".join(registered())


def validated(model: type[ModelT], name: str, table: Any) -> ModelT:
    """Make a model of a table, or say in one sentence which key is wrong."""
    if not isinstance(table, dict):
        raise SparkBalanceError(f"config: {name}={table!r} is a value; make it a table [{name}]")
    fields = [field.alias or key for key, field in model.model_fields.items()]
    check_keys(f"config: {name}", table, fields)
    try:
        return model.model_validate(table)
    except ValidationError as refused:
        first = refused.errors()[0]
        where = ".".join(map(str, (name, *first["loc"])))
        given = f"={first['input']!r}" if first["loc"] and first["type"] != "missing" else ""
        reason = first["msg"].removeprefix("Value error, ")
        raise SparkBalanceError(f"config: {where}{given}: {reason[0].lower()}{reason[1:]}") from None


def check_keys(where: str, table: Table, known: list[str]) -> None:
    """Refuse a key that is not known."""
    for key in table:
        if key not in known:
            hint = nearest_name(key, known) or f"; known are {', '.join(known)}"
            raise SparkBalanceError(f"{where}: there is no '{key}'{hint}")
