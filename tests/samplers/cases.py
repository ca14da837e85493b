"""Every registered sampler with a few sets of parameters: what the shared checks are crossed with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import pytest
from frames import FEATURES

from spark_balance.base.registry import SAMPLERS
from spark_balance.testing import CHECKS, Case

# others are those that tests register
BUILT_IN = tuple(name for name, kind in SAMPLERS.items() if kind.__module__.startswith("spark_balance."))
DEFAULT: dict[str, dict[str, Any]] = {"keyed": {"key_cols": "id"}}

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
    "all_knn": {"keyed": {"key_cols": "id", "feature_cols": FEATURES}, "cells_unkeyed": _SMALL_CELLS},
    "condensed_nearest_neighbour": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "neighbourhood_cleaning_rule": {
        "keyed": {"key_cols": "id", "feature_cols": FEATURES},
        "cells_unkeyed": _SMALL_CELLS,
    },
    "one_sided_selection": {"keyed": {"key_cols": "id", "feature_cols": FEATURES}, "cells_unkeyed": _SMALL_CELLS},
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
    # SMOTETomek is a chain of methods that search; Connect runs every check of this one
    "chain": {
        "keyed": {"key_cols": "id", "steps": [{"random_under": {"sampling_strategy": "majority"}}, {"random_over": {}}]}
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

# on frames of one label a row, which is a set of one; test_multilabel.py has sets of several
PARAMETERS |= {
    "mlros": {"keyed": {"key_cols": "id"}, "unkeyed_told": {"provenance_col": "origin"}},
    "mlrus": {"keyed": {"key_cols": "id"}, "unkeyed": {}},
    "mlsmote": {
        "cells": {"key_cols": "id", **_SMALL_CELLS},
        "unkeyed_base": {"feature_cols": FEATURES, "passthrough": "base"},
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


# values of the frames' y, which are about 0 to 10: a few rows are rare at either end
_TARGET = {"target_col": "y", "relevance": [(1.0, 1.0), (4.0, 0.0), (7.5, 1.0)]}
_REGRESSION = {**_TARGET, "feature_cols": ("x", "n")}
PARAMETERS |= {
    "relevance_over": {"keyed": {"key_cols": "id", **_TARGET}},
    "relevance_under": {"unkeyed": _TARGET},
    "smogn": {
        "cells_told": {"key_cols": "id", "cell_rows": 32, "provenance_col": "o", "passthrough": "base", **_REGRESSION}
    },
    "smoter": {
        "keyed": {"key_cols": "id", **_REGRESSION},
        "cells_told": {"key_cols": "id", "cell_rows": 32, "provenance_col": "o", "passthrough": "base", **_REGRESSION},
        "unkeyed_extreme": {"sampling_strategy": "extreme", "passthrough": "base", **_REGRESSION},
    },
}


@dataclass(frozen=True)
class Registered(Case):
    """A registered sampler with one set of parameters."""

    method: str
    label: str

    def __str__(self):
        return self.name

    @property
    def parameters(self):
        return PARAMETERS.get(self.method, DEFAULT)[self.label]

    @property
    def own(self):
        """Whether the parameters are the method's own: a chain's are those of its steps (see test_chain.py)."""
        return self.balances and "steps" not in self.parameters

    @property
    def balances(self):
        """Whether a sampling_strategy says what it does; methods of several labels have test_multilabel.py."""
        return "sampling_strategy" in self.kind.model_fields

    @property
    def one_cell(self):
        return "cell_rows" not in self.parameters

    @property
    def new_columns(self):
        return [self.parameters[name] for name in ("weight_col", "provenance_col") if name in self.parameters]

    def expected(self, before):
        """Return the rows that 'auto' gives each class where counts are exact: arithmetic that is not the plan's."""
        goal = max(before.values()) if self.adds else min(before.values())
        if self.part:
            return {label: goal - rows for label, rows in before.items() if rows < goal}
        return dict.fromkeys(before, goal)


