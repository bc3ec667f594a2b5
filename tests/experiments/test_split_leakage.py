"""Splits and leakage: the terms add up, and others' future helps where products come and go, and only there."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.evaluation.intervals import Interval, paired_difference
from course_lib.evaluation.leakage import GLOBAL, LAST, PROTOCOLS, RANDOM, Log, Parted, late_targets
from course_lib.experiments import split_leakage
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.figures.pictures import picture
from course_lib.figures.shown import Shown
from course_lib.models.item_knn import ItemKNNModel
from course_lib.runs.view import EventFold

SUM = ("other_targets", "others_future", "more_purchases", "own_learned", "own_read", "other_rest")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The function ``run(data, seed=1, **settings)``: a run's folder and its events, each made once for all tests."""

    @functools.cache
    def made(data: tuple[str, str], seed: int = 1, **settings: Any) -> tuple[Path, list[dict[str, Any]]]:
        home = tmp_path_factory.mktemp("split_leakage")
        config = RunConfig.make("split_leakage", {"dataset": data}, settings, seed)
        return home, list(split_leakage.run(config, Folder(home)))

    return made


@pytest.mark.parametrize("data", [("shop", "tiny"), ("shop-trends", "tiny"), ("complete-journey", "small")])
def test_the_terms_add_up(run: Any, data: tuple[str, str]) -> None:
    """Exactly: from the global split's score to each other's, term by term."""
    _, (*_, result) = run(data, model="markov", shoppers=600)
    measures = {name: one["value"] for name, one in result["measures"].items()}
    whole = measures["global_ndcg@10"]
    assert sum(measures[name] for name in SUM) == pytest.approx(measures["random_ndcg@10"] - whole, abs=1e-12)
    last = {one["term"]: one["value"] for one in result["terms"][LAST]}
    assert sum(last.values()) == pytest.approx(measures["last_ndcg@10"] - whole, abs=1e-12)
    assert measures["leaked"] == pytest.approx(sum(measures[name] for name in SUM[1:5]), abs=1e-12)
    for split in PROTOCOLS:
        assert measures[f"{split_leakage.WORDS[PROTOCOLS.index(split)]}_ndcg@10"] == pytest.approx(
            result["reported"]["markov"][split]["value"]
        )


def test_the_global_split_has_no_targets_of_its_own_and_no_rest(run: Any) -> None:
    _, (*_, result) = run(("shop", "tiny"), model="markov")
    found = {split: [one["term"] for one in terms] for split, terms in result["terms"].items()}
    assert found[GLOBAL] == ["others_future", "more_purchases", "own_learned"]
    assert found[LAST] == ["other_targets", "others_future", "more_purchases", "own_learned", "other_rest"]
    assert found[RANDOM] == list(SUM)


