"""Every registered sampler is at the top of the package, where people look for it."""

import pytest

import spark_balance
from spark_balance.samplers.registry import SAMPLERS

BUILT_IN = [kind for kind in SAMPLERS.values() if kind.__module__.startswith("spark_balance.")]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.__name__)
def test_a_sampler_is_exported(kind):
    assert getattr(spark_balance, kind.__name__) is kind
    assert kind.__name__ in spark_balance.__all__
