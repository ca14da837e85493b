"""The engine inside the process: frames of pandas, polars and pyarrow run on it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from inspect import BoundArguments
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from spark_balance.errors import raise_engine_sentences
from spark_balance.frames.conversion import Local, as_given, convert_frames
from spark_balance.frames.older_spark import from_arrow

_log = logging.getLogger(__name__)
_CONNECT = "SPARK_CONNECT_MODE_ENABLED"  # pyspark's own
_lock = threading.Lock()
_sail: SparkSession | None = None
_calls, _theirs = 0, None  # those that run, and the mark of Connect before the first


def local_session() -> SparkSession:
    """Return the session on which frames of pandas, polars and pyarrow run.

    It is the session of this process if there is one; else one is opened: Sail where it is installed, else local Spark.
    """
    global _sail
    from spark_balance.app.session import choose_engine, open_session

    with _lock:
        engine = choose_engine().name
        if engine in ("running", "remote"):
            return open_session()
        if _sail is None:
            _log.info("frames of pandas, polars and pyarrow run on an engine inside this process: %s", engine)
            session = open_session(engine)
            _sail = session if engine == "sail" else None
            return session
        os.environ[_CONNECT] = "1"
        return _sail


@contextmanager
def _running_locally() -> Iterator[SparkSession]:
    """Have functions of pyspark be those of the session in the block, and a session of the user's not be Sail's after.

    pyspark asks the environment whether it is Connect that is meant, whoever started it.
    """
    global _calls, _theirs
    with _lock:
        if not _calls:
            _theirs = os.environ.get(_CONNECT)
        _calls += 1
    try:
        yield local_session()
    finally:
        with _lock:
            _calls -= 1
            if not _calls and _theirs is None and _sail is not None:
                os.environ.pop(_CONNECT, None)


def call_with_local(called: Callable[..., Any], bound: BoundArguments) -> Any:
    """Call a function of Spark frames with what `find_local` found; what it returns is of the type of the first.

    If a frame of Spark is given with them, its session runs them all, and what returns is Spark's.
    """
    from spark_balance.app.session import is_local

    lent: list[tuple[Local, DataFrame]] = []
    theirs = [one for one in bound.arguments.values() if isinstance(one, DataFrame)]
    with (
        nullcontext(theirs[0].sparkSession) if theirs else _running_locally() as session,
        TemporaryDirectory(prefix="spark-balance-") as folder,
        raise_engine_sentences(),
    ):

        def lend(value: Any) -> Any:
            if not isinstance(value, Local):
                return value
            # rows in a plan go to the engine again with each job
            file = None if theirs or not is_local(session) else Path(folder, f"{len(lent)}.parquet")
            lent.append((value, _spark_frame(session, value.table, file)))
            return lent[-1][1]

        def give_back(value: Any) -> Any:
            return as_given(value, *lent[0]) if isinstance(value, DataFrame) and not theirs else value

        bound.arguments |= {name: convert_frames(one, lend) for name, one in bound.arguments.items()}
        result = called(*bound.args, **bound.kwargs)
        if type(result) in (list, tuple):
            return type(result)(convert_frames(one, give_back) for one in result)
        return convert_frames(result, give_back)


def _spark_frame(session: SparkSession, table: pa.Table, file: Path | None) -> DataFrame:
    schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
    if file is None:
        return from_arrow(session, table, schema)
    from spark_balance.app.storage.paths import engine_path

    pq.write_table(table, file, compression="none", use_dictionary=False)
    return session.read.schema(schema).parquet(engine_path(session, file, expands=True))
