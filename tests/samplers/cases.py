"""Every registered sampler with a few sets of parameters: what the shared checks are crossed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from frames import FEATURES

from spark_balance.samplers.registry import SAMPLERS

_SMALL_CELLS = {"cell_rows": 32, "feature_cols": FEATURES}

# a sampler that is not here is checked with its defaults and a key
PARAMETERS: dict[str, dict[str, dict[str, Any]]] = {
    "random_under": {
        "keyed": {"key_cols": "id"},
        "unkeyed": {},
        "bootstrap_keyed": {"key_cols": "id", "replacement": True},
        "bootstrap_unkeyed": {"replacement": True},
        "weighted": {"key_cols": "id", "weight_col": "weight"},
        "approximate": {"exact": False},
        "approximate_keyed": {"key_cols": "id", "exact": False},
    },
    "random_over": {
        "keyed": {"key_cols": "id"},
        "unkeyed": {},
        "added": {"key_cols": "id", "output": "added"},
        "told": {"key_cols": "id", "provenance_col": "origin"},
        "told_unkeyed": {"provenance_col": "origin"},
        "approximate": {"exact": False},
        "smoothed": {"key_cols": "id", "shrinkage": 0.5, "feature_cols": FEATURES},
        "smoothed_unkeyed": {"shrinkage": 0.5, "feature_cols": FEATURES, "provenance_col": "origin"},
    },
    "edited_nearest_neighbours": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES, "kind_sel": "mode"},
        "unkeyed": {"feature_cols": FEATURES},
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "cells_unkeyed": {"sampling_strategy": "all", "kind_sel": "mode", **_SMALL_CELLS},
    },
    "tomek_links": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "unkeyed": {"sampling_strategy": "all", "feature_cols": FEATURES},
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "smote": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "unkeyed": {"feature_cols": FEATURES},
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "cells_unkeyed": _SMALL_CELLS,
        "cells_added_told": {"key_cols": "id", "output": "added", "provenance_col": "origin", **_SMALL_CELLS},
        "cells_base": {"passthrough": "base", "provenance_col": "origin", **_SMALL_CELLS},
        "exact": {"key_cols": "id", "neighbors": "exact", **_SMALL_CELLS},
        "exact_told": {"neighbors": "exact", "passthrough": "base", "provenance_col": "origin", **_SMALL_CELLS},
        "partition": {"key_cols": "id", "neighbors": "partition", **_SMALL_CELLS},
        "partition_base": {"neighbors": "partition", "passthrough": "base", "provenance_col": "origin", **_SMALL_CELLS},
        "unscaled": {"key_cols": "id", "feature_cols": FEATURES, "scale": False},
    },
}

_MIXED = {"feature_cols": ("x", "y"), "categorical_features": "n"}
_NOMINAL = {"feature_cols": "n", "passthrough": ("x", "y")}
PARAMETERS |= {
    "smoten": {
        "keyed": {"key_cols": "id", **_NOMINAL},
        "unkeyed": _NOMINAL,
        "cells_base": {"cell_rows": 32, **_NOMINAL, "passthrough": "base", "provenance_col": "origin"},
        "cells_added_told": {"key_cols": "id", "cell_rows": 32, "output": "added", "provenance_col": "o", **_NOMINAL},
    },
    "smotenc": {
        "keyed": {"key_cols": "id", **_MIXED},
        "unkeyed": _MIXED,
        "cells_base": {"cell_rows": 32, "passthrough": "base", "provenance_col": "origin", **_MIXED},
        "cells_added_told": {"key_cols": "id", "cell_rows": 32, "output": "added", "provenance_col": "o", **_MIXED},
    },
}


@dataclass(frozen=True)
class Case:
    """One sampler with one set of parameters."""

    method: str
    name: str
    parameters: dict[str, Any]

    def __str__(self):
        return f"{self.method}-{self.name}"

    def __call__(self, **more):
        """Make the sampler, with other parameters on top."""
        return self.kind(**{"label_col": "label", "random_state": 1, **self.parameters, **more})

    @property
    def kind(self):
        return SAMPLERS[self.method]

    @property
    def adds(self):
        return self.kind.kind == "over"

    @property
    def adds_only(self):
        return self.parameters.get("output") == "added"

    @property
    def exact(self):
        return self.kind.counts == "exact" and self.parameters.get("exact", True)

    @property
    def same_anywhere(self):
        """Whether the rows do not depend on the layout: all but `sampleBy`."""
        return not (self.method == "random_under" and not self.parameters.get("exact", True))

    @property
    def repeats(self):
        """Whether an original row may come out several times."""
        return bool(self.parameters.get("replacement")) or (self.kind.rows == "copies" and not self.learns)

    @property
    def learns(self):
        """Whether the features of the rows to grow are looked at first."""
        return self.kind.rows in ("segment", "free") or "shrinkage" in self.parameters

    @property
    def new_columns(self):
        return [self.parameters[name] for name in ("weight_col", "provenance_col") if name in self.parameters]

    def expected(self, before):
        """Return the rows that 'auto' gives each class."""
        goal = max(before.values()) if self.adds else min(before.values())
        if self.adds_only:
            return {label: goal - rows for label, rows in before.items() if rows < goal}
        return dict.fromkeys(before, goal)


CASES = [
    Case(method, name, parameters)
    for method in SAMPLERS
    for name, parameters in PARAMETERS.get(method, {"keyed": {"key_cols": "id"}}).items()
]

# what classic Spark and Connect run too: one of each kind (and all in test_golden.py)
EVERYWHERE = {"random_under-keyed", "random_over-told_unkeyed", "smote-cells_base"}


def crossed(chosen=lambda case: True, everywhere=EVERYWHERE):
    """Cross a test with the cases that are chosen; some of them on every engine."""
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=str(case), marks=[pytest.mark.every_engine] if str(case) in everywhere else [])
            for case in CASES
            if chosen(case)
        ],
    )
