"""Peak memory of a benchmark process and of the Spark Python workers below it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.05  # seconds
# the kernel walks a process's pages for its PSS, which at every look would cost a tenth of a core
PSS_EVERY = 10


@dataclass
class Peak:
    """Megabytes (10^6 bytes), each the largest of any one process at any time.

    Attributes
    ----------
    worker_rss : float
        Resident memory of a Spark Python worker, pages shared with its parent included.
        Linux keeps this mark itself, so that no peak is missed between two looks.
    worker_pss : float
        The same with shared pages divided by those who share them.
    process_rss : float
        The process itself; on Sail all Python tasks run inside it, on Spark it is the driver's Python.
    """

    worker_rss: float = 0.0
    worker_pss: float = 0.0
    process_rss: float = 0.0


def watched(process: subprocess.Popen[bytes]) -> Peak:
    """Look at a process and its children until it ends."""
    peak, look = Peak(), 0
    root = psutil.Process(process.pid)
    workers: dict[int, psutil.Process] = {}
    while process.poll() is None:
        try:
            peak.process_rss = max(peak.process_rss, _most_rss(root))
            for child in root.children(recursive=True):
                if child.pid not in workers and _is_worker(child):
                    workers[child.pid] = child
        except psutil.Error:
            break
        for worker in list(workers.values()):
            try:
                peak.worker_rss = max(peak.worker_rss, _most_rss(worker))
                if look % PSS_EVERY == 0:
                    peak.worker_pss = max(peak.worker_pss, _pss(worker))
            except psutil.Error:
                workers.pop(worker.pid)
        look += 1
        time.sleep(EVERY)
    return peak


def _is_worker(process: psutil.Process) -> bool:
    """Tell a worker, which the daemon forks with its own command line, from the daemon."""
    try:
        parent = process.parent()
        return parent is not None and any("pyspark.daemon" in word for word in parent.cmdline())
    except psutil.Error:
        return False


def _most_rss(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status")
    try:
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass  # no Linux, or the process has just ended, which psutil then says
    return float(process.memory_info().rss) / 1e6


def _pss(process: psutil.Process) -> float:
    found = process.memory_full_info()
    return float(getattr(found, "pss", found.uss)) / 1e6
