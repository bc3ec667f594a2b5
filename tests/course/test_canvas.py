"""The business canvas: what is kept, refused, gathered and taken away."""

import pytest

from course_lib.course import canvas
from course_lib.course.lessons import load_lessons
from course_lib.course.store import open_store
from course_lib.errors import CourseError
from course_lib.ui.canvas import as_pdf

READY = [lesson for lesson in load_lessons() if lesson.ready]
FIRST, SECOND = READY[:2]


@pytest.fixture
def learner(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'course.db'}")
    yield store.learner("anna")
    store.close()


def test_a_box_is_kept_and_gathered_in_the_lessons_order(learner):
    canvas.write_box(learner, SECOND.id, "第二格")
    canvas.write_box(learner, FIRST.id, "The first\n\n# no heading *of mine*")
    for run in ("a" * 16, "b" * 16, "a" * 16):
        learner.record_run(FIRST.id, run)
    plan = canvas.boxes(learner, READY)
    assert [box.lesson.id for box in plan] == [lesson.id for lesson in READY]
    assert plan[0].runs == ("a" * 16, "b" * 16)
    assert [words for _, words, _ in canvas.lines(plan, "en")] == ["The first\n\n# no heading *of mine*", "第二格"]
    told = canvas.markdown(plan, "zh")
    assert told.index(FIRST.title("zh")) < told.index("The first") < told.index("第二格")
    assert "a" * 16 in told


def test_the_pdf_holds_both_languages_and_what_no_font_has(learner):
    canvas.write_box(learner, FIRST.id, "先数数 🏀\n" + "long " * 500)
    pdf = as_pdf(canvas.boxes(learner, READY), "zh")
    assert pdf.startswith(b"%PDF")
    assert len(pdf) < 400_000


@pytest.mark.parametrize("words", ["x" * (canvas.LONGEST + 1), "x" * 100_000, "a\x00b", "\ud800"])
def test_what_cannot_be_kept_is_refused_and_loses_nothing(learner, words):
    canvas.write_box(learner, FIRST.id, "before")
    with pytest.raises(CourseError):
        canvas.write_box(learner, FIRST.id, words)
    assert canvas.read_box(learner, FIRST.id) == "before"


def test_the_longest_box_in_chinese_can_be_kept(learner):
    canvas.write_box(learner, FIRST.id, "格" * canvas.LONGEST)
    assert len(canvas.read_box(learner, FIRST.id)) == canvas.LONGEST
