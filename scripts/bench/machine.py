"""The machine and the versions that numbers were measured with."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from spark_balance.app.session import find_java

PACKAGES = ("pyspark", "pysail", "numpy", "scikit-learn", "pyarrow", "pandas", "imbalanced-learn")


def machine() -> dict[str, Any]:
    """Return CPU model, cores, memory, system and versions."""
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "os": _system(),
        "python": platform.python_version(),
        "java": _java(),
        **{name: _version(name) for name in PACKAGES},
    }


def named(found: dict[str, Any]) -> str:
    """Return the machine in one line, for captions."""
    return f"{found['cores']} cores of {found['cpu']}, {found['memory_gb']:.0f} GB, {found['os']}"


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit() -> str:
    """Return the commit that is measured, with a mark when files differ from it."""
    try:
        short = _said("git", "rev-parse", "--short", "HEAD")
        # the results are themselves files of the repository, and change as sections are run
        changed = _said("git", "status", "--porcelain", "--", "spark_balance", "scripts", "pyproject.toml")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return short + ("+changes" if changed else "")


def now() -> str:
    """Return the time of day as it is written into the results."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"


def _java() -> str:
    java = find_java()
    if java is None:
        return "none"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    return said.splitlines()[0].strip() if said else "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
