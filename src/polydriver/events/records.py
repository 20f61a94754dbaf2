"""What happened, as frozen records."""

from __future__ import annotations

from time import time as now
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from ..data.cost import Cost
    from ..data.messages import AIMessage, ToolCall, ToolResult
    from ..data.models import SyncReport
    from ..data.responses import AIResponse
    from ..data.usage import TokenUsage
    from ..errors import AIError

__all__ = [
    "CircuitClosed",
    "CircuitOpened",
    "ConversationUpdated",
    "CostCalculated",
    "Event",
    "MessageSent",
    "ModelsSynced",
    "ProviderFellBack",
    "RateLimitReached",
    "RequestFailed",
    "RequestRetried",
    "ResponseGenerated",
    "ToolCalled",
    "ToolCompleted",
    "ToolFailed",
]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What all events have.

    `provider` is the connection's name, `model` as requested; `request_id` is ours, the same in all events of
    one call; `timestamp` is in seconds since the epoch; `metadata` is what the caller gave along.
    """

    provider: str | None = None
    model: str | None = None
    request_id: str | None = None
    conversation_id: str | None = None
    timestamp: float = msgspec.field(default_factory=now)
    metadata: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name of the event's class: "MessageSent", ..."""
        return type(self).__name__

    @property
    def time(self) -> datetime:
        """The timestamp as an aware `datetime`, in UTC."""
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self.timestamp, UTC)


class MessageSent(Event, frozen=True, kw_only=True):
    """Messages are about to be sent; once for a call, before its first attempt.

    `options` are those that the caller gave, by our names, from `temperature` to `audio`.
    """

    messages: list[AIMessage]
    options: dict[str, Any] = {}
    stream: bool = False


class ResponseGenerated(Event, frozen=True, kw_only=True):
    """The whole response is there; for a stream, after its end."""

    response: AIResponse
    stream: bool = False


class CostCalculated(Event, frozen=True, kw_only=True):
    """What the response cost: `cost` is `None` when the price is unknown."""

    cost: Cost | None
    usage: TokenUsage | None = None


class ConversationUpdated(Event, frozen=True, kw_only=True):
    """A conversation's history grew by `messages_added` (a count) to `total_messages`."""

    messages_added: int
    total_messages: int


class RequestRetried(Event, frozen=True, kw_only=True):
    """Attempt number `attempt` (from 1) failed with `error`; the next one follows after `delay` seconds."""

    attempt: int
    delay: float
    error: AIError


class RequestFailed(Event, frozen=True, kw_only=True):
    """The call failed for good with `error`, after so many `attempts`."""

    error: BaseException
    attempts: int = 1


class ProviderFellBack(Event, frozen=True, kw_only=True):
    """The call goes on with another connection, or another model, because of `error`."""

    to_provider: str
    to_model: str | None = None
    error: AIError | None = None


class RateLimitReached(Event, frozen=True, kw_only=True):
    """A rate limit, ours or the provider's, was reached. `retry_after` is in seconds, if known."""

    retry_after: float | None = None


class CircuitOpened(Event, frozen=True, kw_only=True):
    """The circuit of a connection opened: no requests for `retry_after` seconds."""

    retry_after: float | None = None


class CircuitClosed(Event, frozen=True, kw_only=True):
    """The circuit of a connection closed again: requests go on as usual."""


class ToolCalled(Event, frozen=True, kw_only=True):
    """A tool is about to run."""

    call: ToolCall


class ToolCompleted(Event, frozen=True, kw_only=True):
    """A tool gave its result, after so many `seconds`."""

    call: ToolCall
    result: ToolResult
    seconds: float = 0.0


class ToolFailed(Event, frozen=True, kw_only=True):
    """A tool call failed with `error` after so many `seconds`; the model is told of it in the call's result."""

    call: ToolCall
    error: BaseException
    seconds: float = 0.0


class ModelsSynced(Event, frozen=True, kw_only=True):
    """The list of models was compared with the provider's."""

    report: SyncReport
