"""The steps of a job: timed, logged, shown while they run and named in the Spark UI."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession

from spark_balance.app.engines import ENGINE_ERRORS, reason
from spark_balance.errors import EngineFailureError, OutputError, explain_memory_failure
from spark_balance.frames.engine import is_classic

Tasks = tuple[int, int]  # done, all
_log = logging.getLogger("spark_balance")
_GONE = re.compile(
    "SparkContext was shut down|on a stopped SparkContext|Answer from Java side is empty|Error while (sen|receiv)"
    r'|"org\.apache\.spark\.SparkContext\.\w+\(\)" is null'  # 4.2 asks the scheduler of a context that stops
)
_TOO_LONG = re.compile(r"File name too long|Mkdirs failed to create \S*[^/\s]{256}")  # of 255 bytes at most
_DISK_FULL = re.compile("No space left on device|Disk quota exceeded|File too large")
# Sail says no more of text that it cannot write to its end
_UNFINISHED = re.compile("rror encountered (while finalizing writes|during writing to ObjectStore)")


@dataclass
class Step:
    """A running step; set `rows` to log how many rows it handled."""

    name: str
    rows: int | None = None


@dataclass
class Steps:
    """Times the steps of a job."""

    # returns a context manager that shows the step of this name, run by this session
    show: Callable[[str, SparkSession | None], AbstractContextManager[Any]] = lambda *_: nullcontext()
    spark: SparkSession | None = None
    run: str | None = None  # the id of the run, for the log
    seconds: dict[str, float] = field(default_factory=dict)  # of each finished step
    _running: int = field(default=0, init=False, repr=False)

    def on(self, spark: SparkSession) -> Steps:
        """Name the steps from now on in the Spark UI of this session."""
        self.spark = spark
        return self

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step, name it in the Spark UI, log its end and explain a failure for lack of memory."""
        start, step = time.monotonic(), Step(name)
        named = describe_jobs(self.spark, f"spark_balance: {name}") if self.spark else nullcontext()
        # a terminal has one live line, which the outermost step keeps
        shown = nullcontext() if self._running else self.show(name, self.spark)
        self._running += 1
        try:
            with shown, named, explain_failure(name):
                yield step
        finally:
            self._running -= 1
        took = round(time.monotonic() - start, 2)
        self.seconds[name] = round(self.seconds.get(name, 0) + took, 2)
        fields = {"run": self.run, "step": name, "rows": step.rows, "seconds": took}
        _log.info("step %s ended", name, extra={key: value for key, value in fields.items() if value is not None})


@contextmanager
def explain_failure(step: str) -> Iterator[None]:
    """Explain in one sentence that the engine failed or is gone, or that a disk is full."""
    try:
        with explain_memory_failure(step):
            yield
    except ImportError:  # pyspark's own is an engine's error too; the command names the package
        raise
    except (*ENGINE_ERRORS, OSError) as failed:
        if _TOO_LONG.search(str(failed)):
            raise OutputError(
                f"{step}: a folder or a file has a name that is too long for this disk, such as that of a partition;"
                " shorten the values, or partition by another column"
            ) from None
        full, unfinished = _DISK_FULL.search(str(failed)), _UNFINISHED.search(str(failed))
        if full or unfinished:
            why = full.group().lower() if full else "a file could not be finished, as on a full disk"
            advice = "make room for the output and for temporary files, and run the job again"
            raise EngineFailureError(f"{step}: {why}; {advice}") from None
        if isinstance(failed, ConnectionError) or _GONE.search(str(failed)):
            gone = "the engine was stopped, or its process ended; what was staged is removed"
            raise EngineFailureError(f"{step}: {gone}") from None
        if isinstance(failed, OSError):
            raise
        raise EngineFailureError(f"{step}: the engine failed: {reason(failed)}") from failed


@contextmanager
def describe_jobs(spark: SparkSession, text: str) -> Iterator[None]:
    """Show a text beside the jobs of the block in the Spark UI: as a description, on Connect as a tag."""
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
        # the error of a dead context must not replace the error that killed it
        with suppress(Exception):
            context.setJobDescription(before)


@contextmanager
def watch_tasks(spark: SparkSession) -> Iterator[Callable[[], Tasks | None]]:
    """Yield a function that returns the done and all tasks of the running stages, or None."""
    if is_classic(spark):
        tracker: Any = spark.sparkContext.statusTracker()

        def ask_tracker() -> Tasks | None:
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            return _add_up([(stage.numCompletedTasks, stage.numTasks) for stage in stages if stage])

        yield ask_tracker
        return
    latest: list[Tasks | None] = [None]

    def note_tasks(stages: Any, inflight_tasks: int, operation_id: str | None, done: bool) -> None:
        running = [] if done else list(stages or ())
        latest[0] = _add_up([(stage.num_completed_tasks, stage.num_tasks) for stage in running])

    handler: Any = note_tasks  # to pyspark's types, only its own class is a handler
    spark.registerProgressHandler(handler)
    try:
        yield lambda: latest[0]
    finally:
        spark.removeProgressHandler(handler)


def _add_up(stages: list[Tasks]) -> Tasks | None:
    return (sum(done for done, _ in stages), sum(of for _, of in stages)) if stages else None
