"""Make notebooks/*.ipynb, with outputs, from the notebooks in Databricks' source format, which are the ones to edit.

``python scripts/notebook.py`` runs and writes them; a test runs them too, and says when text or outputs differ.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import v4

FOLDER = Path(__file__).parents[1] / "notebooks"
FIRST, BETWEEN, MAGIC = "# Databricks notebook source\n", "\n# COMMAND ----------\n", "# MAGIC"


def converted(source: str) -> Any:
    """Return the notebook of a source."""
    cells = []
    for number, text in enumerate(source.removeprefix(FIRST).split(BETWEEN)):
        lines = [line.removeprefix(MAGIC).removeprefix(" ") for line in text.strip().splitlines()]
        is_text = lines[0] == "%md"
        cell = v4.new_markdown_cell("\n".join(lines[1:])) if is_text else v4.new_code_cell(text.strip())
        cell["id"] = f"cell-{number}"  # a random one would differ each time
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(notebook)
    return notebook


def executed(notebook: Any, folder: Path) -> Any:
    """Run a notebook in a folder, in a kernel of its own, and return it with its outputs."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, record_timing=False, resources=resources).execute()
    del notebook.metadata["language_info"]  # the version of Python
    for cell in notebook.cells:
        # what a library or a kernel warns of is of that machine
        cell["outputs"] = [one for one in cell.get("outputs", []) if one.get("name") != "stderr"]
        if cell["cell_type"] != "code":
            del cell["outputs"]
    return notebook


def outputs(notebook: Any) -> list[list[str]]:
    """Return the texts that each cell shows, their numbers to three digits: sums end otherwise on other machines."""

    def text(output: Any) -> str:
        shown = output["text"] if output["output_type"] == "stream" else output["data"].get("text/plain", "")
        return re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.3g}", " ".join(shown.split()))

    return [[text(one) for one in cell.get("outputs", [])] for cell in notebook.cells]


if __name__ == "__main__":
    for path in FOLDER.glob("*.py"):
        nbformat.write(executed(converted(path.read_text()), FOLDER), path.with_suffix(".ipynb"))
