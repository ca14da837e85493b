"""Every registered sampler is at the top of the package and costs nothing until it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spark_balance
from spark_balance.base.registry import SAMPLERS

BUILT_IN = [kind for kind in SAMPLERS.values() if kind.__module__.startswith("spark_balance.")]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.__name__)
def test_a_sampler_is_exported(kind):
    assert getattr(spark_balance, kind.__name__) is kind
    assert kind.__name__ in spark_balance.__all__


def test_type_checkers_see_what_the_interpreter_sees():
    [block] = [node for node in ast.parse(Path(spark_balance.__file__).read_text()).body if isinstance(node, ast.If)]
    seen = {(line.module, name.name, name.asname) for line in block.body for name in line.names}
    offered = {
        (f"spark_balance.{module}", name, name) for module, names in spark_balance._EXPORTS.items() for name in names
    }
    assert seen == offered
    assert {name for _, name, _ in seen} == set(spark_balance.__all__)
    assert all(getattr(spark_balance, name) for name in spark_balance.__all__)


@pytest.mark.parametrize("module", ["spark_balance", "spark_balance.kernels.knn", "spark_balance.errors"])
def test_a_worker_that_imports_it_pays_for_no_driver(module):
    code = f"import sys, {module}; print({{'pydantic', 'pyspark.sql', 'typer', 'rich', 'sklearn'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