@functools.cache
def between(name: str, seed: int) -> Interval:
    """What the future of others, at an equal number of purchases, adds to item-kNN on random late targets."""
    dataset = registry.load(registry.resolve(name))
    log, random = Log.make(dataset, seed=seed), np.random.default_rng(seed)
    moment = log.moment(0.8)
    targets = {RANDOM: late_targets(log, RANDOM, moment, random)}
    own = {"neighbours": 100, "shrinkage": 10.0, "recency": 1.0}
    parted = Parted.make(log, moment, random)
    found = parted.scores(lambda train: ItemKNNModel.fit(train, dataset.num_items, own).score, (RANDOM,), targets)
    return paired_difference(found[RANDOM]["later"], found[RANDOM]["honest"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_leakage_between_shoppers_needs_trends(seed: int) -> None:
    """With trends and launches it is above 0 with its whole interval; in the shop without, 0 lies inside."""
    assert between("shop-trends", seed).low > 0
    still = between("shop", seed)
    assert still.low < 0 < still.high


def test_which_model_wins_depends_on_the_split(run: Any) -> None:
    """Markov reads the last purchase: in a random split that is no longer the one before the target."""
    _, (*_, result) = run(("shop-trends", "tiny"), model="item-knn")
    assert result["measures"]["last_over_markov"]["high"] < 0 < result["measures"]["random_over_markov"]["low"]


def test_what_is_drawn_is_what_the_splits_do(run: Any) -> None:
    home, _ = run(("shop-trends", "tiny"), model="markov")
    found = Folder(home).view(0)["splits"]
    roles = {split: {role for *_, role in points} for split, points in found["points"].items()}
    assert roles[GLOBAL] == {"early", "target", "out"}
    assert roles[LAST] <= {"early", "late", "target"}
    assert roles[RANDOM] <= {"early", "late", "own", "target"}
    for points in found["points"].values():
        targets = [(place, day) for place, day, role in points if role == "target"]
        assert [place for place, _ in targets] == list(range(len(found["shoppers"])))
        for place, day, role in points:
            assert role not in ("early", "out") or (day < found["moment"]) == (role == "early")
            assert role != "own" or day >= dict(targets)[place]


def test_the_products_that_changed(run: Any) -> None:
    home, _ = run(("shop-trends", "tiny"), model="markov")
    found = Folder(home).view(0)["changed"]
    events = registry.load(registry.resolve("shop-trends", "tiny")).events
    day = (events[Columns.TIME] - events[Columns.TIME].min()) / 86_400
    early = day < found["moment"]
    shares = [
        (
            (events.loc[early, Columns.ITEM] == one["item"]).mean(),
            (events.loc[~early, Columns.ITEM] == one["item"]).mean(),
        )
        for one in found["products"]
    ]
    assert all(after > before for before, after in shares[: split_leakage.RISING])
    assert all(after < before for before, after in shares[split_leakage.RISING :])
    for one in found["products"]:
        assert one["first"] == pytest.approx(day[events[Columns.ITEM] == one["item"]].min(), abs=0.01)


def test_an_answer_knows_what_its_frame_knew(run: Any) -> None:
    home, (*_, result) = run(("shop", "tiny"), model="markov")
    for at, known in ((0, ()), (2, (GLOBAL,)), (None, PROTOCOLS)):
        for split in PROTOCOLS:
            told = split_leakage.answer(split_leakage.open(home, at), {"protocol": split})
            assert told == {"protocol": split, "terms": result["terms"][split] if split in known else []}


def test_a_single_shopper_can_be_asked(run: Any) -> None:
    """One half is empty then, nobody is other, and nobody fits the drawing or somebody does."""
    home, (*_, result) = run(("shop", "tiny"), model="markov", shoppers=1)
    assert result["asked"] == 1
    assert result["measures"]["others_future"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    shown = Shown(frame=Folder(home).view(0))
    for language in ("zh", "en"):
        assert picture("split_leakage.splits")(shown, language).alt


def test_pictures_follow_the_run_and_the_question(run: Any) -> None:
    runs = []
    for number, data in enumerate((("shop", "tiny"), ("shop-trends", "tiny"))):
        home, events = run(data, model="markov")
        fold = EventFold()
        for event in events[:-1]:
            fold.apply({"t": 1.0, **event})
        result = {key: value for key, value in events[-1].items() if key != "kind"}
        config = RunConfig.make("split_leakage", {"dataset": data}, {"model": "markov"})
        runs.append(fold.view(f"{number:016x}", config, result))
    frame = Folder(home).view(4)
    for answer, split in ((None, RANDOM), ({"protocol": LAST}, LAST), ({"protocol": GLOBAL}, GLOBAL)):
        drawn = picture("split_leakage.terms")(Shown(runs, ("One", "One"), answer=answer), "en").frame
        assert drawn["run"].unique().tolist() == ["One", "One (2)"]
        assert drawn.loc[drawn["run"] == "One", "value"].tolist() == [
            one["value"] for one in runs[0].result["terms"][split]
        ]
    one = Shown(runs[1:], ("One",), frame=frame)
    reported = picture("split_leakage.reported")(one, "zh").frame
    assert len(reported) == len(split_leakage.MODELS) * len(PROTOCOLS)
    splits = picture("split_leakage.splits")(one, "en")
    assert splits.frame.groupby("split")["role"].apply(lambda roles: (roles == "target").sum()).nunique() == 1
    for column in ("title_zh", "title_en"):
        changed = picture("split_leakage.changed")(one, column[-2:]).frame
        assert set(changed["product"]) == {product[column] for product in frame["changed"]["products"]}
