"""Words, letters or meaning: which engine finds what, by kind of query, and what their sum gains.

    python -m course_lib run search_kinds --fusion ranks --candidates 30 --json

Three engines that nobody has trained and their sum (formulas: evaluation/search_engines.py) answer every query that
the shop's log has, and the shop's truth says what is relevant (evaluation/search_task.py). A search counts as often as
it was typed. Two more rows ask what an engine finds where the titles are in one language and the query in the other:
the titles of the other language are taken away. On any other catalogue there is no such truth, and queries are made
of its own titles: whole, half, and with a slip of the finger.

The frames are weights of meaning in the sum, from words alone (0) to meaning alone (1), and at last the run's own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.evaluation.search_engines import Engines, Scores, best_of, fuse
from course_lib.evaluation.search_task import SearchTask
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.experiments.search_columns import engines_of, note_on, numbers_of, read, with_reasons

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "lexical": ("words", "words", "letters"),  # what meaning is added to
    "fusion": ("weighted", "weighted", "ranks"),
    "weight": (0.5, 0.0, 1.0),  # of meaning in the sum
    "candidates": (100, 10, 1_000),  # of each engine that enter the sum
    "queries": (0, 0, 100_000),  # drawn from those that were typed; 0 takes all
    "encoder": ("sentences", "sentences", "own"),  # data/encoders.py
}
MEASURES = {
    "both": "score",  # NDCG@10, the mean over searches
    "words": "score",
    "letters": "score",
    "meaning": "score",
    "sum_gain": "difference",  # of the sum over the engine that meaning is added to
    "empty": "share",  # of the searches: those for which no title has a word
    "gap_head": "difference",  # of meaning over words, by kind of query
    "gap_tail": "difference",
    "gap_brand": "difference",
    "gap_misspelt": "difference",
    "gap_need": "difference",
    "gap_synonym": "difference",
    "gap_mixed": "difference",
    "gap_zh_en": "difference",  # Chinese queries, English titles
    "gap_en_zh": "difference",
    "both_misspelt": "score",
    "both_mixed": "score",
    "both_need": "score",
    "seconds": "seconds",
}
ASKS = {"text": "text", "candidates": (100, 10, 1_000), "k": (10, 1, 50)}
TINY = {"queries": 150}

STEPS = 10  # from weight 0 to 1
POOLS = (10, 30, 100, 300, 1_000)  # candidates that are compared
ENGINES = ("words", "letters", "meaning", "both")
CROSSING = {"zh_en": ("zh", "en"), "en_zh": ("en", "zh")}  # the query's language, the titles'


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Asks every engine every query, then the sum at every weight.

    Raises CourseError where the catalogue cannot be had, or has no titles. It takes seconds, so a run that was
    interrupted begins again.
    """
    began = time.perf_counter()
    settings = config.settings
    yield plan(frame=STEPS + 2, pools=len(POOLS), kinds=1)
    dataset = registry.load(config.data["dataset"])
    with threadpool_limits(1):
        task = SearchTask.make(dataset, int(settings["queries"]), config.seed)
        engines = engines_of(dataset.address, str(settings["encoder"]))
        found = answers(engines, task)
    lexical, fusion, pool = str(settings["lexical"]), str(settings["fusion"]), int(settings["candidates"])
    alone = {name: task.ndcg(found[name]) for name in ENGINES[:3]}
    for at, weight in enumerate([*(step / STEPS for step in range(STEPS + 1)), float(settings["weight"])]):
        values = task.ndcg(fuse(found[lexical], found["meaning"], weight, pool, fusion))
        by_kind = {kind: _mean(task, values, kind) for kind in task.kinds}
        told = {"score": _mean(task, values), "weight": weight}
        view = {"weight": weight, "kinds": by_kind, "score": told["score"]}
        view["alone"] = {name: _mean(task, one) for name, one in alone.items()}
        yield folder.frame(at, view, None, **told, alone=view["alone"])
    weight = float(settings["weight"])
    pools = []
    for at, size in enumerate(POOLS, 1):
        values = task.ndcg(fuse(found[lexical], found["meaning"], weight, size, fusion))
        pools.append({"candidates": size, "score": _mean(task, values)})
        yield {"kind": "pools", "at": at}
    every = {**alone, "both": task.ndcg(fuse(found[lexical], found["meaning"], weight, pool, fusion))}
    with threadpool_limits(1):
        table = by_kinds(task, every) | crossing(dataset, task, str(settings["encoder"]), fusion, weight, pool)
    yield {"kind": "kinds", "at": 1}
    measures = {name: task.measure(one).to_dict() for name, one in every.items()}
    measures["sum_gain"] = task.measure(every["both"] - every[lexical]).to_dict()
    measures["empty"] = task.measure((found["words"].max(axis=1) <= 0).astype(np.float64)).to_dict()
    for kind, row in table.items():
        if f"gap_{kind}" in MEASURES:
            measures[f"gap_{kind}"] = row["gap"]
        if f"both_{kind}" in MEASURES:
            measures[f"both_{kind}"] = row["both"]
    seconds = round(time.perf_counter() - began, 3)
    yield result(
        {**measures, "seconds": exact(seconds)}, seconds={"total": seconds}, table=table, pools=pools,
        queries=len(task.texts), searches=int(task.counts.sum()), products=dataset.num_items,
    )  # fmt: skip


