"""A call: what a user asked for, with one beginning and exactly one end.

The table of ends. Nothing else decides that a call is over; the events of an end are emitted in this order, once:

========================================  ==========================================  ===============================
how it ends                               events                                      what the caller sees
========================================  ==========================================  ===============================
`answered`: the answer is whole           ResponseGenerated, CostCalculated           the response
`performed`: an operation is done         CostCalculated, if it is paid for           its result
`failed`: no attempt succeeded            RequestFailed                               an `AIError`
`failed`: a stream broke after content    CostCalculated, RequestFailed               `StreamInterruptedError`
`failed`: the answer does not validate    CostCalculated, RequestFailed               `InvalidResponseError`
`failed`: a whole call was cancelled      RequestFailed                               `CancelledError`, Ctrl-C, ...
`abandoned`: a stream was left            CostCalculated, StreamAbandoned             nothing, or what ended the wait
========================================  ==========================================  ===============================

A call with a prompt begins with `MessageSent`; one that is over by then (the prompt cannot be built) tells nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import msgspec

from ..data.attempts import AttemptReport
from ..data.cost import Cost
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..errors import AIError
from ..events import (
    CostCalculated,
    Event,
    EventBus,
    MessageSent,
    ProviderFellBack,
    RequestFailed,
    RequestHedged,
    RequestRetried,
    ResponseGenerated,
    StreamAbandoned,
)
from .observing import CallWatch, EndKind, Observer
from .running import Running
from .waiting import Stop

__all__ = ["Call", "Emit"]

Emit: TypeAlias = Callable[[EventBus, Event], Awaitable[None]]
"""How an event reaches its listeners: a port's `emit`, or its `emit_now` where nothing can be awaited."""


