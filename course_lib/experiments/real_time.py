"""Real time: the shop's purchases stream in, and the same model's lists are refreshed nightly, now and then, or live.

    python -m course_lib run real_time --every 60 --lag 0 --json

One model learns from everything before a midnight. Then two weeks of purchases arrive, and each is a target for three
lists of that model, which differ in nothing but what they have read (evaluation/freshness.py):

    nightly    what was bought before the last midnight
    batch      what was bought before the last refresh, one every so many minutes
    live       what was bought before this very moment, less the lag of the pipeline

Every target competes with the whole catalogue. The split is by time: nothing that the model learned came after the
midnight (Ji et al., A Critical Study on Data Leakage in Recommender System Offline Evaluation, TOIS 2023).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.freshness import DAY, Integers, Stream, lists_a_day, readable
from course_lib.evaluation.intervals import bootstrap, resampled_means
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.base import model_class, untrained
from course_lib.models.catalogue import model_card
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {
    "people": (4000, 20, 1_000_000),
    "every": (60, 1, 1440),  # minutes between two refreshes of the middle list
    "lag": (0, 0, 86_400),  # seconds until a purchase can be read by any list
    "recompute": ("everyone", "everyone", "changed"),  # whose lists a refresh computes
    "days": (14, 1, 365),  # of purchases that stream in
}
MEASURES = {
    "ndcg_live": "score",  # NDCG@10 of all purchases that stream in
    "ndcg_batch": "score",
    "ndcg_nightly": "score",
    "again_live": "score",  # of those whose shopper had bought before on the same day
    "again_batch": "score",
    "again_nightly": "score",
    "stale_loss": "share",  # NDCG@10 that the nightly list loses against the live one
    "stale_loss_again": "share",  # the same, of those who had bought on the same day
    "brought_back": "share",  # of what the nightly list loses, that the middle one brings back
    "again_share": "share",  # of the purchases whose shopper had bought on the same day
    "lists_live": "count",  # computed a day
    "lists_batch": "count",
    "lists_nightly": "count",
    "list_single": "seconds",  # of a list, computed one at a time
    "list_many": "seconds",  # and many at once
    "seconds": "seconds",  # of training
}
ASKS = {"watched": ("next", "next", "first", "second", "third", "fourth", "fifth")}
TINY = {
    "model": "sasrec", "people": 600, "days": 30, "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 1,
}  # fmt: skip

LISTS = ("nightly", "batch", "live")
LEARNED = 0.8  # share of all purchases before the midnight
LAGS = (0, 30, 120, 300, 900, 3600, 14_400, 86_400)  # seconds, of the curve
FOLLOWED = 5  # shoppers whose day is watched
FRAMES = 30  # moments of that day, at most
SHOWN = 10  # products of a list
SINGLES = 60  # lists that are timed one at a time


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains or counts the model, streams the purchases past three lists, and keeps one day's moments as frames.

    Raises CourseError where the data has no purchases after the midnight, or the training diverges. It takes seconds,
    so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    yield plan(step=1, frame=2)
    dataset = registry.load(config.data["dataset"])
    stream = Stream.of(dataset.events, int(settings["people"]))
    begin, end = window(stream, int(settings["days"]), dataset.address.name)
    train = stream.known(np.arange(stream.count), begin)
    card = model_card(str(settings["model"]))
    own = {name: settings[name] for name in card.settings}
    rows = stream.between(begin, end)
    day = busiest_day(stream, rows)
    moments = moments_of(stream, day)
    since = time.perf_counter()
    if card.neural:
        model = untrained(card.name, dataset.num_items, own, config.seed)
        trainer = Trainer(model, train, settings, config.seed)
        yield plan(step=trainer.steps, frame=len(moments))
        for _ in range(int(settings["epochs"])):
            yield from trainer.epoch()
        if trainer.average is not None:
            trainer.average.settle()
    else:
        model = model_class(card.name).fit(train, dataset.num_items, own, config.seed)
        yield plan(frame=len(moments))
    spent = time.perf_counter() - since
    every, lag = int(settings["every"]) * 60, int(settings["lag"])
    for at, moment in enumerate(moments):
        view = view_of(model.score, stream, day, moment, every, lag)
        yield folder.frame(at, view, None, hour=view["hour"])

    times = stream.times[rows]
    ndcg = {
        name: evaluate(model.score, stream.asked(rows, readable(times, step, lag))).per_row()["ndcg@10"]
        for name, step in zip(LISTS, (DAY, every, 0), strict=True)
    }
    again = stream.same_day(rows)
    changed = settings["recompute"] == "changed"
    measures = compared(ndcg, again)
    measures |= {
        f"lists_{name}": exact(round(lists_a_day(stream, begin, end, step, changed), 2))
        for name, step in zip(LISTS, (DAY, every, 0), strict=True)
    }
    single, many = seconds_a_list(model.score, stream.known(stream.users[rows], times))
    measures |= {"list_single": exact(single), "list_many": exact(many), "seconds": exact(round(spent, 3))}
    yield result(
        measures, purchases=len(rows), shoppers=len(np.unique(stream.users[rows])),
        lags=[_lagged(model.score, stream, rows, again, one) for one in LAGS],
        seconds={"train": round(spent, 3), "total": round(time.perf_counter() - began, 3)},
    )  # fmt: skip


def window(stream: Stream, days: int, name: str) -> tuple[int, int]:
    """The midnight before which LEARNED of all purchases lie, and the one after so many days; raises CourseError."""
    if not len(stream.times):
        raise CourseError("split_no_later_events", name=name)
    begin = int(np.quantile(stream.times, LEARNED)) // DAY * DAY
    end = min(begin + days * DAY, int(stream.times.max()) // DAY * DAY + DAY)
    if not (stream.times < begin).any() or not len(stream.between(begin, end)):
        raise CourseError("split_no_later_events", name=name)
    return begin, end


def busiest_day(stream: Stream, rows: Integers) -> int:
    """The midnight of the day on which most shoppers buy twice, the first such."""
    day, user = stream.times[rows] // DAY, stream.users[rows]
    both, times = np.unique(np.stack([day, user], axis=1), axis=0, return_counts=True)
    days, counts = np.unique(both[times > 1, 0] if (times > 1).any() else both[:, 0], return_counts=True)
    return int(days[counts.argmax()]) * DAY


def followed(stream: Stream, day: int) -> Integers:
    """Whose day is watched: FOLLOWED shoppers with most purchases on it who were known before, by number."""
    users, counts = np.unique(stream.users[stream.between(day, day + DAY)], return_counts=True)
    known = np.minimum(stream.known(users, day).lengths, 3)
    order = np.lexsort((users, -counts, -known))
    return np.sort(users[order[:FOLLOWED]])


def moments_of(stream: Stream, day: int) -> list[int]:
    """The midnight, each moment at which somebody followed buys, and the end of the day."""
    own = stream.between(day, day + DAY)
    own = own[np.isin(stream.users[own], followed(stream, day))]
    times = np.unique(stream.times[own]).tolist()
    return [day, *times[: FRAMES - 2], day + DAY - 1]


def view_of(score: Any, stream: Stream, day: int, moment: int, every: int, lag: int) -> dict[str, Any]:
    """What is known and shown at a moment, just before what is bought then.

    ``{"hour", "every", "stream": [[hour, product]], "next": number of who buys now or None, "shoppers": [{"user",
    "bought": [[hour, product]], "target", "history", "lists": {"nightly": [product], ...}, "ranks"}]}``. ``target`` is
    what the shopper buys next on that day, 0 where nothing; ``ranks`` has its place in each list, from 1 on, or None
    beyond SHOWN.
    """
    users = followed(stream, day)
    today = stream.between(day, day + DAY)
    past = today[stream.times[today] < moment]
    order = past[np.argsort(stream.times[past], kind="stable")]
    now = np.full(len(users), moment, np.int64)
    lists = {
        name: top(score, stream.known(users, readable(now, step, lag)))
        for name, step in zip(LISTS, (DAY, every, 0), strict=True)
    }
    shoppers, turn = [], None
    histories = stream.known(users, now)
    for n, user in enumerate(users.tolist()):
        own = today[stream.users[today] == user]
        coming = own[stream.times[own] >= moment]
        target = int(stream.items[coming[0]]) if len(coming) else 0
        if len(coming) and stream.times[coming[0]] == moment and turn is None:
            turn = n
        shown = {name: found[n] for name, found in lists.items()}
        shoppers.append(
            {
                "user": user,
                "bought": [[_hour(stream, row, day), int(stream.items[row])] for row in own if row not in coming],
                "target": target,
                "history": histories[n][-SHOWN:].tolist(),
                "lists": shown,
                "ranks": {name: one.index(target) + 1 if target in one else None for name, one in shown.items()},
            }
        )
    return {
        "hour": round((moment - day) / 3600, 3),
        "every": every // 60,
        "stream": [[_hour(stream, row, day), int(stream.items[row])] for row in order],
        "next": turn,
        "shoppers": shoppers,
    }


def top(score: Any, histories: Histories) -> list[list[int]]:
    """The first SHOWN products of each history, best first."""
    scores = np.array(score(histories), np.float64)
    scores[:, 0] = -np.inf
    found: list[list[int]] = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN].tolist()
    return found


def compared(ndcg: Mapping[str, NDArray[np.float64]], again: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """The scores of the three lists and their ratios; what nobody bought again on a day is left out."""
    found: dict[str, dict[str, float]] = {}
    for prefix, chosen in (("ndcg", np.ones(len(again), bool)), ("again", again)):
        if chosen.any():
            found |= {f"{prefix}_{name}": bootstrap(one[chosen]).to_dict() for name, one in ndcg.items()}
    found["again_share"] = bootstrap(again.astype(float)).to_dict()
    lost = ndcg["live"] - ndcg["nightly"]
    for name, above, below, chosen in (
        ("stale_loss", lost, ndcg["live"], np.ones(len(again), bool)),
        ("stale_loss_again", lost, ndcg["live"], again),
        ("brought_back", ndcg["batch"] - ndcg["nightly"], lost, np.ones(len(again), bool)),
    ):
        if chosen.any() and below[chosen].sum() > 0:
            found[name] = ratio(above[chosen], below[chosen])
    return found


def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> dict[str, float]:
    """A ratio of two means over the same purchases, with its bootstrap interval; single purchases may lose or gain."""
    means = resampled_means(np.stack([above, below], axis=1), np.ones(len(above), np.int64))
    low, high = np.quantile(means[:, 0] / np.maximum(means[:, 1], 1e-9), [0.025, 0.975])
    return {"value": float(above.sum() / below.sum()), "low": float(low), "high": float(high)}


def seconds_a_list(score: Any, histories: Histories) -> tuple[float, float]:
    """What a list takes, one at a time and many at once."""
    some = histories.take(np.arange(min(len(histories), 1000)))
    score(some.take(np.arange(1)))  # the first call is never the usual one
    began = time.perf_counter()
    for n in range(min(SINGLES, len(some))):
        score(some.take(np.arange(n, n + 1)))
    single = (time.perf_counter() - began) / min(SINGLES, len(some))
    began = time.perf_counter()
    score(some)
    many = (time.perf_counter() - began) / len(some)
    return round(single, 7), round(many, 7)


def _lagged(score: Any, stream: Stream, rows: Integers, again: NDArray[np.bool_], lag: int) -> dict[str, float | None]:
    """NDCG@10 of a list that is computed when shown, but reads only what is ``lag`` seconds old."""
    test = evaluate(score, stream.asked(rows, readable(stream.times[rows], 0, lag))).per_row()["ndcg@10"]
    some = float(test[again].mean()) if again.any() else None
    return {"lag": lag, "all": round(float(test.mean()), 5), "again": None if some is None else round(some, 5)}


def _hour(stream: Stream, row: int, day: int) -> float:
    return round((int(stream.times[row]) - day) / 3600, 3)


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps of a moment."""

    view: Mapping[str, Any]


def open(folder: Path, at: int | None) -> Artefact:
    """The day at frame ``at``, or at its end."""
    return Artefact(view_at(folder, at))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The three lists of one of the followed: whoever buys next, or the one asked for.

    ``{"number", "hour", "user", "target", "history", "lists", "ranks"}``, the shopper's as in the frame; ``number`` 0
    is the first. Where nobody buys any more, or so many are not followed, it is the first.
    """
    names: Sequence[str] = ("first", "second", "third", "fourth", "fifth")
    people = artefact.view["shoppers"]
    wanted = str(asked["watched"])
    number = names.index(wanted) if wanted in names else artefact.view["next"]
    number = 0 if number is None or number >= len(people) else int(number)
    return {"number": number, "hour": artefact.view["hour"], **people[number]}
