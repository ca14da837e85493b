"""For griffe, which reads sources: the docstring and signature that a class of parameters has when it is imported.

`spark_balance.base.docstrings` adds the parameters of the parents to those of a method, so each page has all of them.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import griffe


class ImportedParameters(griffe.Extension):
    """Give classes of parameters their imported docstring, and an `__init__` with each parameter."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Take docstring and signature of the class as it is imported."""
        imported: Any = getattr(import_module(cls.module.path), cls.name, None)
        if cls.docstring is None or not hasattr(imported, "model_fields"):
            return
        cls.docstring.value = inspect.getdoc(imported) or ""
        given = [
            griffe.Parameter(one.name, kind=griffe.ParameterKind("keyword-only"), default=_shown(one.default))
            for one in inspect.signature(imported).parameters.values()
        ]
        cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*given), parent=cls))


def _shown(default: Any) -> str | None:
    return None if default is inspect.Parameter.empty else getattr(default, "__name__", repr(default))
