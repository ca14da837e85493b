"""Calls as other libraries have them get a sentence that says what to write here."""

import copy

import numpy as np
import pandas as pd
import pytest
from test_wrong_types import FRAME

from spark_balance import (
    SMOTE,
    Chain,
    ClassWeighter,
    RandomUnderSampler,
    SMOTETomek,
    SparkBalanceError,
    class_counts,
    resampling_report,
)

SAMPLER = SMOTE(label_col="y")
LABELS = pd.Series([0, 1], name="y")
ONE_FRAME = "'X', since rows and label are one frame, the df of fit_resample, where label_col is the label"
COUNTS = "counts are {label: rows}, and the label is a column of df, which label_col names: leave y out"
HABITS = {
    "labels beside rows": (
        lambda: SAMPLER.fit_resample(FRAME, LABELS),
        "counts=<pandas.core.series.Series> is refused",
    ),
    "an array beside rows": (lambda: SAMPLER.fit_resample(FRAME, LABELS.to_numpy()), COUNTS),
    "the name of the label": (lambda: SAMPLER.plan(FRAME, "y"), COUNTS),
    "X and y": (lambda: SAMPLER.fit_resample(X=FRAME, y=LABELS), f"{ONE_FRAME}; write fit_resample(df)"),
    "y": (lambda: SAMPLER.explain(FRAME, y="y"), "'y', since the label is a column of df"),
    "nothing": (lambda: SAMPLER.fit_resample(), "the parameter 'df' is required; write fit_resample(df)"),
    "three": (lambda: SAMPLER.plan(FRAME, {0: 1}, 3), "3 values without a name are given, and df and counts may have"),
    "twice": (lambda: SAMPLER.plan(FRAME, df=FRAME), "the parameter 'df' is given twice; write plan(df)"),
    "a list": (lambda: SAMPLER.fit_resample([1]), "df is of type builtins.list; give a DataFrame"),
    "a path": (lambda: SAMPLER.fit_resample("rows.csv"), "df is of type builtins.str; give a DataFrame"),
    "a class": (lambda: SMOTE.fit_resample(FRAME), "write SMOTE(label_col=...).fit_resample(df)"),
    "no names": (lambda: SMOTE("auto", 42), "write SMOTE(label_col=..., ...) instead of SMOTE('auto', 42)"),
    "no name": (lambda: ClassWeighter("y"), "write ClassWeighter(label_col=..., ...) instead of ClassWeighter('y')"),
    "labelCol": (lambda: SMOTE(labelCol="y"), "SMOTE: unknown parameter 'labelCol'; did you mean 'label_col'?"),
    "inputCol": (lambda: SMOTE(label_col="y", inputCol="x"), "'inputCol'; did you mean 'feature_cols'?"),
    "seed": (lambda: SMOTE(label_col="y", seed=1), "'seed'; did you mean 'random_state'?"),
    "n_jobs": (lambda: SMOTE(label_col="y", n_jobs=2), "'n_jobs', since the engine spreads the work; leave it out"),
    "categories": (lambda: SMOTE(label_col="y", categorical_features="x"), "SMOTENC makes categories, too"),
    "rows": (lambda: SMOTE(X=LABELS, y=LABELS), ONE_FRAME),
    "steps": (
        lambda: Chain(SAMPLER, SAMPLER),
        "several steps are one list; write Chain([SMOTE(...), TomekLinks(...)])",
    ),
    "a function": (
        lambda: class_counts(FRAME, labelCol="y"),
        "class_counts: unknown parameter 'labelCol'; did you mean",
    ),
    "no label": (lambda: class_counts(FRAME), "'label_col' is required; write class_counts(df, label_col)"),
    "labels": (lambda: class_counts(FRAME, LABELS), "name the column of df that holds the label"),
    "two frames": (
        lambda: resampling_report(FRAME, FRAME),
        "'sampler' is required; write resampling_report(before, sampler.resample(before), sampler)",
    ),
    "a frame": (lambda: resampling_report(FRAME, FRAME, SAMPLER), "; give what sampler.resample(before) returns"),
    "set": (lambda: setattr(SAMPLER, "k_neighbors", 3), "do not change; make another one with replace(k_neighbors=3)"),
    "set another": (lambda: setattr(SAMPLER, "k_neigbors", 3), "'k_neigbors' is not one; did you mean 'k_neighbors'?"),
    "delete": (lambda: delattr(SAMPLER, "scale"), "SMOTE: parameters do not change; 'scale' stays"),
    "copy": (lambda: SAMPLER.model_copy(update={"scale": 1}), "does not check parameters; write replace(scale=1)"),
    "replace": (lambda: SAMPLER.replace(random_state="4"), "SMOTE: random_state='4' is refused"),
    "replace another": (lambda: SAMPLER.replace(seed=4), "'seed'; did you mean 'random_state'?"),
}


@pytest.mark.parametrize(("call", "said"), HABITS.values(), ids=HABITS)
def test_a_habit_gets_a_sentence(call, said):
    with pytest.raises(SparkBalanceError) as refusal:
        call()
    assert said in str(refusal.value)


@pytest.mark.parametrize("name", ["fit", "transform", "fit_transform", "fit_sample"])
@pytest.mark.parametrize(
    ("made", "instead"), [(SAMPLER, "fit_resample(df)"), (ClassWeighter(label_col="y"), "with_weights(df)")]
)
def test_a_method_of_other_libraries_has_its_name_here(made, instead, name):
    with pytest.raises(AttributeError, match=f"{made.name} has no method '{name}'; write ") as refusal:
        getattr(made, name)
    assert str(refusal.value).endswith(instead)
    assert not hasattr(made, name)


def test_numbers_of_numpy_are_pythons():
    sampler = SMOTE(
        label_col=np.str_("y"),
        k_neighbors=np.int64(3),
        scale=np.bool_(False),
        recall=np.float32(0.5),
        sampling_strategy={np.int64(1): np.int32(30)},
        key_cols=np.array(["a", "b"]),
    )
    assert repr(sampler) == (
        "SMOTE(label_col='y', sampling_strategy={1: 30}, key_cols=('a', 'b'), recall=0.5, scale=False, k_neighbors=3)"
    )


def test_a_changed_copy_is_checked_and_its_steps_follow():
    assert SAMPLER.replace(random_state=np.int64(4)) == SMOTE(label_col="y", random_state=4)
    whole = SMOTETomek(label_col="y", smote=SAMPLER)
    chain = Chain([SAMPLER, RandomUnderSampler(label_col="y")])
    for changed in (whole.replace(random_state=4), chain.replace(random_state=4)):
        assert [step.random_state for step in changed.steps] == [4, 4]
    assert hasattr(SAMPLER, "__replace__") or hasattr(copy, "replace")
    assert SAMPLER.__replace__(k_neighbors=2).k_neighbors == 2


def test_a_class_of_the_users_may_have_attributes_of_its_own():
    class Counting(SMOTE):
        _calls: int = 0

    made = Counting(label_col="y")
    made._calls = 2
    assert made._calls == 2
