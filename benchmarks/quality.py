"""How good each model is, tuned alike: NDCG@10 and HR@10 on ml-100k, Complete Journey and the shop.

    python -m benchmarks.quality                                       every model, every dataset: an hour and more
    python -m benchmarks.quality --datasets ml-100k --models ease markov item-knn
    python -m benchmarks.quality --counted                             the counted models only: minutes

Each contender has the same budget: DRAWS configurations, the first its file's defaults, the others drawn from SPACE
with a fixed seed; the one with the best NDCG@10 on the validation targets is trained with each of SEEDS and asked for
the test targets, once. Contenders are the files of course_lib/models: a new one takes part by being there.

Leave-one-out, full ranking. On ml-100k products of the history are removed (nobody rates a film twice) and equal times
keep the file's order; in the shops what was bought before may come again and stays. A finished trial is kept in
benchmarks/results/quality-trials.jsonl, and made again only when the code it depends on has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import processes
from benchmarks.peers.data import ml_100k
from benchmarks.peers.pictures import ranges
from benchmarks.table import Row, replace_text
from benchmarks.training import finish, trainer_of
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Split
from course_lib.data.registry import load, resolve
from course_lib.data.splits import checksum, leave_one_out
from course_lib.evaluation.intervals import bootstrap, over_seeds, paired_difference
from course_lib.evaluation.metrics import all_metrics
from course_lib.evaluation.protocol import evaluate, unseen
from course_lib.models.base import model_class
from course_lib.models.catalogue import check_settings, model_cards
from course_lib.settings import source_digest
from course_lib.training.settings import SETTINGS as TRAINING

PART = "quality"
RESULTS = Path(__file__).parent / "results"
DRAWS, SEEDS, DRAW_SEED = 12, (1, 2, 3, 4, 5), 0
K = 10
ROOMS = ("data", "shop", "models", "training", "evaluation")  # whose code decides these figures

Draw = Callable[[np.random.Generator], Any]


def between(low: float, high: float) -> Draw:
    """A number from ``low`` to ``high``, to three digits; on a logarithmic scale where they lie far apart."""
    if high / low > 10:
        return lambda rng: float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")
    return lambda rng: float(f"{rng.uniform(low, high):.3g}")


def whole(low: int, high: int) -> Draw:
    """A whole number from ``low`` to ``high`` on a logarithmic scale."""
    return lambda rng: round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def one_of(*values: Any) -> Draw:
    """One of ``values``."""
    return lambda rng: values[int(rng.integers(len(values)))]


# By setting, or by model and setting where two models mean different things; what is not here keeps its default. Sizes
# and epochs end where a training takes about a minute on one core: the budget that every trained model has.
SPACE: dict[str, Draw] = {
    "neighbours": whole(10, 1000),
    "shrinkage": between(1, 1000),
    "recency": between(0.1, 1),
    "blend": between(1, 10000),
    "ease.regularisation": between(1, 5000),
    "matrix-factorization.regularisation": between(0.001, 0.1),
    "factors": one_of(16, 32, 64),
    "unobserved_weight": between(0.03, 1),
    "iterations": one_of(4, 8, 16),
    "width": one_of(32, 64),
    "layers": one_of(1, 2),
    "heads": one_of(1, 2, 4),
    "history_length": one_of(20, 50, 100),
    "dropout": one_of(0.0, 0.1, 0.2, 0.3),
    "memory": one_of(64, 128),
    "mask_share": between(0.1, 0.6),
    "epochs": one_of(4, 8, 16),
    "batch_size": one_of(16, 32, 64, 128),
    "learning_rate": between(0.001, 0.02),
    "weight_decay": one_of(0.0, 0.01, 0.1, 0.3),
}


@dataclass(frozen=True)
class Contender:
    """A line of the table: a model, with some settings held fast."""

    name: str
    model: str
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def draws(self, count: int) -> list[dict[str, Any]]:
        """``count`` configurations, the defaults first; fewer where a model has nothing to set."""
        card = model_cards()[self.model]
        names = [*card.settings, *(TRAINING if card.neural else ())]
        space = {
            name: SPACE.get(f"{self.model}.{name}") or SPACE[name]
            for name in names
            if name not in self.fixed and (f"{self.model}.{name}" in SPACE or name in SPACE)
        }
        if not space:
            return [dict(self.fixed)]
        rng = np.random.default_rng([DRAW_SEED, *self.name.encode()])
        drawn = [{name: draw(rng) for name, draw in space.items()} for _ in range(count - 1)]
        return [dict(self.fixed), *({**self.fixed, **one} for one in drawn)]


def contenders() -> list[Contender]:
    """Every model of the course; item-kNN without recency and with it."""
    return [
        *(Contender(name, name, {"recency": 1.0} if name == "item-knn" else {}) for name in model_cards()),
        Contender("item-knn with recency", "item-knn"),
    ]


def counted() -> list[str]:
    """The models that need no training loop."""
    return [name for name, card in model_cards().items() if not card.neural]


@dataclass(frozen=True)
class Task:
    """A dataset with its questions."""

    name: str
    dataset: Dataset
    split: Split
    seen: bool  # products of the history stay among the candidates
    refit: bool = False  # the test is answered by a model that has also learned from the validation targets

    @property
    def before_the_test(self) -> Histories:
        """One history a user: all before the test target, or all where the user is not asked."""
        lists = [history.tolist() for history in self.split.train]
        for user, history in zip(self.split.test.users, self.split.test.histories, strict=True):
            lists[user] = history.tolist()
        return Histories.from_lists(lists)


# The split of ml-100k as it lies in RecBole 1.2.1: another one is another task, and its figures compare with nothing.
FROZEN = {"ml-100k": "006a5a701889b8b1"}
LOADERS: dict[str, tuple[Callable[[], Dataset], bool]] = {
    "ml-100k": (ml_100k, False),
    "complete-journey": (lambda: load(resolve("complete-journey")), True),
    "shop": (lambda: load(resolve("shop")), True),
}


def task(name: str, refit: bool = False) -> Task:
    """A dataset and its split; raises ValueError where a frozen split is not what it was."""
    loader, seen = LOADERS[name]
    dataset = loader()
    split = leave_one_out(dataset)
    if (found := checksum(split)) != FROZEN.get(name, found):
        raise ValueError(f"the split of {name} has the checksum {found}, not {FROZEN[name]}: it is another task")
    return Task(name, dataset, split, seen, refit)


def learned(one: Task, model: str, given: Mapping[str, Any], seed: int, train: Histories) -> Any:
    """A model with the settings ``given``, counted or trained."""
    card = model_cards()[model]
    settings = {name: given[name] for name in card.settings if name in given}
    if not card.neural:
        checked = check_settings(model, card.settings, settings)
        return model_class(model).fit(train, one.dataset.num_items, checked, seed)
    training = {name: given[name] for name in TRAINING if name in given}
    return finish(trainer_of(model, one.dataset.num_items, train, settings, training, seed)).model


class Trials:
    """Finished trials, on disk, so that hours of them can be stopped and continued."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.code = source_digest(*ROOMS)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.known: dict[str, dict[str, Any]] = {(record := json.loads(line))["key"]: record for line in lines}

    def run(self, one: Task, model: str, given: Mapping[str, Any], seed: int, part: str) -> dict[str, Any]:
        """Trains and asks for ``part``'s targets: {"ranks" up to K, "fit_s", "score_s"}; from disk if done before."""
        refit = one.refit and part == "test"
        wanted = [self.code, one.name, checksum(one.split), one.seen, refit, model, dict(given), seed, part]
        key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
        if key not in self.known:
            train = one.before_the_test if refit else one.split.train
            began = time.perf_counter()
            trained = learned(one, model, given, seed, train)
            fit = time.perf_counter() - began
            score = trained.score if one.seen else unseen(trained.score)
            asked = evaluate(score, getattr(one.split, part), k=K)
            ranks = np.minimum(asked.ranks, K).tolist()
            self.known[key] = {"key": key, "ranks": ranks, "fit_s": round(fit, 3), "score_s": round(asked.seconds, 3)}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(self.known[key]) + "\n")
        return self.known[key]


