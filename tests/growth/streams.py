"""Streams that are long in one way: one event, a part of one event, or all between the first and the last, many times.

They are made from recorded streams: each event of a form that no other has is repeated in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from tests.conformance.test_through_http import driver_name
from tests.wires.replay import Record, body_bytes, is_stream, records

from polydriver import AIMessage
from polydriver.contract import StreamDecoder
from polydriver.data.prompt import Prompt
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.framing import EventStreamMessage
from polydriver.testing.conformance.base import example_config
from polydriver.wires.either import EitherWire

__all__ = ["Framed", "LongStream", "begin", "form_of", "lists_in", "long_streams", "read", "renumbered_value"]

_IDS = {"id", "item_id", "call_id", "tool_call_id", "toolUseId", "name", "response_id", "url", "title"}
_PROMPT = Prompt(messages=[AIMessage.user("Hi")], model="m")


class LongStream(msgspec.Struct, frozen=True):
    """A stream as events of its framing; `make(count)` repeats what is to be repeated, `count` times."""

    name: str
    driver: str
    api: str
    before: list[Any]
    repeated: list[Any]
    after: list[Any]
    fresh: bool
    inside: tuple[Any, ...] | None = None

    def make(self, count: int) -> list[Any]:
        """The events of the stream."""
        if self.inside is not None:
            return [*self.before, _widened(self.repeated[0], self.inside, count), *self.after]
        copies = (_renumbered(event, n) if self.fresh else event for n in range(count) for event in self.repeated)
        return [*self.before, *copies, *self.after]


def long_streams(folder: Path, api: str) -> Iterator[LongStream]:
    """All long streams that can be made from the records of an API in `folder`."""
    seen: set[str] = set()
    for record in records(folder, api):
        if not is_stream(record) or record["response"]["status"] != 200:
            continue
        yield from _of_record(record, seen)


def _of_record(record: Record, seen: set[str]) -> Iterator[LongStream]:
    name = driver_name(record)
    frames = _decoder(name, record["api"]).frames
    events = [*frames.feed(body_bytes(record)), *frames.finish()]
    api = record["api"]
    new = False
    for n, event in enumerate(events):
        form = form_of(_payload(event))
        if form in seen:
            continue
        seen.add(form)
        new = True
        title = f"{record['id']}[{n}]"
        before, after = _shortened(events[:n]), _shortened(events[n + 1 :])
        yield LongStream(f"{title} again", name, api, before, [event], after, fresh=False)
        yield LongStream(f"{title} as new ones", name, api, before, [event], after, fresh=True)
        for path in lists_in(_payload(event)):
            yield LongStream(f"{title} with a long {path}", name, api, before, [event], after, True, inside=path)
    if new and len(events) > 2:
        middle = events[1:-1][:60]
        yield LongStream(f"{record['id']} all", name, api, events[:1], middle, events[-1:], fresh=True)


@cache
def _driver(name: str, api: str) -> Driver:
    kind = driver_class(name)
    config = example_config(kind)
    if any(setting.name == "api" for setting in kind.settings):
        config["api"] = "responses" if api == "openai-responses" else "chat"
    return kind(config)


def _decoder(name: str, api: str) -> StreamDecoder[Any]:
    wire = _driver(name, api).wire
    return (wire.choose(_PROMPT) if isinstance(wire, EitherWire) else wire).decoder(_PROMPT)


def begin(stream: LongStream, count: int) -> StreamDecoder[Any]:
    """A decoder that has a long stream before it."""
    decoder = _decoder(stream.driver, stream.api)
    decoder.frames = Framed(stream.make(count))
    return decoder


def read(decoder: StreamDecoder[Any]) -> None:
    """Decode all, as if the events came one by one."""
    while decoder.frames.left:
        decoder.feed(b" ")
    decoder.finish()
    decoder.build()


class Framed:
    """Frames that are made already: one for each piece of the body."""

    unframed = b""
    closed = False

    def __init__(self, events: list[Any]) -> None:
        self.left = len(events)
        self._events = iter(events)

    def feed(self, data: bytes) -> list[Any]:
        """The next event."""
        self.left -= 1
        return [next(self._events)]

    def finish(self) -> list[Any]:
        """Nothing more."""
        return []


def _data(event: Any) -> bytes:
    if isinstance(event, EventStreamMessage):
        return event.payload
    return event[1] if isinstance(event, tuple) else event


def _payload(event: Any) -> Any:
    try:
        return msgspec.json.decode(_data(event))
    except msgspec.DecodeError:
        return None


def _with_payload(event: Any, payload: Any) -> Any:
    data = msgspec.json.encode(payload)
    if isinstance(event, EventStreamMessage):
        return EventStreamMessage(event.headers, data)
    return (event[0], data) if isinstance(event, tuple) else data


def form_of(value: Any) -> str:
    """Which members an event has, and its type: equal for events that are read alike."""
    if isinstance(value, dict):
        return repr({key: item if key == "type" else form_of(item) for key, item in sorted(value.items())})
    if isinstance(value, list):
        return repr(sorted({form_of(item) for item in value}))
    return type(value).__name__ if value else repr(value)[:1]


def _shortened(events: list[Any]) -> list[Any]:
    """The events without those that only go on as the one before them did."""
    forms = [form_of(_payload(event)) for event in events]
    return [event for n, event in enumerate(events) if n == 0 or forms[n] != forms[n - 1]]


def _renumbered(event: Any, n: int) -> Any:
    payload = _payload(event)
    return event if payload is None else _with_payload(event, renumbered_value(payload, n))


def renumbered_value(value: Any, n: int) -> Any:
    """All indices and ids made different from those of the other copies."""
    if isinstance(value, dict):
        return {key: _renumber_member(key, item, n) for key, item in value.items()}
    return [renumbered_value(item, n) for item in value] if isinstance(value, list) else value


def _renumber_member(key: str, item: Any, n: int) -> Any:
    if key in _IDS and isinstance(item, str) and item:
        return f"{item}{n}"
    if key.lower().endswith("index") and isinstance(item, int):
        return item + n
    return renumbered_value(item, n)


def lists_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the lists are that have something in them."""
    if isinstance(value, list) and value:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in children:
        yield from lists_in(item, (*path, key))


def _widened(event: Any, path: tuple[Any, ...], count: int) -> Any:
    payload = _payload(event)
    holder = payload
    for step in path:
        holder = holder[step]
    holder[:] = [renumbered_value(item, n) for n in range(count) for item in holder[:1]]
    return _with_payload(event, payload)
