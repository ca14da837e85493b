"""The notebook runs in both formats, which are one, and the bundle for Databricks is what its models take."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
import yaml
from databricks.bundles.jobs import Job
from modules import module_of

from spark_balance.app import session
from spark_balance.app.config import JobConfig

ROOT = Path(__file__).parents[2]
STALE = "run python scripts/notebook.py"
SOURCE, NOTEBOOK = ROOT / "notebooks" / "flights.py", ROOT / "notebooks" / "flights.ipynb"


@pytest.mark.slow
def test_the_notebook_is_that_source_and_shows_what_a_run_shows(spark, monkeypatch, tmp_path):
    script = module_of(ROOT / "scripts" / "notebook.py")
    kept, notebook = nbformat.read(NOTEBOOK, as_version=4), script.converted(SOURCE.read_text())
    assert [cell.source for cell in kept.cells] == [cell.source for cell in notebook.cells], STALE
    # the kernel is a process of its own; it uses the engine of this one
    monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{session._sail_server.listening_address[1]}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    assert script.outputs(kept) == script.outputs(script.executed(notebook, tmp_path)), STALE
    shown = [output for cell in kept.cells for output in cell.get("outputs", [])]
    tables = [output.data["text/html"] for output in shown if "text/html" in output.get("data", {})]
    assert len(tables) == 4
    assert "<iframe" in tables[1]  # the report
    assert "SMOTE, prior corrected" in tables[-1]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 2


def test_the_bundle_is_what_databricks_models_take(built):
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    assert set(bundle) == {"bundle", "variables", "artifacts", "targets", "resources"}
    jobs = {name: Job.from_dict(job) for name, job in bundle["resources"]["jobs"].items()}
    for job in jobs.values():
        [environment] = job.environments
        assert built[0].match(Path(environment.spec.dependencies[0]).name)
        assert {task.environment_key for task in job.tasks} == {environment.environment_key}
    for task in jobs["balance"].tasks:
        command, config, *words = task.python_wheel_task.parameters
        assert command == task.task_key
        JobConfig.load(config.replace("${workspace.file_path}", str(ROOT)), words[1::2])
    assert (ROOT / jobs["notebook"].tasks[0].notebook_task.notebook_path).exists()


@pytest.mark.parametrize("wrong", [{"taskz": []}, {"tasks": [{"task_key": "x", "max_retries": "many"}]}])
def test_those_models_refuse_what_is_wrong(wrong):
    with pytest.raises(ValueError, match="Unexpected field|invalid literal"):
        Job.from_dict({"name": "x", **wrong})
