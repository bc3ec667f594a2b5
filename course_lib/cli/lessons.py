"""``python -m course_lib lessons``: the lessons there are; with ``--check``, everything that is wrong with them."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import BAD, OK, language, note, say, table

if TYPE_CHECKING:
    from course_lib.course.lessons import Lesson


def register(commands: Any) -> None:
    """Adds ``lessons``."""
    parser = commands.add_parser("lessons", help=say("help_lessons"), description=say("help_lessons"))
    parser.add_argument("--check", action="store_true", help=say("help_check"))
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lists or checks; a check that finds something prints a sentence each and returns 2."""
    return check() if arguments.check else show(arguments.json)


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


def show(as_json: bool) -> int:
    """Lists the lessons in the order of the course."""
    from course_lib.course.lessons import load_lessons

    if as_json:
        print(json.dumps([as_record(one) for one in load_lessons()], ensure_ascii=False))
        return OK
    states = {True: say("lesson_ready"), False: say("lesson_planned")}
    rows = [(str(one.order), one.id, one.title(language()), states[one.ready]) for one in load_lessons()]
    print(table(("#", say("column_id"), say("column_title"), say("column_state")), rows))
    return OK


def as_record(lesson: Lesson) -> dict[str, Any]:
    """A lesson as JSON."""
    labs = [
        {"id": lab.id, "experiment": lab.experiment, "runs": [one.id for one in lab.runs], "open": lab.trouble is None}
        for lab in lesson.labs
    ]
    return {"id": lesson.id, "ready": lesson.ready, "minutes": lesson.minutes, "labs": labs}