def answers(engines: Engines, task: SearchTask) -> dict[str, Scores]:
    """(Q, V) scores of each engine alone."""
    return {
        "words": engines.by_words(task.texts),
        "letters": engines.by_letters(task.texts),
        "meaning": engines.by_meaning(engines.encode(task.texts)),
    }


def by_kinds(task: SearchTask, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A row a kind: each engine's NDCG@10, that of meaning less that of words, and how many searches and queries."""
    table: dict[str, dict[str, Any]] = {}
    for kind in task.kinds:
        rows = task.kind == kind
        row: dict[str, Any] = {name: task.measure(one, rows).to_dict() for name, one in values.items()}
        row["gap"] = task.measure(values["meaning"] - values["words"], rows).to_dict()
        table[kind] = {**row, "searches": int(task.counts[rows].sum()), "queries": int(rows.sum())}
    return table


def crossing(
    dataset: Dataset, task: SearchTask, encoder: str, fusion: str, weight: float, pool: int
) -> dict[str, dict[str, Any]]:
    """The rows of queries in one language on titles in the other; none where the catalogue has one language."""
    table: dict[str, dict[str, Any]] = {}
    for name, (spoken, titled) in CROSSING.items():
        rows = task.language == spoken
        if not rows.any() or set(task.language.tolist()) <= {spoken, "mixed"}:
            continue
        own = task.take(rows)
        found = answers(Engines.make(dataset, titled, encoder), own)
        found["both"] = fuse(found["words"], found["meaning"], weight, pool, fusion)
        values = {engine: own.ndcg(scores) for engine, scores in found.items()}
        row: dict[str, Any] = {engine: own.measure(one).to_dict() for engine, one in values.items()}
        row["gap"] = own.measure(values["meaning"] - values["words"]).to_dict()
        table[name] = {**row, "searches": int(own.counts.sum()), "queries": len(own.texts)}
    return table


def _mean(task: SearchTask, values: Any, kind: str | None = None) -> float:
    rows = np.ones(len(values), bool) if kind is None else task.kind == kind
    return round(float(np.average(values[rows], weights=task.counts[rows])), 5)


@dataclass(frozen=True)
class Counter:
    """What a query is put to."""

    engines: Engines
    lexical: str
    fusion: str
    weight: float  # of the frame on show


def open(folder: Path, at: int | None) -> Counter:
    """The engines, with the weight of frame ``at``; at the end with the run's own."""
    config = RunConfig.read(folder)
    settings = config.settings
    engines = engines_of(config.data["dataset"], str(settings["encoder"]))
    weight = float(settings["weight"]) if at is None else float(view_at(folder, at)["weight"])
    return Counter(engines, str(settings["lexical"]), str(settings["fusion"]), weight)


def answer(artefact: Counter, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of :mod:`course_lib.experiments.search_columns`: by words (or letters), by meaning, and both."""
    engines, weight, pool, k = artefact.engines, artefact.weight, int(asked["candidates"]), int(asked["k"])
    text, problem = read(asked)
    if problem == "empty":
        return {"text": "", "note": "empty", "meant": "", "weight": weight, "columns": [], "numbers": None}
    with threadpool_limits(1):
        found = engines.by_words([text]) if artefact.lexical == "words" else engines.by_letters([text])
        vectors = engines.encode([text])
        meaning = engines.by_meaning(vectors) if not problem else np.zeros_like(found)
        both = fuse(found, meaning, weight, pool, artefact.fusion)
    columns = {artefact.lexical: found[0], "meaning": meaning[0], "both": both[0]}
    near = {"meaning": meaning[0], "both": meaning[0]}
    listed = with_reasons(engines, text, columns, near, k)
    note = note_on(engines.by_words([text]), meaning, problem)
    first = listed[-1]["list"][0]["item"] if listed[-1]["list"] else 0
    numbers = None
    if first:
        row = first - 1
        titles = max((one[row] for one in engines.meanings), key=lambda one: float(one @ vectors[0]))
        highest = max(float(found.max()), 1e-9)
        taken = best_of(meaning, pool)[0]
        parts = {
            "found": float(found[0, row]), "highest": highest, "weight": weight, "score": float(both[0, row]),
            "low": float(taken[taken > 0].min()) if (taken > 0).any() else 0.0, "high": float(meaning.max()),
        }  # fmt: skip
        numbers = numbers_of(engines, text, first, vectors[0], titles, float(meaning[0, row]), parts)
        numbers["fusion"] = artefact.fusion
    meant = engines.meant(text) if not problem else ""
    return {"text": text, "note": note, "meant": meant, "weight": weight, "columns": listed, "numbers": numbers}
