"""Transports that record what goes over another one, and that play it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from ..data.http import Reply, Request, Simulated, Timeouts
from ..engine.transports.base import AsyncBody, AsyncTransport, BlockingBody, BlockingTransport
from ..engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from ..errors import APIConnectionError, APITimeoutError
from .exchanges import Exchanges

__all__ = ["AsyncRecordingTransport", "AsyncReplayTransport", "RecordingTransport", "ReplayTransport"]

_End: TypeAlias = Literal["clean", "cut", "stall", "refuse", "timeout"]


class _Tape:
    """What came of one answer so far; written to the cassette once, at its end."""

    def __init__(self, cassette: Exchanges, request: Request, status: int, headers: Mapping[str, str]) -> None:
        self._cassette = cassette
        self._request = request
        self._status = status
        self._headers = headers
        self._chunks: list[bytes] = []
        self._done = False

    def add(self, data: bytes) -> bytes:
        """A piece of the body; the empty one ends it."""
        if data:
            self._chunks.append(data)
        else:
            self.end("clean")
        return data

    def end(self, end: _End) -> None:
        """The body is over, for this reason."""
        if not self._done:
            self._done = True
            headers = {name: value for name, value in self._headers.items() if name.lower() not in _FRAMING}
            answer = Simulated(status=self._status, headers=headers, chunks=self._chunks, end=end)
            self._cassette.record(self._request, answer)


# The recorded body is decoded already.
_FRAMING = ("content-encoding", "content-length", "transfer-encoding", "connection")


class RecordingTransport:
    """Sends over `inner`, and records each exchange in a cassette: a path, or one in a recording mode.

    A path is written by `close()`, which a provider's `close()` calls; a `Cassette` by its owner.
    """

    def __init__(self, inner: BlockingTransport, cassette: Exchanges | str | Path) -> None:
        self._inner = inner
        self.cassette = _for_recording(cassette)
        self._writes = self.cassette is not cassette

    def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """See `BlockingTransport.send`."""
        try:
            reply = self._inner.send(request, timeouts)
        except (APIConnectionError, APITimeoutError) as error:
            _record_failure(self.cassette, request, error)
            raise
        _record_reply(self.cassette, request, reply)
        return reply

    def open(self, request: Request, timeouts: Timeouts) -> BlockingBody:
        """See `BlockingTransport.open`."""
        try:
            body = self._inner.open(request, timeouts)
        except (APIConnectionError, APITimeoutError) as error:
            _record_failure(self.cassette, request, error)
            raise
        return _RecordedBody(body, _Tape(self.cassette, request, body.status, body.headers))

    def close(self) -> None:
        """Close the client, and write a cassette that was given as a path."""
        self._inner.close()
        if self._writes:
            self.cassette.save()


class AsyncRecordingTransport:
    """As `RecordingTransport`, for async callers."""

    def __init__(self, inner: AsyncTransport, cassette: Exchanges | str | Path) -> None:
        self._inner = inner
        self.cassette = _for_recording(cassette)
        self._writes = self.cassette is not cassette

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """See `AsyncTransport.send`."""
        try:
            reply = await self._inner.send(request, timeouts)
        except (APIConnectionError, APITimeoutError) as error:
            _record_failure(self.cassette, request, error)
            raise
        _record_reply(self.cassette, request, reply)
        return reply

    async def open(self, request: Request, timeouts: Timeouts) -> AsyncBody:
        """See `AsyncTransport.open`."""
        try:
            body = await self._inner.open(request, timeouts)
        except (APIConnectionError, APITimeoutError) as error:
            _record_failure(self.cassette, request, error)
            raise
        return _AsyncRecordedBody(body, _Tape(self.cassette, request, body.status, body.headers))

    def close(self) -> None:
        """As `aclose`, as far as that goes without waiting."""
        self._inner.close()
        if self._writes:
            self.cassette.save()

    async def aclose(self) -> None:
        """Close the client, and write a cassette that was given as a path."""
        await self._inner.aclose()
        if self._writes:
            self.cassette.save()


class ReplayTransport(SimulatedTransport):
    """Plays the answers of a cassette, without a network and without its delays."""

    def __init__(self, cassette: Exchanges | str | Path) -> None:
        """Raises `ConfigurationError` when there is no such file."""
        self.cassette = cassette if isinstance(cassette, Exchanges) else Exchanges(cassette, "replay")
        super().__init__(self.cassette.play)


class AsyncReplayTransport(AsyncSimulatedTransport):
    """As `ReplayTransport`, for async callers."""

    def __init__(self, cassette: Exchanges | str | Path) -> None:
        """Raises `ConfigurationError` when there is no such file."""
        self.cassette = cassette if isinstance(cassette, Exchanges) else Exchanges(cassette, "replay")
        super().__init__(self.cassette.play)


class _RecordedBody:
    """A body that is recorded while it is read."""

    def __init__(self, inner: BlockingBody, tape: _Tape) -> None:
        self._inner = inner
        self._tape = tape
        self.status = inner.status
        self.headers = inner.headers

    @property
    def expires(self) -> float:
        return self._inner.expires

    @expires.setter
    def expires(self, value: float) -> None:
        self._inner.expires = value

    def read(self) -> bytes:
        try:
            return self._tape.add(self._inner.read())
        except (APIConnectionError, APITimeoutError) as error:
            self._tape.end("cut" if isinstance(error, APIConnectionError) else "stall")
            raise

    def close(self) -> None:
        self._inner.close()
        self._tape.end("clean")


class _AsyncRecordedBody:
    """As `_RecordedBody`, for async callers."""

    def __init__(self, inner: AsyncBody, tape: _Tape) -> None:
        self._inner = inner
        self._tape = tape
        self.status = inner.status
        self.headers = inner.headers

    @property
    def expires(self) -> float:
        return self._inner.expires

    @expires.setter
    def expires(self, value: float) -> None:
        self._inner.expires = value

    async def read(self) -> bytes:
        try:
            return self._tape.add(await self._inner.read())
        except (APIConnectionError, APITimeoutError) as error:
            self._tape.end("cut" if isinstance(error, APIConnectionError) else "stall")
            raise

    def close(self) -> None:
        self._inner.close()
        self._tape.end("clean")

    async def aclose(self) -> None:
        await self._inner.aclose()
        self._tape.end("clean")


def _for_recording(cassette: Exchanges | str | Path) -> Exchanges:
    return cassette if isinstance(cassette, Exchanges) else Exchanges(cassette, "record")


def _record_reply(cassette: Exchanges, request: Request, reply: Reply) -> None:
    tape = _Tape(cassette, request, reply.status, reply.headers)
    tape.add(reply.body)
    tape.end("clean")


def _record_failure(cassette: Exchanges, request: Request, error: APIConnectionError | APITimeoutError) -> None:
    end: _End = "timeout" if isinstance(error, APITimeoutError) else "refuse"
    cassette.record(request, Simulated(end=end))
