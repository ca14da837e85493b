"""What a resampling was, as plain values: taken from its result, or from the manifest of a job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import types as T
from typing_extensions import Self

from spark_balance._version import __version__
from spark_balance.base.node import Resampled
from spark_balance.base.parameters import given_to
from spark_balance.base.registry import registered
from spark_balance.errors import ParameterError, SparkBalanceError
from spark_balance.frames.engine import engine_name
from spark_balance.report.resampled import find_notes

Table = Mapping[str, Any]
VERSIONED = ("delta", "iceberg")
_DIGEST = 10  # characters: MLflow shows a digest in its tables
_PLACE = ("path", "table", "where", "columns")  # what says which rows are read
# types of Spark by their names in MLflow's schemas
_TYPES = {
    **{name: name for name in ("boolean", "integer", "long", "float", "double", "binary", "string")},
    **dict.fromkeys(("byte", "short"), "integer"),
    **dict.fromkeys(("char", "varchar"), "string"),
    **dict.fromkeys(("date", "timestamp", "timestamp_ntz"), "datetime"),
}


@dataclass(frozen=True)
class Side:
    """The rows before or after.

    Attributes
    ----------
    place : dict
        Where they lie, as a job's ``[input]`` says it; empty if that is unknown.
    state : str or None
        A version of a table, or an id of names, sizes and times of files.
    rows : dict of str to int
        Of each class, over all groups.
    missing : int
        Rows without a label.
    are_planned : bool
        Whether the rows are those of the plan, which the result need not have.
    """

    place: Table
    state: str | None
    rows: dict[str, int]
    missing: int
    are_planned: bool = False

    @property
    def version(self) -> str | None:
        """Delta's version or Iceberg's snapshot; None if the state is not known to be one."""
        if self.place.get("version") is not None:
            return str(self.place["version"])
        known = self.state and ("@" in self.state or self.place.get("format") in VERSIONED)
        return self.state.partition("@")[0] if self.state and known else None

    @property
    def name(self) -> str:
        """The table, or the last part of the path, with the version; empty without a place."""
        path = str(self.place.get("path") or "").rstrip("/").rpartition("/")[2]
        name = str(self.place.get("table") or path)
        return f"{name}@{self.version}" if name and self.version else name

    @property
    def source(self) -> tuple[str, dict[str, Any]]:
        """The type that MLflow has for the place, and what it loads the rows by.

        MLflow's own class for tables of Delta looks for credentials of Databricks, wherever it runs.
        """
        path, table = self.place.get("path"), self.place.get("table")
        if path is None and table is None:
            return "code", {"tags": {}}
        if self.place.get("format") == "delta":
            known = {"delta_table_version": int(self.version)} if self.version else {}
            return "delta_table", {**({"delta_table_name": table} if table else {"path": path}), **known}
        if table and self.version:
            return "spark", {"sql": f"SELECT * FROM {table} VERSION AS OF {self.version}"}
        return "spark", {"table_name": table} if table else {"path": path}

    @property
    def profile(self) -> dict[str, Any]:
        """Rows, and rows of each class."""
        rows = sum(self.rows.values()) + self.missing
        return {"planned_rows" if self.are_planned else "num_rows": rows, "classes": self.rows}


@dataclass(frozen=True)
class Tracked:
    """The facts of a resampling: the plan and notes of its result, how it was made, and both sides."""

    plan: Table
    notes: Table
    given: dict[str, str]  # the parameters of the sampler or weighter, without the seed
    seed: int | None
    engine: str | None
    made_with: str  # the version of this package
    source: Side
    output: Side

    @classmethod
    def of_result(cls, made: Resampled, source: Table | None, output: Table | None) -> Self:
        """Take the facts of a result; nothing runs."""
        given = given_to(made.sampler) if made.sampler else {}
        plan = made.plan.to_dict()
        # a frame of pandas or polars is of no engine any more
        engine = engine_name(made.frame.sparkSession) if hasattr(type(made.frame), "sparkSession") else None
        planned = plan["counts"] != "exact" or given.get("output", "all") != "all"
        before, after = (
            Side(source or {}, None, *_rows(plan, "before")),
            Side(output or {}, None, *_rows(plan, "after"), planned),
        )
        seed = getattr(made.sampler, "random_state", None)
        return cls(plan, made.notes, _texts(given), seed, engine, __version__, before, after)

    @classmethod
    def of_manifest(cls, said: Table, source: Table | None, output: Table | None) -> Self:
        """Take the facts of a manifest."""
        if not isinstance(said.get("plan"), Mapping):
            raise ParameterError(
                "log_resampling: resampled has no plan; give the result of sampler.resample, or what read_manifest "
                "returns"
            )
        plan, run = said["plan"], said.get("run", {})
        before = Side(source or said.get("input", {}), run.get("input"), *_rows(plan, "before"))
        place, state, counted = output or said.get("output") or {}, run.get("output"), said.get("after")
        if counted:
            rows = {str(one["label"]): int(one["rows"]) for one in counted["classes"]}
            after = Side(place, state, rows, int(counted["missing_rows"]))
        else:
            after = Side(place, state, *_rows(plan, "after"), are_planned=True)
        version = said.get("versions", {}).get("spark_balance", __version__)
        same = plan, said.get("notes", {}), _given_in(said), said.get("random_state"), said.get("engine")
        return cls(*same, version, before, after)

    @property
    def digests(self) -> tuple[str, str]:
        """The digest of what identifies the rows before, and of that and all that the rows after follow from."""
        read = {name: self.source.place[name] for name in _PLACE if self.source.place.get(name)}
        state = self.source.version or self.source.state
        before = _digest(read, state, self.source.rows, self.source.missing)
        after = _digest(before, self.plan["method"], self.given, self.seed, self.plan["classes"], self.made_with)
        return before, after

    @property
    def parameters(self) -> dict[str, str]:
        """What was done, by short names."""
        recalls = [found for *_, found in find_notes(self.notes, ["estimated_recall"]) if found is not None]
        known = {
            "method": self.plan["method"],
            "plan": "; ".join(_planned(self.plan)),
            "random_state": self.seed,
            "expected_recall": min(recalls, default=None),
            "engine": self.engine,
            "version": self.made_with,
        }
        said = {name: str(value) for name, value in known.items() if value is not None}
        return said | {f"sampler.{name}": text for name, text in self.given.items()}


def columns_of(schema: T.StructType) -> list[dict[str, Any]]:
    """Return the columns as MLflow's schemas have them; a type that MLflow does not have is 'any'."""
    return [
        {**kind, "name": field.name, "required": not field.nullable and kind["type"] != "any"}
        for field in schema.fields
        for kind in [_type_of(field.dataType)]
    ]