class Call(msgspec.Struct, kw_only=True, weakref=True):
    """One call, however many attempts it takes.

    Times are in seconds; `started` and `deadline` are readings of the port's monotonic clock. `id` is ours, the same
    for all attempts and in all events. `provider` is the name of the connection that it is for (after a fallback, of
    the one that is asked now, so that the events of its end name the one that answered), `operation` the method that
    was called ("chat" for all that send a prompt), `row_id` its row in a ledger, `retry_cost` what the present attempt
    took of the retry budget, `hedging` whether one may be made beside another that is late, which is done once
    (`is_hedged`); with `queue` "batch" it waits for its turn behind those that are not. `stop` can stop it from another
    thread, and `release` closes its stream; it is among the calls of all in `running` until its end. `route` is an
    `engine.routes.Route` where there is more than one target; `observer` is told of the call from its beginning on, by
    its `watch`. `response_cache`: whether its answer may be one that was kept, and is kept: `None` is as the connection
    says, "refresh" asks for a new one. `came` is what came before its stream broke,
    where another target goes on from that.
    """

    bus: EventBus
    provider: str
    timeout: float
    idle_timeout: float
    deadline_seconds: float | None
    retry_attempts: int
    first_content_timeout: float | None = None
    hedging: bool = False
    is_hedged: bool = False
    metadata: dict[str, Any] = {}
    conversation_id: str | None = None
    model: str | None = None
    id: str
    started: float = 0.0
    deadline: float | None = None
    operation: str = "chat"
    queue: Literal["interactive", "batch"] = "interactive"
    row_id: str | None = None
    retry_cost: float = 0.0
    stop: Stop | None = None
    release: Callable[[], None] | None = None
    running: list[Running] = []
    attempts: list[AttemptReport] = []
    observer: Observer | None = None
    watch: CallWatch | None = None
    ended: bool = False
    route: Any = None
    response_cache: bool | Literal["refresh"] | None = None
    came: AIResponse | None = None

    def begin(self, now: float, model: str | None) -> None:
        """Note the start, and with it the deadline. Raises `ProviderClosedError` where no call may begin any more."""
        for running in self.running:
            self._enter(running)
        self.model = model
        self.started = now
        if self.deadline_seconds is not None:
            self.deadline = now + self.deadline_seconds
        if self.observer is not None:
            self.watch = self.observer.begin(self)

    def visit(self, running: Running) -> None:
        """Go on with another connection. Raises `ProviderClosedError` where that is closed."""
        if running not in self.running:
            self._enter(running)
            self.running.append(running)

    def _enter(self, running: Running) -> None:
        running.calls[id(self)] = self
        if running.is_closed:
            self._exit(running)
            raise running.refusal("nothing was sent")

    def _exit(self, running: Running) -> None:
        running.calls.pop(id(self), None)
        if running.bells:
            running.ring()

    def closed(self) -> Running | None:
        """The calls of the connection that was closed for good while this was one of them, if one was."""
        return next((running for running in self.running if running.is_closed), None)

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody listens to events of this class."""
        return kind in self.bus.heard and self.bus.wants(kind)

    def facts(self) -> dict[str, Any]:
        """What all events of this call have."""
        return {
            "provider": self.provider,
            "model": self.model,
            "request_id": self.id,
            "conversation_id": self.conversation_id,
            "metadata": self.metadata,
        }

    async def announce(self, emit: Emit, prompt: Prompt) -> None:
        """Tell that the prompt is about to be sent."""
        if self.watch is not None:
            self.watch.announced(prompt)
        if self.wants(MessageSent):
            sent = MessageSent(messages=prompt.messages, options=prompt.given(), stream=prompt.stream, **self.facts())
            await emit(self.bus, sent)

    async def retried(self, emit: Emit, error: Any, attempt: int, delay: float) -> None:
        """Tell that the call goes on after a failed attempt."""
        if self.watch is not None:
            self.watch.retried(error)
        if self.wants(RequestRetried):
            await emit(self.bus, RequestRetried(attempt=attempt, delay=delay, error=error, **self.facts()))

    async def hedged(self, emit: Emit, attempt: int, delay: float) -> None:
        """Tell that a second request is sent, since the first content of an attempt is late."""
        if self.watch is not None:
            self.watch.hedged()
        if self.wants(RequestHedged):
            await emit(self.bus, RequestHedged(attempt=attempt, delay=delay, **self.facts()))

    async def fell_back(
        self, emit: Emit, error: AIError, to_provider: str, to_model: str | None, passed_over: list[str]
    ) -> None:
        """Tell that the call goes on with another target."""
        if self.wants(ProviderFellBack):
            fell = ProviderFellBack(
                to_provider=to_provider,
                to_model=to_model,
                error=error,
                passed_over=passed_over,
                **self.facts(),
            )
            await emit(self.bus, fell)

    async def answered(self, emit: Emit, response: AIResponse, *, stream: bool) -> None:
        """End with a whole answer."""
        if self._end("answered", response=response):
            try:
                if self.wants(ResponseGenerated):
                    await emit(self.bus, ResponseGenerated(response=response, stream=stream, **self.facts()))
            finally:
                usage = None if response.cached else response.usage  # it was counted when the answer was made
                await self._tell_cost(emit, response.cost, usage, last=True)

    async def performed(self, emit: Emit, cost: Cost | None, usage: TokenUsage | None, *, paid: bool) -> None:
        """End an operation, `paid` for or not."""
        if self._end("performed", cost=cost, usage=usage):
            if paid:
                await self._tell_cost(emit, cost, usage, last=True)
            else:
                self._leave()

    async def failed(self, emit: Emit, error: BaseException) -> None:
        """End with an error, or with what ended the wait of the caller."""
        if self._end("failed", error=error, response=getattr(error, "partial", None)):
            if isinstance(error, AIError):
                error.attempts = self.attempts
                if self.route is not None:
                    self.route.explain(error)
            try:
                await self._tell_partial(emit, getattr(error, "partial", None))
            finally:
                await self._tell_last(emit, RequestFailed, error=error, attempts=len(self.attempts))

    async def abandoned(
        self, emit: Emit, partial: AIResponse | None, reason: Literal["closed", "cancelled", "dropped", "exit"]
    ) -> None:
        """End a stream that was left before its end."""
        if self._end("abandoned", response=partial, reason=reason):
            try:
                await self._tell_partial(emit, partial)
            finally:
                await self._tell_last(emit, StreamAbandoned, response=partial, reason=reason)

    def _end(self, kind: EndKind, **facts: Any) -> bool:
        """Whether this is the end: there is only one."""
        over, self.ended = self.ended, True
        if not over:
            for running in self.running:
                self._exit(running)
        if not over and self.watch is not None:
            self.watch.ended(kind, **facts)
        return not over

    def _leave(self) -> None:
        """The caller's own code goes on."""
        if self.watch is not None:
            self.watch.leave()

    async def _tell_last(self, emit: Emit, kind: type[Event], **fields: Any) -> None:
        try:
            if self.wants(kind):
                await emit(self.bus, kind(**fields, **self.facts()))
        finally:
            self._leave()

    async def _tell_partial(self, emit: Emit, partial: AIResponse | None) -> None:
        if partial is not None and (partial.usage is not None or partial.cost is not None):
            await self._tell_cost(emit, partial.cost, None if partial.cached else partial.usage)

    async def _tell_cost(self, emit: Emit, cost: Cost | None, usage: TokenUsage | None, *, last: bool = False) -> None:
        try:
            if self.wants(CostCalculated):
                await emit(self.bus, CostCalculated(cost=cost, usage=usage, **self.facts()))
        finally:
            if last:
                self._leave()
