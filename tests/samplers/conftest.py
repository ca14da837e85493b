"""Small cells are meant to be small here."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "samplers" in item.path.parts:
            item.add_marker(pytest.mark.filterwarnings("ignore::spark_balance.errors.RecallWarning"), False)
