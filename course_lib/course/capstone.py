"""The capstone on one dataset: which runs it takes, and what their measures say in three findings with intervals.

made = configs("orders~12345678", budget_s=30)     # a run for each model, by its name; equal choices give equal runs
study = Study.of(audit, made, views)               # from the runs as they stand
study.findings()                                   # order, counting, served

Which transformer speaks, and which counted model it is compared with, is chosen by the validation targets; every number
of a finding is of the test targets, so the choice has not seen them. "Better" and "worse" are said where the 95%
interval is clear of zero, and of ASKED shoppers or more; else the two cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from course_lib.course.audit import ASKED, USES, Audit
from course_lib.course.measures import Estimate
from course_lib.course.verdict import METRIC, Verdict, model_words, verdict
from course_lib.data.counts import Counts
from course_lib.experiments.config import RunConfig
from course_lib.experiments.recipes import counts, expected_s, suited
from course_lib.runs.view import RunView
from course_lib.text import text

EXPERIMENT = "who_is_served"
MODELS = ("sasrec", "hstu")  # two transformers, one with softmax attention and one without
BUDGETS = (10, 20, 30, 60, 120)  # seconds of training for each of them
BUDGET_S = 20
SEED = 1
PAIRS = {"history": ("short", "long"), "product": ("rare", "common")}  # groups that are compared, the weaker first
FACTS = ("titles", "categories", "prices", "baskets")  # of the audit: what without them cannot be said

Outcome = Literal["yes", "no", "level", "few", "unasked"]


def configs(dataset: str, budget_s: float = BUDGET_S, size: str | None = None) -> dict[str, RunConfig]:
    """The runs of the capstone, by model, with settings from the data. Raises CourseError."""
    data = {"dataset": (dataset, size)}
    return {
        model: RunConfig.make(EXPERIMENT, data, suited("next_item", data, {"model": model}, budget_s).settings, SEED)
        for model in MODELS
    }


def seconds_of(config: RunConfig) -> float:
    """About how many seconds of one core the training takes, by the recipe's rule."""
    return expected_s(config.sizes, config.settings)


@dataclass(frozen=True)
class Finding:
    """One question with what the runs answer; ``params`` fill the sentence ``capstone.<key>_<outcome>``."""

    key: str  # order, counting, served
    outcome: Outcome
    estimate: Estimate | None
    params: Mapping[str, Any]

    def sentence(self, language: str) -> str:
        """The answer in a sentence or two."""
        named = {name: _named(name, value, language) for name, value in self.params.items()}
        return text(f"capstone.{self.key}_{self.outcome}", language, **named)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        found = self.estimate
        ends = None if found is None else {"value": found.value, "low": found.low, "high": found.high}
        return {"finding": self.key, "outcome": self.outcome, "estimate": ends, **self.params}


def _named(name: str, value: Any, language: str) -> str:
    """A gap's filling: models and groups have names of their own in each language."""
    if name in ("model", "counted"):
        return model_words(str(value), language)
    return text(f"capstone.group_{value}", language) if name in ("weaker", "stronger") else str(value)


