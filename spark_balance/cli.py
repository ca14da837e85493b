"""The command line: what is typed becomes a job, what comes out becomes tables or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from spark_balance import compare_job, explain_job, job
from spark_balance.compare_config import CompareConfig
from spark_balance.config import JobConfig
from spark_balance.errors import SparkBalanceError
from spark_balance.log_lines import logged
from spark_balance.samplers.smote import SMOTE
from spark_balance.session import choose_engine, open_session
from spark_balance.steps import Steps
from spark_balance.terminal import RunningTasks, show, show_comparison
from spark_balance.watching import watched

COMMANDS = {
    "describe": "Count the classes of the input and tell the degree of imbalance.",
    "downsample": "Remove rows of large classes, as [sampler.random_under] says.",
    "upsample": "Repeat rows of small classes, as [sampler.random_over] says.",
    "smote": "Add synthetic rows to small classes, as [sampler.smote] says.",
    "weights": "Give every row the weight of its class, as [weights] says.",
    "balance": "Run whichever sampler the configuration names.",
}

ConfigFile = Annotated[
    Path, typer.Argument(help="TOML file with [input], [sampler.<name>] or [weights], and [output].")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override, as sampler.smote.k_neighbors=3.")
]
SparkConf = Annotated[
    list[str] | None, typer.Option("--conf", metavar="KEY=VALUE", help="Spark property of a session opened here.")
]
Report = Annotated[str | None, typer.Option("--report", metavar="OUT.html", help="Write a page about the run.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and its cost, and write nothing.")]
LogJson = Annotated[str | None, typer.Option("--log-json", metavar="FILE", help="Append a line of JSON for each step.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
EngineWish = Annotated[str, typer.Option("--engine", help="spark, connect, sail or auto.")]

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
_err = Console(stderr=True)


def _command(name: str) -> Callable[..., None]:
    def command(
        config: ConfigFile,
        set_: Overrides = None,
        conf: SparkConf = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
        engine: EngineWish = "auto",
        report: Report = None,
        log_json: LogJson = None,
    ) -> None:
        if report is not None and (dry_run or name == "describe"):
            why = "with --dry-run nothing is" if dry_run else "this command only counts"
            raise SparkBalanceError(f"{name}: --report tells of rows that were resampled; {why}, so leave --report out")
        with logged(log_json, name):
            wanted = JobConfig.load(config, set_ or ())
            steps = Steps(_spinner)
            spark = _started(name, engine, conf, steps)
            if name == "describe":
                result = job.describe(spark, wanted, steps)
            else:
                result = job.run(spark, wanted, name, dry_run, steps, report)
        if as_json:
            typer.echo(json.dumps(result.to_dict(), indent=2, default=str))
        else:
            show(result)

    return command


for _name, _help in COMMANDS.items():
    app.command(_name, help=_help)(_command(_name))


CompareFile = Annotated[
    Path, typer.Argument(help="TOML file with [input], [compare], [classifier.<name>], [[treatment]] and [report].")
]


@app.command()
def compare(
    config: CompareFile,
    set_: Overrides = None,
    conf: SparkConf = None,
    as_json: AsJson = False,
    engine: EngineWish = "auto",
    log_json: LogJson = None,
) -> None:
    """Compare treatments of the training rows on held-out folds, and write HTML, Markdown and JSON."""
    with logged(log_json, "compare"):
        wanted = CompareConfig.load(config, set_ or ())
        steps = Steps(_spinner)
        found, files = compare_job.compare(_started("compare", engine, conf, steps), wanted, steps)
    if as_json:
        typer.echo(json.dumps({**found.to_dict(), "files": files}, default=str))
        return
    show_comparison(found, files, steps.seconds)


def _started(name: str, engine: str, conf: list[str] | None, steps: Steps) -> SparkSession:
    """Open the session, and say on which engine."""
    choice = choose_engine(engine)
    # spark-submit sends both streams to stdout, where JSON must be alone; and who submits knows the engine
    if choice.name != "running":
        _err.print(f"engine: {choice.name} ({choice.why})", highlight=False, soft_wrap=True)
    with steps.step("start"):
        return open_session(engine, f"spark-balance {name}", _properties(conf or []))


@app.command("explain", help="Say what a run would do and cost, of the configured input or of a table of any size.")
def _explain(
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
    engine: EngineWish = "auto",
) -> None:
    wanted = JobConfig.load(config, set_ or ()) if config else None
    if rows is not None:
        sampler = explain_job.explained_by(wanted) if wanted else SMOTE(label_col="label")
        on = "spark" if engine == "auto" else engine
        table = (round(rows), 28 if features is None else features, 0.01 if minority is None else minority)
        said = sampler.explain_sizes(*table, cores=os.cpu_count() or 1 if cores is None else cores, engine=on)
    elif features is not None or minority is not None:
        raise SparkBalanceError("explain: --features and --minority tell of a table on paper; give its --rows too")
    elif wanted is None:
        raise SparkBalanceError(
            "explain: there is nothing to explain; give a configuration, or --rows for a table on paper"
        )
    else:
        spark = open_session(engine, "spark-balance explain", _properties(conf or []))
        said = explain_job.explain(spark, wanted, cores, Steps(_spinner))
    typer.echo(json.dumps(said.to_dict(), indent=2, default=str) if as_json else str(said))


def _properties(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise SparkBalanceError(f"--conf {key}{equals}: give KEY=VALUE, such as spark.driver.memory=4g")
    return {key.strip(): value.strip() for key, _, value in pairs}


@contextmanager
def _spinner(step: str, spark: SparkSession | None = None) -> Iterator[None]:
    # asked of the stream itself: FORCE_COLOR makes rich take a file for a terminal
    if not (sys.stderr.isatty() and _err.is_terminal):
        yield
        return
    with watched(spark) if spark else nullcontext(lambda: None) as tasks:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), RunningTasks(tasks), TimeElapsedColumn())
        with Progress(*columns, console=_err, transient=True) as shown:
            shown.add_task(step, total=None)
            yield
