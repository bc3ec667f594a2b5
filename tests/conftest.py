"""What holds for every test: a home of its own, one thread for each process, and no network."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

from hypothesis import settings

# How long one example takes depends on what else the machine does; speed is for the benchmarks.
settings.register_profile("course", deadline=None)
settings.load_profile("course")
# Two test processes and the workers that they start share a few cores. Threads of BLAS and OpenMP on top of that would
# wait for each other, and sums in another order would change last digits. Set before numpy or torch is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# A test that fetches something from a hub is a mistake; offline it fails at once and says so.
os.environ["HF_HUB_OFFLINE"] = "1"
# The reader's own settings do not reach the tests.
for name in [name for name in os.environ if name.startswith("LIVEREC_")]:
    del os.environ[name]
HOME = Path(tempfile.mkdtemp(prefix="liverec-tests-"))
os.environ["LIVEREC_HOME"] = str(HOME)

# A job in a shell's background ignores Ctrl-C, and so would every process that a test starts to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ("tests.databases",)  # the store on SQLite and on PostgreSQL, for every test that touches it


def pytest_unconfigure() -> None:
    """Removes the home after the last test of this process."""
    shutil.rmtree(HOME, ignore_errors=True)
