"""A stream on its way: the state that `Stream` and `AsyncStream` pump."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ..data.responses import AIChunk, AIResponse
from ..errors import AIError, StreamInterruptedError

if TYPE_CHECKING:
    from ..data.prompt import Prompt
    from .call import Call
    from .pipeline import Pipeline
    from .ports import Body

__all__ = ["StreamState"]

_DRAIN_SECONDS = 0.1


class StreamState:
    """One open stream: reads, decodes, and knows when it has started, ended well or broken.

    - `pending`: chunks that were decoded and not yet taken.
    - `started`: whether content came, so that it can no longer be retried; `ended`: whether it ended well.
    - `response`: the whole answer once it ended; before that, what came so far.
    """

    __slots__ = ("_response", "body", "call", "decoder", "ended", "error", "pending", "pipeline", "prompt", "started")

    def __init__(self, pipeline: Pipeline[Any], body: Body, prompt: Prompt, call: Call) -> None:
        self.pipeline = pipeline
        self.body = body
        self.prompt = prompt
        self.call = call
        self.decoder = pipeline.failures.reading(lambda: pipeline.driver.decoder(prompt))
        self.pending: deque[AIChunk] = deque()
        self.started = False
        self.ended = False
        self.error: AIError | None = None
        self._response: AIResponse | None = None

    @property
    def response(self) -> AIResponse:
        """The answer: whole once the stream ended, before that what came so far."""
        if self._response is not None:
            return self._response
        return self.pipeline.failures.reading(self.decoder.build)

    async def advance(self) -> None:
        """Read once. Afterwards there may be pending chunks, or the stream has ended. Raises when it broke.

        What came before a failure is handed out first: the failure is raised by the next step.
        """
        decoder = self.decoder
        if decoder.failure is not None:
            await self._misread(decoder.failure)
        if decoder.closed:
            await self._ended_by_server()
            return
        before = decoder.events
        try:
            data = await self.pipeline.port.read(self.body)
        except AIError as error:
            await self._lost(error)
            return
        except BaseException:
            self.body.close()
            raise
        chunks = decoder.feed(data) if data else decoder.finish()
        if chunks:
            self._take(chunks)
        if decoder.failure is not None:
            if not chunks:
                await self._misread(decoder.failure)
        elif not data:
            await self._ended_by_server()
        elif self.started and decoder.events != before:
            self._extend()

    def close(self) -> None:
        """Free the connection; what was not read is lost. Never waits."""
        self.body.close()

    def _take(self, chunks: list[AIChunk]) -> None:
        self.pending.extend(chunks)
        if not self.started:
            for chunk in chunks:
                if chunk.content or chunk.reasoning or chunk.tool_calls or chunk.parts:
                    self.started = True
                    self._extend()
                    break

    def _extend(self) -> None:
        """An event came: the idle time begins anew. Comments are no events."""
        expires = self.pipeline.port.now() + self.call.idle_timeout
        deadline = self.call.deadline
        self.body.expires = expires if deadline is None or expires < deadline else deadline

    async def _ended_by_server(self) -> None:
        """The server has said its last word, or closed: only the end mark of the answer makes that a success."""
        if self.decoder.complete:
            await self._finish()
        else:
            await self._interrupt("the stream ended without its end mark: the answer was cut")

    async def _finish(self) -> None:
        """The answer is whole: let the connection go back to its pool, and report."""
        await self._drain()
        response = self.pipeline.failures.reading(self.decoder.build)
        self._response = response
        self.ended = True
        try:
            await self.pipeline.conclude(response, self.prompt, self.call)
        except AIError as error:
            await self._raise(error)
        self._say_last(response)

    def _say_last(self, response: AIResponse) -> None:
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
        body = self.body
        body.expires = self.pipeline.port.now() + _DRAIN_SECONDS
        try:
            for _ in range(8):
                if not await self.pipeline.port.read(body):
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
        failure = self.pipeline.failures.of_transport(error, self.call)
        if self.started:
            await self._interrupt(failure.message, failure)
        await self._raise(failure, report=False)

    async def _misread(self, error: Exception) -> None:
        """The stream held an error, or something that cannot be read."""
        self.body.close()
        failures = self.pipeline.failures
        failure = failures.finish(error) if isinstance(error, AIError) else failures.unexpected(error)
        failure.__cause__ = error.__cause__ if failure is error else error
        if failure.status is None:
            failure.status = self.body.status  # the stream began as a success, and the provider gave no other status
        if self.started:
            await self._interrupt(failure.message, failure)
        await self._raise(failure, report=False)

    async def _interrupt(self, message: str, cause: AIError | None = None) -> None:
        """The stream broke. Before the first content it may be tried again; afterwards the partial answer is kept."""
        self.body.close()
        error: AIError = self.pipeline.failures.of_kind(StreamInterruptedError, message)
        error.retryable = not self.started
        if cause is not None:
            error.status, error.code, error.type = cause.status, cause.code, cause.type
            error.request_id, error.retry_after, error.details = cause.request_id, cause.retry_after, cause.details
        error = self.pipeline.failures.finish(error)
        error.partial = self._partial()
        error.__cause__ = cause
        await self._raise(error, report=self.started)

    def _partial(self) -> AIResponse | None:
        """What came so far, with its usage and cost."""
        try:
            partial = self.pipeline.failures.reading(self.decoder.build)
            self.pipeline.fill(partial, self.prompt, self.call)
        except AIError:
            return None
        self._response = partial
        return partial

    async def _raise(self, error: AIError, *, report: bool = True) -> None:
        self.error = error
        if report:
            await self.pipeline.fail(error, self.call)
        raise error
