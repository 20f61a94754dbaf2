"""Drivers that are careless with provider data: the engine keeps each origin's data from all others."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.faults.asking import refuse
from tests.faults.callers import CALLERS, KEY, STREAMERS, settle
from tests.faults.server import READ, Server, reply

from polydriver import AIChunk, AIMessage, AIResponse, Capabilities, Driver, OpenAIDriver
from polydriver.contract import StreamDecoder
from polydriver.data.http import Reply, Request
from polydriver.data.json import decode_json
from polydriver.data.messages import Image, ProviderPart, Reasoning, Text, ToolCall, ToolResult
from polydriver.data.prompt import Prompt
from polydriver.data.responses import Choice
from polydriver.drivers import traits
from polydriver.drivers.bedrock import BedrockDriver
from polydriver.drivers.gemini import GeminiDriver
from polydriver.drivers.vertex import VertexAIDriver

SECRET = "c2lnbmF0dXJlLW9mLWFjbWU"
OTHERS = ("openai", "openai.responses", "anthropic", "google", "acme2", "")


def marked(origin: str) -> list[Any]:
    """One part of each kind, with data under the name of an origin."""
    own = {origin: {"signature": SECRET, "encrypted_content": SECRET, "reasoning_details": [{"data": SECRET}]}}
    return [
        Reasoning("Hm.", own),
        Text("So", provider_data=own),
        ToolCall("a", "pay", {}, None, own),
        ProviderPart(origin, "search", {"id": SECRET}),
    ]


class CarelessDecoder(StreamDecoder[Any]):
    """Marks what it reads as its driver does."""

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        origin = decode_json(event[1])["origin"]
        choice = self.answer.first
        for part in marked(origin):
            choice.add_part(part)
        chunks.append(AIChunk(reasoning="Hm."))
        chunks.append(AIChunk(content="So"))
        chunks.append(AIChunk(tool_calls=[marked(origin)[2]], parts=[marked(origin)[3]]))
        self.answer.provider_data = {origin: {"audio": {"id": SECRET}}}
        choice.finish_reason = "tool_calls"
        self.complete = self.closed = True


class CarelessDriver(
    traits.HandlesApiCommunication, traits.HandlesErrors, traits.ValidatesHealth, traits.CalculatesCosts, Driver
):
    """Sends all that a history holds, and marks what it gets by the name that the server says."""

    name = "acme"
    base_url = "http://127.0.0.1:9"
    default_model = "m-1"
    capabilities = Capabilities(streaming=True, function_calling=True)
    errors = traits.ErrorTable(branch="Acme")

    def build_request(self, prompt: Prompt) -> Request:
        return self.build_post("chat", {"turns": msgspec.to_builtins(prompt.messages)}, stream=prompt.stream)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        origin = self.decode(reply)["origin"]
        data = {origin: {"audio": {"id": SECRET}}}
        other = Choice(index=1, parts=marked(origin), finish_reason="stop")
        return AIResponse(
            parts=marked(origin), finish_reason="tool_calls", provider_data=data, alternatives=[other], raw=None
        )

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        return CarelessDecoder(self, prompt)


def answer(how: str, origin: str) -> Any:
    """What the careless driver makes of an answer that it marks as another's."""
    body = json.dumps({"origin": origin}).encode()
    script = refuse(body) if how in CALLERS else reply(b"data: " + body + b"\n\n", 200, {"connection": "close"})
    with Server([READ, script]) as server:
        (outcome,) = settle(how, CarelessDriver({"api_key": KEY, "base_url": server.url}), "m-1")
    assert outcome.error is None
    return outcome


@pytest.mark.parametrize("how", [*CALLERS, *STREAMERS])
@pytest.mark.parametrize("origin", OTHERS)
def test_what_a_driver_marks_as_anothers_is_left_out_of_its_answers(how: str, origin: str) -> None:
    outcome = answer(how, origin)
    told = msgspec.json.encode([outcome.response.to_message(), *outcome.response.alternatives, outcome.chunks])
    assert SECRET.encode() not in told
    assert any("acme" in warning and "left out" in warning for warning in outcome.response.warnings)
    assert [call.name for call in outcome.response.tool_calls] == ["pay"]
    with Server([READ, refuse(b"{}")]) as server:
        history = [AIMessage.user("Hi"), outcome.response.to_message(), AIMessage.user("Go on")]
        driver = OpenAIDriver({"api_key": KEY, "base_url": f"{server.url}/v1", "retry_attempts": 1})
        with driver, pytest.raises(Exception, match="cannot be read"):
            driver.send_messages(history, model="gpt-4o-mini")
        assert SECRET.encode() not in server.requests[0].body


@pytest.mark.parametrize("how", [*CALLERS, *STREAMERS])
@pytest.mark.parametrize("origin", ["acme", "acme.items"])
def test_what_is_its_own_is_kept_and_sent_back(how: str, origin: str) -> None:
    response = answer(how, origin).response
    assert not response.warnings
    assert response.parts == marked(origin)
    assert response.provider_data == {origin: {"audio": {"id": SECRET}}}
    assert sent(CarelessDriver, response.to_message()).count(SECRET.encode()) == 11


def sent(kind: type[Driver], *messages: AIMessage) -> bytes:
    """The body that a driver sends for a history."""
    with Server([READ, refuse(b'{"origin": "acme"}')]) as server:
        driver = kind({"api_key": KEY, "base_url": server.url})
        with driver:
            driver.send_messages([AIMessage.user("Hi"), *messages, AIMessage.user("Go on")])
        return server.requests[0].body


@pytest.mark.parametrize("origin", OTHERS)
def test_a_driver_never_sees_what_is_anothers(origin: str) -> None:
    own = {origin: {"id": SECRET}}
    result = ToolResult(
        "a", [Text("1", provider_data=own), ProviderPart(origin, "x", {"id": SECRET})], "pay", False, own
    )
    image = Image(url="https://example.com/a.png", provider_data=own)
    body = sent(
        CarelessDriver,
        AIMessage(marked(origin), "assistant", provider_data=own),
        AIMessage([result], "tool", provider_data=own),
        AIMessage([Text("Look", provider_data=own)], provider_data=own),
    )
    assert SECRET.encode() not in body
    assert body.count(b'"pay"') == 2
    assert image.provider_data == own


def test_the_callers_own_messages_keep_everything() -> None:
    message = AIMessage(marked("openai"), "assistant")
    sent(CarelessDriver, message)
    assert message.content == marked("openai")


@pytest.mark.parametrize(
    ("driver", "origins"),
    [
        (OpenAIDriver({"api_key": KEY}), {"openai"}),
        (GeminiDriver({"api_key": KEY}), {"google"}),
        (BedrockDriver({"api_key": KEY, "region": "us-east-1"}), {"bedrock", "anthropic"}),
        (VertexAIDriver({"access_token": KEY, "project": "p"}), {"google", "anthropic"}),
        (CarelessDriver({"api_key": KEY}), {"acme"}),
    ],
)
def test_the_origins_of_a_driver_are_those_of_its_wires(driver: Driver, origins: set[str]) -> None:
    assert driver.origins == origins
