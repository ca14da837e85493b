"""A job as a TOML file: what to read, which sampler, where to write, and what the run may cost."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from typing_extensions import Self

from spark_balance.app.controls import Controls
from spark_balance.app.storage import Sink, Source
from spark_balance.app.storage.names import format_of_name
from spark_balance.app.verify import Verify
from spark_balance.app.windows import Windows
from spark_balance.base.parameters import Names
from spark_balance.base.registry import registered
from spark_balance.base.sampler import Sampler
from spark_balance.errors import ConfigError, SparkBalanceError, nearest_name
from spark_balance.ml.weights import ClassWeighter

Table = dict[str, Any]
ModelT = TypeVar("ModelT", bound=BaseModel)
MadeT = TypeVar("MadeT", Sampler, ClassWeighter)

_DEEPEST = 50  # tables in tables; a file that goes deeper is broken, and would exhaust the stack of what reads it


class Describe(BaseModel):
    """The table ``[describe]``: what to count without a sampler.

    Parameters
    ----------
    label_col : str or tuple of str
        Column with the class of each row, or several columns, each true where a row has the label that it is called.
    within_cols : tuple of str, optional
        Count within each combination of values of these columns.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_col: str | tuple[str, ...]
    within_cols: Names = ()


class Advise(BaseModel):
    """The table ``[advise]``: what to judge.

    Parameters
    ----------
    label_col : str
        Column with the class of each row.
    feature_cols : tuple of str, optional
        Numeric columns to learn from. Default: every one except label and keys.
    categorical_cols : tuple of str, optional
        Columns of categories to learn from. Default: every string and boolean column.
    key_cols : tuple of str, optional
        A unique key. Without it a hash of its columns identifies a row.
    fit_rows : int, optional
        Rows that a fit can have where you train. Default: a billion numbers, which are 8 GB.
    compare : bool
        Fit boosted trees after a few treatments too, on folds of a sample: minutes.
    random_state : int
        Seed of the sample, the folds and the models.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_col: str
    feature_cols: Names | None = None
    categorical_cols: Names | None = None
    key_cols: Names = ()
    fit_rows: int | None = Field(default=None, strict=True)
    compare: StrictBool = False
    random_state: int = Field(default=0, strict=True)


class JobConfig(BaseModel):
    """One job: the tables of its file, each under its name."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    input: Source
    output: Sink | None = None
    sampler_name: str | None = None
    sampler: Sampler | None = None  # [sampler.<name>], one of the registered samplers with its parameters
    weights: ClassWeighter | None = None  # for the command that weighs instead of resampling
    describe: Describe | None = None  # for a configuration that only counts
    advise: Advise | None = None  # for one that only judges
    windows: Windows | None = None  # for a job on windows of a series
    run: Controls = Controls()
    verify: Verify = Verify()

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a TOML file and apply overrides, ``"sampler.smote.k_neighbors=3"``: TOML, or a string if it is not."""
        return cls.of(load_tables(path, overrides))

    @classmethod
    def of(cls, tables: Table) -> Self:
        """Validate the tables of a TOML file."""
        parts: Table = {
            "input": Source,
            "output": Sink,
            "describe": Describe,
            "advise": Advise,
            "windows": Windows,
            "run": Controls,
            "verify": Verify,
        }
        check_keys("config", tables, [*parts, "sampler", "weights"])
        if "input" not in tables:
            raise ConfigError("config: the table [input] is missing; say there what to read")
        made = {name: validate_table(kind, name, tables[name]) for name, kind in parts.items() if name in tables}
        if "weights" in tables:
            made["weights"] = make_part(ClassWeighter, "weights", tables["weights"])
        if "sampler" in tables:
            made["sampler_name"], made["sampler"] = make_sampler(tables["sampler"])
        return cls(**made)

    def to_tables(self) -> Table:
        """Return the tables of a TOML file that says the same."""
        names = ("input", "output", "describe", "advise", "windows", "run", "verify")
        parts: dict[str, BaseModel | None] = {name: getattr(self, name) for name in names}
        plain = {name: part.model_dump(exclude_defaults=True, by_alias=True) for name, part in parts.items() if part}
        how = {} if self.sampler is None else {"sampler": {str(self.sampler_name): self.sampler.to_toml_dict()}}
        how |= {} if self.weights is None else {"weights": self.weights.to_toml_dict()}
        places = {name: plain.pop(name, {}) for name in ("input", "output")}
        tables = {"input": places["input"], **how, **plain, "output": places["output"]}
        return {name: table for name, table in tables.items() if table}


def load_tables(path: str | Path, overrides: Iterable[str] = ()) -> Table:
    """Read a TOML file and apply ``table.key=value`` overrides."""
    return lay_over(read_tables(path), path, overrides)


def read_tables(path: str | Path) -> Table:
    """Read a TOML file."""
    if format_of_name(str(path)):
        raise ConfigError(f"config: '{path}' is data; give a TOML file, or spark-balance METHOD {path} --label COLUMN")
    try:
        return tomli.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"config: file '{path}' does not exist") from None
    except RecursionError:
        raise _too_deep(path) from None
    except tomli.TOMLDecodeError as malformed:
        # the message ends with the line and the column
        raise ConfigError(f"config: file '{path}' is not TOML: {malformed}") from None
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigError(f"config: file '{path}' cannot be read: {unreadable}") from None


def lay_over(tables: Table, path: str | Path, overrides: Iterable[str]) -> Table:
    """Apply ``table.key=value`` overrides to the tables of a file."""
    for override in overrides:
        _apply(tables, override)
    level: list[Any] = [tables]
    for _ in range(_DEEPEST):
        level = [value for one in level for value in _values(one)]
    if level:
        raise _too_deep(path)
    return tables


def _values(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _too_deep(where: str | Path) -> ConfigError:
    return ConfigError(
        f"config: '{where}', with what --set adds, nests values more than {_DEEPEST} deep; check brackets and dots"
    )


def _apply(tables: Table, override: str) -> None:
    name, equals, text = override.partition("=")
    *parents, key = name.strip().split(".")
    if not equals or not all([*parents, key]):
        raise ConfigError(f"--set {override}: give table.key=value, such as sampler.smote.k_neighbors=3")
    table = tables
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {override}: '{parent}' is a value, not a table; see the configuration")
    text = text.strip()
    try:
        table[key] = tomli.loads(f"value = {text}")["value"]
    except RecursionError:
        raise _too_deep(name) from None
    except tomli.TOMLDecodeError:
        table[key] = {"True": True, "False": False}.get(text, text)  # as Python spells them


def make_sampler(tables: Any) -> tuple[str, Sampler]:
    """Return name and sampler of ``[sampler.<name>]``."""
    kinds = registered()
    if not isinstance(tables, dict) or not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigError(f"config: give the sampler as one table [sampler.<name>], name is one of {', '.join(kinds)}")
    check_keys("config: sampler", tables, list(kinds))
    if len(tables) > 1:
        raise ConfigError(f"config: {len(tables)} samplers ({', '.join(tables)}) are given; a job has exactly one")
    [(name, table)] = tables.items()
    return name, make_part(kinds[name], f"sampler.{name}", table)


def make_part(kind: type[MadeT], name: str, table: Any) -> MadeT:
    """Return the sampler or weighter of a table."""
    _check_table(name, table)
    try:
        return kind.from_toml_dict(table)
    except SparkBalanceError as refused:
        raise ConfigError(f"config: {name}: {refused}") from refused


def validate_table(model: type[ModelT], name: str, table: Any) -> ModelT:
    """Make a model of a table, or say in one sentence which key is wrong."""
    _check_table(name, table)
    check_keys(f"config: {name}", table, [field.alias or key for key, field in model.model_fields.items()])
    try:
        return model.model_validate(table)
    except ValidationError as refused:
        first = refused.errors()[0]
        where = ".".join(map(str, (name, *first["loc"])))
        given = f"={first['input']!r}" if first["loc"] and first["type"] != "missing" else ""
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"config: {where}{given}: {reason[0].lower()}{reason[1:]}") from None


def _check_table(name: str, table: Any) -> None:
    if not isinstance(table, dict):
        raise ConfigError(f"config: {name}={table!r} is a value; make it a table [{name}]")


def check_keys(where: str, table: Table, known: Sequence[str]) -> None:
    """Refuse an unknown key."""
    for key in table:
        if key not in known:
            hint = nearest_name(key, tuple(known)) or f"; known are {', '.join(known)}"
            raise ConfigError(f"{where}: unknown key '{key}'{hint}")
