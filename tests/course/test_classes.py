"""Classes and their people, on both databases: codes, nicknames, pace, limits, and thirty who join at once."""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.course import classes, nicknames
from course_lib.course.class_records import ALPHABET, CODE_LENGTH, plain_code
from course_lib.course.classes import Classroom
from course_lib.course.store import Store
from course_lib.errors import CourseError
from course_lib.runs.limits import RunLimits


@pytest.fixture
def store(open_at: Callable[..., Store], address: str) -> Store:
    return open_at(address, 60.0)


@pytest.fixture
def room(store: Store) -> Classroom:
    return classes.open_class(store, "teacher", "Tuesday evening")


def join(store: Store, room: Classroom, *names: str) -> None:
    """Learners with the keys of their nicknames."""
    for name in names:
        classes.join_class(store, room.code or "", name.lower(), name)


def refused(key: str, act: Callable[[], object]) -> CourseError:
    with pytest.raises(CourseError) as raised:
        act()
    assert raised.value.key == key
    for language in ("zh", "en"):
        assert raised.value.text(language)
    return raised.value


def test_a_class_is_opened_and_found_again(store: Store, room: Classroom) -> None:
    other = classes.open_class(store, "teacher", "  Wednesday\u200b  ")
    classes.open_class(store, "another", "Theirs")
    assert other.name == "Wednesday"
    assert classes.classes_of(store, "teacher") == (other, room)
    assert classes.classroom(store, room.key) == room
    assert room.code != other.code
    assert room.plan == classes.Plan()
    assert room.limits == classes.LIMITS
    refused("unknown_class", lambda: classes.classroom(store, "0" * 16))
    refused("class_name_empty", lambda: classes.open_class(store, "teacher", " \u200b "))
    refused("class_name_long", lambda: classes.open_class(store, "teacher", "x" * 81))


def test_a_code_can_be_read_aloud_and_typed_carelessly(store: Store, room: Classroom) -> None:
    code = room.code or ""
    assert len(code) == CODE_LENGTH
    assert set(code) <= set(ALPHABET)
    assert not set(ALPHABET) & set("01OIL")
    for typed in (code.lower(), classes.spoken_code(code), f" {code[:3]}-{code[3:]}\n", "".join(f"{c} " for c in code)):
        found = classes.by_code(store, typed)
        assert found is not None
        assert found.key == room.key
    for bad in ("", "0000000", code[:-1], code + "2", "'; --", "é" * 7, "x" * 100_000, "%", "_______"):
        assert classes.by_code(store, bad) is None


def test_codes_are_drawn_evenly() -> None:
    letters = Counter(letter for _ in range(3000) for letter in classes.new_code())
    assert set(letters) == set(ALPHABET)
    assert max(letters.values()) < 1.3 * min(letters.values())


def test_joining_and_being_in_the_class(store: Store, room: Classroom) -> None:
    member = classes.join_class(store, (room.code or "").lower(), "lin", "  Lin\u202e ")
    assert member.nickname == "Lin"
    assert classes.class_of(store, "lin") == (room, member)
    assert classes.class_of(store, "nobody") is None
    again = classes.join_class(store, room.code or "", "lin", "LIN")  # oneself is in nobody's way
    assert (again.nickname, again.joined) == ("LIN", member.joined)
    assert [one.nickname for one in classes.members(store, room.key)] == ["LIN"]
    refused("class_code_unknown", lambda: classes.join_class(store, "2222222", "mia", "Mia"))


