"""`Stream` and `AsyncStream`: two short pumps around the same state."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Literal, Self

from ..colours import drive
from ..data.prompt import Prompt
from ..data.responses import AIChunk, AIResponse, ParsedT
from ..errors import AIError, StreamInterruptedError
from .calls import Call
from .pipeline import Pipeline
from .reading import OpenReader
from .waiting import SoleUser, Stopped, running_loop

__all__ = ["AsyncStream", "Stream"]


class BaseStream(Generic[ParsedT]):
    """What both kinds of stream share: the request is made when the stream is entered or first read."""

    _closed = True  # until `__init__` has run: `__del__` comes for half-made streams, too

    def __init__(self, pipeline: Pipeline[Any], prompt: Prompt, call: Call) -> None:
        self._pipeline = pipeline
        self._prompt = prompt
        self._call = call
        self._reader: OpenReader | None = None
        self._busy = False
        self._user = SoleUser()
        self._closer = 0
        self._watchers: list[Callable[[AIChunk], object]] = []
        self._followers: list[Callable[[AIResponse[ParsedT]], object]] = []
        self._before: Callable[[], Awaitable[None]] | None = None
        self._instead: Callable[[AIResponse[ParsedT] | None], None] | None = None
        self._closed = False

    @property
    def response(self) -> AIResponse[ParsedT]:
        """The whole answer after the stream's end; before it, what came so far (its `finish_reason` is `None` then).

        Raises `RuntimeError` when the stream was never read.
        """
        if self._reader is None:
            raise RuntimeError("the stream has not been read yet: iterate over it first")
        return self._reader.response

    def on_chunk(self, listener: Callable[[AIChunk], object]) -> Self:
        """Also hand each chunk to `listener`, before it is returned."""
        self._watchers.append(listener)
        return self

    def then(self, listener: Callable[[AIResponse[ParsedT]], object]) -> Self:
        """Call `listener` with the whole answer once the last chunk of a stream that ended well is taken."""
        self._followers.append(listener)
        return self

    def before(self, act: Callable[[], Awaitable[None]]) -> Self:
        """Await `act` before the request is made. Of blocking streams, it must not wait for anything but its work."""
        self._before = act
        return self

    def instead(self, act: Callable[[AIResponse[ParsedT] | None], None]) -> Self:
        """Call `act` in place of the listeners of `then` when the stream breaks or is left, with what came of it."""
        self._instead = act
        return self

    def _end_early(self) -> None:
        """Tell, once, that the stream has no end of its own."""
        act, self._instead = self._instead, None
        if act is None:
            return
        partial: AIResponse[ParsedT] | None = None
        if self._reader is not None:
            try:
                partial = self._reader.response
            except AIError:
                partial = None
        act(partial)

    def _enter(self) -> None:
        """Note that a read, or the request, is under way: two at once would pay twice, or tear the answer apart."""
        if self._busy or not self._user.enter():
            raise RuntimeError("the stream is being read elsewhere: give each task and thread a stream of its own")
        if self._closed and self._reader is None:
            self._user.leave()
            raise RuntimeError("the stream was closed before it was read: make another with the same call")
        self._busy = True

    def _done(self) -> None:
        """The read, or the request, is over."""
        self._busy = False
        self._user.leave()

    async def _next(self) -> AIChunk | None:
        """The next chunk, after its listeners were told; `None` at the end."""
        reader = self._reader or await self._open()
        pending = reader.pending
        while not pending:
            if reader.ended or self._closed:
                self._check_closer(reader)
                return None
            self._enter()
            try:
                await reader.advance()
            except BaseException as error:
                self._done()
                self._leave("closed" if isinstance(error, Stopped) else "cancelled")
                if isinstance(error, Stopped):
                    raise reader.closed_elsewhere() from None
                raise
            self._done()
            if self._closed and not reader.over:  # by another thread, in this very moment
                self._leave("closed")
        try:
            chunk = pending.popleft()
        except IndexError:
            self._check_closer(reader)
            return None
        finish = self._pipeline.port.finish
        for watcher in self._watchers:
            await finish(watcher(chunk))
        if not pending and reader.ended:
            self._closed = True
            self._instead = None
            for follower in self._followers:
                await finish(follower(reader.response))
        return chunk

    async def _open(self) -> OpenReader:
        if self._reader is None:
            self._enter()
            try:
                if self._before is not None:
                    await self._before()
                self._reader = await self._pipeline.open(self._prompt, self._call)
                self._call.release = _release(self)
                if self._call.watch is not None:
                    self._call.watch.leave()
            except Stopped:
                message = "the stream was closed by another thread before it had begun"
                raise self._pipeline.target.failures.of_kind(StreamInterruptedError, message) from None
            except BaseException:
                self._end_early()
                raise
            finally:
                self._done()
            if self._closed:  # by another thread, in this very moment
                self._leave("closed")
        return self._reader

    def _close_from_outside(self) -> None:
        """End the stream for somebody who does not read it; who does gets an error that says so."""
        if not self._closed:
            self._closer = _NOT_A_THREAD
            self._leave("closed")

    def _check_closer(self, reader: OpenReader) -> None:
        """Who closed the stream has had enough; another thread that still reads has not got all of it."""
        if self._closer not in (0, threading.get_ident()):
            raise reader.closed_elsewhere()

    def _leave(self, reason: Literal["closed", "cancelled", "dropped"]) -> None:
        """Free the connection and end the call, if it has not ended; what was not taken is dropped. Never waits.

        While a thread reads, that thread alone touches the connection: it is woken, and does this itself.
        """
        self._closed = True
        if not self._user.enter():
            if self._call.stop is not None:
                self._call.stop.set()
            return
        try:
            if self._reader is not None:
                self._reader.pending.clear()
                drive(self._reader.abandon(self._pipeline.port.emit_now, reason))
                self._end_early()
        finally:
            self._user.leave()

    def __del__(self) -> None:
        if not self._closed:
            self._leave("dropped")


class Stream(BaseStream[ParsedT]):
    """A streamed answer for blocking callers: a context manager and an iterator of `AIChunk`.

    Leaving the `with`, `close()`, or dropping the stream frees the connection. An answer that is cut raises
    `StreamInterruptedError`, which holds what came.

    ::

        with provider.send_streaming_message("Tell me a story") as stream:
            for chunk in stream:
                print(chunk.content, end="")
        print(stream.response.usage)
    """

    def __enter__(self) -> Self:
        drive(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AIChunk:
        reader = self._reader
        if reader is not None and len(reader.pending) > 1 and not self._watchers:
            try:
                return reader.pending.popleft()  # the quick way: nobody is to be told, and it is not the last
            except IndexError:  # another thread closed the stream
                pass
        chunk = drive(self._next())
        if chunk is None:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Stop here and free the connection. May be called at any time, twice, and from any thread.

        A thread that is just reading gets `StreamInterruptedError` at once.
        """
        if not self._closed:
            self._closer = threading.get_ident()
        self._leave("closed")

    def until_done(self) -> AIResponse[ParsedT]:
        """Read to the end and return the whole answer."""
        for _ in self:
            pass
        return self.response


