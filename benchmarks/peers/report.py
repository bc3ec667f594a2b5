"""The parts ``peers``, ``to-quality``, ``evaluation`` and ``growth`` of the benchmark: what is run, and its rows."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.peers import data
from benchmarks.peers.compare import Finding, same_targets, throughput, to_quality
from benchmarks.peers.environments import MissingError
from benchmarks.peers.pictures import bars, lines
from benchmarks.peers.protocol import Settings, write_work
from benchmarks.peers.vectors import ITEMS, USERS, write_vectors
from benchmarks.peers.workers import CONTENDERS, FLAT, MODEL, OTHER_MODELS, OURS, RECBOLE, REPLAY, Contender, Worker
from benchmarks.table import Row, above, number
from course_lib.training.settings import SETTINGS

Say = Callable[[str], None]
Pictures = dict[str, str]  # file name to SVG

SHORT = ("peers", "evaluation")  # of a benchmark without --full
GOALS = {50: 3.0, 200: 4.0}  # times RecTools' fastest, by length, on one thread
REPLAY_GOAL, RECBOLE_GOAL, QUALITY = 6.0, 30.0, 0.05
# Ours on ml-100k, small batches as RecBole has them: one of 35 tried on its validation targets, with other seeds.
RECIPE = {"epochs": 2, "weight_decay": 0.1, "batch_size": 20}
RECIPE_RATE, RATES = 8e-3, (1e-3, 4e-3)
MORE_SEEDS = range(4, 10)  # of ours with its own recipe
OWN_RECIPE = replace(OURS, name="LiveRec, its own recipe")
CASES = (  # dataset, model, length, threads: the first is the short form's
    ("ml-100k", "sasrec", 50, 1),
    ("ml-100k", "sasrec", 200, 1),
    ("ml-100k", "sasrec", 50, 2),
    ("ml-100k", "sasrec", 200, 2),
    ("shop", "sasrec", 50, 1),
    ("shop", "sasrec", 50, 2),
    ("ml-100k", "gru4rec", 50, 1),
    ("ml-100k", "bert4rec", 50, 1),
)
ROUNDS = 3
LAYERS = {"sasrec": 2, "gru4rec": 1, "bert4rec": 2}
SAMPLED_FROM = 20_000  # products; both losses are timed at 100,000


def say(words: str) -> None:
    """Progress, on standard error."""
    print(words, file=sys.stderr, flush=True)


def missing(part: str, what: str, why: str) -> Row:
    """The row of a contender that could not be measured."""
    return Row(part, what, "not measured", note=why)


def peers(full: bool) -> tuple[list[Row], Pictures]:
    """Real targets a second, all contenders by turns. Short: SASRec on ml-100k at length 50 on one thread."""
    rows: list[Row] = []
    groups: dict[str, dict[str, float]] = {}
    datasets: dict[str, Any] = {"ml-100k": data.ml_100k, "shop": data.shop}
    for name, model, length, threads in CASES if full else CASES[:1]:
        dataset = datasets[name]()
        split = data.split_of(dataset)
        case = f"{name}, length {length}, {threads} thread{'s' if threads > 1 else ''}"
        case = case if model == "sasrec" else f"{model}, {case}"
        say(f"peers: {case} ...")
        wanted = Settings(dataset.num_items, model, layers=LAYERS[model], length=length, threads=threads)
        some = OTHER_MODELS.get(model, CONTENDERS)
        with tempfile.TemporaryDirectory() as scratch:
            findings = throughput(some, split, {"": wanted}, Path(scratch), 5 if full else 3, ROUNDS, say)
        unit = "items read" if wanted.masked else "targets"
        if not wanted.masked:
            held = f"{number(same_targets(findings))} targets an epoch"
            rows.append(Row("peers", f"{case}: the same for all", held, note=data.describe(dataset, split)))
        rows += speed_rows(case, findings, length if (name, model, threads) == ("ml-100k", "sasrec", 1) else None, unit)
        groups[case] = {one.contender.name: one.rate for one in findings if one.rates}
    title = "Real targets a second; items read for BERT4Rec (more is better)"
    return rows, {"peers.svg": bars(title if full else title.partition(";")[0], groups, OURS.name)}


def speed_rows(case: str, findings: Sequence[Finding], goals_at: int | None, unit: str = "targets") -> list[Row]:
    """Rows of one case; with ``goals_at`` a length, the ratios that have a goal. ``unit`` is what was counted."""
    by_name = {one.contender.name: one for one in findings if one.rates}
    rows = []
    if goals_at is not None and OURS.name in by_name:
        own = by_name[OURS.name].rate
        fastest = max((by_name[one.name].rate for one in (FLAT, MODEL) if one.name in by_name), default=None)
        for what, rate, goal in (
            ("times RecTools' fastest", fastest, GOALS[goals_at]),
            ("times replay-rec's", by_name[REPLAY.name].rate if REPLAY.name in by_name else None, REPLAY_GOAL),
        ):
            if rate is None:
                rows.append(missing("peers", f"{case}: {what}", "the peer was not measured"))
            else:
                note = "" if own / rate >= goal else f"missed: {number(own / rate / goal * 100)} % of the goal"
                rows.append(above("peers", f"{case}: {what}", own / rate, goal, note=note))
    for one in findings:
        what = f"{case}: {one.contender.name}"
        if not one.rates:
            rows.append(missing("peers", what, one.missing))
            continue
        facts = one.facts
        note = (
            f"{number(one.epoch_s)} s an epoch of {number(facts['targets'])} {unit}, peak {number(one.peak_mib)} MiB "
            f"({number(facts['rss_mib'])} before training), {number(facts['parameters'])} parameters, "
            f"feed-forward {one.contender.width_note}; {facts['version']}, torch {facts['torch']}; rounds "
            f"{number(min(one.rates))} to {number(max(one.rates))}"
        )
        rows.append(Row("peers", what, f"{number(one.rate)} {unit}/s", note=note, raw=one.record()))
    return rows


def to_goal(full: bool) -> tuple[list[Row], Pictures]:
    """Seconds of training to NDCG@10 of QUALITY on ml-100k's validation targets, length 50, one thread."""
    dataset = data.ml_100k()
    split = data.split_of(dataset)
    base = Settings(dataset.num_items)
    own = replace(base, learning_rate=RECIPE_RATE, extra={"training": RECIPE})
    constant = {
        "schedule": "constant",
        "epochs": 10,
        "weight_decay": 0.0,
    }  # an epoch of warm-up, then as long as it takes
    meetings: list[
        tuple[float, int, list[Contender], float]
    ] = []  # rate, seed, who, and the seconds that each may train
    for rate in RATES if full else RATES[:1]:
        for seed in (1, 2, 3) if full else (1,):
            some = [one for one in CONTENDERS if one is not RECBOLE or (seed == 1 and full)]  # its minutes are many
            if rate == RATES[0]:
                some.insert(0, OWN_RECIPE)
            meetings.append((rate, seed, some, 900.0 if full else 60.0))
    if full:  # a second or two each, and passing in the first epoch or the third is luck
        meetings += [(RECIPE_RATE, seed, [OWN_RECIPE], 60.0) for seed in MORE_SEEDS]
    found: dict[str, list[Finding]] = {}
    for rate, seed, some, limit in meetings:
        wanted = replace(base, learning_rate=rate, seed=seed)
        settings = {"": wanted, OURS.name: replace(wanted, extra={"training": constant})}
        settings[OWN_RECIPE.name] = replace(own, seed=seed)
        say(f"to quality: rate {rate}, seed {seed} ...")
        with tempfile.TemporaryDirectory() as scratch:
            findings = to_quality(some, split, settings, Path(scratch), QUALITY, False, limit, say)
        for one in findings:
            name = one.contender.name + ("" if one.contender is OWN_RECIPE else f", rate {rate:g}")
            found.setdefault(name, []).append(one)
    return quality_rows(found), {}


