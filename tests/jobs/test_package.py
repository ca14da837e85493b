"""What is built: the wheel and the zip hold the library and nothing else, and the sdist makes the same wheel."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import spark_balance

VERSION = spark_balance.__version__
ABOUT = f"spark_balance-{VERSION}.dist-info"
KINDS = (".py", ".json", ".typed", ".jinja", ".css", ".mplstyle")


def ours():
    """Return the names of the library's files."""
    source = Path(spark_balance.__file__).parent
    return {str(path.relative_to(source.parent)) for path in source.rglob("*") if path.suffix in KINDS}


def test_the_wheel_and_the_zip_hold_the_library_alone(built):
    wheel, sdist, zipped = built
    assert [wheel.name, sdist.name, zipped.name] == [
        f"spark_balance-{VERSION}-py3-none-any.whl",
        f"spark_balance-{VERSION}.tar.gz",
        "spark_balance.zip",
    ]
    for path in (wheel, zipped):
        names = set(zipfile.ZipFile(path).namelist())
        assert {name for name in names if not name.startswith(ABOUT)} == ours()
        assert {f"{ABOUT}/METADATA", f"{ABOUT}/licenses/LICENSE", f"{ABOUT}/entry_points.txt"} <= names
        assert "spark_balance/py.typed" in names


def test_the_sdist_makes_the_same_wheel(built, tmp_path):
    wheel, sdist, _ = built
    files = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "PKG-INFO", ".gitignore"}
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names == {*files, *ours()}
    subprocess.run(["tar", "-xzf", sdist, "-C", tmp_path], check=True)
    [folder] = tmp_path.iterdir()
    again = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(again, check=True, capture_output=True, cwd=folder)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_pypi_shows_what_it_is(built):
    about = message_from_bytes(zipfile.ZipFile(built[0]).read(f"{ABOUT}/METADATA"))
    shown = {
        key: about[key]
        for key in ("Metadata-Version", "Name", "Version", "License-Expression", "Description-Content-Type")
    }
    assert [*shown.values()] == ["2.4", "spark-balance", VERSION, "Apache-2.0", "text/markdown"]
    # none is public yet
    assert about.get_all("Project-URL") is about["Home-page"] is None


def test_the_recipe_has_the_digest_of_the_sdist(built):
    digest = hashlib.sha256(built[1].read_bytes()).hexdigest()
    assert f"\n  sha256: {digest}\n" in (built[1].parent / "recipe.yaml").read_text()


def test_the_zip_is_imported_under_its_version(built):
    told = "import spark_balance, importlib.metadata as m; print(spark_balance.__file__, m.version('spark-balance'))"
    alone = {**os.environ, "PYTHONPATH": str(built[2])}
    said = subprocess.run(
        [sys.executable, "-P", "-c", told], capture_output=True, text=True, check=True, env=alone, cwd="/"
    )
    assert said.stdout.split() == [f"{built[2]}/spark_balance/__init__.py", VERSION]
