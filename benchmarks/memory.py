"""How much memory a process has had at most. The standard library alone: peers' workers import it too."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_mib() -> float:
    """The most memory this process has had, MiB."""
    try:  # Linux; getrusage there counts what the process was before it became this program
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 2**10
    except (OSError, StopIteration):
        pass
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # macOS counts bytes, Linux KiB
