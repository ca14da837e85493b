"""Scripts and examples as modules, wherever they lie."""

from __future__ import annotations

import importlib.util


def module_of(path):
    """Load a file of Python under its own name, without a place among the imported modules."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