def test_a_nickname_of_two_is_refused_with_a_free_one(store: Store, room: Classroom) -> None:
    join(store, room, "Lin", "Lin 2")
    for twin in ("Lin", "lin", " L i n", "Ｌｉｎ", "LIN\u200d", "L\u00a0in"):
        error = refused("nickname_taken", lambda twin=twin: classes.join_class(store, room.code or "", "x", twin))
        assert error.params["free"].endswith(" 3")
        assert classes.class_of(store, "x") is None
    assert classes.join_class(store, room.code or "", "x", error.params["free"]).nickname == "L in 3"
    long = "x" * nicknames.LONGEST
    classes.join_class(store, room.code or "", "long", long)
    error = refused("nickname_taken", lambda: classes.join_class(store, room.code or "", "y", long))
    assert error.params["free"] == "x" * 38 + " 2"


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("", "nickname_empty"),
        (" \t\n", "nickname_empty"),
        ("\u200b\u202e\u2066", "nickname_empty"),
        ("\u3164\u115f\uffa0\u2800", "nickname_empty"),
        ("\u0301\u0301", "nickname_empty"),
        ("\x00\ud800", "nickname_empty"),
        ("x" * 41, "nickname_long"),
        ("林" * 1000, "nickname_long"),
        ("\ufdfa" * 500, "nickname_long"),
        ("x" * 10_000_000, "nickname_long"),
    ],
)
def test_nicknames_that_nobody_can_have(store: Store, room: Classroom, given: str, key: str) -> None:
    refused(key, lambda: classes.join_class(store, room.code or "", "lin", given))
    assert classes.members(store, room.key) == ()


@pytest.mark.parametrize("name", ["<b>Lin</b>", "[Lin](http://x)", "*L*", "林", "Ли́н", "🙂", "=1+1", "'; DROP TABLE x"])
def test_nicknames_that_somebody_can_have(store: Store, room: Classroom, name: str) -> None:
    assert classes.join_class(store, room.code or "", "lin", name).nickname == unicodedata.normalize("NFKC", name)


@given(st.text(max_size=60))
def test_any_text_becomes_a_plain_nickname_or_is_refused(given: str) -> None:
    try:
        name = nicknames.nickname(given)
    except CourseError as error:
        assert error.key in ("nickname_empty", "nickname_long")  # noqa: PT017
        return
    assert 1 <= len(name) <= nicknames.LONGEST
    assert name == name.strip() == nicknames.nickname(name)
    assert not {unicodedata.category(letter) for letter in name} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert nicknames.folded(nicknames.free_name(name, {nicknames.folded(name)})) != nicknames.folded(name)


def test_accents_do_not_tower() -> None:
    assert nicknames.nickname("Z" + "\u0334\u0335\u0336\u0337\u0338" * 20) == "Z\u0334\u0335\u0336"


def test_a_new_code_ends_the_old_one(store: Store, room: Classroom) -> None:
    join(store, room, "Lin")
    new = classes.rotate_code(store, room.key)
    assert new != room.code
    refused("class_code_unknown", lambda: classes.join_class(store, room.code or "", "mia", "Mia"))
    classes.join_class(store, new, "mia", "Mia")
    assert [one.nickname for one in classes.members(store, room.key)] == ["Lin", "Mia"]


def test_a_closed_class_has_no_code_and_nobody_in_it(store: Store, room: Classroom) -> None:
    join(store, room, "Lin")
    classes.close_class(store, room.key)
    closed = classes.classroom(store, room.key)
    assert closed.code is None
    assert closed.closed is not None
    classes.close_class(store, room.key)
    assert classes.classroom(store, room.key) == closed
    assert classes.class_of(store, "lin") is None
    assert classes.limits_for(store, "lin") == RunLimits()
    assert [one.nickname for one in classes.members(store, room.key)] == ["Lin"]
    refused("class_code_unknown", lambda: classes.join_class(store, room.code or "", "mia", "Mia"))
    for act in (
        lambda: classes.rotate_code(store, room.key),
        lambda: classes.call_everyone(store, room.key, "alpha"),
        lambda: classes.set_limits(store, room.key, RunLimits()),
    ):
        refused("class_closed", act)
    refused("unknown_class", lambda: classes.close_class(store, "0" * 16))


