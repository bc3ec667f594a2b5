"""The learners' uploads: each a folder, read one at a time by a process of its own, found again after a reload.

One for a server. What nobody accepts is deleted after a day.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Literal

from course_lib.data.intake import store, upload
from course_lib.data.intake.limits import UPLOAD_BYTES, UPLOAD_MEMORY
from course_lib.data.intake.upload import Asked, Seen
from course_lib.errors import CourseError
from course_lib.runs.files import storage_error
from course_lib.runs.process import Child, Message, worker_environment
from course_lib.settings import Settings

READER = (sys.executable, "-m", "course_lib.data.intake.reader")
KEPT_S = 24 * 3600  # an upload that nobody has accepted
TELLING = 0.1  # share that must be done before the time left is guessed
PATIENCE_S = 10.0  # for a process that was killed to be gone


@dataclass(frozen=True)
class Upload:
    """How one learner's upload stands."""

    state: Literal["none", "queued", "reading", "failed", "ready"] = "none"
    file: str = ""
    bytes: int = 0
    asked: Asked = field(default_factory=Asked)
    seen: Seen | None = None
    place: int = 0  # in the queue, from 1
    share: float = 0.0
    left_s: float | None = None
    error: CourseError | None = None
    card: store.Card | None = None  # of the dataset that is ready to be accepted

    @property
    def live(self) -> bool:
        """Is it still being read, or waiting for that?"""
        return self.state in ("queued", "reading")


@dataclass
class _Job:
    """The one upload that is being read."""

    owner: str
    child: Child
    begun: float
    share: float = 0.0
    ends: float | None = None  # when it will, as far as the share tells
    stopped: bool = False


