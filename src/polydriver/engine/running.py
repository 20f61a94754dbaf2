"""The calls of a connection that have not ended, and how they are brought to an end when it is closed for good.

Closing with a grace: from that moment new calls are refused; those that run have so long to end; what still runs then
is stopped: whole calls raise `ProviderClosedError`, streams `StreamInterruptedError` with what came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakValueDictionary

from ..errors import ProviderClosedError
from ..forking import in_child
from .later import rest
from .waiting import LOOK_AGAIN, Signal, Stop, now

__all__ = ["Running", "close_async", "close_blocking"]

_STOPPING_SECONDS = 5.0
"""How long stopped calls are waited for; they need as long as their listeners and the ledger do."""


class Stoppable(Protocol):
    """A call, as seen from here: see `polydriver.engine.calls.Call`."""

    stop: Stop | None
    release: Callable[[], None] | None


class Remote(Protocol):
    """What keeps something for a connection outside of this process."""

    def close(self) -> None:
        """Tell it what has ended, and leave nothing open; waits for a second at most."""


class Closable(Protocol):
    """A connection, as seen from here: see `polydriver.engine.connection.Connection`."""

    @property
    def running(self) -> Running:
        """Its calls."""

    @property
    def remote(self) -> Remote | None:
        """What it has open elsewhere."""


class Running:
    """The calls that are made on a connection: those that began here, and those that fell back to it.

    A call is among them as long as it lives, so that one which Ctrl-C ended at whatever moment is waited for by nobody.
    A call enters and leaves by itself, by its `id()`. `is_closed` says whether new ones are refused, `bells` are for
    those who wait until no call runs.
    """

    __slots__ = ("__weakref__", "_name", "bells", "calls", "is_closed")

    def __init__(self, name: str) -> None:
        self._name = name
        self.calls: WeakValueDictionary[int, Stoppable] = WeakValueDictionary()
        self.bells: list[Signal] = []
        self.is_closed = False
        in_child(self, Running._forget)

    def __len__(self) -> int:
        return len(self.calls)

    def ring(self) -> None:
        """A call has ended: tell those who wait where it was the last one."""
        if not self.calls:
            for bell in self.bells:
                bell.set()

    def refusal(self, what: str) -> ProviderClosedError:
        """The error for calls of a connection that is closed."""
        return ProviderClosedError(f"{self._name} is closed: {what}", provider=self._name)

    def stop(self) -> None:
        """Have all calls end now, those of other threads and loops too."""
        for call in list(self.calls.values()):
            if call.stop is not None:
                call.stop.set()
            if call.release is not None:
                call.release()

    def wait(self, seconds: float) -> None:
        """Wait until no call runs, for so long at most."""
        ends = now() + seconds
        with self._told() as bell:
            while self.calls and (left := ends - now()) > 0:
                bell.wait(min(left, LOOK_AGAIN))

    async def wait_async(self, seconds: float) -> None:
        """The same for a task."""
        ends = now() + seconds
        with self._told() as bell:
            while self.calls and (left := ends - now()) > 0:
                await bell.wait_async(min(left, LOOK_AGAIN))

    @contextmanager
    def _told(self) -> Iterator[Signal]:
        """A signal that is set when no call runs any more."""
        bell = Signal()
        self.bells.append(bell)
        try:
            yield bell
        finally:
            self.bells.remove(bell)

    def _forget(self) -> None:
        """In a forked child, where the calls of its parent do not run."""
        self.calls.clear()


def close_blocking(connections: Sequence[Closable], grace: float) -> None:
    """Close connections for good: all refuse new calls at once, and share the grace (seconds)."""
    found, ends = _refuse(connections), now() + grace
    for running in found:
        running.wait(max(0.0, ends - now()))
    for running in found:
        running.stop()
    for running in found:
        running.wait(_STOPPING_SECONDS)
    for remote in _remotes(connections):
        remote.close()
    rest()


async def close_async(connections: Sequence[Closable], grace: float) -> None:
    """The same for a task."""
    import asyncio

    found, ends = _refuse(connections), now() + grace
    for running in found:
        await running.wait_async(max(0.0, ends - now()))
    for running in found:
        running.stop()
    for running in found:
        await running.wait_async(_STOPPING_SECONDS)
    for remote in _remotes(connections):
        await asyncio.to_thread(remote.close)
    await asyncio.to_thread(rest)


def _remotes(connections: Sequence[Closable]) -> list[Remote]:
    return [connection.remote for connection in connections if connection.remote is not None]


def _refuse(connections: Sequence[Closable]) -> list[Running]:
    for connection in connections:
        connection.running.is_closed = True
    return [connection.running for connection in connections]
