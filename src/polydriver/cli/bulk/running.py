"""The run of a batch: lines that have no outcome yet are sent side by side, and each outcome is in the journal before
its line counts as finished."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...data.batches import BatchProgress
from ...data.responses import AIResponse
from ...engine.batches import AsyncBatchStream
from ...engine.waiting import wait_async
from ...errors import AIError
from ...workers.outcomes import FATAL, TRANSIENT, as_object, describe_error, pause_before
from ..hints import explain
from .journal import Journal
from .lines import Line, read_lines, read_request

if TYPE_CHECKING:
    from ...manager import AsyncAI
    from ...provider import AsyncProvider

__all__ = ["Run", "Terminated", "add_system", "run_in_loop"]


class Terminated(BaseException):
    """The run was ended by SIGTERM."""


class Run:
    """One run over the lines that are left of a source.

    `fatal` is the error that ended it early, `progress` what it did.
    """

    def __init__(
        self,
        source: Path,
        journal: Journal,
        options: dict[str, Any],
        *,
        left: int,
        system: str | None,
        concurrency: int,
        patience: float,
    ) -> None:
        """`left`: how many lines of the source have no outcome. `options` apply to all lines that do not say otherwise;
        `patience`: the longest time, in seconds, that a line waits for limits, open circuits and 429s."""
        self.fatal: AIError | None = None
        self.progress = BatchProgress(total=left)
        self._journal = journal
        self._source = source
        self._left = left
        self._options = options
        self._system = system
        self._concurrency = concurrency
        self._patience = patience

    def work(self, ai: AsyncAI, provider: str, on_progress: Callable[[BatchProgress], object]) -> None:
        """Run until every line has an outcome. Raises `KeyboardInterrupt` and `Terminated` after the running calls were
        stopped, and `OSError` when the journal cannot be written."""
        run_in_loop(ai, lambda: self._send_all(ai.provider(provider), on_progress))

    async def _send_all(self, provider: AsyncProvider, on_progress: Callable[[BatchProgress], object]) -> None:
        async def send(line: Line) -> AIResponse | None:
            return await self._finish(provider, line)

        stream: AsyncBatchStream[Any] = AsyncBatchStream(
            _CountedLines(self._lines, self._left), send, max_concurrency=self._concurrency, on_progress=on_progress
        )
        try:
            async with stream:
                async for outcome in stream:
                    if outcome.error is not None and not isinstance(outcome.error, AIError | ValueError):
                        raise outcome.error
        finally:
            self.progress = stream.progress

    def _lines(self) -> Iterator[Line]:
        """The lines without an outcome, until an error that every line would meet ends the run."""
        for line in read_lines(self._source):
            if self.fatal is not None:
                return
            if line.custom_id not in self._journal.done:
                yield line

    async def _finish(self, provider: AsyncProvider, line: Line) -> AIResponse | None:
        """Send a line and write its outcome. Raises what it failed with."""
        try:
            response = await self._send(provider, line)
        except FATAL as error:
            self.fatal = self.fatal or error
            raise
        except (AIError, ValueError) as error:
            self._journal.add(line.custom_id, line.digest, {"error": describe_error(error, explain)})
            raise
        values = as_object(response, parsed=response.parsed is not None)
        self._journal.add(line.custom_id, line.digest, values)
        return response

    async def _send(self, provider: AsyncProvider, line: Line) -> AIResponse:
        request = read_request(line.data)
        messages = add_system(request.messages, self._system)
        options = {**self._options, **request.options, "queue": "batch"}
        waited, tries = 0.0, 0
        while True:
            try:
                return await provider.send_messages(messages, **options)
            except TRANSIENT as error:
                tries += 1
                seconds = pause_before(tries, error)
                if waited + seconds > self._patience:
                    raise
            await wait_async(seconds)
            waited += seconds


def run_in_loop(ai: AsyncAI, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` in an event loop of its own, and close `ai`. SIGTERM cancels it, and is raised as `Terminated`."""

    async def run() -> None:
        task, is_terminated = asyncio.current_task(), False

        def terminate() -> None:
            nonlocal is_terminated
            is_terminated = True
            assert task is not None
            task.cancel()

        with suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
        try:
            async with ai:
                await work()
        except asyncio.CancelledError:
            if is_terminated:
                raise Terminated from None
            raise

    asyncio.run(run())


class _CountedLines:
    """Lines whose number is known."""

    def __init__(self, lines: Callable[[], Iterator[Line]], count: int) -> None:
        self._lines = lines
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Line]:
        return self._lines()


def add_system(messages: list[Any], system: str | None) -> list[Any]:
    """The messages with instructions for the model before them, unless they have some."""
    if system is None or any(
        isinstance(message, dict) and message.get("role") in ("system", "developer") for message in messages
    ):
        return messages
    return [{"role": "system", "content": system}, *messages]
