"""Certificates: what a learner has done, under a name, with a code by which this server knows its own again.

    certificate = issue(learner, load_lessons(), "Lin Yue")
    verify(store, "7K3QD-...", address)                # the same certificate, or a CourseError that says why not

A certificate holds what the database has and nothing that anybody claims: the lessons finished and the challenges met.
A lesson is finished when all that its steps record is there: every guess is made, its lab has been used, and every
question is answered in its present wording. Whether the answers are right is stated beside it, for a question may be
answered again after its explanation was read. Sections read do not count: the course cannot know that somebody reads.
A challenge is met when the lab's own grading of a run said so; its figures are those of that run.

The code is 100 bits of an HMAC over the content with the installation's key, so no code can be guessed, and whoever
can write to the database but has not the key can make no certificate and change none. The content is kept as it was:
a course that has changed since says what it said then. Nobody watched, and every certificate says so.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from course_lib import __version__
from course_lib.course import tables
from course_lib.course.installation_key import keyed_hash
from course_lib.course.lessons import Lesson
from course_lib.course.nicknames import person_name
from course_lib.course.progress import LessonProgress, lesson_progress
from course_lib.course.rate_limit import allow, check
from course_lib.course.storable import checked_json
from course_lib.course.store import Activity, ChallengeTried, Learner, Store
from course_lib.errors import CourseError

FORMAT = 1  # of the content
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: without I, L, O and U
CHARACTERS, GROUP = 20, 5  # of a code
LOOKS_LIKE = str.maketrans("OIL", "011")
LONGEST = 100  # characters of what is typed in
WINDOW_S = 600.0
PER_ADDRESS, IN_ALL = 120, 3000  # codes looked up; a guess is hopeless anyway, but each one costs a query
HOUR_S = 3600.0
PER_LEARNER = 20  # certificates made in an hour


@dataclass(frozen=True)
class Certificate:
    """A certificate whose content is as it was when it was made."""

    code: str  # 20 characters
    content: Mapping[str, Any]  # format, number, name, date, course, lessons, challenges
    at: float  # unix seconds

    @property
    def name(self) -> str:
        """Whom it is for, as they have written it."""
        return str(self.content["name"])


def achievements(lessons: Iterable[Lesson], activity: Activity) -> dict[str, list[dict[str, Any]]]:
    """What could be certified now: ``lessons`` and ``challenges``, in the course's order, in both languages."""
    finished, met = [], []
    for lesson in lessons:
        if not lesson.ready:
            continue
        progress = lesson_progress(lesson, activity)
        titles = dict(lesson.titles)
        if _finished(lesson, progress):
            done = {"id": lesson.id, "titles": titles, "right": progress.right, "questions": progress.questions}
            finished.append(done | {"challenges": len(progress.passed), "challenges_in_all": progress.challenges})
        for challenge in lesson.challenges:
            if challenge.id in progress.passed:
                tried = [one for one in activity.challenges if (one.lesson, one.challenge) == (lesson.id, challenge.id)]
                passed = _told_best(tried)
                met.append(
                    {"lesson": lesson.id, "titles": titles, "id": challenge.id, "prompts": dict(challenge.prompts)}
                    | {"run": passed.run_id, "date": _date(passed.at), "figures": _figures(passed)}
                )
    return {"lessons": finished, "challenges": met}


def _finished(lesson: Lesson, progress: LessonProgress) -> bool:
    parts = {"predict": lesson.guesses, "train": lesson.labs, "check": lesson.quiz.questions}
    needed = {anchor for anchor, part in parts.items() if part}
    return bool(needed) and needed <= set(progress.steps)


def _told_best(tried: Iterable[ChallengeTried]) -> ChallengeTried:
    """The newest run that met the challenge; one whose figures were kept before one of an older version's."""
    return max((one for one in tried if one.passed), key=lambda one: (bool(_figures(one)), one.at))


def _figures(tried: ChallengeTried) -> list[dict[str, Any]]:
    details = tried.details if isinstance(tried.details, Mapping) else {}
    return list(details.get("figures") or [])


