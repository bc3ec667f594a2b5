"""Sampled metrics as an experiment: its numbers are those of the ranks it keeps, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.data.dataset import Dataset
from course_lib.data.histories import Split
from course_lib.errors import CourseError
from course_lib.evaluation.metrics import hit_rate
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments import sampled_metrics
from course_lib.experiments.catalogue import check_asked, experiment_card
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.experiments.sampled_metrics import Both, places
from course_lib.models.catalogue import check_settings, model_card
from course_lib.models.ease import EASEModel
from course_lib.models.markov import MarkovModel

COUNTED = {"one": "ease", "other": "markov"}


def run(home: Path, seed: int = 1, **settings: Any) -> list[dict[str, Any]]:
    config = RunConfig.make("sampled_metrics", {"dataset": ("shop", "tiny")}, {"epochs": 1, **settings}, seed)
    return [dict(event) for event in sampled_metrics.run(config, Folder(home))]


def asked(**question: Any) -> dict[str, Any]:
    return check_asked(experiment_card("sampled_metrics"), question)


def test_its_ranks_are_those_of_the_models(dataset: Dataset, split: Split, tmp_path: Path) -> None:
    *_, done = run(tmp_path, **COUNTED)
    both = sampled_metrics.open(tmp_path, None)
    assert both.names == ("ease", "markov")
    for kind, ranks in ((EASEModel, both.one), (MarkovModel, both.other)):
        settings = check_settings(kind.name, model_card(kind.name).settings, {})
        model = kind.fit(split.train, dataset.num_items, settings)
        assert (evaluate(model.score, split.test).ranks == ranks).all()
    wanted = hit_rate(both.one).mean() - hit_rate(both.other).mean()
    assert done["measures"]["full_difference"]["value"] == pytest.approx(wanted)
    assert done["looks"]["all"]["hr"]["one"]["value"] == pytest.approx(hit_rate(both.one).mean())


def test_it_is_watched_while_sasrec_learns(tmp_path: Path) -> None:
    events = run(tmp_path, epochs=2)
    frames = [event for event in events if event["kind"] == "frame"]
    assert [frame["epoch"] for frame in frames] == [0, 0.25, 0.5, 1, 2]
    assert frames[0]["full_difference"] > frames[-1]["full_difference"], "Markov is ahead of a model that knows nothing"
    first, last = (sampled_metrics.open(tmp_path, at) for at in (0, 4))
    assert (first.one == last.one).all()
    assert (first.other != last.other).any()
    assert (sampled_metrics.open(tmp_path, None).other == last.other).all()


def test_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    one, again, other = (run(tmp_path / str(n), seed)[-1] for n, seed in enumerate((1, 1, 2)))
    assert one["sampled"] == again["sampled"] != other["sampled"]


def test_an_answer_is_a_point_of_the_curve(tmp_path: Path) -> None:
    *_, done = run(tmp_path, **COUNTED)
    both, curve = sampled_metrics.open(tmp_path, None), done["sampled"]
    for metric in ("hr", "ndcg"):
        for negatives in (1, 20, 100, 1259):
            said = sampled_metrics.answer(both, asked(negatives=negatives, metric=metric))
            at = curve["negatives"].index(negatives)
            for side in ("one", "other", "difference"):
                assert said[side] == curve[metric][side][at]
    assert curve["weight"] == sampled_metrics.answer(both, asked())["weight"]
    assert curve["half"] == pytest.approx(1260 / 10, rel=0.05), "HR@10 against 100 of 1,260 looks at the first 126"


def test_more_negatives_than_products_are_all_of_them() -> None:
    random = np.random.default_rng(0)
    few = Both(("ease", "markov"), random.integers(0, 40, 90), random.integers(0, 40, 90), 40)
    said = sampled_metrics.answer(few, asked(negatives=1259))
    assert said["negatives"] == 39
    assert said["one"]["value"] == pytest.approx(hit_rate(few.one).mean(), abs=1e-5)
    assert few.view()["reach"]["one"][-1] == 1.0


def test_reach_is_the_hit_rate_in_full() -> None:
    ranks = np.random.default_rng(0).integers(0, 500, 3000)
    reach = Both(("ease", "markov"), ranks, ranks, 500).reach()["one"]
    assert reach == [pytest.approx(hit_rate(ranks, k=n).mean(), abs=1e-5) for n in places(500)]


def test_models_that_never_change_places_have_no_crossing() -> None:
    better, worse = np.zeros(50, np.int64), np.full(50, 300)
    assert "crossing" not in Both(("ease", "markov"), better, worse, 400).measures()


def test_a_model_against_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        run(tmp_path, one="ease", other="ease")
    assert caught.value.key == "same_model_twice"
    assert "ease" in caught.value.text("zh")


def test_the_picture_tells_the_crossing_that_is_measured(tmp_path: Path) -> None:
    *_, done = run(tmp_path, one="markov", other="popularity")
    assert done["sampled"]["crossing"] == done["measures"].get("crossing", {"value": None})["value"]