def quality_rows(found: Mapping[str, Sequence[Finding]]) -> list[Row]:
    """One row a contender and learning rate, and the ratio to RecBole's better one."""
    part, what = "to-quality", f"seconds to NDCG@10 {QUALITY:g}"
    rows: list[Row] = []
    medians: dict[str, float] = {}
    at_least: dict[str, float] = {}  # seconds trained without passing
    for name, seeds in found.items():
        times = [one.reached for one in seeds if one.reached is not None]
        curve = seeds[0].curve
        if not curve:
            rows.append(missing(part, f"{what}: {name}", seeds[0].missing))
            continue
        record = {"seeds": [one.record() for one in seeds]}
        if len(times) < len(seeds):
            best = max(value for one in seeds for _, value in one.curve)
            at_least[name] = max(one.curve[-1][0] for one in seeds if one.curve)
            trained = number(at_least[name])
            note = f"not reached by {len(seeds) - len(times)} of {len(seeds)} seeds in {trained} s; best {number(best)}"
            rows.append(Row(part, f"{what}: {name}", "not reached", note=note, raw=record))
            continue
        medians[name] = statistics.median(times)
        note = f"median of {len(times)} seeds, {number(min(times))} to {number(max(times))} s; {len(curve)} epochs"
        rows.append(Row(part, f"{what}: {name}", f"{number(medians[name])} s", note=note, raw=record))
    slow = {name: value for name, value in medians.items() if name.startswith(RECBOLE.name)}
    slow = slow or {name: value for name, value in at_least.items() if name.startswith(RECBOLE.name)}
    own = {name: value for name, value in medians.items() if name.startswith(OURS.name)}
    if slow and own:
        mine, theirs = min(own.values()), min(slow.values())
        ratio = theirs / mine
        note = f"{min(own, key=own.__getitem__)} against {min(slow, key=slow.__getitem__)}"
        if not slow.keys() & medians.keys():
            note += ", which had not passed when it was stopped: at least so many"
        if ratio < RECBOLE_GOAL:
            note += f"; missed: {number(ratio / RECBOLE_GOAL * 100)} % of the goal"
        rows.insert(0, above(part, f"{what}: times fewer than RecBole's", ratio, RECBOLE_GOAL, note=note))
    return rows


