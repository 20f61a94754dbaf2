"""Whatever a provider sent, the answer made of it goes to JSON and back unchanged, and so does its message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.wires.replay import records, replay
from tests.wires.test_messages import CUT

from polydriver.data.messages import AIMessage
from polydriver.data.responses import AIResponse
from polydriver.drivers import driver_class

KEY = "0123456789-abcdef-KEY"
DRIVERS: dict[str, tuple[str, dict[str, Any]]] = {
    "anthropic-messages": ("anthropic", {}),
    "bedrock-converse": ("bedrock", {"region": "eu-west-1"}),
    "cohere-chat-v2": ("cohere", {}),
    "gemini-generate": ("gemini", {}),
    "ollama-chat": ("ollama", {}),
    "openai-chat": ("openai", {}),
    "openai-responses": ("openai", {"api": "responses"}),
}


@pytest.mark.parametrize("api", DRIVERS)
def test_answers_survive_storage(api: str, wire_dir: Path) -> None:
    name, settings = DRIVERS[api]
    try:
        kind = driver_class(name)
    except ModuleNotFoundError as error:
        pytest.skip(f"{name} needs the package {error.name}")
    driver = kind({"api_key": f"{kind.key_prefix or ''}{KEY}", **settings}, env={})
    outcomes = [replay(driver, record) for record in records(wire_dir, api) if record["id"] not in CUT]
    answers = [outcome for outcome in outcomes if isinstance(outcome, AIResponse)]
    assert answers
    for answer in answers:
        assert msgspec.json.decode(msgspec.json.encode(answer), type=AIResponse) == answer
        message = answer.to_message()
        assert msgspec.json.decode(msgspec.json.encode(message), type=AIMessage) == message
