"""Answers that are given again to equal prompts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "ai_answers",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("user", sa.Text()),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.Boolean()),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ai_answers_by_expiry", "ai_answers", ["expires_at"])
    op.create_index("ai_answers_by_use", "ai_answers", ["used_at"])
    op.create_index("ai_answers_by_user", "ai_answers", ["user"])
