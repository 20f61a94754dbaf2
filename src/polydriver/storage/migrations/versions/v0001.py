"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["upgrade"]

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _attempts()
    _blobs()
    _budgets()
    _calls()
    _conversations()
    _corrections()
    _models()
    _providers()
    _messages()
    _model_prices()
    _reservations()


def _attempts() -> None:
    op.create_table(
        "ai_attempts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("call_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("answered_model", sa.Text()),
        sa.Column("conversation_id", sa.String(32)),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("estimate", sa.Text()),
        sa.Column("outcome", sa.String(16)),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.Column("provider_request_id", sa.Text()),
        sa.Column("latency_us", sa.BigInteger()),
        sa.Column("first_content_us", sa.BigInteger()),
        sa.Column("may_be_billed", sa.Boolean()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("cache_write_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("usage", sa.Text()),
        sa.Column("estimated", sa.Boolean()),
        sa.Column("cost", sa.BigInteger()),
        sa.Column("currency", sa.String(8)),
        sa.Column("cost_items", sa.Text()),
        sa.Column("cost_source", sa.Text()),
        sa.Column("reported_cost", sa.BigInteger()),
        sa.Column("price_known", sa.Boolean()),
        sa.Column("facts", sa.Text()),
        sa.Column("project", sa.Text()),
        sa.Column("key", sa.Text()),
        sa.Column("user", sa.Text()),
        sa.Column("tags", sa.Text()),
        sa.Column("metadata", sa.Text()),
    )
    op.create_index("ai_attempts_by_call", "ai_attempts", ["call_id"])
    op.create_index("ai_attempts_by_conversation", "ai_attempts", ["conversation_id"])
    op.create_index("ai_attempts_by_time", "ai_attempts", ["started_at"])
    op.create_index("ai_attempts_open", "ai_attempts", ["outcome", "expires_at"])


def _blobs() -> None:
    op.create_table(
        "ai_blobs",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("media_type", sa.Text()),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )


def _budgets() -> None:
    op.create_table(
        "ai_budgets",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("window_end", sa.BigInteger()),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("warned", sa.Integer(), nullable=False),
    )
    op.create_index("ai_budgets_by_window", "ai_budgets", ["scope", "subject", "period", "window_start"], unique=True)


def _calls() -> None:
    op.create_table(
        "ai_calls",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("conversation_id", sa.String(32)),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.Text()),
        sa.Column("key", sa.Text()),
        sa.Column("user", sa.Text()),
        sa.Column("tags", sa.Text()),
        sa.Column("metadata", sa.Text()),
    )
    op.create_index("ai_calls_by_conversation", "ai_calls", ["conversation_id"])
    op.create_index("ai_calls_by_request", "ai_calls", ["request_id"])
    op.create_index("ai_calls_by_time", "ai_calls", ["started_at"])


def _conversations() -> None:
    op.create_table(
        "ai_conversations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("title", sa.Text()),
        sa.Column("search", sa.Text()),
        sa.Column("provider", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("settings", sa.Text()),
        sa.Column("head_id", sa.String(32)),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.Text()),
        sa.Column("key", sa.Text()),
        sa.Column("user", sa.Text()),
        sa.Column("tags", sa.Text()),
        sa.Column("metadata", sa.Text()),
    )
    op.create_index("ai_conversations_by_update", "ai_conversations", ["updated_at"])
    op.create_index("ai_conversations_by_user", "ai_conversations", ["user", "updated_at"])


def _corrections() -> None:
    op.create_table(
        "ai_corrections",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("facts", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ai_corrections_by_attempt", "ai_corrections", ["attempt_id"])


def _models() -> None:
    op.create_table(
        "ai_models",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("type", sa.Text()),
        sa.Column("context_length", sa.BigInteger()),
        sa.Column("max_output_tokens", sa.BigInteger()),
        sa.Column("facts", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("deactivated_at", sa.BigInteger()),
    )
    op.create_index("ai_models_by_provider", "ai_models", ["provider", "model"], unique=True)


def _providers() -> None:
    op.create_table(
        "ai_providers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("synced_at", sa.BigInteger()),
    )


def _messages() -> None:
    op.create_table(
        "ai_messages",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "conversation_id", sa.String(32), sa.ForeignKey("ai_conversations.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("parent_id", sa.String(32)),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("content", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("search", sa.Text()),
        sa.Column("call_id", sa.String(32)),
        sa.Column("provider", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("usage", sa.Text()),
        sa.Column("cost", sa.BigInteger()),
        sa.Column("metadata", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ai_messages_by_conversation", "ai_messages", ["conversation_id", "position"])
    op.create_index("ai_messages_by_parent", "ai_messages", ["parent_id"])


def _model_prices() -> None:
    op.create_table(
        "ai_model_prices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("model_id", sa.String(32), sa.ForeignKey("ai_models.id", ondelete="CASCADE"), nullable=False),
        sa.Column("prices", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("effective_from", sa.BigInteger(), nullable=False),
        sa.Column("effective_until", sa.BigInteger()),
    )
    op.create_index("ai_model_prices_by_model", "ai_model_prices", ["model_id", "effective_from"])


def _reservations() -> None:
    op.create_table(
        "ai_reservations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("budget_id", sa.String(32), sa.ForeignKey("ai_budgets.id", ondelete="CASCADE"), nullable=False),
        sa.Column("attempt_id", sa.String(32)),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ai_reservations_by_attempt", "ai_reservations", ["attempt_id"])
    op.create_index("ai_reservations_by_budget", "ai_reservations", ["budget_id", "expires_at"])
