"""Reading one open stream: bytes in, chunks out, and exactly one end of its attempt and its call.

A stream ends well (`_finish`), breaks (`_interrupt`, `_misread`, `_lost`), or is left (`abandon`). All three settle the
attempt and end the call; whichever comes first counts.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, Protocol, TypeAlias, TypeVar
from weakref import WeakSet

from ..colours import drive
from ..data.origins import own_parts
from ..data.responses import AIChunk, AIResponse
from ..errors import AIError, StreamInterruptedError
from .attempts import Attempt, may_be_billed
from .billing import chunk_size, estimate_usage
from .calls import Call, Emit
from .continuing import join, trim
from .failures import Failures, without_frames
from .policies import Meter, Outcome
from .ports import Body, Port

__all__ = ["OpenReader", "StreamReader", "abandon_all", "closed_elsewhere", "note_open", "note_over"]

E = TypeVar("E")
GoOn: TypeAlias = Callable[[AIError, AIResponse], Awaitable["StreamReader | None"]]

_DRAIN_SECONDS = 0.1
_unfinished: WeakSet[OpenReader] = WeakSet()


class OpenReader(Protocol):
    """What a stream reads. `pending`, `started` and `ended`: see `StreamReader`; `over`: whether its call has ended."""

    pending: deque[AIChunk]
    started: bool
    ended: bool
    over: bool

    @property
    def port(self) -> Port:
        """The port that it is read over."""

    @property
    def response(self) -> AIResponse:
        """The answer: whole once the stream ended, before that what came so far."""

    async def advance(self) -> None:
        """Read once. Afterwards there may be pending chunks, or the stream has ended. Raises when it broke."""

    def closed_elsewhere(self) -> StreamInterruptedError:
        """The error for who reads a stream that another thread has closed; the call has ended."""

    async def abandon(
        self, emit: Emit, reason: Literal["closed", "cancelled", "dropped", "exit"], *, waits: bool = False
    ) -> None:
        """Free what it holds, and end its call where that has not ended: what was not read is lost."""


def note_open(reader: OpenReader) -> None:
    """Have a reader abandoned when the program ends, unless it is over by then."""
    _unfinished.add(reader)


def note_over(reader: OpenReader) -> None:
    """A reader has come to its end."""
    _unfinished.discard(reader)


def closed_elsewhere(failures: Failures, call: Call, partial: AIResponse | None) -> StreamInterruptedError:
    """The error for who reads a stream that another thread has closed; the call has ended."""
    who = "by another thread" if call.closed() is None else "when its provider was closed"
    error = failures.of_kind(StreamInterruptedError, f"the stream was closed {who} while it was read")
    error.retryable = False
    assert isinstance(error, StreamInterruptedError)
    error.partial = partial
    failures.finish(error)
    return error


class StreamReader:
    """One open stream and its attempt.

    - `pending`: chunks that were decoded and not yet taken.
    - `started`: whether content came, so that it can no longer be retried; `ended`: whether it ended well.
    - `held`: whether its end is to be put off, since it is being opened: then `ready` says that it has come.
    - `response`: the whole answer once it ended; before that, what came so far.
    - `go_on`: how another target goes on from what came, where the stream breaks; returns its stream, if there is one,
      which this one then reads.
    """

    __slots__ = (
        "__weakref__",
        "_before",
        "_is_trimmed",
        "_pieces",
        "_process",
        "_response",
        "_stopped",
        "attempt",
        "body",
        "decoder",
        "ended",
        "go_on",
        "held",
        "over",
        "pending",
        "ready",
        "started",
    )

    def __init__(self, attempt: Attempt, body: Body) -> None:
        self.attempt = attempt
        self.body = body
        prompt, target = attempt.prompt, attempt.target
        assert prompt is not None
        self.decoder = target.failures.reading(lambda: target.driver.decoder(prompt))
        self.pending: deque[AIChunk] = deque()
        self.started = False
        self.ended = False
        self.held = False
        self.ready = False
        self.over = False
        self.go_on: GoOn | None = None
        self._before = attempt.call.came
        self._is_trimmed = self._before is None
        self._pieces = 0
        self._response: AIResponse | None = None
        self._stopped: AIError | None = None
        self._process = os.getpid()
        _unfinished.add(self)

    @property
    def port(self) -> Port:
        """The port that it is read over."""
        return self.attempt.target.port

    @property
    def response(self) -> AIResponse:
        """The answer: whole once the stream ended, before that what came so far."""
        if self._response is not None:
            return self._response
        return self._joined(self.attempt.target.failures.reading(self.decoder.build))

    async def advance(self) -> None:
        """Read once. Afterwards there may be pending chunks, or the stream has ended. Raises when it broke.

        What came before a failure is handed out first: the failure is raised by the next step.
        """
        if self._process != os.getpid():
            raise self._not_ours()
        if self.ready:
            await self._finish()
            return
        if self._stopped is not None:
            if not self.started:
                raise self._over(self._stopped)
            await self._break_off(self._stopped)
            return
        decoder = self.decoder
        if decoder.failure is not None:
            await self._misread(decoder.failure)
            return
        if decoder.closed:
            await self._ended_by_server()
            return
        try:
            data = await self.attempt.target.port.read(self.body, self.attempt.stop)
        except AIError as error:
            if not decoder.complete:
                self.attempt.check_stop()
            await self._lost(error)
            return
        except BaseException:
            self.body.close()
            raise
        self._wait_anew()
        ended = not data
        chunks = decoder.finish() if ended else decoder.feed(data)
        del data  # a traceback with locals would show it
        if chunks:
            self._take(chunks)
            if self.attempt.meter is not None:
                await self._measure(self.attempt.meter, chunks)
        if decoder.failure is not None:
            if not chunks:
                await self._misread(decoder.failure)
        elif ended:
            await self._ended_by_server()

    def closed_elsewhere(self) -> StreamInterruptedError:
        """The error for who reads a stream that another thread has closed; the call has ended."""
        return closed_elsewhere(self.attempt.target.failures, self.attempt.call, self._whole(self._partial()))

    def _not_ours(self) -> AIError:
        """The error for a forked child, which has only a copy of its parent's stream."""
        failures = self.attempt.target.failures
        error = failures.of_kind(
            StreamInterruptedError, "the stream belongs to the process that opened it, not to its forked child"
        )
        error.retryable = False
        return failures.finish(error)

    async def abandon(
        self, emit: Emit, reason: Literal["closed", "cancelled", "dropped", "exit"], *, waits: bool = False
    ) -> None:
        """Free the connection, and end attempt and call where they have not ended: what was not read is lost."""
        try:
            self.body.close()
        finally:
            if not self.over and self._process == os.getpid():  # a forked child has a copy of its parent's stream
                self.over = True
                _unfinished.discard(self)
                await self._tell_abandoned(emit, reason, waits=waits)

    async def _tell_abandoned(
        self, emit: Emit, reason: Literal["closed", "cancelled", "dropped", "exit"], *, waits: bool
    ) -> None:
        partial = self._partial()
        outcome = Outcome(kind="cancelled" if reason == "cancelled" else "abandoned", delivered=self.started)
        if partial is not None:
            outcome.tell(partial, self.attempt.provider)
        call, whole = self.attempt.call, self._whole(partial)
        await self._end(emit, outcome, lambda emit: call.abandoned(emit, whole, reason), waits=waits)

    def drop(self) -> AIResponse | None:
        """Give up a stream before its first content was taken; returns what came of it, for its attempt."""
        self.body.close()
        self._over(None)
        return self._partial()

    async def _end(
        self, emit: Emit, outcome: Outcome, tell: Callable[[Emit], Coroutine[Any, Any, None]], *, waits: bool = True
    ) -> None:
        """Settle the attempt, then tell how the call ended: also when the wait for the first is interrupted."""
        try:
            await self.attempt.settle(emit, outcome, waits=waits)
        except BaseException:
            drive(tell(self.attempt.target.port.emit_now))
            raise
        await tell(emit)

    def _take(self, chunks: list[AIChunk]) -> None:
        for chunk in chunks:
            if chunk.content or chunk.reasoning:
                self._pieces += 1
            if chunk.tool_calls or chunk.parts:
                chunk.tool_calls = own_parts(chunk.tool_calls, self.attempt.target.origins)
                chunk.parts = own_parts(chunk.parts, self.attempt.target.origins)
        if not self._is_trimmed and self._before is not None:
            self._is_trimmed = trim(self._before.content, chunks)
        self.pending.extend(chunks)
        if self.attempt.watch is not None:
            self.attempt.watch.chunks(len(chunks), self.attempt.target.port.now())
        if not self.started:
            for chunk in chunks:
                if chunk.content or chunk.reasoning or chunk.tool_calls or chunk.parts:
                    self.started = True
                    self.attempt.first_content = self.attempt.target.port.now()
                    self._wait_anew()
                    break

    async def _measure(self, meter: Meter, chunks: list[AIChunk]) -> None:
        """Tell the meter what came; where it stops the stream, that is what the next step raises."""
        try:
            await meter.delivered(sum(map(chunk_size, chunks)), self.attempt.target.port)
        except AIError as error:
            self._stopped = error
        except BaseException:
            self.body.close()
            raise

    def _wait_anew(self) -> None:
        """Begin the silence anew: whatever comes, also a ping or a comment, is a sign of life.

        A model may think for long before its first content, and some servers say nothing meanwhile: until then the
        limit is that of any attempt.
        """
        call = self.attempt.call
        now = self.attempt.target.port.now()
        expires = now + call.idle_timeout if self.started else min(now + call.timeout, self.attempt.first_content_due)
        deadline = call.deadline
        self.body.expires = expires if deadline is None or expires < deadline else deadline

    async def _ended_by_server(self) -> None:
        """The server closed, or said its last word: only the end mark of the answer makes that a success."""
        if self.decoder.complete:
            await self._finish()
        else:
            await self._interrupt("the stream ended without its end mark: the answer was cut")

    async def _finish(self) -> None:
        """The answer is whole: let the connection go back to its pool, settle the attempt and end the call."""
        if self.held:
            self.ready = True
            return
        await self._drain()
        attempt, call, prompt = self.attempt, self.attempt.call, self.attempt.prompt
        assert prompt is not None
        target, emit = attempt.target, attempt.target.port.emit
        response = target.failures.reading(self.decoder.build)
        self.ended = self.over = True
        _unfinished.discard(self)
        target.fill(response, prompt, call, self.body.headers, attempt.request_id)
        done = Outcome(kind="success", delivered=True)
        done.tell(response, attempt.provider)
        self._response = response = self._joined(response)
        try:
            if prompt.response_format is not None:
                target.parse_output(prompt.response_format, response)
        except AIError as error:
            invalid = error
            await self._end(emit, done, lambda emit: call.failed(emit, invalid))
            raise
        await self._end(emit, done, lambda emit: call.answered(emit, response, stream=True))
        self._add_last_chunks(response)

    def _add_last_chunks(self, response: AIResponse) -> None:
        """The last chunk of each choice: how it ended, and with the first one what all of it used."""
        for choice in (*response.alternatives, response):
            self.pending.append(
                AIChunk(
                    index=choice.index,
                    finish_reason=choice.finish_reason,
                    raw_finish_reason=choice.raw_finish_reason,
                    usage=response.usage if choice is response else None,
                )
            )

    async def _drain(self) -> None:
        """Read the end of the body, so that the connection can be reused; one that is kept open is not waited for."""
        body, port = self.body, self.attempt.target.port
        body.expires = port.now() + _DRAIN_SECONDS
        try:
            for _ in range(8):
                if not await port.read(body):
                    break
        except AIError:
            pass
        finally:
            body.close()

    async def _lost(self, error: AIError) -> None:
        """The connection failed. An answer that had its end mark stands; otherwise it was cut."""
        self.body.close()
        if self.decoder.complete:
            self.decoder.answer.warnings.append(f"the connection broke after the end of the answer: {error.message}")
            await self._finish()
            return
        failure = self.attempt.target.failures.of_transport(self.attempt.in_time(error), self.attempt.call)
        if self.started:
            await self._interrupt(failure.message, failure)
            return
        raise self._over(failure)

    async def _misread(self, error: Exception) -> None:
        """The stream held an error, or something that cannot be read."""
        self.body.close()
        failures = self.attempt.target.failures
        failure = failures.finish(without_frames(error)) if isinstance(error, AIError) else failures.unexpected(error)
        failure.__cause__ = error.__cause__ if failure is error else error
        if failure.status is None:
            failure.status = self.body.status  # the stream began as a success, and the provider gave no other status
        if self.started:
            await self._interrupt(failure.message, failure)
            return
        raise self._over(failure)

    async def _interrupt(self, message: str, cause: AIError | None = None) -> None:
        """The stream broke. Before the first content it may be tried again; afterwards the partial answer is kept."""
        self.body.close()
        failures = self.attempt.target.failures
        error: AIError = failures.of_kind(StreamInterruptedError, message)
        error.retryable = not self.started
        if cause is not None:
            error.status, error.code, error.type = cause.status, cause.code, cause.type
            error.request_id, error.retry_after, error.details = cause.request_id, cause.retry_after, cause.details
        error = failures.finish(error)
        error.__cause__ = cause
        if not self.started:
            raise self._over(error)
        await self._break_off(error, billed=cause is None or may_be_billed(cause))

    async def _break_off(self, error: AIError, *, billed: bool = True) -> None:
        """End with an error after content came, which holds that: it is paid for. Unless another target goes on."""
        self.body.close()
        partial = self._partial()
        error.partial = whole = self._whole(partial)
        outcome = Outcome(kind="interrupted", error=error, delivered=True, may_be_billed=billed)
        if partial is not None:
            outcome.tell(partial, self.attempt.provider)
        emit = self.attempt.target.port.emit
        if self.go_on is not None and whole is not None:
            await self.attempt.settle(emit, outcome)
            following = await self.go_on(error, whole)
            if following is not None:
                self._follow(following)
                return
        self.over = True
        _unfinished.discard(self)
        if whole is not None:
            self._response = whole
        await self._end(emit, outcome, lambda emit: self.attempt.call.failed(emit, error))
        raise error

    def _follow(self, other: StreamReader) -> None:
        """Read another stream from now on, which goes on where this one broke."""
        for name in ("attempt", "body", "decoder", "ended", "go_on", "over", "ready"):
            setattr(self, name, getattr(other, name))
        self._before, self._is_trimmed, self._pieces = other._before, other._is_trimmed, other._pieces
        self._response, self._stopped = other._response, other._stopped
        self.pending.extend(other.pending)
        other.over = True
        _unfinished.discard(other)
        if self.over:
            _unfinished.discard(self)

    def _joined(self, answer: AIResponse) -> AIResponse:
        """The whole answer, where this stream goes on from another one."""
        return answer if self._before is None else join(self._before, answer)

    def _whole(self, partial: AIResponse | None) -> AIResponse | None:
        """What came so far, with what came before this stream."""
        return self._before if partial is None else self._joined(partial)

    def _over(self, error: E) -> E:
        """A failure before the first content: the engine settles the attempt, and may try again."""
        self.over = True
        _unfinished.discard(self)
        return error

    def _partial(self) -> AIResponse | None:
        """What came so far, with its usage and cost, estimated where the provider has not told it."""
        attempt, prompt = self.attempt, self.attempt.prompt
        assert prompt is not None
        try:
            partial = attempt.target.failures.reading(self.decoder.build)
        except AIError:
            return None
        partial.usage = estimate_usage(prompt, partial, self._pieces, complete=self.decoder.complete)
        attempt.target.fill(partial, prompt, attempt.call, self.body.headers, attempt.request_id)
        return partial


@atexit.register
def abandon_all() -> None:
    """End the streams that are still open when the program ends."""
    for reader in list(_unfinished):
        with contextlib.suppress(Exception):  # of one whose event loop is gone: the others are to end, too
            drive(reader.abandon(reader.port.emit_now, "exit"))
