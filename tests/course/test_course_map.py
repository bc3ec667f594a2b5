from course_lib.course.course_map import read_map
from course_lib.settings import PROJECT

LESSONS = (
    "orientation mathematics user_understanding item_understanding generation evaluation evaluation_online search cart "
    "marketing frontier trust practice business resources"
)


def test_the_fifteen_lessons():
    course = read_map(PROJECT / "data" / "course.toml")
    assert " ".join(entry.id for entry in course.entries) == LESSONS
    assert {entry.group for entry in course.entries} == {group.id for group in course.groups}


def test_every_lesson_can_be_reached_and_leads_on():
    entries = read_map(PROJECT / "data" / "course.toml").entries
    assert [entry.id for entry in entries if not entry.after] == ["orientation"]
    led_from = {before for entry in entries for before in entry.after}
    assert [entry.id for entry in entries if entry.id not in led_from] == ["resources"]


def test_titles_and_summaries_are_short_enough_for_a_picture():
    for entry in read_map(PROJECT / "data" / "course.toml").entries:
        assert len(entry.titles["zh"]) <= 10
        assert len(entry.titles["en"]) <= 30
        for summary in entry.summaries.values():
            assert summary[-1] in "。."
