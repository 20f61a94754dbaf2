"""An attempt: one request of a call to one target, admitted by every policy and settled exactly once.

An attempt ends with `settle`, whatever happens: a whole answer, a failure, a stream that broke or was left, a
cancellation. The policies are told of the end, its report is kept for `response.attempts`, and `AttemptFinished` is
emitted. The attempt of a stream ends when the stream does, not when it opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import ref

from ..data.attempts import AttemptReport
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..errors import AIError, APIConnectionError, APITimeoutError, InvalidResponseError, StreamInterruptedError
from ..events import AttemptFinished, CircuitChanged
from .calls import Call, Emit
from .observing import AttemptWatch
from .policies import Gate, Lease, Meter, Outcome, Policy
from .targets import Target
from .waiting import Stopped

__all__ = ["FIRST_CONTENT", "Attempt", "failed", "may_be_billed"]

FIRST_CONTENT = "first_content"
"""The `details["phase"]` of an attempt that was given up since nothing of its answer came in time."""

_BEFORE_SENDING = ("connect", "pool")


class Attempt:
    """One request of a call to `target`; `number` counts from 1 over the whole call.

    Times are readings of the port's monotonic clock, in seconds. `first_content_due` is when the attempt is over if
    nothing of its answer came; it counts from when the attempt was admitted. `size` is that of its request, in bytes,
    for operations beyond chat. `stop` ends it, and ends with the call's. `done` is how it will be settled once its
    whole answer is taken, `partial` what came of a stream that was given up, `ended` when there was nothing more to
    wait for, where that is before it is settled. `hedges` is the attempt beside which it is made, since that one is
    late.
    """

    __slots__ = (
        "__weakref__", "call", "done", "ended", "first_content", "first_content_due", "gates", "hedges",
        "leases", "meter", "model", "number", "partial", "prompt", "provider", "redialed", "request_id", "settled",
        "size", "started", "stop", "target", "waited", "watch",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        target: Target,
        prompt: Prompt | None = None,
        size: int = 0,
        hedges: Attempt | None = None,
    ) -> None:
        self.call = call
        self.target = target
        self.prompt = prompt
        self.size = size
        self.hedges = hedges
        self.number: int = len(call.attempts) + 1 if hedges is None else hedges.number + 1
        self.provider = target.connection.name
        self.model = call.model if prompt is None else prompt.model
        self.started = target.port.now()
        outstanding = target.connection.outstanding
        outstanding.add(ref(self, outstanding.discard))
        self.first_content: float | None = None
        self.first_content_due = float("inf")
        self.leases: list[tuple[Policy, Lease]] = []
        self.gates: list[tuple[Gate, Lease]] = []
        self.meter: Meter | None = None
        self.stop = call.stop
        self.done: Outcome | None = None
        self.partial: AIResponse | None = None
        self.ended: float | None = None
        self.settled = False
        self.redialed = False
        self.waited = 0.0
        self.request_id: str | None = None
        self.watch: AttemptWatch | None = None if call.watch is None else call.watch.attempt(self)

    def expect_content(self, seconds: float) -> None:
        """Have the attempt end in so many seconds from now if nothing of its answer came."""
        if self.prompt is not None:
            self.first_content_due = self.target.port.now() + seconds

    def hear(self, headers: Mapping[str, str], request_id: str | None) -> None:
        """Take the headers of the answer, which have just come; the limits may learn from them."""
        self.request_id = self._safe(request_id)
        target = self.target
        learner = target.connection.learner
        if learner is not None:
            for policy, lease in self.leases:
                if policy is learner:
                    learner.hear(lease, headers, target.port.wall_time(), target.port.now())

    def check_stop(self) -> None:
        """Raise `Stopped` where it has been stopped."""
        if self.stop is not None and self.stop.is_set:
            raise Stopped

    def in_time(self, error: AIError) -> AIError:
        """A transport's error; the timeout of an attempt whose first content was due says so."""
        waited = isinstance(error, APITimeoutError) and self.first_content is None
        if waited and self.target.port.now() >= self.first_content_due:
            limit = self.call.first_content_timeout
            error.message = f"nothing of the answer came within first_content_timeout, {limit:g} s"
            error.details = {**error.details, "phase": FIRST_CONTENT}
        return error

    async def settle(self, emit: Emit, outcome: Outcome, *, waits: bool = True) -> None:
        """End the attempt, once: tell the policies and gates, keep the report, and emit `AttemptFinished`.

        `waits` is false where nothing can be awaited; `emit` must be the port's `emit_now` then.
        """
        if self.settled:
            return
        self.settled = True
        connection = self.target.connection
        connection.outstanding.discard(ref(self))
        now = self.target.port.now()
        outcome.wall_time = self.target.port.wall_time()
        began = self.started + self.waited
        ended = now if self.ended is None else self.ended
        outcome.seconds = ended - began
        outcome.first_content = None if self.first_content is None else self.first_content - began
        if self.watch is not None:
            self.watch.settled(outcome, ended)
        report = None if outcome.kind == "refused" else self._report(outcome, ended)
        for policy, lease in self.leases:
            policy.settle(lease, outcome, now)
        for counter in connection.counters:
            counter.count(self, outcome, now)
        if connection.circuits is not None and connection.circuits.changes:
            await self.tell_changes(emit)
        interrupted = await self._settle_gates(outcome, report, waits=waits) if self.gates else None
        if report is not None:
            call = self.call
            call.attempts.append(report)
            if call.wants(AttemptFinished):
                await emit(call.bus, AttemptFinished(attempt=report, **call.facts()))
        if interrupted is not None:
            raise interrupted

    async def tell_changes(self, emit: Emit) -> None:
        """Tell of circuits that have changed."""
        circuits, call = self.target.connection.circuits, self.call
        while circuits is not None and circuits.changes:
            model, before, state, after = circuits.changes.popleft()
            facts = {**call.facts(), "provider": self.provider, "model": model}
            await emit(call.bus, CircuitChanged(state=state, before=before, retry_after=after, **facts))

    async def _settle_gates(
        self, outcome: Outcome, report: AttemptReport | None, *, waits: bool
    ) -> BaseException | None:
        """Tell all gates; returns what interrupted the wait for one of them."""
        interrupted: BaseException | None = None
        for gate, lease in self.gates:
            if waits and interrupted is None:
                try:
                    await gate.settle(lease, outcome, report, self.target.port)
                    continue
                except BaseException as error:  # noqa: BLE001 - raised once all were told
                    interrupted = error
            gate.settle_now(lease, outcome, report)
        return interrupted

    def _safe(self, word: str | None) -> str | None:
        """A word of the provider, without secrets that it may echo."""
        return None if word is None else self.target.config.redactor.redact(word, 200)

    def _report(self, outcome: Outcome, ended: float) -> AttemptReport:
        error = outcome.error
        assert outcome.kind != "refused"
        return AttemptReport(
            number=self.number,
            provider=self.provider,
            model=self.model,
            outcome=outcome.kind,
            latency=ended - self.started,
            time_to_first_content=None if self.first_content is None else self.first_content - self.started,
            usage=outcome.usage,
            cost=outcome.cost,
            error=None if error is None else type(error).__name__,
            status=getattr(error, "status", None),
            request_id=self.request_id or self._safe(getattr(error, "request_id", None)),
            may_be_billed=outcome.may_be_billed,
            redialed=self.redialed,
            waited=self.waited,
            hedge=self.hedges is not None,
        )


def failed(error: Exception) -> Outcome:
    """The end of an attempt that failed before anything of its answer was taken."""
    return Outcome(kind="failure", error=error, may_be_billed=may_be_billed(error))


def may_be_billed(error: BaseException) -> bool:
    """Whether a provider may charge for an attempt that failed so.

    It computed nothing where the request did not reach it, or was refused; where the connection broke, or the answer
    could not be read, it may have.
    """
    if isinstance(error, InvalidResponseError | StreamInterruptedError):
        return True
    if isinstance(error, APITimeoutError | APIConnectionError):
        return error.details.get("phase") not in _BEFORE_SENDING and not (error.status or 0) >= 400
    return False
