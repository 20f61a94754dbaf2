"""What watches calls and their attempts from outside, such as tracing. Nothing here ever fails or delays a call.

A connection without an observer pays one comparison for each of these moments.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from ..data.cost import Cost
    from ..data.messages import ToolCall
    from ..data.prompt import Prompt
    from ..data.responses import AIResponse
    from ..data.usage import TokenUsage
    from .policies import Outcome

__all__ = ["AttemptWatch", "CallWatch", "EndKind", "HitLedger", "Observer"]

EndKind: TypeAlias = Literal["answered", "performed", "failed", "abandoned"]
"""How a call ends: see the table of ends in `engine.calls`."""


class AttemptWatch(Protocol):
    """Watches one attempt."""

    def chunks(self, count: int, now: float) -> None:
        """So many chunks of the answer were read at once."""

    def settled(self, outcome: Outcome, now: float) -> None:
        """The attempt ended. Called exactly once."""


class CallWatch(Protocol):
    """Watches one call."""

    def announced(self, prompt: Prompt) -> None:
        """The prompt is about to be sent. Operations have none."""

    def attempt(self, attempt: Any) -> AttemptWatch:
        """An attempt begins: an `engine.attempts.Attempt`."""

    def retried(self, error: BaseException) -> None:
        """The call goes on after a failed attempt."""

    def hedged(self) -> None:
        """A second request is sent, since the first content of an attempt is late."""

    def ended(
        self,
        kind: EndKind,
        *,
        response: AIResponse | None = None,
        error: BaseException | None = None,
        cost: Cost | None = None,
        usage: TokenUsage | None = None,
        reason: str | None = None,
    ) -> None:
        """The call ended. Called exactly once, before the events of its end."""

    def leave(self) -> None:
        """The caller's own code goes on: after the events of the end, or once a stream is open. Called again after."""


class HitLedger(Protocol):
    """Where calls are written down that were answered without a request."""

    def note_hit(self, call: Any, prompt: Prompt, provider: str, currency: str) -> None:
        """An `engine.calls.Call` was answered from the cache of `provider`. Never waits, and never raises."""


class Observer(Protocol):
    """Watches the calls of a connection."""

    def begin(self, call: Any) -> CallWatch:
        """A call begins: an `engine.calls.Call`."""

    def tool_loop(self, conversation_id: str | None) -> AbstractContextManager[Any]:
        """What is inside a loop that sends turns and runs tools."""

    def tool(self, call: ToolCall) -> AbstractContextManager[Any]:
        """What is inside the run of a tool, in its own thread or task. An exception is the tool's."""
