"""What the commands do: read the words as a job, run it, and show what it found."""

import json
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import typer
from pyspark.sql import DataFrame, SparkSession, functions as F, types as T

from spark_balance._methods import spelled
from spark_balance.app import job, look, options, results, stream_job, terminal
from spark_balance.app.config import JobConfig, lay_over, read_tables
from spark_balance.app.engines import log_nothing_at_the_end
from spark_balance.app.session import choose_engine, open_session
from spark_balance.app.steps import Steps, explain_failure
from spark_balance.app.storage import check_saved, read, save_tables
from spark_balance.app.storage.names import address_of
from spark_balance.errors import ConfigError
from spark_balance.frames.columns import quoted
from spark_balance.frames.older_spark import to_arrow
from spark_balance.over_sampling.smote import SMOTE
from spark_balance.report.tracking import check_mlflow, tracked_run

Words = Sequence[str] | None
_LOOKED_AT, _FEWEST = 1_000, 50  # rows


def run_job(
    name: str,
    sampler: str | None,
    given: Mapping[str, Any],
    *,
    data: str,
    engine: str,
    as_json: bool,
    verbose: bool,
    set_: Words,
    conf: Words,
    log_json: str | None,
    where: str | None,
    save: str | None,
    file_format: str | None = None,
    output: str | None = None,
    mode: str | None = None,
    report: str | None = None,
    report_rows: int | None = None,
    mlflow: bool = False,
    dry_run: bool = False,
) -> None:
    """Count, weigh or resample data, or what a TOML file says."""
    with terminal.warnings_shown(), terminal.log_as_json(log_json, name), explain_failure(name):
        is_file = data.endswith(".toml") or name == "balance"
        tables = read_tables(data) if is_file else {"input": address_of(data, file_format)}
        tables = lay_over(
            options.lay_over_input(tables, name, sampler, given, is_file, where, output, mode, mlflow), data, set_ or ()
        )
        nowhere = not (is_file or "output" in tables)
        _refuse_unwritten(name, nowhere, dry_run, report, report_rows, mlflow)
        if save is not None:
            check_saved(save)
        steps = Steps(terminal.show_step)
        column = options.column_of(options.kind_of(name, sampler)) if name != "balance" else "label_col"
        unlabeled = not is_file and column not in options.parameters_in(tables, options.table_of(name, sampler))
        loaded = None if unlabeled else JobConfig.of(tables)
        is_logged = loaded is not None and loaded.run.mlflow and not (dry_run or nowhere or name in options.LOOKING)
        if is_logged:
            check_mlflow(name)
        spark = _open(name, engine, conf, steps)
        if loaded is None:
            there = ", ".join(read(spark, JobConfig.of({"input": tables["input"]}).input).columns)
            holds = "classes" if column == "label_col" else "number to predict"
            raise ConfigError(
                f"{name}: --{spelled(column)} is missing; name the column with the {holds}, one of {there}"
            )
        if not is_file:
            _show_input(loaded, read(spark, loaded.input))
        if name in options.LOOKING:
            result = _look(name, spark, loaded, _words_of(data, file_format, where, set_), steps)
        else:
            with tracked_run(name, f"spark-balance {name}") if is_logged else nullcontext():
                result = job.run(spark, loaded, name, dry_run or nowhere, steps, report, report_rows or 0)
        if save is not None:
            save_tables(save, loaded.to_tables(), name)
    if as_json:
        _echo(result.to_dict())
    else:
        results.show(result, verbose)
        if nowhere and name not in options.LOOKING:
            typer.echo("to write the rows, give --output PATH")


def compare(
    name: str, *, data: str, engine: str, as_json: bool, verbose: bool, set_: Words, conf: Words, log_json: str | None
) -> None:
    """Compare treatments, and write the pages."""
    from spark_balance.compare import job as compare_job
    from spark_balance.compare.job import CompareConfig

    with terminal.warnings_shown(), terminal.log_as_json(log_json, name), explain_failure(name):
        loaded = CompareConfig.load(data, set_ or ())
        steps = Steps(terminal.show_step)
        # spark-submit sends stderr to stdout too, where JSON must be alone
        lines = () if as_json else (terminal.show_line,)
        found, files = compare_job.compare(_open(name, engine, conf, steps), loaded, steps, *lines)
    if as_json:
        _echo({**found.to_dict(), "files": files}, indent=None)
    else:
        results.show_comparison(found, files, steps.seconds)


def stream(
    name: str,
    *,
    data: str,
    dry_run: bool,
    engine: str,
    as_json: bool,
    verbose: bool,
    set_: Words,
    conf: Words,
    log_json: str | None,
) -> None:
    """Balance what arrives, as a TOML file says."""
    with terminal.warnings_shown(), terminal.log_as_json(log_json, name), explain_failure(name):
        loaded = stream_job.StreamConfig.load(data, set_ or ())
        steps = Steps(terminal.show_step)
        chosen = choose_engine(engine).name
        # Sail streams no files
        engine = "spark" if (engine, chosen) == ("auto", "sail") else engine
        if chosen != "running":  # a query logs what it fails with, and it is said here too
            conf = ["spark.log.level=OFF", *(conf or ())]
        found = stream_job.run(_open(name, engine, conf, steps), loaded, dry_run, steps, terminal.show_line)
    if as_json:
        _echo(found.to_dict())
    else:
        results.show_stream(found)


