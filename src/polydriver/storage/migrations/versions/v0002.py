"""Budgets are told apart by their names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the name. A budget was nowhere in use before, so that its table is empty."""
    op.add_column("ai_budgets", sa.Column("name", sa.Text()))
    op.drop_index("ai_budgets_by_window", "ai_budgets")
    op.create_index("ai_budgets_by_name", "ai_budgets", ["name", "subject", "window_start"], unique=True)
