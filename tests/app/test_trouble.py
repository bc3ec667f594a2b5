"""A callback that fails: its sentence stands beside its widget, and header and page stay."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import sit_down
from lab_page import LESSON, guess_key, key, quiz_key, tiny
from lab_stage import Stage
from my_data_page import staged
from streamlit.testing.v1 import AppTest

from course_lib.course.lessons import load_course
from course_lib.course.store import Store
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.text import text
from course_lib.ui import join, shell, trouble

FULL = CourseError("disk_full", path="/disk")
FINISH = f"lesson.{LESSON}.finish"


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(monkeypatch, tmp_path)


def opened(language: str = "en") -> AppTest:
    """The lesson, as it is reached from home."""
    front = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    front.query_params["lang"] = language
    front.run()
    page = front.switch_page(f"../../../pages/{LESSON}.py")
    page.query_params["size"] = "tiny"
    return page.run()


def blocks(page: AppTest) -> list[str]:
    """The page's elements in order, errors by their sentence, buttons and radios by their key."""
    found: list[str] = []

    def walk(block: object) -> None:
        for child in getattr(block, "children", {}).values():
            if hasattr(child, "children"):
                walk(child)
            elif child.type == "error":
                found.append(f"error: {child.value}")
            elif getattr(child, "key", None):
                found.append(str(child.key))

    walk(page.main)
    return found


def whole(page: AppTest, language: str = "en") -> None:
    """Header, title and the page's end are there."""
    lesson = next(one for one in load_course().lessons if one.id == LESSON)
    assert not page.exception
    assert page.title[0].value == lesson.title(language)
    assert page.segmented_control(key=shell.SWITCH)
    assert page.button(key=FINISH)


