"""The wheel and the zip for --py-files: the library and nothing else, of the version that it says it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import spark_balance

ROOT = Path(__file__).parents[2]
KINDS = (".py", ".json", ".typed", ".jinja", ".css", ".mplstyle")


def test_the_wheel_and_the_zip_hold_the_library_alone(built):
    version = spark_balance.__version__
    assert [path.name for path in built] == [f"spark_balance-{version}-py3-none-any.whl", "spark_balance.zip"]
    source = Path(spark_balance.__file__).parent
    ours = {str(path.relative_to(source.parent)) for path in source.rglob("*") if path.suffix in KINDS}
    about = f"spark_balance-{version}.dist-info"
    for path in built:
        names = set(zipfile.ZipFile(path).namelist())
        assert {name for name in names if not name.startswith(about)} == ours
        assert {f"{about}/METADATA", f"{about}/licenses/LICENSE", f"{about}/entry_points.txt"} <= names


def test_the_zip_is_imported_under_its_version(built):
    told = "import spark_balance, importlib.metadata as m; print(spark_balance.__file__, m.version('spark-balance'))"
    alone = {**os.environ, "PYTHONPATH": str(built[1])}
    said = subprocess.run(
        [sys.executable, "-P", "-c", told], capture_output=True, text=True, check=True, env=alone, cwd="/"
    )
    assert said.stdout.split() == [f"{built[1]}/spark_balance/__init__.py", spark_balance.__version__]


def test_the_changelog_tells_of_releases_up_to_this_version():
    released = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert not released or released[0] == spark_balance.__version__
