"""Estimators of scikit-learn whose parameters are fields, and what imbalanced-learn asks of one beside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from sklearn.utils import InputTags, Tags
from typing_extensions import dataclass_transform

from spark_balance.base.docstrings import docstring_of

Kind = TypeVar("Kind")


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def estimator(kind: type[Kind]) -> type[Kind]:
    """Make a constructor of the fields of a class, with the signature that scikit-learn reads."""
    made: type[Kind] = dataclass(kw_only=True, eq=False, repr=False)(kind)
    made.__doc__ = docstring_of(made)
    return made


@dataclass(slots=True)
class SamplerTags:
    """What imbalanced-learn asks of a sampler."""

    sample_indices: bool = False


@dataclass(slots=True)
class FrameTags(InputTags):  # type: ignore[misc]  # scikit-learn ships no types
    """scikit-learn's tags of the input, and imbalanced-learn's."""

    dataframe: bool = True


@dataclass(slots=True)
class ResamplerTags(Tags):  # type: ignore[misc]
    """scikit-learn's tags of an estimator, and imbalanced-learn's."""

    sampler_tags: SamplerTags | None = None
