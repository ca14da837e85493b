"""What publishes the package agrees with it: its metadata, the citation, conda-forge's recipe, the workflow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from test_changelog import PAGE, released

from spark_balance import __version__

ROOT = Path(__file__).parents[2]
PYPROJECT = tomli.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
WORKFLOW = ROOT / ".github" / "workflows" / "publish.yml"
CITATION = ROOT / "CITATION.cff"
# conda-forge's names of packages that PyPI calls otherwise
FORGE = {"matplotlib-base": "matplotlib"}
# what a conda package may find beside it
OPTIONAL = ("spark", "models", "fast", "plots", "report")


def requirements(lines):
    """Return the versions that each package of pyproject.toml may have."""
    found = map(Requirement, lines)
    return {canonicalize_name(one.name): one.specifier for one in found}


def specs(lines):
    """Return the versions that each package of the recipe may have, by PyPI's names."""
    found = {}
    for line in lines:
        name, _, versions = line.partition(" ")
        found[canonicalize_name(FORGE.get(name, name))] = SpecifierSet(versions)
    return found


@pytest.fixture(scope="module")
def recipe():
    """Return the recipe with the variables of its context in their places."""
    text = (ROOT / "conda" / "recipe.yaml").read_text()
    context = yaml.safe_load(text)["context"]
    return yaml.safe_load(re.sub(r"\$\{\{ (\w+) \}\}", lambda found: context.get(found[1], found[0]), text))


@pytest.fixture(scope="module")
def jobs():
    return yaml.safe_load(WORKFLOW.read_text())["jobs"]


def test_classifiers_name_each_python_that_is_allowed():
    pythons = re.findall(r"Python :: (3\.\d+)\n", "\n".join(PROJECT["classifiers"]) + "\n")
    assert pythons == ["3.10", "3.11", "3.12", "3.13"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert all(python in allowed for python in pythons)
    assert "3.9" not in allowed
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (ROOT / "spark_balance" / "py.typed").exists()


def test_the_wheel_is_named_by_its_version():
    pages = "".join(page.read_text() for page in (ROOT / "docs").rglob("*.md"))
    assert set(re.findall(r"spark_balance-(\d[^-*]*)-py3", pages)) == {__version__}


def test_the_recipe_needs_what_the_package_needs(recipe):
    needs = recipe["requirements"]
    python = f"python {PROJECT['requires-python']}"
    assert needs["run"][0] == python
    command = PROJECT["optional-dependencies"]["cli"]
    assert specs(needs["run"][1:]) == requirements([*PROJECT["dependencies"], *command])
    optional = [one for extra in OPTIONAL for one in PROJECT["optional-dependencies"][extra]]
    assert specs(needs["run_constraints"]) == requirements(optional)
    least = recipe["context"]["python_min"]
    assert needs["host"][0] == f"python {least}.*"
    assert specs(needs["host"][1:]) == requirements([*PYPROJECT["build-system"]["requires"], "pip"])
    assert python == f"python >={least}"


def test_the_recipe_makes_this_package(recipe):
    assert recipe["schema_version"] == 1
    assert recipe["package"] == {"name": PROJECT["name"], "version": __version__}
    assert recipe["source"]["url"].endswith(f"/spark_balance-{__version__}.tar.gz")
    [(name, called)] = PROJECT["scripts"].items()
    assert recipe["build"]["python"]["entry_points"] == [f"{name} = {called}"]
    assert recipe["build"]["noarch"] == "python"
    [test] = recipe["tests"]
    for module in test["python"]["imports"]:
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__init__.py").exists()
    assert test["python"]["pip_check"]
    about = recipe["about"]
    assert (about["license"], [about["license_file"]]) == (PROJECT["license"], PROJECT["license-files"])


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load(CITATION.read_text())
    assert (citation["version"], citation["date-released"]) == released(PAGE)[0]
    assert citation["license"] == PROJECT["license"]
    assert [one["name"] for one in citation["authors"]] == [one["name"] for one in PROJECT["authors"]]


@pytest.mark.parametrize(
    ("schema", "file"), [("vendor.github-workflows", WORKFLOW), ("vendor.citation-file-format", CITATION)]
)
def test_the_file_is_what_its_schema_takes(schema, file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_tag_starts_the_workflow_and_nothing_else_does():
    # YAML 1.1 takes the key "on" for a truth value
    assert yaml.safe_load(WORKFLOW.read_text())[True] == {"push": {"tags": ["v*"]}}


def test_the_workflow_publishes_what_the_script_builds_and_keeps_no_token(jobs):
    build, publish = jobs["build"], jobs["publish"]
    assert build["permissions"] == {"contents": "read"}
    assert "bash scripts/package.sh --check" in [step.get("run") for step in build["steps"]]
    assert build["steps"][-1]["with"]["path"].split() == ["dist/*.whl", "dist/*.tar.gz"]
    assert (publish["needs"], publish["environment"]) == ("build", "pypi")
    assert publish["permissions"] == {"id-token": "write"}
    download, upload = publish["steps"]
    assert (download["with"]["name"], download["with"]["path"]) == (build["steps"][-1]["with"]["name"], "dist")
    assert upload["uses"].startswith("pypa/gh-action-pypi-publish@")
    assert "with" not in upload
    assert "secrets." not in WORKFLOW.read_text()
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert [one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one)] == []


@pytest.mark.parametrize(("tag", "code"), [(f"v{__version__}", 0), (__version__, 1), ("v9.9.9", 1)])
def test_a_tag_that_is_not_the_version_publishes_nothing(jobs, tag, code):
    [script] = [step["run"] for step in jobs["build"]["steps"] if "GITHUB_REF_NAME" in step.get("run", "")]
    alone = {**os.environ, "GITHUB_REF_NAME": tag}
    said = subprocess.run(
        ["bash", "-e", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT, env=alone
    )
    assert said.returncode == code
    assert (f"'{tag}' is not 'v{__version__}'" in said.stderr) == bool(code)
