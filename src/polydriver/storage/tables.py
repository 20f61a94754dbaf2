"""The tables. Migrations make them; nothing here is created by the library itself.

Ids are 32 hex digits that sort by time (`ids.new_id`). Rows of calls, attempts and corrections are only added: an
attempt's row is written before its request goes out, and completed once, when it ends. What is learned later (a price,
a correction) is a row of its own in `ai_corrections`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table

from .columns import Json, Money, Text, Time

__all__ = [
    "METADATA",
    "answers",
    "attempts",
    "blobs",
    "budgets",
    "calls",
    "conversations",
    "corrections",
    "counted",
    "messages",
    "model_changes",
    "model_prices",
    "models",
    "providers",
    "reservations",
    "rolled_days",
    "rollups",
]

METADATA = MetaData()
_ID = String(32)


def _owner() -> list[Column[object]]:
    """Who something was for."""
    return [
        Column("project", Text),
        Column("key", Text),
        Column("user", Text),
        Column("tags", Json),
        Column("metadata", Json),
    ]


providers = Table(
    "ai_providers",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("driver", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("synced_at", Time),
)

models = Table(
    "ai_models",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("name", Text),
    Column("type", Text),
    Column("context_length", BigInteger),
    Column("max_output_tokens", BigInteger),
    Column("facts", Json),
    Column("active", Boolean, nullable=False),
    Column("first_seen_at", Time, nullable=False),
    Column("last_seen_at", Time, nullable=False),
    Column("deactivated_at", Time),
    Index("ai_models_by_provider", "provider", "model", unique=True),
)

model_prices = Table(
    "ai_model_prices",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("ai_models.id", ondelete="CASCADE"), nullable=False),
    Column("prices", Json, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("source", Text),
    Column("effective_from", Time, nullable=False),
    Column("effective_until", Time),
    Index("ai_model_prices_by_model", "model_id", "effective_from"),
)

model_changes = Table(
    "ai_model_changes",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("ai_models.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("changes", Json),
    Column("changed_at", Time, nullable=False),
    Index("ai_model_changes_by_model", "model_id"),
)

conversations = Table(
    "ai_conversations",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("title", Text),
    Column("search", Text),
    Column("provider", Text),
    Column("model", Text),
    Column("settings", Json),
    Column("sealed", LargeBinary),
    Column("head_id", _ID),
    Column("message_count", Integer, nullable=False, default=0),
    Column("input_tokens", BigInteger, nullable=False, default=0),
    Column("output_tokens", BigInteger, nullable=False, default=0),
    Column("cost", Money, nullable=False, default=0),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    *_owner(),
    Index("ai_conversations_by_user", "user", "updated_at"),
    Index("ai_conversations_by_update", "updated_at"),
)

messages = Table(
    "ai_messages",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("conversation_id", _ID, ForeignKey("ai_conversations.id", ondelete="CASCADE"), nullable=False),
    Column("parent_id", _ID),
    Column("position", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("content", Json),
    Column("sealed", LargeBinary),
    Column("search", Text),
    Column("call_id", _ID),
    Column("provider", Text),
    Column("model", Text),
    Column("usage", Json),
    Column("cost", Money),
    Column("metadata", Json),
    Column("created_at", Time, nullable=False),
    Index("ai_messages_by_conversation", "conversation_id", "position"),
)

blobs = Table(
    "ai_blobs",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("media_type", Text),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("sealed", Boolean),
    Column("created_at", Time, nullable=False),
)

answers = Table(
    "ai_answers",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("user", Text),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("sealed", Boolean),
    Column("expires_at", Time, nullable=False),
    Column("used_at", Time, nullable=False),
    Index("ai_answers_by_expiry", "expires_at"),
    Index("ai_answers_by_use", "used_at"),
    Index("ai_answers_by_user", "user"),
)

calls = Table(
    "ai_calls",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("request_id", String(64), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text),
    Column("conversation_id", _ID),
    Column("started_at", Time, nullable=False),
    *_owner(),
    Index("ai_calls_by_time", "started_at"),
    Index("ai_calls_by_request", "request_id"),
    Index("ai_calls_by_conversation", "conversation_id"),
)

attempts = Table(
    "ai_attempts",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("call_id", _ID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text),
    Column("answered_model", Text),
    Column("conversation_id", _ID),
    Column("started_at", Time, nullable=False),
    Column("ended_at", Time),
    Column("expires_at", Time),
    Column("estimate", Json),
    Column("outcome", String(16)),
    Column("status", Integer),
    Column("error", Text),
    Column("provider_request_id", Text),
    Column("latency_us", BigInteger),
    Column("first_content_us", BigInteger),
    Column("may_be_billed", Boolean),
    Column("input_tokens", BigInteger),
    Column("cached_input_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("usage", Json),
    Column("estimated", Boolean),
    Column("cost", Money),
    Column("currency", String(8)),
    Column("cost_items", Json),
    Column("cost_source", Text),
    Column("reported_cost", Money),
    Column("calculated_cost", Money),
    Column("price_known", Boolean),
    Column("facts", Json),
    *_owner(),
    Index("ai_attempts_by_time", "started_at"),
    Index("ai_attempts_by_call", "call_id"),
    Index("ai_attempts_open", "outcome", "expires_at"),
    Index("ai_attempts_by_conversation", "conversation_id"),
)

counted = Table(
    "ai_counted",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("counted_by", _ID, nullable=False),
    Column("counted_at", Time, nullable=False),
    Column("facts", Json),
)

corrections = Table(
    "ai_corrections",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("attempt_id", _ID, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("cost", Money, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("facts", Json),
    Column("created_at", Time, nullable=False),
    Index("ai_corrections_by_attempt", "attempt_id"),
)

budgets = Table(
    "ai_budgets",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("name", Text),
    Column("scope", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("period", String(16), nullable=False),
    Column("window_start", Time, nullable=False),
    Column("window_end", Time),
    Column("spent", Money, nullable=False, default=0),
    Column("reserved", Money, nullable=False, default=0),
    Column("warned", Integer, nullable=False, default=0),
    Index("ai_budgets_by_name", "name", "subject", "window_start", unique=True),
)

reservations = Table(
    "ai_reservations",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("budget_id", _ID, ForeignKey("ai_budgets.id", ondelete="CASCADE"), nullable=False),
    Column("attempt_id", _ID),
    Column("amount", Money, nullable=False),
    Column("expires_at", Time, nullable=False),
    Index("ai_reservations_by_budget", "budget_id", "expires_at"),
    Index("ai_reservations_by_attempt", "attempt_id"),
)

rollups = Table(
    "ai_rollups",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("start", Time, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text),
    Column("operation", String(32), nullable=False),
    Column("project", Text),
    Column("key", Text),
    Column("user", Text),
    Column("tags", Json),
    Column("currency", String(8)),
    Column("attempts", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("unpriced", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_input_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cost", Money, nullable=False),
    Index("ai_rollups_by_time", "start"),
)

rolled_days = Table(
    "ai_rolled_days",
    METADATA,
    Column("day", Time, primary_key=True, autoincrement=False),
    Column("rolled_at", Time, nullable=False),
    Column("final", Boolean),
)
