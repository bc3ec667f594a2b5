"""The contract of every picture that prose and labs ask for by name, and of every one that is added later."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import plotly.graph_objects as go
import pytest

from course_lib.data.registry import load_items, resolve
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import ExperimentCard, experiment_cards
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, plan
from course_lib.experiments.light import answer_light
from course_lib.figures import next_item
from course_lib.figures.base import TITLE_WIDTH, Figure, width_of
from course_lib.figures.pictures import picture, pictures
from course_lib.figures.shown import Shown
from course_lib.runs.view import EventFold, RunView
from tests.figures import searched

LIGHT = {name: card for name, card in experiment_cards().items() if card.light}
FRAMES = 5
ITEMS = 60  # places on the made-up map, as many as products are drawn

TOGETHER = {"recall@10": 0.4, "counts_recall@10": 0.38, "coverage": 0.4, "same_type": 0.2}
TRUE = {"true": 0.8, "true_new": 0.6, "unreadable": 0.1}
KNOWN = {"same_type@10": 0.9, "probe_type": 0.8, "probe_brand": 0.5, "probe_price": 0.3}
CASCADE = {"recall_candidates": 0.7, "ndcg_retrieval@10": 0.2, "ndcg@10": 0.3, "ndcg_reranked@10": 0.29}
STAGES = ("lost_retrieval", "lost_ranking", "lost_reranking", "retrieve_seconds", "rank_seconds", "rerank_seconds")
FRONTIER = [
    {"method": method, "strength": strength, "ndcg": 0.3 - strength / 9, "types": 4 + 5 * strength}
    for method in ("mmr", "dpp")
    for strength in (0.0, 0.3, 0.9)
]


def around(value: float, half: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


WITH = {
    name: around(0.3)
    for name in (
        *("recall@10", "recall_new@10", "same_type", "counts_recall@10", "own_translation", "invalid", "hr@10"),
        *("true_new", "true_type_new", "true_brand_new", "true_price_new", "unreadable_new"),
        *("recall_candidates", "ndcg_retrieval@10", "ndcg_reranked@10", *STAGES),
        *KNOWN,
    )
}
NDCGS = ("warm_ndcg@10", "cold_ndcg@10", "cold_among_new@10")
LAUNCHED = dict(zip(NDCGS, (0.4, 0.02, 0.45), strict=True)) | {"new_share": 0.03}
BOOSTS = [{"boost": one, **LAUNCHED, "warm_ndcg@10": 0.4 - one / 20, "cold_ndcg@10": one / 4} for one in (0, 0.5, 1)]
SEEN = [{"seen": one, **LAUNCHED, "cold_ndcg@10": one / 100} for one in (0, 5, 20)]
WITH |= {name: around(LAUNCHED[name]) for name in NDCGS}
WRITTEN = {"ndcg@10": 0.4, "invalid": 0.1, "losses": [1.9, 1.2], "sizes": [4, 5]}
BEAMS = [{"beam": beam, "ndcg@10": around(0.3 + beam / 99)} for beam in (1, 5)]
BEAMS += [{**BEAMS[-1], "beam": 10, "invalid": around(0.01, 0.001)}, {"beam": 50, "invalid": around(0.1, 0.001)}]
TESTED = {"ab": {**around(0.04), "z": 1.4}, "interleaving": {**around(0.55), "z": 2.1}}
ASKED = {
    "shoppers": 900, "shopper": "lin", "ab": 0.3, "interleaving": 0.8,
    "curve": [{"shoppers": n, "ab": n / 1e5, "interleaving": n / 3e4} for n in (100, 1000, 20_000)],
    "lists": {"control": [1, 2, 3], "drafted": [1, 4, 2], "treatment": [4, 1, 5], "team": [0, 1, 0]},
}  # fmt: skip
WITH |= {name: around(value) for name, value in {"needed_ab": 4800, "needed_interleaving": 1700}.items()}
WITH |= {"difference": around(0.04), "preferred": around(0.55)}
SPLITS = ("global-time", "leave-one-out", "random")
TERMS = {
    split: [{"term": term, **around(0.02 if term != "other_targets" else -0.06)} for term in terms]
    for split, terms in (
        ("global-time", ("others_future", "more_purchases")),
        ("leave-one-out", ("other_targets", "others_future", "other_rest")),
        ("random", ("other_targets", "others_future", "own_read", "other_rest")),
    )
}
REPORTED = {model: dict.fromkeys(SPLITS, around(0.1)) for model in ("popularity", "item-knn", "ease", "markov")}
ROLES = ("early", "late", "own", "target", "out")
BASKETS = [[n % 3, 9.0 * n, ROLES[n % 5]] for n in range(15)]
LEAKAGE = {
    "splits": {"moment": 60.0, "shoppers": [1, 2, 3], "points": dict.fromkeys(SPLITS, BASKETS)},
    "changed": {
        "days": [10.0, 30.0, 50.0], "moment": 40.0,
        "products": [
            {"item": n, "title_zh": "商品<b>", "title_en": f"<b> {n}", "first": 9.0, "share": [0.0, 0.01 * n, 0.02]}
            for n in (1, 2)
        ],
    },
    "reported": REPORTED, "terms": TERMS,
}  # fmt: skip
POLICY_VALUES = {"dm": 0.2, "ips": 0.26, "clipped_ips": 0.22, "snips": 0.25, "mixture_ips": 0.25}
POLICY_VALUES |= {"dr": 0.25, "switch_dr": 0.23}
WITH |= {f"{name}_{word}": around(value) for name, value in POLICY_VALUES.items() for word in ("error", "held")}
JUDGED = {
    "slates": 3000, "logged": 0.2, "truth": around(0.25, 0), "effective": 900.0, "largest": 31.0,
    "rows": [{"name": name, **around(value), "claims": name != "dm"} for name, value in POLICY_VALUES.items()],
    "weights": {"edges": [0.0, 0.1, 1.0, 10.0], "share": [0.5, 0.3, 0.2, 0.0], "mass": [0.1, 0.4, 0.5, 0.0]},
}  # fmt: skip
CLIPPED = [
    {
        "clip": clip,
        "estimators": {name: {"bias": -1 / clip, "sd": 0.1, "error": 1} for name in ("clipped_ips", "switch_dr")},
    }
    for clip in (1.0, 10.0, 100.0)
]
ESTIMATED = {name: [value, value - 0.01, value + 0.01] for name, value in POLICY_VALUES.items()}
LESS = [{"value": d, "low": d - 0.01, "high": d + 0.01} for d in (0.0, -0.02, 0.03)]
SIDES = {"one": [around(0.9), around(0.7), around(0.5)], "other": [around(0.9), around(0.72), around(0.47)]}
SAMPLED = {
    "names": ["markov", "sasrec"], "products": ITEMS, "targets": 50, "negatives": [1, 10, 59],
    "hr": {**SIDES, "difference": LESS}, "ndcg": {**SIDES, "difference": LESS}, "places": [1, 10, 60],
    "reach": {"one": [0.1, 0.5, 1.0], "other": [0.1, 0.47, 1.0]}, "weight": [1.0, 0.4, 0.0], "half": 10,
    "crossing": 24.0,
}  # fmt: skip
NOISE = {
    "dots": [{"model": name, "number": n, **around(0.3 + n / 99)} for name in ("base", "changed") for n in (1, 2)],
    "means": {"base": around(0.31), "changed": around(0.32)}, "asked": 600, "sizes": [20, 1000, 100_000],
    "wrong": {"1": [0.45, 0.3, 0.2], "2": [0.4, 0.2, 0.1]}, "difference": 0.004,
    "widths": {name: [0.1, 0.01, 0.001] for name in ("paired", "unpaired", "whole")},
}  # fmt: skip
BEYOND = {"coverage": 0.6, "gini": 0.7, "diversity": 0.4, "novelty": 5.9, "serendipity": 0.004, "miscalibration": 2.6}
BEYOND |= {"lift_niche": 0.1, "utility": -0.04, "clicks": 1.4, "owned_again": 0.09}
STEERED = [
    {
        **{"rerank": rerank, "by": by, "weight": weight},
        "measures": {name: around(one - weight / 9) for name, one in {**BEYOND, "ndcg@10": 0.4}.items()},
    }
    for rerank, by in (("calibration", "stars"), ("popularity", "owned"), ("popularity", "ridge"))
    for weight in (0.0, 0.3, 1.0)
]
WITH |= {name: around(one, 0.001) for name, one in BEYOND.items() if name != "coverage"}
SALES = [{"sales": count, "gini": 0.8, "purchases": 0.7} for count in (300, 3000)]
WORTH = {"utility": -0.3, "owned": True}
STEERED_LIST = {
    "rerank": "calibration", "by": "stars", "weight": 0.3, "before": [{"item": 1, **WORTH}],
    "list": [{"item": 1 + n, "score": 0.9, "was": n or None, **WORTH, "owned": n > 4} for n in range(10)],
    "categories": [{"category": "sports", "history": 0.6, "before": 0.1, "after": 0.4}],
}  # fmt: skip
CLICKED = {"test_loss": 0.23, "accuracy": 0.93, "never": 0.94, "auc": 0.65, "clicks": 0.4, "slope": 0.9}
CLICKED |= {"logistic_auc": 0.64, "logistic_clicks": 0.28}
WITH |= {name: around(0.2) for name in ("over_never", "log_loss", "row_auc", "slate_ndcg", "slope", "slate_clicks")}
BINS = [{"predicted": n / 50, "real": n / 60, "low": n / 70, "high": n / 40} for n in range(1, 11)]
SLATE = [{"item": 1 + n, "said": 0.3 - n / 9, "true": 0.2} for n in range(3)]
OF_A_SHOPPER = {"latest": [4, 2], "slate": SLATE, "best_slate": SLATE[::-1], "worth": 0.3, "best_worth": 0.9}
TOLD = {
    **BEYOND,
    **CLICKED,
    **TOGETHER,
    **KNOWN,
    **LAUNCHED,
    **WRITTEN,
    **TRUE,
    **CASCADE,
    **searched.EVENT,
}  # by a frame's event


def told(model: str, score: float, parameters: int) -> list[Event]:
    """What a small recorded run has told."""
    lines = {
        "baselines": {name: {"ndcg@10": around(0.1)} for name in ("popularity", "item-knn", "markov")},
        "oracle": {name: {"ndcg@10": around(0.5)} for name in ("known", "filtered")},
    }
    events: list[Event] = [
        {"kind": "started"},
        plan(step=8, score=FRAMES, frame=FRAMES, test=2),
        {"kind": "prepared", "targets": 4000, "users": 50, "items": ITEMS, "parameters": parameters, "seconds": 0.1},
        {"kind": "references", **lines},
    ]
    for at in range(FRAMES):
        when = {"epoch": at / 2, "step": 2 * at}
        events += [{"kind": "step", "at": n, "loss": 4 - n / 9} for n in range(2 * at - 1, 2 * at + 1) if n > 0]
        metrics = {"ndcg@10": around(score * at / FRAMES)}
        events.append({"kind": "score", "at": at, **when, "loss": 3.0, "metrics": metrics, "seconds": at / 4})
        codes = {"r2": at / 8, "unique_share": at / 9, "used": [4, 5]}
        found = {"products": 1000 * 4**at, "recall": 1 - at / 9, "exact_seconds": 1e-5 * 4**at, "index_seconds": 2e-5}
        found |= {"shoppers": 250 * 2**at, **TESTED}
        events.append({"kind": "frame", "at": at, **when, **codes, **TOLD, "numbers": 2**at, **found})
        grown = {"slates": 100 * 4**at, "truth": 0.25, "estimates": ESTIMATED}
        events.append({"kind": "frame", "at": at, **when, **codes, **TOLD, "numbers": 2**at, **found, **grown})
    return [*events, {"kind": "test", "at": 1}, {"kind": "test", "at": 2}, {"kind": "finished"}]


def a_view(model: str = "sasrec", score: float = 0.4, parameters: int = 9000, loss: float = 4.0) -> RunView:
    """A finished run, folded from events as a page would see it."""
    fold = EventFold()
    for n, event in enumerate(told(model, score, parameters)):
        fold.apply({"t": n / 10, **event})
    lines = next(one for one in told(model, score, parameters) if one["kind"] == "references")
    result = {
        "measures": {
            "ndcg@10": around(score), "loss": around(loss), "r2": around(score), "unique": around(100 * score), **WITH,
            **searched.MEASURED,
        },
        "metrics": {"ndcg@10": around(score)},
        "counts": [60, 20, 10, 10], "frontier": FRONTIER,
        "baselines": lines["baselines"], "oracle": lines["oracle"], "oracle_loss": {"filtered": around(3.3)},
        "tradeoff": {"16": {"recall": 0.7, "seconds": 2e-5}, "64": {"recall": 0.9, "seconds": 7e-5}},
        "parameters": parameters, "seconds": {"total": 3.0, "train": 2.0}, "epochs": 2, "kept_epoch": 2,
        "boosts": BOOSTS, "seen": SEEN, "beams": BEAMS, "reported": REPORTED, "terms": TERMS,
        "weights": STEERED, "gini_curve": SALES, "correlations": dict.fromkeys(("stars", "owned"), around(0.6)),
        "clips": CLIPPED,
        "sampled": SAMPLED, "noise": NOISE, **searched.RESULT,
    }  # fmt: skip
    config = RunConfig.tiny(settings={"model": "sasrec"})
    if model != "sasrec":
        config = RunConfig.make(data={"dataset": ("shop", "tiny")}, settings={"model": model})
    return fold.view(f"{parameters:016x}", config, result)


def a_beam() -> list[dict[str, Any]]:
    """Thirteen words of two codes as a tree; the last is no product's."""
    nodes: list[dict[str, Any]] = []
    for prefix in ([0], [1], *([n % 2, n] for n in range(13))):
        p, valid = 0.5 ** len(prefix) / (1 + prefix[-1]), prefix[-1] < 12
        parent = prefix[0] if len(prefix) > 1 else None
        leaf = {"item": 1 + prefix[-1] if valid else None} if len(prefix) > 1 else {}
        nodes.append(
            {"prefix": prefix, "code": prefix[-1], "p": p, "score": math.log(p), "parent": parent, "valid": valid}
            | leaf
        )
    return nodes


