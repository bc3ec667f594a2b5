"""``python -m course_lib lessons``: the lessons there are; with ``--check``, everything that is wrong with them."""

from __future__ import annotations

import argparse
from typing import Any

from course_lib.cli.console import BAD, OK, language, note, say, table


def register(commands: Any) -> None:
    """Adds ``lessons``."""
    parser = commands.add_parser("lessons", help=say("help_lessons"), description=say("help_lessons"))
    parser.add_argument("--check", action="store_true", help=say("help_check"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lists or checks; a check that finds something prints a sentence each and returns 2."""
    return check() if arguments.check else show()


def check() -> int:
    """Checks every lesson folder and both languages."""
    from course_lib.course.check import check_lessons
    from course_lib.course.lessons import load_lessons

    problems = check_lessons()
    for problem in problems:
        note(problem.text(language()))
    if problems:
        return BAD
    lessons = load_lessons()
    ready = sum(lesson.ready for lesson in lessons)
    print(say("lessons_well", ready=ready, planned=len(lessons) - ready))
    return OK


def show() -> int:
    """Lists the lessons in the order of the course."""
    from course_lib.course.lessons import load_lessons

    states = {True: say("lesson_ready"), False: say("lesson_planned")}
    rows = [(str(one.order), one.id, one.title(language()), states[one.ready]) for one in load_lessons()]
    print(table(("#", say("column_id"), say("column_title"), say("column_state")), rows))
    return OK
