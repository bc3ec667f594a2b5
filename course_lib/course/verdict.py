"""Which model is best on these data within the budget, counted ones included; and where the transformer loses, why.

A comparison is one of the same shoppers: better or worse is said only where the paired 95% interval is clear of zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from course_lib.data.counts import Counts
from course_lib.experiments.config import RunConfig
from course_lib.models.catalogue import model_card
from course_lib.text import strings, text

METRIC = "ndcg@10"
FEW_SHOPPERS = 2000
FEW_EACH = 5.0  # purchases of a shopper
FEW_OF_A_PRODUCT = 20.0  # purchases of a product
LITTLE_ORDER = 0.05  # share of NDCG@10 lost when the histories are shuffled


@dataclass(frozen=True)
class Standing:
    """One model's NDCG@10 on the test targets."""

    model: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """What a finished run says of its data."""

    model: str
    ranking: tuple[Standing, ...]  # best first
    outcome: Literal["ahead", "level", "behind"]  # of the run's model beside the best counted one
    counted: Standing  # the best counted model other than the run's own
    gap: tuple[float, float, float]  # NDCG@10 of the run's model less the counted one's, with its interval
    why: Mapping[str, Mapping[str, str]]  # reasons by name, where it is not ahead, with what their sentences say
    improving: bool  # its score still rose when its epochs were over

    def sentences(self, language: str) -> list[str]:
        """The verdict first, then what follows from it."""
        names = {"model": model_words(self.model, language), "counted": model_words(self.counted.model, language)}
        gap, low, high = (f"{one:+.3f}" for one in self.gap)
        told = [text(f"verdict.{self.outcome}", language, **names, gap=gap, low=low, high=high)]
        told += [text(f"verdict.why_{name}", language, **params) for name, params in self.why.items()]
        if self.improving:
            told.append(text("verdict.improving", language))
        return told


def model_words(model: str, language: str) -> str:
    """A model's name in a language; the name of its file where nobody has given it one."""
    return strings(language).get(f"figures.model_{model.replace('-', '_')}", model)


def recipe_sentence(counts: Counts, settings: Mapping[str, Any], budget: str, language: str) -> str:
    """Why a recipe's settings are what they are; ``budget`` is seconds of training, as they are to be read."""
    names = {"users": f"{counts.users:,}", "items": f"{counts.items:,}", "targets": f"{counts.targets:,}"}
    names |= {"each": f"{counts.each:.0f}", "budget": budget, "length": str(settings["history_length"])}
    names |= {"width": str(settings.get("width", "–")), "epochs": str(settings["epochs"])}
    loss = "sampled" if settings["loss"] == "sampled" else "softmax"
    return text("verdict.recipe", language, **names, loss=text(f"verdict.loss_{loss}", language))


def verdict(config: RunConfig, result: Mapping[str, Any], counts: Counts) -> Verdict | None:
    """The verdict of a finished next-item run; None where it was compared with nothing."""
    model = str(config.settings.get("model", ""))
    scores = {name: one[METRIC] for name, one in (result.get("baselines") or {}).items() if name != model}
    measures = result["measures"]
    gaps = {name: measures.get(f"over_{name.replace('-', '_')}") for name in scores}
    own = (result.get("metrics") or {}).get(METRIC)
    if not scores or own is None:
        return None
    standings = [Standing(name, *_three(one)) for name, one in {**scores, model: own}.items()]
    ranking = tuple(sorted(standings, key=lambda one: -one.value))
    counted = next(one for one in ranking if one.model != model)
    gap = _three(gaps[counted.model] or {"value": own["value"] - counted.value, "low": -1.0, "high": 1.0})
    outcome: Literal["ahead", "level", "behind"] = "ahead" if gap[1] > 0 else "behind" if gap[2] < 0 else "level"
    neural = model_card(model).neural
    why = _reasons(counted.model, measures, counts) if neural and outcome != "ahead" else {}
    return Verdict(model, ranking, outcome, counted, gap, why, neural and is_improving(config, result))


def is_improving(config: RunConfig, result: Mapping[str, Any]) -> bool:
    """Whether the best validation score came at the very end: in the last two epochs, or the last tenth of them."""
    trained, kept, wanted = result.get("epochs", 0), result.get("kept_epoch", 0), config.settings.get("epochs", 0)
    return bool(trained) and trained == wanted and kept >= trained - max(1, trained // 10)


def _three(score: Mapping[str, float]) -> tuple[float, float, float]:
    return float(score["value"]), float(score["low"]), float(score["high"])


def _reasons(counted: str, measures: Mapping[str, Any], counts: Counts) -> dict[str, dict[str, str]]:
    """Why a transformer is not ahead, as far as the data tell."""
    found: dict[str, dict[str, str]] = {}
    if counts.users < FEW_SHOPPERS:
        found["few"] = {"users": f"{counts.users:,}"}
    if counts.each < FEW_EACH:
        found["short"] = {"each": f"{counts.each:.1f}"}
    of_each = counts.events / max(counts.items, 1)
    if of_each < FEW_OF_A_PRODUCT:
        found["wide"] = {"items": f"{counts.items:,}", "times": f"{of_each:.0f}"}
    if counted == "personal-frequency":
        found["again"] = {}
    cost = measures.get("shuffle_cost")
    if cost is not None and cost["value"] < LITTLE_ORDER:
        found["order"] = {"share": f"{max(0.0, cost['value']):.0%}"}
    return found
