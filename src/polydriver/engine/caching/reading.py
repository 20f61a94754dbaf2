"""How a stream reads an answer that was kept, or that it shares with other calls: with chunks and events as ever."""

from __future__ import annotations

import os
from collections import deque
from copy import copy
from typing import Any

from ...data.messages import Part, Reasoning, Refusal, Text
from ...data.prompt import Prompt
from ...data.responses import AIChunk, AIResponse, Choice
from ...errors import AIError, StreamInterruptedError
from ..calls import Call, Emit
from ..ports import Port
from ..reading import closed_elsewhere, note_open, note_over
from ..targets import Target
from .flights import Flight, Flights, LeaveReason, Member
from .sharing import fill, share_error, share_response

__all__ = ["SharedReader"]


class SharedReader:
    """Reads a flight, under way or over; see `engine.reading.StreamReader` for what a stream expects of it."""

    __slots__ = (
        "__weakref__", "_at", "_call", "_flight", "_flights", "_member", "_place", "_process", "_prompt", "_response",
        "_target", "ended", "over", "pending", "started",
    )  # fmt: skip

    def __init__(
        self, flights: Flights, place: tuple[Any, ...], flight: Flight, member: Member, target: Target, prompt: Prompt
    ) -> None:
        self._flights = flights
        self._place = place
        self._flight = flight
        self._member = member
        self._call: Call = member.call
        self._target = target
        self._prompt = prompt
        self._at = 0
        self._process = os.getpid()
        self._response: AIResponse | None = None
        self.pending: deque[AIChunk] = deque()
        self.started = True
        self.ended = self.over = False
        note_open(self)

    @property
    def port(self) -> Port:
        """The port that it is read over."""
        return self._target.port

    @property
    def response(self) -> AIResponse:
        """The answer: whole once the stream ended, before that what came so far."""
        return self._response if self._response is not None else self._so_far()

    async def advance(self) -> None:
        """Take what came, or wait for more. Afterwards there may be pending chunks, or the stream has ended."""
        flight = self._flight
        while self._at == len(flight.chunks):
            if flight.is_over:
                await (self._fail(flight.error) if flight.error is not None else self._finish())
                return
            if not await flight.wait(self._member, self._target.port):
                await self._expire()
        came = flight.chunks[self._at :]
        self._at += len(came)
        self.pending.extend(map(copy, came))

    def closed_elsewhere(self) -> StreamInterruptedError:
        """The error for who reads a stream that another thread has closed; the call has ended."""
        return closed_elsewhere(self._target.failures, self._call, self._so_far())

    async def abandon(self, emit: Emit, reason: LeaveReason, *, waits: bool = False) -> None:
        """End the call where it has not ended; the request goes on as long as somebody else waits for it."""
        if self.over or self._process != os.getpid():
            return
        self._end()
        flight, port = self._flight, self._target.port
        at_exit = reason == "exit"
        if self._flights.leave(self._place, flight, self._member, None if at_exit else reason):
            if at_exit:
                if flight.reader is not None:
                    await flight.reader.abandon(emit, reason)
                await self._call.abandoned(emit, flight.own_call.partial, reason)
            elif waits or (reason == "closed" and flight.loop is None and flight.thread != _me()):
                await flight.wait_for_end(self._member, port)
            return
        partial = share_response(flight, self._member) if flight.response is not None else self._so_far()
        await self._call.abandoned(emit, partial, reason)

    async def _finish(self) -> None:
        """The answer is whole: end the call, and hand out the last chunks."""
        flight, target, call = self._flight, self._target, self._call
        response = self._response = share_response(flight, self._member)
        self._end()
        self.ended = True
        if response.cached:
            fill(response, call, target, self._prompt)
        emit = target.port.emit
        if self._prompt.response_format is not None:
            try:
                target.parse_output(self._prompt.response_format, response)
            except AIError as error:
                await call.failed(emit, error)
                raise
        await call.answered(emit, response, stream=True)
        self.pending.extend(map(copy, flight.tail))

    async def _fail(self, error: BaseException) -> None:
        """The stream broke for all who read it."""
        self._end()
        if not isinstance(error, AIError):
            error = self._target.failures.of_kind(StreamInterruptedError, "the request that it shares was stopped")
            error.partial = self._so_far()
        elif self._member is not self._flight.payer:
            error = share_error(error)
        self._response = error.partial
        await self._call.failed(self._target.port.emit, error)
        raise error

    async def _expire(self) -> None:
        """The time of this call is up before that of the flight."""
        target, flight = self._target, self._flight
        late = target.failures.deadline(self._call)
        error = target.failures.of_kind(StreamInterruptedError, late.message)
        error.retryable, error.__cause__ = False, late
        self._end()
        if self._flights.leave(self._place, flight, self._member):
            await flight.wait_for_end(self._member, target.port)
            error.partial = flight.own_call.partial
        else:
            error.partial = self._so_far()
        await self._call.failed(target.port.emit, target.failures.finish(error))
        raise error

    def _end(self) -> None:
        self.over = True
        note_over(self)

    def _so_far(self) -> AIResponse:
        """What was read up to now, of which nothing else is known."""
        response = AIResponse(provider=self._target.connection.name, requested_model=self._prompt.model)
        response.attempts = self._call.attempts
        response.cached = self._member is not self._flight.payer
        choices = _choices(self._flight.chunks[: self._at])
        response.parts = choices.pop(0, [])
        response.alternatives = [Choice(index=index, parts=parts) for index, parts in sorted(choices.items())]
        return response


_TEXTS: tuple[tuple[str, Any], ...] = (("reasoning", Reasoning), ("content", Text), ("refusal", Refusal))


def _choices(chunks: list[AIChunk]) -> dict[int, list[Part]]:
    """The parts that chunks make up, by choice."""
    found: dict[int, list[Any]] = {}
    for chunk in chunks:
        parts = found.setdefault(chunk.index, [])
        for field, kind in _TEXTS:
            if text := getattr(chunk, field):
                if parts and isinstance(parts[-1], tuple) and parts[-1][0] is kind:
                    parts[-1][1].append(text)
                else:
                    parts.append((kind, [text]))
        parts += [*chunk.parts, *chunk.tool_calls]
    return {
        index: [part[0]("".join(part[1])) if isinstance(part, tuple) else part for part in parts]
        for index, parts in found.items()
    }


def _me() -> int:
    from threading import get_ident

    return get_ident()
