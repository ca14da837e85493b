"""What users of scikit-learn, imbalanced-learn and Spark ML write, and what to write here."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from spark_balance.errors import nearest_name

METHODS = {
    **dict.fromkeys(("fit", "transform", "fit_transform", "fit_sample", "sample"), "fit_resample(df)"),
    **dict.fromkeys(("set_params", "setParams", "setLabelCol", "setSeed"), "replace(name=value)"),
    **dict.fromkeys(("get_params", "getParams", "params", "dict", "model_dump"), "to_toml_dict()"),
}
# parameters, and those of ours that may be meant
_PARAMETERS = {
    **dict.fromkeys(("data", "frame", "dataset", "dataframe"), ("df", "before")),
    **dict.fromkeys(("y", "label", "labelCol", "labels", "target", "targetCol"), ("label_col", "target_col")),
    "target_col": ("label_col",),
    **dict.fromkeys(("inputCol", "inputCols", "features", "featuresCol", "columns"), ("feature_cols",)),
    **dict.fromkeys(("id_col", "idCol", "keys", "primary_key"), ("key_cols",)),
    **dict.fromkeys(("seed", "random_seed"), ("random_state",)),
    **dict.fromkeys(("ratio", "strategy", "class_weight"), ("sampling_strategy", "strategy")),
    **dict.fromkeys(("k", "n_neighbors", "nn"), ("k_neighbors", "n_neighbors")),
    **dict.fromkeys(("groupBy", "strata", "stratify", "by"), ("within_cols",)),
}
_ABSENT = {
    **dict.fromkeys(
        ("X", "data", "df"), "rows and label are one frame, the df of fit_resample, where label_col is the label"
    ),
    **dict.fromkeys(
        ("y", "label_col", "labelCol"), "the label is a column of df, which label_col of the sampler names"
    ),
    **dict.fromkeys(("n_jobs", "verbose"), "the engine spreads the work; leave it out"),
}
_CALLS = {"resampled": "sampler.resample(before)"}  # how an argument is made
ADVICE = {
    "counts": "; counts are {label: rows}, and the label is a column of df, which label_col names: leave y out",
    "label_col": "; name the column of df that holds the label; MLROS, MLRUS and MLSMOTE take several",
    "resampled": "; give what sampler.resample(before) returns",
}


def hint_at(name: str, known: list[str]) -> str:
    """Return which parameter is meant by an unknown name, or why it is absent, as the end of a sentence."""
    meant = [one for one in _PARAMETERS.get(name, ()) if one in known]
    if meant:
        return f"; did you mean '{meant[0]}'?"
    if name in _ABSENT:
        return f", since {_ABSENT[name]}"
    return nearest_name(name, known) or f"; its parameters are {', '.join(known)}"


def describe_call(
    called: Callable[..., Any], signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str:
    """Say in one sentence what is wrong with the names of arguments, and how the call is written."""
    known = {name: one for name, one in signature.parameters.items() if name != "self"}
    needed = [name for name, one in known.items() if one.default is one.empty]
    given, who, name = args, called.__name__, called.__name__
    usage = f"({', '.join(_CALLS.get(one, one) for one in needed)})"
    if "self" in signature.parameters:
        if not args or not hasattr(type(args[0]), name):
            return f"{name}: a method of a class is called; write SMOTE(label_col=...).{name}{usage}"
        given, who = args[1:], type(args[0]).__name__
        name = who if name == "__init__" else name
    placed = [name for name, one in known.items() if one.kind is not one.KEYWORD_ONLY]
    unknown = sorted((name for name in kwargs if name not in known), key=lambda name: name not in _ABSENT)
    twice = [name for name in placed[: len(given)] if name in kwargs]
    if unknown:
        problem = f"unknown parameter '{unknown[0]}'{hint_at(unknown[0], list(known))}"
    elif twice:
        problem = f"the parameter '{twice[0]}' is given twice"
    elif len(given) > len(placed):
        problem = f"{len(given)} values without a name are given, and {' and '.join(placed)} may have none"
    else:
        missing = next(name for name in needed if name not in kwargs and name not in placed[: len(given)])
        problem = f"the parameter '{missing}' is required"
    return f"{who}: {problem}{'' if problem.endswith('?') else f'; write {name}{usage}'}"
