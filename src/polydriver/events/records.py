"""What happened, as frozen records."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from time import time as now
from typing import Any, Literal

import msgspec

from ..data.attempts import AttemptReport
from ..data.circuits import CircuitState
from ..data.cost import Cost
from ..data.messages import AIMessage, ToolCall, ToolResult
from ..data.models import SyncReport
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..errors import AIError

__all__ = [
    "AttemptFinished",
    "BudgetWarning",
    "CacheHit",
    "CircuitChanged",
    "ConversationUpdated",
    "CostCalculated",
    "Event",
    "LimitReached",
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
        return datetime.fromtimestamp(self.timestamp, UTC)


class MessageSent(Event, frozen=True, kw_only=True):
    """Messages are about to be sent; once for a call, before its first attempt.

    `options` are those that the caller gave, by our names, from `temperature` to `audio`.
    """

    messages: list[AIMessage]
    options: dict[str, Any] = {}
    stream: bool = False


class AttemptFinished(Event, frozen=True, kw_only=True):
    """An attempt of a call ended: once for each attempt, whatever became of it.

    `attempt` says which one, how it ended, how long it took, and what it used and cost.
    """

    attempt: AttemptReport


class CacheHit(Event, frozen=True, kw_only=True):
    """A call needs no request: its answer was kept from an equal prompt, or comes from an equal call under way.

    `kind` is "stored" or "shared"; `age` is that of a stored answer, in seconds; `saved` is what the answer had cost,
    `None` where that is unknown, as for a stream that is shared. The end of the call follows as ever, with a cost of 0.
    """

    kind: Literal["stored", "shared"]
    age: float | None = None
    saved: Cost | None = None


class CircuitChanged(Event, frozen=True, kw_only=True):
    """The circuit of a connection and model opened, is half open, or closed.

    `retry_after`: seconds until a call may be let in, `None` once it is closed.
    """

    state: CircuitState
    before: CircuitState
    retry_after: float | None = None


class LimitReached(Event, frozen=True, kw_only=True):
    """A call waits, or is refused, because a limit that the settings give is reached.

    `limit` names it; `wait` is in seconds, `None` when that depends on other calls.
    """

    limit: str
    wait: float | None = None


class BudgetWarning(Event, frozen=True, kw_only=True):
    """So much of a budget is spent that a part of it is reached at which the settings ask to be warned.

    Once for each part and window, in whichever process notices it. `budget` is its name, `subject` whose it is where
    each one has its own; `threshold` the part that is reached, such as 0.8; `spent` and `limit` are money, in
    `currency`; `window_end` is in UTC, `None` for a budget without end.
    """

    budget: str
    subject: str
    threshold: float
    spent: Decimal
    limit: Decimal
    currency: str
    window_end: datetime | None = None


class ResponseGenerated(Event, frozen=True, kw_only=True):
    """The whole response is there; for a stream, after its end."""

    response: AIResponse
    stream: bool = False


class CostCalculated(Event, frozen=True, kw_only=True):
    """What a call cost: `cost` is `None` when the price is unknown.

    It is told of everything that is paid for: answers, operations, stored responses, and what was delivered of a stream
    that broke or was left, where `cost.estimated` marks an estimate.
    """

    cost: Cost | None
    usage: TokenUsage | None = None


class StreamAbandoned(Event, frozen=True, kw_only=True):
    """A stream was left before its end, so that no whole response will come.

    `response` is what came so far, with its usage and cost, both estimated where the provider had not told them.
    `reason` is "closed" (`close`, `break`, the end of the `with`), "cancelled" (a cancelled task, Ctrl-C, an
    exception in a callback), "dropped" (no reference was left) or "exit" (the program ended).
    """

    response: AIResponse | None
    reason: Literal["closed", "cancelled", "dropped", "exit"]


class ConversationUpdated(Event, frozen=True, kw_only=True):
    """A conversation's history grew by `messages_added` (a count) to `total_messages`."""

    messages_added: int
    total_messages: int


class RequestRetried(Event, frozen=True, kw_only=True):
    """Attempt number `attempt` (from 1) failed with `error`; the next one follows after `delay` seconds."""

    attempt: int
    delay: float
    error: AIError


class RequestHedged(Event, frozen=True, kw_only=True):
    """Attempt number `attempt` (from 1) had no content after `delay` seconds, so that its request is sent again.

    The quicker answer is taken, and the other attempt is cancelled. Blocking calls tell this in another thread.
    """

    attempt: int
    delay: float


class ProviderFellBack(Event, frozen=True, kw_only=True):
    """The call goes on with another target, since one failed for good with `error`, or its stream broke.

    `provider` and `model` are those that failed; `to_provider` and `to_model` are asked next. `passed_over` tells which
    targets before that one cannot do what the call needs, and why.
    """

    to_provider: str
    to_model: str | None
    error: AIError
    passed_over: list[str] = []


class RequestFailed(Event, frozen=True, kw_only=True):
    """The call failed for good with `error`, after so many `attempts`.

    `error` is an `AIError`, or what ended the wait of the caller, such as `CancelledError` or `KeyboardInterrupt`.
    """

    error: BaseException
    attempts: int = 1


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
