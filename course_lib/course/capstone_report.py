"""The capstone's report as Markdown in either language, and the one zip to take home.

report.zh.md, report.en.md    what was there, what was measured, three findings, what could not be said
findings.json                 the same in numbers
liverec-canvas.*              the learner's plan from the page, as Markdown and PDF, where something stands in it
sasrec/, hstu/                each run as course_lib/runs/takeaway.py packs it: weights (safetensors), notebook, source
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from course_lib.course.audit import NEEDS, TABLES, USES, Audit
from course_lib.course.capstone import Study
from course_lib.course.lessons import Lesson
from course_lib.course.verdict import METRIC, model_words, recipe_sentence
from course_lib.data.dataset import Address
from course_lib.runs.takeaway import add_text, pack
from course_lib.settings import load_settings
from course_lib.text import LANGUAGES, text

METRICS = (METRIC, "hr@10", "mrr@10")
SHARES = ("titles", "categories", "brands", "prices")
Row = Sequence[str]


def audit_rows(found: Audit, language: str) -> list[Row]:
    """What is there: ``(name, value)``."""
    counted = {name: f"{getattr(found, name):,}" for name in ("events", "users", "items", "baskets")}
    shares = {name: f"{getattr(found, name):.0%}" for name in (*SHARES, "several", "again")}
    split = {"asked": f"{found.asked:,}", "train": f"{found.train:,}", "rare_targets": f"{found.rare_targets:,}"}
    time = {"time": text("capstone.span", language, first=found.first, last=found.last, days=f"{found.days:,}")}
    each = {"each": text("capstone.each", language, median=f"{found.median:.0f}", longest=f"{found.longest:,}")}
    rows = {**counted, **time, **each, **shares, **split}
    return [(text(f"capstone.audit_{name}", language), value) for name, value in rows.items()]


def use_rows(found: Audit, titles: Mapping[str, str], language: str) -> list[Row]:
    """What each use case needs: ``(use case, lesson, needs, what is missing)``; ``titles`` are lessons' by id."""
    comma = text("figures.list_comma", language)
    rows: list[Row] = []
    for use in USES:
        needs = comma.join(text(f"capstone.need_{need}", language) for need in use.needs)
        missing = comma.join(text(f"capstone.need_{need}", language) for need in found.missing(use))
        name = text(f"capstone.use_{use.id}", language)
        rows.append((name, titles.get(use.lesson, use.lesson), needs, missing or text("capstone.all_there", language)))
    return rows


def missing_words(found: Audit, language: str) -> list[str]:
    """What to do about each need that is not met, a sentence each."""
    return [text(f"capstone.get_{need}", language) for need in (*NEEDS, *TABLES) if not found.has(need)]


def standing_rows(study: Study, language: str) -> list[Row]:
    """Every model, the best first, with each metric and its interval."""
    return [
        (model_words(model, language), *(_cell(metrics[name]) for name in METRICS))
        for model, metrics in study.standings()
    ]


def group_rows(study: Study, language: str) -> list[Row]:
    """``(group, shoppers asked, the speaker's NDCG@10, that of the best counted model, the difference)``."""
    counted = study.counted
    return [
        (
            group_words(study, name, language),
            f"{one['asked']:,}",
            _cell(one["model"]),
            _cell(one["counted"][counted]),
            _cell(one["over"][counted], sign=True),
        )
        for name, one in study.groups().items()
    ]


def group_words(study: Study, name: str, language: str) -> str:
    """A group with its limit."""
    result = study.result(study.speaker)
    limits = {"short": "short_until", "long": "long_from", "rare": "rare_until", "common": "rare_until"}
    limit = f"{float(result.get(limits[name], 0)):.0f}"
    return text(f"capstone.limit_{name}", language, limit=limit)


def heads(name: str, language: str, **params: str) -> Row:
    """The columns of one of the tables above."""
    columns = {
        "audit": ("what", "count"),
        "use": ("use", "lesson", "needs", "missing"),
        "group": ("group", "asked", "model", "counted", "gap"),
    }
    if name == "standing":
        return (text("verdict.column_model", language), *(metric.upper() for metric in METRICS))
    return tuple(text(f"capstone.column_{one}", language, **params) for one in columns[name])


