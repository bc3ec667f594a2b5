"""Starting a lesson over, and deleting a learner."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import JSON, Boolean, Float, Text

from course_lib.course import classes, own_data, tables
from course_lib.course.forget import forget_learner, forget_lesson, forget_run
from course_lib.course.store import Learner, Store
from course_lib.data.intake import store as datasets
from course_lib.data.intake.pipeline import look, prepare
from course_lib.experiments.config import RunConfig
from course_lib.runs.files import run_lock
from course_lib.settings import load_settings


def fill(learner: Learner, lesson: str) -> None:
    learner.record_answer(lesson, "order", [0], True, "v1")
    learner.record_guess(lesson, "ahead", "behind")
    learner.record_step(lesson, "why")
    learner.record_run(lesson, "0123456789abcdef", "dataset=shop")
    learner.record_challenge(lesson, "small", "0123456789abcdef", True)
    learner.set_preference("language", "zh")


def lessons_of(learner: Learner) -> set[str]:
    activity = learner.activity()
    kinds = (activity.answers, activity.guesses, activity.steps, activity.runs, activity.challenges)
    return {one.lesson for kind in kinds for one in kind}


def test_one_lesson_is_forgotten_and_nothing_else(tmp_path: Path, open_at: Callable[..., Store]) -> None:
    store = open_at(tmp_path / "course.sqlite")
    me, other = store.learner(), store.learner("other")
    for learner in (me, other):
        fill(learner, "alpha")
        fill(learner, "beta")
    forget_lesson(me, "alpha")
    assert lessons_of(me) == {"beta"}
    assert lessons_of(other) == {"alpha", "beta"}
    assert me.preference("language") == "zh"
    fill(me, "alpha")
    assert len(me.answers("alpha")) == 1


def test_a_run_leaves_one_list_and_goes_with_the_last(any_store: Store) -> None:
    me, other = any_store.learner("me"), any_store.learner("other")
    for learner in (me, other):
        fill(learner, "alpha")
    fill(me, "beta")
    me.record_run("alpha", "fedcba9876543210")
    assert not forget_run(me, "0123456789abcdef"), "the other one has it still"
    assert [run.run_id for run in me.runs()] == ["fedcba9876543210"]
    assert [run.run_id for run in other.runs()] == ["0123456789abcdef"]
    assert me.answers("beta")
    assert forget_run(other, "0123456789abcdef")
    assert other.runs() == ()
    assert forget_run(other, "0123456789abcdef"), "nothing left is no error"


def test_a_learner_is_forgotten_whole(tmp_path: Path, open_at: Callable[..., Store]) -> None:
    store = open_at(tmp_path / "course.sqlite")
    me, other = store.learner(), store.learner("other")
    fill(me, "alpha")
    fill(other, "alpha")
    forget_learner(me)
    assert lessons_of(me) == set()
    assert me.preference("language") is None
    assert lessons_of(other) == {"alpha"}
    forget_learner(me)  # nothing left is no error
    fill(me, "alpha")
    assert lessons_of(me) == {"alpha"}


ROWS = "\n".join(f"u{user},i{(user + n) % 3},2024-01-0{n + 1}" for user in range(3) for n in range(4))


def add(name: str, owner: str, folder: Path) -> str:
    """A dataset of ``owner``; its public name."""
    path = folder / f"{name}.csv"
    path.write_text(f"user_id,item_id,date\n{ROWS}\n", encoding="utf-8")
    return datasets.save(prepare(look(path)), name, owner).key


def run_of(dataset: str) -> Path:
    """A finished run on it, as its folder."""
    config = RunConfig.make(data={"dataset": dataset})
    folder = load_settings().runs / config.run_id
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    (folder / "events.jsonl").write_text('{"t": 1.0, "kind": "finished", "seconds": 1.0}\n', encoding="utf-8")
    return folder


def test_a_learners_own_datasets_go_too_with_a_receipt(
    tmp_path: Path, open_at: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    store = open_at(tmp_path / "course.sqlite")
    me, other = store.learner(), store.learner("other")
    mine = {name: run_of(add(name, me.key, tmp_path)) for name in ("cups", "mugs")}
    kept = [run_of(add("cups", other.key, tmp_path)), run_of(add("all", datasets.SHARED, tmp_path)), run_of("shop")]
    gone = forget_learner(me)
    assert [(one.receipt.name, one.receipt.owner, one.runs, one.left) for one in gone] == [
        ("cups", me.key, 1, 0),
        ("mugs", me.key, 1, 0),
    ]
    assert all(set(one.receipt.files) >= {"card.json", "events.parquet", "items.parquet"} for one in gone)
    assert all(one.receipt.bytes == sum(one.receipt.files.values()) > 0 for one in gone)
    assert not any(folder.exists() for folder in mine.values())
    assert all(folder.exists() for folder in kept)
    assert [card.owner for card in datasets.added(other.key)] == [datasets.SHARED, other.key]
    assert forget_learner(me) == ()


def test_a_run_that_still_trains_is_told_to_stop_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(own_data, "PATIENCE_S", 0.1)
    folders = [run_of(add(name, "anna", tmp_path)) for name in ("cups", "mugs")]
    locks = {folder.name: run_lock(folder) for folder in folders}
    for folder in folders:
        (folder / "events.jsonl").write_text('{"t": 1.0, "kind": "started"}\n', encoding="utf-8")
        locks[folder.name].acquire()
    stopped = []

    def stop(run_id: str) -> None:
        stopped.append(run_id)
        if run_id == folders[0].name:  # it ends at once, the other one does not
            locks[run_id].release()

    gone = [own_data.remove_dataset(name, "anna", stop) for name in ("cups", "mugs")]
    assert stopped == [folder.name for folder in folders]
    assert [(one.runs, one.left) for one in gone] == [(1, 0), (0, 1)]
    assert [folder.exists() for folder in folders] == [False, True]
    locks[folders[1].name].release()


def test_every_table_of_learners_is_forgotten(open_at: Callable[..., Store], address: str) -> None:
    """A row in each table that has learners, whatever it is: none may be left of the one who is forgotten."""
    store = open_at(address)
    room = classes.open_class(store, "other", "Tuesday")
    mine = classes.open_class(store, "me", "Mine")
    for learner in ("me", "other"):
        fill(store.learner(learner), "alpha")
        classes.join_class(store, room.code or "", learner, learner)
    classes.join_class(store, mine.code or "", "third", "Third")
    classes.reveal(store, mine.key, "alpha", "order")
    own = [table for table in tables.metadata.sorted_tables if "learner" in table.c]
    assert len(own) >= 10

    def fill_up(connection: sa.Connection) -> None:
        for table in own:
            for learner in ("me", "other"):
                if connection.execute(sa.select(table).where(table.c.learner == learner)).first() is None:
                    kinds = {Text: f"{table.name} {learner}", Float: 1.0, JSON: {}, Boolean: True}
                    needed = [c for c in table.c if not c.nullable and c.name not in ("id", "learner")]
                    values = {c.name: next(v for kind, v in kinds.items() if isinstance(c.type, kind)) for c in needed}
                    connection.execute(table.insert().values(learner=learner, **values))

    store.write(fill_up)

    def left(learner: str) -> set[str]:
        return {table.name for table in own if store.read(sa.select(table).where(table.c.learner == learner))}

    assert left("me") == left("other") == {table.name for table in own}
    forget_learner(store.learner("me"))
    assert left("me") == set()
    assert left("other") == {table.name for table in own}
    assert store.read(sa.select(tables.learners).where(tables.learners.c.key == "me")) == []
    assert classes.classes_of(store, "me") == ()
    assert classes.class_of(store, "third") is None
    assert [one.learner for one in classes.members(store, room.key)] == ["other"]
