"""Flights: requests that several equal calls wait for.

A flight is made by a thread or a task of its own, so that it goes on when the call that began it is left. It is made
for one of its calls, the payer: attempts are told of in that call's name, and the answer's cost is that call's. Where
the payer leaves, the next one takes its place. When nobody is left, the flight is stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Literal, TypeAlias

from ...colours import drive, start_thread
from ...data.responses import AIChunk, AIResponse
from ...forking import in_child, own_lock
from ..calls import Call
from ..observing import EndKind
from ..ports import Port
from ..waiting import Signal, Stop

__all__ = ["FlightCall", "Flight", "Flights", "LeaveReason", "Member"]

LeaveReason: TypeAlias = Literal["closed", "cancelled", "dropped", "exit"]

_LAST_SECONDS = 5.0
"""How long the last call waits for a flight to stop: as long as its listeners and the ledger need."""


class FlightCall(Call, kw_only=True):
    """What a flight makes its attempts for: it has the name of its payer, and no end of its own.

    `partial`: what came of a stream that broke or was left.
    """

    partial: AIResponse | None = None

    @classmethod
    def of(cls, call: Call) -> FlightCall:
        """The call of a flight that `call` begins: with its limits, and nobody's stop."""
        given = {name: getattr(call, name) for name in Call.__struct_fields__}
        return cls(**{**given, "stop": Stop(), "release": None})

    def serve(self, call: Call) -> None:
        """Go on in the name of another call."""
        for name in _IDENTITY:
            setattr(self, name, getattr(call, name))

    def _end(self, kind: EndKind, **facts: Any) -> bool:
        self.partial = facts.get("response")
        return False


_IDENTITY = (
    "id", "provider", "model", "metadata", "conversation_id", "bus", "started", "route", "attempts", "row_id", "watch",
)  # fmt: skip


class Member:
    """A call that waits for a flight."""

    __slots__ = ("call", "signal")

    def __init__(self, call: Call, signal: Signal) -> None:
        self.call = call
        self.signal = signal


class Flight:
    """One request, and the calls that wait for it.

    - `chunks`: of a stream, what has come so far; `tail`: its last chunks, which tell how it ended.
    - `response` or `error`: what it came to, once `is_over`; `data` is the answer as bytes, `is_stored` says that it
      was kept before. `is_told` follows when nothing more is emitted.
    - `payer`: for whom it is made; `thread`: who makes it; `loop`: the event loop that it belongs to.
    - `leaver`: the call that was the last to leave a stream, and why: its end is told when the flight has stopped.
    """

    def __init__(self, call: Call, loop: Any) -> None:
        self.own_call = FlightCall.of(call)
        self.members: list[Member] = []
        self.payer: Member | None = None
        self.chunks: list[AIChunk] = []
        self.tail: list[AIChunk] = []
        self.response: AIResponse | None = None
        self.error: BaseException | None = None
        self.data: bytes | None = None
        self.is_stored = False
        self.is_over = self.is_told = False
        self.reader: Any = None
        self.thread = 0
        self.loop = loop
        self.leaver: tuple[Call, LeaveReason] | None = None
        self.last: Member | None = None

    def add(self, chunks: list[AIChunk]) -> None:
        """More of a stream came."""
        self.chunks.extend(chunks)
        self.wake()

    def wake(self) -> None:
        """Tell all who wait that something has changed."""
        for member in self.members.copy():
            member.signal.set()
        if self.last is not None:
            self.last.signal.set()

    async def wait(self, member: Member, port: Port) -> bool:
        """Wait until something changes; false when the time of this call is up, which is not that of the flight."""
        call, limit = member.call, self.own_call.deadline
        seconds = float("inf")
        if call.deadline is not None and (limit is None or call.deadline < limit):
            seconds = call.deadline - port.now()
            if seconds <= 0.0:
                return False
        await port.wait_for(member.signal, seconds, call.stop, timed=False)
        return True

    async def wait_for_end(self, member: Member, port: Port) -> None:
        """Wait until a flight that was told to stop has done so, since its attempt ends before the call does.

        Being interrupted once more changes nothing, but is raised afterwards.
        """
        ends = port.now() + _LAST_SECONDS
        interruption: BaseException | None = None
        while not self.is_told and (left := ends - port.now()) > 0.0:
            try:
                await port.wait_for(member.signal, left, None, timed=False)
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - raised below
                interruption = error
        if interruption is not None:
            raise interruption


class Flights:
    """The flights of a connection that are under way, by the keys of their prompts."""

    _lock: Any

    def __init__(self) -> None:
        own_lock(self, threading.RLock)  # a stream may be dropped, and leave, in the thread that holds it
        in_child(self, Flights._forget)
        self._open: dict[tuple[Any, ...], Flight] = {}

    def __len__(self) -> int:
        return len(self._open)

    def join(self, place: tuple[Any, ...], call: Call, signal: Signal) -> tuple[Flight, Member, bool]:
        """The flight for a key, and a place in it; whether it is new, so that it has to be begun."""
        member = Member(call, signal)
        with self._lock:
            flight = self._open.get(place)
            is_new = flight is None
            if flight is None:
                flight = self._open[place] = Flight(call, place[0])
                flight.payer = member
            elif flight.own_call.deadline is not None:
                known = flight.own_call.deadline
                flight.own_call.deadline = None if call.deadline is None else max(known, call.deadline)
            flight.members.append(member)
        return flight, member, is_new

    def leave(self, place: tuple[Any, ...], flight: Flight, member: Member, reason: LeaveReason | None = None) -> bool:
        """A call waits no longer. Returns whether the flight is told to stop, since nobody is left.

        With `reason` the end of the call is told when it has stopped.
        """
        with self._lock:
            if member in flight.members:
                flight.members.remove(member)
            if flight.is_over:
                return False
            if flight.members:
                if flight.payer is member:
                    flight.payer = flight.members[0]
                    flight.own_call.serve(flight.payer.call)
                return False
            flight.last = member
            if reason is not None:
                flight.leaver = (member.call, reason)
            self._remove(place, flight)
        assert flight.own_call.stop is not None
        flight.own_call.stop.set()
        return True

    def end(self, place: tuple[Any, ...], flight: Flight) -> None:
        """A flight came to something: whoever joins now begins another one."""
        with self._lock:
            self._remove(place, flight)
            flight.is_over = True

    def _remove(self, place: tuple[Any, ...], flight: Flight) -> None:
        if self._open.get(place) is flight:
            del self._open[place]

    def _forget(self) -> None:
        """In a forked child, where nobody makes the flights of its parent."""
        self._open.clear()


async def start(port: Port, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Have something done in a thread, or, for tasks, in a task."""
    await port.either(lambda: start_thread(lambda: drive(work())), partial(_start_task, work))


_tasks: set[Any] = set()


async def _start_task(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    import asyncio

    task = asyncio.get_running_loop().create_task(work())
    _tasks.add(task)  # a loop holds its tasks by weak references
    task.add_done_callback(_tasks.discard)
