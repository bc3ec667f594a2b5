"""What the course remembers: answers, guesses, steps, runs, challenges and preferences, each stored when given.

    store = open_store(load_settings().database_url)
    learner = store.learner()                       # alone on a laptop there is one, "local", and no login
    learner.record_answer("user_understanding", "order", [1], correct=True, version=question.version)
    learner.answers("user_understanding")["order"].correct

One store serves all threads of a process, and processes share a database. Nothing is kept in memory, so whatever was
written is there after a reload, a restart, or in a second browser. Every method raises CourseError where the database
fails, and the message says what to do.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from course_lib.course import database_address, tables
from course_lib.course.database import NAPS, PATIENCE, connect, identity
from course_lib.course.database_errors import translated
from course_lib.course.given import Activity, Answer, ChallengeTried, GuessGiven, RunStarted, Step
from course_lib.course.storable import checked_json, checked_name, checked_text
from course_lib.errors import CourseError

__all__ = [
    "Activity", "Answer", "ChallengeTried", "GuessGiven", "Learner", "RunStarted", "Step", "Store", "Unopened",
    "open_store",
]  # fmt: skip

GLANCE = 0.25  # seconds that a mark of progress may wait for another writer: it can be made at the next drawing
PAUSE = 2.0  # seconds for which a page does not ask again what has just been refused: it asks some twenty times
WRITERS = {"sqlite": 1}  # that may hold a connection at once, so that readers always find a free one; others: 8


def open_store(address: str, patience: float = PATIENCE) -> Store:
    """The store at an SQLAlchemy URL, its tables made where the database is empty.

    A database of an older version is carried forward. ``patience`` is how many seconds a write waits for another
    writer. Raises CourseError: a database of a newer version (left untouched), a file that is no database, a folder
    that cannot be written, a server that is not there.
    """
    return Store(connect(address, patience), patience)


@dataclass
class Store:
    """An open database. Safe to share between threads; keep one a process."""

    engine: sa.Engine
    patience: float = PATIENCE  # seconds that a write waits for other writers
    shown: str = field(init=False)  # the address as messages show it
    file: tuple[int, int] | None = field(init=False)  # the file that was opened
    writes: int = field(init=False, default=0)  # by this process; what was read before the last one is old
    refusals: dict[str, tuple[float, CourseError]] = field(init=False, default_factory=dict)  # the last, of "read", ...

    def __post_init__(self) -> None:
        self.shown = database_address.shown(self.engine.url)
        self.file = identity(self.engine)
        self._turns = threading.BoundedSemaphore(WRITERS.get(self.engine.dialect.name, 8))

    def learner(
        self, key: str = "local", for_a_page: bool = False, troubles: list[CourseError] | None = None
    ) -> Learner:
        """The notebook of one learner; costs nothing until something is read or written.

        One ``for_a_page`` reads all that there is at once and again only after a write: keep it for one drawing. Where
        ``troubles`` is given, what cannot be read is empty and the reason is added there; else it is raised.
        """
        return Learner(self, checked_name("learner", key), _Page() if for_a_page else None, troubles)

    @property
    def replaced(self) -> bool:
        """Whether another file lies in the place of the one that was opened."""
        return identity(self.engine) not in (None, self.file)

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    def read(self, query: sa.Select[Any]) -> list[Any]:
        """All rows of a query."""
        return self.read_all({"": query})[""]

    def read_all(self, queries: Mapping[str, sa.Select[Any]], **values: Any) -> dict[str, list[Any]]:
        """All rows of each query, read at one moment; ``values`` are those of their parameters.

        What has just been refused is refused at once: the parts of a page ask one after the other, and each would wait.
        """
        error = self.refused("read")
        if error is not None:
            raise error.with_traceback(None)  # it is raised many times, and would grow
        with self._noted("read"), translated(self.shown), self.engine.connect() as connection:
            return {name: list(connection.execute(query, values).all()) for name, query in queries.items()}

    def write(self, work: Callable[[sa.Connection], None], patience: float | None = None) -> None:
        """Does ``work`` in one transaction; again where another process has inserted the same row meanwhile.

        It waits ``patience`` seconds for other writers, the store's own patience unless given. When it returns, all of
        the work is on the disk; when it raises CourseError, nothing of it is.
        """
        allowed = self.patience if patience is None else patience
        end = time.monotonic() + allowed
        with self._noted("write"):
            if self.file != identity(self.engine):  # SQLite would write on to a deleted file, and nobody would read it
                raise CourseError("database_gone", address=self.shown)
            if not self._turns.acquire(timeout=allowed):
                raise CourseError("database_busy", address=self.shown)
            try:
                self._write(work, end)
            finally:
                self._turns.release()

    def _write(self, work: Callable[[sa.Connection], None], end: float) -> None:
        with translated(self.shown):
            for attempt in range(NAPS):
                left = max(0.01, end - time.monotonic())
                try:
                    options = self.engine.connect().execution_options(writes=True, patience=left)
                    with options as connection, connection.begin():
                        work(connection)
                    self.writes += 1
                    return
                except sa.exc.IntegrityError:
                    if attempt == NAPS - 1:
                        raise

    def refused(self, what: str) -> CourseError | None:
        """Why the last reading ("read") or writing ("write") failed, if that is only moments ago."""
        since, error = self.refusals.get(what, (0.0, None))
        return error if error is not None and time.monotonic() - since < PAUSE else None

    @contextlib.contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        try:
            yield
        except CourseError as error:
            self.refusals[what] = (time.monotonic(), error)
            if error.key == "database_corrupt":
                self.engine.dispose()  # the file may be put right in its place; SQLite would keep what it has read
            raise
        self.refusals.pop(what, None)


class Unopened(Store):
    """In the place of a database that cannot be opened: whatever is asked of it says why."""

    def __init__(self, error: CourseError) -> None:
        self.error, self.file, self.writes, self.refusals = error, None, 0, {}

    def close(self) -> None:
        """Nothing is open."""

    def read_all(self, queries: Mapping[str, sa.Select[Any]], **values: Any) -> dict[str, list[Any]]:
        """Raises CourseError."""
        raise self.error.with_traceback(None)

    def write(self, work: Callable[[sa.Connection], None], patience: float | None = None) -> None:
        """Raises CourseError."""
        raise self.error.with_traceback(None)


@dataclass
class _Page:
    """What has been read for one drawing of a page: a lesson asks some twenty times for what six queries tell."""

    writes: int = -1  # Store.writes before the reading
    rows: dict[str, list[Any]] = field(default_factory=dict)  # by table


@dataclass(frozen=True)
class Learner:
    """One learner's notebook. ``record_...`` has written to the database when it returns."""

    store: Store
    key: str
    page: _Page | None = None
    troubles: list[CourseError] | None = None  # why something could not be read; None: that is raised

    # ---- answers

    def record_answer(
        self, lesson: str, question: str, chosen: Iterable[int], correct: bool, version: str = ""
    ) -> None:
        """An answer, graded; earlier ones are kept."""
        self._add(
            tables.answers,
            lesson,
            question=checked_name("question", question),
            version=checked_name("version", version, empty=True),
            chosen=checked_json("chosen", [int(one) for one in chosen]),
            correct=bool(correct),
        )

    def attempts(self, lesson: str | None = None) -> tuple[Answer, ...]:
        """All answers ever given, oldest first."""
        rows = self._rows(tables.answers, lesson)
        return tuple(Answer(r.lesson, r.question, r.version, tuple(r.chosen), r.correct, r.at) for r in rows)

    def answers(self, lesson: str) -> dict[str, Answer]:
        """The newest answer to each question of a lesson."""
        return {answer.question: answer for answer in self.attempts(lesson)}

    # ---- guesses

    def record_guess(self, lesson: str, guess: str, value: str | float) -> None:
        """A guess; earlier ones are kept."""
        self._add(tables.guesses, lesson, guess=checked_name("guess", guess), value=checked_json("value", value))

    def guess_attempts(self, lesson: str | None = None) -> tuple[GuessGiven, ...]:
        """All guesses ever made, oldest first."""
        return tuple(GuessGiven(r.lesson, r.guess, r.value, r.at) for r in self._rows(tables.guesses, lesson))

    def guesses(self, lesson: str) -> dict[str, GuessGiven]:
        """The newest guess of each kind in a lesson."""
        return {guess.guess: guess for guess in self.guess_attempts(lesson)}

    # ---- steps

    def record_step(self, lesson: str, anchor: str, completed: bool = False, patience: float | None = None) -> None:
        """A section seen or, with ``completed``, finished. A finished one stays finished."""
        where = {
            "learner": self.key,
            "lesson": checked_name("lesson", lesson),
            "anchor": checked_name("anchor", anchor),
        }
        row = sa.and_(*(tables.steps.c[name] == value for name, value in where.items()))

        def work(connection: sa.Connection) -> None:
            before = connection.execute(sa.select(tables.steps.c.completed).where(row)).scalar()
            if before is None:
                self._be_there(connection)
                connection.execute(tables.steps.insert().values(**where, completed=bool(completed), at=time.time()))
            elif completed and not before:
                connection.execute(tables.steps.update().where(row).values(completed=True, at=time.time()))

        known = [step for step in self.steps(lesson) if step.anchor == anchor]
        if not known or (completed and not known[0].completed):  # most visits are repeats: no lock for those
            self.store.write(work, patience)

    def mark(self, lesson: str, *anchors: str) -> bool:
        """Sections that are finished, noted where the database takes it at once; whether it has.

        For what a learner has not asked to be kept, and what can be noted as well at the next drawing of the page.
        """
        if self.store.refused("write") is not None:
            return False
        try:
            for anchor in anchors:
                self.record_step(lesson, anchor, completed=True, patience=GLANCE)
        except CourseError as error:
            if not error.of_the_database:
                raise
            return False
        return True

    def steps(self, lesson: str | None = None) -> tuple[Step, ...]:
        """The sections seen so far."""
        rows = self._rows(tables.steps, lesson)
        return tuple(Step(r.lesson, r.anchor, r.completed, r.at) for r in rows)

    # ---- runs

    def record_run(self, lesson: str, run_id: str, link: str = "", state: Mapping[str, Any] | None = None) -> None:
        """A run started or opened; it becomes the lesson's last run."""
        self._add(
            tables.runs,
            lesson,
            run_id=checked_name("run_id", run_id),
            link=checked_text("link", link),
            state=checked_json("state", dict(state or {})),
        )

    def runs(self, lesson: str | None = None) -> tuple[RunStarted, ...]:
        """All runs, oldest first."""
        return tuple(RunStarted(r.lesson, r.run_id, r.link, r.state, r.at) for r in self._rows(tables.runs, lesson))

    def last_run(self, lesson: str) -> RunStarted | None:
        """The run that a reload, a restart or a second browser comes back to."""
        rows = self._rows(tables.runs, lesson, newest=1)
        return RunStarted(rows[0].lesson, rows[0].run_id, rows[0].link, rows[0].state, rows[0].at) if rows else None

    # ---- challenges

    def record_challenge(self, lesson: str, challenge: str, run_id: str, passed: bool, details: Any = None) -> None:
        """A graded attempt at a challenge; earlier ones are kept."""
        self._add(
            tables.challenges,
            lesson,
            challenge=checked_name("challenge", challenge),
            run_id=checked_name("run_id", run_id),
            passed=bool(passed),
            details=checked_json("details", {} if details is None else details),
        )

    def challenges(self, lesson: str | None = None) -> tuple[ChallengeTried, ...]:
        """All attempts at challenges, oldest first."""
        rows = self._rows(tables.challenges, lesson)
        return tuple(ChallengeTried(r.lesson, r.challenge, r.run_id, r.passed, r.details, r.at) for r in rows)

    # ---- preferences and everything

    def preference(self, name: str, default: Any = None) -> Any:
        """A preference such as ``language``, or ``default`` where it was never set."""
        wanted = checked_name("preference", name)
        if self.page is not None:
            rows = [row for row in self._page_rows(tables.preferences) if row.name == wanted]
        else:
            table = tables.preferences
            query = sa.select(table).where(table.c.learner == self.key, table.c.name == wanted)
            rows = self._read({"": query})[""]
        return rows[0].value if rows else default

    def set_preference(self, name: str, value: Any) -> None:
        """Sets a preference; any JSON value but null."""
        table = tables.preferences
        where = {"learner": self.key, "name": checked_name("preference", name)}
        stored = checked_json(name, value)

        def work(connection: sa.Connection) -> None:
            row = sa.and_(table.c.learner == self.key, table.c.name == where["name"])
            if not connection.execute(table.update().where(row).values(value=stored)).rowcount:
                self._be_there(connection)
                connection.execute(table.insert().values(**where, value=stored))

        self.store.write(work)

    def activity(self) -> Activity:
        """All that the learner has done, for progress."""
        return Activity(self.attempts(), self.guess_attempts(), self.steps(), self.runs(), self.challenges())

    # ---- within

    def _add(self, table: sa.Table, lesson: str, **values: Any) -> None:
        """A new row."""
        row = {"learner": self.key, "lesson": checked_name("lesson", lesson), **values}

        def work(connection: sa.Connection) -> None:
            self._be_there(connection)
            connection.execute(table.insert().values(**row, at=time.time()))

        self.store.write(work)

    def _be_there(self, connection: sa.Connection) -> None:
        """The learner's own row, made at the first thing that is written."""
        known = connection.execute(sa.select(tables.learners.c.key).where(tables.learners.c.key == self.key)).scalar()
        if known is None:
            connection.execute(tables.learners.insert().values(key=self.key, since=time.time()))

    def _rows(self, table: sa.Table, lesson: str | None, newest: int | None = None) -> list[Any]:
        """The learner's rows, oldest first, or only the ``newest`` ones, newest first."""
        if self.page is not None:
            rows = [row for row in self._page_rows(table) if lesson is None or row.lesson == lesson]
            return rows[: -newest - 1 : -1] if newest else rows
        order = _order(table)
        query = sa.select(table).where(table.c.learner == self.key)
        if lesson is not None:
            query = query.where(table.c.lesson == lesson)
        query = query.order_by(order.desc()).limit(newest) if newest else query.order_by(order)
        return self._read({"": query})[""]

    def _read(self, queries: Mapping[str, sa.Select[Any]], **values: Any) -> dict[str, list[Any]]:
        """The rows; none where they cannot be read and somebody takes the reason."""
        if self.troubles is None:
            return self.store.read_all(queries, **values)
        try:
            return self.store.read_all(queries, **values)
        except CourseError as error:
            if not error.of_the_database:
                raise
            self.troubles.append(error)
        return {name: [] for name in queries}

    def _page_rows(self, table: sa.Table) -> list[Any]:
        """The learner's rows of a table, oldest first, from one reading of all tables."""
        assert self.page is not None
        writes = self.store.writes
        if self.page.writes != writes:
            self.page.rows = self._read(_ALL, learner=self.key)
            self.page.writes = writes
        return self.page.rows[table.name]


def _order(table: sa.Table) -> sa.Column[Any]:
    """What a table's rows are in the order of."""
    return next(table.c[name] for name in ("id", "at", "name") if name in table.c)


_ALL = {
    table.name: sa.select(table).where(table.c.learner == sa.bindparam("learner")).order_by(_order(table))
    for table in (tables.answers, tables.guesses, tables.steps, tables.runs, tables.challenges, tables.preferences)
}
