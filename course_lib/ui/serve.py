"""``python -m course_lib.ui.serve run app.py ...``: Streamlit's own command, ended by Ctrl-C as other commands are.

Streamlit ends with status 1 then, as after a failure, and with a traceback while it is still being imported. Whoever
starts this holds SIGINT back (``course_lib/cli/start.py``), so that one which comes early is seen here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # the shell's number for Ctrl-C


def end_at_once(_number: int, _frame: FrameType | None) -> None:
    """Ends the process: the server, while it serves, has a handler of its own and has closed everything before this.

    KeyboardInterrupt would be lost where it is raised amid an import, in a class being made or in a weak reference's
    callback, and the server would go on.
    """
    with contextlib.suppress(OSError, RuntimeError, ValueError):  # amid a write, or to a terminal that has gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(INTERRUPTED)


def main() -> int:
    """Serves until it is stopped; the exit status."""
    signal.signal(signal.SIGINT, end_at_once)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    import click
    from streamlit.web.cli import main as streamlit_command

    try:
        streamlit_command(sys.argv[1:], prog_name="streamlit", standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
