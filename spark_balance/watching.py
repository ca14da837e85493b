"""What an engine shows of a job's steps, and what it tells of the tasks that run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pyspark.sql import SparkSession

from spark_balance.session import is_classic

Tasks = tuple[int, int]  # done, all


@contextmanager
def described(spark: SparkSession, text: str) -> Iterator[None]:
    """Let the Spark UI show a text beside the jobs of the block: a description, on Connect a tag."""
    if not is_classic(spark):
        tag = text.replace(",", ";")  # a comma separates tags
        spark.addTag(tag)
        try:
            yield
        finally:
            spark.removeTag(tag)
        return
    context = spark.sparkContext
    before: Any = context.getLocalProperty("spark.job.description")
    context.setJobDescription(text)
    try:
        yield
    finally:
        # a context that died must not hide why
        with suppress(Exception):
            context.setJobDescription(before)


@contextmanager
def watched(spark: SparkSession) -> Iterator[Callable[[], Tasks | None]]:
    """Yield a function that tells the tasks of the stages that run now, or None."""
    if is_classic(spark):
        yield lambda: _of_tracker(spark.sparkContext.statusTracker())
        return
    latest: list[Tasks | None] = [None]

    def told(stages: Any, inflight_tasks: int, operation_id: str | None, done: bool) -> None:
        running = [] if done else list(stages or ())
        latest[0] = _all([(one.num_completed_tasks, one.num_tasks) for one in running])

    spark.registerProgressHandler(told)
    try:
        yield lambda: latest[0]
    finally:
        spark.removeProgressHandler(told)


def _of_tracker(tracker: Any) -> Tasks | None:
    found = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    return _all([(one.numCompletedTasks, one.numTasks) for one in found if one])


def _all(stages: list[Tasks]) -> Tasks | None:
    return (sum(done for done, _ in stages), sum(of for _, of in stages)) if stages else None