def values(ranks: Sequence[int], metric: str = "ndcg") -> NDArray[np.float64]:
    """One number a shopper."""
    return all_metrics(np.array(ranks), k=K)[f"{metric}@{K}"]


def entry(
    one: Task, contender: Contender, trials: Trials, draws: int, seeds: Sequence[int]
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Tunes a contender and asks it for the test: the row of the table, and NDCG@10 of each shopper, mean of seeds."""
    configurations = contender.draws(draws)
    found = []
    for number, given in enumerate(configurations, 1):
        score = float(values(trials.run(one, contender.model, given, seeds[0], "validation")["ranks"]).mean())
        found.append(score)
        say(f"{one.name}, {contender.name} {number}/{len(configurations)}: validation {score:.4f} {given}")
    best = int(np.argmax(found))
    runs = [trials.run(one, contender.model, configurations[best], seed, "test") for seed in seeds]
    row: dict[str, Any] = {
        "model": contender.name,
        "configurations": len(configurations),
        "settings": configurations[best],
        "validation": found[best],
        "validation_of_all": found,
        "fit_s": round(float(np.median([run["fit_s"] for run in runs])), 3),
        "score_s": round(float(np.median([run["score_s"] for run in runs])), 3),
    }
    tables = {metric: np.stack([values(run["ranks"], metric) for run in runs]) for metric in ("ndcg", "hr")}
    for metric, table in tables.items():  # (seeds, N)
        row[metric] = bootstrap(table.mean(0)).to_dict() | {"of_seeds": table.mean(1).tolist()}
        if len(seeds) > 1:
            seen = over_seeds(table.mean(1).tolist())
            row[metric]["half_over_seeds"] = seen.high - seen.value
    say(f"{one.name}, {contender.name}: NDCG@10 {row['ndcg']['value']:.4f}, HR@10 {row['hr']['value']:.4f}")
    return row, tables["ndcg"].mean(0)


def compare(rows: Sequence[dict[str, Any]], outcomes: Mapping[str, NDArray[np.float64]]) -> None:
    """Notes in each row how far it is behind the best, shopper by shopper; whoever is the best has no such note."""
    best = max(outcomes, key=lambda name: float(outcomes[name].mean()))
    for row in rows:
        row.pop("behind", None)
        if row["model"] in outcomes and row["model"] != best:
            row["behind"] = paired_difference(outcomes[best], outcomes[row["model"]]).to_dict()


def bounds(one: Task) -> list[dict[str, Any]]:
    """What the shop's oracle reaches, as rows of the same form; nothing elsewhere."""
    from course_lib.training.references import references

    if one.name != "shop":
        return []
    oracle = references(one.dataset, one.split).scores("test")["oracle"]
    return [
        {"model": f"oracle: {name}", "ndcg": scores[f"ndcg@{K}"], "hr": scores[f"hr@{K}"]}
        for name, scores in oracle.items()
    ]


def markdown(found: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> str:
    """The tables as a page."""
    lines = ["# Quality", "", *(f"- {name}: {value}" for name, value in facts.items())]
    for name, table in found.items():
        lines += ["", f"## {name}", "", table["about"], ""]
        lines += [
            "| model | NDCG@10 | 95% over shoppers | ± over seeds | behind the best | 95%, paired "
            "| HR@10 | 95% over shoppers | fit s | settings |"
        ]
        lines += ["|" + " --- |" * 10]
        for row in sorted(table["rows"], key=lambda row: -row["ndcg"]["value"]):
            cells = [row["model"]]
            for metric in ("ndcg", "hr"):
                score = row[metric]
                cells += [f"{score['value']:.4f}", f"{score['low']:.4f} to {score['high']:.4f}"]
                if metric == "ndcg":
                    cells += [f"{score['half_over_seeds']:.4f}" if "half_over_seeds" in score else "–"]
                    behind = row.get("behind")
                    gap = [f"{behind['value']:.4f}", f"{behind['low']:.4f} to {behind['high']:.4f}"] if behind else []
                    cells += gap or ["–", "–"]
            chosen = ", ".join(f"{key} {value}" for key, value in row.get("settings", {}).items())
            cells += [str(row.get("fit_s", "–")), chosen or "–"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def picture(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The tables as points with their intervals over shoppers."""
    groups = {
        name: {row["model"]: tuple(row["ndcg"][part] for part in ("value", "low", "high")) for row in table["rows"]}
        for name, table in found.items()
    }
    return ranges("NDCG@10 on the test targets, with its 95% interval over shoppers", groups)


def about(one: Task, draws: int, seeds: Sequence[int]) -> str:
    """What was asked, in one paragraph."""
    data, asked = one.dataset, len(one.split.test)
    kept = "kept" if one.seen else "removed"
    learned_from = "training part and validation targets" if one.refit else "training part"
    return (
        f"{data.num_users:,} users, {data.num_items:,} products, {len(data.events):,} events; leave-one-out, {asked:,} "
        f"test targets, full ranking, products of the history {kept}; split {checksum(one.split)}. Up to {draws} "
        f"configurations each, chosen on validation; {len(seeds)} seed(s); the test is answered after learning from "
        f"the {learned_from}."
    )


def measure(
    datasets: Sequence[str] = tuple(LOADERS),
    models: Sequence[str] = (),
    draws: int = DRAWS,
    seeds: Sequence[int] = SEEDS,
    refit: bool = False,
    results: Path = RESULTS,
) -> Iterator[Row]:
    """Makes the tables, writes ``quality.json``, ``.md`` and ``.svg`` after each row, and yields it."""
    trials = Trials(results / "quality-trials.jsonl")
    found: dict[str, dict[str, Any]] = {}
    facts = processes.machine() | {"code": trials.code}
    for name in datasets:
        one = task(name, refit)
        found[name] = {"about": about(one, draws, seeds), "rows": bounds(one)}
        outcomes: dict[str, NDArray[np.float64]] = {}
        for contender in contenders():
            if models and contender.model not in models:
                continue
            row, outcomes[contender.name] = entry(one, contender, trials, draws, seeds)
            found[name]["rows"].append(row)
            compare(found[name]["rows"], outcomes)
            record = json.dumps({"machine": facts, "tables": found}, indent=1)
            replace_text(results / "quality.json", record + "\n")
            replace_text(results / "quality.md", markdown(found, facts))
            replace_text(results / "quality.svg", picture(found))
            score = row["ndcg"]
            note = f"95% over shoppers {score['low']:.4f} to {score['high']:.4f}; {row['settings']}"
            yield Row(PART, f"{name}, {contender.name}, NDCG@10", f"{score['value']:.4f}", note=note, raw=row)


def say(words: str) -> None:
    """Progress, on standard error."""
    print(words, file=sys.stderr, flush=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description="Quality of the models.")
    parser.add_argument("--datasets", nargs="+", choices=list(LOADERS), default=list(LOADERS))
    parser.add_argument("--models", nargs="+", choices=list(model_cards()), default=[])
    parser.add_argument("--counted", action="store_true", help="the models that are counted, not trained")
    parser.add_argument("--draws", type=int, default=DRAWS, help="configurations a contender")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="seeds of the test")
    parser.add_argument("--refit", action="store_true", help="learn from the validation targets before the test")
    parser.add_argument("--home", type=Path, default=RESULTS / "home", help="where prepared data go")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the tables go")
    asked = parser.parse_args()
    models = [*asked.models, *(counted() if asked.counted else ())]
    seeds = tuple(range(1, asked.seeds + 1))
    asked.home.mkdir(parents=True, exist_ok=True)
    with processes.home_at(asked.home.absolute()):
        for _ in measure(asked.datasets, models, asked.draws, seeds, asked.refit, asked.results):
            pass
    print((asked.results / "quality.md").read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
