"""Have dbt and Airflow load what docs/etl.md shows: ``bash scripts/loaders.sh`` runs this in their own environment.

The blocks of the page are written to a dbt project and to a folder of DAGs, and nothing else is. dbt parses the
project; Airflow fills its DagBag, stores the DAG as its scheduler does, and says what it would submit.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "etl.md"
BLOCK = re.compile(r"(?:<!-- needs: (?P<needs>\w+) -->\n)?```(?P<language>python|sql)\n(?P<code>.*?)```", re.DOTALL)
PROJECT = {
    "dbt_project.yml": "{name: flights, version: '1.0', config-version: 2, profile: flights}",
    "profiles.yml": "flights: {target: dev, outputs: {dev: {type: spark, method: session, schema: main, host: none}}}",
    "models/flights.sql": "select * from raw_flights",  # what the page's model refers to
}
WHEEL = "/Volumes/main/default/wheels/spark_balance-0.2.0-py3-none-any.whl"
JOB, DAY = "/opt/spark_balance/jobs/smote.py", "2026-01-31"
SUBMITTED = [
    *("--properties-file", "/opt/spark_balance/conf/spark/cluster.conf"),
    *("--py-files", "/opt/spark_balance/dist/spark_balance.zip"),
    *(JOB, "/opt/spark_balance/conf/jobs/smote.toml"),
    *("--set", f"input.path=hdfs:///flights/day={DAY}"),
    *("--set", f"output.path=hdfs:///flights_smote/day={DAY}"),
]


def shown(needs: str | None, language: str) -> str:
    """Return the block of the page that has this mark and language, of which there is one."""
    blocks = [one for one in BLOCK.finditer(PAGE.read_text(encoding="utf-8")) if one["language"] == language]
    [code] = [one["code"] for one in blocks if one["needs"] == needs]
    return code


def write(folder: Path, files: dict[str, str]) -> None:
    """Write texts to files of a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def problems_of_dbt(folder: Path) -> Iterator[str]:
    """Parse the page's model and test, and yield what is wrong with them."""
    from dbt.cli.main import dbtRunner

    model, test = shown("dbt", "python"), shown(None, "sql")
    write(folder, {**PROJECT, "models/flights_balanced.py": model, "tests/flights_are_balanced.sql": test})
    done = dbtRunner().invoke(["--quiet", "parse", "--project-dir", str(folder), "--profiles-dir", str(folder)])
    if not done.success:
        yield str(done.exception)
        return
    nodes: dict[str, Any] = done.result.nodes
    balanced, checked = nodes["model.flights.flights_balanced"], nodes["test.flights.flights_are_balanced"]
    found = {
        "language": balanced.language,
        "materialized": balanced.config.materialized,
        "libraries": balanced.config["additional_libs"],
        "refers to": balanced.depends_on.nodes,
        "the test refers to": checked.depends_on.nodes,
    }
    wanted = {
        "language": "python",
        "materialized": "table",
        "libraries": [{"whl": WHEEL}],
        "refers to": ["model.flights.flights"],
        "the test refers to": ["model.flights.flights_balanced"],
    }
    yield from (f"{name} is {found[name]}, not {wanted[name]}" for name in wanted if found[name] != wanted[name])


def problems_of_airflow(folder: Path) -> Iterator[str]:
    """Load the page's DAG, and yield what is wrong with it."""
    # read when airflow is imported
    os.environ |= {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "AIRFLOW_CONN_SPARK_DEFAULT": "spark://yarn",
    }
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    write(folder, {"dags/balance_flights.py": shown("airflow", "python")})
    bag = DagBag(dag_folder=folder / "dags")
    yield from bag.import_errors.values()
    if set(bag.dags) != {"balance_flights"}:
        yield f"it holds {sorted(bag.dags)}, not balance_flights alone"
        return
    dag = bag.dags["balance_flights"]
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    if stored.task_ids != ["smote"]:
        yield f"stored it has the tasks {stored.task_ids}, not smote alone"
    task: Any = dag.get_task("smote")
    task.render_template_fields({"ds": DAY})
    submitted = task._get_hook()._build_spark_submit_command(task.application)
    left_out = [word for word in SUBMITTED if word not in submitted]
    if left_out or submitted[submitted.index(JOB) :] != SUBMITTED[SUBMITTED.index(JOB) :]:
        yield f"it would submit {' '.join(submitted)}"
    print(" ".join(submitted))


if __name__ == "__main__":
    failed = False
    for name, problems_of in {"dbt": problems_of_dbt, "Airflow": problems_of_airflow}.items():
        with tempfile.TemporaryDirectory() as place:
            problems = list(problems_of(Path(place)))
        failed |= bool(problems)
        print("\n".join(f"loaders: {name}: {one}" for one in problems) or f"ok  {name}", flush=True)
    sys.exit(failed)