def evaluation(full: bool) -> tuple[list[Row], Pictures]:
    """Shoppers a second from vectors to metrics, by turns; NDCG@10 must agree."""
    contenders = {
        "LiveRec, all ranks, 6 metrics with intervals": ("evaluate_ours", None, {}),
        "RecTools calc_metrics, 3 metrics": ("evaluate_rectools", "rectools", {}),
        "RecTools fast_transformers.compute_metrics": ("evaluate_rectools", "rectools", {"fast": True}),
        "ranx, 3 metrics": ("evaluate_ranx", "ranx", {}),
    }
    rows: list[Row] = []
    groups: dict[str, dict[str, float]] = {}
    for threads in (1, 2) if full else (1,):
        case = f"{USERS:,} shoppers, {ITEMS:,} products, {threads} thread{'s' if threads > 1 else ''}"
        say(f"evaluation: {case} ...")
        workers: dict[str, Worker] = {}
        rates: dict[str, list[float]] = {}
        failed: dict[str, str] = {}
        with ExitStack() as stack, tempfile.TemporaryDirectory() as scratch:
            for name, (module, where, extra) in contenders.items():
                try:
                    path = write_vectors(Path(scratch) / f"{module}{len(workers)}", threads, extra=extra)
                    workers[name] = Worker(module, where, path, threads)
                    stack.callback(workers[name].close)
                    rates[name] = []
                except MissingError as error:
                    failed[name] = str(error)
            for _ in range(5 if full else 3):
                for name, worker in workers.items():
                    seen = worker.steps(3 if full else 1)
                    rates[name].append(seen["targets"] / seen["seconds"])
        values = {name: worker.facts["ndcg"] for name, worker in workers.items()}
        if values and max(values.values()) - min(values.values()) > 1e-6:
            raise ValueError(f"evaluators disagree on NDCG@10: {values}")
        for name in contenders:
            if name in failed:
                rows.append(missing("evaluation", f"{case}: {name}", failed[name]))
                continue
            middle = statistics.median(rates[name])
            groups.setdefault(case, {})[name.partition(",")[0].replace("fast_transformers.", "")] = middle
            note = f"NDCG@10 {values[name]:.6f}; {workers[name].facts['version']}"
            raw = {"rates": rates[name]}
            rows.append(Row("evaluation", f"{case}: {name}", f"{number(middle)} shoppers/s", note=note, raw=raw))
    return rows, {"evaluation.svg": bars("Shoppers evaluated a second (more is better)", groups, OURS.name)}


