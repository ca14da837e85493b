"""A job as a TOML file: what to read, which sampler, where to write, and what the run may cost."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyspark.sql import DataFrame

from spark_balance.app.storage import Sink, Source
from spark_balance.base.parameters import Names
from spark_balance.base.registry import registered
from spark_balance.base.sampler import Sampler
from spark_balance.errors import ConfigError, RefusedByGuard, SparkBalanceError, nearest_name
from spark_balance.explain.explanation import Explanation
from spark_balance.frames.columns import quoted
from spark_balance.frames.plan import ClassCounts, ResamplingPlan
from spark_balance.ml.weights import ClassWeighter

Table = dict[str, Any]
ModelT = TypeVar("ModelT", bound=BaseModel)
MadeT = TypeVar("MadeT", Sampler, ClassWeighter)

_MEASURED_ROWS = 10_000
_DEEPEST = 50  # tables in tables; a file that goes deeper is broken, and would exhaust the stack of what reads it
EXTRACT_ROWS = 10_000_000  # of an input: to write an extract takes longer than to scan what is smaller


class Describe(BaseModel):
    """The table ``[describe]``: what to count without a sampler."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_col: str
    within_cols: Names = ()  # count within each combination of values of these columns


class Controls(BaseModel):
    """The table ``[run]``: tasks, size of files, limits; no key changes which rows a run makes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # tasks that write, hence the largest number of files (one task writes all of a partition); shuffles all rows once
    tasks: int | None = Field(default=None, ge=1, le=1_000_000)
    # size at which a file ends, as measured on 10,000 rows of the input; shuffles nothing, so small files stay small
    target_file_mb: float | None = Field(default=None, gt=0)
    max_shuffle_gb: float | None = Field(default=None, ge=0)  # refuse a run that is expected to shuffle more
    # keep the rows that are searched beside the output meanwhile, if they are few of all; default for large inputs
    extract: bool | None = None

    def check(self, sink: Sink, engine: str) -> None:
        """Refuse a file size that the engine or the output would ignore."""
        if self.target_file_mb is None:
            return
        if engine == "sail":
            why = "is ignored by engine sail, which has no maxRecordsPerFile"
        elif sink.table:
            why = "is for files at a path, a table has a property of its own for it"
        elif sink.format not in ("parquet", "orc"):
            why = f"is for formats parquet and orc, format is '{sink.format}'"
        else:
            return
        raise ConfigError(f"run: target_file_mb={self.target_file_mb:g} {why}; leave it out, or use run.tasks")

    def check_shuffle(self, cost: Explanation | None, frame: DataFrame, plan: ResamplingPlan) -> None:
        """Refuse a run that is expected to shuffle too much; `cost` is None for one that shuffles nothing itself."""
        if self.max_shuffle_gb is None:
            return
        dealt = plan.rows_after * _row_bytes(frame) if self.tasks else 0.0
        shuffled = dealt + (cost.shuffle_bytes if cost else 0)
        if shuffled > self.max_shuffle_gb * 1e9:
            raise RefusedByGuard(
                f"{plan.method}: the run is expected to shuffle {shuffled / 1e9:.3g} GB, {dealt / 1e9:.3g} of them for "
                f"run.tasks, more than max_shuffle_gb={self.max_shuffle_gb:g}; raise it, or see in explain which step "
                "shuffles"
            )

    def extracts(self, before: ClassCounts) -> bool:
        """Return whether to keep the rows that are searched, if they are few."""
        return sum(before.rows.values()) >= EXTRACT_ROWS if self.extract is None else self.extract

    def limit_files(self, sink: Sink, frame: DataFrame) -> Sink:
        """Return the sink with the number of rows a file that makes the target size, by the rows of the input."""
        if self.target_file_mb is None:
            return sink
        rows = max(1, round(self.target_file_mb * 1e6 / _row_bytes(frame)))
        return sink.model_copy(update={"options": {**sink.options, "maxRecordsPerFile": str(rows)}})

    def deal(self, made: DataFrame, sink: Sink) -> DataFrame:
        """Deal the rows to write out to `tasks` tasks."""
        return made if self.tasks is None else made.repartition(self.tasks, *map(quoted, sink.partition_by))


class JobConfig(BaseModel):
    """One job: the tables of its file, each under its name."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    input: Source
    output: Sink | None = None
    sampler_name: str | None = None
    sampler: Sampler | None = None  # [sampler.<name>], one of the registered samplers with its parameters
    weights: ClassWeighter | None = None  # for the command that weighs instead of resampling
    describe: Describe | None = None  # for a configuration that only counts
    run: Controls = Controls()

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a TOML file and apply overrides, ``"sampler.smote.k_neighbors=3"``: TOML, or a string if it is not."""
        return cls.of(load_tables(path, overrides))

    @classmethod
    def of(cls, tables: Table) -> Self:
        """Validate the tables of a TOML file."""
        check_keys("config", tables, ["input", "sampler", "weights", "output", "describe", "run"])
        if "input" not in tables:
            raise ConfigError("config: the table [input] is missing; say there what to read")
        parts: Table = {"input": Source, "output": Sink, "describe": Describe, "run": Controls}
        made = {name: validate_table(kind, name, tables[name]) for name, kind in parts.items() if name in tables}
        if "weights" in tables:
            made["weights"] = make_part(ClassWeighter, "weights", tables["weights"])
        if "sampler" in tables:
            made["sampler_name"], made["sampler"] = make_sampler(tables["sampler"])
        return cls(**made)


def load_tables(path: str | Path, overrides: Iterable[str] = ()) -> Table:
    """Read a TOML file and apply ``table.key=value`` overrides."""
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"config: file '{path}' does not exist") from None
    except RecursionError:
        raise _too_deep(path) from None
    except tomllib.TOMLDecodeError as malformed:
        # the message ends with the line and the column
        raise ConfigError(f"config: file '{path}' is not TOML: {malformed}") from None
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigError(f"config: file '{path}' cannot be read: {unreadable}") from None
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
        table[key] = tomllib.loads(f"value = {text}")["value"]
    except RecursionError:
        raise _too_deep(name) from None
    except tomllib.TOMLDecodeError:
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


def _row_bytes(frame: DataFrame) -> float:
    """Return the bytes of a row in Parquet, measured on the first rows by one small job."""
    table = frame.limit(_MEASURED_ROWS).toArrow()
    file = pa.BufferOutputStream()
    pq.write_table(table, file)
    return float(file.tell() / max(1, table.num_rows))
