"""What an action is carried out with: a sampler, weights or a threshold, as a line of Python and as a command."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from spark_balance._methods import BUILT_IN, SAMPLER_OF, spelled
from spark_balance.base.parameters import given_to
from spark_balance.base.sampler import Sampler
from spark_balance.compare.facts import Facts
from spark_balance.compare.quick import FOLDS
from spark_balance.compare.rules import Action
from spark_balance.ml.weights import ClassWeighter
from spark_balance.over_sampling.random_over_sampler import RandomOverSampler
from spark_balance.over_sampling.smote import SMOTE, SMOTEN, SMOTENC
from spark_balance.report.findings import MOST_MADE
from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler

FILES = {"weights": "weighted", "downsample": "fewer", "oversample": "more"}  # what a command writes
WIDE = 79  # characters of a line
Asked = Mapping[str, Any]  # the parameters that `advise` was given, besides label and counts


def choose_remedy(action: Action, facts: Facts, asked: Asked) -> Sampler | ClassWeighter | None:
    """Return the sampler or the weights of an action, or None for one that leaves the rows as they are."""
    shared: dict[str, Any] = {"label_col": facts.counts.label_col}
    if action == "weights":
        return ClassWeighter(**shared)
    shared |= {"null_label": "drop"} if facts.counts.missing_rows else {}
    shared |= {name: asked[name] for name in ("random_state", "key_cols") if asked.get(name)}
    if action == "oversample":
        return choose_oversampler(facts, shared)
    if action == "downsample":
        strategy = {label: facts.cap for label, rows in facts.sizes.items() if rows > facts.cap}
        shared |= {"sampling_strategy": strategy} if facts.rows > facts.most_rows else {}
        return RandomUnderSampler(weight_col="weight", **shared)
    return None


def choose_oversampler(facts: Facts, shared: Mapping[str, Any]) -> Sampler:
    """Return the method to try: it makes at most `MOST_MADE` new rows for each row of the rarest of two classes."""
    given = dict(shared)
    if len(facts.sizes) == 2 and facts.counts.imbalance_ratio > 1 + MOST_MADE:
        given["sampling_strategy"] = float(f"{(1 + MOST_MADE) / facts.counts.imbalance_ratio:.2g}")
    if facts.is_few or not (facts.numbers or facts.categories):
        return RandomOverSampler(**given)
    if not facts.numbers:
        return SMOTEN(**given, feature_cols=facts.categories)
    given |= {} if facts.is_default else {"feature_cols": facts.numbers}
    if len(facts.categories) > len(facts.numbers):
        return SMOTENC(**given, categorical_features=facts.categories)
    given |= {"passthrough": facts.categories} if facts.categories else {}
    return SMOTE(**given)


def line_of(action: Action, facts: Facts, remedy: Sampler | ClassWeighter | None) -> str | None:
    """Return the line of Python: `train` holds the rows to fit on, `scored` those with a probability of each class."""
    if remedy is not None:
        return _written(remedy)
    if action != "threshold":
        return None
    labels = list(facts.sizes)
    miss = float(f"{facts.rows / facts.rare_rows - 1:.3g}")
    costs = [[0 if true == said else miss if true == facts.rare else 1 for said in labels] for true in labels]
    named = "" if labels in ([0, 1], [False, True]) else f", labels={labels!r}"
    return f'decided = decide_by_cost(scored, "probability", {_whole(costs)!r}{named})'


def command_of(
    action: Action, facts: Facts, remedy: Sampler | ClassWeighter | None, asked: Asked, source: str
) -> str | None:
    """Return the command on a file, or None where no command does it."""
    label_col = facts.counts.label_col
    if remedy is None:
        enough = len(facts.sizes) == 2 and facts.rare_rows >= FOLDS
        comparable = action == "threshold" and enough and facts.gaps is None
        return _typed("advise", source, {"label_col": label_col, **asked, "compare": True}) if comparable else None
    registered = {kind: name for name, (kind, _) in BUILT_IN.items()} | {"ClassWeighter": "weights"}
    name = registered[type(remedy).__name__]
    name = {sampler: command for command, sampler in SAMPLER_OF.items()}.get(name, name).replace("_", "-")
    given = remedy.to_toml_dict()
    if "sampling_strategy" in given and not all(isinstance(one, str | bool | int) for one in facts.sizes):
        return None  # TOML would have the labels of another type
    return f"{_typed(name, source, given)} --output {FILES[action]}.parquet"


def _typed(command: str, source: str, given: Mapping[str, Any]) -> str:
    """Return a command with its options."""
    options = [f"--{spelled(name)} {shlex.quote(_word(value))}" for name, value in given.items()]
    return " ".join(["spark-balance", command, source, *options])


def _written(remedy: Sampler | ClassWeighter) -> str:
    """Return the line that uses it on `train`, with a line for each parameter where one line does not hold them."""
    name, method = ("weighed", "with_weights") if isinstance(remedy, ClassWeighter) else ("resampled", "fit_resample")
    given = [f"{name}={list(one) if isinstance(one, tuple) else one!r}" for name, one in given_to(remedy).items()]
    begin, end = f"{name} = {type(remedy).__name__}(", f").{method}(train)"
    line = begin + ", ".join(given) + end
    return line if len(line) <= WIDE else "\n    ".join([begin, *[f"{one}," for one in given]]) + "\n" + end


def _word(value: Any) -> str:
    """Return a value as an option takes it: names with commas, rows by label, or TOML."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        pairs = [(json.dumps(one["label"], ensure_ascii=False), one["rows"]) for one in value]
        if any(isinstance(one["label"], str) for one in value):
            return f"[{', '.join(f'{{label = {label}, rows = {rows}}}' for label, rows in pairs)}]"
        return ",".join(f"{label}={rows}" for label, rows in pairs)
    if isinstance(value, list | tuple):
        plain = all(re.fullmatch(r"[^\s\[,][^,]*", one) and one == one.strip() for one in value)
        return ",".join(value) if plain else json.dumps(list(value), ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value)


def _whole(costs: list[list[float]]) -> list[list[float]]:
    """Return costs, those that are whole without a point."""
    return [[int(one) if one == int(one) else one for one in row] for row in costs]
