import os
import shutil
import tempfile
from pathlib import Path

import pytest

from course_lib.course.lessons import load_lessons
from course_lib.course.markdown import ANCHORS
from course_lib.errors import CourseError


def test_a_whole_lesson_opens(house):
    assert house.found() == []
    course = house.course()
    assert [(lesson.id, lesson.order, lesson.ready) for lesson in course.lessons] == [
        ("first", 1, False),
        ("alpha", 2, True),
        ("last", 3, False),
    ]
    lesson = course.lesson("alpha")
    assert lesson.title("zh") == "用户"  # the folder's own title, not the map's
    assert lesson.after == ("first",)
    assert lesson.next == "last"
    assert tuple(lesson.sections("en")) == tuple(lesson.sections("zh")) == ANCHORS
    assert lesson.sections("en")["why"] == "Text.\n\n{{figure:histories}}"
    assert lesson.heading("why", "zh") == "标题"
    assert [question.id for question in lesson.quiz.questions] == ["order", "two"]
    assert lesson.references[0].url == "https://arxiv.org/abs/1808.09781"
    config = lesson.lab().configs()[""]
    assert (config.seed, config.settings["epochs"]) == (3, 4)


def test_a_lesson_in_preparation_has_no_prose(house):
    first = house.course().lesson("first")
    assert first.sections("zh") == {}
    assert first.quiz.questions == ()


def test_unknown_lesson_names_the_known(house):
    with pytest.raises(CourseError, match="first, alpha, last"):
        house.course().lesson("beta")


def test_a_broken_lesson_leaves_the_others_alone(house):
    shutil.copytree(house.lessons / "alpha", house.lessons / "first")
    house.edit("lessons/first/lesson.toml", 'id = "alpha"\norder = 2', 'id = "first"\norder = 1')
    house.edit("lessons/alpha/lesson.toml", "minutes = 45", "minutes = ")
    lessons = {lesson.id: lesson for lesson in load_lessons(house.lessons)}
    assert lessons["first"].ready
    broken = lessons["alpha"]
    assert not broken.ready
    assert broken.title("en") == "Alpha"  # from the map
    assert [problem.error.key for problem in broken.problems] == ["lesson_toml"]
    assert "lessons/alpha/lesson.toml, line 5" in broken.problems[0].text("en")


def test_a_corrected_file_is_read_again(house):
    whole = (house.lessons / "alpha" / "quiz.toml").read_text(encoding="utf-8")
    house.write("lessons/alpha/quiz.toml", "")
    assert not house.course().lesson("alpha").ready
    house.write("lessons/alpha/quiz.toml", whole)
    assert house.course().lesson("alpha").ready


def test_a_folder_that_the_map_does_not_name_is_a_lesson_too(house):
    shutil.copytree(house.lessons / "alpha", house.lessons / "beta")
    house.edit("lessons/beta/lesson.toml", 'id = "alpha"\norder = 2', 'id = "beta"\norder = 9')
    assert house.found() == []
    assert [lesson.id for lesson in house.course().lessons] == ["first", "alpha", "last", "beta"]


def test_stray_files_and_hidden_folders_are_no_lessons(house):
    house.write("lessons/README.md", "x")
    house.write("lessons/.git/config", "x")
    house.write("lessons/__pycache__/x.pyc", b"\xff")
    assert house.found() == []


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \n\t\r\n", b"\x00" * 100])
@pytest.mark.parametrize("name", ["lesson.toml", "quiz.toml", "zh.md", "en.md"])
def test_an_empty_file(house, name, content):
    house.write(f"lessons/alpha/{name}", content)
    assert house.found() == ["lesson_file_empty"]
    assert f"lessons/alpha/{name}" in house.problems()[0].text("zh")


@pytest.mark.parametrize("name", ["lesson.toml", "quiz.toml", "zh.md", "en.md"])
def test_a_missing_file(house, name):
    (house.lessons / "alpha" / name).unlink()
    assert house.found() == ["lesson_file_missing"]


def test_an_empty_folder_misses_every_file(house):
    (house.lessons / "last").mkdir()
    assert house.found() == ["lesson_file_missing"] * 4


