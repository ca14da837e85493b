"""Build the documentation site: the pages of docs/, and those that are made of the code. It needs no network.

``bash scripts/docs.sh`` builds it in data/site; ``--serve`` shows it at http://localhost:8000, ``--to`` names a folder.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli
import tomli_w

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts" / "site")]

import configuration  # noqa: E402
import reference  # noqa: E402
import size_table  # noqa: E402

GUIDES: dict[str, list[tuple[str, str]]] = {
    "Start": [
        ("spark_balance", "index.md"),
        ("Install", "install.md"),
        ("Versions", "compatibility.md"),
        ("Quickstart", "quickstart.md"),
        ("Tutorial", "tutorial.md"),
        ("When to resample", "when-to-resample.md"),
        ("Methods", "methods.md"),
        ("Targets that are numbers", "regression.md"),
        ("Train and evaluate", "training.md"),
        ("Trust new rows", "trust.md"),
        ("Several labels a row", "multilabel.md"),
        ("What synthetic rows reveal", "privacy.md"),
    ],
    "Guides": [
        ("The command", "command-line.md"),
        ("Jobs", "jobs.md"),
        ("spark-submit", "spark-submit.md"),
        ("Databricks", "databricks.md"),
        ("Amazon EMR", "platforms/emr.md"),
        ("AWS Glue", "platforms/glue.md"),
        ("Google Cloud", "platforms/dataproc.md"),
        ("Microsoft Fabric", "platforms/fabric.md"),
        ("Streams", "streams.md"),
        ("Pipelines, ETL", "etl.md"),
        ("Tables and formats", "tables.md"),
        ("Windows of a series", "windows.md"),
        ("For operators", "operators.md"),
        ("From imbalanced-learn", "imbalanced-learn.md"),
        ("From Spark ML and snippets", "spark-ml.md"),
        ("Samplers of your own", "own-samplers.md"),
    ],
    "How it works": [
        ("How it works", "how-it-works.md"),
        ("Neighbors", "neighbors.md"),
        ("How it grows", "scale.md"),
        ("Benchmarks", "benchmarks.md"),
        ("Deviations", "deviations.md"),
    ],
}
PROJECT = {"CHANGELOG.md": "Changes", "CONTRIBUTING.md": "Contributing", "ARCHITECTURE.md": "Architecture"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#:\s]+)(#[^)]*)?\)")


def build(folder: Path) -> Path:
    """Prepare the sources in a folder, build the site there, and return where it is."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("*.md", "*.json", "pipeline", "__pycache__")
    )
    for path, text in sources():
        (folder / "docs" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "docs" / path).write_text(text, encoding="utf-8")
    (folder / "zensical.toml").write_text(tomli_w.dumps(settings()), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=folder, check=True)
    return folder / "site"


def sources() -> Iterator[tuple[str, str]]:
    """Yield path and text of each page."""
    for source in sorted((ROOT / "docs").rglob("*.md")):
        page = source.relative_to(ROOT / "docs")
        yield page.as_posix(), with_links(source, "../" * len(page.parents[1:]))
    for name in PROJECT:
        yield f"project/{name.lower()}", with_links(ROOT / name, "../")
    for path, (_, _, text) in made().items():
        yield path, text


def made() -> dict[str, tuple[str, str, str]]:
    """Return by path the section, the title and the text of each page that is made of the code."""
    return {**configuration.pages(), **reference.pages(), **size_table.pages()}


def with_links(source: Path, up: str = "") -> str:
    """Return a page with links to where pages are in the site; what is not a page there is named alone."""

    def linked(found: re.Match[str]) -> str:
        picture, text, target, anchor = found[1], found[2], found[3], found[4] or ""
        name = (source.parent / target).resolve().relative_to(ROOT).as_posix()
        if name in PROJECT:
            return f"[{text}]({up}project/{name.lower()}{anchor})"
        if name.startswith("docs/") and Path(name).suffix in (".md", ".svg", ".py"):
            return f"{picture}[{text}]({up}{name.removeprefix('docs/')}{anchor})"
        return text

    return LINK.sub(linked, source.read_text(encoding="utf-8"))


def settings() -> dict[str, Any]:
    """Return the settings of the builder, with the navigation."""
    found = tomli.loads((ROOT / "scripts" / "site" / "zensical.toml").read_text(encoding="utf-8"))
    sections: dict[str, list[Any]] = {
        name: [{title: path} for title, path in guides] for name, guides in GUIDES.items()
    }
    entries: dict[str, list[Any]] = {}
    for path, (section, title, _) in made().items():
        entries.setdefault(section, []).append({title: path})
    sections["How it works"] += entries.pop("How it works")
    sections["Reference"] = [*entries.pop(""), *({name: inside} for name, inside in entries.items())]
    sections["Project"] = [{title: f"project/{name.lower()}"} for name, title in PROJECT.items()]
    found["project"]["nav"] = [{name: inside} for name, inside in sections.items()]
    python = found["project"]["plugins"]["mkdocstrings"]["handlers"]["python"]
    python["paths"] = [str(ROOT)]
    python["options"]["extensions"] = [str(ROOT / "scripts" / "site" / "parameters.py")]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "data" / "site", help="the folder to build in")
    parser.add_argument("--serve", action="store_true", help="serve it when it is built")
    given = parser.parse_args()
    built = build(given.to)
    print(built)
    if given.serve:
        subprocess.run([sys.executable, "-m", "http.server", "8000", "--bind", "127.0.0.1"], cwd=built, check=False)
