"""No statement looks for the messages below another one: their index made every message dearer to store."""

from __future__ import annotations

from alembic import op

__all__ = ["upgrade"]

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Drop the index. The version before works without it: it does not use it, either."""
    op.drop_index("ai_messages_by_parent", "ai_messages")
