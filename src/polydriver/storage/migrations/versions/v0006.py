"""What our prices give stands beside the cost that a provider reported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column("ai_attempts", sa.Column("calculated_cost", sa.BigInteger()))
