"""``python -m course_lib record``: makes the runs that lessons play before anybody has trained, and keeps them."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import OK, note, say
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings

if TYPE_CHECKING:
    from course_lib.experiments.config import RunConfig


def register(commands: Any) -> None:
    """Adds ``record``."""
    parser = commands.add_parser("record", help=say("help_record"), description=say("help_record"))
    parser.add_argument("lessons", metavar="LESSON", nargs="*", help=say("help_record_lessons"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Records every lesson that asks for it, or those named."""
    from course_lib.course.lessons import load_course
    from course_lib.course.recorded import FILE

    course = load_course()
    known = [lesson.id for lesson in course.lessons if lesson.recorded is not None]
    if unknown := [name for name in arguments.lessons if name not in known]:
        raise CourseError("unknown_lesson", name=unknown[0], known=", ".join(known))
    for lesson in course.lessons:
        if lesson.recorded is None or (arguments.lessons and lesson.id not in arguments.lessons):
            continue
        path = PROJECT / "lessons" / lesson.id / FILE
        recorded = record_products(lesson) if lesson.recorded.products else record(lesson)
        words = json.dumps(recorded, ensure_ascii=False, separators=(",", ":"))
        path.write_text(words + "\n", encoding="utf-8")
        note(say("recorded", file=path.relative_to(PROJECT).as_posix(), bytes=f"{path.stat().st_size:,}"))
    return OK


def record(lesson: Any) -> dict[str, Any]:
    """The run of the lesson's lab, and its lists for the two histories at every frame."""
    from course_lib.course.recorded import LISTED
    from course_lib.experiments.catalogue import check_asked
    from course_lib.runs.artefacts import Artefacts
    from course_lib.runs.store import RunStore

    settings, plan = load_settings(), lesson.recorded
    config = next(iter(lesson.lab(plan.lab).configs().values()))
    types = _made(config)
    view = RunStore(settings).view(config.run_id)
    asker, folder = Artefacts(), settings.runs / config.run_id
    histories = []
    for one in plan.histories:
        items = [types.index(kind) + 1 for kind in one.types]
        lists = []
        for at in view.frames:
            answer = asker.ask(folder, at, check_asked(config.card, {"history": items, "k": LISTED}))
            top = answer["top"] if "top" in answer else answer["list"]
            lists.append([[entry["item"], round(entry["p"], 4)] for entry in top])
        histories.append({"id": one.id, "items": items, "lists": lists})
    scores = {int(told["at"]): told["ndcg@10"] for told in view.of("frame") if "ndcg@10" in told}
    scores |= {int(told["at"]): told["metrics"]["ndcg@10"]["value"] for told in view.of("score")}
    frames = [{"epoch": told["epoch"], "score": round(scores[int(told["at"])], 4)} for told in view.of("frame")]
    told = view.last("references") or {}
    lines = {name: round(one["ndcg@10"]["value"], 4) for name, one in told.get("baselines", {}).items()}
    lines |= {f"oracle.{name}": round(one["ndcg@10"]["value"], 4) for name, one in (told.get("oracle") or {}).items()}
    return {
        "run": config.run_id,
        "data": config.dataset.version,
        "frames": frames,
        "lines": lines,
        "histories": histories,
    }


def record_products(lesson: Any) -> dict[str, Any]:
    """The runs of the lesson's lab, and what each puts near the products that the lesson names."""
    from course_lib.course.recorded import NEAR
    from course_lib.experiments.catalogue import check_asked
    from course_lib.runs.artefacts import Artefacts

    settings, plan, asker = load_settings(), lesson.recorded, Artefacts()
    configs = {id: config for id, config in lesson.lab(plan.lab).configs().items() if id in plan.runs}
    products: list[dict[str, Any]] = []
    for id, config in configs.items():
        types = _made(config)
        products = products or [{"item": types.index(kind) + 1, "near": {}} for kind in plan.products]
        for one in products:
            asked = check_asked(config.card, {"items": [one["item"]], "k": NEAR})
            found = asker.ask(settings.runs / config.run_id, None, asked)["near"]
            one["near"][id] = [entry["item"] for entry in found]
    return {"runs": {id: config.run_id for id, config in configs.items()}, "products": products}


def _made(config: RunConfig) -> list[str]:
    """Makes a run where it is not there yet; the product type of each item of its catalogue."""
    from course_lib.cli.run import Bar
    from course_lib.data.columns import Columns
    from course_lib.data.registry import load_items
    from course_lib.runs.foreground import run_here

    with closing(Bar()) as bar:
        run_here(config, load_settings(), bar.take)
    assert config.dataset is not None
    types: list[str] = load_items(config.dataset)[Columns.TYPE].astype(str).tolist()
    return types
