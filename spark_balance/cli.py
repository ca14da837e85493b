"""The command line: what is typed becomes a job, what comes out becomes tables or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from spark_balance import job
from spark_balance.compare_config import CompareConfig
from spark_balance.config import JobConfig
from spark_balance.errors import SparkBalanceError
from spark_balance.report.comparison import SCORES, Comparison
from spark_balance.report.sentences import cells
from spark_balance.samplers.smote import SMOTE
from spark_balance.session import choose_engine, open_session
from spark_balance.summary import ClassCounts, ResamplingPlan

COMMANDS = {
    "describe": "Count the classes of the input and tell the degree of imbalance.",
    "downsample": "Remove rows of large classes, as [sampler.random_under] says.",
    "upsample": "Repeat rows of small classes, as [sampler.random_over] says.",
    "smote": "Add synthetic rows to small classes, as [sampler.smote] says.",
    "weights": "Give every row the weight of its class, as [weights] says.",
    "balance": "Run whichever sampler the configuration names.",
}
_MOST_ROWS = 50

ConfigFile = Annotated[
    Path, typer.Argument(help="TOML file with [input], [sampler.<name>] or [weights], and [output].")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override, as sampler.smote.k_neighbors=3.")
]
SparkConf = Annotated[
    list[str] | None, typer.Option("--conf", metavar="KEY=VALUE", help="Spark property of a session opened here.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
EngineWish = Annotated[str, typer.Option("--engine", help="spark, connect, sail or auto.")]

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
_out = Console()
_err = Console(stderr=True)


def _command(name: str) -> Callable[..., None]:
    def command(
        config: ConfigFile,
        set_: Overrides = None,
        conf: SparkConf = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
        engine: EngineWish = "auto",
    ) -> None:
        wanted = JobConfig.load(config, set_ or ())
        steps = job.Steps(_spinner)
        spark = _started(name, engine, conf, steps)
        if name == "describe":
            result = job.describe(spark, wanted, steps)
        else:
            result = job.run(spark, wanted, name, dry_run, steps)
        if as_json:
            typer.echo(json.dumps(result.to_dict(), indent=2, default=str))
        else:
            _show(result)

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
) -> None:
    """Compare treatments of the training rows on held-out folds, and write HTML, Markdown and JSON."""
    wanted = CompareConfig.load(config, set_ or ())
    steps = job.Steps(_spinner)
    found, files = job.compare(_started("compare", engine, conf, steps), wanted, steps)
    if as_json:
        typer.echo(json.dumps({**found.to_dict(), "files": files}, default=str))
        return
    for classifier in found.classifiers:
        _out.print(_compared(found, classifier))
    _out.print(f"report: {', '.join(files)}\n{_seconds(steps.seconds)}", highlight=False, soft_wrap=True)


def _started(name: str, engine: str, conf: list[str] | None, steps: job.Steps) -> SparkSession:
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
        sampler = job.explained_by(wanted) if wanted else SMOTE(label_col="label")
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
        said = job.explain(spark, wanted, cores, job.Steps(_spinner))
    typer.echo(json.dumps(said.to_dict(), indent=2, default=str) if as_json else str(said))


def _properties(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise SparkBalanceError(f"--conf {key}{equals}: give KEY=VALUE, such as spark.driver.memory=4g")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _spinner(step: str) -> AbstractContextManager[Any]:
    # asked of the stream itself: FORCE_COLOR makes rich take a file for a terminal
    if not (sys.stderr.isatty() and _err.is_terminal):
        return nullcontext()
    shown = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=_err, transient=True
    )
    shown.add_task(step, total=None)
    return shown


def _show(result: job.JobResult) -> None:
    _out.print(_counts("before", result.before))
    if result.plan:
        _out.print(_planned(result.plan))
    if result.after:
        _out.print(_counts("after", result.after))
        _out.print(f"output: {result.output}\nmanifest: {result.manifest}", highlight=False, soft_wrap=True)
    elif result.plan:
        _out.print("dry run: nothing was written")
    for name, value in result.notes.items():
        _out.print(f"{name}: {value}", highlight=False, soft_wrap=True)
    _out.print(_seconds(result.seconds), highlight=False, soft_wrap=True)


def _seconds(steps: dict[str, float]) -> str:
    took = ", ".join(f"{name} {seconds:.1f}" for name, seconds in steps.items())
    return f"seconds: {took}, all {sum(steps.values()):.1f}"


def _compared(found: Comparison, classifier: str) -> Table:
    # what 80 columns hold; the report has the rest
    shown = ("pr_auc", "recall", "precision", "expected_calibration_error")
    table = _table(
        f"{classifier}: means over {found.n_folds} folds",
        "treatment",
        *(SCORES[name] for name in shown),
        "seconds",
        "rows",
    )
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.no_wrap = True
    for line in found.of(classifier):
        scores = [f"{line.mean(name):.3f}" for name in shown]
        name = f"  {line.variant}" if line.variant else line.treatment
        table.add_row(escape(name), *scores, *cells(found, line)[-2:])
    return table


def _counts(when: str, counts: ClassCounts) -> Table:
    table = _table(f"{when}: {counts.headline}", counts.label_col, "rows", "share")
    for label, rows in list(counts.rows.items())[:_MOST_ROWS]:
        table.add_row(escape(str(label)), f"{rows:,}", f"{counts.shares[label]:.2%}")
    if counts.missing_rows:
        table.add_row("NULL or NaN", f"{counts.missing_rows:,}", "")
    return table


def _planned(plan: ResamplingPlan) -> Table:
    title = f"plan: {plan.method}, {plan.rows_before:,} rows to {plan.rows_after:,}"
    weight = ["weight"] if plan.weighted else []
    table = _table(title, *plan.within_cols, plan.label_col, "before", "after", "action", "rate", *weight)
    for entry in plan.classes[:_MOST_ROWS]:
        numbers = [f"{entry.before:,}", plan.after_text(entry), entry.action, f"{entry.rate:.4g}"]
        if plan.weighted:
            numbers.append(f"{entry.weight:.4g}")
        table.add_row(*[escape(str(value)) for value in (*entry.group, entry.label)], *numbers)
    if len(plan.classes) > _MOST_ROWS:
        table.caption = f"the first {_MOST_ROWS} of {len(plan.classes)}"
    if plan.missing_rows:
        table.add_row(
            *[""] * len(plan.within_cols), "NULL or NaN", f"{plan.missing_rows:,}", "", plan.missing_action, ""
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", min_width=len(title))
    for place, name in enumerate(columns):
        table.add_column(escape(name), justify="left" if place == 0 else "right")
    return table