def explain(
    name: str,
    *,
    data: str | None,
    engine: str,
    as_json: bool,
    set_: Words,
    conf: Words,
    rows: float | None,
    features: int | None,
    minority: float | None,
    cores: int | None,
) -> None:
    """Say what a run would do and cost."""
    loaded = JobConfig.load(data, set_ or ()) if data else None
    if rows is not None and engine != "auto":
        raise ConfigError(f"explain: --engine={engine} opens a session, which --rows does not need; leave it out")
    if rows is not None:
        sampler = look.explained_sampler(loaded) if loaded else SMOTE(label_col="label")
        table = (round(rows), 28 if features is None else features, 0.01 if minority is None else minority)
        cores = os.cpu_count() or 1 if cores is None else cores
        explanation = sampler.explain_sizes(*table, cores=cores)
    elif features is not None or minority is not None:
        raise ConfigError("explain: --features and --minority describe a table on paper; give its --rows too")
    elif loaded is None:
        raise ConfigError("explain: nothing to explain; give a configuration, or --rows for a table on paper")
    else:
        steps = Steps(terminal.show_step)
        explanation = look.explain(_open(name, engine, conf, steps), loaded, cores, steps)
    if as_json:
        _echo(explanation.to_dict())
    else:
        typer.echo(str(explanation))


def _show_input(loaded: JobConfig, frame: DataFrame) -> None:
    """Say how data were read, and which feature looks like a key if none was chosen."""
    terminal.show_input(loaded.input, frame)
    sampler = loaded.sampler
    if sampler is None or not sampler.uses_features or sampler.options.feature_cols is not None:
        return
    sampler.check(frame)
    used = sampler.features(frame)
    whole = [name for name in (used.names if used else ()) if isinstance(frame.schema[name].dataType, T.IntegralType)]
    first = to_arrow(frame.select([F.col(quoted(name)) for name in whole]).limit(_LOOKED_AT))
    for name in whole if first.num_rows >= _FEWEST else ():
        if len(first[name].unique()) == first.num_rows:
            terminal.show_line(
                f"warning: '{name}' is a feature, and its first {first.num_rows:,} values all differ, as those of a"
                f" key; give --key {name}, or the --features"
            )


def _refuse_unwritten(
    name: str, nowhere: bool, dry_run: bool, report: str | None, report_rows: int | None, mlflow: bool
) -> None:
    """Refuse what is about the rows that are written where none are, and rows for a page that is not asked for."""
    why = "nothing is written without --output; give it too" if nowhere else "--dry-run writes none; leave it out"
    for asked, does in ((report is not None, "--report describes"), (mlflow, "--mlflow logs")):
        if asked and (dry_run or nowhere):
            raise ConfigError(f"{name}: {does} the rows that are written, and {why}")
    if report_rows is not None and report is None:
        raise ConfigError(f"{name}: --report-rows={report_rows} is for the page of --report; give that too")


def _look(name: str, spark: SparkSession, loaded: JobConfig, source: str, steps: Steps) -> Any:
    """Return what a command that writes nothing finds."""
    return look.describe(spark, loaded, steps) if name == "describe" else look.advise(spark, loaded, source, steps)


def _words_of(data: str, file_format: str | None, where: str | None, set_: Words) -> str:
    """Return the words of the command line that say what was read."""
    given = [("--format", file_format), ("--where", where)]
    given += [("--set", one) for one in set_ or () if one.startswith("input.")]
    return shlex.join([data, *[word for option, value in given if value is not None for word in (option, value)]])


def _echo(said: dict[str, Any], indent: int | None = 2) -> None:
    typer.echo(json.dumps(said, indent=indent, default=str))


def _open(name: str, engine: str, conf: Words, steps: Steps) -> SparkSession:
    """Open the session, and say on which engine."""
    choice = choose_engine(engine)
    # spark-submit sends both streams to stdout, where JSON must be alone; and who submits knows the engine
    if choice.name != "running":
        terminal.show_line(f"engine: {choice.name} ({choice.why})")
    handler = signal.getsignal(signal.SIGINT)
    with steps.step("start"):
        session = open_session(engine, f"spark-balance {name}", _parse_properties(conf))
    signal.signal(signal.SIGINT, handler)  # Spark's own calls Spark, at any moment
    log_nothing_at_the_end()
    return session


def _parse_properties(words: Words) -> dict[str, str]:
    pairs = [word.partition("=") for word in words or ()]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise ConfigError(f"--conf {key}{equals}: give KEY=VALUE, such as spark.driver.memory=4g")
    return {key.strip(): value.strip() for key, _, value in pairs}
