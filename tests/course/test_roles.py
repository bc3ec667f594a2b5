"""The instructor's secret, and who is an instructor of which class, on both databases."""

from __future__ import annotations

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from course_lib.course import classes, instructor_secret, roles
from course_lib.course.store import Store
from course_lib.errors import CourseError

ANNA, BERT = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def secret() -> str:
    made = instructor_secret.first_secret()
    assert made is not None
    return made


@pytest.fixture
def store(open_at: Callable[..., Store], address: str) -> Store:
    return open_at(address, 60.0)


def refused(key: str, act: Callable[[], object]) -> CourseError:
    with pytest.raises(CourseError) as raised:
        act()
    assert raised.value.key == key
    for language in ("zh", "en"):
        assert raised.value.text(language)
    return raised.value


def test_the_secret_is_shown_once_and_only_its_hash_is_kept(home: Path, secret: str) -> None:
    assert instructor_secret.first_secret() is None
    assert instructor_secret.is_secret(secret)
    path = home / instructor_secret.FILE
    kept = path.read_bytes()
    assert secret.encode() not in kept
    assert secret.replace("-", "").encode() not in kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_is_forgiven_how_it_is_typed_and_nothing_else(secret: str) -> None:
    plain = secret.replace("-", "")
    for given in (plain, plain.lower(), f" {secret.lower()} ", " ".join(plain), secret.replace("0", "o")):
        assert instructor_secret.is_secret(given)
    for given in ("", plain[:-1], plain + plain[-1], plain[1:] + plain[0] + "x", "0" * 20, "é" * 20, "x" * 10_000):
        assert not instructor_secret.is_secret(given)


def test_eight_processes_that_start_at_once_show_one_secret(home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        shown = [made for made in pool.map(lambda _: instructor_secret.first_secret(), range(8)) if made]
    assert len(shown) == 1
    assert instructor_secret.is_secret(shown[0])


def test_a_new_secret_ends_the_old_one(secret: str) -> None:
    second = instructor_secret.new_secret()
    assert second != secret
    assert instructor_secret.is_secret(second)
    assert not instructor_secret.is_secret(secret)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"salt": "zz", "hash": "", "n": 2, "r": 1, "p": 1}', "\x00"])
def test_a_damaged_hash_is_a_sentence_and_lets_nobody_in(home: Path, store: Store, content: str) -> None:
    home.mkdir(exist_ok=True)
    (home / instructor_secret.FILE).write_text(content)
    error = refused("instructor_secret_missing", lambda: roles.become_instructor(store, ANNA, "x"))
    assert instructor_secret.FILE in str(error)
    assert not roles.is_instructor(store, ANNA)


def test_no_secret_at_all_lets_nobody_in(store: Store) -> None:
    refused("instructor_secret_missing", lambda: roles.become_instructor(store, ANNA, ""))


def test_the_secret_makes_an_instructor_and_a_code_does_not(store: Store, secret: str) -> None:
    assert not roles.is_instructor(store, ANNA)
    refused("not_instructor", lambda: roles.require_instructor(store, ANNA))
    room = classes.open_class(store, BERT, "Theirs")
    for wrong in ("", room.code, room.key, "0" * 20):
        refused("instructor_secret_wrong", lambda wrong=wrong: roles.become_instructor(store, ANNA, wrong or ""))
    assert not roles.is_instructor(store, ANNA)
    roles.become_instructor(store, ANNA, secret.lower())
    roles.require_instructor(store, ANNA)
    assert not roles.is_instructor(store, BERT)


def test_giving_it_twice_is_no_error_and_a_role_can_be_given_back(store: Store, secret: str) -> None:
    for _ in range(2):
        roles.become_instructor(store, ANNA, secret)
    roles.resign(store, ANNA)
    assert not roles.is_instructor(store, ANNA)


def test_tries_are_few_even_with_the_right_secret_at_last(store: Store, secret: str) -> None:
    for _ in range(roles.OWN_TRIES):
        refused("instructor_secret_wrong", lambda: roles.become_instructor(store, ANNA, "0" * 20))
    error = refused("too_many_tries", lambda: roles.become_instructor(store, ANNA, secret))
    assert 0 < float(error.params["seconds"]) <= roles.TRIES_S
    roles.become_instructor(store, BERT, secret)  # another's tries are another's


def test_strangers_without_end_are_stopped_together(store: Store, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "ALL_TRIES", 7)
    for number in range(7):
        refused("instructor_secret_wrong", lambda n=number: roles.become_instructor(store, f"{n:032x}", "0" * 20))
    refused("too_many_tries", lambda: roles.become_instructor(store, "c" * 32, "0" * 20))


def test_each_instructor_has_their_own_classes(store: Store, secret: str) -> None:
    for one in (ANNA, BERT):
        roles.become_instructor(store, one, secret)
    annas = classes.open_class(store, ANNA, "Tuesday")
    assert roles.require_class(store, ANNA, annas.key).key == annas.key
    theirs = refused("not_your_class", lambda: roles.require_class(store, BERT, annas.key))
    missing = refused("not_your_class", lambda: roles.require_class(store, BERT, "0" * 16))
    assert theirs.text("en") == missing.text("en")  # whether there is such a class is not told
    assert annas.name not in theirs.text("en")


def test_a_role_that_is_taken_away_is_gone_at_once_and_classes_wait(store: Store, secret: str) -> None:
    roles.become_instructor(store, ANNA, secret)
    room = classes.open_class(store, ANNA, "Tuesday")
    assert roles.dismiss_all(store) == 1
    refused("not_instructor", lambda: roles.require_class(store, ANNA, room.key))
    roles.become_instructor(store, ANNA, secret)
    assert roles.require_class(store, ANNA, room.key) == room


def test_a_member_is_no_instructor(store: Store, secret: str) -> None:
    roles.become_instructor(store, ANNA, secret)
    room = classes.open_class(store, ANNA, "Tuesday")
    classes.join_class(store, room.code or "", BERT, "Bert")
    refused("not_instructor", lambda: roles.require_class(store, BERT, room.key))
