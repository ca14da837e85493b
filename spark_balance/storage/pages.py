"""Where a report is written: a local folder with one file for each form, or the one page of a run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import SparkSession

from spark_balance.errors import SparkBalanceError
from spark_balance.storage.refusals import check_page
from spark_balance.storage.sink import Sink
from spark_balance.storage.source import Source


class Pages(BaseModel):
    """The folder of a report.

    Attributes
    ----------
    path : str
        A local folder, made when it is not there.
    title : str
        What was compared on.
    mode : {"error", "overwrite"}
        What to do when a file of the report is there already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    title: str = Field(min_length=1)
    mode: Literal["error", "overwrite"] = "error"

    def check(self, names: list[str]) -> None:
        """Refuse a folder that cannot be written to, before anything runs."""
        folder = Path(self.path)
        if "://" in self.path:
            raise SparkBalanceError(f"report: '{self.path}' is no local folder; a report is written by this machine")
        if folder.exists() and not folder.is_dir():
            raise SparkBalanceError(f"report: '{self.path}' is a file; name a folder")
        there = [name for name in names if (folder / name).exists()]
        if there and self.mode == "error":
            raise SparkBalanceError(
                f"report: '{folder / there[0]}' exists already; name another folder or set mode = \"overwrite\""
            )

    def save(self, texts: Mapping[str, str]) -> list[str]:
        """Write every file, each whole or not at all; return where they are."""
        folder = Path(self.path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _staged(folder / name, text).replace(folder / name)
        return [str(folder / name) for name in texts]


@dataclass(frozen=True)
class RunPage:
    """The page that a run writes about itself, on this machine."""

    path: str

    def check(self, spark: SparkSession, sink: Sink, source: Source) -> None:
        """Refuse a place that cannot be written to, or that would take the place of data."""
        check_page(spark, self.path, self.place, sink, source)

    @contextmanager
    def staged(self, text: str) -> Iterator[Path]:
        """Write the page beside its place; whoever has done all else replaces the place by it. Else it is removed."""
        self.place.parent.mkdir(parents=True, exist_ok=True)
        staged = _staged(self.place, text)
        try:
            yield staged
        finally:
            staged.unlink(missing_ok=True)

    @property
    def place(self) -> Path:
        """Where the page goes."""
        return Path(self.path).expanduser().resolve()


def _staged(place: Path, text: str) -> Path:
    staged = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}.staging")
    staged.write_text(text, encoding="utf-8")
    return staged
