"""What a class answered and guessed, as counts, and what of it may be shown where its answers are anonymous.

Nobody's answer may be read off the counts, nor off two readings of them. So, while answers are anonymous:

- Nothing is shown before five people have answered, and what is shown changes only when three people or more have
  answered, answered anew or been taken out since: two readings never differ by one person, nor by two.
- A count of one or two is not shown. Where there is one, one of the other counts is not shown either, for the rest of
  the class would tell it; which one, is drawn with the installation's secret key, or the choice would tell it too.
  Where nothing but zeros is left, nothing is shown.

That all answered alike is shown, and then each one's answer is known: a count says so much of any question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.classes import Classroom, revealed_in
from course_lib.course.guesses import Guess
from course_lib.course.installation_key import keyed_hash
from course_lib.course.lessons import Lesson
from course_lib.course.store import Store
from course_lib.errors import CourseError

FEWEST = 5  # people before anything is shown
STEP = 3  # people by whom two readings differ
SMALL = 3  # the smallest count that is shown, but for none at all
BINS = 8  # of a guessed number


@dataclass(frozen=True)
class Pooled:
    """The class's newest answers to one question, or guesses of one kind."""

    name: str
    people: int | None  # whose answers are counted; None where nothing is shown yet
    counts: tuple[int | None, ...]  # by option, or by bin; None: too few to be shown
    correct: tuple[bool, ...] = ()  # a question's options that are right
    edges: tuple[float, ...] = ()  # of the bins of a number, one more than there are counts
    revealed: bool = False  # whether learners may see it

    @property
    def shown(self) -> bool:
        """Whether there is anything to show."""
        return any(count is not None for count in self.counts)


@dataclass(frozen=True)
class Act:
    """Somebody answered, or (with no places) was taken out."""

    at: float
    learner: str
    places: tuple[int, ...] = ()


def pooled_answers(store: Store, room: Classroom, lesson: Lesson) -> dict[str, Pooled]:
    """By question: the newest answers of those present, in the question's present wording."""
    wanted = {question.id: question for question in lesson.quiz.questions}
    acts: dict[str, list[Act]] = {id: [] for id in wanted}
    columns = (tables.answers.c.question, tables.answers.c.version, tables.answers.c.chosen)
    for row in _given(store, room.key, tables.answers, lesson.id, columns):
        question = wanted.get(row.question)
        if question is not None and row.version == question.version:
            _note(acts[question.id], row, tuple(one for one in row.chosen if one < len(question.options)))
    revealed = revealed_in(store, room.key, lesson.id)
    found = {}
    for id, question in wanted.items():
        people, counts = published(
            acts[id], len(question.options), room.plan.anonymous, question.several, f"{room.key} {id}"
        )
        right = tuple(option.correct for option in question.options)
        found[id] = Pooled(id, people, counts, correct=right, revealed=(lesson.id, id) in revealed)
    return found


def pooled_guesses(store: Store, room: Classroom, lesson: Lesson) -> dict[str, Pooled]:
    """By guess: the newest guesses of those present, by option, or by bins of the slider."""
    wanted = {guess.id: guess for guess in lesson.guesses}
    acts: dict[str, list[Act]] = {id: [] for id in wanted}
    for row in _given(store, room.key, tables.guesses, lesson.id, (tables.guesses.c.guess, tables.guesses.c.value)):
        guess = wanted.get(row.guess)
        place = None if guess is None else bin_of(guess, row.value)
        if guess is not None and place is not None:
            _note(acts[guess.id], row, (place,))
    revealed = revealed_in(store, room.key, lesson.id)
    found = {}
    for id, guess in wanted.items():
        edges = bin_edges(guess) if guess.kind == "number" else ()
        places = len(edges) - 1 if edges else len(guess.options)
        people, counts = published(acts[id], places, room.plan.anonymous, False, f"{room.key} {id}")
        found[id] = Pooled(id, people, counts, edges=edges, revealed=(lesson.id, id) in revealed)
    return found


def bin_edges(guess: Guess) -> tuple[float, ...]:
    """The slider's range in bins of whole steps, at most eight."""
    steps = max(1, round((guess.high - guess.low) / guess.step))
    each = -(-(steps + 1) // BINS)  # places of the slider in a bin; it has one place more than steps
    first = guess.low - guess.step / 2
    return tuple(round(first + place * guess.step, 10) for place in range(0, steps + 1 + each, each))


def published(
    acts: Sequence[Act], places: int, anonymous: bool, several: bool, name: str = ""
) -> tuple[int | None, tuple[int | None, ...]]:
    """People and counts that may be shown after ``acts``, under the rules above.

    ``several``: more than one option may be chosen. ``name`` says what is counted, for what is drawn by chance.
    """
    state: dict[str, tuple[int, ...]] = {}
    shown: dict[str, tuple[int, ...]] | None = None
    since: set[str] = set()  # who has acted since what is shown
    for act in sorted(acts, key=lambda act: act.at):
        before = state.get(act.learner)
        if act.places:
            state[act.learner] = act.places
        else:
            state.pop(act.learner, None)
        if before == state.get(act.learner):  # the same answer again tells nothing new
            continue
        since.add(act.learner)
        if len(since) >= STEP and len(state) >= FEWEST:
            shown, since = dict(state), set()
    if not anonymous:
        shown = state
    if shown is None:
        return None, (None,) * places
    counts = [sum(place in chosen for chosen in shown.values()) for place in range(places)]
    return len(shown), tuple(_suppressed(counts, len(shown), several, name) if anonymous else counts)


def _suppressed(counts: Sequence[int], people: int, several: bool, name: str) -> list[int | None]:
    """Counts without those that would tell of one person or two."""
    small = {place for place, count in enumerate(counts) if 0 < count < SMALL}
    if several:  # options do not add up to the people, but each splits them in two
        small |= {place for place, count in enumerate(counts) if 0 < people - count < SMALL}
    elif small:
        others = [place for place, count in enumerate(counts) if count and place not in small]
        if others:
            small.add(min(others, key=lambda place: keyed_hash("pooled", f"{name} {counts} {place}")))
        if len(small) == sum(count > 0 for count in counts):  # the zeros alone say who is among which
            small = set(range(len(counts)))
    return [None if place in small else count for place, count in enumerate(counts)]


def _given(store: Store, key: str, table: sa.Table, lesson: str, columns: Sequence[sa.Column[Any]]) -> list[Any]:
    """What the people of a class have given in a lesson, oldest first, with when they joined and were removed."""
    people = tables.members
    query = sa.select(people.c.learner, people.c.joined, people.c.removed, table.c.at, *columns)
    query = query.select_from(people.join(table, table.c.learner == people.c.learner))
    return store.read(query.where(people.c.classroom == key, table.c.lesson == lesson).order_by(table.c.id))


def _note(acts: list[Act], row: Any, places: tuple[int, ...]) -> None:
    """What was given before joining counts from then on; after being taken out, nothing does."""
    if not places or (row.removed is not None and row.at > row.removed):
        return
    acts.append(Act(max(row.at, row.joined), row.learner, places))
    if row.removed is not None:
        acts.append(Act(row.removed, row.learner))


def bin_of(guess: Guess, value: Any) -> int | None:
    """The place of the option or bin that a guess falls into; None where the lesson's options have changed since."""
    try:
        checked = guess.check(value)
    except CourseError:
        return None
    if guess.kind == "choice":
        return [option.id for option in guess.options].index(str(checked))
    edges = bin_edges(guess)
    return next(place for place in range(len(edges) - 1) if float(checked) < edges[place + 1])
