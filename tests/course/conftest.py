"""A small course of three lessons, one of them ready, that a test may break as it likes."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_lib.course.check import check_lessons
from course_lib.course.lessons import Course, load_course
from course_lib.course.problems import Problem
from course_lib.data import registry
from course_lib.text import LANGUAGES

MAP = """
[[group]]
id = "method"
name_zh = "方法"
name_en = "Method"
[[lesson]]
id = "first"
group = "method"
title_zh = "第一课"
title_en = "First"
summary_zh = "开头。"
summary_en = "The beginning."
[[lesson]]
id = "alpha"
group = "method"
title_zh = "甲"
title_en = "Alpha"
summary_zh = "中间。"
summary_en = "The middle."
after = ["first"]
[[lesson]]
id = "last"
group = "method"
title_zh = "末课"
title_en = "Last"
summary_zh = "结尾。"
summary_en = "The end."
after = ["first", "alpha"]
"""

LESSON = """
id = "alpha"
order = 2
group = "method"
minutes = 45
title_zh = "用户"
title_en = "Users"
summary_zh = "一句话。"
summary_en = "One sentence."
next = "last"
[[lab]]
id = "train"
experiment = "next_item"
seed = 3
shows = ["model", "width"]
[lab.data]
dataset = "shop"
[lab.settings]
epochs = 4
[[lab]]
id = "race"
experiment = "next_item"
[[lab.run]]
id = "popularity"
name_zh = "流行度"
name_en = "Popularity"
settings = {model = "popularity"}
[[lab.run]]
id = "markov"
name_zh = "马尔可夫"
name_en = "Markov"
settings = {model = "markov"}
seed = 5
[[guess]]
id = "ahead"
prompt_zh = "差多少？"
prompt_en = "How far ahead?"
kind = "choice"
truth = "over_markov"
[[guess.option]]
id = "behind"
text_zh = "落后"
text_en = "Behind"
high = 0.0
[[guess.option]]
id = "ahead"
text_zh = "领先"
text_en = "Ahead"
low = 0.0
[[guess]]
id = "share"
prompt_zh = "能到几成？"
prompt_en = "What share?"
kind = "number"
truth = "share_of_filtered_oracle"
low = 0.0
high = 1.0
step = 0.05
unit = "share"
[[challenge]]
id = "small"
prompt_zh = "小而好。"
prompt_en = "Small and good."
measure = "ndcg@10"
at_least = 0.3
hints_zh = ["想一想。"]
hints_en = ["Think."]
[challenge.limits]
parameters = 100000
epochs = 6
[[reference]]
text = "A paper, 2018"
url = "https://arxiv.org/abs/1808.09781"
"""

QUIZ = """
[[question]]
id = "order"
anchor = "idea"
prompt_zh = "为什么看 $x$ 的顺序？"
prompt_en = "Why the order of $x$?"
[[question.option]]
text_zh = "有意图"
text_en = "Intent"
correct = true
why_zh = "对。"
why_en = "Yes."
[[question.option]]
text_zh = "没原因"
text_en = "No reason"
correct = false
why_zh = "不对。"
why_en = "No."
[[question]]
id = "two"
anchor = "check"
prompt_zh = "选两个。"
prompt_en = "Choose two."
[[question.option]]
text_zh = "一"
text_en = "One"
correct = true
why_zh = "对。"
why_en = "Yes."
[[question.option]]
text_zh = "二"
text_en = "Two"
correct = true
why_zh = "对。"
why_en = "Yes."
[[question.option]]
text_zh = "三"
text_en = "Three"
correct = false
why_zh = "不对。"
why_en = "No."
"""

ANCHORS = ("why", "try", "predict", "train", "look", "idea", "check", "so-what")
EXTRA = {"why": "{{figure:histories}}", "idea": "$$\na = b\n$$\n\n- $V$\n- {{value:width}}"}
FOLDED = {
    "zh": ":::details 3 | 推导\n推导 $y$。\n\n{{figure:mask}}\n:::",
    "en": ":::details 3 | Derivation\nIt is $y$.\n\n{{figure:mask}}\n:::",
}


def prose(title: str, body: str, folded: str) -> str:
    """A lesson's text: every section with its heading and a sentence, the idea with a block that folds away."""
    extra = {**EXTRA, "idea": f"{EXTRA['idea']}\n\n{folded}"}
    return "\n\n".join(f"## {title} {{#{anchor}}}\n\n{body}\n\n{extra.get(anchor, '')}" for anchor in ANCHORS)


PROSE = {"zh": prose("标题", "正文。", FOLDED["zh"]), "en": prose("Title", "Text.", FOLDED["en"])}


@dataclasses.dataclass
class House:
    """The course's folder on disk."""

    root: Path

    @property
    def lessons(self) -> Path:
        return self.root / "lessons"

    def write(self, name: str, content: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def edit(self, name: str, old: str, new: str) -> None:
        source = (self.root / name).read_text(encoding="utf-8")
        assert old in source
        self.write(name, source.replace(old, new, 1))

    def course(self) -> Course:
        return load_course(self.lessons)

    def problems(self) -> list[Problem]:
        return check_lessons(self.lessons)

    def found(self) -> list[str]:
        """What the check finds, with every sentence written out in both languages."""
        found = self.problems()
        for problem in found:
            for language in LANGUAGES:
                assert str(self.root) not in problem.text(language)
                assert problem.text(language)[-1] in ".。", problem.text(language)
        return [problem.error.key for problem in found]


@pytest.fixture(autouse=True)
def datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two datasets that cost nothing, so that a lab's preset can be checked."""
    source = registry.Source(("small", "tiny"), lambda size: "0" * 12, None, None)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "sources", lambda: {"shop": source, "complete-journey": source})


@pytest.fixture
def house(tmp_path: Path) -> House:
    built = House(tmp_path)
    built.write("data/course.toml", MAP)
    built.write("lessons/alpha/lesson.toml", LESSON)
    built.write("lessons/alpha/quiz.toml", QUIZ)
    for language, prose in PROSE.items():
        built.write(f"lessons/alpha/{language}.md", prose)
    return built


@pytest.fixture
def powerless() -> Iterator[None]:
    """Runs as a user whom file permissions bind, even where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
