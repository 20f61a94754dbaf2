"""The changes of models that syncs found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "ai_model_changes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("model_id", sa.String(32), sa.ForeignKey("ai_models.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("changes", sa.Text()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ai_model_changes_by_model", "ai_model_changes", ["model_id"])
