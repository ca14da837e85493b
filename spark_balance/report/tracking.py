"""A resampling in MLflow: its input and output as datasets, what was done as parameters, its page as an artifact."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from spark_balance.base.node import Resampled
from spark_balance.base.sampler import Sampler
from spark_balance.errors import LoggedBeforeWarning, OutputError, ParameterError, warn_user
from spark_balance.frames.arguments import checked
from spark_balance.report.page import check_installed
from spark_balance.report.resampling import resampling_report
from spark_balance.report.tracked import Side, Tracked, check_place, columns_of

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

PREFIX = "spark_balance"  # of each name, so that none is one of autolog's
LONGEST = 6_000  # characters of a value that MLflow takes
_LONGEST_NAME, _LONGEST_SCHEMA = 500, 1_000_000


@checked
def log_resampling(
    resampled: Resampled | Mapping[str, Any],
    *,
    before: DataFrame | None = None,
    after: DataFrame | None = None,
    source: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    report: str | bool = False,
) -> str:
    """Log a resampling to MLflow: its input and output as datasets, parameters, and the report if there is one.

    Parameters
    ----------
    resampled : Resampled or dict
        The result of ``sampler.resample(df)``, or the manifest of a job as `read_manifest` returns it.
    before : DataFrame, optional
        The frame that was resampled, for the columns of the dataset "source".
    after : DataFrame, optional
        The result as it was written, for the columns of the dataset "training"; default is the frame of a result.
    source, output : dict, optional
        Where the rows were read and written, as a job's ``[input]`` says it: `path` or `table`, with `format` and
        `version` if they are known, ``{"table": "shop.payments", "format": "delta", "version": 12}``. A manifest has
        both.
    report : str or bool
        The page that `resampling_report` made, or True to make it here, which takes `before`.

    Returns
    -------
    str
        The id of the run: the active one, else that of the environment variable MLFLOW_RUN_ID, else a new one. Only
        a new one ends here.

    Raises
    ------
    SparkBalanceError
        If mlflow is not installed, a place or a manifest is not one, the page cannot be made, or MLflow refuses.

    Warns
    -----
    LoggedBeforeWarning
        If the run has other values of these parameters: MLflow keeps the first ones.

    Notes
    -----
    Cost: a few requests to MLflow's store. No row is read, except for ``report=True``, which costs what
    `resampling_report` does.

    The names of parameters begin with ``spark_balance.``: `method`, `plan` (rows of each class before and after),
    `random_state`, `expected_recall` where neighbors were searched, `engine`, `version`, and ``sampler.<name>`` for
    each parameter that the sampler was given. A value is cut after 6,000 characters.

    The digest of "source" covers its place, `where` and `columns`, its version (of other data the names, sizes and
    times of files, if a manifest has them), and the rows of each class. The digest of "training" covers that digest,
    the method with its parameters and seed, the plan, and the version of this package. Rows themselves are not read
    for it: where neither version nor files are known, equal digests mean equal counts alone.

    Examples
    --------
    >>> import mlflow
    >>> df = spark.createDataFrame([(float(i), i % 10 == 0) for i in range(100)], "x double, rare boolean")
    >>> made = SMOTE(label_col="rare").resample(df)
    >>> with mlflow.start_run() as run:
    ...     log_resampling(made, before=df, source={"table": "shop.payments"}) == run.info.run_id
    True
    """
    check_mlflow("log_resampling")
    check_place("source", source)
    check_place("output", output)
    if isinstance(resampled, Resampled):
        tracked = Tracked.of_result(resampled, source, output)
        # a frame of pandas or polars has no schema of Spark's
        after = resampled.frame if after is None and tracked.engine else after
    else:
        tracked = Tracked.of_manifest(resampled, source, output)
    page = _made_page(resampled, before) if report is True else report
    of_source, of_output = tracked.digests
    datasets = [
        _dataset("source", tracked.source, of_source, before),
        _dataset("training", tracked.output, of_output, after),
    ]
    with tracked_run("log_resampling") as run, explain_refusal("log_resampling"):
        _log(run, datasets, {f"{PREFIX}.{name}": _cut(text) for name, text in tracked.parameters.items()})
        if page:
            _client().log_text(run, page, f"{PREFIX}/resampling_report_{of_output}.html")
    return run


def check_mlflow(who: str) -> None:
    """Refuse to begin without MLflow."""
    check_installed(who, "mlflow", "keeps what is logged", "mlflow")


@contextmanager
def tracked_run(who: str, name: str | None = None) -> Iterator[str]:
    """Yield the id of the active run or of the environment's, or of one that begins and ends with the block."""
    import mlflow

    active = mlflow.active_run()
    known = active.info.run_id if active else os.environ.get("MLFLOW_RUN_ID")
    if known:
        yield known
        return
    # MLflow prints where a run can be seen, and stdout may be JSON
    with explain_refusal(who), redirect_stdout(sys.stderr):
        started = mlflow.start_run(run_name=name)
    try:
        yield started.info.run_id
    except BaseException:
        with suppress(Exception), redirect_stdout(sys.stderr):  # which must not hide what failed
            mlflow.end_run("FAILED")
        raise
    with explain_refusal(who), redirect_stdout(sys.stderr):
        mlflow.end_run()


