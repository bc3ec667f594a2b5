"""The two languages have the same keys and gaps, every key that the code asks for exists, and none is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from course_lib.course.lessons import load_course
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_cards
from course_lib.figures.pictures import pictures
from course_lib.text import LANGUAGES, strings, text

PROJECT = Path(__file__).resolve().parent.parent
FILES = sorted([*(PROJECT / "course_lib").rglob("*.py"), *(PROJECT / "pages").glob("*.py"), PROJECT / "app.py"])
SECTIONS = {key.split(".")[0] for key in strings("en")}


LABS = [lab for lesson in load_course().lessons for lab in lesson.labs]


def gaps(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(strings("zh")) == list(strings("en"))


@pytest.mark.parametrize("key", strings("en"))
def test_both_languages_have_the_same_gaps(key: str) -> None:
    assert gaps(strings("zh")[key]) == gaps(strings("en")[key])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_or_has_a_placeholder_left(language: str) -> None:
    assert [
        key for key, sentence in strings(language).items() if not sentence or re.search(r"TODO|XXX|FIXME", sentence)
    ] == []


def test_chinese_is_chinese() -> None:
    """A sentence of several English words has at least one Chinese character in its Chinese form."""
    left = [
        key
        for key, sentence in strings("zh").items()
        if sentence == strings("en")[key] and re.search(r"[a-z]+ [a-z]+", re.sub(r"\{.*?\}|<.*?>", "", sentence))
    ]
    assert left == []


def test_errors_say_the_next_step() -> None:
    """An error names what is wrong and what to do: two clauses at the least."""
    short = [
        key
        for key, sentence in strings("en").items()
        if key.startswith("errors.") and not re.search(r"[.:;,] ", sentence)
    ]
    assert short == []


@cache
def literals() -> dict[str, set[str]]:
    """Every string in the code, with the files it stands in; in an f-string each gap is ``*``."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                found.setdefault(node.value, set()).add(path.relative_to(PROJECT).as_posix())
            elif isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values]
                found.setdefault("".join(parts), set()).add(path.relative_to(PROJECT).as_posix())
    return found


def asked() -> Iterator[tuple[str, str]]:
    """Where the code asks for a sentence and for which: ``"section.key"``, ``CourseError("key")``, ``say("key")``."""
    keyed = re.compile(rf"(?:{'|'.join(sorted(SECTIONS))})\.[a-z][a-z0-9_]*")
    for literal, files in literals().items():
        if keyed.fullmatch(literal) and not literal.endswith((".toml", ".md", ".sqlite", ".css", ".py", ".json")):
            yield ", ".join(files), literal
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("CourseError", "LessonError"):
                    yield f"{path.name}:{node.lineno}", f"errors.{node.args[0].value}"
                if name == "say" and path.parent.name == "cli":
                    yield f"{path.name}:{node.lineno}", f"cli.{node.args[0].value}"


def test_every_key_in_the_code_exists() -> None:
    missing = [f"{place}: {key}" for place, key in asked() if key not in strings("en")]
    assert missing == []


def test_every_key_is_used() -> None:
    """A key counts as used when the code holds it whole, without its section, or as an f-string that it fits."""
    patterns = [
        re.compile(".+".join(map(re.escape, literal.split("*"))))
        for literal in literals()
        if "*" in literal and re.search("[a-z]{3}", literal.removeprefix("errors."))
    ]
    unused = []
    for key in strings("en"):
        short = key.partition(".")[2]
        if key in literals() or short in literals():
            continue
        if not any(pattern.fullmatch(key) or pattern.fullmatch(short) for pattern in patterns):
            unused.append(key)
    assert unused == []


def test_every_error_is_raised_with_its_gaps() -> None:
    """``CourseError("key", a=..., b=...)`` fills every gap of its sentence."""
    wrong = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("CourseError", "LessonError")):
                continue
            if not (node.args and isinstance(node.args[0], ast.Constant)) or any(
                word.arg is None for word in node.keywords
            ):
                continue
            given = {str(word.arg) for word in node.keywords}
            if len(node.args) > 1 and isinstance(node.args[1], ast.Dict):  # LessonError's sentences within the sentence
                given |= {str(ast.literal_eval(name)) for name in node.args[1].keys if name is not None}
            lacking = gaps(strings("en")[f"errors.{node.args[0].value}"]) - given
            if lacking:
                wrong.append(f"{path.name}:{node.lineno} {node.args[0].value} lacks {sorted(lacking)}")
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_speaks_both_languages_after_a_journey(language: str) -> None:
    error = CourseError("setting_out_of_range", name="width", value=9999, low=8, high=256)
    again = CourseError.from_dict(error.to_dict())
    assert again.text(language) == error.text(language)
    assert "9999" in error.text(language)


def test_unknown_key_and_language_are_refused() -> None:
    with pytest.raises(KeyError, match=r"no\.such"):
        text("no.such", "en")
    with pytest.raises(ValueError, match="'fr'"):
        text("shell.home", "fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_that_a_lab_shows_has_a_name(language: str) -> None:
    """Its choices too, except for models, whose names are those of the pictures."""
    known, wanted = strings(language), set()
    for lab in LABS:
        for name in lab.shows:
            setting = lab.card.every_setting[name]
            models = name in lab.card.chooses or name == "model"
            choices = () if models else setting.choices
            wanted |= {f"setting.{name}", *(f"setting.{name}_{choice}" for choice in choices)}
            if models:
                wanted |= {f"figures.model_{one.replace('-', '_')}" for one in setting.choices}
    assert len(wanted) > 20
    assert sorted(wanted - set(known)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_measure_of_every_experiment_has_a_name(language: str) -> None:
    wanted = {f"measure.{name.replace('@', '_at_')}" for card in experiment_cards().values() for name in card.measures}
    assert len(wanted) > 20
    assert sorted(wanted - set(strings(language))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tab_of_every_lab_has_a_name(language: str) -> None:
    names = {name for lab in LABS for name in lab.pictures}
    assert names <= {*pictures(), "near", "diff"}, "a lab may show only what can be drawn"
    known = strings(language)
    missing = {
        name
        for name in names | {"cards", "near", "guesses", "runs"}
        if not {f"lab.tab_{name.replace('.', '_')}", f"lab.tab_{name.rpartition('.')[2]}"} & set(known)
    }
    assert missing == set()


def test_a_learners_own_dataset_is_called_as_they_named_it() -> None:
    error = CourseError("too_few_products", name="mugs~8f781fa1", products=24, fewest=50)
    assert all("“mugs”" in error.text(language) for language in LANGUAGES)
    assert "mugs~8f781fa1" in CourseError("unknown_dataset", name="x", known="mugs~8f781fa1").text("en")


def test_a_reason_in_anothers_words_brings_no_second_full_stop() -> None:
    error = CourseError("encoder_broken", place="/there", reason="It is not a valid JSON file.")
    assert ".." not in error.text("en")
    assert ".。" not in error.text("zh")
