"""Certificates: what they state, what their code proves, and that they go with their learner."""

from __future__ import annotations

import copy
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from course_lib.course import certificates, tables
from course_lib.course.certificates import (
    ALPHABET,
    IN_ALL,
    PER_ADDRESS,
    PER_LEARNER,
    WINDOW_S,
    achievements,
    issue,
    own,
    read_code,
    spoken_code,
    verify,
    withdraw,
)
from course_lib.course.challenges import figures, grade_challenge
from course_lib.course.forget import forget_learner, forget_lesson
from course_lib.course.lessons import Lesson
from course_lib.course.store import Learner, Store
from course_lib.errors import CourseError

ANNA, BERT, HERE = "a" * 32, "b" * 32, "192.0.2.1"
RESULT = {
    "measures": {
        "ndcg@10": {"value": 0.41, "low": 0.4, "high": 0.42},
        "parameters": {"value": 38800, "low": 38800, "high": 38800},
    }
}
FIGURES = [
    {"name": "ndcg@10", "relation": "at_least", "wanted": 0.3, "got": 0.41, "low": 0.4, "high": 0.42},
    {"name": "parameters", "relation": "at_most", "wanted": 100000.0, "got": 38800.0, "low": 38800.0, "high": 38800.0},
    {"name": "epochs", "relation": "at_most", "wanted": 6.0, "got": 4.0, "low": None, "high": None},
]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))


@pytest.fixture
def lessons(house: Any) -> tuple[Lesson, ...]:
    return house.course().lessons


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(CourseError) as raised:
        work()
    return raised.value.key


def finish(learner: Learner, lesson: Lesson) -> None:
    """All that the lesson's steps record; one question of two is wrong, and the challenge is not tried."""
    for guess in lesson.guesses:
        learner.record_guess(lesson.id, guess.id, "behind" if guess.id == "ahead" else 0.5)
    learner.record_run(lesson.id, "r1")
    for question in lesson.quiz.questions:
        learner.record_answer(lesson.id, question.id, [0], question.id == "order", question.version)


def meet(learner: Learner, run: str = "0123456789abcdef", figures: bool = True) -> None:
    details: dict[str, Any] = {"missing": [], "sure": True}
    learner.record_challenge("alpha", "small", run, True, details | ({"figures": FIGURES} if figures else {}))


def test_a_lesson_is_finished_when_its_work_is_recorded_and_not_before(
    any_store: Store, lessons: tuple[Lesson, ...]
) -> None:
    learner = any_store.learner(ANNA)
    lesson = next(one for one in lessons if one.id == "alpha")

    def finished() -> list[dict[str, Any]]:
        return achievements(lessons, learner.activity())["lessons"]

    for anchor in ("why", "try", "look", "idea", "so-what", "train", "check", "predict"):
        learner.record_step("alpha", anchor)  # seen, every one of them
    assert finished() == []
    learner.record_guess("alpha", "ahead", "behind")
    learner.record_guess("alpha", "share", 0.5)
    learner.record_run("alpha", "r1")
    order, two = lesson.quiz.questions
    learner.record_answer("alpha", "order", [0], True, order.version)
    learner.record_answer("alpha", "two", [0], False, "another wording")
    assert finished() == []
    learner.record_answer("alpha", "two", [0], False, two.version)
    (row,) = finished()
    assert (row["id"], row["titles"]) == ("alpha", {"zh": "用户", "en": "Users"})
    assert [row[name] for name in ("right", "questions", "challenges", "challenges_in_all")] == [1, 2, 0, 1]


def test_a_challenge_is_stated_with_the_figures_of_its_run(any_store: Store, lessons: tuple[Lesson, ...]) -> None:
    learner = any_store.learner(ANNA)

    def met() -> list[dict[str, Any]]:
        return achievements(lessons, learner.activity())["challenges"]

    learner.record_challenge("alpha", "small", "f" * 16, False, {"figures": FIGURES})
    learner.record_challenge("alpha", "gone", "e" * 16, True, {"figures": FIGURES})  # no longer in the course
    assert met() == []
    meet(learner, "1" * 16, figures=False)  # as versions before this one have kept it
    assert [(row["run"], row["figures"]) for row in met()] == [("1" * 16, [])]
    meet(learner, "2" * 16)
    meet(learner, "3" * 16, figures=False)
    (row,) = met()
    assert (row["run"], row["figures"]) == ("2" * 16, FIGURES)
    assert row["prompts"] == {"zh": "小而好。", "en": "Small and good."}


