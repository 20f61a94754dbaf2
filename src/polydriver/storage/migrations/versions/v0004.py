"""Content can be encrypted; sums outlive the rows that they are of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("ai_conversations", sa.Column("sealed", sa.LargeBinary()))
    op.add_column("ai_blobs", sa.Column("sealed", sa.Boolean()))
    op.add_column("ai_rolled_days", sa.Column("final", sa.Boolean()))
