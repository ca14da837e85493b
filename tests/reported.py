"""A resampling as a report is told of it, made by hand: two classes, one of which grew."""

import numpy as np

from spark_balance.frames.plan import ClassCounts, ClassPlan, ResamplingPlan
from spark_balance.report.made_of import MadeOf
from spark_balance.report.paired_sample import Missing, PairedSample, SampledRows
from spark_balance.report.resampled import Resampling

EVIL = '<script>alert("1")</script>'


def counted(classes, label_col="y", missing=0):
    return ClassCounts(label_col, {(): classes}, {(): missing})


def side(numbers, categories, code, added, copy):
    times = np.ones(len(code), dtype=np.int64)
    return SampledRows(np.asarray(code), times, np.asarray(added), numbers, categories, np.asarray(copy))


def resampling(labels=("few", "many"), numbers=("a", "b"), categories=("c",), values=("x", "y"), **changes):
    """Return 100 rows of one class that became 300, beside 300 of another; a tenth of the new rows are copies."""
    rng = np.random.default_rng(5)
    before_code = np.repeat([0, 1], [100, 300])
    after_code = np.repeat([0, 1], [300, 300])
    added = np.concatenate([np.repeat([0, 1], [100, 200]), np.zeros(300, dtype=int)])
    copy = np.concatenate([np.ones(100), np.repeat([1, 0], [20, 180]), np.ones(300)]).astype(bool)

    def rows(code):
        drawn = rng.normal(size=(len(code), len(numbers))) + 3 * code[:, None]
        texts = np.array(values, dtype=object)[rng.integers(0, len(values), (len(code), len(categories)))]
        return drawn, texts

    sample = PairedSample(
        tuple(labels),
        tuple(numbers),
        tuple(categories),
        side(*rows(before_code), before_code, np.zeros(400, dtype=int), np.ones(400, dtype=bool)),
        side(*rows(after_code), after_code, added, copy),
        (90, 300),
        tuple(Missing(name, (5, 30), (205, 30)) for name in numbers[:1]),
    )
    few, many = labels
    column = changes.pop("label_col", "y")
    plan = ResamplingPlan(
        "SMOTE", column, (ClassPlan((), few, 100, 300, "synthesize"), ClassPlan((), many, 300, 300, "keep"))
    )
    told = {
        "before": counted({few: 100, many: 300}, column, 7),
        "plan": plan,
        "after": counted({few: 300, many: 300}, column, 7),
        "sample": sample,
        "removes": False,
        "left_null": ("gone",),
        "notes": {"estimated_recall": 0.9714, "cells": 12},
        "warnings": ("SMOTE: beware",),
        "seconds": {"count": 1.5, "write": 4.5},
        "about": {"input": "parquet in", "engine": "sail"},
        "made_of": MadeOf(
            ("row", "way to the neighbor", *numbers),
            (("new row 1", "25%", *["1.25"] * len(numbers)), ("base", "", *values[:1] * len(numbers))),
            3,
        ),
    }
    return Resampling(**{**told, **changes})


def hostile():
    """Return the same with names and values that would break a page that did not escape them."""
    names = [EVIL, "</title><b onload=alert(2)>", "a' onfocus='alert(3)", 'q" onmouseover="alert(4)', "]]>&lt;"]
    return resampling(
        labels=(names[0], names[1]),
        numbers=tuple(names),
        categories=(names[2], names[0]),
        values=(names[3], names[4], "javascript:alert(5)"),
        label_col=names[0],
        warnings=(EVIL,),
        notes={"neighbors": EVIL, "cells": 3, f"1 {EVIL}": {"estimated_recall": 0.5}},
        about={names[1]: names[0]},
        left_null=(names[0],),
        seconds={EVIL: 1.0},
    )