def _type_of(kind: T.DataType) -> dict[str, Any]:
    items = _type_of(kind.elementType) if isinstance(kind, T.ArrayType) else None
    if items and items["type"] != "any":
        return {"type": "array", "items": items}
    return {"type": _TYPES.get(kind.typeName(), "any")}


def _rows(plan: Table, when: str) -> tuple[dict[str, int], int]:
    """Return the rows of each class before or after, and those without a label."""
    rows: dict[str, int] = {}
    for one in plan["classes"]:
        rows[str(one["label"])] = rows.get(str(one["label"]), 0) + one[when]
    return rows, plan["missing_rows"] if when == "before" or plan["missing_action"] == "keep" else 0


def _planned(plan: Table) -> Iterator[str]:
    for one in plan["classes"]:
        weight = f" x {one['weight']:.4g}" if one["weight"] != 1 else ""
        yield f"{'/'.join(map(str, (*one['group'], one['label'])))}: {one['before']} -> {one['after']}{weight}"


def _given_in(said: Table) -> dict[str, str]:
    """Return the parameters of a manifest, as the sampler has them where it is registered here."""
    if "sampler" not in said:
        return _texts(said.get("weights", {}))
    [(name, table)] = said["sampler"].items()
    try:
        return _texts(given_to(registered()[name].from_toml_dict(table)))
    except (KeyError, SparkBalanceError):
        return _texts(table)


def _texts(given: Table) -> dict[str, str]:
    return {name: _text(one) for name, one in given.items() if one is not None and name != "random_state"}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    # the text of a function has an address, which is another in each process
    return str(getattr(value, "__qualname__", value))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:_DIGEST]


def check_place(name: str, place: Table | None) -> None:
    """Refuse a place that a user gave and that is not one."""
    if place is not None and sum(isinstance(place.get(one), str) for one in ("path", "table")) != 1:
        raise ParameterError(
            f"log_resampling: {name}={dict(place)!r} is not a place; give exactly one of 'path' and 'table', and "
            "'format' and 'version' if they are known"
        )
