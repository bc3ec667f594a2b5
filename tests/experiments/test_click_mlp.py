"""The click project: what it tells by epoch, what it refuses, and that its judges say what they are said to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from course_lib.errors import CourseError
from course_lib.evaluation.click_quality import chances
from course_lib.experiments import click_mlp
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder

Made = tuple[Path, list[Event]]


def carried_out(home: Path, **settings: Any) -> Made:
    config = RunConfig.tiny("click_mlp", settings)
    folder = home / config.run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return folder, list(click_mlp.run(config, Folder(folder)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Made]:
    """The function ``run(**settings)``: a tiny run, each made once."""
    made: dict[str, Made] = {}

    def carry(**settings: Any) -> Made:
        key = str(sorted(settings.items()))
        if key not in made:
            made[key] = carried_out(tmp_path_factory.mktemp("click_mlp"), **settings)
        return made[key]

    return carry


def measures(made: Made) -> dict[str, float]:
    return {name: one["value"] for name, one in made[1][-1]["measures"].items()}


def test_each_epoch_tells_loss_and_accuracy(run: Callable[..., Made]) -> None:
    folder, events = run()
    told = events[-1]["by_epoch"]
    assert [one["epoch"] for one in told] == [0, 1, 2]
    assert told[0]["loss"] is None
    assert told[2]["loss"] < told[1]["loss"], "it learns"
    frames = [one for one in events if one["kind"] == "frame"]
    assert [one["accuracy"] for one in frames] == [one["accuracy"] for one in told]
    assert Folder(folder).view(2)["clicks"] == told[2]["clicks"]


def test_the_last_epoch_is_what_libraries_make_of_the_weights(run: Callable[..., Made]) -> None:
    made = run()
    artefact, own = click_mlp.open(made[0], None), measures(made)
    case = artefact.case
    watch = click_mlp.Watch(case)
    config = RunConfig.read(made[0])
    net = click_mlp.build(config, watch.x.shape[1])
    net.load_state_dict(Folder(made[0]).weights(2))
    p, every = watch.scores(net)
    assert np.array_equal(every, artefact.every)
    assert own["accuracy"] == pytest.approx(accuracy_score(watch.y, p > 0.5))
    assert own["row_auc"] == pytest.approx(roc_auc_score(watch.y, p))
    assert own["never"] == pytest.approx(1 - watch.y.mean())
    assert own["said"] == (p > 0.5).sum()
    assert own["slate_clicks"] == pytest.approx(case.worth(every).mean())
    assert own["over_never"] == pytest.approx(own["accuracy"] - own["never"])


def test_no_slate_is_worth_more_than_the_best(run: Callable[..., Made]) -> None:
    own = measures(run())
    assert max(own["slate_clicks"], own["counted_clicks"], own["logistic_clicks"]) < own["best_clicks"]


def test_fewer_epochs_are_the_beginning_of_more(run: Callable[..., Made]) -> None:
    """So that a run of three epochs is the run of ten, stopped."""
    short, long = run(epochs=1), run()
    assert short[1][-1]["by_epoch"] == long[1][-1]["by_epoch"][:2]


def test_the_regression_beside_it_is_the_edit_of_that_name(run: Callable[..., Made]) -> None:
    beside, alone = measures(run()), measures(run(net="logistic"))
    assert beside["logistic_clicks"] == alone["slate_clicks"]
    assert beside["logistic_auc"] == alone["row_auc"]
    assert "logistic_auc" not in alone


@pytest.mark.parametrize(
    "edit", [{"net": "no_layer"}, {"net": "attention"}, {"loss": "pairwise"}, {"negatives": "random"}], ids=str
)
def test_every_edit_trains_and_answers(run: Callable[..., Made], edit: dict[str, str]) -> None:
    folder, events = run(**edit, epochs=1)
    assert events[-1]["kind"] == "result"
    assert events[-1]["by_epoch"][-1]["clicks"] != run(epochs=1)[1][-1]["by_epoch"][-1]["clicks"]
    assert len(click_mlp.answer(click_mlp.open(folder, 1), {"shopper": 1})["slate"]) == 3


def test_an_answer_is_the_shoppers_three_best_and_the_truth_about_them(run: Callable[..., Made]) -> None:
    artefact = click_mlp.open(run()[0], None)
    case, found = artefact.case, click_mlp.answer(artefact, {"shopper": 7})
    top = np.argsort(-artefact.every[6])[:3]
    assert [one["item"] for one in found["slate"]] == case.items[top].tolist()
    assert [one["said"] for one in found["slate"]] == pytest.approx(chances(artefact.every[6][top]), abs=1e-5)
    assert [one["true"] for one in found["slate"]] == pytest.approx(case.attractive[6, top], abs=1e-5)
    assert found["worth"] == pytest.approx(case.worth(artefact.every)[6], abs=1e-4)
    assert found["best_worth"] == pytest.approx(case.worth(case.attractive)[6], abs=1e-4)
    again = click_mlp.answer(artefact, {"shopper": 7 + len(case.attractive)})
    assert again == found, "counting begins again"


@pytest.mark.parametrize(
    ("settings", "key", "said"),
    [
        ({"batch_size": 1_000_000}, "batch_over_rows", "1,000,000"),
        ({"rows": "clicks_only"}, "clicks_all", ""),
        ({"rows": "without_click"}, "clicks_none", ""),
        ({"shoppers": 5000}, "clicks_few_shoppers", "600"),
    ],
)
def test_what_cannot_be_learned_from_is_said(tmp_path: Path, settings: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(CourseError) as caught:
        carried_out(tmp_path, **settings)
    assert caught.value.key == key
    assert all(said in caught.value.text(language) for language in ("zh", "en"))


@pytest.mark.parametrize("epochs", [0, 1_000_000])
def test_epochs_out_of_range_are_said(epochs: int) -> None:
    with pytest.raises(CourseError) as caught:
        RunConfig.make("click_mlp", {}, {"epochs": epochs})
    assert "epochs" in caught.value.text("en")
    assert "50" in caught.value.text("zh")


def test_absurd_rates_are_judged_too(run: Callable[..., Made]) -> None:
    """All chances alike, or all certain: every judge has something to say."""
    for rate in (0.00001, 1.0):
        own = measures(run(learning_rate=rate, epochs=1))
        assert 0 <= own["accuracy"] <= 1
        assert 0 <= own["row_auc"] <= 1


def test_the_plan_comes_at_once_and_then_exactly(run: Callable[..., Made]) -> None:
    events = run(rows="with_click")[1]
    assert [one["kind"] for one in events[:3]] == ["plan", "plan", "frame"]
    assert events[0]["counts"]["step"] > events[1]["counts"]["step"] == events[-3]["at"]


def test_another_dataset_is_refused(tmp_path: Path) -> None:
    config = RunConfig.make("click_mlp", {"dataset": "complete-journey"})
    with pytest.raises(CourseError) as caught:
        list(click_mlp.run(config, Folder(tmp_path)))
    assert caught.value.key == "clicks_shop"


def test_a_training_that_goes_astray_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_mlp.click_main, "loss", lambda logits, y: logits.sum() * float("nan"))
    with pytest.raises(CourseError) as caught:
        carried_out(tmp_path, epochs=1)
    assert caught.value.key == "clicks_diverged"
    assert "0.001" in caught.value.text("zh")