@pytest.mark.parametrize("name", ["lesson.toml", "quiz.toml", "zh.md"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_another_encoding_names_the_line(house, name, encoding):
    path = house.lessons / "alpha" / name
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert house.found() == ["lesson_not_utf8"]
    lines = {"lesson.toml": 6, "quiz.toml": 5, "zh.md": 1}
    assert house.problems()[0].error.params["line"] == (lines[name] if encoding == "gb18030" else 1)


def test_windows_files_are_read(house):
    for name in ("lesson.toml", "quiz.toml", "zh.md", "en.md"):
        path = house.lessons / "alpha" / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert house.found() == []
    assert house.course().lesson("alpha").sections("en")["why"] == "Text.\n\n{{figure:histories}}"


def test_a_folder_in_the_place_of_a_file(house):
    (house.lessons / "alpha" / "zh.md").unlink()
    (house.lessons / "alpha" / "zh.md").mkdir()
    assert house.found() == ["lesson_file_unreadable"]


def test_a_dangling_link(house):
    (house.lessons / "alpha" / "zh.md").unlink()
    os.symlink("nowhere", house.lessons / "alpha" / "zh.md")
    assert house.found() == ["lesson_file_missing"]
    assert not house.course().lesson("alpha").ready


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("minutes = 45", "minutes = 45 minutes", 5),
        ('title_zh = "用户"', "title_zh = “用户”", 6),
        ("[[lab]]", "[[lab", 11),
        ('id = "alpha"', 'id = "alpha"\nid = "alpha"', 3),
        ("minutes = 45", "minutes = " + "[" * 5000, None),  # deeper than the parser goes
    ],
)
def test_broken_toml_names_the_line(house, old, new, line):
    house.edit("lessons/alpha/lesson.toml", old, new)
    assert house.found() == ["lesson_toml"]
    assert line in (None, house.problems()[0].error.params["line"])


def test_a_text_that_does_not_end(house):
    house.edit("lessons/alpha/quiz.toml", 'why_en = "No."\n[[question]]', 'why_en = """No.\n[[question]]')
    assert house.found() == ["lesson_toml"]


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('id = "alpha"', 'id = "beta"', "lesson_id_folder", "beta"),
        ('id = "alpha"', 'id = "../../etc"', "lesson_field_identifier", "../../etc"),
        ('id = "alpha"', 'id = ""', "lesson_field_empty", "id"),
        ("order = 2", 'order = "2"', "lesson_field_kind", "integer"),
        ("order = 2", "order = true", "lesson_field_kind", "integer"),
        ("order = 2", "order = -1", "lesson_field_range", "-1"),
        ("order = 2", "order = 1", "lesson_order_twice", "first"),
        ("minutes = 45", "minuets = 45", "lesson_field_missing", "minutes"),
        ("minutes = 45", "minutes = 45\nminuets = 45", "lesson_field_unknown", "minuets"),
        ('title_en = "Users"\n', "", "lesson_field_missing", "title_en"),
        ('title_en = "Users"', 'title_en = "  "', "lesson_field_empty", "title_en"),
        ('title_en = "Users"', f'title_en = "{"x" * 20_000}"', "lesson_field_long", "20000"),
        ('next = "last"', 'next = "nowhere"', "lesson_next_unknown", "nowhere"),
        ('group = "method"', 'group = "methods"', "lesson_group_unknown", "methods"),
        ('dataset = "shop"', 'dataset = "shopp"', "lesson_lab", "shopp"),
        ('experiment = "next_item"', 'experiment = "nextitem"', "lesson_lab", "nextitem"),
        ('id = "race"', 'id = "train"', "lesson_id_within", "train"),
        ('id = "markov"', 'id = "popularity"', "lesson_id_within", "popularity"),
        ('name_en = "Markov"\n', "", "lesson_field_missing", "name_en"),
        ('shows = ["model", "width"]', 'shows = "width"', "lesson_field_kind", "shows"),
        ('truth = "over_markov"', 'truth = "over_markov"\nlab = "rice"', "lesson_field_choice", "rice"),
        ('truth = "over_markov"', 'truth = "ndcg@10"\nlab = "race"', "lesson_field_missing", "run"),
        ("epochs = 4", "epochs = 4000", "lesson_lab", "epochs"),
        ("epochs = 4", "epoch = 4", "lesson_lab", "epoch"),
        ("seed = 3", "seed = -3", "lesson_field_range", "lab[train].seed"),
        ('kind = "number"', 'kind = "numbers"', "lesson_field_choice", "guess[share].kind"),
        ("share_of_filtered_oracle", "share_of_oracle", "lesson_unknown_measure", "share_of_oracle"),
        ("step = 0.05", "step = 0.0", "lesson_guess_range", "guess[share]"),
        ("step = 0.05", "step = nan", "lesson_field_range", "nan"),
        ("low = 0.0\n[[guess]]", "low = 0.1\n[[guess]]", "lesson_guess_cover", "ahead"),
        ("low = 0.0\n[[guess]]", "low = -0.1\n[[guess]]", "lesson_guess_cover", "ahead"),
        ("low = 0.0\n[[guess]]", "low = 0.0\nhigh = 1.0\n[[guess]]", "lesson_guess_cover", "ahead"),
        ("low = 0.0\n[[guess]]", "[[guess]]", "lesson_guess_option", "guess[ahead].option[ahead]"),
        ('id = "share"', 'id = "ahead"', "lesson_id_within", "ahead"),
        ('measure = "ndcg@10"', 'measure = "ndgc@10"', "lesson_unknown_measure", "ndgc@10"),
        ("at_least = 0.3\n", "", "lesson_field_missing", "at_least"),
        ("at_least = 0.3", 'at_least = "0.3"', "lesson_field_kind", "challenge[small].at_least"),
        ("parameters = 100000", "params = 100000", "lesson_field_choice", "params"),
        ('hints_en = ["Think."]', "hints_en = []", "lesson_lists_differ", "hints"),
        ('hints_en = ["Think."]', "hints_en = [1]", "lesson_field_kind", "hints_en"),
        ("https://arxiv", "javascript:arxiv", "lesson_field_url", "javascript"),
        ("[[reference]]", "[reference]", "lesson_field_kind", "array of tables"),
        ('[[lab]]\nid = "race"', '[[laboratory]]\nid = "race"', "lesson_field_unknown", "laboratory"),
    ],
)
def test_a_wrong_field_is_named(house, old, new, key, says):
    house.edit("lessons/alpha/lesson.toml", old, new)
    assert key in house.found()
    problem = next(problem for problem in house.problems() if problem.error.key == key)
    for language in ("zh", "en"):
        assert says in problem.text(language)


