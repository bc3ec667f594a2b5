"""The glossary against the lessons: every entry is used, and every abbreviation of the prose has one."""

import re

import pytest

from course_lib.course.glossary import load_glossary, terms_of
from course_lib.course.lessons import load_lessons
from course_lib.course.markdown import plain_text
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES

READY = [lesson for lesson in load_lessons() if lesson.ready]
# Abbreviations that are no term of the field: names of conferences, journals, datasets, files, products and letters.
NO_TERMS = {
    *("ACM", "SIGIR", "KDD", "TOIS", "WWW", "MLSys", "RecSys", "ICML", "NAACL", "NeurIPS", "CRAN", "RFC"),
    *(
        "README",
        "NAME",
        "PATH",
        "CSV",
        "PDF",
        "HTML",
        "ID",
        "IDs",
        "SKU",
        "SQL",
        "URL",
        "API",
        "CPU",
        "GPU",
        "FAQ",
        "UTC",
        "US",
    ),
    *("OpenAI", "GPT-3", "T5", "S3-Rec", "AdamW", "SiLU", "ReLU", "CNY", "McPherson", "McNeil", "SNE", "KL"),
    *("Apache-2", "RecBole", "RecTools", "TensorFlow", "PyTorch"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_is_used_in_a_lesson(language):
    used = {term.name("en") for lesson in READY for term in terms_of(lesson, language)}
    assert [term.name(language) for term in load_glossary() if term.name("en") not in used] == []


@pytest.mark.parametrize("lesson", READY, ids=lambda one: one.id)
def test_every_abbreviation_of_the_prose_has_an_entry(lesson):
    text = plain_text("\n\n".join(lesson.sections("en").values()))
    text = re.sub(r"https?://\S+", "", text)
    found = set(re.findall(r"(?<![\w-])[A-Z][A-Za-z0-9]*[A-Z0-9][A-Za-z0-9-]*(?:@\d+)?", text))
    known = load_glossary()
    missing = {
        one for one in found if stem(one) not in NO_TERMS and not any(term.is_in(stem(one), "en") for term in known)
    }
    assert missing == set()


def stem(word: str) -> str:
    """An abbreviation without what is added to it: NDCG@10, DIN-like."""
    return re.sub(r"@\d+$|-like$", "", word)


def test_spellings():
    terms = {term.name("en"): term for term in load_glossary()}
    assert terms["NDCG"].is_in("its NDCG@10 is", "en")
    assert not terms["MAP"].is_in("a map of the shop", "en"), "an abbreviation is one as it is written"
    assert terms["negative"].is_in("100 Negatives", "en")
    assert not terms["loss"].is_in("a glossy page", "en")
    assert terms["complement"].is_in("哪些是互补的", "zh")
    assert terms["SASRec"].is_in("SASRec 的列表", "zh"), "Chinese texts keep English names"


def test_names_stand_once():
    for language in LANGUAGES:
        names = [term.name(language).casefold() for term in load_glossary()]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[[term]]\nzh = "球"\nen = "ball"\nmeaning_zh = "圆的"\n', "meaning_en"),
        ('[[term]]\nzh = "球"\nen = "ball"\nmeaning_zh = "圆"\nmeaning_en = "round"\ncolour = "red"\n', "colour"),
        ("[[term]\n", "line 1"),
    ],
)
def test_a_broken_file_is_named(tmp_path, content, said):
    file = tmp_path / "glossary.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(CourseError, match=said):
        load_glossary(file)
