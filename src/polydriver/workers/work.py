"""The work of one item, the same on every engine: plain data in, plain data out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from ..data.json import as_plain
from ..engine.waiting import Stop, wait
from ..errors import AIError, ConfigurationError, ProviderClosedError
from ..forking import own_lock
from .items import read_id, read_item
from .outcomes import TRANSIENT, as_object, describe_error, pause_before

if TYPE_CHECKING:
    from ..manager import AI

__all__ = ["BulkWork", "Item", "Outcome", "Postponed"]

Item: TypeAlias = "str | list[Any] | dict[str, Any]"
"""A prompt, a list of messages, an object with either, or a line of OpenAI's batches; JSON values only."""

Outcome: TypeAlias = dict[str, Any]
"""`custom_id` and the answer (`content`, `usage`, `cost`, `finish_reason`, ...), or `custom_id` and an `error` with its
`type` and `message`; JSON values only."""


class Postponed(NamedTuple):
    """The item was refused for now: it is to be sent again in so many `seconds`, counted from now."""

    seconds: float


class BulkWork:
    """What a worker does with an item. One for each process; safe in many threads, and in forked children.

    ::

        work = BulkWork("polydriver.toml", provider="openai", model="gpt-4o-mini")
        work.answer("Why is the sky blue?")["content"]
    """

    _lock: Any

    def __init__(
        self,
        config: Mapping[str, Any] | str | Path | Callable[[], AI] | None = None,
        *,
        provider: str | None = None,
        patience: float = 600.0,
        **options: Any,
    ) -> None:
        """`config`: the settings as `AI` takes them, or a function that makes the `AI`; read at the first item.

        `provider`: the connection, the default one without a name. `options` (model, max_tokens, ...) apply to all
        items that do not say otherwise. `patience`: seconds that an item waits at most for limits, open circuits and
        429s.
        """
        self.patience = patience
        self.options = options
        self.provider = provider
        self._config = config
        self._ai: AI | None = None
        self._is_closed = False
        self._waits: set[Stop] = set()
        own_lock(self)

    def answer(self, item: Item, *, custom_id: str | None = None) -> Outcome:
        """The outcome of an item; limits, open circuits and 429s are waited for, as long as the patience lasts.

        Whatever the provider or the item did wrong is an outcome; raises `ProviderClosedError` when the worker is
        closed meanwhile: another one is to have the item.
        """
        waited, tries = 0.0, 1
        while True:
            found = self.attempt(item, custom_id=custom_id, waited=waited, tries=tries)
            if not isinstance(found, Postponed):
                return found
            self._wait(found.seconds)
            waited, tries = waited + found.seconds, tries + 1

    def attempt(
        self, item: Item, *, custom_id: str | None = None, waited: float = 0.0, tries: int = 1
    ) -> Outcome | Postponed:
        """The same without a wait: `Postponed` says when an engine that can wait by itself is to call it again.

        `waited`: seconds that the item was postponed so far, `tries`: how many times it is sent with this one.
        """
        head = {"custom_id": custom_id or read_id(item) or _digest(item)}
        try:
            request = read_item(item)
            options = {**self.options, **request.options, "queue": "batch"}
            response = self._open().provider(self.provider).send_messages(request.messages, **options)
        except ProviderClosedError:
            raise
        except TRANSIENT as error:
            seconds = pause_before(tries, error)
            if waited + seconds <= self.patience:
                return Postponed(seconds)
            return {**head, "error": describe_error(error)}
        except (AIError, ValueError) as error:
            return {**head, "error": describe_error(error)}
        return {**head, **_plain(as_object(response, parsed=response.parsed is not None))}

    def key(self, item: Item, job: str) -> str:
        """What stands for an item of a job: the same for the same id, content, connection and options.

        Raises `ConfigurationError` for what is not plain data.
        """
        asked = [read_id(item), item, self.provider, self.options]
        return f"{job}-{_digest(asked)}"

    def close(self, grace: float) -> None:
        """Take no more items; those at work have so many seconds to end, then they raise `ProviderClosedError`."""
        with self._lock:
            self._is_closed = True
            ai = self._ai
            for stop in self._waits:
                stop.set()
        if ai is not None:
            ai.close(grace=grace)

    def _open(self) -> AI:
        with self._lock:
            self._check_open()
            if self._ai is None:
                self._ai = self._make()
            return self._ai

    def _wait(self, seconds: float) -> None:
        """Wait, until the worker is closed at most."""
        stop = Stop()
        with self._lock:
            self._check_open()
            self._waits.add(stop)
        try:
            wait(seconds, stop)
        finally:
            with self._lock:
                self._waits.discard(stop)

    def _check_open(self) -> None:
        if self._is_closed:
            raise ProviderClosedError("the worker is closed: nothing was sent")

    def _make(self) -> AI:
        if callable(self._config):
            return self._config()
        from ..manager import AI

        return AI(self._config)


def _digest(value: object) -> str:
    try:
        text = json.dumps(value, sort_keys=True, default=_named)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"an item of work in bulk is plain data, as JSON has it: {error}") from None
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _named(value: object) -> Any:
    """Classes among the options (of structured answers) stand for themselves by name."""
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return as_plain(value)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(values, enc_hook=_dumped)
    return found


def _dumped(value: object) -> Any:
    """Pydantic's models; what msgspec knows by itself never comes here."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else as_plain(value)
