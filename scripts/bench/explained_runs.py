"""Runs that are timed step by step beside what `explain` says of them: to fit its model, and to check it."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from generate import Floats, latent_rows, names, once, write_shape
from machine import cores
from section import DATA, Options, Row, cold, median
from timed_jobs import data_set_g

from spark_balance.plans.counts import class_counts
from spark_balance.samplers.registry import SAMPLERS
from spark_balance.session import open_session

K = 5
MEASURED = ("count", "sample", "write")  # the first two are steps of `explain`, the last is all the others
G = (1_600_000, 100_000, 28)


@dataclass(frozen=True)
class Case:
    """A table (rows of the majority and the minority, features) and what is done to it."""

    majority: int
    minority: int
    features: int
    sampler: str = "smote"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> tuple[int, int, int]:
        """Majority, minority and features."""
        return self.majority, self.minority, self.features

    def folder(self) -> Path:
        """Return the data, made if need be."""
        if self.table == G:
            return data_set_g(quick=False)
        shape = partial(_latent, features=self.features)
        write = partial(write_shape, shape=shape, minority=self.minority, majority=self.majority)
        return once(DATA / "-".join(map(str, ("explained", *self.table))), write)

    @property
    def said(self) -> str:
        """The case in a few words."""
        more = "".join(f", {name}={value}" for name, value in self.parameters.items())
        return f"{self.sampler}{more}"


def _latent(rows: int, piece: int, features: int) -> Floats:
    return latent_rows(rows, 900 + piece, features)


def one(request: Row) -> Row:
    """Run a case in this process, time its steps, and then ask what was expected of it."""
    warnings.simplefilter("ignore")
    spark = open_session(request["engine"])
    df = spark.read.parquet(request["folder"])
    own = {"feature_cols": names(request["features"])} if request["sampler"] == "smote" else {}
    wish = {"sampling_strategy": {1: request["wanted"]}} if request["wanted"] else {}
    sampler = SAMPLERS[request["sampler"]](label_col="label", random_state=1, **own, **wish, **request["parameters"])
    out = Path(f"{request['folder']}.out")
    shutil.rmtree(out, ignore_errors=True)
    at = [time.time()]
    counts = class_counts(df, "label")
    at.append(time.time())
    made = sampler.resample(df, counts)
    at.append(time.time())
    made.frame.write.parquet(str(out))
    at.append(time.time())
    seconds = {name: end - start for name, start, end in zip(MEASURED, at, at[1:], strict=False)}
    shutil.rmtree(out)
    said = sampler.explain(df, counts, cores=cores(), engine=request["engine"])
    work: dict[str, dict[str, float]] = {}
    expected = dict.fromkeys(MEASURED, 0.0)
    for step in said.sketch.steps:
        name = step.name if step.name in MEASURED[:2] else "write"
        expected[name] += said.seconds[step.name]
        for unit, amount in step.work(said.cores).items():
            work.setdefault(name, {})[unit] = work.get(name, {}).get(unit, 0.0) + amount
    # label 1 is what grows, which need not be the smaller class
    copies = (said.rows_after - said.rows_before) / counts.rows[1]
    task_bytes = max(step.task_bytes for step in said.sketch.steps)
    return {"seconds": seconds, "expected": expected, "work": work, "task_bytes": task_bytes} | {
        "facts": dict(said.sketch.facts), "held": _held(said.sketch.facts, request["features"], copies)
    }  # fmt: skip


def _held(facts: Mapping[str, Any], features: int, copies: float) -> list[float]:
    """Return the numbers that the largest cell holds: of its rows, and of the neighbours found for its bases."""
    if "largest_cell_rows" not in facts:
        return []
    points = float(facts["largest_cell_rows"] * features)
    return [points, points / (1 + facts["guests_per_row"]) * min(K, ceil(copies))]


def measured(cases: Mapping[str, Case], options: Options) -> list[Row]:
    """Run every case on every engine, cold, and take the median of each step."""
    rows = []
    for engine in options.engines:
        for name, case in cases.items():
            if not options.wants(name):
                continue
            # a dict of labels does not survive JSON, so the rows wanted of the minority travel alone
            parameters = dict(case.parameters)
            wanted = round(parameters.pop("grown", 0) * case.minority)
            request = {"engine": engine, "folder": str(case.folder()), "features": case.features} | {
                "sampler": case.sampler, "parameters": parameters, "wanted": wanted
            }  # fmt: skip
            runs = [cold(request, say=f"{name} on {engine}") for _ in range(options.rounds)]
            last = runs[-1].answer
            seconds = {step: median([run.answer["seconds"][step] for run in runs]) for step in MEASURED}
            about = {"case": name, "engine": engine, "said": case.said} | dict(
                zip(("majority", "minority", "features"), case.table, strict=True)
            )
            peaks = {kind: max(asdict(run.peak)[kind] for run in runs) for kind in asdict(runs[0].peak)}
            rows.append(about | last | {"seconds": seconds} | peaks)
    return rows