class AsyncStream(BaseStream[ParsedT]):
    """A streamed answer for async callers: an async context manager and an async iterator of `AIChunk`.

    Leaving the `async with`, cancelling the task, `aclose()`, or dropping the stream frees the connection. `await
    stream` opens it without reading, for those who want the errors of the request first. Its listeners may be coroutine
    functions.
    """

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def __anext__(self) -> AIChunk:
        reader = self._reader
        if reader is not None and len(reader.pending) > 1 and not self._watchers:
            return reader.pending.popleft()  # the quick way: nobody is to be told, and it is not the last
        chunk = await self._next()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Stop here and free the connection. May be called at any time, and twice."""
        self._closed = True
        if self._reader is not None:
            self._reader.pending.clear()
            await self._reader.abandon(self._pipeline.port.emit, "closed", waits=True)
            self._end_early()

    async def until_done(self) -> AIResponse[ParsedT]:
        """Read to the end and return the whole answer."""
        async for _ in self:
            pass
        return self.response


_NOT_A_THREAD = -1
"""A closer that is not a thread."""


def _release(stream: BaseStream[Any]) -> Callable[[], None]:
    """What closes a stream from anywhere; it does not keep the stream alive."""
    close = weakref.WeakMethod(stream._close_from_outside)
    loop = running_loop() if isinstance(stream, AsyncStream) else None

    def release() -> None:
        act = close()
        if act is None:
            return
        if loop is None or loop is running_loop():
            act()
        else:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(act)

    return release
