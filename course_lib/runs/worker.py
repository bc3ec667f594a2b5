"""A worker process: carries out runs, or answers questions to what they made, one after the other.

    python -m course_lib.runs.worker train      (or: answer)

It is started by the web process before it is needed, loads torch, says "ready", and then takes jobs: JSON objects, one
a line, on standard input; its answers go to standard output the same way. It ends when standard input does, so that no
worker outlives the web process. What happens in a run it writes into the run's folder, where the web process reads it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.runs.execute import Perform, Wish, carry_out

Message = dict[str, Any]
GRACE_S = 2.0  # from the parent's end to ours, where training does not come to a pause


class Answers(Protocol):
    """What answers questions: course_lib.runs.artefacts.Artefacts."""

    def ask(self, folder: Path, at: int | None, asked: dict[str, Any]) -> dict[str, Any]:
        """What the artefact of the run in ``folder`` answers."""
        ...

    def size(self, config: RunConfig) -> dict[str, Any]:
        """How large a run would be."""
        ...


class Worker:
    """One worker's loop. Jobs are read by a thread of their own, so that "stop" is seen while training."""

    def __init__(self, perform: Perform, make_answers: Callable[[], Answers], orders: BinaryIO, answers: int) -> None:
        self._perform = perform
        self._make_answers = make_answers
        self._answerer: Answers | None = None
        self._orders = orders
        self._answers = answers  # file descriptor
        self._jobs: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._stop: dict[str, Wish] = {}  # runs that are to end
        self._orphan = threading.Event()  # the web process has ended or closed us

    def say(self, **message: Any) -> None:
        """Send one message to the web process; nothing happens if it is gone."""
        rest = memoryview(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._answers, rest) :]

    def run(self, role: str, warm_up: Callable[[], None]) -> None:
        """Warm up, then work until standard input ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._watch_parent, args=(os.getppid(),), daemon=True).start()
        warm_up()
        if role == "answer":
            self._answerer = self._make_answers()
        gc.collect()
        gc.freeze()  # torch's half a million objects need no further look
        self.say(kind="ready")
        while (job := self._jobs.get()) is not None:
            if job["do"] == "train":
                self._train(Path(job["folder"]))
            elif job["do"] in ("answer", "size"):
                self._answer(job)

    def _listen(self) -> None:
        for line in self._orders:
            message = json.loads(line)
            if message["do"] == "pause":
                self._stop.setdefault(message["run"], "pause")
            elif message["do"] == "stop":
                error = message.get("error")
                self._stop[message["run"]] = CourseError.from_dict(error) if error else "stop"
            else:
                if message["do"] == "train":  # a wish that came too late was about an earlier attempt
                    self._stop.pop(Path(message["folder"]).name, None)
                self._jobs.put(message)
        self._jobs.put(None)
        self._end()

    def _watch_parent(self, parent: int) -> None:
        """For the case that some other process keeps our standard input open: see whether the parent is still there."""
        while os.getppid() == parent:
            time.sleep(0.5)
        self._end()

    def _end(self) -> None:
        """Leave the run at its next event; if that takes too long, leave at once (the checkpoint is on disk)."""
        self._orphan.set()
        time.sleep(GRACE_S)
        os._exit(0)

    def _wish(self, run_id: str) -> Wish:
        return "leave" if self._orphan.is_set() else self._stop.get(run_id, "go on")

    def _train(self, folder: Path) -> None:
        run_id = folder.name
        self.say(kind="took", run=run_id)
        outcome = carry_out(folder, self._perform, lambda: self._wish(run_id))
        self.say(kind="done", run=run_id, outcome=outcome.state, error=outcome.error)
        gc.collect()

    def _answer(self, job: Message) -> None:
        try:
            self._answerer = self._answerer or self._make_answers()
            if job["do"] == "size":
                answer = self._answerer.size(RunConfig.from_json(job["config"]))
            else:
                answer = self._answerer.ask(Path(job["folder"]), job["at"], job["asked"])
        except CourseError as error:
            self.say(kind="answer", id=job["id"], error=error.to_dict())
        except Exception:  # reported: the learner reads a sentence, the server's log has the traceback
            traceback.print_exc()
            failure = CourseError("answer_failed", run=Path(job.get("folder", "-")).name)
            self.say(kind="answer", id=job["id"], error=failure.to_dict())
        else:
            self.say(kind="answer", id=job["id"], answer=answer)


def settle_in() -> None:
    """Be a quiet neighbour: low priority, deaf to the terminal's Ctrl-C, and the first to go when memory runs out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the web process decides when we end
    if hasattr(os, "nice"):
        os.nice(10)
    with contextlib.suppress(OSError):  # Linux only; elsewhere the system chooses whom to end
        Path("/proc/self/oom_score_adj").write_text("500")


def main(
    perform: Perform,
    warm_up: Callable[[], None],
    make_answers: Callable[[], Answers],
    arguments: Sequence[str] | None = None,
) -> None:
    """Work until standard input ends. The one argument is "train" or "answer"."""
    role = (sys.argv[1:] if arguments is None else list(arguments))[0]
    settle_in()
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not end up among the messages
    Worker(perform, make_answers, sys.stdin.buffer, answers).run(role, warm_up)


def use_one_thread() -> None:
    """Keep torch to one thread: two that share a core with others wait for each other at every step."""
    import torch

    torch.set_num_threads(1)


def course_perform(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """The run of ``config``'s experiment, loaded with torch when first needed."""
    use_one_thread()
    from course_lib.training.made_lines import prepare

    prepare(config.data.values())
    yield from importlib.import_module(config.card.module).run(config, folder)


def course_warm_up() -> None:
    """Load torch and take its slow first steps."""
    use_one_thread()
    from course_lib.experiments.next_item import warm_up

    warm_up()


def course_answers() -> Answers:
    """:class:`course_lib.runs.artefacts.Artefacts`."""
    from course_lib.runs.artefacts import Artefacts

    return Artefacts()


if __name__ == "__main__":
    main(course_perform, course_warm_up, course_answers)
