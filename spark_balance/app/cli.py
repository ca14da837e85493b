"""Class-imbalance resampling on Spark: each command runs one job of a TOML file and prints tables or JSON."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pyspark.sql import SparkSession

from spark_balance.app import job
from spark_balance.app.config import JobConfig
from spark_balance.app.session import choose_engine, open_session
from spark_balance.app.steps import Steps, explain_failure
from spark_balance.app.terminal import log_as_json, show, show_comparison, show_engine, show_step
from spark_balance.errors import ConfigError
from spark_balance.over_sampling.smote import SMOTE

COMMANDS = {
    "describe": "Count the classes of the input and show the degree of imbalance.",
    "downsample": "Remove rows of large classes, as [sampler.random_under] says.",
    "upsample": "Repeat rows of small classes, as [sampler.random_over] says.",
    "smote": "Add synthetic rows to small classes, as [sampler.smote] says.",
    "weights": "Give every row the weight of its class, as [weights] says.",
    "balance": "Run the sampler that the configuration names.",
}

ConfigFile = Annotated[
    Path, typer.Argument(help="TOML file with [input], [sampler.<name>] or [weights], and [output].")
]
CompareFile = Annotated[
    Path, typer.Argument(help="TOML file with [input], [compare], [classifier.<name>], [[treatment]] and [report].")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key: sampler.smote.k_neighbors=3.")
]
SparkConf = Annotated[
    list[str] | None, typer.Option("--conf", metavar="KEY=VALUE", help="Spark property of a session opened here.")
]
Report = Annotated[str | None, typer.Option("--report", metavar="OUT.html", help="Write a page about the run.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and its cost, and write nothing.")]
LogJson = Annotated[str | None, typer.Option("--log-json", metavar="FILE", help="Append a line of JSON for each step.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
EngineOption = Annotated[str, typer.Option("--engine", help="spark, connect, sail or auto.")]

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _make_command(name: str) -> Callable[..., None]:
    def command(
        config: ConfigFile,
        set_: Overrides = None,
        conf: SparkConf = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
        engine: EngineOption = "auto",
        report: Report = None,
        log_json: LogJson = None,
    ) -> None:
        if report is not None and (dry_run or name == "describe"):
            why = "--dry-run writes none" if dry_run else "this command only counts"
            raise ConfigError(f"{name}: --report describes resampled rows and {why}; leave --report out")
        with log_as_json(log_json, name), explain_failure(name):
            loaded = JobConfig.load(config, set_ or ())
            steps = Steps(show_step)
            spark = _open(name, engine, conf, steps)
            if name == "describe":
                result = job.describe(spark, loaded, steps)
            else:
                result = job.run(spark, loaded, name, dry_run, steps, report)
        if as_json:
            _echo(result.to_dict())
        else:
            show(result)

    return command


for _name, _help in COMMANDS.items():
    app.command(_name, help=_help)(_make_command(_name))


@app.command()
def compare(
    config: CompareFile,
    set_: Overrides = None,
    conf: SparkConf = None,
    as_json: AsJson = False,
    engine: EngineOption = "auto",
    log_json: LogJson = None,
) -> None:
    """Compare treatments of the training rows on held-out folds, and write HTML, Markdown and JSON."""
    from spark_balance.compare import job as compare_job
    from spark_balance.compare.job import CompareConfig

    with log_as_json(log_json, "compare"), explain_failure("compare"):
        loaded = CompareConfig.load(config, set_ or ())
        steps = Steps(show_step)
        found, files = compare_job.compare(_open("compare", engine, conf, steps), loaded, steps)
    if as_json:
        _echo({**found.to_dict(), "files": files}, indent=None)
    else:
        show_comparison(found, files, steps.seconds)


@app.command()
def explain(
    config: Annotated[Path | None, typer.Argument(help="TOML file; without one, SMOTE with its defaults.")] = None,
    set_: Overrides = None,
    conf: SparkConf = None,
    rows: Annotated[
        float | None, typer.Option(min=2, max=1e15, help="Rows of a table on paper, as 1e9: no data is read.")
    ] = None,
    features: Annotated[int | None, typer.Option(help="Its numeric features; 28 unless given.")] = None,
    minority: Annotated[float | None, typer.Option(help="Share of the smaller of two classes; 0.01.")] = None,
    cores: Annotated[int | None, typer.Option(help="Tasks that run at the same time; default this machine's.")] = None,
    as_json: AsJson = False,
    engine: EngineOption = "auto",
) -> None:
    """Say what a run would do and cost, for the configured input or for a table of any size."""
    loaded = JobConfig.load(config, set_ or ()) if config else None
    if rows is not None and engine != "auto":
        raise ConfigError(f"explain: --engine={engine} opens a session, which --rows does not need; leave it out")
    if rows is not None:
        sampler = job.explained_sampler(loaded) if loaded else SMOTE(label_col="label")
        table = (round(rows), 28 if features is None else features, 0.01 if minority is None else minority)
        cores = os.cpu_count() or 1 if cores is None else cores
        explanation = sampler.explain_sizes(*table, cores=cores)
    elif features is not None or minority is not None:
        raise ConfigError("explain: --features and --minority describe a table on paper; give its --rows too")
    elif loaded is None:
        raise ConfigError("explain: nothing to explain; give a configuration, or --rows for a table on paper")
    else:
        steps = Steps(show_step)
        explanation = job.explain(_open("explain", engine, conf, steps), loaded, cores, steps)
    if as_json:
        _echo(explanation.to_dict())
    else:
        typer.echo(str(explanation))


def _echo(said: dict[str, Any], indent: int | None = 2) -> None:
    typer.echo(json.dumps(said, indent=indent, default=str))


def _open(name: str, engine: str, conf: list[str] | None, steps: Steps) -> SparkSession:
    """Open the session, and say on which engine."""
    choice = choose_engine(engine)
    # spark-submit sends both streams to stdout, where JSON must be alone; and who submits knows the engine
    if choice.name != "running":
        show_engine(choice.name, choice.why)
    handler = signal.getsignal(signal.SIGINT)
    with steps.step("start"):
        session = open_session(engine, f"spark-balance {name}", _parse_properties(conf))
    signal.signal(signal.SIGINT, handler)  # Spark's own calls Spark, at any moment
    return session


def _parse_properties(words: list[str] | None) -> dict[str, str]:
    pairs = [word.partition("=") for word in words or ()]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise ConfigError(f"--conf {key}{equals}: give KEY=VALUE, such as spark.driver.memory=4g")
    return {key.strip(): value.strip() for key, _, value in pairs}
