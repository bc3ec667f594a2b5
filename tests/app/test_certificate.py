"""The certificate as page and PDF: both say the same, nothing becomes an empty box, and anybody can check a code."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
import segno
import sqlalchemy as sa
from browsers import sit_down
from lab_stage import Stage
from pypdf.generic import ContentStream
from streamlit.testing.v1 import AppTest
from test_shell import go, links, open_app, switch, words

from course_lib.course import certificates, tables
from course_lib.course.certificates import Certificate, issue, own, spoken_code
from course_lib.course.lessons import load_lessons
from course_lib.course.store import Learner, Store
from course_lib.settings import load_settings
from course_lib.text import LANGUAGES, strings, text
from course_lib.ui import certificate_words, services
from course_lib.ui.certificate_pdf import as_printed, breakable, certificate_pdf, printable, unprintable
from course_lib.ui.identity_cookie import known_as
from course_lib.ui.shell import plain

ANNA, BERT = "a" * 32, "b" * 32
LESSON, CHALLENGE, RUN = "user_understanding", "small_model", "0123456789abcdef"
LINK = "https://learn.example.org/certificate?code=7K3QD"
FIGURES = [
    {"name": "ndcg@10", "relation": "at_least", "wanted": 0.415, "got": 0.4193, "low": 0.411, "high": 0.428},
    {"name": "parameters", "relation": "at_most", "wanted": 40000.0, "got": 38800.0, "low": 38800.0, "high": 38800.0},
]
NAME = "林 *月* <b>[x](http://y)</b>"


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    stage = Stage()
    monkeypatch.setitem(services._runs, load_settings(), stage)
    yield stage
    store = services._stores.pop(load_settings().database_url, None)
    if store is not None:
        store.close()


@pytest.fixture
def store() -> Store:
    return services.store()


@pytest.fixture
def anna(store: Store) -> Learner:
    """A learner who has finished one lesson and met one challenge."""
    learner = store.learner(known_as(ANNA))
    lesson = next(one for one in load_lessons() if one.id == LESSON)
    for guess in lesson.guesses:
        learner.record_guess(LESSON, guess.id, guess.options[0].id if guess.options else 0.0)
    learner.record_run(LESSON, RUN)
    for question in lesson.quiz.questions:
        learner.record_answer(LESSON, question.id, [0], True, question.version)
    learner.record_challenge(LESSON, CHALLENGE, RUN, True, {"missing": [], "sure": True, "figures": FIGURES})
    return learner


def squeezed(words: str) -> str:
    return re.sub(r"\s+", "", words)


def lines(certificate: Certificate, language: str) -> list[str]:
    said = certificate_words.words(certificate, language)
    entries = [line for entry in said.challenges for line in (entry.task, entry.figures)]
    heads = [said.title, said.above_name, said.name, said.made, said.unsupervised, said.lessons_head, said.rule]
    return [*heads, *said.lessons, said.challenges_head, *entries, said.code_head, said.code]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_says_what_the_page_says(anna: Learner, language: str) -> None:
    made = issue(anna, load_lessons(), NAME)
    made_pdf = certificate_pdf(made, LINK, language)
    assert made_pdf == certificate_pdf(made, LINK, language)
    pdf = pypdf.PdfReader(io.BytesIO(made_pdf))
    said = squeezed("".join(page.extract_text() for page in pdf.pages))
    for line in [*lines(made, language), LINK]:
        assert squeezed(line) in said
    assert pdf.metadata is not None
    assert pdf.metadata.title == text("certificate.title", language)
    assert "0.419" in said
    assert "38,800" in said
    assert text("certificate.substituted", language) not in said


def test_the_qr_code_in_the_pdf_is_the_checking_address(anna: Learner) -> None:
    """Its squares, read back from the page, are those of the address; and a click leads there too."""
    pdf = pypdf.PdfReader(io.BytesIO(certificate_pdf(issue(anna, load_lessons(), "Lin"), LINK, "en")))
    page = pdf.pages[-1]
    drawing = ContentStream(page.get_contents(), pdf).operations
    boxes = [[float(number) for number in given] for given, kind in drawing if kind == b"re"]
    wanted = [list(row) for row in segno.make(LINK, micro=False, error="m").matrix_iter(border=4)]
    size = min(abs(height) for *_, height in boxes)
    left, top = min(x for x, *_ in boxes) - 4 * size, max(y for _, y, *_ in boxes) + 4 * size
    drawn = [[0] * len(wanted) for _ in wanted]
    for x, y, width, _ in boxes:
        start = round((x - left) / size)
        for right in range(start, start + round(width / size)):
            drawn[round((top - y) / size)][right] = 1
    assert drawn == [[int(bool(one)) for one in row] for row in wanted]
    (note,) = [one.get_object() for one in page["/Annots"]]  # type: ignore[attr-defined]
    assert note["/A"]["/URI"] == LINK


def test_nothing_that_the_course_says_lacks_a_sign_in_the_pdf() -> None:
    said = [sentence for language in LANGUAGES for key, sentence in strings(language).items()
            if key.split(".")[0] in ("certificate", "measure", "setting", "figures")]  # fmt: skip
    for lesson in load_lessons():
        said += lesson.titles.values()
        said += [prompt for challenge in lesson.challenges for prompt in challenge.prompts.values()]
    assert unprintable("".join(said)) == ()
    assert {one for sentence in said for one in sentence if ord(one) not in printable()} <= set("₁₂")  # printed as 1, 2
    assert as_printed("W₂") == "W2"


@pytest.mark.parametrize(
    "name",
    ["李玥", "王喆", "陳怡君", "歐陽黃", "Nguyễn Thị Ánh", "Łukasz Żółć", "Ольга", "Ελένη", "さくら", "O’Neill-Müller"],
)
def test_names_that_are_printed_whole(name: str) -> None:
    assert unprintable(name) == ()


@pytest.mark.parametrize("name", ["😀 Lin", "สมชาย", "محمد", "김민준", "𬭎"])
def test_names_that_are_not_are_written_as_numbers(anna: Learner, name: str) -> None:
    lost = unprintable(name)
    assert lost
    made = issue(anna, load_lessons(), name)
    pdf = pypdf.PdfReader(io.BytesIO(certificate_pdf(made, LINK, "en")))
    said = squeezed("".join(page.extract_text() for page in pdf.pages))
    assert squeezed(as_printed(name)) in said
    assert f"[U+{ord(lost[0]):04X}]" in said
    assert squeezed(text("certificate.substituted", "en")) in said


def test_chinese_breaks_where_it_may() -> None:
    assert breakable("甲，乙（丙）LiveRec 丁").split("\u200b") == ["甲，", "乙", "（丙）", "LiveRec 丁"]
    assert breakable("no Chinese at all") == "no Chinese at all"
    assert breakable("") == ""


# ---- the page


def make(app: AppTest, name: str) -> AppTest:
    app.text_input(key="certificate_name").set_value(name)
    app.button(key="certificate_make").click().run()
    assert not app.exception
    return app


def look_up(app: AppTest, code: str) -> AppTest:
    app.text_input(key="certificate_check_code").set_value(code)
    app.button(key="certificate_check_do").click().run()
    assert not app.exception
    return app


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_to_certify_is_a_sentence(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    sit_down(monkeypatch, BERT)
    app = open_app("my_progress", locale={"en": "en-GB", "zh": "zh-CN"}[language])
    assert any(link.endswith("certificate") for link in links(app))
    go(app, "certificate")
    assert [one.value for one in app.info] == [text("certificate.nothing", language)]
    assert [one for one in app.text_input if one.key == "certificate_name"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_certificate_is_made_read_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, anna: Learner, language: str
) -> None:
    sit_down(monkeypatch, ANNA)
    app = open_app("certificate", locale={"en": "en-GB", "zh": "zh-CN"}[language])
    assert text("certificate.could", language, lessons=1, challenges=1) in words(app)
    make(app, " ")
    assert [one.value for one in app.error] == [text("errors.certificate_name_empty", language, most=80)]
    make(app, NAME)
    assert not app.error
    (made,) = own(anna)
    assert made.name == NAME
    shown = words(app)
    for line in lines(made, language):
        assert line in shown or plain(line) in shown, line
    assert NAME not in shown  # it has markup, which is taken from it
    assert plain(NAME) in shown
    (expander,) = [one for one in app.expander if spoken_code(made.code) in one.label]
    assert plain(NAME) in expander.label
    other = {"en": "zh", "zh": "en"}[language]
    assert certificate_words.words(made, other).lessons[0] in words(switch(app, other))
    app.button(key=f"certificate_sure_{made.code}").click().run()
    assert own(anna) == ()


def test_characters_that_the_pdf_lacks_are_named(monkeypatch: pytest.MonkeyPatch, anna: Learner) -> None:
    sit_down(monkeypatch, ANNA)
    app = make(open_app("certificate", locale="en-GB"), "Lin 😀")
    assert [one.value for one in app.warning] == [plain(text("certificate.unprintable", "en", characters="😀"))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_anybody_can_check_one(monkeypatch: pytest.MonkeyPatch, store: Store, anna: Learner, language: str) -> None:
    made = issue(anna, load_lessons(), NAME)
    sit_down(monkeypatch)  # a browser that has never been here
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    app = open_app("certificate", locale=locale)
    look_up(app, "not a code")
    assert [one.value for one in app.error] == [text("errors.certificate_code_form", language, characters=20)]
    look_up(app, spoken_code(made.code).lower())
    assert not app.error
    assert [one.value for one in app.success] == [text("certificate.valid", language)]
    assert app.query_params["code"] == spoken_code(made.code)
    for line in lines(made, language):
        assert line in words(app) or plain(line) in words(app)
    tried = len(store.read(sa.select(tables.tries)))
    assert text("certificate.valid", language) in words(app.run())
    assert len(store.read(sa.select(tables.tries))) == tried  # drawing it again is no new try
    look_up(app, "Z" * 20)
    assert [one.value for one in app.error] == [text("errors.certificate_unknown", language)]
    assert not app.success
    assert store.read(sa.select(tables.certificates.c.learner)) == [(known_as(ANNA),)]


def test_a_link_is_enough_and_a_forged_one_says_so(
    monkeypatch: pytest.MonkeyPatch, store: Store, anna: Learner
) -> None:
    made = issue(anna, load_lessons(), "Lin")
    sit_down(monkeypatch)

    def seen(code: str) -> AppTest:
        app = open_app(locale="en-GB")
        app.query_params["code"] = code
        go(app, "certificate")
        app.query_params["code"] = code
        return app.run()

    assert text("certificate.valid", "en") in words(seen(spoken_code(made.code)))
    for hostile in ("<script>alert(1)</script>", "[x](http://y)", "x" * 5000, "\x00"):
        app = seen(hostile)
        assert [one.value for one in app.error] == [text("errors.certificate_code_form", "en", characters=20)]
    content: dict[str, Any] = {**made.content, "name": "Mallory"}
    store.write(lambda connection: connection.execute(tables.certificates.update().values(content=content)))
    app = seen(made.code)
    assert [one.value for one in app.error] == [text("errors.certificate_altered", "en")]
    assert "Mallory" not in words(app)


def test_guessing_codes_on_the_page_is_limited(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    sit_down(monkeypatch)
    monkeypatch.setattr(certificates, "PER_ADDRESS", 2)
    app = open_app("certificate", locale="en-GB")
    found = [str(look_up(app, f"{number}" * 20).error[0].value) for number in range(3)]
    assert found[:2] == [text("errors.certificate_unknown", "en")] * 2
    assert found[2].startswith("Too many tries")
    sentence = str(look_up(app, "2" * 20).error[0].value)
    assert sentence.startswith("Too many tries")


def test_a_database_that_fails_leaves_the_page(monkeypatch: pytest.MonkeyPatch, anna: Learner) -> None:
    sit_down(monkeypatch, ANNA)
    url = load_settings().database_url
    services.store().engine.dispose()
    Path(url.removeprefix("sqlite:///")).write_bytes(b"no database at all" * 1000)
    app = open_app("certificate", locale="en-GB")
    assert app.error
    assert not any(one.value == text("certificate.nothing", "en") for one in app.info)
    assert app.text_input(key="certificate_check_code").label == text("certificate.code", "en")
