"""What happened, as frozen records, and the bus that brings them to listeners.

Once for each logical call, in this order: `MessageSent` before the first attempt, `ResponseGenerated`,
`CostCalculated`; or `RequestFailed`. The others come when their thing happens. No event holds a secret:
whoever emits one has redacted it.
"""

from __future__ import annotations

from .bus import EventBus, Listener
from .records import (
    CircuitClosed,
    CircuitOpened,
    ConversationUpdated,
    CostCalculated,
    Event,
    MessageSent,
    ModelsSynced,
    ProviderFellBack,
    RateLimitReached,
    RequestFailed,
    RequestRetried,
    ResponseGenerated,
    ToolCalled,
    ToolCompleted,
    ToolFailed,
)

__all__ = [
    "CircuitClosed",
    "CircuitOpened",
    "ConversationUpdated",
    "CostCalculated",
    "Event",
    "EventBus",
    "Listener",
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
