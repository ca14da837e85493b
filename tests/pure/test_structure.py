"""How much of the inside one must hold in mind to read a method: how deep it derives, and what it overrides."""

from __future__ import annotations

import pytest

from spark_balance.base import Sampler
from spark_balance.base.registry import SAMPLERS

BUILT_IN = [kind for kind in SAMPLERS.values() if kind.__module__.startswith("spark_balance.")]
DEEPEST = {"SMOTE": 4}
MOST_CLASSES = 5  # of ours that a method is made of, itself and Sampler included
MOST_OVERRIDDEN = 5  # private methods, in all samplers together


def ours(kind):
    """Return the classes of this package that a class is made of, itself first."""
    return [one for one in kind.__mro__ if one.__module__.startswith("spark_balance.")]


def overridden(kinds):
    """Return the private methods that a class has and an ancestor of it too, of classes and all their ancestors."""
    found = set()
    for kind in kinds:
        private = [
            name
            for one in ours(kind)
            for name, held in vars(one).items()
            if name.startswith("_") and not name.startswith(("__", "_abc")) and callable(getattr(kind, name, held))
        ]
        found |= {name for name in private if private.count(name) > 1}
    return found


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.__name__)
def test_a_method_is_near_sampler(kind):
    assert issubclass(kind, Sampler)
    assert len(ours(kind)) <= DEEPEST.get(kind.__name__, MOST_CLASSES)


def test_hardly_any_private_method_is_overridden():
    assert len(overridden(BUILT_IN)) <= MOST_OVERRIDDEN, sorted(overridden(BUILT_IN))


def test_an_overridden_private_method_is_seen():
    class Above(Sampler):
        def _hook(self):
            """Be overridden."""

    class Below(Above):
        def _hook(self):
            """Override."""

    Above.__module__ = Below.__module__ = "spark_balance.somewhere"
    assert overridden([Below]) == {"_hook"}
    assert not overridden([Above])
