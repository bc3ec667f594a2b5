import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.course.markdown import ANCHORS, fill_values, split_figures, split_sections, structure
from course_lib.errors import CourseError

WHOLE = "\n".join(f"## {anchor.title()} {{#{anchor}}}\nText of {anchor}." for anchor in ANCHORS)


def sections(source):
    found = []
    parts, titles = split_sections(source, "lessons/x/en.md", found)
    return parts, titles, [(error.key, error.params.get("line")) for error in found]


def test_sections_and_titles():
    parts, titles, found = sections(WHOLE)
    assert found == []
    assert parts["so-what"] == "Text of so-what."
    assert titles["so-what"] == "So-What"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("## Idea {#idea}\nText of idea.\n", "", [("lesson_anchor_missing", None)]),
        ("{#idea}", "{#ideas}", [("lesson_anchor_unknown", 3), ("lesson_anchor_missing", None)]),
        ("{#idea}", "", [("lesson_heading", 3), ("lesson_anchor_missing", None)]),
        ("## Idea {#idea}", "# Idea {#idea}", [("lesson_heading", 3), ("lesson_anchor_missing", None)]),
        ("## Idea {#idea}", "## {#idea}", [("lesson_heading", 3)]),
        ("{#idea}", "{#why}", [("lesson_anchor_twice", 3), ("lesson_anchor_missing", None)]),
        ("Text of idea.", "", [("lesson_section_empty", 3)]),
        ("## Why", "Preface\n## Why", [("lesson_text_outside", 1)]),
        ("## Why {#why}\nText of why.\n", "", [("lesson_anchor_missing", None)]),
    ],
)
def test_what_is_wrong_with_the_sections(old, new, found):
    assert old in WHOLE
    assert sections(WHOLE.replace(old, new))[2] == found


def test_sections_in_another_order():
    swapped = WHOLE.replace("{#idea}", "{#IDEA}").replace("{#look}", "{#idea}").replace("{#IDEA}", "{#look}")
    assert sections(swapped)[2] == [("lesson_anchor_order", 3)]


def test_a_heading_in_code_is_no_heading():
    fenced = WHOLE.replace("Text of idea.", "```python\n## Look {#look}\n```\n\nText of idea.")
    parts, _, found = sections(fenced)
    assert found == []
    assert parts["idea"].startswith("```python\n## Look")


def test_smaller_headings_stay_within_their_section():
    parts, _, found = sections(WHOLE.replace("Text of idea.", "### Inner\n\nText of idea."))
    assert found == []
    assert parts["idea"].startswith("### Inner")


def test_structure_counts_what_both_languages_share():
    found = structure(
        "One paragraph\nover two lines with $x_1$ and $y$, not $5 or 6$7.\n\n"
        "$$\nE = mc^2\n$$\n\n"
        "- an item\n  going on\n- [a link](https://x.org) and ![a picture](p.png)\n"
        "1. numbered `co$de$`\n\n"
        "> a quote\n> of two lines\n\n"
        "| a |\n|---|\n\n"
        "```text\n{{figure:inside}} $z$ - no\n```\n\n"
        "{{figure:map}}\n\n"
        "### Heading\n\nWidth {{value:width}}, \\$ and $\\frac{{a}}{{b}}$.\n"
    )
    assert found.inline == ("x_1", "y", "\\frac{{a}}{{b}}")
    assert found.display == ("E = mc^2",)
    assert found.figures == ("map",)
    assert found.values == ("width",)
    assert found.links == ("https://x.org",)
    assert found.images == ("p.png",)
    assert found.wrong == ()
    # paragraphs: the first, the formula, the figure, the last
    assert found.counts == {"paragraphs": 4, "list_items": 3, "headings": 1, "quotes": 1, "rows": 2, "code": 2}


def test_figures_cut_a_section():
    parts = split_figures("Before.\n\n{{figure:one}}\n{{figure:two}}\n\nAfter {{value:x}}.")
    assert [(part.kind, part.text) for part in parts] == [
        ("prose", "Before."),
        ("figure", "one"),
        ("figure", "two"),
        ("prose", "After {{value:x}}."),
    ]


def test_values_are_filled_or_missed_by_name():
    assert fill_values("{{value:a}} of {{value:b@10}}", {"a": "1", "b@10": "2"}) == "1 of 2"
    with pytest.raises(CourseError, match="“c”"):
        fill_values("{{value:c}}", {"a": "1"})


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="#{} \n`$|>-*1.[]()!:figurevalue\\甲乙", max_size=200))
def test_no_text_breaks_the_reader(source):
    structure(source)
    sections(source)
    rejoined = "".join(part.text for part in split_figures(source) if part.kind == "prose")
    assert set(rejoined) <= set(source)


def test_a_very_long_line_is_read_in_time():
    for piece in ("$", "`", "{{", "[", "![](", "- ", "**", "```\n", "$$"):
        structure(piece * 5000)