def _case(method, label, parameters):
    column = {"label_col": "label"} if "label_col" in SAMPLERS[method].model_fields else {}
    make = partial(SAMPLERS[method], **{**column, "random_state": 1, **parameters})
    return Registered(make, f"{method}-{label}", method, label)


CASES = [
    _case(method, label, parameters)
    for method in BUILT_IN
    for label, parameters in PARAMETERS.get(method, DEFAULT).items()
]

ONE_OF_EACH_FAMILY = ("random_under", "random_over", "smote", "edited_nearest_neighbours", "cluster_centroids")
# these on one engine of the JVM beside Sail: each check on both, each family on one
CHECKED_ON = {
    "random_over-keyed": "spark",
    "tomek_links-keyed": "spark",
    "random_under-keyed": "connect",
    "chain-keyed": "connect",
}
EVERYWHERE = {"random_under-keyed", "random_over-told_unkeyed", "smote-cells_base"}

# these look at one result, or are about the key: with a key, without, and where counts are not exact
THOROUGH = {"counts", "duplicates", "layouts", "rows", "schema", "seeds"}
# but a seed that some parameters ignore changes a golden digest
ONCE = {"seeds"}
# SMOTEENN with another that cleans, SMOTER with noise (whose jobs have a test), a method whose twin adds rows, and the
# recipes of random_over and random_under with another plan
LIKE = ("smotetomek", "smogn", "relevance_under", "mlros", "mlrus")
# what a search asks of an engine; labels, wishes and sizes are the driver's arithmetic, as of methods that only draw
SEARCHED = {
    *(THOROUGH | {"features_that_are_no_numbers_are_refused", "in_a_chain", "jobs", "layouts_of_groups"}),
    *("missing_labels_are_kept", "nothing_is_left", "removed_and_kept_are_all", "required_columns"),
}


def checked():
    """Cross the shared checks with some cases of each method that they apply to."""
    params = []
    # one case after the other: its checks share what it made of a frame
    for method in BUILT_IN:
        cases = [case for case in CASES if case.method == method]
        chosen = {check: _few(check, [case for case in cases if check.applies(case)]) for check in CHECKS}
        for case, check in product(cases, CHECKS):
            if case in chosen[check]:
                # odd frames take twenty jobs and more each, which only Sail runs in a second; a chain has two samplers
                long = str(check) == "odd_frames"
                long |= case.kind.family == "both" and str(check) not in THOROUGH
                long |= case.learns and str(check) not in SEARCHED
                long |= str(check) == "windows_stay_whole"  # on the JVM tests/samplers/test_windows.py has its plans
                engine = None if long else CHECKED_ON.get(str(case))
                marks = [pytest.mark.engines("sail", engine)] if engine else []
                params.append(pytest.param(check, case, id=f"{case}-{check}", marks=marks))
    return pytest.mark.parametrize(("check", "case"), params)


def _few(check, fitting):
    """Choose some cases; steps of other samplers, which take long, have these checked already."""
    if fitting and fitting[0].method in LIKE and str(check) not in THOROUGH:
        return []
    if str(check) == "windows_stay_whole":
        return [case for case in fitting[:1] if case.method in ONE_OF_EACH_FAMILY]  # a row of arrays is a row
    if str(check) not in THOROUGH or not fitting or fitting[0].kind.family == "both":
        return fitting[:1]
    if str(check) in ONCE:
        return fitting[:1]
    return [*fitting[:1], *[case for case in fitting if not case.exact][:1], *fitting[-1:]]


def crossed(chosen=lambda case: True, everywhere=EVERYWHERE):
    """Cross a test with the first of the chosen cases of each method; some of them on every engine."""
    cases = []
    for method in BUILT_IN:
        fitting = [case for case in CASES if case.method == method and case.by_label and chosen(case)]
        cases += [case for case in fitting if case in fitting[:1] or str(case) in everywhere]
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=str(case), marks=[pytest.mark.every_engine] if str(case) in everywhere else [])
            for case in cases
        ],
    )
