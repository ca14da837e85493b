"""A parameter of any sampler that is of a wrong type is refused in one sentence, or taken; nothing else is raised."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import spark_balance
from spark_balance import ClassWeighter, RandomUnderSampler, Sampler, SparkBalanceError
from spark_balance.base.registry import SAMPLERS

WRONG = {
    "None": None,
    "a truth": True,
    "a negative number": -1,
    "a float": 1.5,
    "NaN": float("nan"),
    "a text": "spam",
    "no text": "",
    "bytes": b"spam",
    "a list": ["spam"],
    "a dict": {"spam": 1},
    "an array": np.array([1.0, 2.0]),
    "a frame": pd.DataFrame({"a": [1, 2]}),
    "a function": len,
    "a class": int,
    "an object": object(),
}
KINDS = [kind for kind in [*SAMPLERS.values(), ClassWeighter, Sampler] if hasattr(spark_balance, kind.__name__)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_wrong_type_gets_a_sentence(kind):
    steps = {"steps": [RandomUnderSampler(label_col="y")]} if "steps" in kind.model_fields else {}
    raised = []
    for name in kind.model_fields:
        for what, value in WRONG.items():
            try:
                kind(**{"label_col": "y", **steps, name: value})
            except SparkBalanceError as refused:
                if not re.match(r"\w+: .+$", str(refused)):
                    raised.append(f"{name} of {what}: {refused}")
            except Exception as failed:
                raised.append(f"{name} of {what}: {type(failed).__name__}: {failed}")
    assert not raised, "\n".join(raised)