def test_figures_are_what_grading_looked_at(lessons: tuple[Lesson, ...]) -> None:
    (challenge,) = next(one for one in lessons if one.id == "alpha").challenges
    found = figures(challenge, RESULT, {"epochs": 4, "width": 24})
    assert found == FIGURES
    assert grade_challenge(challenge, RESULT, {"epochs": 4}, "shop").passed
    slow = {"epochs": 9}
    (miss,) = grade_challenge(challenge, RESULT, slow, "shop").missing
    assert next(one["got"] for one in figures(challenge, RESULT, slow) if one["name"] == miss.name) == miss.got == 9


def test_a_code_leads_to_what_was_certified(any_store: Store, lessons: tuple[Lesson, ...]) -> None:
    anna, bert = any_store.learner(ANNA), any_store.learner(BERT)
    lesson = next(one for one in lessons if one.id == "alpha")
    assert refused(lambda: issue(anna, lessons, "Lin")) == "certificate_nothing"
    for learner in (anna, bert):
        finish(learner, lesson)
        meet(learner)
    made = issue(anna, lessons, "  林 <b>*月*</b>\u202e ")
    assert made.name == "林 <b>*月*</b>"
    assert made.content["course"] == {"version": "0.1.0", "lessons": 1}
    for given in (
        made.code,
        spoken_code(made.code),
        f" {made.code.lower()} ",
        made.code.replace("0", "o").replace("1", "l"),
        "".join(chr(ord(one) + 0xFEE0) for one in made.code),
    ):
        assert verify(any_store, given, HERE) == made
    assert issue(anna, lessons, "林 <b>*月*</b>") == made  # nothing has changed
    other = issue(bert, lessons, "林 <b>*月*</b>")
    assert other.code != made.code
    assert own(anna) == (made,)
    learner_keys = json.dumps(dict(other.content))
    assert ANNA not in learner_keys
    assert BERT not in learner_keys


def test_content_that_was_changed_in_the_database_certifies_nothing(
    any_store: Store, lessons: tuple[Lesson, ...]
) -> None:
    anna = any_store.learner(ANNA)
    finish(anna, next(one for one in lessons if one.id == "alpha"))
    meet(anna)
    made = issue(anna, lessons, "Lin")
    table = tables.certificates

    def put(content: Any) -> None:
        any_store.write(lambda connection: connection.execute(table.update().values(content=content)))

    def edited(*path: Any, to: Any) -> Any:
        content = copy.deepcopy(dict(made.content))
        at: Any = content
        for part in path[:-1]:
            at = at[part]
        at[path[-1]] = to
        return content

    forgeries: list[Any] = [
        edited("name", to="Lin "),
        edited("lessons", 0, "right", to=2),
        edited("lessons", to=[]),
        edited("challenges", 0, "figures", 0, "got", to=0.42),
        edited("date", to="2030-01-01"),
        edited("more", to="a doctorate"),
        {},
        [],
        "Lin",
    ]
    for forged in forgeries:
        put(forged)
        assert refused(lambda: verify(any_store, made.code, HERE)) == "certificate_altered", forged
        assert own(anna) == ()
    put(dict(reversed(made.content.items())))  # another order is no other content
    assert verify(any_store, made.code, HERE).content == made.content