@dataclass(frozen=True)
class Study:
    """An audit and the finished runs of both transformers."""

    audit: Audit
    runs: Mapping[str, RunView]  # by model, all of them finished

    @classmethod
    def of(cls, found: Audit, made: Mapping[str, RunConfig], views: Mapping[str, RunView]) -> Study | None:
        """The study, once every run has its result; else None."""
        runs = {model: views[model] for model in made if views[model].result is not None}
        return cls(found, runs) if len(runs) == len(made) else None

    @property
    def counts(self) -> Counts:
        """Of the dataset; raises CourseError where it is gone."""
        config = next(iter(self.runs.values())).config
        assert config is not None
        return counts(config.sizes)

    @property
    def speaker(self) -> str:
        """The transformer that is best on the validation targets: the findings are about it."""
        return max(self.runs, key=lambda model: _validation(self.runs[model]))

    @property
    def counted(self) -> str:
        """The counted model that is best on the validation targets."""
        told = (self.runs[self.speaker].last("references") or self.result(self.speaker))["baselines"]
        best: str = max(told, key=lambda name: float(told[name][METRIC]["value"]))
        return best

    def result(self, model: str) -> dict[str, Any]:
        """What a run's result says."""
        found = self.runs[model].result
        assert found is not None
        return found

    def standings(self) -> list[tuple[str, dict[str, Any]]]:
        """Every model with its metrics on the test targets, the best first."""
        found = dict(self.result(self.speaker)["baselines"])
        found |= {model: self.result(model)["metrics"] for model in self.runs}
        return sorted(found.items(), key=lambda one: -float(one[1][METRIC]["value"]))

    def verdicts(self) -> list[Verdict]:
        """Of each transformer beside the counted models, and why where it is not ahead."""
        found = []
        for view in self.runs.values():
            assert view.config is not None
            if (one := verdict(view.config, view.result or {}, self.counts)) is not None:
                found.append(one)
        return found

    def groups(self) -> Mapping[str, Mapping[str, Any]]:
        """The speaker's groups by name: asked, model, counted, over."""
        found: Mapping[str, Mapping[str, Any]] = self.result(self.speaker).get("groups", {})
        return found

    def findings(self) -> tuple[Finding, Finding, Finding]:
        """Does order matter, does a transformer beat counting, who is served badly."""
        return self._order(), self._counting(), self._served()

    def apart(self) -> Estimate:
        """NDCG@10 of the first transformer less the second's; taken as independent, so rather too wide."""
        first, second = (_estimate(self.result(model)["metrics"][METRIC]) for model in self.runs)
        return first - second

    def unsaid(self) -> list[tuple[str, dict[str, str]]]:
        """What could not be said, and why: the names of sentences ``capstone.unsaid_*`` with what fills them."""
        gap = self._gap()
        told: list[tuple[str, dict[str, str]]] = []
        if self.audit.asked < ASKED:
            told.append(("few", {"asked": f"{self.audit.asked:,}", "least": str(ASKED)}))
        elif gap is not None:
            told.append(("small", {"width": f"{(gap.high - gap.low) / 2:.3f}", "asked": f"{self.audit.asked:,}"}))
        told += [(f"no_{need}", {}) for need in FACTS if not self.audit.has(need)]
        told += [("no_order", {})] if not self.audit.has("order") else []
        missing = [name for pair in PAIRS.values() for name in pair if name not in self.groups()]
        told += [("no_rare", {})] if "rare" in missing and "common" not in missing else []
        told += [("no_short", {})] if "short" in missing else []
        told += [(f"no_{need}", {}) for need in ("shown", "coupons") if not self.audit.has(need)]
        told += [("one_seed", {}), ("online", {})]
        return told

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: what the report says, in numbers."""
        return {
            "audit": self.audit.to_dict(),
            "missing": {use.id: list(self.audit.missing(use)) for use in USES},
            "runs": {model: view.run_id for model, view in self.runs.items()},
            "speaker": self.speaker,
            "counted": self.counted,
            "standings": dict(self.standings()),
            "groups": dict(self.groups()),
            "findings": [one.to_dict() for one in self.findings()],
            "unsaid": [name for name, _ in self.unsaid()],
        }

    # The three questions

    def _few(self) -> dict[str, str]:
        return {"asked": f"{self.audit.asked:,}", "least": str(ASKED)}

    def _order(self) -> Finding:
        """The share of NDCG@10 that is lost when each history is read in random order."""
        cost = _found(self.result(self.speaker)["measures"].get("shuffle_cost"))
        own = float(self.result(self.speaker)["metrics"][METRIC]["value"])
        if cost is None or own < 0.001:  # a share of nothing
            return Finding("order", "unasked", None, {"model": self.speaker, "score": f"{own:.3f}"})
        if self.audit.asked < ASKED:
            return Finding("order", "few", cost, self._few())
        ends = {"share": f"{cost.value:.0%}", "low": f"{cost.low:.0%}", "high": f"{cost.high:.0%}"}
        return Finding("order", _outcome(cost), cost, {"model": self.speaker, **ends})

    def _gap(self) -> Estimate | None:
        name = f"over_{self.counted.replace('-', '_')}"
        return _found(self.result(self.speaker)["measures"].get(name))

    def _counting(self) -> Finding:
        """NDCG@10 of the speaker less that of the best counted model, the same shoppers asked."""
        names, gap = {"model": self.speaker, "counted": self.counted}, self._gap()
        if gap is None:
            return Finding("counting", "unasked", None, names)
        if self.audit.asked < ASKED:
            return Finding("counting", "few", gap, self._few())
        return Finding("counting", _outcome(gap), gap, {**names, **_signed(gap)})

    def _served(self) -> Finding:
        """The widest clear gap between two groups of shoppers; both have other shoppers, so they are independent."""
        groups, gaps = self.groups(), {}
        for pair in PAIRS.values():
            if all(one in groups for one in pair):
                weaker, stronger = (_estimate(groups[one]["model"]) for one in pair)
                gaps[pair] = weaker - stronger
        if not gaps:
            return Finding("served", "unasked", None, {})
        if self.audit.asked < ASKED:
            return Finding("served", "few", None, self._few())
        clear = {pair: gap for pair, gap in gaps.items() if _outcome(gap) != "level"}
        pair, gap = max((clear or gaps).items(), key=lambda one: abs(one[1].value))
        worse, better = pair if gap.value < 0 else pair[::-1]
        apart = gap if gap.value < 0 else Estimate(-gap.value, -gap.high, -gap.low)
        said = {"model": self.speaker, "weaker": worse, "stronger": better, **_signed(apart)}
        said["own"] = f"{groups[worse]['model']['value']:.3f}"
        said["other"] = f"{groups[better]['model']['value']:.3f}"
        said["asked"] = f"{groups[worse]['asked']:,}"
        return Finding("served", "yes" if clear else "level", apart, said)


def _validation(view: RunView) -> float:
    """A run's best NDCG@10 on the validation targets."""
    return max((float(one["metrics"][METRIC]["value"]) for one in view.of("score")), default=0.0)


def _estimate(one: Mapping[str, float]) -> Estimate:
    return Estimate(float(one["value"]), float(one["low"]), float(one["high"]))


def _found(one: Mapping[str, float] | None) -> Estimate | None:
    return None if one is None else _estimate(one)


def _signed(one: Estimate) -> dict[str, str]:
    return {"gap": f"{one.value:+.3f}", "low": f"{one.low:+.3f}", "high": f"{one.high:+.3f}"}


def _outcome(one: Estimate) -> Outcome:
    """Clear of zero above, below, or not."""
    return "yes" if one.low > 0 else "no" if one.high < 0 else "level"
