"""The pages about platforms that the project has no account on: what of them can be checked without one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spark_balance.app import session

ROOT = Path(__file__).parents[2]
VENDORS = {
    "emr": "docs.aws.amazon.com",
    "glue": "docs.aws.amazon.com",
    "dataproc": "docs.cloud.google.com",
    "fabric": "learn.microsoft.com",
}
GLUE = ["--JOB_NAME", "smote", "--JOB_RUN_ID", "jr_1"]  # what Glue puts on the command line


def page_of(platform):
    return (ROOT / "docs" / "platforms" / f"{platform}.md").read_text()


def test_each_page_is_known():
    assert {page.stem for page in (ROOT / "docs" / "platforms").iterdir()} == {*VENDORS}


@pytest.mark.parametrize("platform", VENDORS)
def test_a_page_is_short_cites_its_vendor_and_says_that_it_is_untried(platform):
    page = page_of(platform)
    assert len(page.splitlines()) <= 40
    assert page.splitlines()[2].startswith("**Untried.**")
    assert page.count(f"](https://{VENDORS[platform]}/") >= 4
    assert len(re.findall(r"^\*\*(Bring it|Paths and formats)\.\*\*", page, re.MULTILINE)) == 2
    assert re.search(r"\btrap\b", page, re.IGNORECASE)
    for given in re.findall(r"'(\{.*?\})'", page, re.DOTALL):
        assert json.loads(given)


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("platform", "config", "arguments"),
    [("glue", "smote.toml", GLUE), ("fabric", "Files/smote.toml", ["smote.toml", "--json"])],
)
def test_the_script_of_a_page_runs_the_job(flights, tmp_path, monkeypatch, platform, config, arguments):
    [code] = re.findall(r"```python\n(.*?)```", page_of(platform), re.DOTALL)
    job = (ROOT / "conf/jobs/smote.toml").read_text().replace('"data/flights"', f'"{flights}"')
    (tmp_path / "Files").mkdir()
    (tmp_path / config).write_text(job.replace('"data/flights_smote"', f'"{tmp_path}/smote"'))
    # a process of its own, which uses the engine of this one
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{session._sail_server.listening_address[1]}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout)["after"]["classes"]
    assert {one["label"]: one["rows"] for one in after} == {False: 520, True: 520}


def test_a_job_refuses_the_arguments_of_glue(cli):
    code, _, err = cli("smote", "smote.toml", *GLUE)
    assert code == 2
    assert "--JOB" in err
