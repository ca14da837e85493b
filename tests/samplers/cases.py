"""Every registered sampler with a few sets of parameters: what the shared checks are crossed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from frames import FEATURES

from spark_balance.samplers.registry import SAMPLERS

_SMALL_CELLS = {"cell_rows": 32, "feature_cols": FEATURES}

_FEATURES = {"feature_cols": FEATURES}

# a sampler that is not here is checked with its defaults and a key
PARAMETERS: dict[str, dict[str, dict[str, Any]]] = {
    "random_under": {
        "keyed": {"key_cols": "id"},
        "unkeyed": {},
        "bootstrap_keyed": {"key_cols": "id", "replacement": True},
        "bootstrap_unkeyed": {"replacement": True},
        "weighted": {"key_cols": "id", "weight_col": "weight"},
        "groups": {"group_cols": "n"},
        "approximate": {"exact": False},
        "approximate_keyed": {"key_cols": "id", "exact": False},
    },
    "random_over": {
        "keyed": {"key_cols": "id"},
        "unkeyed": {},
        "added": {"key_cols": "id", "output": "added"},
        "told": {"key_cols": "id", "provenance_col": "origin"},
        "told_unkeyed": {"provenance_col": "origin"},
        "groups": {"group_cols": "n", "provenance_col": "origin"},
        "approximate": {"exact": False},
        "smoothed": {"key_cols": "id", "shrinkage": 0.5, "feature_cols": FEATURES},
        "smoothed_unkeyed": {"shrinkage": 0.5, "feature_cols": FEATURES, "provenance_col": "origin"},
    },
    "adasyn": {
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "unkeyed_told": {"feature_cols": FEATURES, "passthrough": "base", "provenance_col": "origin"},
    },
    "borderline_smote": {
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "unkeyed_second": {"feature_cols": FEATURES, "kind": "borderline-2", "provenance_col": "origin"},
        "cells_second": {"kind": "borderline-2", "output": "added", **_SMALL_CELLS},
    },
    "edited_nearest_neighbours": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES, "kind_sel": "mode"},
        "unkeyed": {"feature_cols": FEATURES},
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "cells_unkeyed": {"sampling_strategy": "all", "kind_sel": "mode", **_SMALL_CELLS},
    },
    "all_knn": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "condensed_nearest_neighbour": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "neighbourhood_cleaning_rule": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "one_sided_selection": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "repeated_edited_nearest_neighbours": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "tomek_links": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "unkeyed": {"sampling_strategy": "all", "feature_cols": FEATURES},
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "gaussian_smote": {
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "unkeyed_exact": {"feature_cols": FEATURES, "neighbors": "exact", "provenance_col": "origin"},
    },
    "kmeans_smote": {
        "cells": {"key_cols": "id", "kmeans_estimator": 3, "cluster_balance_threshold": 0.0, **_SMALL_CELLS},
        "unkeyed_base": {
            "feature_cols": FEATURES,
            "cluster_balance_threshold": 0.1,
            "passthrough": "base",
            "provenance_col": "origin",
        },
    },
    "mwmote": {
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "unkeyed_told": {"feature_cols": FEATURES, "informative_neighbors": 3, "provenance_col": "origin"},
    },
    "safe_level_smote": {
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "unkeyed_base": {"feature_cols": FEATURES, "passthrough": "base", "provenance_col": "origin"},
    },
    "chain": {
        "keyed": {
            "key_cols": "id",
            "steps": [{"smote": {"feature_cols": FEATURES}}, {"tomek_links": {"feature_cols": FEATURES}}],
        },
    },
    "smoteenn": {"keyed": {"key_cols": "id", "feature_cols": FEATURES}},
    "smotetomek": {"keyed": {"key_cols": "id", "feature_cols": FEATURES}, "unkeyed": {"feature_cols": FEATURES}},
    "cluster_centroids": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "unkeyed": {"feature_cols": FEATURES, "voting": "hard"},
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "cells_unkeyed": {"voting": "hard", **_SMALL_CELLS},
    },
    "instance_hardness_threshold": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES, "cv": 2},
        "unkeyed": {"feature_cols": FEATURES, "cv": 2},
    },
    "near_miss": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "unkeyed": {"feature_cols": FEATURES, "version": 2},
        "cells": {"key_cols": "id", "version": 3, **_SMALL_CELLS},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "svm_smote": {
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "unkeyed_base": {"feature_cols": FEATURES, "passthrough": "base", "provenance_col": "origin"},
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
        return self.kind.family == "over"

    @property
    def cleans(self):
        return self.kind.family == "clean"

    @property
    def own(self):
        """Whether the parameters are the method's own: a chain's are those of its steps (see test_chain.py)."""
        return "steps" not in self.parameters

    @property
    def part(self):
        """Whether only what is new or gone comes out, and not the whole table."""
        return self.parameters.get("output", "all") != "all"

    @property
    def promise(self):
        """What the rows after in a plan are: exact, at_most, approximate or none."""
        return self()._promise

    @property
    def exact(self):
        return self.promise == "exact"

    @property
    def same_anywhere(self):
        """Whether the rows do not depend on the layout: all but `sampleBy`."""
        return not (self.method == "random_under" and not self.parameters.get("exact", True))

    @property
    def one_cell(self):
        return "cell_rows" not in self.parameters

    @property
    def repeats(self):
        """Whether an original row may come out several times."""
        return bool(self.parameters.get("replacement")) or (self.kind.rows == "copies" and not self.learns)

    @property
    def subset(self):
        """Whether what comes out are rows of the input, each at most as often."""
        return self.kind.rows == "subset" and not self.repeats and not self.part

    @property
    def learns(self):
        """Whether features are looked at before the frame is built."""
        return self().jobs > 0
        """Whether the features of the rows to grow are looked at first."""
        return self.kind.rows in ("segment", "free") or "shrinkage" in self.parameters

    @property
    def new_columns(self):
        return [self.parameters[name] for name in ("weight_col", "provenance_col") if name in self.parameters]

    def expected(self, before):
        """Return the rows that 'auto' gives each class where counts are exact: arithmetic that is not the plan's."""
        goal = max(before.values()) if self.adds else min(before.values())
        if self.part:
            return {label: goal - rows for label, rows in before.items() if rows < goal}
        return dict.fromkeys(before, goal)

    def broken(self, plan, after):
        """Return the classes whose rows after are not what the plan promises of them, with both."""
        wrong = {}
        for entry in plan.classes:
            wanted = entry.after - (entry.before if self.part else 0)
            got = after.get(entry.label, 0)
            promise = "exact" if entry.action == "keep" and not self.part else plan.counts
            if not _KEPT[promise](got, wanted):
                wrong[entry.label] = (got, wanted)
        return wrong


