"""The database's tables, the same in SQLite and PostgreSQL. Raise SCHEMA with every change to them.

Times are unix seconds. Everything that a learner gives is a new row, so every attempt is kept and the newest counts;
only steps and preferences are overwritten.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint

SCHEMA = "2"

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

# ---- a class, its people, and what proves who somebody is

instructors = Table(  # learners who have given the instructor's secret
    "instructors",
    metadata,
    Column("learner", Text, ForeignKey("learners.key", ondelete="CASCADE"), primary_key=True),
    Column("since", Float, nullable=False),
)

classes = Table(
    "classes",
    metadata,
    Column("key", Text, primary_key=True),  # 16 hexadecimal digits, random
    Column("name", Text, nullable=False),
    Column("instructor", Text, ForeignKey("learners.key", ondelete="CASCADE"), nullable=False),
    Column("code", Text, unique=True),  # what one joins with; none once the class is closed
    Column("opened", Float, nullable=False),
    Column("closed", Float),
    Column("plan", JSON, nullable=False),  # what is open, where everybody is called to, whether answers are anonymous
    Column("limits", JSON, nullable=False),  # of each learner: longest run, largest model and dataset
)

members = Table(
    "members",
    metadata,
    Column("classroom", Text, ForeignKey("classes.key", ondelete="CASCADE"), primary_key=True),
    Column("learner", Text, ForeignKey("learners.key", ondelete="CASCADE"), primary_key=True),
    Column("nickname", Text, nullable=False),  # as shown
    Column("folded", Text, nullable=False),  # as compared: no two members of a class have the same
    Column("joined", Float, nullable=False),
    Column("removed", Float),  # by the instructor; such a learner cannot join again by the same code
    Column("seen", Float, nullable=False),  # last active
    Column("lesson", Text, nullable=False),  # where they are; empty: no lesson
    Column("anchor", Text, nullable=False),
    Column("help_since", Float),  # asks for help
    Column("limits", JSON, nullable=False),  # of this learner, where they differ from the class's
    UniqueConstraint("classroom", "folded", name="members_nickname"),
    Index("members_of", "learner"),
)

revealed = Table(  # questions and guesses whose pooled answers the class may see
    "revealed",
    metadata,
    Column("classroom", Text, ForeignKey("classes.key", ondelete="CASCADE"), primary_key=True),
    Column("lesson", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at", Float, nullable=False),
)

resume_codes = Table(
    "resume_codes",
    metadata,
    Column("learner", Text, ForeignKey("learners.key", ondelete="CASCADE"), primary_key=True),
    Column("code", Text, nullable=False, unique=True),  # its keyed hash; the code itself is nowhere
    Column("since", Float, nullable=False),
)

tries = Table(  # codes tried of late, for the limits on guessing; shared by all web processes
    "tries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("what", Text, nullable=False),  # which code, and from where, hashed
    Column("at", Float, nullable=False),
    Index("tries_of", "what", "at"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("code", Text, primary_key=True),
    Column("learner", Text, ForeignKey("learners.key", ondelete="CASCADE"), nullable=False),
    Column("content", JSON, nullable=False),
    Column("at", Float, nullable=False),
    Index("certificates_of", "learner"),
)
