"""The pages of every table and key of TOML files, and of every option of the commands, made of the code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from typer.main import get_command

from spark_balance._methods import BUILT_IN, SAMPLER_OF, spelled
from spark_balance.app.cli import make_app
from spark_balance.app.config import Advise, Describe
from spark_balance.app.controls import Controls
from spark_balance.app.options import kind_of
from spark_balance.app.storage import Pages, Sink, Source
from spark_balance.app.stream_job import Stream
from spark_balance.app.verify import Verify
from spark_balance.app.windows import Windows
from spark_balance.base.docstrings import described
from spark_balance.base.registry import registered
from spark_balance.base.sampler import Sampler
from spark_balance.compare.measure import Treatment
from spark_balance.compare.table import Setup
from spark_balance.compare.trainers import CLASSIFIERS
from spark_balance.ml.weights import ClassWeighter

FILES = """# TOML files

A job is a TOML file of tables; `spark-balance METHOD payments.csv ... --save job.toml` writes one, and
`conf/jobs` has one of each kind. This page is made of the code: a key that is not here is refused.

```toml
[input]
path = "payments.parquet"

[sampler.smote]
label_col = "is_fraud"
key_cols = ["payment_id"]

[output]
path = "balanced.parquet"
```

A job has `[input]`, one of `[sampler.<name>]`, `[weights]`, `[describe]` and `[advise]`, `[output]` where it writes,
`[run]` if the run has limits, `[verify]` if its new rows have some, and `[windows]` if its rows are steps of windows. A
stream has `[input]`, `[sampler.<name>]`, `[stream]` and `[output]`. A comparison has `[input]`, `[compare]`,
`[classifier.<name>]`, one `[[treatment]]` or more, and `[report]`. On the command line, `--set run.tasks=8` sets a key
of any table.

"""
OPTIONS = """# Options of the commands

`spark-balance COMMAND --help` shows the options of one command. This page has those of all; it is made of the code.
An option of a method is a parameter of its class, whose page explains it in full.