def test_the_labs_reason_is_in_the_readers_language(house):
    house.edit("lessons/alpha/lesson.toml", 'dataset = "shop"', 'dataset = "mall"')
    problem = house.problems()[0]
    assert "没有名为“mall”的数据集" in problem.text("zh")
    assert "There is no dataset called “mall”" in problem.text("en")


def test_two_lessons_with_one_id(house):
    shutil.copytree(house.lessons / "alpha", house.lessons / "copy")
    assert house.found() == ["lesson_id_folder"]
    assert house.course().lesson("alpha").ready
    with pytest.raises(CourseError, match="copy"):
        house.course().lesson("copy")


def test_an_unknown_next_lesson_makes_no_dead_link(house):
    house.edit("lessons/alpha/lesson.toml", 'next = "last"', 'next = "nowhere"')
    lesson = house.course().lesson("alpha")
    assert lesson.ready
    assert lesson.next is None


def test_all_problems_are_told_at_once(house):
    house.edit("lessons/alpha/lesson.toml", "minutes = 45", "minutes = 0")
    house.edit("lessons/alpha/quiz.toml", "correct = true", "correct = 1")
    house.edit("lessons/alpha/en.md", "{#train}", "{#trian}")
    assert house.found() == [
        "lesson_field_range",
        "lesson_field_kind",
        "lesson_question_no_correct",
        "lesson_anchor_unknown",
        "lesson_anchor_missing",
    ]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "method"\n', "", "lesson_field_missing"),
        ('after = ["first"]', 'after = ["last"]', "course_after_unknown"),  # a circle
        ('after = ["first"]', 'after = ["alpha"]', "course_after_unknown"),
        ('after = ["first"]', 'after = "first"', "lesson_field_kind"),
        ('after = ["first"]', "after = [[1]]", "course_after_unknown"),
        ('id = "last"', 'id = "alpha"', "lesson_id_within"),
        ('title_zh = "甲"', 'titel_zh = "甲"', "lesson_field_missing"),
        ("[[lesson]]", "[[lesson]", "lesson_toml"),
    ],
)
def test_a_broken_map_is_named(house, old, new, key):
    house.edit("data/course.toml", old, new)
    with pytest.raises(CourseError, match=r"data/course\.toml") as raised:
        house.course()
    assert raised.value.key == key
    assert house.found()[0] == key


def test_without_a_map_the_folders_are_checked_all_the_same(house):
    (house.root / "data" / "course.toml").unlink()
    house.write("lessons/alpha/quiz.toml", "x")
    assert house.found() == ["lesson_file_missing", "lesson_toml"]


@pytest.fixture
def closed_lesson(house):
    """The same course where every user can reach it, but for one lesson's folder."""
    root = Path(tempfile.mkdtemp())
    shutil.copytree(house.root, root, dirs_exist_ok=True)
    shutil.copytree(house.lessons / "alpha", root / "lessons" / "beta")
    root.chmod(0o755)
    (root / "lessons" / "alpha").chmod(0)
    yield root / "lessons"
    (root / "lessons" / "alpha").chmod(0o755)
    shutil.rmtree(root)


def test_a_folder_that_may_not_be_read_is_closed_alone(closed_lesson, powerless):
    lessons = {lesson.id: lesson for lesson in load_lessons(closed_lesson)}
    assert [problem.error.key for problem in lessons["alpha"].problems] == ["lesson_file_unreadable"] * 4
    assert not lessons["alpha"].ready


def test_no_lessons_at_all(house):
    shutil.rmtree(house.lessons)
    assert [lesson.ready for lesson in house.course().lessons] == [False] * 3
    assert house.found() == []
