"""Version 2: classes and their people, resume codes, the limits on guessing them, and certificates. New tables only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations

revision = "2"
down_revision = "1"


def _belongs_to(name: str, table: str, primary_key: bool = False) -> sa.Column[Any]:
    """A column whose row goes when the one that it names goes."""
    there = sa.ForeignKey(f"{table}.key", ondelete="CASCADE")
    return sa.Column(name, sa.Text, there, primary_key=primary_key, nullable=False)


def upgrade(op: Operations) -> None:
    """Adds the tables."""
    op.create_table(
        "instructors",
        _belongs_to("learner", "learners", primary_key=True),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "classes",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        _belongs_to("instructor", "learners"),
        sa.Column("code", sa.Text, unique=True),
        sa.Column("opened", sa.Float, nullable=False),
        sa.Column("closed", sa.Float),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
    )
    op.create_table(
        "members",
        _belongs_to("classroom", "classes", primary_key=True),
        _belongs_to("learner", "learners", primary_key=True),
        sa.Column("nickname", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("joined", sa.Float, nullable=False),
        sa.Column("removed", sa.Float),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("lesson", sa.Text, nullable=False),
        sa.Column("anchor", sa.Text, nullable=False),
        sa.Column("help_since", sa.Float),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.UniqueConstraint("classroom", "folded", name="members_nickname"),
    )
    op.create_index("members_of", "members", ["learner"])
    op.create_table(
        "revealed",
        _belongs_to("classroom", "classes", primary_key=True),
        sa.Column("lesson", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "resume_codes",
        _belongs_to("learner", "learners", primary_key=True),
        sa.Column("code", sa.Text, nullable=False, unique=True),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "tries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("tries_of", "tries", ["what", "at"])
    op.create_table(
        "certificates",
        sa.Column("code", sa.Text, primary_key=True),
        _belongs_to("learner", "learners"),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("certificates_of", "certificates", ["learner"])
