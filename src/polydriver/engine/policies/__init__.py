"""What admits attempts and is told how they ended: pure pairs of `admit` and `settle`.

A policy decides and never waits: it is given the time, and the engine does the waiting. To add one, write the pair and
put it into `Connection.policies`: every attempt of every call, whole or streamed, blocking or async, passes it. What
has to ask somewhere else first, such as a limit in Redis or a ledger in a database, is a `Gate`, in `Connection.gates`.
What refuses nobody is a `Counter`, in `Connection.counters`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import msgspec

from ...data.attempts import AttemptOutcome, AttemptReport, PaidItem
from ...data.billing import BillingFacts
from ...data.cost import Cost
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...data.usage import TokenUsage
from ...events import Event, EventBus
from ..waiting import Signal

__all__ = ["AttemptFacts", "Counter", "Either", "Gate", "Lease", "Meter", "Outcome", "Policy", "Wait"]

T = TypeVar("T")

Lease: TypeAlias = Any
"""What a policy's `admit` returned for an attempt; it is handed back with the outcome."""


class AttemptFacts(Protocol):
    """What a policy may know of an attempt: see `polydriver.engine.attempts.Attempt`."""

    number: int
    provider: str
    model: str | None
    prompt: Prompt | None
    call: Any
    hedges: Any


class Wait(msgspec.Struct):
    """The attempt is not admitted yet: ask again after so many seconds, or when `signal` is set.

    - `resume`: asks again, in place of `admit`; `cancel`: called when the wait is interrupted. Both are given the time.
    - `again`: what a gate has for `resume`; it is given the port.
    - `event`: tells that the attempt waits.
    """

    seconds: float
    signal: Signal | None = None
    resume: Callable[[float], Lease | Wait] | None = None
    cancel: Callable[[float], None] | None = None
    again: Callable[[Either], Awaitable[Lease | Wait]] | None = None
    event: Event | None = None


class Outcome(msgspec.Struct, kw_only=True):
    """How an attempt ended.

    - `kind`: see `AttemptOutcome`, or "refused" where a policy did not admit it, so that nothing was sent.
    - `error`: why it failed; `delivered`: whether content reached the caller; `may_be_billed`: whether the provider may
      charge for it.
    - `seconds`: from when it was admitted to its end; `first_content`: to its first content, if any came.
    - `wall_time`: when it ended, in seconds since the epoch.
    - `usage`, `cost`: what it used, where that is known or could be estimated; `billing`: what else decides its price.
    - `lost`: whether it was cancelled since the other one of two requests answered first.
    - `paid_for`: of what the cost is, where it can be asked for again (the results of a batch, an answer that was made
      in the background): it counts once. `was_fetched`: the tokens are those of an earlier request. `items`: the parts
      of it, where those are told and make up all of it.
    - `estimate_of`: of what the cost is an estimate that can be asked for later, as the rest of an answer that was made
      in the background and whose stream was cut.
    """

    kind: AttemptOutcome | Literal["refused"]
    error: BaseException | None = None
    delivered: bool = False
    may_be_billed: bool = True
    wall_time: float = 0.0
    seconds: float = 0.0
    first_content: float | None = None
    usage: TokenUsage | None = None
    cost: Cost | None = None
    billing: BillingFacts | None = None
    lost: bool = False
    paid_for: str | None = None
    was_fetched: bool = False
    items: Sequence[PaidItem] = ()
    estimate_of: str | None = None

    def tell(self, answer: AIResponse, connection: str) -> None:
        """Take over what an answer of a connection used and cost, all of it or what came of it."""
        self.usage, self.cost, self.billing = answer.usage, answer.cost, answer.billing
        if answer.billing is not None:
            self.tell_where_kept(connection)

    def tell_where_kept(self, connection: str) -> None:
        """Note under which name the answer can be fetched again, where the provider keeps it."""
        usage, facts = self.usage, self.billing
        is_cut = usage is not None and usage.estimated  # at the provider it goes on: who fetches it learns of the rest
        if facts is not None and facts.kept_as is not None:
            kept = f"{connection} response {facts.kept_as}"
            self.paid_for, self.estimate_of = (None, kept) if is_cut else (kept, None)

    @property
    def counts_once(self) -> bool:
        """Whether it has a cost, or usage without a price, or items of such, that may have been counted before."""
        has_usage = self.cost is not None or self.usage is not None or bool(self.items)
        return self.paid_for is not None and has_usage

    @property
    def is_deferred(self) -> bool:
        """Whether what it costs is told later, to who fetches what was made in the background."""
        return self.paid_for is not None and self.kind == "success" and not self.counts_once


class Policy(Protocol):
    """A limit, a circuit, a budget, ..."""

    def admit(self, attempt: AttemptFacts, now: float) -> Lease | Wait:
        """Admit an attempt and return the lease of what it takes, or say how long to wait.

        Raises an `AIError` to refuse it. `now` is in monotonic seconds.
        """

    def settle(self, lease: Lease, outcome: Outcome, now: float) -> None:
        """Note how an admitted attempt ended. Called exactly once for each lease; never raises."""


class Counter(Protocol):
    """What is told how every attempt ended."""

    def count(self, attempt: AttemptFacts, outcome: Outcome, now: float) -> None:
        """Note how an attempt ended, one that was refused included. Called exactly once for each; never raises."""


class Either(Protocol):
    """How a gate waits: what it does for blocking callers, and for async ones. A port has it."""

    async def either(self, blocking: Callable[[], T], asynchronous: Callable[[], Awaitable[T]]) -> T:
        """Do what fits the caller, and return its result."""

    async def emit(self, bus: EventBus, event: Event) -> None:
        """Hand an event to its listeners."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wall_time(self) -> float:
        """Seconds since the epoch."""


class Meter(Protocol):
    """What a gate wants to know of a stream while it is read; it sets `Attempt.meter` when it admits the attempt."""

    async def delivered(self, size: int, port: Either) -> None:
        """So many bytes more of the answer came. Raises an `AIError` to stop the stream.

        Awaits nothing but the port.
        """


class Gate(Protocol):
    """A policy whose state is not in this process. Gates are asked after all policies, in order."""

    async def admit(self, attempt: Any, port: Either) -> Lease | Wait:
        """See `Policy.admit`; `attempt` is the whole `engine.attempts.Attempt`. Awaits nothing but the port; gives
        back what it took when that is interrupted."""

    async def settle(self, lease: Lease, outcome: Outcome, report: AttemptReport | None, port: Either) -> None:
        """See `Policy.settle`. `report` is `None` for an attempt that was refused. Awaits nothing but the port."""

    def settle_now(self, lease: Lease, outcome: Outcome, report: AttemptReport | None) -> None:
        """The same where nothing can be awaited (a cancellation, a dropped stream, exit): never waits, and sees to it
        that the end is noted later. Called as well when `settle` was interrupted, with the same arguments."""
