"""What is kept of what counts once: where a budget counts it, so that an estimate can be replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    op.add_column("ai_counted", sa.Column("facts", sa.Text()))
