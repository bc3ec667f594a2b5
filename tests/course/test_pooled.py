"""Pooled answers and guesses, and that no reading of them, nor two together, tell what one person said."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.course import classes
from course_lib.course.classes import Classroom
from course_lib.course.lessons import Lesson
from course_lib.course.pooled import FEWEST, SMALL, STEP, Act, pooled_answers, pooled_guesses, published
from course_lib.course.store import Store


@pytest.fixture
def store(open_at: Callable[..., Store], address: str) -> Store:
    return open_at(address, 60.0)


@pytest.fixture
def lesson(house: Any) -> Lesson:
    found: Lesson = next(one for one in house.course().lessons if one.id == "alpha")
    return found


@pytest.fixture
def room(store: Store) -> Classroom:
    room = classes.open_class(store, "teacher", "Tuesday")
    for number in range(9):
        classes.join_class(store, room.code or "", f"l{number}", f"Lin {number}")
    return room


def answer(store: Store, lesson: Lesson, learner: str, *chosen: int, question: str = "order") -> None:
    version = lesson.quiz.question(question).version
    store.learner(learner).record_answer("alpha", question, chosen, True, version)


def test_newest_answers_of_those_present(store: Store, room: Classroom, lesson: Lesson) -> None:
    classes.set_anonymous(store, room.key, False)
    room = classes.classroom(store, room.key)
    for number in range(3):
        answer(store, lesson, f"l{number}", 0)
    answer(store, lesson, "l0", 1)
    answer(store, lesson, "nobody", 1)
    store.learner("l4").record_answer("alpha", "order", [0], True, "an older wording")
    pooled = pooled_answers(store, room, lesson)["order"]
    assert (pooled.people, pooled.counts, pooled.correct, pooled.revealed) == (3, (2, 1), (True, False), False)
    classes.reveal(store, room.key, "alpha", "order")
    classes.remove_member(store, room.key, "l1")
    answer(store, lesson, "l1", 0)
    pooled = pooled_answers(store, room, lesson)["order"]
    assert (pooled.people, pooled.counts, pooled.revealed) == (2, (1, 1), True)


def test_anonymous_answers_are_hidden_while_they_are_few(store: Store, room: Classroom, lesson: Lesson) -> None:
    for number in range(4):
        answer(store, lesson, f"l{number}", 0)
    assert pooled_answers(store, room, lesson)["order"].people is None
    for number in range(4, 8):
        answer(store, lesson, f"l{number}", 1)
    pooled = pooled_answers(store, room, lesson)["order"]
    assert pooled.people in (5, 6, 7, 8)
    assert pooled.counts in ((4, 4), (4, 3), (None, None))


def test_several_options_and_those_nearly_all_have_chosen(store: Store, room: Classroom, lesson: Lesson) -> None:
    for number in range(9):
        answer(store, lesson, f"l{number}", *((0, 1) if number else (1, 2)), question="two")
    pooled = pooled_answers(store, room, lesson)["two"]
    assert (pooled.people, pooled.counts) == (8, (None, 8, None))  # 7 of 8 would tell of the eighth


def test_guesses_by_option_and_by_bin(store: Store, room: Classroom, lesson: Lesson) -> None:
    for number in range(9):
        store.learner(f"l{number}").record_guess("alpha", "ahead", "behind" if number < 5 else "ahead")
        store.learner(f"l{number}").record_guess("alpha", "share", 0.0 if number < 3 else 1.0)
    store.learner("l3").record_guess("alpha", "ahead", "gone")
    pooled = pooled_guesses(store, room, lesson)
    assert (pooled["ahead"].people, pooled["ahead"].counts) == (8, (5, 3))
    share = pooled["share"]
    assert len(share.counts) == len(share.edges) - 1 <= 8
    assert (share.counts[0], share.counts[-1], sum(one or 0 for one in share.counts)) == (3, 5, 8)
    assert share.edges[0] < 0.0
    assert share.edges[-1] > 1.0


acts = st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.integers(-1, 3)), max_size=60)


@given(acts)
def test_two_readings_never_differ_by_fewer_than_three_people(told: list[tuple[str, int]]) -> None:
    history = [Act(float(at), who, () if place < 0 else (place,)) for at, (who, place) in enumerate(told)]
    last: tuple[object, int] | None = None
    for end in range(len(history) + 1):
        people, counts = published(history[:end], 4, anonymous=True, several=False)
        if people is None:
            assert set(counts) == {None}
            assert last is None
            continue
        assert people >= FEWEST
        assert all(count is None or count == 0 or count >= SMALL for count in counts)
        if last is not None and (people, counts) != last[0]:
            assert len({act.learner for act in history[last[1] : end]}) >= STEP
        if last is None or (people, counts) != last[0]:
            last = ((people, counts), end)


def read(counts: tuple[int, ...], name: str) -> tuple[int | None, tuple[int | None, ...]]:
    """What is shown of these counts; the last three answer together, so that all are counted."""
    places = [place for place, count in enumerate(counts) for _ in range(count)]
    last = len(places) - 3
    history = [Act(float(min(number, last)), str(number), (place,)) for number, place in enumerate(places)]
    state = published(history, len(counts), anonymous=True, several=False, name=name)
    return state


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=4).filter(lambda counts: sum(counts) in (5, 8, 11, 14, 17)))
def test_no_small_count_follows_from_the_others(counts: list[int]) -> None:
    """One who knows the rules, and how many answered, but not the key: no hidden count is ever certain."""
    people, shown = read(tuple(counts), "here")
    assert people == sum(counts)
    hidden = [place for place, count in enumerate(shown) if count is None]
    assert len(hidden) != 1
    rest = people - sum(count or 0 for count in shown)
    agree = []
    for tried in itertools.product(range(rest + 1), repeat=len(hidden)):
        whole = list(shown)
        for place, count in zip(hidden, tried, strict=True):
            whole[place] = count
        full = tuple(count or 0 for count in whole)
        if sum(tried) == rest and any(read(full, f"{key}")[1] == shown for key in range(24)):  # the key is not known
            agree.append(tried)
    for number in range(len(hidden)):
        assert len({tried[number] for tried in agree}) > 1
