"""A comparison as a TOML file: what to read, which folds, classifiers and treatments, where to write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from spark_balance.config import Table, check_keys, lay_over, named_sampler, parsed, validated, weighter
from spark_balance.errors import SparkBalanceError
from spark_balance.ml.folds import Setup
from spark_balance.ml.trainers import CLASSIFIERS, Classifier
from spark_balance.ml.treatments import Treatment
from spark_balance.storage import Pages, Source


class CompareConfig(BaseModel):
    """One comparison.

    Attributes
    ----------
    input : Source
        Table ``[input]``.
    setup : Setup
        Table ``[compare]``: label, features, folds.
    classifiers : dict of str to Classifier
        Tables ``[classifier.<name>]``, each with its parameters.
    treatments : list of Treatment
        Tables ``[[treatment]]``; label, key, features and seed of `sampler.<name>` and `weights` are those of
        ``[compare]`` unless given.
    report : Pages
        Table ``[report]``: where to write.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    input: Source
    setup: Setup
    classifiers: dict[str, Classifier]
    treatments: list[Treatment]
    report: Pages

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a TOML file and lay ``table.key=value`` overrides over it, as `JobConfig.load` does."""
        tables = parsed(Path(path))
        for override in overrides:
            lay_over(tables, override)
        needed = ["input", "compare", "classifier", "treatment", "report"]
        check_keys("config", tables, needed)
        for name in needed:
            if not tables.get(name):
                raise SparkBalanceError(f"config: the table [{name}] is missing; a comparison has {', '.join(needed)}")
        setup = validated(Setup, "compare", tables["compare"])
        return cls(
            input=validated(Source, "input", tables["input"]),
            setup=setup,
            classifiers=_classifiers(tables["classifier"]),
            treatments=_treatments(tables["treatment"], setup),
            report=validated(Pages, "report", tables["report"]),
        )


def _classifiers(tables: Any) -> dict[str, Classifier]:
    if not isinstance(tables, dict):
        raise SparkBalanceError(f"config: classifier={tables!r} is a value; make it tables [classifier.<name>]")
    check_keys("config: classifier", tables, list(CLASSIFIERS))
    return {name: validated(CLASSIFIERS[name], f"classifier.{name}", table) for name, table in tables.items()}


def _treatments(tables: Any, setup: Setup) -> list[Treatment]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SparkBalanceError("config: treatment is no list of tables; write each as [[treatment]] with a name")
    made = [_treatment(f"treatment {number + 1}", table, setup) for number, table in enumerate(tables)]
    names = [treatment.name for treatment in made]
    for name in names:
        if names.count(name) > 1:
            raise SparkBalanceError(f"config: two treatments are named {name!r}; give each a name of its own")
    return made


def _treatment(where: str, table: Table, setup: Setup) -> Treatment:
    given = dict(table)
    label: Table = {"label_col": setup.label_col}
    if "sampler" in given:
        seeded = {**label, "random_state": setup.random_state, "key_cols": setup.key_cols}
        wish = given["sampler"]
        if isinstance(wish, dict):
            wish = {name: {**seeded, **one} if isinstance(one, dict) else one for name, one in wish.items()}
        given["sampler"] = named_sampler(wish)[1]
    if "weights" in given:
        wish = given["weights"]
        given["weights"] = weighter({**label, **wish} if isinstance(wish, dict) else wish)
    return validated(Treatment, where, given)
