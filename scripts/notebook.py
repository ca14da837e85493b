"""Make notebooks/*.ipynb from the notebooks in Databricks' source format, which are the ones to edit.

``python scripts/notebook.py`` writes them; a test says when they differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
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


if __name__ == "__main__":
    for path in FOLDER.glob("*.py"):
        nbformat.write(converted(path.read_text()), path.with_suffix(".ipynb"))