def has_active_run() -> bool:
    """Say whether this thread has an active run, which only a process that imported MLflow can have."""
    mlflow = sys.modules.get("mlflow")
    return mlflow is not None and mlflow.active_run() is not None


@contextmanager
def explain_refusal(who: str) -> Iterator[None]:
    """Explain in one sentence that MLflow's store refuses, does not answer or lacks a package."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, ModuleNotFoundError) as refused:
        where = re.sub("//[^/@]*@", "//", str(mlflow.get_tracking_uri()))  # without a password
        reason = str(refused).strip().partition("\n")[0]
        raise OutputError(
            f"{who}: MLflow's store {where} refuses: {reason}; name another one in MLFLOW_TRACKING_URI, or mend it"
        ) from refused


def _log(run: str, datasets: list[DatasetInput], parameters: Mapping[str, str]) -> None:
    """Log datasets, and those parameters that the run does not have yet."""
    from mlflow.entities import Param

    client = _client()
    client.log_inputs(run, datasets=datasets)
    known = client.get_run(run).data.params
    new = [Param(name, value) for name, value in parameters.items() if name not in known]
    if new:
        client.log_batch(run, params=new, synchronous=True)
    if others := [name for name, value in parameters.items() if known.get(name, value) != value]:
        warn_user(
            LoggedBeforeWarning(
                f"log_resampling: MLflow keeps the values that run {run} has of {', '.join(others)}; log another "
                "resampling to a run of its own, as in mlflow.start_run(nested=True)"
            )
        )


def _client() -> Any:
    from mlflow import MlflowClient

    return MlflowClient()


def _dataset(context: str, side: Side, digest: str, frame: DataFrame | None) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    source_type, source = side.source
    columns = None if frame is None else json.dumps({"mlflow_colspec": columns_of(frame.schema)})
    dataset = Dataset(
        name=(side.name or context)[-_LONGEST_NAME:],
        digest=digest,
        source_type=source_type,
        source=json.dumps(source),
        schema=columns if columns and len(columns) <= _LONGEST_SCHEMA else None,
        profile=json.dumps(side.profile),
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, context)])


def _made_page(resampled: Resampled | Mapping[str, Any], before: DataFrame | None) -> str:
    if before is None or not isinstance(resampled, Resampled) or not isinstance(resampled.sampler, Sampler):
        raise ParameterError(
            "log_resampling: report=True makes a page of the frame 'before' and the result of a sampler; give both, "
            "or the page itself"
        )
    return resampling_report(before, resampled, resampled.sampler)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