def growth(full: bool) -> tuple[list[Row], Pictures]:
    """Our targets a second and memory along one size at a time; the others stay small."""
    seconds = 8.0 if full else 2.0
    losses = {True: "sampled", False: "softmax"}
    sweeps: dict[str, list[tuple[float, str, Settings]]] = {
        "history length": [
            (L, "softmax", grown(1_700, L, 2_000, True, {"loss": "softmax"})) for L in (25, 50, 100, 200, 400)
        ],
        "products": [
            (V, losses[sampled], grown(V, 50, 2_000, True, {"loss": losses[sampled]}))
            for V, sampled in (
                (1_000, False), (10_000, False), (100_000, False), (10_000, True), (100_000, True), (1_000_000, True)
            )
        ],
        "shoppers": [
            (N, "softmax", grown(1_700, 20, N, False, {"loss": "softmax"})) for N in (1_000, 10_000, 100_000, 1_000_000)
        ],
    }  # fmt: skip
    rows: list[Row] = []
    pictures: Pictures = {}
    for name, points in sweeps.items():
        speed: dict[str, list[tuple[float, float]]] = {}
        memory: dict[str, list[tuple[float, float]]] = {}
        for x, loss, settings in points:
            if not full and x >= 100_000:
                continue
            say(f"growth: {name} {x:,.0f}, {loss} ...")
            with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
                worker = Worker("growth_ours", None, write_work(Path(scratch), settings, [], []), 1)
                stack.callback(worker.close)
                worker.steps(seconds / 4)
                seen = worker.steps(seconds)
            rate, facts = seen["targets"] / seen["seconds"], worker.facts
            speed.setdefault(loss, []).append((x, rate))
            memory.setdefault(loss, []).append((x, seen["peak_mib"]))
            of_data = facts["data_mib"] - facts["before_mib"]
            note = (
                f"{loss}; peak {number(seen['peak_mib'])} MiB, of them {number(of_data)} for the histories; "
                f"trainer ready after {number(facts['prepared'])} s; {seen['steps']} steps"
            )
            raw = {"facts": facts, **seen}
            rows.append(Row("growth", f"{name} {x:,.0f}, {loss}", f"{number(rate)} targets/s", note=note, raw=raw))
        for what, series in (("targets a second", speed), ("peak memory, MiB", memory)):
            file = f"growth-{name.replace(' ', '-')}-{'speed' if series is speed else 'memory'}.svg"
            pictures[file] = lines(f"{what} by {name}", name, what, series)
    return rows, pictures


def grown(num_items: int, length: int, shoppers: int, full: bool, training: dict[str, Any]) -> Settings:
    """The settings of one point."""
    known = {name: value for name, value in training.items() if name in SETTINGS}
    return Settings(
        num_items, length=length, dropout=0.0, extra={"shoppers": shoppers, "full": full, "training": known}
    )


PARTS: dict[str, Callable[[bool], tuple[list[Row], Pictures]]] = {
    "peers": peers,
    "to-quality": to_goal,
    "evaluation": evaluation,
    "growth": growth,
}