def test_a_row_without_the_key_is_no_certificate(any_store: Store, lessons: tuple[Lesson, ...]) -> None:
    """Whoever can write to the database knows how codes are made, but not what with."""
    anna = any_store.learner(ANNA)
    finish(anna, next(one for one in lessons if one.id == "alpha"))
    made = issue(anna, lessons, "Lin")
    content = {**made.content, "name": "Mallory"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    bits = int(hashlib.sha256(canonical.encode()).hexdigest(), 16) >> 156
    code = "".join(ALPHABET[bits >> (5 * place) & 31] for place in reversed(range(20)))
    row = {"code": code, "learner": ANNA, "content": content, "at": 1.0}
    any_store.write(lambda connection: connection.execute(tables.certificates.insert().values(**row)))
    assert refused(lambda: verify(any_store, code, HERE)) == "certificate_altered"
    assert own(anna) == (made,)


def test_another_installation_does_not_know_it(
    any_store: Store, lessons: tuple[Lesson, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    anna = any_store.learner(ANNA)
    finish(anna, next(one for one in lessons if one.id == "alpha"))
    made = issue(anna, lessons, "Lin")
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "elsewhere"))  # the same database, another key
    assert refused(lambda: verify(any_store, made.code, HERE)) == "certificate_altered"
    assert own(anna) == ()
    newer = issue(anna, lessons, "Lin")
    assert verify(any_store, newer.code, HERE) == newer


def test_what_is_no_json_at_all_is_told_in_a_sentence(
    open_at: Callable[..., Store], tmp_path: Path, lessons: tuple[Lesson, ...]
) -> None:
    store = open_at(tmp_path / "course.sqlite")
    anna = store.learner(ANNA)
    finish(anna, next(one for one in lessons if one.id == "alpha"))
    made = issue(anna, lessons, "Lin")
    for planted in ("{", "", "NaN", '{"name": Infinity}'):
        with sqlite3.connect(tmp_path / "course.sqlite") as connection:
            connection.execute("UPDATE certificates SET content = ?", (planted,))
        connection.close()
        assert refused(lambda: verify(store, made.code, HERE)) == "certificate_altered"
        assert own(anna) == ()


def test_certificates_end_with_their_learner(any_store: Store, lessons: tuple[Lesson, ...]) -> None:
    made = {}
    for key in (ANNA, BERT):
        learner = any_store.learner(key)
        finish(learner, next(one for one in lessons if one.id == "alpha"))
        made[key] = issue(learner, lessons, "Lin")
    anna, bert = any_store.learner(ANNA), any_store.learner(BERT)
    withdraw(bert, made[ANNA].code)  # not Bert's
    forget_lesson(anna, "alpha")
    assert verify(any_store, made[ANNA].code, HERE) == made[ANNA]
    forget_learner(anna)
    assert refused(lambda: verify(any_store, made[ANNA].code, HERE)) == "certificate_unknown"
    assert verify(any_store, made[BERT].code, HERE) == made[BERT]
    withdraw(bert, made[BERT].code)
    assert refused(lambda: verify(any_store, made[BERT].code, HERE)) == "certificate_unknown"
    assert any_store.read(sa.select(tables.certificates)) == []


def test_guesses_are_limited_and_slips_are_not_counted(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = ["", "U" * 20, "A" * 19, "A" * 21, "A" * 10_000, "\x00" * 20, "A" * 19 + "\ud800", "é" * 20, "一" * 20]
    for given in strange:
        assert refused(lambda given=given: verify(any_store, given, HERE)) == "certificate_code_form"
    assert any_store.read(sa.select(tables.tries)) == []
    wrong = "Z" * 20
    found = [refused(lambda: verify(any_store, wrong, HERE)) for _ in range(PER_ADDRESS + 5)]
    assert found == ["certificate_unknown"] * PER_ADDRESS + ["too_many_tries"] * 5
    assert refused(lambda: verify(any_store, wrong, HERE, again=True)) == "certificate_unknown"
    assert refused(lambda: verify(any_store, wrong, "192.0.2.2")) == "certificate_unknown"
    monkeypatch.setattr(certificates, "IN_ALL", PER_ADDRESS + 1)
    assert refused(lambda: verify(any_store, wrong, "192.0.2.3")) == "too_many_tries"
    assert (IN_ALL, WINDOW_S) == (3000, 600)


def test_names_are_made_plain_or_refused(any_store: Store, lessons: tuple[Lesson, ...]) -> None:
    anna = any_store.learner(ANNA)
    finish(anna, next(one for one in lessons if one.id == "alpha"))
    for name, key in (("", "empty"), (" \u200b\u3164", "empty"), ("x" * 81, "long"), ("x" * 100_000, "long")):
        assert refused(lambda name=name: issue(anna, lessons, name)) == f"certificate_name_{key}"
    for name in ("李玥", "Nguyễn Thị Ánh", "Ольга", "محمد", "ไทย", "=1+1", "\x00Lin\ud800\n\u202eX", "x" * 80):
        made = issue(anna, lessons, name)
        assert verify(any_store, made.code, HERE).name == made.name
        assert not set(made.name) & set("\x00\ud800\n\u202e")


def test_a_learner_cannot_fill_the_disk_with_them(any_store: Store, lessons: tuple[Lesson, ...]) -> None:
    anna = any_store.learner(ANNA)
    finish(anna, next(one for one in lessons if one.id == "alpha"))
    for number in range(PER_LEARNER):
        issue(anna, lessons, f"Lin {number}")
    assert refused(lambda: issue(anna, lessons, "One more")) == "too_many_tries"
    assert issue(anna, lessons, "Lin 3").name == "Lin 3"  # there already
    assert len(own(anna)) == PER_LEARNER


def test_codes_have_letters_that_nobody_confuses() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)
    assert read_code("oooOO-iIlL1 " + "A" * 10) == "00000" + "11111" + "A" * 10
