"""Balance a stream batch by batch, by class counts that decay and lie in a small table."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.app.storage.address import Sink
from spark_balance.app.storage.paths import PathText, are_nested
from spark_balance.app.storage.slots import SLOT, Slots
from spark_balance.app.storage.streams import BATCH, put_batch
from spark_balance.base.sampler import Sampler
from spark_balance.base.strategy import wanted_of_group
from spark_balance.errors import ColumnError, CountsError, DriftWarning, InputError, ParameterError, warn_user
from spark_balance.frames.arguments import checked
from spark_balance.frames.counts import count_rows, given_counts, known_counts, one_nan
from spark_balance.frames.decayed import Decayed, Held
from spark_balance.frames.older_spark import convert_to_arrow_type
from spark_balance.frames.plan import ClassCounts
from spark_balance.frames.text import plural

Write = Callable[[DataFrame, int], Any]

_NAME = "StreamBalancer"
_BATCH, _ROWS, _DECAYED, _RATIO, _PSI = _TAKEN = (BATCH, "rows", "decayed_rows", "share_ratio", "psi")
KEPT = 10  # batches; another number would write over the counts that a restart begins with
_log = logging.getLogger("spark_balance")


@checked
class StreamBalancer:
    """Balance each batch of a stream by class shares that follow the stream: a function for `foreachBatch`.

    A row is kept, or repeated, if the hash of its key and the seed falls into the share of its class. The share is
    that of the counts of all batches up to this one, in which a row counts half after `half_life` newer ones. They lie
    in a small table. What a batch makes is a function of its rows and of the counts before it. So a batch that comes
    again after a restart gives the same rows, and the same counts.

    Parameters
    ----------
    sampler : Sampler
        `RandomUnderSampler` or `RandomOverSampler` with `exact=False` and `key_cols` or `group_cols`. Its
        `sampling_strategy` is a name, a ratio or a callable, which are applied to the decayed counts. A dict of rows
        is refused. Where the classes meet a ratio already, all rows are taken.
    counts : dict of label to int, or ClassCounts
        Rows of each class before the first batch, such as those of a table of the past. They decay as others do.
        A class that they do not name stops the stream; a restart with `counts` that name it goes on. With
        `within_cols`, new groups of these classes are welcome.
    folder : str
        Where the counts lie, for one checkpoint alone: a Parquet table with a row for each class and batch. Neither
        it nor `write` is inside the other.
    write : str or callable
        A folder for the balanced rows, in which each batch replaces its own `batch_id=<number>`; or a function that
        gets the balanced frame and the number of the batch. A batch may come again, so it must replace what it wrote.
    half_life : float
        Rows of the stream after which a row counts half; `math.inf` forgets nothing.
    max_share_ratio : float, default 2.0
        Warn (`DriftWarning`) when the share of a class in a batch is larger or smaller than before by more than this
        factor, and by more than chance gives in one of a million batches.

    Raises
    ------
    SparkBalanceError
        When a parameter does not fit, a batch has a class that `counts` does not name, or the counts of the batch
        before are not in the table or were counted by other columns, or a batch comes again with other rows.

    Notes
    -----
    The table has a row for each class of each of the last ten batches:

    - `rows` of the batch, and `decayed_rows` with them;
    - `share_ratio`, the share in the batch as a multiple of the share before;
    - `psi`, the population stability index of the two (the symmetric divergence of Kullback and Leibler 1951). Both are
      NULL for a batch without labelled rows.

    A class counts as one row at least. A group is forgotten when its classes are less than half a row together.

    Cost of a batch, besides writing its rows: one aggregate of the label over the batch, so that the batch is read
    twice, and two jobs on the small table. No state in Spark.

    Examples
    --------
    >>> import tempfile
    >>> from spark_balance import RandomUnderSampler
    >>> folder = tempfile.mkdtemp()
    >>> under = RandomUnderSampler(label_col="fraud", key_cols="id", exact=False)
    >>> balance = StreamBalancer(under, {0: 900, 1: 100}, f"{folder}/counts", f"{folder}/balanced", half_life=10_000)
    >>> batch = spark.createDataFrame([(i, int(i % 10 == 0)) for i in range(1000)], "id int, fraud int")
    >>> balance(batch, 0)  # as foreachBatch calls it
    >>> dict(spark.read.parquet(f"{folder}/balanced").groupBy("fraud").count().orderBy("fraud").collect())
    {0: 86, 1: 100}
    >>> spark.read.parquet(f"{folder}/counts").where("fraud = 1").select("rows", "decayed_rows").first()
    Row(rows=100, decayed_rows=193.3032991537)
    """

    def __init__(
        self,
        sampler: Sampler,
        counts: Mapping[Any, Any] | ClassCounts,
        folder: PathText,
        write: PathText | Write,
        *,
        half_life: Annotated[float, Field(gt=0)],
        max_share_ratio: Annotated[float, Field(gt=1)] = 2.0,
    ) -> None:
        self._within = sampler.within_cols or ()
        self._start = given_counts(_NAME, sampler.label_col, self._within, counts)
        self._sampler = _following(sampler, self._start)
        if isinstance(write, str):
            _refuse_nested(folder, write)
        self._folder = folder
        self._write = partial(put_batch, Sink(path=write), "") if isinstance(write, str) else write
        self._half_life, self._max_share_ratio = half_life, max_share_ratio

    @checked
    def __call__(self, batch: DataFrame, batch_id: int) -> None:
        """Count a batch, balance it, write what that gives, and put the counts into the table."""
        counted = count_rows(_NAME, batch, self._sampler.label_col, self._within)
        slots = Slots(batch.sparkSession, self._folder, self._schema(batch.schema), KEPT)
        found = slots.read(F.col(_BATCH).isin(batch_id - 1, batch_id))
        self._refuse_other_rows(found.filter(pc.field(_BATCH) == batch_id), counted, batch_id)
        held = self._held(slots, found.filter(pc.field(_BATCH) < batch_id), batch, batch_id)
        self._refuse_new_classes(held, counted, batch_id)
        decayed = Decayed.of(held, counted, self._half_life)
        self._report(decayed, batch_id)
        self._write(self._sampler.fit_resample(batch, decayed.counts), batch_id)
        slots.put(self._table(decayed, batch.schema, batch_id), batch_id)

    @property
    def _columns(self) -> tuple[str, ...]:
        return (*self._within, self._sampler.label_col)

    def _schema(self, schema: T.StructType) -> T.StructType:
        """Return the schema of the table for a frame of some schema."""
        keys = [T.StructField(name, schema[name].dataType) for name in self._columns]
        numbers = {_ROWS: T.LongType(), _DECAYED: T.DoubleType(), _RATIO: T.DoubleType(), _PSI: T.DoubleType()}
        return T.StructType(
            [T.StructField(_BATCH, T.LongType()), *keys, *[T.StructField(*column) for column in numbers.items()]]
        )

    def _held(self, slots: Slots, found: pa.Table, batch: DataFrame, batch_id: int) -> Held:
        """Return the decayed counts before a batch: those of the batch before it, or those that it all begins with."""
        if found.num_rows:
            held = _by_key(found[name] for name in (*self._columns, _DECAYED))
            if len(held) < found.num_rows or any(label is None for *_, label in held):
                raise InputError(
                    f"{_NAME}: batch {batch_id - 1} in '{self._folder}' was not counted by {', '.join(self._columns)}, "
                    "as this balancer counts; give each balancer a folder of its own"
                )
            return held
        others = set(slots.read(F.col(_BATCH) != batch_id)[_BATCH].to_pylist())
        if others:
            raise InputError(
                f"{_NAME}: batch {batch_id} needs the counts of batch {batch_id - 1}, and '{self._folder}' has those "
                f"of batches {min(others)} to {max(others)}; give each checkpoint a folder of its own"
            )
        start = known_counts(_NAME, batch, self._sampler.label_col, self._within, self._start)
        *keys, rows = zip(*[(*group, label, float(rows)) for group, label, rows in start.entries], strict=True)
        # as the columns have them: a moment without a zone is one in UTC, and a float32 has fewer digits
        kinds = [convert_to_arrow_type(batch.schema[name].dataType) for name in self._columns]
        return _by_key([*map(pa.array, keys, kinds), pa.array(rows)])

    def _refuse_other_rows(self, found: pa.Table, counted: ClassCounts, batch_id: int) -> None:
        before = {key: rows for key, rows in _by_key(found[name] for name in (*self._columns, _ROWS)).items() if rows}
        if found.num_rows and before != {(*group, label): rows for group, label, rows in counted.entries}:
            raise InputError(
                f"{_NAME}: batch {batch_id} has other rows than the batch {batch_id} that '{self._folder}' has counts "
                "of; give each balancer and each checkpoint a folder of its own, or, if the source changed the batch, "
                f"remove '{self._folder.rstrip('/')}/{SLOT}={batch_id % KEPT}'"
            )

    def _refuse_new_classes(self, held: Held, counted: ClassCounts, batch_id: int) -> None:
        new = counted.rows.keys() - {key[-1] for key in held} - self._start.rows.keys()
        if new:
            label = min(new)
            raise CountsError(
                f"{_NAME}: batch {batch_id} has {plural(counted.rows[label], 'row')} of class {label!r}, which counts "
                "does not name with any row; start again with its rows in counts, or filter it out"
            )

    def _report(self, decayed: Decayed, batch_id: int) -> None:
        """Log how far the shares of a batch are from those before, and warn where that is far."""
        rows, psi = int(decayed.rows.sum()), decayed.stability_index
        _log.info(
            "%s: batch %d: %s, psi %s", _NAME, batch_id, plural(rows, "row"), "-" if psi is None else f"{psi:.4f}"
        )
        for label, (before, now) in decayed.drifted(self._max_share_ratio).items():
            drift = f"class {label!r} is {now:.2%} of {plural(rows, 'row')}, before {before:.2%}"
            follow = f"shares follow with a half-life of {self._half_life:,.0f} rows"
            warn_user(DriftWarning(f"{_NAME}: batch {batch_id}: {drift}; {follow}"))

    def _table(self, decayed: Decayed, schema: T.StructType, batch_id: int) -> pa.Table:
        """Return the rows of the table for a batch."""
        keys = {
            name: pa.array([key[place] for key in decayed.keys], convert_to_arrow_type(schema[name].dataType))
            for place, name in enumerate(self._columns)
        }
        ratios, every = decayed.share_ratios, len(decayed.keys)
        of_keys = [None if ratios is None else float(ratios[decayed.labels[key[-1]]]) for key in decayed.keys]
        return pa.table(
            {
                _BATCH: pa.array([batch_id] * every, pa.int64()),
                **keys,
                _ROWS: decayed.rows,
                _DECAYED: decayed.after,
                _RATIO: pa.array(of_keys, pa.float64()),
                _PSI: pa.array([decayed.stability_index] * every, pa.float64()),
            }
        )


def _following(sampler: Sampler, start: ClassCounts) -> Sampler:
    """Return the sampler for counts that change, or refuse one that cannot follow them."""
    if not sampler.streams:
        raise ParameterError(
            f"{_NAME}: {sampler.name} decides about a row by other rows; use RandomUnderSampler or RandomOverSampler "
            "with exact=False and key_cols, or resample each batch by itself with sampler.fit_resample in foreachBatch"
        )
    for name in (*(sampler.within_cols or ()), sampler.label_col):
        if name.lower() in (*_TAKEN, SLOT):
            raise ColumnError(f"{_NAME}: column '{name}' has the name of a column of the table of counts; rename it")
    strategy = sampler.sampling_strategy
    if isinstance(strategy, Mapping):
        raise ParameterError(
            f"{_NAME}: sampling_strategy={dict(strategy)!r} names rows, and the counts of a stream change; use a name, "
            "a ratio or a callable"
        )
    sampler.make_plan(start)
    if isinstance(strategy, int | float):
        # as in a group of within_cols: where the classes meet the ratio already, they stay as they are
        ratio = partial(wanted_of_group, sampler.name, ("the stream",), strategy=strategy, kind=sampler.family)
        return sampler.replace(sampling_strategy=ratio)
    return sampler


def _refuse_nested(folder: str, write: str) -> None:
    """Refuse folders one of which is in the other: who reads the outer one would find the files of both."""
    if are_nested(folder, write):
        raise ParameterError(
            f"{_NAME}: folder is '{folder}' and write '{write}', and the counts need a folder of their own; name two "
            "of which none is in the other"
        )


def _by_key(columns: Iterable[pa.Array]) -> Held:
    """Return the numbers in the last column by the values of the others."""
    return {tuple(map(one_nan, key)): rows for *key, rows in zip(*[one.to_pylist() for one in columns], strict=True)}
