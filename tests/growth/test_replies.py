"""A whole reply that is twice as long takes about twice the work, whatever in it is long: answers, errors, models."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conformance.test_through_http import MAIN_CHATS, driver_name
from tests.wires.replay import body_bytes, is_stream, records
from tests.wires.speakers import SPEAKERS

from polydriver import AIMessage
from polydriver.data.digits import keep_digits
from polydriver.data.http import Reply
from polydriver.data.prompt import Prompt
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.errors import AIError
from polydriver.testing.conformance.base import example_config
from polydriver.testing.wires import wire_fixtures
from polydriver.wires import WIRES

from .counting import count_work
from .streams import form_of, lists_in, renumbered_value

MOST = 2.2
FORMS = 24
"""How many forms of replies of an API are tried: the rest differs in what is not long."""


def make(name: str, api: str = "") -> Driver:
    kind = driver_class(name)
    config = example_config(kind)
    if any(setting.name == "api" for setting in kind.settings):
        config["api"] = "responses" if "responses" in api else "chat"
    return kind(config)


def longer(payload: Any, path: tuple[Any, ...], count: int) -> bytes:
    """The JSON with the first item of one list so many times, each with ids of its own; a text is repeated."""
    changed = msgspec.json.decode(msgspec.json.encode(payload))
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]] if path else changed
    if isinstance(value, list):
        value[:] = [renumbered_value(item, n) for n in range(count) for item in value[:1]]
    else:
        holder[path[-1]] = value * count
    return msgspec.json.encode(changed)


def texts_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts are that are more than a word."""
    if isinstance(value, str) and len(value) > 12 and path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in children:
        yield from texts_in(item, (*path, key))


def growth_of(read: Callable[[bytes], object], payload: Any, path: tuple[Any, ...]) -> float:
    """By how much more each doubling adds than the one before."""

    def work(count: int) -> int:
        body = longer(payload, path, count)

        def act() -> None:
            with contextlib.suppress(AIError):  # what cannot be read is told of, which takes no more
                read(body)

        return count_work(act)

    work(8)  # loads what is loaded late
    short, middle, long = (work(count) for count in (16, 32, 64))
    return (long - middle + 600) / (middle - short + 600)


def steep(read: Callable[[bytes], object], payload: Any) -> dict[str, float]:
    """What grows faster than it should, by where it is."""
    paths = [*lists_in(payload), *texts_in(payload)]
    return {str(path): growth for path in paths if (growth := growth_of(read, payload, path)) > MOST}


@pytest.mark.parametrize("api", MAIN_CHATS)
def test_answers_and_errors_are_read_in_linear_work(wire_dir: Path, api: str) -> None:
    seen: set[str] = set()
    prompt = Prompt(messages=[AIMessage.user("Hi")], model="m")
    for record in records(wire_dir, api):
        try:
            payload = msgspec.json.decode(body_bytes(record))
        except msgspec.DecodeError:
            continue
        status = record["response"]["status"]
        form = f"{status >= 300} {form_of(payload)}"
        if is_stream(record) or form in seen or len(seen) >= FORMS or not isinstance(payload, dict):
            continue
        seen.add(form)
        driver = make(driver_name(record), api)

        def read(body: bytes) -> None:
            reply = Reply(status=status, body=body)  # noqa: B023
            if status >= 300:  # noqa: B023
                str(driver.map_error(reply))  # noqa: B023
                return
            answer = driver.parse_response(reply, prompt)  # noqa: B023
            keep_digits(answer.parts, body)
            answer.to_message()

        assert not steep(read, payload), record["id"]
    assert seen


@pytest.mark.parametrize("wire", WIRES)
def test_lists_of_models_are_read_in_linear_work(wire: str) -> None:
    driver = SPEAKERS[wire].make()
    payload = msgspec.json.decode(wire_fixtures()[f"polydriver.wires.{wire}.wire.{WIRES[wire]}"].models_reply)

    def read(body: bytes) -> None:
        reply = Reply(status=200, body=body)
        driver.parse_models(reply)
        driver.next_page(reply)

    assert not steep(read, payload)


def test_digits_are_kept_in_linear_work() -> None:
    from polydriver.data.messages import ToolCall

    def read(body: bytes) -> None:
        parts = [ToolCall(str(n), "f", call) for n, call in enumerate(msgspec.json.decode(body)["calls"])]
        keep_digits(list(parts), body)

    payload = {"calls": [{"amount": 0.12345678901234568, "id": "a"}]}
    body = longer(payload, ("calls",), 1).replace(b"0.12345678901234568", b"0.12345678901234567890123")
    assert b"890123" in body

    def work(count: int) -> int:
        long = longer(payload, ("calls",), count).replace(b"0.12345678901234568", b"0.12345678901234567890123")
        return count_work(lambda: read(long))

    short, middle, long = (work(count) for count in (32, 64, 128))
    assert (long - middle) / (middle - short) < MOST