def fails(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    """From here on nothing can be stored."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise problem

    monkeypatch.setattr(Store, "write", refuse)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("problem", [FULL, RuntimeError("nobody foresaw this")], ids=["known", "unknown"])
def test_a_guess_that_cannot_be_kept(monkeypatch: pytest.MonkeyPatch, language: str, problem: Exception) -> None:
    page = opened(language)
    page.radio(key=guess_key("beats_markov")).set_value("below").run()
    commit = guess_key("beats_markov.commit")
    with monkeypatch.context() as full:
        fails(full, problem)
        page.button(key=commit).click().run()
        whole(page, language)
        sentence = FULL.text(language) if problem is FULL else text("shell.broken", language)
        order = blocks(page)
        below = [one for one in order[order.index(commit) + 1 :] if one != guess_key("skip")]
        assert below[0] == f"error: {sentence}", "right below its buttons"
        assert len(page.error) == 1
        assert "nobody foresaw" not in str(order)
        page.run()  # drawn again for some other reason: it is still true
        assert [one.value for one in page.error] == [sentence]
    page.button(key=commit).click().run()
    assert not page.error
    assert commit not in blocks(page), "the guess is kept now"


def test_each_widget_says_it_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened()
    question = next(one for one in load_course().lessons if one.id == LESSON).quiz.questions[0]
    if question.several:
        page.checkbox(key=quiz_key(f"{question.id}.0")).check().run()
    else:
        page.radio(key=quiz_key(question.id)).set_value(0).run()
    fails(monkeypatch, FULL)
    for name in (quiz_key(f"{question.id}.answer"), guess_key("skip"), FINISH):
        before = blocks(page)
        page.button(key=name).click().run()
        whole(page)
        order = blocks(page)
        assert f"error: {FULL.text('en')}" not in before[before.index(name) :][:2]
        assert order[order.index(name) + 1] == f"error: {FULL.text('en')}"
    assert len(page.error) == 3
    page = page.switch_page("../../../pages/home.py").run()
    assert not page.error
    back = page.switch_page(f"../../../pages/{LESSON}.py").run()
    assert not back.error, "what failed before the page was left is not said again"


def test_a_language_that_cannot_be_kept_is_chosen_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened()
    fails(monkeypatch, RuntimeError("nobody foresaw this"))
    page.segmented_control(key=shell.SWITCH).set_value("zh").run()
    whole(page, "zh")
    assert [one.value for one in page.error] == [text("shell.broken", "zh")]


def test_a_choice_of_the_form_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened()
    monkeypatch.setattr("course_lib.ui.lab.Lab.update", broken)
    page.number_input(key=key("widget.seed")).set_value(7).run()
    whole(page)
    order = blocks(page)
    place = order.index(f"error: {text('shell.broken', 'en')}")
    assert order.index(key("train")) < place < order.index(key("tab")), "between the lab's buttons and its run"
    assert page.number_input(key=key("widget.seed")).value == 1, "what is shown is what holds"


def test_what_fails_in_look_inside_is_told_there(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    stage.put(tiny(), "finished")
    page = opened()
    monkeypatch.setattr("course_lib.ui.panels.next_item.replace_history", broken)
    page.button(key=key("shuffle")).click().run()
    whole(page)
    order = blocks(page)
    place = order.index(f"error: {text('shell.broken', 'en')}")
    assert order.index(key("shuffle")) < place < order.index(quiz_key(first_question()))
    assert len(page.error) == 1


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("nobody foresaw this")


def first_question() -> str:
    return f"{next(one for one in load_course().lessons if one.id == LESSON).quiz.questions[0].id}.answer"


def test_every_callback_is_guarded() -> None:
    """A new one may not take the page with it: what a widget calls is made by ``guarded``, or does nothing.

    A function that returns what ``guarded`` made is as good, also one of another file (``guard.pressed``).
    """
    paths = [*(PROJECT / "course_lib" / "ui").rglob("*.py"), *(PROJECT / "pages").glob("*.py")]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    makers = {"guarded"} | {f"{path.stem}.{name}" for path, tree in trees.items() for name in _makers(tree)}
    bare = []
    for path, tree in trees.items():
        made = _makers(tree) | {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and _guards(node.value, makers)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for word in [one for node in ast.walk(tree) if isinstance(node, ast.Call) for one in node.keywords]:
            name, value = word.arg or "", word.value
            callback = name in ("on_click", "on_change") or (name.startswith("on_") and name.endswith("_change"))
            if not callback or _harmless(value):
                continue
            called = value.func if isinstance(value, ast.Call) else value
            if not _guards(value, makers) and getattr(called, "id", "") not in made:
                bare.append(f"{path.name}: {name}={ast.unparse(value)}")
        # lab.widget(...) and the like hand the callback over in a dict
        for node in [one for one in ast.walk(tree) if isinstance(one, ast.Dict)]:
            for named, value in zip(node.keys, node.values, strict=True):
                callback = isinstance(named, ast.Constant) and str(named.value).startswith("on_")
                if callback and not _guards(value, makers):
                    bare.append(f"{path.name}: {named.value}: {ast.unparse(value)}")
    assert sorted(bare) == [
        "home.py: on_click=shell.open_lesson",  # no widget's: the page itself calls it
        "trouble.py: on_click=failed.call",  # what ``guarded`` made, a second time
    ]


def _makers(tree: ast.AST) -> set[str]:
    """The functions of a file that return a guarded callback."""
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(line, ast.Return) and _guards(line.value, {"guarded"}) for line in node.body)
    }


def _guards(node: ast.expr | None, makers: set[str]) -> bool:
    """Whether an expression calls ``guarded``, or one of ``makers`` by its file's name."""
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func).split(".")
    return called[-1] == "guarded" or ".".join(called[-2:]) in makers


def _harmless(node: ast.expr) -> bool:
    """``"ignore"``, or a function without a body to fail."""
    return isinstance(node, ast.Constant) or ast.unparse(node) in ("lambda: None", "_nothing")


def test_nothing_is_left_of_what_went_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def page() -> None:
        import streamlit as st

        from course_lib.ui.trouble import guarded, told

        def callback(divisor: int) -> None:
            st.session_state["quotient"] = 1 // divisor

        st.button("0", key="zero", on_click=guarded(callback, "both"), args=(0,))
        st.button("1", key="one", on_click=guarded(callback, "both"), args=(1,))
        told("both")
        st.markdown(str(st.session_state.get("quotient", "none")))

    app = AppTest.from_function(page).run()
    app.button(key="zero").click().run()
    assert (len(app.error), app.markdown[0].value) == (1, "none")
    app.button(key="one").click().run()
    assert (len(app.error), app.markdown[0].value) == (0, "1")
    assert not any(str(name).startswith(trouble.SLOT) for name in app.session_state)


def test_my_progress_offers_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    anna = "a" * 32
    sit_down(monkeypatch, anna)
    front = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    front.context = {"url": "http://localhost:8501/my_progress?lang=en"}
    front.query_params["lang"] = "en"
    front.run()
    page = front.switch_page("../../../pages/my_progress.py").run()
    assert not page.code
    page.button(key="progress_join_make").click().run()
    (link,) = [code.value for code in page.code]
    assert link.startswith("http://localhost:8501/join?token=")
    assert join.take(link.partition("token=")[2]) == anna
