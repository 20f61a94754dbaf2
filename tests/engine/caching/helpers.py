"""Asking in the four ways, and answers that come when a test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from polydriver import AIChunk, AIResponse, Event, MockDriver
from polydriver.data.http import Request, Simulated, Timeouts
from polydriver.engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport

HOWS = ("blocking", "blocking stream", "async", "async stream")
PATIENCE = 60.0


def ask(how: str, provider: Any, message: Any = "Hi", **options: Any) -> tuple[AIResponse, list[AIChunk]]:
    """Make one call in one of the four ways; its answer, and its chunks where it is streamed."""
    chunks: list[AIChunk] = []
    if how == "blocking":
        return provider.send_messages(message, **options), chunks
    if how == "blocking stream":
        stream = provider.send_streaming_messages(message, **options).on_chunk(chunks.append)
        return stream.until_done(), chunks

    async def main() -> AIResponse:
        async with provider.asynchronous() as twin:
            if how == "async":
                return await twin.send_messages(message, **options)  # type: ignore[no-any-return]
            stream = twin.send_streaming_messages(message, **options).on_chunk(chunks.append)
            return await stream.until_done()  # type: ignore[no-any-return]

    return asyncio.run(main()), chunks


def cached(*replies: Any, name: str = "mock", cache: dict[str, Any] | None = None, **settings: Any) -> MockDriver:
    """A mock that keeps its answers."""
    given = {"retry_attempts": 1, "cache": {"enabled": True, **(cache or {})}, **settings}
    return MockDriver({"name": name}, replies=list(replies), **given)


def heard(provider: Any) -> list[Event]:
    """All events of a provider from now on."""
    events: list[Event] = []
    provider.on("*", events.append)
    return events


class Gated:
    """A transport whose answers wait until `gate` is set, in either colour; `asked` is set by the first request.

    With `held` the rest of a stream waits for that, after so many pieces of it.
    """

    def __init__(self, answer: Callable[[Request], Simulated], held: int | None = None) -> None:
        self.requests: list[Request] = []
        self.asked = threading.Event()
        self.gate = threading.Event()
        self.rest = threading.Event()
        self.held = held
        self._answer = answer

    def __call__(self, kind: str, http: object) -> Any:
        return _AsyncGate(self) if kind == "async" else _Gate(self)

    def answer(self, request: Request) -> Simulated:
        self.requests.append(request)
        self.asked.set()
        return self._answer(request)

    async def wait_until_asked(self) -> None:
        await _wait(self.asked)


async def _wait(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 - set by any thread
        await asyncio.sleep(0)


class _Gate(SimulatedTransport):
    def __init__(self, gated: Gated) -> None:
        super().__init__(gated.answer)
        self._gated = gated

    def open(self, request: Request, timeouts: Timeouts) -> Any:
        body = super().open(request, timeouts)
        if timeouts.stop is not None:
            timeouts.stop.watch(self)
        assert self._gated.gate.wait(PATIENCE)
        return body

    def interrupt(self) -> None:
        self._gated.gate.set()


class _AsyncGate(AsyncSimulatedTransport):
    def __init__(self, gated: Gated) -> None:
        super().__init__(gated.answer)
        self._gated = gated

    async def open(self, request: Request, timeouts: Timeouts) -> Any:
        body = await super().open(request, timeouts)
        await _wait(self._gated.gate)
        if self._gated.held is not None and request.stream:
            body.read = _Held(self._gated, body.read)  # type: ignore[method-assign]
        return body


class _Held:
    """Reads a body up to where it is held."""

    def __init__(self, gated: Gated, read: Callable[[], Any]) -> None:
        self._gated = gated
        self._read = read
        self._count = 0

    async def __call__(self) -> Any:
        if self._count == self._gated.held:
            await _wait(self._gated.rest)
        self._count += 1
        return await self._read()
