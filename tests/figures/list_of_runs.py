"""Made-up next-item runs in every state, with what a picture reads of a RunView."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from course_lib.figures.shown import Shown

ORACLE = {"filtered": {"ndcg@10": {"value": 0.47, "low": 0.46, "high": 0.48}}}


def around(value: float, half: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


@dataclass(frozen=True)
class FakeRun:
    """A run as ``runs.view.RunView`` shows it."""

    state: str = "missing"
    config: Any = None
    result: dict[str, Any] | None = None
    events: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)

    @property
    def plan(self) -> dict[str, int]:
        """How much of what is to come, as the run announced it."""
        return {str(one["of"]): int(one["steps"]) for one in self.of("plan")}

    def of(self, kind: str) -> tuple[dict[str, Any], ...]:
        return self.events.get(kind, ())

    def last(self, kind: str) -> dict[str, Any] | None:
        return self.of(kind)[-1] if self.of(kind) else None


def a_run(model: str, state: str = "finished", score: float = 0.4, nan: bool = False, **more: Any) -> Any:
    """A run of ``model``; ``loss``, ``parameters`` and ``targets`` may be given."""
    parameters, targets = int(more.get("parameters", 118_000)), int(more.get("targets", 400_000))
    counted = model in ("popularity", "item-knn", "markov", "ease")
    epochs = 0 if counted else 4
    events: dict[str, tuple[dict[str, Any], ...]] = {}
    if state not in ("missing", "queued", "starting"):
        events["prepared"] = ({"targets": targets, "parameters": parameters, "items": 1260},)
        events["references"] = ({"baselines": {}, "oracle": ORACLE},)
        if counted:
            events["score"] = ({"epoch": 0.0, "seconds": 0.02, "metrics": {"ndcg@10": around(score)}},)
        else:
            done = 16 if state == "finished" else 6
            events["score"] = tuple(
                {
                    "epoch": n / 4, "seconds": 0.6 * n,
                    "metrics": {"ndcg@10": around(math.nan if nan and n == 2 else score * n / 16)},
                }
                for n in range(done + 1)
            )  # fmt: skip
    result = None
    if state == "finished":
        measures = {"ndcg@10": around(score)} | ({"loss": around(more["loss"])} if "loss" in more else {})
        result = {
            "measures": measures, "parameters": parameters, "epochs": epochs,
            "seconds": {"total": 12.0, "train": 0.02 if counted else 10.0},
            "oracle": ORACLE, "oracle_loss": more.get("oracle_loss", {"filtered": around(3.33)}),
        }  # fmt: skip
    config = SimpleNamespace(
        experiment="next_item", settings={"model": model} | ({} if counted else {"epochs": 4}), seed=1
    )
    return FakeRun(state, config if more.get("known", True) else None, result, events)


def shown(*runs: Any, names: tuple[str, ...] = ()) -> Shown:
    return Shown(runs=runs, names=names)


LAW = [(n, 3.33 + 90.0 * n**-0.44) for n in (12_277, 18_341, 24_789, 38_837)]
SIZES = [
    *(a_run("sasrec", parameters=n, targets=4 * n, loss=loss) for n, loss in LAW),
    a_run("sasrec", parameters=234_389, targets=4 * 234_389, loss=3.96),
]
RACE = {
    "empty": shown(),
    "missing": shown(a_run("popularity", "missing"), a_run("sasrec", "missing", known=False), names=("A", "")),
    "queued": shown(a_run("popularity"), a_run("sasrec", "queued"), a_run("gru4rec", "starting")),
    "live": shown(a_run("popularity", score=0.04), a_run("sasrec", "running"), a_run("gru4rec", "running", 0.43)),
    "failed": shown(a_run("popularity", score=0.04), a_run("sasrec", "failed"), a_run("gru4rec", "stopped")),
    "nan": shown(a_run("sasrec", nan=True)),
    "twice": shown(a_run("sasrec"), a_run("sasrec", score=0.41), names=("<script>one</script>", "two")),
    "done": shown(*(a_run(name, score=s) for name, s in (("popularity", 0.04), ("markov", 0.34), ("gru4rec", 0.43)))),
}
PAPER = {
    "empty": shown(),
    "missing": shown(a_run("sasrec", "missing"), a_run("sasrec", "queued")),
    "first": shown(SIZES[0], a_run("sasrec", "running", parameters=24_789)),
    "law": shown(*SIZES[:4]),
    "tested": shown(*SIZES),
    "no floor": shown(*(a_run("sasrec", parameters=n, loss=loss, oracle_loss=None) for n, loss in LAW)),
    "below the floor": shown(*(a_run("sasrec", parameters=n, loss=loss - 0.9) for n, loss in LAW)),
    "no loss": shown(a_run("markov"), a_run("sasrec", "failed")),
    "nan": shown(*(a_run("sasrec", parameters=n, loss=math.nan) for n, _ in LAW)),
}
