"""What happened, as frozen records, and the bus that brings them to listeners.

Once for each call, in this order: `MessageSent` before the first attempt; then one ending: `ResponseGenerated` and
`CostCalculated`, or `RequestFailed`, or `StreamAbandoned` (see the table of ends in `polydriver.engine.calls`).
`AttemptFinished` comes once for each attempt, before the ending. The others come when their thing happens. No event
holds a secret: whoever emits one has redacted it.
"""

from __future__ import annotations

from .bus import EventBus, Listener
from .records import (
    AttemptFinished,
    BudgetWarning,
    CacheHit,
    CircuitChanged,
    ConversationUpdated,
    CostCalculated,
    Event,
    LimitReached,
    MessageSent,
    ModelsSynced,
    ProviderFellBack,
    RequestFailed,
    RequestHedged,
    RequestRetried,
    ResponseGenerated,
    StreamAbandoned,
    ToolCalled,
    ToolCompleted,
    ToolFailed,
)

__all__ = [
    "AttemptFinished",
    "BudgetWarning",
    "CacheHit",
    "CircuitChanged",
    "ConversationUpdated",
    "CostCalculated",
    "Event",
    "EventBus",
    "LimitReached",
    "Listener",
    "MessageSent",
    "ModelsSynced",
    "ProviderFellBack",
    "RequestFailed",
    "RequestHedged",
    "RequestRetried",
    "ResponseGenerated",
    "StreamAbandoned",
    "ToolCalled",
    "ToolCompleted",
    "ToolFailed",
]
