"""The commands and their options, as words alone, so that help starts at once; `commands` does what they say."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from spark_balance._methods import BUILT_IN, GROUP, SAMPLER_OF, spelled
from spark_balance._version import __version__

ABOUT = """Resample tables of imbalanced classes on Spark.

`spark-balance describe payments.csv --label is_fraud` counts the classes; `advise` says what to do about them;
`spark-balance smote payments.csv --label is_fraud --output balanced.csv --report report.html` balances them.

Data are a CSV, JSON or Parquet file or a folder of them; a TOML file in their place says all, and `--save` writes one.
"""
DATA = "A CSV, JSON or Parquet file or a folder of them; or a TOML file that says all."
JOB = "A TOML file with [input], [sampler.NAME] and [output]."
LOOK, RESAMPLE, REST = "Count and explain", "Resample", "Others"  # panels of commands
COLUMNS, METHOD, PLACES, RUN = "Columns", "Method", "Input and output", "Run"  # panels of options


def _option(kind: Any, words: str, about: str, panel: str = RUN, metavar: str | None = None, **rest: Any) -> Any:
    return Annotated[
        kind, typer.Option(words, help=about, rich_help_panel=panel, metavar=metavar, show_default=False, **rest)
    ]


def _argument(about: str, kind: Any = str) -> Any:
    return Annotated[kind, typer.Argument(help=about)]


Text, Texts = str | None, list[str] | None
SHARED = {
    "set_": _option(
        Texts, "--set", "Set a key of the TOML file, as in sampler.smote.k_neighbors=3.", metavar="KEY=VALUE"
    ),
    "conf": _option(Texts, "--conf", "Spark property of a session opened here.", metavar="KEY=VALUE"),
    "engine": _option(str, "--engine", "spark, connect, sail, or auto: Sail if it is installed, else Spark."),
    "as_json": _option(bool, "--json", "Print JSON and nothing else on stdout."),
}
LOGGED = {
    **SHARED,
    "log_json": _option(Text, "--log-json", "Append a line of JSON for each step.", metavar="FILE"),
    "verbose": _option(bool, "--verbose", "Say all that is known of the run."),
}
READ = {
    "file_format": _option(Text, "--format", "Format of the data, if no ending says it.", PLACES, "FORMAT"),
    "where": _option(Text, "--where", "Read only the rows of this SQL condition.", PLACES, "SQL"),
    "save": _option(Text, "--save", "Write a TOML file that does the same as these options.", PLACES, "JOB.toml"),
}
WRITTEN = {
    "output": _option(
        Text,
        "--output",
        "What to write: a .csv, .json or .parquet file, or a folder of Parquet. "
        "Without it the command shows plan and cost, and writes nothing.",
        PLACES,
        "PATH",
    ),
    "mode": _option(Text, "--mode", "What to do if the output exists.", PLACES, "[error|overwrite|append]"),
    "report": _option(Text, "--report", "Write a page about the run.", PLACES, "OUT.html"),
    "report_rows": _option(
        int | None,
        "--report-rows",
        "Show that many new rows on the page, beside the rows they are made of: they are your data.",
        PLACES,
        "N",
        min=0,
        max=1_000,
    ),
    "mlflow": _option(
        bool, "--mlflow", "Log input, output, plan and parameters to MLflow, and the page of --report.", PLACES
    ),
    "dry_run": _option(bool, "--dry-run", "Show plan and cost, and write nothing.", PLACES),
}
EXPLAIN = {
    "data": _argument("A TOML file; without one, SMOTE with its defaults.", Text),
    "rows": _option(float | None, "--rows", "Rows of a table on paper, as 1e9: no data is read.", min=2, max=1e15),
    "features": _option(int | None, "--features", "Its numeric features; 28 unless given."),
    "minority": _option(float | None, "--minority", "Share of the smaller of two classes; 0.01."),
    "cores": _option(int | None, "--cores", "Tasks that run at the same time; default this machine's."),
}
STREAM = {
    "data": _argument("A TOML file with [input], [sampler.NAME], [stream] and [output]."),
    "dry_run": WRITTEN["dry_run"],
}
COMPARE = _argument("A TOML file with [input], [compare], [classifier.NAME], [[treatment]] and [report].")


def make_app(words: Sequence[str]) -> typer.Typer:
    """Return the commands; those that these words, or a completion, name have options for their parameters."""
    asked = {word.replace("_", "-") for word in (*words, *_completed())}
    app = typer.Typer(
        help=ABOUT,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"token_normalize_func": spelled, "help_option_names": ["--help", "-h"]},
    )
    app.callback()(_main)

    def add(name: str, about: str, panel: str, options: Mapping[str, Any], sampler: str | None = None) -> None:
        own, epilog = _own(name, sampler, set(options)) if name in asked and name not in _PLAIN else ({}, None)
        # options are shown in panels, which come in this order
        columns = {key: one for key, one in own.items() if one.__metadata__[0].rich_help_panel == COLUMNS}
        method = {key: one for key, one in own.items() if key not in columns}
        places = {key: one for key, one in options.items() if key in READ or key in WRITTEN}
        options = {"data": _argument(DATA), **columns, **places, **method, **options}
        function = _function(name, _PLAIN.get(name, "run_job"), options, sampler, set(own))
        app.command(name, help=about, epilog=epilog, rich_help_panel=panel, no_args_is_help=name != "explain")(function)

    add("describe", "Count the classes and show the degree of imbalance.", LOOK, {**READ, **LOGGED})
    add("advise", "Say whether to resample at all, and what to do first.", LOOK, {**READ, **LOGGED})
    add(
        "explain", "Say what a run would do and cost, for data or for a table of any size.", LOOK, {**EXPLAIN, **SHARED}
    )
    about = "Compare treatments of the training rows on held-out folds, and write HTML, Markdown and JSON."
    add("compare", about, LOOK, {"data": COMPARE, **LOGGED})
    named = {**SAMPLER_OF, **{name.replace("_", "-"): name for name in BUILT_IN}}
    for name, sampler in named.items():
        add(name, BUILT_IN[sampler][1], RESAMPLE, {**READ, **WRITTEN, **LOGGED}, sampler)
    for point in entry_points(group=GROUP):
        name, about = point.name.replace("_", "-"), f"Run the method of {point.value}."
        add(name, about, RESAMPLE, {**READ, **WRITTEN, **LOGGED}, point.name)
    add("weights", "Give every row the weight of its class.", REST, {**READ, **WRITTEN, **LOGGED})
    add("stream", "Balance what arrives in a folder or a table, batch by batch.", REST, {**STREAM, **LOGGED})
    options = {name: one for name, one in {**READ, **WRITTEN, **LOGGED}.items() if name != "file_format"}
    add("balance", "Run the method that a TOML file names.", REST, {"data": _argument(JOB), **options})
    return app


_PLAIN = {
    "explain": "explain",
    "compare": "compare",
    "stream": "stream",
    "balance": "run_job",
}  # commands without a class of parameters


def _completed() -> list[str]:
    """Return the words that a shell asks to complete."""
    return " ".join(os.environ.get(name, "") for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")).split()


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spark-balance {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _function(
    name: str, does: str, options: Mapping[str, Any], sampler: str | None, own: set[str]
) -> Callable[..., None]:
    """Return the function of a command, with the signature that typer reads."""

    def command(**given: Any) -> None:
        from spark_balance.app import commands

        parameters = {one: given.pop(one) for one in own}
        getattr(commands, does)(
            name, **given, **({"sampler": sampler, "given": parameters} if does == "run_job" else {})
        )

    command.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(one, Parameter.POSITIONAL_OR_KEYWORD, annotation=kind, **_default(one, kind))
            for one, kind in options.items()
        ]
    )
    command.__annotations__ = dict(options)
    return command


def _default(name: str, kind: Any) -> dict[str, Any]:
    meant = kind.__origin__
    if meant is str:
        return {"default": "auto"} if name == "engine" else {}
    return {"default": False if meant is bool else None}


def _own(name: str, sampler: str | None, taken: set[str]) -> tuple[dict[str, Any], str]:
    """Return an option for each parameter of what a command runs, and an example."""
    from spark_balance.app import options

    kind, found = options.kind_of(name, sampler), {}
    for one in options.options_of(kind):
        # where the command has an option of this name, that of the parameter is longer
        key = f"sampler_{one.parameter}" if one.parameter in taken else one.parameter
        found[key] = _option(
            Text,
            f"--{spelled(key)}",
            one.about + one.default_text,
            COLUMNS if one.parameter.endswith(("_col", "_cols")) else METHOD,
            one.metavar,
            autocompletion=one.complete if one.words else None,
        )
    return found, f"Example: {options.example_of(name, kind)}"