"""
HEAD = "| key | value | default | meaning |\n|---|---|---|---|\n"


def pages() -> dict[str, tuple[str, str, str]]:
    """Return by path the section, the title and the text of each page."""
    return {
        "api/toml-files.md": ("", "TOML files", FILES + "\n".join(_tables())),
        "api/options.md": ("", "Command-line options", OPTIONS + "".join(_commands())),
    }


def table_models() -> dict[str, type[BaseModel]]:
    """Return what each table of a TOML file is, except those of samplers."""
    jobs: dict[str, type[BaseModel]] = {
        "input": Source,
        "output": Sink,
        "run": Controls,
        "verify": Verify,
        "windows": Windows,
        "weights": ClassWeighter,
        "describe": Describe,
        "advise": Advise,
    }
    classifiers = {f"classifier.{name}": kind for name, kind in CLASSIFIERS.items()}
    return {**jobs, "stream": Stream, "compare": Setup, **classifiers, "[treatment]": Treatment, "report": Pages}


def commands() -> dict[str, Any]:
    """Return the commands with all their options, by name."""
    named = [*SAMPLER_OF, *BUILT_IN, "weights", "describe", "advise"]
    found: dict[str, Any] = get_command(make_app(named)).commands  # type: ignore[attr-defined]
    return found


def _tables() -> Iterator[str]:
    for name, model in table_models().items():
        yield f"## [{name}]\n\n{_intro(model)}\n{HEAD}{''.join(_rows(model))}"
    yield (
        "## [sampler.&lt;name&gt;]\n\nThe keys are the parameters of the class. "
        "Samplers take these, unless their row below says not:\n\n"
        + HEAD
        + "".join(_rows(Sampler))
        + "\nEach method takes these besides; its page says what they mean:\n\n"
        + "| table | class | keys |\n|---|---|---|\n"
        + "".join(_samplers())
    )


def _intro(model: type[BaseModel]) -> str:
    text = (model.__doc__ or "").split("\n\n")[0]
    text = re.sub(r"^The table ``[^`]*``: (.)", lambda found: found[1].upper(), text)
    return " ".join(text.split()).replace("``", "`") + "\n"


def _rows(model: type[BaseModel]) -> Iterator[str]:
    said: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        said |= described(parent)
    for key, field in model.model_fields.items():
        name = field.alias or key
        default = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        yield f"| `{name}` | {_value(field.annotation)} | {default} | {_cell(said[name])} |\n"


def _samplers() -> Iterator[str]:
    for name, kind in registered().items():
        own = [key for key in kind.model_fields if key not in Sampler.model_fields]
        lacks = [key for key in Sampler.model_fields if key not in kind.model_fields]
        keys = ", ".join(f"`{key}`" for key in own)
        keys += f"; not {', '.join(f'`{key}`' for key in lacks)}" if lacks else ""
        yield f"| `[sampler.{name}]` | [{kind.__name__}]({kind.__name__}.md) | {keys} |\n"


def _shown(default: Any) -> str:
    if default is None or default in ((), {}):
        return ""
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


def _value(annotation: Any) -> str:
    """Return the values that a key takes, in words."""
    parts = [one for one in _parts(annotation) if one is not type(None)]
    words = [word for one in parts if get_origin(one) is Literal for word in get_args(one)]
    kinds = {bool: "true or false", int: "whole number", float: "number", str: "text", dict: "table", Any: "any"}
    named = [kinds.get(get_origin(one) or one, "list" if get_origin(one) is tuple else "table") for one in parts]
    plain = [name for one, name in zip(parts, named, strict=True) if get_origin(one) is not Literal]
    return " or ".join(dict.fromkeys([*(f"`{word}`" for word in words), *plain]))


def _parts(annotation: Any) -> Iterable[Any]:
    if hasattr(annotation, "__metadata__"):
        return _parts(annotation.__origin__)
    if get_origin(annotation) in (dict, tuple, Literal) or not get_args(annotation):
        return [annotation]
    return [part for one in get_args(annotation) for part in _parts(one)]


def _commands() -> Iterator[str]:
    found = commands()
    by_option: dict[tuple[str, str, str], list[str]] = {}
    for name, command in found.items():
        for one in command.params:
            if one.param_type_name == "option":
                by_option.setdefault((one.opts[0], one.metavar or "", one.help or ""), []).append(name)
    yield "## Commands\n\n| command | what it does | options of its own |\n|---|---|---|\n"
    shared = {words for words, names in by_option.items() if len(names) >= len(BUILT_IN)}
    for name, command in found.items():
        options = [one for one in command.params if one.param_type_name == "option"]
        own = [one.opts[0] for one in options if (one.opts[0], one.metavar or "", one.help or "") not in shared]
        yield f"| {_command(name)} | {_cell(command.help)} | {', '.join(f'`{one}`' for one in own)} |\n"
    head = "| option | value | meaning |\n|---|---|---|\n"
    yield f"\n## Options that most commands take\n\n{head}"
    yield from (_option(words) for words in by_option if words in shared)
    yield "\n## Options of some commands\n\n| option | value | meaning | commands |\n|---|---|---|---|\n"
    for words, names in sorted(by_option.items()):
        if words not in shared:
            yield f"{_option(words).rstrip()} {', '.join(f'`{name}`' for name in names)} |\n"
    yield (
        "\n## How a parameter is spelled\n\n"
        f"`label_col` is `--{spelled('label_col')}`, `feature_cols` is `--{spelled('feature_cols')}`, and a parameter "
        "that has the name of an option of the command has a prefix: `--sampler-output added`. See "
        "[the command](../command-line.md#options).\n"
    )


def _command(name: str) -> str:
    sampler = SAMPLER_OF.get(name, name.replace("-", "_"))
    linked = sampler in BUILT_IN
    return f"[`{name}`]({kind_of(name, sampler).__name__}.md)" if linked else f"`{name}`"


def _option(words: tuple[str, str, str]) -> str:
    option, value, about = words
    shown = f"`{value.strip('[]')}`".replace("|", "`, `") if value.startswith("[") else value and f"`{value}`"
    return f"| `{option}` | {shown} | {_cell(about)} |\n"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("``", "`").replace("|", "\\|")
