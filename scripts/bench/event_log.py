"""What classic Spark's event log says of each stage of a job."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from section import DATA, Options, Row, cold
from timed_jobs import JOBS, seconds_of

from spark_balance import open_session

FOLDER = DATA / "event-log"
_CONF = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": FOLDER.resolve().as_uri(),
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}
# Hadoop does not count what Parquet reads by vectored IO, so bytes read are measured without it
COUNT_BYTES = {"spark.hadoop.parquet.hadoop.vectored.io.enabled": "false"}
# what a stage does, by the operators that Spark ran in it, the last first
_STEPS = {"WriteFiles": "generate, write", "MapInArrow": "place in cells", "FlatMapGroupsInArrow": "search"}
_MS = {
    "python_start_s": "time to start Python workers",
    "python_init_s": "time to initialize Python workers",
    "python_run_s": "time to run Python workers",
}


def is_there(options: Options) -> bool:
    """Tell whether classic Spark, which alone writes event logs, is among the engines."""
    if "spark" not in options.engines:
        print("  left out: only classic Spark has an event log", flush=True)
        return False
    return True


def logged(job: str, folder: str, conf: dict[str, str]) -> list[Row]:
    """Run a job cold on classic Spark and return its stages."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    cold({"job": job, "folder": folder, "conf": conf}, say=f"{job} on {Path(folder).name}, with an event log")
    (log,) = FOLDER.iterdir()
    found = stages(log)
    shutil.rmtree(FOLDER)
    return found


def one(request: Row) -> Row:
    """Run a job in this process with the event log on."""
    answer = seconds_of(JOBS[request["job"]], "spark", request["folder"], _CONF | request["conf"])
    open_session().stop()  # which finishes the log
    return answer


def stages(log: Path) -> list[Row]:
    """Return the stages of an event log that read, shuffled or wrote anything, in their order."""
    found = []
    with log.open() as lines:
        for event in map(json.loads, lines):
            if event["Event"] == "SparkListenerStageCompleted":
                stage = _stage(event["Stage Info"])
                if stage["read_mb"] or stage["shuffle_read_mb"] or stage["written_mb"]:
                    found.append(stage)
    return sorted(found, key=lambda stage: int(stage["stage"]))


def _stage(info: dict[str, Any]) -> Row:
    values: dict[str, float] = {}
    for metric in info["Accumulables"]:
        if str(metric.get("Value", "")).lstrip("-").isdigit():
            values[metric["Name"]] = values.get(metric["Name"], 0.0) + float(metric["Value"])

    def of(name: str, unit: float) -> float:
        return values.get(name, 0.0) / unit

    internal = "internal.metrics."
    row = {
        "stage": info["Stage ID"],
        "step": _step(info),
        "tasks": info["Number of Tasks"],
        "wall_s": (info["Completion Time"] - info["Submission Time"]) / 1e3,
        "run_s": of(f"{internal}executorRunTime", 1e3),
        "cpu_s": of(f"{internal}executorCpuTime", 1e9),
        "gc_s": of(f"{internal}jvmGCTime", 1e3),
        "scan_s": of("scan time", 1e3),
        "read_mb": of(f"{internal}input.bytesRead", 1e6),
        "shuffle_write_mb": of(f"{internal}shuffle.write.bytesWritten", 1e6),
        "shuffle_rows": of(f"{internal}shuffle.write.recordsWritten", 1),
        "shuffle_read_mb": of(f"{internal}shuffle.read.localBytesRead", 1e6)
        + of(f"{internal}shuffle.read.remoteBytesRead", 1e6),
        "written_mb": of(f"{internal}output.bytesWritten", 1e6),
    }
    return row | {name: of(metric, 1e3) for name, metric in _MS.items()}


def _step(info: dict[str, Any]) -> str:
    """Name a stage: by our file that asked for it, else by what ran in it."""
    ours = re.search(r"plans/(\w+)\.py:\d+", info["Stage Name"])
    if ours:
        return ours[1]
    ran = {json.loads(rdd["Scope"])["name"] for rdd in info["RDD Info"] if "Scope" in rdd}
    # the last stage searches too: what comes after the shuffle runs in one go
    names = [step for operator, step in _STEPS.items() if operator in ran]
    return ", ".join(reversed(names)) or info["Stage Name"].split(" at ")[0]
