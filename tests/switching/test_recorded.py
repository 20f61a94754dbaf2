"""What real services answered, sent on by every other wire: all recorded answers of a wire as one long conversation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.wires.replay import records, replay, whole
from tests.wires.test_messages import CUT

from polydriver.data.messages import AIMessage, Media, ProviderPart, Reasoning
from polydriver.data.responses import AIResponse

from .checks import check_calls, check_turns, render
from .histories import answer_calls
from .wires import NAMES, WIRES, Wire

PAIRS = [
    pytest.param(WIRES[first], WIRES[second], id=f"{first}-{second}")
    for first, second in itertools.product(NAMES, NAMES)
]
SHORTEST_SECRET = 20
OPAQUE_FIELDS = frozenset({"encrypted_content", "encrypted_index", "redacted_data", "signature", "thoughtSignature"})


@cache
def recorded_messages(folder: Path, name: str) -> list[AIMessage]:
    """Return the messages of all answers that the wire's recordings hold, those of streams too."""
    wire = WIRES[name]
    answers = [
        replay(wire.driver, record, whole)
        for record in records(folder, wire.api)
        if record["provider"] in wire.providers and record["id"] not in CUT
    ]
    return [answer.to_message() for answer in answers if isinstance(answer, AIResponse) and answer.parts]


def conversation(messages: list[AIMessage]) -> list[AIMessage]:
    turns: list[AIMessage] = []
    for message in messages:
        turns += [AIMessage.user("Go on."), message, *answer_calls(message)]
    return [*turns, AIMessage.user("And now?")]


def opaque_values(messages: list[AIMessage]) -> set[str]:
    """Return what nobody but the origin may see: signatures, encrypted content, hidden reasoning."""
    found: set[str] = set()
    for message in messages:
        for part in message.parts:
            if isinstance(part, ProviderPart):
                found |= set(_strings(part.data, opaque=False))
            else:
                found |= set(_strings(part.provider_data, opaque=False))
            if isinstance(part, Reasoning):
                found |= {part.text} | {
                    value for own in part.provider_data.values() for value in _strings(own, opaque=True)
                }
    return {value for value in found if len(value) >= SHORTEST_SECRET}


def _strings(node: Any, *, opaque: bool) -> Iterator[str]:
    """Yield the strings in opaque fields, or all strings once `opaque` is set."""
    if isinstance(node, str) and opaque:
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _strings(value, opaque=opaque or key in OPAQUE_FIELDS)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value, opaque=opaque)


def visible_text(messages: list[AIMessage]) -> str:
    said = [message.text for message in messages]
    called = [json.dumps([call.id, call.name, call.arguments]) for message in messages for call in message.tool_calls]
    return "\n".join([*said, *called])


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_recorded_answers_can_be_sent_on(wire_dir: Path, first: Wire, second: Wire) -> None:
    messages = recorded_messages(wire_dir, first.name)
    assert messages
    body, _ = render(second, conversation(messages))
    check_turns(second, body)
    called = check_calls(second, body)
    assert len(called) == sum(len(message.tool_calls) for message in messages)
    if first is second:
        return
    text = json.dumps(body, ensure_ascii=False)
    visible = visible_text(messages)
    secrets = {value for value in opaque_values(messages) if value not in visible}
    leaked = [value[:80] for value in secrets if json.dumps(value, ensure_ascii=False)[1:-1] in text]
    assert leaked == []


@pytest.mark.parametrize("name", NAMES)
def test_own_signatures_go_back(wire_dir: Path, name: str) -> None:
    """Each signature that came goes back once, whichever wire answered in between."""
    wire = WIRES[name]
    messages = recorded_messages(wire_dir, name)
    between = [AIMessage.user("Hi"), WIRES["ollama" if name != "ollama" else "messages"].message("answer")]
    body, _ = render(wire, [*between, *conversation(messages)])
    text = json.dumps(body, ensure_ascii=False)
    signed = {
        value
        for message in messages
        for part in message.parts
        if not isinstance(part, ProviderPart | Media)
        for own in part.provider_data.values()
        for value in _strings(own, opaque=False)
    }
    assert [value[:80] for value in signed if value not in text] == []
