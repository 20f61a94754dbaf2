"""Wrong types anywhere: mutated replies and streams of every wire come out as an answer or as an error of ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from polydriver import AIMessage, AIResponse, ToolCall
from polydriver.driver import Driver
from polydriver.prompting import build_prompt

from .callers import KEY, Outcome, settle
from .mutations import mutate, mutate_bytes
from .scenarios import WIRES, Wire
from .server import AGAIN, READ, Server, Step, reply

COUNT = int(os.environ.get("POLYDRIVER_MUTATIONS", "110"))
"""Calls for each wire and way of calling with mutated values, and half as many with mutated bytes."""

SEED = os.environ.get("POLYDRIVER_SEED", "")

every_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])


class Answers:
    """A script that never ends: each request, on whichever connection, gets the next of these bodies."""

    def __init__(self, bodies: Iterator[bytes], content_type: str) -> None:
        self._bodies = bodies
        self._headers = {"content-type": content_type}

    def __iter__(self) -> Iterator[Step]:
        yield READ
        yield reply(next(self._bodies), 200, self._headers)
        yield AGAIN


def settle_all(how: str, wire: Wire, bodies: list[bytes], content_type: str) -> Iterator[tuple[bytes, Outcome]]:
    """Make one call for each body, with one driver."""
    settings = {"timeout": 5.0, "retry_attempts": 1, "retry_delay": 0.001, "circuit": {"enabled": False}}
    with Server(Answers(iter(bodies), content_type)) as server:  # type: ignore[arg-type]
        driver = wire.driver(server.url, KEY, settings)
        try:
            outcomes = settle(how, driver, wire.model, len(bodies), **wire.options)
        finally:
            driver.close()
        assert len(server.requests) == len(bodies)
    yield from zip(bodies, outcomes, strict=True)


def check(body: bytes, outcome: Outcome, wire: Wire, driver: Driver) -> None:
    """Check that one call came to a sound end."""
    assert (outcome.error is None) != (outcome.response is None), body
    if outcome.error is not None:
        assert type(outcome.error).__name__.startswith(wire.prefix), body
        return
    response = outcome.response
    assert response is not None
    repr(response)
    for call in response.tool_calls:
        assert isinstance(call.name, str)
        assert isinstance(call.id, str)
        assert (call.arguments is None) != call.is_complete, body
    check_goes_on(wire, driver, response)


def check_goes_on(wire: Wire, driver: Driver, response: AIResponse) -> None:
    """Check that the conversation can go on from this answer: the next request can be written, and is JSON."""
    messages = [AIMessage.user("Hi"), response.to_message(), AIMessage.user("Go on")]
    prompt, _ = build_prompt(driver, messages, {"model": wire.model, **wire.options})
    json.loads(driver.build_request(prompt).body or b"")


@every_wire
@pytest.mark.parametrize("how", ["blocking", "async"])
def test_whole_replies(how: str, wire: Wire) -> None:
    random = Random(f"{wire.name} {how}" + SEED)
    call = {"call_id": "a", "name": "pay", "arguments": {"amount": 1}}
    samples = [*wire.empty_replies, wire.whole(), wire.whole("So", "tool_calls", **call)]
    bodies = [json.dumps(mutate(random.choice(samples), random, random.randint(1, 3))).encode() for _ in range(COUNT)]
    bodies += [mutate_bytes(json.dumps(random.choice(samples)).encode(), random) for _ in range(COUNT // 2)]
    driver = wire.driver("http://127.0.0.1:9", KEY, {})
    for body, outcome in settle_all(how, wire, bodies, "application/json"):
        check(body, outcome, wire, driver)


@every_wire
@pytest.mark.parametrize("how", ["blocking stream", "async stream"])
def test_streams(how: str, wire: Wire) -> None:
    random = Random(f"{wire.name} {how}" + SEED)
    bodies = [wire.frame(*mutated(random.choice(wire.samples()), random)) for _ in range(COUNT)]
    bodies += [mutate_bytes(wire.frame(*random.choice(wire.samples())), random) for _ in range(COUNT // 2)]
    driver = wire.driver("http://127.0.0.1:9", KEY, {})
    for body, outcome in settle_all(how, wire, bodies, wire.content_type):
        check(body, outcome, wire, driver)
        if outcome.response is not None:
            # Blocks that grow side by side are shown as they come, and stand in their order in the answer.
            first = [chunk.content for chunk in outcome.chunks if chunk.index == outcome.response.index]
            assert sorted("".join(first)) == sorted(outcome.response.content), body
            assert complete(outcome.response.tool_calls) == complete(
                [call for chunk in outcome.chunks for call in chunk.tool_calls]
            ), body


def complete(calls: list[ToolCall]) -> list[str]:
    """The ids of the calls that may be run."""
    return sorted(call.id for call in calls if call.is_complete)


def mutated(events: list[Any], random: Random) -> list[Any]:
    """A stream with some events changed, left out, repeated or in another place."""
    events = list(events)
    for _ in range(random.randint(1, 3)):
        place, act = random.randrange(len(events)), random.randrange(8)
        if act == 0 and len(events) > 1:
            del events[place]
        elif act == 1:
            events.insert(random.randrange(len(events)), events[place])
        elif act == 2:
            other = random.randrange(len(events))
            events[place], events[other] = events[other], events[place]
        elif isinstance(events[place], tuple):
            events[place] = (events[place][0], mutate(events[place][1], random))
        else:
            events[place] = mutate(events[place], random)
    return events
