"""A driver that is killed leaves the target as it was, or finished; scripts/soak.sh kills more of them."""

from __future__ import annotations

import json
import random

import pytest
import tomli_w
from drivers import killed, started
from formats import QUICK, table_formats
from tables import at, ids, put

from spark_balance.app.config import JobConfig
from spark_balance.app.job import run
from spark_balance.app.storage import Source, pin

# a driver starts in a second on Sail, in ten with a JVM of its own: those are for scripts/soak.sh alone
KILLED = {"parquet path": "sail", "delta path": "sail", "iceberg path": "sail"}
WITH_A_JVM = {"delta path": "spark", "iceberg table": "spark"}
# the seconds in which a step and the commit after it may be over
MOST = {"sail": {"parquet": 0.12, "delta": 0.1, "iceberg": 0.1}, "spark": {"delta": 5, "iceberg": 2.5}}
WAREHOUSE = "spark.sql.catalog.lake.warehouse"


@pytest.fixture
def job_file(place, days_frame, tmp_path):
    """Return a function that writes the configuration of a job with a seed, which replaces the target."""
    days_frame.write.parquet(str(tmp_path / "in"))

    def written(seed):
        sampler = {"label_col": "late", "key_cols": "id", "random_state": seed}
        tables = {
            "input": {"path": str(tmp_path / "in")},
            "sampler": {"random_under": sampler},
            "output": {**place["sink"], "mode": "overwrite"},
        }
        file = tmp_path / f"{seed}.toml"
        file.write_text(tomli_w.dumps(tables))
        return file

    return written


@pytest.fixture
def conf(spark, engine, tmp_path):
    """Return the properties of a driver that reaches the tables of this session."""
    if engine == "sail":
        return "{}"
    return json.dumps({**table_formats(spark.conf.get(WAREHOUSE)), **QUICK, "spark.master": "local[1]"})


@pytest.mark.slow
@at(KILLED, soaked=WITH_A_JVM)
def test_a_killed_driver_leaves_the_target_as_it_was(
    spark, engine, days_frame, place, job_file, conf, request, tmp_path, capsys
):
    put(spark, days_frame, place, "old")
    source, found = Source(**place["source"]), ids(days_frame)
    chance, terminal = random.Random(), request.config.pluginmanager.get_plugin("terminalreporter")
    seed, left = 0, request.config.getoption("--kills")
    most = MOST[engine][place["sink"]["format"]]
    while left:
        seed += 1
        config = JobConfig.load(job_file(seed))
        where = killed(started(engine, conf, job_file(seed), tmp_path / "log"), chance, most)
        left -= where is not None  # it may have ended before
        new, before, found = ids(config.sampler.fit_resample(days_frame)), found, ids(pin(spark, source).frame(spark))
        state = "as it was" if found == before else "finished" if found == new else "WRONG"
        with capsys.disabled():
            how = f"killed {where}" if where else "ended before it was killed"
            terminal.write_line(f"{engine}, {source}: {how}, the target is {state}")
        assert found in ((before, new) if where else (new,)), (tmp_path / "log").read_text()
    run(spark, config)
    assert ids(pin(spark, source).frame(spark)) == new
    assert run(spark, config).finished is not None
    assert [file.name for file in tmp_path.iterdir() if "staging" in file.name] == []


@pytest.mark.soak
@at(KILLED, soaked=WITH_A_JVM)
def test_two_drivers_at_once_never_mix(spark, engine, days_frame, place, job_file, conf, request, tmp_path, capsys):
    put(spark, days_frame, place, "old")
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    for pair in range(max(1, request.config.getoption("--kills") // 5)):
        files = [job_file(100 + 2 * pair), job_file(101 + 2 * pair)]
        both = [started(engine, conf, file, tmp_path / "log") for file in files]
        said = [process.communicate()[0].splitlines()[-1] for process in both]
        new = [ids(JobConfig.load(file).sampler.fit_resample(days_frame)) for file in files]
        with capsys.disabled():
            terminal.write_line(f"{engine}, {place['source']}: two at once said {said}")
        winners = [rows for rows, last in zip(new, said, strict=True) if last == "done"]
        assert ids(pin(spark, Source(**place["source"])).frame(spark)) in winners
        assert all(last == "done" or "was made or changed" in last for last in said)