def names_of(study: Study, language: str) -> dict[str, str]:
    """The speaker and its counted rival in words, for the head of the groups' table."""
    return {"model": model_words(study.speaker, language), "counted": model_words(study.counted, language)}


def unsaid_words(study: Study, language: str) -> list[str]:
    """What could not be said and why, a sentence or two each."""
    return [text(f"capstone.unsaid_{name}", language, **params) for name, params in study.unsaid()]


def report(study: Study, lessons: Iterable[Lesson], language: str) -> str:
    """The whole report as Markdown."""
    found, join = study.audit, " " if language == "en" else ""

    def say(key: str, **params: Any) -> str:
        return text(f"capstone.{key}", language, **params)

    titles = {lesson.id: lesson.title(language) for lesson in lessons}
    parts = [f"# {say('report_title', name=plain_name(found.address))}"]
    parts += [f"## {say('findings')}", say("findings_lead", asked=f"{found.asked:,}")]
    parts.append(numbered(one.sentence(language) for one in study.findings()))
    parts += [f"## {say('audit')}", table(heads("audit", language), audit_rows(found, language))]
    parts += [f"### {say('uses')}", table(heads("use", language), use_rows(found, titles, language))]
    parts.append(listed(missing_words(found, language)))
    parts += [f"## {say('split')}", text("protocol.who_is_served", language)]
    parts += [f"## {say('results')}", table(heads("standing", language), standing_rows(study, language))]
    parts += [join.join(one.sentences(language)) for one in study.verdicts()]
    apart, models = study.apart(), [model_words(model, language) for model in study.runs]
    ends = {"gap": f"{apart.value:+.3f}", "low": f"{apart.low:+.3f}", "high": f"{apart.high:+.3f}"}
    parts.append(say("apart", first=models[0], second=models[1], **ends))
    if rows := group_rows(study, language):
        head = heads("group", language, **names_of(study, language))
        parts += [f"### {say('groups')}", table(head, rows)]
    parts += [f"## {say('unsaid')}", listed(unsaid_words(study, language))]
    parts += [f"## {say('made')}", *_made(study, language)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _made(study: Study, language: str) -> list[str]:
    """How each run was made: the recipe, its seconds, its name."""
    told = []
    for model, view in study.runs.items():
        assert view.config is not None
        result = study.result(model)
        words = recipe_sentence(study.counts, view.config.settings, f"{result['seconds']['train']:.0f}", language)
        run = text("capstone.run", language, model=model_words(model, language), run=view.run_id,
                   seed=view.config.seed, parameters=f"{result['parameters']:,}",
                   total=f"{result['seconds']['total']:.0f}")  # fmt: skip
        told.append(f"{run} {words}")
    return told


def as_zip(study: Study, lessons: Iterable[Lesson], more: Mapping[str, str | bytes]) -> bytes:
    """The zip; ``more`` are further files by name, such as the canvas.

    Raises CourseError where a run's folder has gone or is damaged.
    """
    known = tuple(lessons)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for language in LANGUAGES:
            add_text(package, f"report.{language}.md", report(study, known, language))
        add_text(package, "findings.json", json.dumps(study.to_dict(), ensure_ascii=False, indent=1))
        for name, content in more.items():
            add_text(package, name, content)
        for model, view in study.runs.items():
            pack(load_settings().runs / view.run_id, package, f"{model}/")
    return target.getvalue()


def plain_name(address: Address) -> str:
    """A dataset as its owner calls it."""
    return address.name.partition("~")[0]


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table; a bar within a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def listed(sentences: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {one}" for one in sentences)


def numbered(sentences: Iterable[str]) -> str:
    """A numbered Markdown list."""
    return "\n".join(f"{number}. {one}" for number, one in enumerate(sentences, 1))


def _cell(one: Mapping[str, float], sign: bool = False) -> str:
    value, low, high = (f"{one[part]:{'+' if sign else ''}.3f}" for part in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
