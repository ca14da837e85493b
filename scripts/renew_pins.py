"""Renew the pins: write the versions that pip installs today into constraints.txt or scripts/versions.

    python scripts/renew_pins.py          constraints.txt, from the extras of pyproject.toml
    python scripts/renew_pins.py 4.0 3.5  scripts/versions/4.0.txt and 3.5.txt, as "# keeps" there allows

Run it, look at the difference, and run ``bash scripts/test.sh --all`` and ``bash scripts/demo.sh``.
It needs PyPI and installs nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import tomli

ROOT = Path(__file__).parents[1]
HEADER = "# The versions that CI, the demo and the tests run with. `python scripts/renew_pins.py` writes this file."
CLIENT = "pyspark-client"  # the demo's Spark, which has no package in common with pyspark
IN_VERSIONS = "spark-balance[cli,models,report,testing]"  # what smoke tests import


def resolve(*requirements: str) -> dict[str, str]:
    """Return the version of each package that pip would install for requirements of this checkout."""
    local = [text.replace("spark-balance", str(ROOT), 1) for text in requirements]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--report", "-", *local], stdout=subprocess.PIPE, check=True
    )
    packages = [item["metadata"] for item in json.loads(done.stdout)["install"]]
    return {item["name"]: item["version"] for item in packages if item["name"] != "spark-balance"}


def format_pins(pins: dict[str, str]) -> list[str]:
    """Return a line for each package, in the order of their names."""
    return [f"{name}=={version}" for name, version in sorted(pins.items(), key=lambda pin: pin[0].lower())]


def renew_constraints() -> None:
    """Write constraints.txt: all extras together, and the newest client of Spark Connect of the same minor version."""
    extras = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pins = resolve(f"spark-balance[{','.join(sorted(extras))}]")
    minor = ".".join(pins["pyspark"].split(".")[:2])
    pins |= {CLIENT: resolve(f"{CLIENT}=={minor}.*")[CLIENT]}  # not each patch of Spark has a client
    (ROOT / "constraints.txt").write_text("\n".join([HEADER, *format_pins(pins)]) + "\n")


def renew_version(file: Path) -> None:
    """Write a file of scripts/versions anew, with the same comments."""
    comments = [line for line in file.read_text().splitlines() if line.startswith("#")]
    keeps = next(line.split()[2:] for line in comments if line.startswith("# keeps "))
    file.write_text("\n".join([*comments, *format_pins(resolve(IN_VERSIONS, *keeps))]) + "\n")


if __name__ == "__main__":
    for version in sys.argv[1:]:
        renew_version(ROOT / f"scripts/versions/{version}.txt")
    if not sys.argv[1:]:
        renew_constraints()