def issue(learner: Learner, lessons: Iterable[Lesson], name: str) -> Certificate:
    """A certificate of what ``learner`` has done up to now, for ``name``; the one of before where nothing has changed.

    Raises CourseError: ``certificate_name_empty``, ``certificate_name_long``, ``certificate_nothing``,
    ``too_many_tries``, and what the database raises.
    """
    courses, now = list(lessons), time.time()
    said = person_name(name)
    done = achievements(courses, learner.activity())
    if not any(done.values()):
        raise CourseError("certificate_nothing")
    content: dict[str, Any] = {"format": FORMAT, "name": said, "date": _date(now), **done}
    content["course"] = {"version": __version__, "lessons": sum(lesson.ready for lesson in courses)}
    for before in own(learner):
        if {key: value for key, value in before.content.items() if key != "number"} == content:
            return before
    allow(learner.store, f"certificates of {learner.key}", PER_LEARNER, HOUR_S)
    content["number"] = secrets.token_hex(8)  # two people of one name and one day have two certificates
    made = Certificate(code_of(checked_json("certificate", content)), content, now)

    def work(connection: sa.Connection) -> None:
        known = sa.select(tables.learners.c.key).where(tables.learners.c.key == learner.key)
        if connection.execute(known).scalar() is None:
            connection.execute(tables.learners.insert().values(key=learner.key, since=now))
        row = {"code": made.code, "learner": learner.key, "content": content, "at": now}
        connection.execute(tables.certificates.insert().values(**row))

    learner.store.write(work)
    return made


def own(learner: Learner) -> tuple[Certificate, ...]:
    """The learner's certificates, newest first, without what is not as it was made. Raises CourseError."""
    table = tables.certificates
    query = sa.select(table).where(table.c.learner == learner.key).order_by(table.c.at.desc(), table.c.code)
    try:
        rows = learner.store.read(query)
    except ValueError:  # one of them is no JSON: none can be read with it
        rows = []
    return tuple(Certificate(row.code, row.content, row.at) for row in rows if _is_ours(row))


def withdraw(learner: Learner, code: str) -> None:
    """Deletes one of the learner's certificates; its code is unknown from then on. Raises CourseError."""
    table = tables.certificates

    def work(connection: sa.Connection) -> None:
        connection.execute(table.delete().where((table.c.learner == learner.key) & (table.c.code == code)))

    learner.store.write(work)


def verify(store: Store, given: str, address: str, again: bool = False) -> Certificate:
    """The certificate whose code was typed in at ``address``.

    With ``again`` it is no new try, for a page that looks once more at a code which this visitor has tried.

    Raises CourseError: ``certificate_code_form`` for what no code looks like, which is not looked up;
    ``too_many_tries``; ``certificate_unknown``; ``certificate_altered`` for a row that this installation has not
    made, or that is not as it was made; and what the database raises.
    """
    code = read_code(given)
    if not again:
        check(store, "certificate", WINDOW_S)
        allow(store, f"certificate from {address}", PER_ADDRESS, WINDOW_S)
        allow(store, "certificate", IN_ALL, WINDOW_S)
    try:
        rows = store.read(sa.select(tables.certificates).where(tables.certificates.c.code == code))
    except ValueError:  # what lies there is no JSON
        raise CourseError("certificate_altered") from None
    if not rows:
        raise CourseError("certificate_unknown")
    if not _is_ours(rows[0]):
        raise CourseError("certificate_altered")
    return Certificate(code, rows[0].content, rows[0].at)


def _is_ours(row: sa.Row[Any]) -> bool:
    return hmac.compare_digest(code_of(row.content).encode(), str(row.code).encode("utf-8", "replace"))


def code_of(content: Any) -> str:
    """The code of a certificate's content; raises CourseError where the installation has no key."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    bits = int(keyed_hash("certificate", canonical), 16) >> (256 - 5 * CHARACTERS)
    return "".join(ALPHABET[bits >> (5 * place) & 31] for place in reversed(range(CHARACTERS)))


def spoken_code(code: str) -> str:
    """A code as it is printed: in groups of five."""
    return "-".join(code[at : at + GROUP] for at in range(0, CHARACTERS, GROUP))


def read_code(given: str) -> str:
    """The code in what was typed: in any case, with any spaces and hyphens, O for 0, I and L for 1.

    Raises CourseError ``certificate_code_form``.
    """
    shown = unicodedata.normalize("NFKC", given[: LONGEST + 1]).upper()
    kept = (one for one in shown if not (one.isspace() or unicodedata.category(one) == "Pd"))
    code = "".join(kept).translate(LOOKS_LIKE)
    if len(given) > LONGEST or len(code) != CHARACTERS or not set(code) <= set(ALPHABET):
        raise CourseError("certificate_code_form", characters=CHARACTERS)
    return code


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
