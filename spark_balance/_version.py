"""The version, importable from everywhere without the package's exports."""

__version__ = "0.2.0"
