"""Rollups: sums of the ledger, for reports over long times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0003"
down_revision = "0002"

_COUNTS = (
    "attempts", "calls", "failed", "unpriced", "estimated", "input_tokens", "cached_input_tokens", "cache_write_tokens",
    "output_tokens", "reasoning_tokens", "cost",
)  # fmt: skip


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "ai_rollups",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("project", sa.Text()),
        sa.Column("key", sa.Text()),
        sa.Column("user", sa.Text()),
        sa.Column("tags", sa.Text()),
        sa.Column("currency", sa.String(8)),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
    )
    op.create_index("ai_rollups_by_time", "ai_rollups", ["start"])
    op.create_table(
        "ai_rolled_days",
        sa.Column("day", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("rolled_at", sa.BigInteger(), nullable=False),
    )
