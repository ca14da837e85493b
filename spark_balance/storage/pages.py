"""Where a report is written: a local folder with one file for each form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from spark_balance.errors import SparkBalanceError


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
            staged = folder / f".{name}.staging"
            staged.write_text(text, encoding="utf-8")
            staged.replace(folder / name)
        return [str(folder / name) for name in texts]
