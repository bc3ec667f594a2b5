"""What a learner has done as CSV."""

import csv
import io

from course_lib.course.export import COLUMNS, activity_csv
from course_lib.course.store import Activity, Answer, ChallengeTried, GuessGiven, RunStarted, Step
from tests.course.conftest import House


def rows(source: str) -> list[dict[str, str]]:
    assert source.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(source.removeprefix("\ufeff"))))


def test_every_kind_is_there_oldest_first(house: House) -> None:
    lesson = house.course().lesson("alpha")
    question = lesson.quiz.questions[0]
    activity = Activity(
        answers=(Answer("alpha", question.id, question.version, (0,), True, 50.0),),
        guesses=(GuessGiven("alpha", "share", -0.5, 40.0),),
        steps=(Step("alpha", "why", False, 10.0),),
        runs=(RunStarted("alpha", "0123456789abcdef", "dataset=shop", {}, 30.0),),
        challenges=(ChallengeTried("alpha", "small", "0123456789abcdef", False, {}, 20.0),),
    )
    table = rows(activity_csv(activity, [lesson], "zh"))
    assert tuple(table[0]) == COLUMNS
    assert [row["kind"] for row in table] == ["section", "challenge", "run", "guess", "answer"]
    assert table[0]["time"] == "1970-01-01T00:00:10+00:00"
    assert table[4]["given"] == question.options[0].text("zh")
    assert (table[4]["correct"], table[1]["correct"]) == ("yes", "no")
    assert table[3]["given"] == "-0.5"  # a number is a number


def test_an_answer_to_an_older_wording_is_exported_by_place(house: House) -> None:
    lesson = house.course().lesson("alpha")
    activity = Activity(answers=(Answer("alpha", lesson.quiz.questions[0].id, "older", (1, 2), True, 1.0),))
    assert rows(activity_csv(activity, [lesson], "en"))[0]["given"] == "2 | 3"


def test_no_cell_is_a_formula() -> None:
    evil = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x")']
    activity = Activity(guesses=tuple(GuessGiven(text, text, text, 1.0) for text in evil))
    for row in rows(activity_csv(activity, [], "en")):
        for name in ("lesson", "name", "given"):
            assert row[name].startswith("'"), row