def test_one_who_was_taken_out_sees_why_and_cannot_come_back(store: Store, room: Classroom) -> None:
    join(store, room, "Lin", "Mia")
    classes.ask_help(store, "lin", True)
    classes.remove_member(store, room.key, "lin")
    assert classes.class_of(store, "lin") is None
    assert [one.nickname for one in classes.members(store, room.key)] == ["Mia"]
    gone = classes.members(store, room.key, removed=True)[0]
    assert (gone.nickname, gone.help_since) == ("Lin", None)
    assert classes.removed_from(store, "lin") == room
    assert classes.removed_from(store, "mia") is None
    for code in (room.code, classes.rotate_code(store, room.key)):
        known = code if code != room.code else None
        if known:
            error = refused("class_removed", lambda known=known: classes.join_class(store, known, "lin", "Another"))
            assert error.params["name"] == room.name
            classes.leave_class(store, "lin")  # does not make one unremoved
            refused("class_removed", lambda known=known: classes.join_class(store, known, "lin", "Another"))
            classes.join_class(store, known, "second browser", "lin")  # the nickname is free
    classes.note_seen(store, "lin", "alpha")
    assert classes.members(store, room.key, removed=True)[0].lesson == ""
    refused("unknown_member", lambda: classes.remove_member(store, room.key, "lin"))
    classes.readmit_member(store, room.key, "lin")
    now = classes.classroom(store, room.key)
    refused("nickname_taken", lambda: classes.join_class(store, now.code or "", "lin", "Lin"))
    classes.join_class(store, now.code or "", "lin", "Lin 2")
    refused("unknown_member", lambda: classes.readmit_member(store, room.key, "lin"))


def test_one_is_in_one_class_at_a_time_and_may_leave(store: Store, room: Classroom) -> None:
    other = classes.open_class(store, "teacher", "Other")
    join(store, room, "Lin")
    join(store, other, "Lin")
    assert classes.members(store, room.key) == ()
    found = classes.class_of(store, "lin")
    assert found is not None
    assert found[0].key == other.key
    store.learner("lin").record_guess("alpha", "ahead", "behind")
    classes.leave_class(store, "lin")
    assert classes.class_of(store, "lin") is None
    assert store.learner("lin").guesses("alpha")["ahead"].value == "behind"
    classes.join_class(store, other.code or "", "mia", "Lin")


def test_where_somebody_is_and_who_asks_for_help(store: Store, room: Classroom) -> None:
    join(store, room, "Lin")
    before = classes.members(store, room.key)[0]
    assert classes.worth_noting(before, "alpha", "train")
    classes.note_seen(store, "lin", "alpha", "train")
    member = classes.members(store, room.key)[0]
    assert (member.lesson, member.anchor) == ("alpha", "train")
    assert member.seen > before.seen
    assert not classes.worth_noting(member, "alpha", "train")
    assert classes.worth_noting(member, "alpha", "check")
    classes.ask_help(store, "lin", True)
    since = classes.members(store, room.key)[0].help_since
    classes.ask_help(store, "lin", True)
    assert since is not None
    assert classes.members(store, room.key)[0].help_since == since
    classes.ask_help(store, "lin", False)
    assert classes.members(store, room.key)[0].help_since is None
    classes.ask_help(store, "nobody", True)
    classes.note_seen(store, "nobody", "alpha")


def test_what_is_open_and_where_everybody_is_called(store: Store, room: Classroom) -> None:
    assert room.plan.is_open("alpha", "train")
    classes.open_to_all(store, room.key, ["alpha", "beta#train", "alpha"], readable=True)
    classes.call_everyone(store, room.key, "beta", "train")
    classes.set_anonymous(store, room.key, False)
    plan = classes.classroom(store, room.key).plan
    assert plan.open == ("alpha", "beta#train")
    assert plan.readable
    assert not plan.anonymous
    assert plan.called is not None
    assert (plan.called.lesson, plan.called.anchor) == ("beta", "train")
    assert [plan.is_open(*place) for place in (("alpha", "idea"), ("beta",), ("beta", "train"))] == [True] * 3
    assert [plan.is_open(*place) for place in (("beta", "idea"), ("gamma",), ("alph",), ("bet", "a"))] == [False] * 4
    classes.open_to_all(store, room.key, None)
    classes.call_everyone(store, room.key, None)
    plan = classes.classroom(store, room.key).plan
    assert (plan.open, plan.called, plan.readable) == (None, None, False)
    refused("unknown_class", lambda: classes.call_everyone(store, "0" * 16, "alpha"))


