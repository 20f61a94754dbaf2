"""What each wire's table of scenarios offers: builders of its events and replies, and its errors as they really are."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from polydriver.driver import Driver
from polydriver.errors import AIError

__all__ = ["Event", "Refusal", "StreamError", "Wire", "call_arguments"]

Event = Any
"""A wire event: a value to be written as JSON, or bytes to be sent in its place as they are."""


@dataclass(frozen=True)
class Refusal:
    """A reply without success, in the provider's own form. `kind` is the class of the common tree."""

    status: int
    body: Any
    kind: type[AIError]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class StreamError:
    """An error that comes as an event of a stream."""

    event: Event
    kind: type[AIError]


class Wire(ABC):
    """One wire. Builders return lists of events; a subclass says how they look.

    - `streams_calls`: whether arguments of calls come piece by piece, so that a call can be cut between them.
    - `options`: options of the call that choose the wire.
    - `refusals`: replies without success. `stream_errors`: errors in streams. `empty_replies`: whole answers that say
      nothing.
    """

    name: ClassVar[str]
    prefix: ClassVar[str]
    model: ClassVar[str]
    content_type: ClassVar[str] = "text/event-stream"
    streams_calls: ClassVar[bool] = True
    options: ClassVar[dict[str, Any]] = {}
    refusals: ClassVar[list[Refusal]]
    stream_errors: ClassVar[list[StreamError]]
    empty_replies: ClassVar[list[dict[str, Any]]]

    @abstractmethod
    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """A driver that talks to `url` with this key."""

    def frame(self, *events: Event, end: bool = True) -> bytes:
        """The bytes of a stream's body; `end`: the framing itself is closed, where it has an end."""
        return b"".join(self.frames(*events))

    def frames(self, *events: Event) -> list[bytes]:
        """The bytes of each event: server-sent events, named by their type as Anthropic and OpenAI do it."""
        framed = []
        for event in events:
            named = isinstance(event, dict) and isinstance(event.get("type"), str)
            name = f"event: {event['type']}\n".encode() if named else b""
            framed.append(name + b"data: " + encode(event) + b"\n\n")
        return framed

    def keep_alive(self) -> list[bytes]:
        """Frames that say nothing."""
        return [b": still here\n\n"]

    def begin(self) -> list[Event]:
        """The events before the first content."""
        return []

    @abstractmethod
    def text(self, *deltas: str) -> list[Event]:
        """The events of a text, which is not ended."""

    @abstractmethod
    def thought(self, *deltas: str) -> list[Event]:
        """The events of some reasoning."""

    def call_start(self, index: int, call_id: str, name: str) -> list[Event]:
        """The beginning of a call."""
        raise AssertionError(f"{self.name} does not stream calls in pieces")

    def call_piece(self, index: int, text: str) -> list[Event]:
        """A piece of its arguments."""
        raise AssertionError(f"{self.name} does not stream calls in pieces")

    def call_end(self, index: int, call_id: str, name: str, arguments: str) -> list[Event]:
        """The end of a call; `arguments` is all of their text."""
        raise AssertionError(f"{self.name} does not stream calls in pieces")

    def calls(self, *calls: tuple[str, str, str]) -> list[Event]:
        """Whole calls, each id, name and the JSON text of its arguments."""
        events: list[Event] = []
        for index, (call_id, name, arguments) in enumerate(calls):
            events += self.call_start(index, call_id, name)
            events += self.call_piece(index, arguments)
            events += self.call_end(index, call_id, name, arguments)
        return events

    @abstractmethod
    def end(self, finish: str = "stop") -> list[Event]:
        """The ending for our finish reason: all that is needed for a success, usage of 5 and 7 tokens included."""

    @abstractmethod
    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """A whole reply with a text, or a call (`call_id`, `name`, `arguments`: an object)."""

    def samples(self) -> list[list[Event]]:
        """Streams to mutate: between them they hold all kinds of events."""
        calls = self.calls(("a", "one", '{"x": 1}'), ("b", "two", "{}"))
        return [
            [*self.begin(), *self.thought("Hm", "m."), *self.text("Hel", "lo"), *self.end()],
            [*self.begin(), *calls, *self.end("tool_calls")],
        ]


def encode(event: Event) -> bytes:
    """An event as bytes."""
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def call_arguments(call: dict[str, Any]) -> str:
    """The arguments of `Wire.whole`'s call as JSON text."""
    return json.dumps(call["arguments"])