def frame_of(at: int) -> dict[str, Any]:
    top = [{"item": 1 + (at + n) % 20, "score": 2.0 - n, "p": 0.2 / (n + 1)} for n in range(10)]
    who = {
        "user": 0, "history": [3, 9, 4], "target": 7, "top": top, "attention": [[[0.2, 0.3, 0.5]] * 2],
        "matrix": [[1.0], [0.4, 0.6], [0.2, 0.3, 0.5]], "tree": a_beam(),
    }  # fmt: skip
    map = {"x": [n % 8 for n in range(ITEMS)], "y": [n / 8 for n in range(ITEMS)]}
    words = [[n % 4, n % 5, n // 20] for n in range(ITEMS)]
    near = [[1 + (n + apart) % ITEMS for apart in range(1, 11)] for n in range(ITEMS)]
    together = {"neighbours": near, "scores": [[1 - place / 10 for place in range(10)]] * ITEMS}
    usage = [[15] * 4 + [0], [12] * 5]
    said = [{"kind": "type", "said": "<b>", "true": True}, {"kind": "price", "said": "about 9 yuan", "true": False}]
    reasons = [
        {"item": 1 + n, "new": n > 2, "text": "A <b> at about 9 yuan. " * n, "true": False, "claims": said[: n % 3]}
        for n in range(6)
    ]
    more = {"numbers": 8, "boosts": BOOSTS, "seen": SEEN, "samples": reasons, "sampled": SAMPLED, "noise": NOISE}
    more |= {**LEAKAGE, **JUDGED, "bins": BINS, "slope": 0.9}
    return {"shoppers": [who], "map": map, "words": words, "usage": usage, **together, **more}


@cache
def a_run() -> Shown:
    """A shopper of a run and the words of its products, at a frame in the middle."""
    items = load_items(resolve("shop", "tiny")).head(ITEMS)
    frame = frame_of(2)
    answer = {**frame["shoppers"][0], "name": "Lin", **ASKED, **STEERED_LIST, **OF_A_SHOPPER}
    return Shown((a_view(),), ("One",), 2, frame, answer=answer, items=items)


@cache
def a_list() -> Shown:
    """A lab that compares: sizes of one model, and models without a size."""
    law = [(n, 3.3 + 90.0 * n**-0.44) for n in (12_277, 18_341, 24_789, 38_837, 234_389)]
    runs = [a_view(parameters=n, loss=loss, score=0.3 + n / 1e6) for n, loss in law]
    runs += [a_view("popularity", 0.05, 60), a_view("markov", 0.3, 3600)]
    names = [f"{view.config.settings['model']} {n}" for n, view in enumerate(runs) if view.config is not None]
    return Shown(runs, names, items=load_items(resolve("shop", "tiny")).head(ITEMS))


def an_answer(card: ExperimentCard, **settings: Any) -> Shown:
    """What a light experiment says of some settings."""
    whole = card.check(settings)
    return Shown(settings=whole, answer=answer_light(card.name, whole), items=load_items(resolve("shop")))


@dataclass(frozen=True)
class Case:
    """One picture of one state."""

    name: str
    state: str
    shown: Callable[[], Shown]

    def draw(self, language: str, narrow: bool) -> Figure:
        return picture(self.name)(self.shown(), language, narrow)

    def __str__(self) -> str:
        return f"{self.name}, {self.state}"


def cases() -> list[Case]:
    found = []
    for name in pictures():
        card = LIGHT.get(name.partition(".")[0])
        found.append(Case(name, "empty", Shown))
        if card is not None:
            found.append(Case(name, "defaults", lambda card=card: an_answer(card)))
            found.append(Case(name, "tiny", lambda card=card: an_answer(card, **card.tiny)))
        else:
            found.append(Case(name, "a run", a_run))
            found.append(Case(name, "a list", a_list))
    return found


CASES = cases()
EVERY = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(autouse=True)
def frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of the made-up runs, which lie in no folder."""
    monkeypatch.setattr(next_item, "frame_view", lambda run_id, at: frame_of(at))


def test_every_experiment_has_pictures() -> None:
    drawn = {name.partition(".")[0] for name in pictures()}
    assert set(experiment_cards()) <= drawn
    assert {"race", "scaling"} <= drawn


@EVERY
@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_draws_in_every_form(case: Case, language: str) -> None:
    for narrow in (False, True):
        figure = case.draw(language, narrow)
        for dark in (False, True):
            plot = figure.plot(dark)
            if dark != narrow:  # the check is slow, and neither form changes a name
                go.Figure(plot)  # raises on any name or value that Plotly does not know
            source = json.dumps(plot, allow_nan=False)
            assert "<script" not in source
            assert plot["layout"]["height"] == figure.height > 0
        assert figure.alt.strip()
        assert "{" not in figure.alt
        assert "nan" not in figure.alt.lower().split()
        if case.state != "empty" and plot["data"]:
            assert figure.title.endswith("？" if language == "zh" else "?"), figure.title
        assert width_of(figure.title) <= TITLE_WIDTH, "else a phone would cut it"


@EVERY
def test_it_speaks_the_readers_language(case: Case) -> None:
    """Also where there is nothing to draw: then a sentence says so."""
    one, other = case.draw("zh", False), case.draw("en", False)
    assert one.alt != other.alt
    assert any("\u4e00" <= letter <= "\u9fff" for letter in one.alt)
    said = json.dumps(one.plot(), ensure_ascii=False)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said)


def test_what_is_there_is_drawn() -> None:
    """The cases above are no empty frames: each picture has marks in at least one of its states.

    What trained experiments draw need not be made up here: tests/contracts/test_pictures.py draws it from a real run.
    """
    trained = {name for name, card in experiment_cards().items() if not card.light} - {"next_item"}
    bare = {name for name in pictures() if not any(_marks(case) for case in CASES if case.name == name)}
    assert {name for name in bare if name.partition(".")[0] not in trained} == set()


def _marks(case: Case) -> int:
    """Traces and drawn shapes."""
    plot = case.draw("en", False).plot()
    return len(plot["data"]) + len(plot["layout"].get("shapes", ()))


@pytest.mark.parametrize(
    "name", [name for name in pictures() if name.startswith("race.") or name == "next_item.curves_of_runs"]
)
def test_a_model_without_a_colour_is_refused(name: str) -> None:
    """In another's colour it would be taken for that one."""
    view = a_view()
    assert view.config is not None
    unknown = RunConfig(
        view.config.experiment, view.config.data, {**view.config.settings, "model": "unheard-of"}, 1, view.config.code
    )
    shown = Shown((replace(view, config=unknown),), ("One",))
    with pytest.raises(CourseError) as caught:
        picture(name)(shown, "en").plot()
    assert caught.value.key == "no_colour"
    assert "unheard-of" in caught.value.text("zh")


def test_an_unknown_picture_names_the_known() -> None:
    with pytest.raises(CourseError, match=r"next_item\.learning_curve"):
        picture("next_item.nothing")
