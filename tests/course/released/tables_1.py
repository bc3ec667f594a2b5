"""The database's tables, the same in SQLite and PostgreSQL. Raise SCHEMA with every change to them.

Times are unix seconds. Everything that a learner gives is a new row, so every attempt is kept and the newest counts;
only steps and preferences are overwritten.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text

SCHEMA = "1"

metadata = MetaData()


def _given(name: str, *columns: Column[object]) -> Table:
    """A table of attempts: one row a time that a learner gave something in a lesson."""
    return Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("learner", Text, ForeignKey("learners.key", ondelete="CASCADE"), nullable=False),
        Column("lesson", Text, nullable=False),
        *columns,
        Column("at", Float, nullable=False),
        Index(f"{name}_of", "learner", "lesson"),
    )


meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

learners = Table("learners", metadata, Column("key", Text, primary_key=True), Column("since", Float, nullable=False))

answers = _given(
    "answers",
    Column("question", Text, nullable=False),
    Column("version", Text, nullable=False),  # Question.version that was answered
    Column("chosen", JSON, nullable=False),  # places of the chosen options
    Column("correct", Boolean, nullable=False),
)

guesses = _given(
    "guesses",
    Column("guess", Text, nullable=False),
    Column("value", JSON, nullable=False),  # an option's id or a number
)

runs = _given(
    "runs",
    Column("run_id", Text, nullable=False),
    Column("link", Text, nullable=False),  # the lab's whole state as the page's query string
    Column("state", JSON, nullable=False),  # whatever else the page wants back
)

challenges = _given(
    "challenges",
    Column("challenge", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("details", JSON, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("learner", Text, ForeignKey("learners.key", ondelete="CASCADE"), primary_key=True),
    Column("lesson", Text, primary_key=True),
    Column("anchor", Text, primary_key=True),
    Column("completed", Boolean, nullable=False),  # False: visited
    Column("at", Float, nullable=False),
)

preferences = Table(
    "preferences",
    metadata,
    Column("learner", Text, ForeignKey("learners.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", JSON, nullable=False),
)
