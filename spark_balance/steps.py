"""The steps of a job: timed, logged, shown to who watches, and named in the Spark UI."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession

from spark_balance.errors import told_of_memory
from spark_balance.watching import described

_log = logging.getLogger("spark_balance")


@dataclass
class Step:
    """One step while it runs; who knows the rows it was about says so."""

    name: str
    rows: int | None = None


@dataclass
class Steps:
    """The seconds that each step took, and something that shows the running one.

    Attributes
    ----------
    show : callable
        Takes the step's name and the session, if there is one yet, and returns what shows it.
    spark : SparkSession, optional
        Where the steps run.
    run : str, optional
        The id of the run, for the log.
    seconds : dict of str to float
    """

    show: Callable[[str, SparkSession | None], AbstractContextManager[Any]] = lambda *_: nullcontext()
    spark: SparkSession | None = None
    run: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    _running: int = field(default=0, init=False, repr=False)

    def on(self, spark: SparkSession) -> Steps:
        """Name the steps from now on in the UI of this session."""
        self.spark = spark
        return self

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step, name it in the Spark UI, log its end, and tell in a sentence if memory ended it."""
        start, step = time.monotonic(), Step(name)
        named = described(self.spark, f"spark_balance: {name}") if self.spark else nullcontext()
        # of a step inside another one, the outer one stays shown: a terminal has one live line
        shown = nullcontext() if self._running else self.show(name, self.spark)
        self._running += 1
        try:
            with shown, named, told_of_memory(name):
                yield step
        finally:
            self._running -= 1
        took = round(time.monotonic() - start, 2)
        self.seconds[name] = round(self.seconds.get(name, 0) + took, 2)
        told = {"run": self.run, "step": name, "rows": step.rows, "seconds": took}
        _log.info("step %s ended", name, extra={key: value for key, value in told.items() if value is not None})
