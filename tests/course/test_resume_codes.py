"""Resume codes: read aloud, kept as a hash, replaced by a newer one, and not to be guessed."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from test_rate_limit import clock  # noqa: F401

from course_lib.course import rate_limit, resume_codes, tables
from course_lib.course.forget import forget_learner
from course_lib.course.resume_codes import IN_ALL, PER_ADDRESS, WINDOW_S, check_digit, make_code, read_code, whose
from course_lib.course.store import Store
from course_lib.errors import CourseError

ANNA, BERT = "a" * 32, "b" * 32
GUESSES = int(os.environ.get("GUESSES", "2000"))  # GUESSES=100000 takes minutes


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(CourseError) as raised:
        work()
    return raised.value.key


def test_a_code_leads_to_its_learner(open_at: Callable[..., Store], address: str) -> None:
    store = open_at(address)
    anna, bert = (make_code(store.learner(one)) for one in (ANNA, BERT))
    assert [len(group) for group in anna.split()] == [4, 4, 4, 4]
    assert (whose(store, anna, "192.0.2.1"), whose(store, bert, "192.0.2.1")) == (ANNA, BERT)
    assert whose(open_at(address), anna.replace(" ", "-"), "192.0.2.2") == ANNA
    full_width = "".join(chr(ord(one) - ord("0") + ord("０")) if one.isdigit() else "　" for one in anna)
    assert whose(store, full_width, "192.0.2.1") == ANNA
    newer = make_code(store.learner(ANNA))
    assert refused(lambda: whose(store, anna, "192.0.2.1")) == "resume_code_unknown"
    assert whose(store, newer, "192.0.2.1") == ANNA
    resume_codes.withdraw(store.learner(ANNA))
    assert resume_codes.lasts_until(store.learner(ANNA)) is None
    assert refused(lambda: whose(store, newer, "192.0.2.1")) == "resume_code_unknown"
    forget_learner(store.learner(BERT))
    assert refused(lambda: whose(store, bert, "192.0.2.1")) == "resume_code_unknown"


def test_a_code_ends_after_half_a_year(
    open_at: Callable[..., Store], address: str, clock: list[float]  # noqa: F811
) -> None:  # fmt: skip
    store = open_at(address)
    code = make_code(store.learner(ANNA))
    clock[0] += resume_codes.LASTS_S - 1
    assert whose(store, code, "192.0.2.1") == ANNA
    clock[0] += 2
    assert refused(lambda: whose(store, code, "192.0.2.1")) == "resume_code_unknown"
    assert resume_codes.lasts_until(store.learner(ANNA)) is None


def test_the_code_is_nowhere_in_the_database(open_at: Callable[..., Store], tmp_path: Path) -> None:
    store = open_at(tmp_path / "course.sqlite")
    code = make_code(store.learner(ANNA)).replace(" ", "")
    whose(store, code, "192.0.2.77")
    store.close()
    with sqlite3.connect(tmp_path / "course.sqlite") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert ANNA in dump
    assert code not in dump
    assert "192.0.2.77" not in dump


def test_a_slip_of_the_finger_is_told_and_costs_no_try(open_at: Callable[..., Store], tmp_path: Path) -> None:
    store = open_at(tmp_path / "course.sqlite")
    code = make_code(store.learner(ANNA)).replace(" ", "")
    slips = [code[:at] + str((int(code[at]) + step) % 10) + code[at + 1 :] for at in range(16) for step in range(1, 10)]
    strange = ["", " ", code[:-1], code + "0", "x" * 16, "1" * 10_000, "²" * 16, "\x00" * 16, code + "\ud800"]
    for given in [*slips, *strange]:
        assert refused(lambda given=given: whose(store, given, "192.0.2.1")) == "resume_code_form"
    assert store.read(sa.select(tables.tries)) == []
    assert whose(store, code, "192.0.2.1") == ANNA


def test_the_check_digit_is_the_standards_own() -> None:
    assert check_digit("7992739871") == "3"  # the example of ISO/IEC 7812
    assert read_code("4539 1488 0343 6467") == "4539148803436467"


def test_guessing_gets_nowhere(
    monkeypatch: pytest.MonkeyPatch, open_at: Callable[..., Store], address: str, clock: list[float]  # noqa: F811
) -> None:  # fmt: skip
    """From a thousand addresses within ten minutes: all but 600 are refused unseen, and nobody is found.

    Fewer guesses meet a limit that is as many times lower, so that most of them still come when it has been reached.
    """
    store, draw = open_at(address), random.Random(7)
    limit = min(IN_ALL, GUESSES // 20)
    monkeypatch.setattr(resume_codes, "IN_ALL", limit)
    codes = [make_code(store.learner(f"learner {number}")) for number in range(20)]
    looked, wrong = [], 0

    def notice(*about: object) -> None:
        looked.append(about[2]) if "resume_codes" in str(about[2]) else None

    sa.event.listen(store.engine, "before_cursor_execute", notice)
    for number in range(GUESSES):
        clock[0] += 0.9 * WINDOW_S / GUESSES
        digits = "".join(draw.choices("0123456789", k=15))
        try:
            whose(store, digits + check_digit(digits), f"192.0.{number % 4}.{number // 4 % 250}")
        except CourseError as error:
            wrong += error.key == "resume_code_unknown"
    assert wrong == len(looked) == limit  # none was right
    assert refused(lambda: whose(store, codes[0], "198.51.100.1")) == "too_many_tries"
    clock[0] += WINDOW_S
    assert whose(store, codes[0], "198.51.100.1") == "learner 0"
    assert len(store.read(sa.select(tables.tries.c.id))) <= 2 * limit + 2  # nor does a flood fill the disk


def test_one_address_cannot_use_up_everybodys_tries(open_at: Callable[..., Store], tmp_path: Path) -> None:
    store = open_at(tmp_path / "course.sqlite")
    code = make_code(store.learner(ANNA))
    wrong = "0" * 16
    found = [refused(lambda: whose(store, wrong, "192.0.2.1")) for _ in range(PER_ADDRESS + 200)]
    assert found == ["resume_code_unknown"] * PER_ADDRESS + ["too_many_tries"] * 200
    assert whose(store, code, "192.0.2.2") == ANNA
    assert rate_limit.SWEEP < PER_ADDRESS
