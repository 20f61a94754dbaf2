"""What can be asked for again, such as the results of a batch, is paid for once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "ai_counted",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("counted_by", sa.String(32), nullable=False),
        sa.Column("counted_at", sa.BigInteger(), nullable=False),
    )
