"""``python -m course_lib``: the course's command line; ``--help`` lists the commands."""

import sys

from course_lib.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
