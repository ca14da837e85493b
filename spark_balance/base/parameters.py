"""Parameters of samplers: their types, and how refusals, TOML and docstrings write them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from typing_extensions import Self

from spark_balance.base.docstrings import docstring_of, signature_of
from spark_balance.errors import ParameterError, nearest_name
from spark_balance.frames.arguments import as_python, describe_refusal, shortened
from spark_balance.frames.habits import METHODS
from spark_balance.frames.labelsets import class_column, with_classes
from spark_balance.neighbors.cells import MAX_WORK, RECALL, TASK_MB

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def _names(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _by_label(value: str) -> BeforeValidator:
    """Take the list of {label, value} tables that TOML has for a dict of labels."""

    def taken(given: object) -> object:
        if (
            isinstance(given, list | tuple)
            and given
            and all(isinstance(one, Mapping) and set(one) == {"label", value} for one in given)
        ):
            labels = [one["label"] for one in given]
            for label in labels:
                if labels.count(label) > 1:
                    raise ValueError(f"class {label!r} is given twice; name each class once")
            return {one["label"]: one[value] for one in given}
        return tuple(given) if isinstance(given, list) else given

    return BeforeValidator(taken)


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Missing = Literal["error", "ignore", "drop"]
Wish = Annotated[Any, _by_label("rows")]
Weighting = Annotated[Any, _by_label("weight")]
ClassRows = Annotated[int, Field(ge=2, strict=True)]
Sought = Annotated[int, Field(ge=1, strict=True)] | Literal["shrink"]
Singletons = Literal["error", "replicate", "leave"]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Shrinkage = Annotated[NotNegative | dict[Any, NotNegative] | None, _by_label("shrinkage")]


@dataclass(frozen=True)
class Options:
    """The parameters that the nodes of a recipe read, whatever method has them.

    Parameters
    ----------
    feature_cols : tuple of str, optional
        Numeric columns, arrays of numbers or vectors; default every numeric column without another role.
    recall : float, default 0.99
        Share of the true neighbors that a search should find: cells, halo rows and comparisons follow from it.
    max_work : int, default 16,000
        Comparisons of a row, on average, at most; a `RecallWarning` says where more would be needed.
    task_memory_mb : int, default 1,000
        Memory that a task of a search may take, its Python worker included: the largest cells and their halo follow.
    cell_rows : int, optional
        Rows of a cell; default 65,536 at 28 features, up to 196,608 in large classes, and 52,795 at 768
        floats.
    scale : bool, default True
        Divide each feature by its standard deviation in the rows that are searched, as scikit-learn's `StandardScaler`
        does, for the distance alone; of more than 256 features by that in the driver's sample. imbalanced-learn never
        does.
    metric : {'euclidean', 'cosine'}
        'cosine' measures the angle between rows as they are, and `scale` does nothing then: for the search, rows are
        brought to one length; a row of zeros is refused.
    missing : {'error', 'ignore', 'drop'}
        What to do where a feature is NULL or NaN. 'error' refuses such rows among those that are searched. 'ignore'
        measures the distance over the features that both rows have, squared and times all features by these, as
        scikit-learn's `nan_euclidean_distances`; rows without a common feature are farther than all others. A new row
        has what its base or neighbor alone has, and NULL (NaN in what may not be NULL) where neither has it. All pairs
        of a cell are compared then, and cells have at most 16,384 rows unless `cell_rows` says more. 'drop' resamples
        the table without such rows, of any class: as with `null_label`, they leave the output and the plan.
    provenance_col : str, optional
        Add this column: a struct of `kind` ('original', 'replica' or 'synthetic'), `base` and `neighbor` (structs of
        the key columns, or of the identity hash without a key) and `gap` (double), NULL where they do not apply.
    passthrough : {'null', 'base'} or tuple of str
        What columns that are not features hold in a new row: NULL, the base's value, or
        the base's value in the named columns and NULL in the others.
    target_col : str
        Column with the number that is predicted: a new row has a value of its own in it.
    min_class_rows : int, optional
        Refuse to make rows of a class with fewer rows (in a group, with `within_cols`): new rows would give them
        away. A new row says something of the rows that it is made of: docs/privacy.md.
    singletons : {'error', 'replicate', 'leave'}
        What happens to a class of one row (in a group, with `within_cols`), which has no neighbor: it is refused, its
        row is repeated, or the class stays as it is.
    """

    feature_cols: tuple[str, ...] | None = None
    cell_rows: int | None = None
    recall: float = RECALL
    max_work: int = MAX_WORK
    task_memory_mb: int = TASK_MB
    scale: bool = True
    metric: Literal["euclidean", "cosine"] = "euclidean"
    missing: Missing = "error"
    output: Literal["all", "added", "removed_keys"] = "all"
    provenance_col: str | None = None
    passthrough: Literal["null", "base"] | tuple[str, ...] = "null"
    min_class_rows: int | None = None
    singletons: Singletons = "error"
    target_col: str | None = None

    def passes(self, name: str) -> bool:
        """Return whether a new row takes the value of its base in a column."""
        return self.passthrough == "base" or (self.passthrough != "null" and name in self.passthrough)


class Parameters(BaseModel):
    """Parameters that refuse in one sentence what they cannot be, and that TOML can carry."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: ClassVar[str] = "Parameters"  # of the class: how errors, plans and reports call the method
    absent: ClassVar[Mapping[str, str]] = {}  # parameters that people look for here, and why they are absent
    offered: ClassVar[tuple[str, ...]] = ("replace", "to_toml_dict")  # what `dir` lists beside the parameters
    instead: ClassVar[Mapping[str, str]] = METHODS  # that other libraries have, and what to write here
    if TYPE_CHECKING:
        label_col: str

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Name a method by its class, unless it has a name, and say all parameters in its docstring and signature."""
        cls.name = vars(cls).get("name", cls.__name__)
        cls.__doc__ = docstring_of(cls, Options)
        cls.__signature__ = signature_of(cls)

    def __init__(self, *unnamed: Any, **parameters: Any) -> None:
        if unnamed:
            given = ", ".join(map(shortened, unnamed))
            first = "target_col" if "target_col" in type(self).model_fields else "label_col"
            raise ParameterError(
                f"{self.name}: each parameter needs its name; write {self.name}({first}=..., ...) instead of "
                f"{self.name}({given})"
            )
        try:
            super().__init__(**{name: as_python(one) for name, one in parameters.items()})
        except ValidationError as error:
            known = list(type(self).model_fields)
            raise ParameterError(describe_refusal(self.name, known, error, self.absent)) from None

    @property
    def options(self) -> Options:
        """The parameters that the nodes of a recipe read: those that are there."""
        return Options(**{name: value for name, value in vars(self).items() if name in Options.__dataclass_fields__})

    def fitted(self, df: "DataFrame") -> Self:
        """Return the same with all said that it takes from a frame, such as the control points of a relevance."""
        return self

    @property
    def class_col(self) -> str:
        """The column that its classes are counted by: `label_col`, or one that is derived."""
        return class_column(self.label_col)

    def labelled(self, df: "DataFrame") -> "DataFrame":
        """Return a frame with the column that its classes are counted by, where that is derived from others."""
        return with_classes(self.name, df, self.label_col)

    def unlabelled(self, df: "DataFrame") -> "DataFrame":
        """Return a frame without the set of labels that was derived from several columns."""
        return df if self.class_col == self.label_col else df.drop(self.class_col)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some parameters changed, which are checked as those of a new one."""
        return type(self)(**{**given_to(self), **changes})

    def __replace__(self, **changes: Any) -> Self:
        return self.replace(**changes)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Refuse to copy parameters without a check."""
        changes = ", ".join(f"{name}={shortened(value)}" for name, value in (update or {}).items())
        raise ParameterError(f"{self.name}: model_copy does not check parameters; write replace({changes})")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):  # an attribute of a class of the user's
            return super().__setattr__(name, value)
        fields = list(type(self).model_fields)
        if name in fields:
            change = f"; make another one with replace({name}={shortened(value)})"
        else:
            change = f", and '{name}' is not one{nearest_name(name, fields)}"
        raise ParameterError(f"{self.name}: parameters do not change{change}")

    def __delattr__(self, name: str) -> None:
        raise ParameterError(f"{self.name}: parameters do not change; '{name}' stays")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in self.instead:
                return super().__getattr__(name)
            raise AttributeError(f"{self.name} has no method '{name}'; write {self.instead[name]}")

    def __dir__(self) -> list[str]:
        return [*type(self).model_fields, *self.offered]

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return given_to(self).items()

    def __str__(self) -> str:
        return repr(self)

    def to_toml_dict(self) -> dict[str, Any]:
        """Return the parameters that are not at their default, as TOML can carry them."""
        return toml_of(self.name, given_to(self))

    @classmethod
    def from_toml_dict(cls, parameters: Mapping[str, Any]) -> Self:
        """Make the same from a TOML table."""
        return cls(**parameters)


def given_to(model: BaseModel) -> dict[str, Any]:
    """Return the parameters that a model was given, in the order of its fields: a set has another in each process."""
    return {name: getattr(model, name) for name in type(model).model_fields if name in model.model_fields_set}


def toml_of(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as TOML can carry them: dicts of labels as lists of tables, no None."""
    for name in ("sampling_strategy", "strategy", "relevance"):
        if callable(given.get(name)):
            instead = "control points" if name == "relevance" else "a dict"
            raise ParameterError(f"{method}: a callable {name} cannot be written to TOML; use {instead}")
    for name, value in given.items():
        if not name.endswith("estimator") or value is None or isinstance(value, int):
            continue
        raise ParameterError(
            f"{method}: {name}={value!r} is an object, which cannot be written to TOML; leave it out "
            "for the default, or make the sampler in Python"
        )
    carried: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            column = {"sampling_strategy": "rows", "strategy": "weight"}.get(name, name)
            # no table at all would be an empty list, which is another wish
            carried[name] = [{"label": label, column: one} for label, one in value.items()] or {}
        elif value is not None:
            carried[name] = list(value) if isinstance(value, tuple) else value
    return carried
