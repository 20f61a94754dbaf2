"""polydriver through its manager with default settings, in both colours, without and with a listener."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from polydriver import AI, AsyncAI, ResponseGenerated

from . import API_KEY, MODEL, PROMPT, Answer

__all__ = [
    "AsyncPolydriver",
    "AsyncPolydriverDurable",
    "AsyncPolydriverUnguarded",
    "AsyncPolydriverWithLimits",
    "AsyncPolydriverWithListener",
    "AsyncPolydriverWriteBehind",
    "Polydriver",
    "PolydriverWithListener",
    "answer_of",
]

_MUCH = 1_000_000_000


def _config(base_url: str, **settings: Any) -> dict[str, Any]:
    connection = {"driver": "openai", "api_key": API_KEY, "base_url": base_url, **settings}
    return {"default": "openai", "providers": {"openai": connection}}


def _stored(ledger: str) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="polydriver-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"storage": {"url": f"sqlite:///{folder / 'ai.db'}", "ledger": ledger}}


def answer_of(response: Any) -> Answer:
    """What was read of a response."""
    assert response.cost is not None, "the answer has no cost: the comparison would not be fair"
    return Answer(response.content, response.usage.total_tokens)


class Polydriver:
    """A provider of `AI`."""

    def __init__(self, base_url: str) -> None:
        self._ai = AI(_config(base_url))
        self._provider = self._ai.provider("openai")

    def call(self) -> Answer:
        return answer_of(self._provider.send_message(PROMPT, model=MODEL))

    def stream(self, on_text: Callable[[str], object]) -> int:
        with self._provider.send_streaming_message(PROMPT, model=MODEL) as stream:
            for chunk in stream:
                if chunk.content:
                    on_text(chunk.content)
            return answer_of(stream.response).total_tokens


class PolydriverWithListener(Polydriver):
    """The same with a listener that keeps the newest event."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self._ai.on(ResponseGenerated, self._listen)

    def _listen(self, event: ResponseGenerated) -> None:
        self._event = event


class AsyncPolydriver:
    """A provider of `AsyncAI`."""

    settings: ClassVar[dict[str, Any]] = {}
    ledger: ClassVar[str | None] = None

    def __init__(self, base_url: str) -> None:
        storage = {} if self.ledger is None else _stored(self.ledger)
        self._ai = AsyncAI(_config(base_url, **self.settings) | storage)
        self._provider = self._ai.provider("openai")

    async def call(self) -> Answer:
        return answer_of(await self._provider.send_message(PROMPT, model=MODEL))

    async def stream(self, on_text: Callable[[str], object]) -> int:
        async with self._provider.send_streaming_message(PROMPT, model=MODEL) as stream:
            async for chunk in stream:
                if chunk.content:
                    on_text(chunk.content)
            return answer_of(stream.response).total_tokens


class AsyncPolydriverWithListener(AsyncPolydriver):
    """The same with a listener that keeps the newest event."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self._ai.on(ResponseGenerated, self._listen)

    def _listen(self, event: ResponseGenerated) -> None:
        self._event = event


class AsyncPolydriverWithLimits(AsyncPolydriver):
    """The same with four limits, beside the circuit and the retry budget that are on by default."""

    settings: ClassVar[dict[str, Any]] = {
        "rate_limiting": {
            "requests_per_minute": _MUCH,
            "input_tokens_per_minute": _MUCH,
            "output_tokens_per_minute": _MUCH,
            "max_concurrent": 10_000,
        }
    }


class AsyncPolydriverUnguarded(AsyncPolydriver):
    """The same without limits, circuit and retry budget: no setting takes the budget away."""

    settings: ClassVar[dict[str, Any]] = {"circuit": {"enabled": False}}

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        connection = self._provider.connection
        connection.counters = tuple(counter for counter in connection.counters if counter is not connection.budget)


class AsyncPolydriverWriteBehind(AsyncPolydriver):
    """The same with a ledger in SQLite whose rows are written within a tenth of a second."""

    ledger = "write-behind"

    def finish(self) -> None:
        """Write what is still to be written: it belongs to the calls that were measured."""
        storage = self._ai.storage
        assert storage is not None
        assert storage.flush()


class AsyncPolydriverDurable(AsyncPolydriver):
    """The same with a ledger in SQLite whose rows are on the disk before a request goes out, and before its answer."""

    ledger = "durable"
