"""Whatever a provider sent, the answer made of it goes to JSON and back unchanged, and so does its message."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.conformance.test_through_http import MAIN_CHATS, driver_name, provider_at
from tests.wires.replay import records, replay
from tests.wires.test_messages import CUT

from polydriver.data.messages import AIMessage
from polydriver.data.responses import AIResponse
from polydriver.driver import Driver


@pytest.mark.parametrize("api", MAIN_CHATS)
def test_answers_survive_storage(api: str, wire_dir: Path) -> None:
    drivers: dict[str, Driver] = {}
    answers = []
    for record in records(wire_dir, api):
        if record["id"] in CUT:
            continue
        name = driver_name(record)
        if name not in drivers:
            drivers[name] = provider_at("https://acme.example", record)
        outcome = replay(drivers[name], record)
        if isinstance(outcome, AIResponse):
            answers.append(outcome)
    assert answers
    for answer in answers:
        assert msgspec.json.decode(msgspec.json.encode(answer), type=AIResponse) == answer
        message = answer.to_message()
        assert msgspec.json.decode(msgspec.json.encode(message), type=AIMessage) == message
