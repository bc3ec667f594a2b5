"""``python -m course_lib.ui.serve run app.py ...``: Streamlit's own command, ended by Ctrl-C as other commands are.

Streamlit ends with status 1 then, as after a failure, and with a traceback while it is still being imported. Whoever
starts this holds SIGINT back (``course_lib/cli/start.py``), so that one which comes early is seen here.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # the shell's number for Ctrl-C


def end_at_once(_number: int, _frame: FrameType | None) -> None:
    """Ends the process while nothing is open yet: raised amid an import, KeyboardInterrupt becomes other errors."""
    os._exit(INTERRUPTED)


def main() -> int:
    """Serves until it is stopped; the exit status."""
    try:
        usual = signal.signal(signal.SIGINT, end_at_once)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        import click
        from streamlit.web.cli import main as streamlit_command

        signal.signal(signal.SIGINT, usual)
        try:
            streamlit_command(sys.argv[1:], prog_name="streamlit", standalone_mode=False)
        except click.ClickException as problem:
            problem.show()
            return problem.exit_code
        except click.Abort:
            return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