_KEPT = {
    "exact": lambda got, wanted: got == wanted,
    "at_most": lambda got, wanted: got <= wanted,
    # six standard deviations of a sum of that many draws
    "approximate": lambda got, wanted: abs(got - wanted) <= 6 * max(wanted, 1) ** 0.5,
    "none": lambda got, wanted: True,
}


CASES = [
    Case(method, name, parameters)
    for method in SAMPLERS
    for name, parameters in PARAMETERS.get(method, {"keyed": {"key_cols": "id"}}).items()
]

# what classic Spark and Connect run too: one of each kind (and all in test_golden.py)
EVERYWHERE = {"random_under-keyed", "random_over-told_unkeyed", "smote-cells_base"}


def crossed(chosen=lambda case: True, everywhere=EVERYWHERE, each=1):
    """Cross a test with one or two of the chosen cases of each method; some of them on every engine."""
    cases = []
    for method in SAMPLERS:
        fitting = [case for case in CASES if case.method == method and chosen(case)]
        # the first and the last differ most: with a key and without
        few = [fitting[0], fitting[-1]][: max(each, 1)] if fitting else []
        cases += [case for case in fitting if case in few or str(case) in everywhere]
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=str(case), marks=[pytest.mark.every_engine] if str(case) in everywhere else [])
            for case in cases
        ],
    )