class Uploads:
    """Takes files in, has them read, and hands over what is accepted. Thread-safe."""

    def __init__(self, settings: Settings, command: Sequence[str] = READER) -> None:
        self._settings, self._command = settings, command
        self.root = settings.home.expanduser().absolute() / "uploads"
        self._lock = threading.RLock()
        self._queue: list[str] = []  # owners
        self._job: _Job | None = None
        self._closed = False
        self._sweep()

    def folder(self, owner: str) -> Path:
        """Where the learner's upload lies; raises CourseError for an owner that is no plain word."""
        if not store.OWNER.fullmatch(owner):
            raise CourseError("intake_owner", owner=owner)
        return self.root / owner

    def receive(self, owner: str, name: str, file: IO[bytes], zone: str = "UTC") -> None:
        """Copies a file to the disk and has it read; the learner's earlier upload goes. Raises CourseError."""
        self._sweep()
        folder = self.folder(owner)
        draft = self.root / f".{owner}-{secrets.token_hex(8)}"
        try:
            (draft / upload.FILE).mkdir(parents=True)
            with (draft / upload.FILE / _plain(name)).open("wb") as copy:
                shutil.copyfileobj(file, copy, 2**20)
                size = copy.tell()
            if size > UPLOAD_BYTES:
                limit = f"{UPLOAD_BYTES // 2**20:,}"
                raise CourseError("upload_large", file=name, size=f"{size / 2**20:,.0f}", limit=limit)
            upload.ask(draft, Asked(zone=zone, number=secrets.token_hex(4)))
            self.discard(owner)
            os.replace(draft, folder)
        except OSError as problem:
            raise storage_error(problem, self.root) from problem
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._enter(owner)

    def again(self, owner: str, asked: Asked) -> None:
        """Has the learner's file read once more, as ``asked``; raises CourseError."""
        self._end(owner)
        folder = self.folder(owner)
        try:
            before = upload.asked(folder)
            if before is None:
                raise CourseError("upload_gone")
            upload.ask(folder, replace(asked, number=before.number))
            (folder / upload.ERROR).unlink(missing_ok=True)
            if asked.plain != before.plain:  # other columns, perhaps another file of several
                (folder / upload.SEEN).unlink(missing_ok=True)
            shutil.rmtree(folder / upload.DATASET, ignore_errors=True)
        except OSError as problem:
            raise storage_error(problem, self.root) from problem
        self._enter(owner)

    def stop(self, owner: str) -> None:
        """Ends the reading of the learner's file; the file stays until it is discarded or a day has passed."""
        self._end(owner)

    def discard(self, owner: str) -> None:
        """Ends the reading and deletes the upload."""
        self._end(owner)
        shutil.rmtree(self.folder(owner), ignore_errors=True)

    def accept(self, owner: str, name: str, currency: str = "") -> store.Card:
        """The dataset that is ready becomes the learner's own; the uploaded file goes. Raises CourseError."""
        folder = self.folder(owner)
        if self.view(owner).state != "ready":
            raise CourseError("upload_gone")
        card = store.adopt(folder / upload.DATASET, name, owner, currency=currency)
        self.discard(owner)
        return card

    def view(self, owner: str) -> Upload:
        """How the learner's upload stands now."""
        folder = self.folder(owner)
        asked, file = upload.asked(folder), upload.file_of(folder)
        if asked is None or file is None:
            return Upload()
        found = Upload("failed", file.name, _size(file), asked, upload.seen(folder))
        with self._lock:
            if owner in self._queue:
                return replace(found, state="queued", place=self._queue.index(owner) + 1)
            if self._job is not None and self._job.owner == owner:
                left = None if self._job.ends is None else max(0.0, self._job.ends - time.monotonic())
                return replace(found, state="reading", share=self._job.share, left_s=left)
        if (error := upload.error(folder)) is not None:
            return replace(found, error=error)
        try:
            return replace(found, state="ready", card=store.staged(folder / upload.DATASET))
        except CourseError:  # the server was restarted meanwhile
            return replace(found, error=CourseError("upload_interrupted"))

    def close(self) -> None:
        """Ends the process that reads; what waited is found interrupted after the next start."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            job = self._job
        if job is not None:
            self._end(job.owner)

    def _enter(self, owner: str) -> None:
        with self._lock:
            if owner not in self._queue:
                self._queue.append(owner)
            self._next()

    def _next(self) -> None:
        """Begins with the next one in the queue, if nobody else's is being read; called with the lock held."""
        while self._job is None and self._queue and not self._closed:
            owner = self._queue.pop(0)
            folder = self.folder(owner)
            try:
                aside = folder / upload.ASIDE  # what the reader unpacks goes with it, even if it is killed
                aside.mkdir(exist_ok=True)
                # Arrow's other allocators reserve a gigabyte in advance, which the reader's limit would count.
                extra = {"TMPDIR": str(aside), "ARROW_DEFAULT_MEMORY_POOL": "system"}
                environment = {**worker_environment(self._settings), **extra}
                child = Child(self._command, str(folder), environment, self._told, self._died)
                self._job = _Job(owner, child, time.monotonic())
            except OSError:
                self._fail(owner, CourseError("upload_died"))

    def _told(self, child: Child, message: Message) -> None:
        with self._lock:
            job = self._job
            if job is not None and job.child is child:
                job.share = float(message["share"])
                if job.share >= TELLING:
                    now = time.monotonic()
                    job.ends = now + (now - job.begun) * (1 - job.share) / job.share

    def _died(self, child: Child, out_of_memory: bool) -> None:
        """It has ended, well or not."""
        with self._lock:
            job = self._job
            if job is None or job.child is not child:
                return
            folder = self.folder(job.owner)
            shutil.rmtree(folder / upload.ASIDE, ignore_errors=True)
            if job.stopped:
                self._fail(job.owner, CourseError("upload_stopped"))
            elif not (folder / upload.ERROR).exists() and not (folder / upload.DATASET).exists():
                memory = CourseError("upload_memory", limit=f"{UPLOAD_MEMORY // 2**20:,}")
                self._fail(job.owner, memory if out_of_memory else CourseError("upload_died"))
            self._job = None
            self._next()

    def _fail(self, owner: str, why: CourseError) -> None:
        with contextlib.suppress(OSError):  # it has been discarded, or the disk is full: found interrupted then
            upload.fail(self.folder(owner), why)

    def _end(self, owner: str) -> None:
        """The learner's upload neither waits nor is read any more."""
        with self._lock:
            if owner in self._queue:
                self._queue.remove(owner)
                self._fail(owner, CourseError("upload_stopped"))
            job = self._job if self._job is not None and self._job.owner == owner else None
            if job is not None:
                job.stopped = True
                job.child.kill()
        if job is not None:
            job.child.join(PATIENCE_S)

    def _sweep(self) -> None:
        """Deletes what nobody has accepted for a day, and what killed processes have left."""
        with self._lock:
            busy = {*self._queue, *([self._job.owner] if self._job else [])}
            with contextlib.suppress(OSError):
                for folder in self.root.iterdir():
                    asked = folder / upload.ASKED
                    touched = (asked if asked.exists() else folder).stat().st_mtime
                    if folder.name not in busy and touched < time.time() - KEPT_S:
                        shutil.rmtree(folder, ignore_errors=True)


def _plain(name: str) -> str:
    """The file's name without folders or what no disk takes."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in base if sign.isprintable() and sign not in '<>:"|?*').strip(". ")
    stem, dot, kind = kept.rpartition(".")
    return f"{(stem or kept)[:60]}{dot}{kind[:10]}" if dot else kept[:60] or "file"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
