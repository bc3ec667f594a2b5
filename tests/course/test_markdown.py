import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.course.markdown import ANCHORS, Part, fill_values, split_parts, split_sections, structure
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
        ("{#idea}", "{#ideas}", [("lesson_anchor_unknown", 11), ("lesson_anchor_missing", None)]),
        ("{#idea}", "", [("lesson_heading", 11), ("lesson_anchor_missing", None)]),
        ("## Idea {#idea}", "# Idea {#idea}", [("lesson_heading", 11), ("lesson_anchor_missing", None)]),
        ("## Idea {#idea}", "## {#idea}", [("lesson_heading", 11)]),
        ("{#idea}", "{#why}", [("lesson_anchor_twice", 11), ("lesson_anchor_missing", None)]),
        ("Text of idea.", "", [("lesson_section_empty", 11)]),
        ("## Why", "Preface\n## Why", [("lesson_text_outside", 1)]),
        ("## Why {#why}\nText of why.\n", "", [("lesson_anchor_missing", None)]),
    ],
)
def test_what_is_wrong_with_the_sections(old, new, found):
    assert old in WHOLE
    assert sections(WHOLE.replace(old, new))[2] == found


def test_sections_in_another_order():
    swapped = WHOLE.replace("{#idea}", "{#IDEA}").replace("{#look}", "{#idea}").replace("{#IDEA}", "{#look}")
    assert sections(swapped)[2] == [("lesson_anchor_order", 9)]


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


def test_links_of_before_still_lead_to_their_section():
    assert {"why", "idea", "predict", "train", "look", "check", "so-what"} < set(ANCHORS)


def test_figures_cut_a_section():
    parts = split_parts("Before.\n\n{{figure:one}}\n{{figure:two}}\n\nAfter {{value:x}}.")
    assert [(part.kind, part.text) for part in parts] == [
        ("prose", "Before."),
        ("figure", "one"),
        ("figure", "two"),
        ("prose", "After {{value:x}}."),
    ]


FOLDED = "Before.\n\n:::details 3 | Why it works\nInside $x$.\n\n{{figure:one}}\n\nMore.\n:::\n\nAfter."


def test_details_cut_a_section_and_have_parts_of_their_own():
    assert split_parts(FOLDED) == (
        Part("prose", "Before."),
        Part(
            "details",
            "Why it works",
            3,
            (Part("prose", "Inside $x$."), Part("figure", "one"), Part("prose", "More.")),
        ),
        Part("prose", "After."),
    )


def test_structure_keeps_details_apart():
    found = structure(FOLDED)
    assert (found.inline, found.figures, found.words, found.counts["paragraphs"]) == ((), (), 2, 2)
    ((minutes, inside),) = found.details
    assert (minutes, inside.inline, inside.figures) == (3, ("x",), ("one",))
    assert inside.words == 3


def test_details_in_code_are_code():
    source = "```text\n:::details 3 | Title\n```\n\nAfter."
    assert [part.kind for part in split_parts(source)] == ["prose"]
    assert structure(source).details == ()


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("One.\n\n:::details 3 | Title\nText.", 14),  # not closed
        (":::details 3 | Title\n:::details 2 | Inner\nText.\n:::\n:::", 13),  # one in another
        ("One.\n:::", 13),  # closes nothing
        (":::details 3 | Title\n\n:::", 14),  # empty
        (":::details | Title\nText.\n:::", 12),  # no minutes
        (":::details 0 | Title\nText.\n:::", 12),
        (":::details 3\nText.\n:::", 12),  # no title
        (":::note 3 | Title\nText.\n:::", 12),
        (":::details 3 | Title\nText.\n::: end", 14),
    ],
)
def test_malformed_details_are_found_with_their_line(wrong, line):
    found = sections(WHOLE.replace("Text of idea.", wrong))[2]
    assert found == [("lesson_details", line)]
    with pytest.raises(CourseError, match="does not fold"):
        split_parts(wrong)


def test_details_end_with_their_section():
    source = WHOLE.replace("Text of idea.", "\n\n:::details 3 | Title\nText.").replace("Text of check.", ":::")
    assert sections(source)[2] == [("lesson_details", 14), ("lesson_details", 17)]


@pytest.mark.parametrize(
    ("prose", "words"),
    [
        ("The ball, then basketball shoes.", 5),
        ("先买篮球，再买 NDCG@10。", 7),
        ("A [link](https://x.org/a/b) of **two** bold.", 5),
        ("Width $D$ is {{value:width}}.\n\n{{figure:mask}}", 4),
        ("> A quote\n\n- 3 items", 4),
        ("", 0),
    ],
)
def test_words_are_counted_as_a_reader_sees_them(prose, words):
    assert structure(prose).words == words


def test_values_are_filled_or_missed_by_name():
    assert fill_values("{{value:a}} of {{value:b@10}}", {"a": "1", "b@10": "2"}) == "1 of 2"
    with pytest.raises(CourseError, match="“c”"):
        fill_values("{{value:c}}", {"a": "1"})


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="#{} \n`$|>-*1.[]()!:figurevaluedts\\甲乙", max_size=200))
def test_no_text_breaks_the_reader(source):
    structure(source)
    sections(source)
    with contextlib.suppress(CourseError):  # of a malformed block that folds away
        rejoined = "".join(part.text for part in split_parts(source) if part.kind == "prose")
        assert set(rejoined) <= set(source)


def test_a_very_long_line_is_read_in_time():
    for piece in ("$", "`", "{{", "[", "![](", "- ", "**", "```\n", "$$", ":::\n", ":::details 1 | a\nb\n:::\n"):
        structure(piece * 5000)
