"""Published tables made again from the reader's own copy of the data: NDCG@10 against what was written down before.

    python -m benchmarks.published ml-1m ml-1m.zip       or the unpacked folder, or ratings.dat
    python -m benchmarks.published beauty Beauty.txt     sports and toys likewise

What is expected, with its source and every setting, stands in published.toml. The model is the lesson's SASRec, trained
by the lesson's loop: full ranking, leave one out, products of the history removed, the epoch kept that is best on the
validation targets. Files of other counts than the published task are refused: their figures compare with nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import processes
from benchmarks.published_data import MODEL, Published, UnusableError, counts_of, published, read, sized
from benchmarks.quality import K, Task
from benchmarks.table import Row, below, text_table
from course_lib.data.histories import Histories
from course_lib.data.intake.report import shown
from course_lib.data.splits import checksum, leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.protocol import Evaluation, evaluate, unseen

THREADS = 2
QUIET_S = 30.0  # between two signs of life where standard error is no terminal


class Told:
    """Progress on standard error: lines that stay, and in between one that the next replaces."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self._last = time.perf_counter()

    def stay(self, words: str) -> None:
        """A line that stays."""
        self._last = time.perf_counter()
        print(f"\r\033[K{words}" if self.live else words, file=sys.stderr, flush=True)

    def pass_by(self, words: str) -> None:
        """A line that goes; without a terminal one now and then, so that a log shows life."""
        if self.live:
            print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)
        elif time.perf_counter() - self._last >= QUIET_S:
            self.stay(words)


def lasting(seconds: float) -> str:
    """A time in words: 40 s, 12 min, 1 h 5 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def newest(histories: Histories, places: int) -> Histories:
    """Each history's last ``places`` events: the recipes learn from no others."""
    return Histories.from_lists([history[-places:].tolist() for history in histories])


def train(one: Task, want: Published, seed: int, epochs: int, until: float, told: Told) -> dict[str, Any]:
    """Trains until ``patience`` is over, ``epochs`` are done or another would not end before ``until`` on the clock of
    time.perf_counter, and asks the best epoch for the test targets. The first epoch is always finished."""
    from course_lib.models.base import untrained
    from course_lib.training.loop import Trainer

    model, training = want.settings(epochs)
    epochs, patience = int(training["epochs"]), int(training["patience"])
    net = untrained(MODEL, one.dataset.num_items, model, seed)
    trainer = Trainer(net, newest(one.split.train, int(model["history_length"]) + 1), training, seed)
    progress, score = trainer.progress, unseen(net.score)
    began = time.perf_counter()

    def left(done: float) -> str:
        now = time.perf_counter()
        most = min((now - began) / done * (epochs - done), until - now) if done else until - now
        return f"at most {lasting(max(0.0, most))} left" if np.isfinite(most) else "time left not known yet"

    def validate() -> Evaluation:
        told.pass_by(f"epoch {progress.epoch}/{epochs}: asking the {len(one.split.validation):,} validation targets")
        asked = evaluate(score, one.split.validation, k=K)
        progress.scores.append(asked.metrics[f"ndcg@{K}"]["value"])
        return asked

    asked, kept, cost, why = validate(), net.state_dict(), 0.0, ""
    while not why:
        if progress.best == progress.epoch:
            kept = {name: value.clone() for name, value in net.state_dict().items()}
        if progress.epoch == epochs:
            why = "all epochs done"
        elif progress.is_enough(patience):
            why = f"{patience} epochs without a better validation score"
        elif progress.epoch and time.perf_counter() + cost + 2 * asked.seconds > until:
            why = "no time for another epoch"
        else:
            start = time.perf_counter()
            for event in trainer.epoch():
                done = event["at"] / trainer.steps_per_epoch
                told.pass_by(f"epoch {event['epoch']}/{epochs}: loss {event['loss']:.3f}, {left(done)}")
            cost = time.perf_counter() - start
            asked = validate()
            told.stay(
                f"epoch {progress.epoch}/{epochs}: loss {progress.losses[-1]:.3f}, validation NDCG@10 "
                f"{progress.scores[-1]:.4f} (best {max(progress.scores):.4f}), {left(progress.epoch)}"
            )
    net.load_state_dict(kept)
    tested = evaluate(score, one.split.test, k=K)
    return {
        "settings": {"model": model, "training": training},
        "epochs": progress.epoch,
        "kept_epoch": progress.best,
        "ended": why,
        "train_s": round(progress.seconds, 3),
        "validation": progress.scores,
        **{name: tested.metrics[f"{name}@{K}"] for name in ("ndcg", "hr")},
    }


# Telling


def compared(found: float, expected: float, tolerance: float) -> tuple[bool, str]:
    """Whether a figure lies within the tolerance of the published one, and how far it is from it, in words."""
    share = found / expected - 1
    where = "above" if share > 0 else "below"
    return abs(share) <= tolerance + 1e-12, f"{abs(share):.1%} {where} the published {expected:.4f}"


