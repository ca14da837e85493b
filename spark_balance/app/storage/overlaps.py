"""Outputs that would take the place of the job's own input, under whatever name."""

from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from spark_balance.app.storage.address import Address, Sink, full_name, table_exists
from spark_balance.app.storage.local_files import data_files
from spark_balance.app.storage.paths import as_pattern, files_read, local_path, named_by, real_path
from spark_balance.app.storage.source import Source
from spark_balance.app.storage.versions import location_of, places_of_view
from spark_balance.errors import OutputError


@dataclass(frozen=True)
class _Places:
    """Where on this machine something lies, with links followed: what it is named by, and its files."""

    roots: set[Path]
    files: set[Path]

    @classmethod
    def of(cls, spark: SparkSession, place: Address) -> "_Places":
        if place.table:
            if not table_exists(spark, place):
                return cls(set(), set())
            lies = location_of(spark, place.table)  # None of a view, whose files are those of tables
            roots = {lies} if lies else places_of_view(spark, place.table)
            return cls(roots, set(files_read(spark.read.table(place.table))))
        if local_path(spark, str(place.path)) is None:
            return cls(set(), set())
        roots = {real_path(named) for named in named_by(str(place.path))}
        return cls(roots, {real_path(file) for root in roots for file in data_files(root)})

    def reaches(self, other: "_Places") -> Path | None:
        """Return a place of this one that is a file of the other, or lies in what the other is named by."""
        for place in sorted(self.files | self.roots):
            if place in other.files or not other.roots.isdisjoint((place, *place.parents)):
                return place
        return None


def check_not_input(spark: SparkSession, sink: Sink, source: Source) -> None:
    """Refuse an output that is the input, holds some of it or lies in it; names are compared first, then files."""
    advice = "a job that failed would destroy its own input; write somewhere else"
    if sink.table and source.table and full_name(spark, sink.table) == full_name(spark, source.table):
        raise OutputError(f"output: table '{sink.table}' is the input too: {advice}")
    if sink.path and source.path:
        target = local_path(spark, sink.path)
        if target is None or local_path(spark, source.path) is None:
            same = sink.path.rstrip("/") == source.path.rstrip("/")
        else:
            same = overlap(target, as_pattern(source.path))
        if same:
            raise OutputError(f"output: path '{sink.path}' overlaps the input '{source.path}': {advice}")
    read, written = _Places.of(spark, source), _Places.of(spark, sink)
    if place := read.reaches(written) or written.reaches(read):
        raise OutputError(f"output: {sink} overlaps the input {source}, both hold '{place}': {advice}")


def overlap(one: Path, pattern: Path) -> bool:
    """Say whether a path is, holds or lies in what a pattern such as ``/data/day=*`` names."""

    def is_named(place: Path, names: Path) -> bool:
        return place == names or place.match(str(names))

    holds = any(is_named(one, above) for above in pattern.parents)
    return holds or any(is_named(place, pattern) for place in (one, *one.parents))
