"""An argument of a wrong type, of anything public, is refused in one sentence or taken; nothing else is raised."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession, types as T

import spark_balance
from spark_balance import ClassWeighter, RandomUnderSampler, Sampler, SparkBalanceError, datasets, neighbors, testing
from spark_balance.base.node import Resampled
from spark_balance.base.registry import SAMPLERS

WRONG = {
    "None": None,
    "a truth": True,
    "a number": 3,
    "a negative number": -1,
    "a float": 1.5,
    "NaN": float("nan"),
    "a number of NumPy": np.int64(3),
    "a text": "spam",
    "no text": "",
    "bytes": b"spam",
    "a list": ["spam"],
    "no list": [],
    "a list of lists": [[1, 2], ["spam"]],
    "a dict": {"spam": 1},
    "an array": np.array([1.0, 2.0]),
    "a frame": pd.DataFrame({"a": [1, 2]}),
    "a function": lambda *_, **__: "spam",
    "a class": int,
    "an object": object(),
}


LONGEST = 600  # a sentence
KINDS = [kind for kind in [*SAMPLERS.values(), ClassWeighter, Sampler] if hasattr(spark_balance, kind.__name__)]


class UsedError(Exception):
    """A frame or a session was used: the types of all arguments were taken."""


def unused(kind):
    """Return a frame or a session that ends the call where it is used."""

    def use(self, name):
        if name in ("__class__", "sql"):
            return object.__getattribute__(self, name)
        raise UsedError

    shown = {"__getattribute__": use, "__repr__": lambda self: kind.__name__}
    return object.__new__(type(kind.__name__, (kind,), shown))


FRAME, SESSION = unused(DataFrame), unused(SparkSession)
PLAN = spark_balance.ResamplingPlan("SMOTE", "y", ())
# an argument of a right type for each parameter without a default; here a new one is named
RIGHT = {
    **dict.fromkeys(("df", "queries", "points"), FRAME),
    **dict.fromkeys(("label_col", "target_col", "probability_col", "time_col", "key_cols", "method", "name"), "y"),
    **dict.fromkeys(("k", "n_partitions", "n_folds", "rows", "features", "cores"), 2),
    "groups": {},
    "missing": {},
    "says": {},
    "spark": SESSION,
    "sampler": RandomUnderSampler(label_col="y"),
    "samplers": [],
    "weights": [0.8, 0.2],
    "cost_matrix": [[0, 1], [2, 0]],
    "before": {0: 9, 1: 1},
    "rule": len,
    "path": "/no/such/file",
    "minority": 0.1,
    "classes": (),
    "recommendation": "nothing",
    "sentences": (),
    "numbers": {},
    "plan": PLAN,
    "schema": T.StructType(),
    "resampling_report(before)": FRAME,
    "resampled": Resampled(FRAME, PLAN),
}


def public():
    """Yield the name and the callable of everything public: functions, constructors, and what takes a frame."""
    homes = [spark_balance, neighbors, testing, datasets]
    for one in (getattr(home, name) for home in homes for name in home.__all__):
        if inspect.isfunction(one):
            yield one.__name__, one
        elif one in (Sampler, ClassWeighter):
            made = RandomUnderSampler(label_col="y") if one is Sampler else one(label_col="y")
            for name, method in vars(one).items():
                if inspect.isfunction(method) and not name.startswith("_") and takes(method, "df", "cores"):
                    yield f"{one.__name__}.{name}", getattr(made, name)
        elif inspect.isclass(one) and "__init__" in vars(one) and not issubclass(one, (Exception, *KINDS)):
            yield one.__name__, one


def takes(function, *names):
    """Say whether a function has a parameter of one of these names."""
    return not {*names}.isdisjoint(inspect.signature(function).parameters)


PUBLIC = dict(public())


def right(name, function):
    """Return arguments of right types for what has no default."""
    needed = [one.name for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    return {one: RIGHT.get(f"{name}({one})", RIGHT.get(one)) for one in needed}


def refused(call, **arguments):
    """Return what is wrong with how a call with one argument of a wrong type ends, or nothing."""
    try:
        call(**arguments)
    except UsedError:
        return ""
    except SparkBalanceError as said:
        plain = re.match(r"[^:]+: .+$", str(said)) and len(str(said)) <= LONGEST
        return "" if plain else str(said)
    except Exception as failed:
        return f"{type(failed).__name__}: {failed}"
    return ""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_parameter_of_a_wrong_type_gets_a_sentence(kind):
    steps = {"steps": [RandomUnderSampler(label_col="y")]} if "steps" in kind.model_fields else {}
    raised = []
    for name in kind.model_fields:
        for what, value in WRONG.items():
            if wrong := refused(kind, **{"label_col": "y", **steps, name: value}):
                raised.append(f"{name} of {what}: {wrong}")
    assert not raised, "\n".join(raised)


@pytest.mark.parametrize("name", PUBLIC)
def test_an_argument_of_a_wrong_type_gets_a_sentence(name, monkeypatch):
    def active():
        raise UsedError

    monkeypatch.setattr("spark_balance.app.session._running", active)
    function, raised = PUBLIC[name], []
    for parameter in inspect.signature(function).parameters:
        for what, value in WRONG.items():
            if wrong := refused(function, **right(name, function) | {parameter: value}):
                raised.append(f"{parameter} of {what}: {wrong}")
    assert not raised, "\n".join(raised)
