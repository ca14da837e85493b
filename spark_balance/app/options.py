"""The options of a command, made of the parameters of what it runs, and the tables of a TOML file made of options."""

import re
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import tomli
from pydantic import BaseModel

from spark_balance._methods import spelled
from spark_balance.app.config import Advise, Describe, Table
from spark_balance.app.storage.names import sink_of
from spark_balance.base.docstrings import described
from spark_balance.base.registry import registered
from spark_balance.base.sampler import Sampler
from spark_balance.errors import ConfigError
from spark_balance.ml.weights import ClassWeighter

_KNOWN: dict[str, type[BaseModel]] = {"describe": Describe, "advise": Advise, "weights": ClassWeighter}
LOOKING = ("describe", "advise")  # commands that write nothing
# how an example gives a parameter to a method that has it
_EXAMPLES = {
    "steps": "--steps random_under,smote",
    "feature_cols": "--features amount,age",
    "categorical_features": "--categorical-features country",
}


class Option(NamedTuple):
    """An option for a parameter."""

    parameter: str
    about: str
    kind: Literal["text", "names", "value"]
    default: Any
    words: tuple[str, ...]  # the texts among the values that it may have
    others: bool  # whether it may have other values
    single: bool = False  # whether one name stands for itself

    @property
    def metavar(self) -> str | None:
        """What help shows for the value."""
        if self.words and self.kind == "value":
            return f"[{'|'.join([*self.words, *(['VALUE'] if self.others else [])])}]"
        return {"text": "COLUMN", "names": "COLUMN,...", "value": "VALUE"}[self.kind]

    @property
    def default_text(self) -> str:
        """The default, as help says it."""
        shown = str(self.default).lower() if isinstance(self.default, bool) else self.default
        return "" if shown in (None, ()) else f" Default: {shown}."

    def complete(self, incomplete: str) -> list[str]:
        """Return the words that a shell proposes."""
        return [word for word in self.words if word.startswith(incomplete)]

    def read(self, text: str) -> Any:
        """Return the value that a word of the command line means: TOML, names with commas, or a text."""
        if self.kind == "text" or (text in self.words and self.words != ("true", "false")):
            return text
        if self.kind == "names" and not text.startswith("["):
            names = [name.strip() for name in text.split(",") if name.strip()]
            return names[0] if self.single and len(names) == 1 else names
        try:
            return tomli.loads(f"value = {text}")["value"]
        except (tomli.TOMLDecodeError, RecursionError):
            return _by_label(text) if "=" in text else _named_steps(text) if self.parameter == "steps" else text


def kind_of(command: str, sampler: str | None) -> type[BaseModel]:
    """Return the class whose parameters a command takes."""
    known: type[BaseModel] = _KNOWN[command] if sampler is None else registered()[sampler]
    return known


def options_of(kind: type[BaseModel]) -> list[Option]:
    """Return an option for each parameter of a class: those that are required, then its own before inherited ones."""
    texts, found = described(kind), []
    for name, field in sorted(
        kind.model_fields.items(), key=lambda one: (not one[1].is_required(), _depth(kind, one[0]))
    ):
        parts = list(_parts(field.annotation))
        words = tuple(one for part in parts if get_origin(part) is Literal for one in get_args(part))
        words = ("true", "false") if bool in parts else tuple(one for one in words if isinstance(one, str))
        plain = [part for part in parts if get_origin(part) is not Literal]
        how: Literal["text", "names", "value"] = "value"
        if plain == [str]:
            how = "text"
        elif tuple[str, ...] in plain:
            how = "names"
        default = None if field.is_required() else field.default
        about = re.split(r"(?<=\.)\s+", texts.get(name, ""), maxsplit=1)[0].replace("`", "")
        others = not words or (bool(plain) and bool not in parts)
        found.append(Option(name, about, how, default, words, others, str in plain))
    return found


def example_of(command: str, kind: type[BaseModel]) -> str:
    """Return a command of this kind that runs on a table with these columns."""
    column = column_of(kind)
    predicted = "is_fraud" if column == "label_col" else "amount"
    has = [text for name, text in _EXAMPLES.items() if name in kind.model_fields]
    if issubclass(kind, Sampler) and "feature_cols" in kind.model_fields:
        has = has if kind(**{column: predicted}).uses_features else []
    has = [one.replace("amount,", "") for one in has] if column == "target_col" else has
    rest = [] if command in LOOKING else [*has, "--output balanced.parquet"]
    return " ".join(["spark-balance", command, "payments.csv", f"--{spelled(column)} {predicted}", *rest])


def column_of(kind: type[BaseModel]) -> str:
    """Return the parameter that names what is resampled by: the label, or the target of a regression."""
    return "target_col" if "target_col" in kind.model_fields else "label_col"


def read_all(kind: type[BaseModel], given: Mapping[str, Any]) -> Table:
    """Return the parameters that options give: under their name, or a longer one where the command has an option."""
    found = {}
    for one in options_of(kind):
        value = given.get(one.parameter, given.get(f"sampler_{one.parameter}"))
        if value is not None:
            found[one.parameter] = one.read(value)
    return found


def parameters_in(tables: Table, path: tuple[str, ...]) -> Table:
    """Return a table of these tables, which is made if it is missing."""
    inside = tables
    for name in path:
        inside = inside.setdefault(name, {})
        if not isinstance(inside, dict):
            raise ConfigError(f"config: {name}={inside!r} is a value; make it a table [{name}]")
    return inside


def table_of(name: str, sampler: str | None) -> tuple[str, ...]:
    """Return the name of the table that holds the parameters of a command."""
    return (name,) if sampler is None else ("sampler", sampler)


def lay_over_input(
    tables: Table,
    name: str,
    sampler: str | None,
    given: Mapping[str, Any],
    is_file: bool,
    where: str | None,
    output: str | None,
    mode: str | None,
    mlflow: bool,
) -> Table:
    """Lay what the options give over the tables of the input."""
    if name != "balance":
        parameters = read_all(kind_of(name, sampler), given)
        if parameters or not is_file:
            parameters_in(tables, table_of(name, sampler)).update(parameters)
    if where is not None:
        parameters_in(tables, ("input",))["where"] = where
    if mlflow:
        parameters_in(tables, ("run",))["mlflow"] = True
    if output is not None or mode is not None:
        sink = parameters_in(tables, ("output",))
        if output is not None:
            sink.pop("table", None)
            sink.update(sink_of(output, mode))
        if mode is not None:
            sink["mode"] = mode
    return tables


def _parts(annotation: Any) -> Iterable[Any]:
    """Yield the types of a union, without None and without what validates them."""
    if get_origin(annotation) is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _parts(part)
    elif annotation is not NoneType:
        yield annotation


def _depth(kind: type[BaseModel], name: str) -> int:
    """Return how far above a class a parameter is declared first."""
    return max(place for place, one in enumerate(kind.__mro__) if name in vars(one).get("__annotations__", {}))


def _by_label(text: str) -> Any:
    """Return the dict that ``label=rows,label=rows`` means."""
    pairs = [one.partition("=") for one in re.split(r",\s*", text)]
    return {_value(label.strip()): _value(rows.strip()) for label, _, rows in pairs}


def _named_steps(text: str) -> list[Table]:
    return [{name.replace("-", "_"): {}} for name in text.split(",") if name]


def _value(text: str) -> Any:
    try:
        return tomli.loads(f"value = {text}")["value"]
    except tomli.TOMLDecodeError:
        return text