def rows_of(want: Published, record: Mapping[str, Any]) -> list[Row]:
    """The record as lines of a table; goals only where the task is the published one."""
    rows = []
    for name, words in (("ndcg", "NDCG@10"), ("hr", "HR@10")):
        figure, expected = record[name], want.figures[name]
        met, apart = compared(figure["value"], expected, want.tolerance)
        goal, note = "", f"95% over users {figure['low']:.4f} to {figure['high']:.4f}"
        if record["same_task"]:
            goal, note = f"{expected:.4f} ± {want.tolerance:.0%}", f"{apart}; {note}"
        rows.append(
            Row(want.name, words, f"{figure['value']:.4f}", goal, met if record["same_task"] else None, note=note)
        )
    note = f"{record['train_s']:,.0f} s of them in training steps, {record['threads']} thread(s)"
    if want.seconds and record["same_task"]:
        rows.append(below(want.name, "the whole run", record["total_s"], want.seconds, note=note))
    else:
        rows.append(Row(want.name, "the whole run", f"{record['total_s']:,.0f} s", note=note))
    rows.append(
        Row(want.name, "epochs", str(record["epochs"]), note=f"best was {record['kept_epoch']}; {record['ended']}")
    )
    return rows


def verdict(want: Published, record: Mapping[str, Any]) -> str:
    """What came of it, in one sentence."""
    if not record["same_task"]:
        return f"Not compared: {sized(record['counts'])} are another task than the published {sized(want.counts)}."
    apart = compared(record["ndcg"]["value"], want.figures["ndcg"], want.tolerance)[1]
    answer = "Within" if record["within"] else "Not within"
    return f"{answer} the tolerance of {want.tolerance:.0%}: NDCG@10 is {apart}."


def repeat(want: Published, asked: argparse.Namespace, began: float) -> dict[str, Any]:
    """Reads, checks, trains and compares; raises UnusableError or CourseError with a sentence for the reader."""
    told = Told()
    told.stay(f"{want.title}: expected NDCG@10 {want.figures['ndcg']:.4f} ± {want.tolerance:.0%}; {want.source}")
    dataset = read(asked.path, want)
    counts = counts_of(dataset)
    told.stay(f"{sized(counts)} after {time.perf_counter() - began:.0f} s; training on {asked.threads} thread(s)")
    if counts != want.counts and not asked.anyway:
        raise UnusableError(
            f"{shown(asked.path)} has {sized(counts)}, and the published task has {sized(want.counts)}: give "
            f"{want.file} as it comes from {want.page}, or add --anyway to train on this other task without comparing."
        )
    import torch  # takes seconds: not before a sentence about the file

    torch.set_num_threads(asked.threads)
    split = leave_one_out(dataset)
    limit = want.seconds if asked.max_seconds is None else asked.max_seconds
    until = began + limit if limit else float("inf")
    found = train(Task(want.name, dataset, split, seen=False), want, asked.seed, asked.epochs, until, told)
    same = counts == want.counts
    total = time.perf_counter() - began
    return {
        "task": want.name,
        "title": want.title,
        "source": want.source,
        "expected": dict(want.figures),
        "tolerance": want.tolerance,
        "same_task": same,
        "within": compared(found["ndcg"]["value"], want.figures["ndcg"], want.tolerance)[0] if same else None,
        "in_time": total <= want.seconds if same and want.seconds else None,
        "counts": counts,
        "split": checksum(split),
        "sha256_12": dataset.address.version,
        "seed": asked.seed,
        "threads": asked.threads,
        "max_seconds": limit,
        **found,
        "total_s": round(total, 3),
        "machine": processes.machine(),
    }


def at_least(lowest: int) -> Any:
    """A whole number for argparse that is not below ``lowest``."""

    def whole(text: str) -> int:
        number = int(text)
        if number < lowest:
            raise ValueError
        return number

    whole.__name__ = f"whole number from {lowest}"  # argparse: invalid whole number from 1 value: '0'
    return whole


def parse(line: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; exits with 2 and a sentence where it is wrong."""
    tasks = published()
    lines = [f"  {name:8}{one.title}: NDCG@10 {one.figures['ndcg']:.4f}; {one.file}" for name, one in tasks.items()]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.published",
        description="Makes a published table again from your own copy of the data. The figures, their sources and all "
        "settings stand in benchmarks/published.toml.",
        epilog="tasks:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=list(tasks), help="which table")
    parser.add_argument("path", type=Path, help="the file, or the folder or zip that holds it")
    parser.add_argument("--seed", type=at_least(0), default=1, help="of weights, dropout and order (default 1)")
    parser.add_argument("--epochs", type=at_least(1), default=0, help="at most so many, instead of the recipe's")
    parser.add_argument(
        "--max-seconds",
        type=at_least(0),
        help="begin no epoch that would end later; 0: no limit (default: the time in published.toml)",
    )
    help_threads = f"threads of torch (default {THREADS}); 1 where the other core is busy: threads wait for each other"
    parser.add_argument("--threads", type=at_least(1), default=THREADS, help=help_threads)
    parser.add_argument("--anyway", action="store_true", help="train on files of other counts too; nothing is compared")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    return parser.parse_args(line)


def main(line: Sequence[str] | None = None) -> int:
    """The command: 0 whether or not the figure is met, 2 with a sentence where it cannot be tried, 130 after Ctrl-C."""
    began = time.perf_counter()
    asked = parse(line)
    want = published()[asked.task]
    try:
        record = repeat(want, asked, began)
    except (UnusableError, CourseError, OSError) as error:
        print(f"\n{error}" if sys.stderr.isatty() else error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. Nothing was kept; the same command begins anew.", file=sys.stderr)
        return 130
    if asked.json:
        print(json.dumps(record, indent=1))
    else:
        print(f"{want.title}\n\n{text_table(rows_of(want, record))}\n\n{verdict(want, record)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
