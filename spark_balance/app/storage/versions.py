"""The versions of a Delta or Iceberg table: what pins an input, and which run wrote an output.

Classic Spark and Spark Connect ask the format itself. Sail has no history, so there the log of a table on this
machine is read as the files that it is.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession, functions as F

from spark_balance.app.engines import ENGINE_ERRORS, reason
from spark_balance.app.storage.address import VERSIONED, Address, table_exists
from spark_balance.app.storage.paths import engine_path, local_path, real_path
from spark_balance.frames.columns import quoted
from spark_balance.frames.engine import engine_name

# what rewrites a Delta table and leaves its rows; Iceberg calls it "replace"
UPKEEP = {"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "REORG", "replace"}
KEY = "spark_balance"
_MISSING = re.compile("PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|MISSING_DELTA_TABLE|TABLE_NOT_FOUND|not a Delta table")


@dataclass(frozen=True)
class Version:
    """One state of a table."""

    id: str  # Delta's version or Iceberg's snapshot id
    micros: int  # when it was committed, since 1970
    operation: str  # what the format says was done
    only_adds: bool  # whether all rows of the version before are there too
    said: dict[str, Any]  # what the run that wrote it said of itself; empty for others'


# A format whose tables have versions: `versions` asks the engine and `logged` reads the log in the table's folder, both
# newest first; `saying` and `guarding` are the writer's options that put a text into the commit, and that stop a commit
# when another run came first.
class _Delta:
    def versions(self, spark: SparkSession, place: Address, most: int | None) -> list[Version]:
        name = place.table or f"delta.{quoted(engine_path(spark, str(place.path)))}"
        found = spark.sql(f"DESCRIBE HISTORY {name}" + (f" LIMIT {most}" if most else ""))
        found = found.select("version", F.unix_micros("timestamp"), "operation", "isBlindAppend", "userMetadata")
        rows = sorted(found.collect(), key=lambda row: int(row[0]), reverse=True)
        return [Version(str(row[0]), row[1], row[2], bool(row[3]), _said(row[4])) for row in rows]

    def logged(self, folder: Path) -> list[Version]:
        found = []
        for file in sorted(folder.glob("_delta_log/" + "[0-9]" * 20 + ".json"), reverse=True):
            actions = map(json.loads, file.read_text().splitlines())
            commit: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
            micros = commit.get("timestamp", 0) * 1000
            adds, said = bool(commit.get("isBlindAppend")), _said(commit.get("userMetadata"))
            found.append(Version(str(int(file.stem)), micros, commit.get("operation", ""), adds, said))
        return found

    def saying(self, text: str) -> dict[str, str]:
        return {"userMetadata": text}

    def guarding(self, latest: Version | None, replaces: bool) -> dict[str, str]:
        # Delta skips a transaction whose number the application has passed, and two at once conflict
        return {"txnAppId": KEY, "txnVersion": str(int(latest.id) + 1 if latest else 0)}


class _Iceberg:
    def versions(self, spark: SparkSession, place: Address, most: int | None) -> list[Version]:
        if place.table:
            spark.catalog.refreshTable(place.table)  # its catalog keeps what it has read for half a minute
        known = _metadata(spark, place, "snapshots").select("snapshot_id", "operation", F.col("summary")[KEY])
        snapshots = {row[0]: row for row in known.collect()}
        current = _metadata(spark, place, "history").where("is_current_ancestor")
        made = {row[0]: row[1] for row in current.select("snapshot_id", F.unix_micros("made_current_at")).collect()}
        found = []
        for at, micros in sorted(made.items(), key=lambda one: one[1], reverse=True)[:most]:
            if at in snapshots:  # it may have expired
                _, operation, said = snapshots[at]
                found.append(Version(str(at), micros, operation, operation == "append", _said(said)))
        return found

    def logged(self, folder: Path) -> list[Version]:
        files = folder.glob("metadata/*.metadata.json")
        newest = max(files, key=lambda file: int(file.name.split(".")[0].split("-")[0].lstrip("v")), default=None)
        table = json.loads(newest.read_text()) if newest else {}
        by_id = {one["snapshot-id"]: one for one in table.get("snapshots", [])}
        found, at = [], by_id.get(table.get("current-snapshot-id"))
        while at:
            summary = at.get("summary", {})
            done, micros = summary.get("operation", ""), at["timestamp-ms"] * 1000
            found.append(Version(str(at["snapshot-id"]), micros, done, done == "append", _said(summary.get(KEY))))
            at = by_id.get(at.get("parent-snapshot-id"))
        return found

    def saying(self, text: str) -> dict[str, str]:
        return {f"snapshot-property.{KEY}": text}

    def guarding(self, latest: Version | None, replaces: bool) -> dict[str, str]:
        if latest is None or not replaces:
            return {}
        return {"isolation-level": "serializable", "validate-from-snapshot-id": latest.id}


Versioned = _Delta | _Iceberg
_FORMATS: dict[str, Versioned] = {"delta": _Delta(), "iceberg": _Iceberg()}


def format_of(spark: SparkSession, place: Address) -> str:
    """Return the format of a path or of a table, a missing one included."""
    if place.path or "format" in place.model_fields_set:
        return place.format
    assert place.table is not None
    if table_exists(spark, place):
        return _described(spark, place.table).get("Provider", "").lower()
    # a catalog of Iceberg's makes nothing else
    catalog = place.table.split(".")[0]
    implementation = spark.conf.get(f"spark.sql.catalog.{catalog}", "") if place.table.count(".") > 1 else ""
    return "iceberg" if "iceberg" in str(implementation) else place.format


def versioned(spark: SparkSession, place: Address) -> Versioned | None:
    """Return the format of a place whose tables have versions, or None."""
    return _FORMATS.get(format_of(spark, place))


def versions_of(spark: SparkSession, place: Address, most: int | None = None) -> list[Version]:
    """Return the versions of a Delta or Iceberg table, at most `most`, newest first; none of a missing one."""
    known = versioned(spark, place)
    assert known is not None, f"{place} is not one of {VERSIONED}"
    if place.table and not table_exists(spark, place):
        return []
    if engine_name(spark) == "sail":
        folder = local_path(spark, place.path) if place.path else location_of(spark, str(place.table))
        return known.logged(folder)[:most] if folder else []
    local = local_path(spark, place.path) if place.path else None
    if local is not None and not local.exists():
        return []
    try:
        return known.versions(spark, place, most)
    except ENGINE_ERRORS as refused:
        if _MISSING.search(str(refused)):
            return []
        raise place.error(f"{place.role}: the versions of {place} cannot be read: {reason(refused)}") from refused


def location_of(spark: SparkSession, table: str) -> Path | None:
    """Return where on this machine a table lies, or None of a view and of a table that lies elsewhere."""
    where = _described(spark, table).get("Location")
    return local_path(spark, where) if where else None


def places_of_view(spark: SparkSession, view: str) -> set[Path]:
    """Return where on this machine the Delta and Iceberg tables of a view lie, and some files of theirs.

    Neither Spark nor Sail lists their files among those of the view, but both show them in the plan.
    """
    [plan] = spark.sql(f"EXPLAIN EXTENDED SELECT * FROM {view}").first() or [""]
    named, files = re.findall(r"RelationV2\[.*\] (\S.*)", plan), set[str]()
    if engine_name(spark) == "sail":
        scanned = re.findall(r"TableScan: (.+?)(?: projection=.*|, .*)?$", plan, re.MULTILINE)
        named = [".".join(map(quoted, name.split("."))) for name in scanned]
        files = set(re.findall(r"[\w./-]+\.parquet", plan))
    found = {real_path(Path("/", file)) for file in files}
    for table in set(named):
        with suppress(*ENGINE_ERRORS):  # the plan names a path otherwise than SQL does
            if lies := location_of(spark, table):
                found.add(lies)
    return found


def _described(spark: SparkSession, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in spark.sql(f"DESCRIBE TABLE EXTENDED {table}").collect()}


def _metadata(spark: SparkSession, place: Address, name: str) -> DataFrame:
    if place.table:
        return spark.table(f"{place.table}.{name}")
    return spark.read.format("iceberg").load(f"{engine_path(spark, str(place.path))}#{name}")


def _said(text: str | None) -> dict[str, Any]:
    """Return what a run said of itself in a commit; others put there whatever they like."""
    try:
        said = json.loads(text or "null")
    except ValueError:
        return {}
    return said if isinstance(said, dict) and isinstance(said.get("run"), dict) else {}