def test_what_is_revealed(store: Store, room: Classroom) -> None:
    for _ in range(2):
        classes.reveal(store, room.key, "alpha", "order")
    classes.reveal(store, room.key, "beta", "share")
    assert classes.revealed_in(store, room.key, "alpha") == {("alpha", "order")}
    assert classes.revealed_in(store, room.key) == {("alpha", "order"), ("beta", "share")}
    classes.reveal(store, room.key, "alpha", "order", shown=False)
    assert classes.revealed_in(store, room.key) == {("beta", "share")}


def test_limits_of_a_class_and_of_one_in_it(store: Store, room: Classroom) -> None:
    join(store, room, "Lin", "Mia")
    assert classes.limits_for(store, "lin") == classes.LIMITS
    assert classes.limits_for(store, "teacher") == RunLimits()
    classes.set_limits(store, room.key, RunLimits(60.0, None, 1000))
    classes.set_own_limits(store, room.key, "lin", {"parameters": 5, "rows": None})
    assert classes.limits_for(store, "mia") == RunLimits(60.0, None, 1000)
    assert classes.limits_for(store, "lin") == RunLimits(60.0, 5, None)
    classes.set_own_limits(store, room.key, "lin", {})
    assert classes.limits_for(store, "lin") == RunLimits(60.0, None, 1000)
    refused("unknown_member", lambda: classes.set_own_limits(store, room.key, "nobody", {}))
    with pytest.raises(TypeError):
        classes.set_own_limits(store, room.key, "lin", {"epochs": 1})


def at_once(count: int, act: Callable[[int], object]) -> list[object]:
    """What ``count`` threads that start together return or raise."""
    ready = threading.Barrier(count)

    def one(number: int) -> object:
        ready.wait()
        try:
            return act(number)
        except CourseError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_thirty_join_at_once(store: Store, room: Classroom) -> None:
    told = at_once(30, lambda number: classes.join_class(store, room.code or "", f"l{number}", f"Lin {number}"))
    assert [one for one in told if isinstance(one, CourseError)] == []
    assert {one.nickname for one in classes.members(store, room.key)} == {f"Lin {number}" for number in range(30)}


def test_thirty_take_the_same_nickname_at_once(store: Store, room: Classroom) -> None:
    told = at_once(30, lambda number: classes.join_class(store, room.code or "", f"l{number}", "Lin"))
    errors = [one for one in told if isinstance(one, CourseError)]
    assert [error.key for error in errors] == ["nickname_taken"] * 29
    assert {error.params["free"] for error in errors} == {"Lin 2"}
    assert len(classes.members(store, room.key)) == 1


def test_one_learner_joins_from_ten_tabs_at_once(store: Store, room: Classroom) -> None:
    told = at_once(10, lambda number: classes.join_class(store, room.code or "", "lin", "Lin"))
    assert [one for one in told if isinstance(one, CourseError)] == []
    assert len(classes.members(store, room.key)) == 1


def test_changes_of_a_plan_at_once_are_all_kept(store: Store, room: Classroom) -> None:
    acts = (
        lambda: classes.call_everyone(store, room.key, "alpha"),
        lambda: classes.open_to_all(store, room.key, ["alpha"]),
        lambda: classes.set_anonymous(store, room.key, False),
    )
    at_once(3, lambda number: acts[number]())
    plan = classes.classroom(store, room.key).plan
    assert plan.called is not None
    assert (plan.open, plan.anonymous) == (("alpha",), False)


def test_what_is_typed_as_a_code() -> None:
    assert plain_code("abc-DEFG") == "ABCDEFG"
    assert plain_code("ABC DEF O") == ""
