"""Numbers in the arguments of tools: a `Decimal` has all the digits that the model wrote, on every wire."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import AIMessage, ToolCall, tool
from polydriver.data.arguments import parse_arguments
from polydriver.data.http import Simulated
from polydriver.data.json import encode_json
from polydriver.drivers import driver_class
from polydriver.engine.transports.simulated import SimulatedTransport
from polydriver.testing.conformance.base import example_config
from polydriver.testing.wires import wire_fixtures

DIGITS = "0.12345678901234567890123"
DRIVERS = {
    "chat_completions": "groq",
    "responses": "openai",
    "messages": "anthropic",
    "generate_content": "gemini",
    "cohere": "cohere",
    "ollama": "ollama",
}
MODELS = {"responses": "gpt-5"}


@tool
def pay(amount: Decimal, places: list[float]) -> str:
    """Pay."""
    return str(amount)


def reply_of(wire: str, *, stream: bool) -> bytes:
    """A fixture whose first call has other arguments: as text in text, as an object elsewhere."""
    name = next(name for name in wire_fixtures() if f".{wire}." in name)
    fixtures = wire_fixtures()[name]
    body = (fixtures.tool_stream_reply if stream else fixtures.tool_reply).decode()
    arguments = f'{{"amount": {DIGITS}, "places": [0.5]}}'
    pieces = {
        '{"city":"Paris"}': arguments,
        '{"city": "Paris"}': arguments,
        json.dumps('{"city": "Paris"}')[1:-1]: json.dumps(arguments)[1:-1],
        json.dumps('{"city":"Paris"}')[1:-1]: json.dumps(arguments)[1:-1],
        json.dumps('{"city": ')[1:-1]: json.dumps(f'{{"amount": {DIGITS},')[1:-1],
        json.dumps('{"city":')[1:-1]: json.dumps(f'{{"amount": {DIGITS},')[1:-1],
        json.dumps('"Paris"}')[1:-1]: json.dumps('"places": [0.5]}')[1:-1],
    }
    for old, new in pieces.items():
        body = body.replace(old, new)
    assert "Paris" not in body
    return body.replace("get_weather", "pay").encode()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", DRIVERS)
def test_a_tool_gets_all_digits(wire: str, stream: bool) -> None:
    kind = driver_class(DRIVERS[wire])
    body = reply_of(wire, stream=stream)
    transport = SimulatedTransport(lambda request: Simulated(chunks=[body]))
    driver = kind(
        {**example_config(kind), **({"api": "responses"} if wire == "responses" else {})}, transport=transport
    )
    model = MODELS.get(wire, "m")
    if stream:
        with driver.send_streaming_message("Hi", model=model) as answer:
            handed = [call for chunk in answer for call in chunk.tool_calls]
        response = answer.response
        assert handed == response.tool_calls
    else:
        response = driver.send_message("Hi", model=model)
    call = response.tool_calls[0]
    assert call.arguments == {"amount": float(DIGITS), "places": [0.5]}
    assert type(call.arguments["amount"]) is float
    assert pay.run(call.exact_arguments) == DIGITS
    json.dumps(call.arguments)


def test_what_a_float_holds_stays_as_it_was() -> None:
    assert parse_arguments('{"a": 0.1, "b": 19.90, "c": 12345678901234567890}')[1] is None
    assert ToolCall("c", "f", {"a": 0.1}).exact_arguments == {"a": 0.1}
    assert ToolCall("c", "f", None, "{").exact_arguments == {}


def test_a_tool_without_a_signature_gets_floats() -> None:
    arguments, text = parse_arguments(f'{{"amount": {DIGITS}}}')
    call = ToolCall("c", "f", arguments, text)
    seen: list[dict[str, Any]] = []
    schema = {"type": "object", "properties": {"amount": {"type": "number"}}}
    from polydriver.tools import make_tools

    (made,) = make_tools([{"name": "f", "parameters": schema, "function": lambda **given: seen.append(given)}])
    made.read(call.exact_arguments)
    assert type(made.read(call.exact_arguments)["amount"]) is float


def test_they_survive_storage() -> None:
    arguments, text = parse_arguments(f'{{"amount": {DIGITS}}}')
    message = AIMessage.assistant(tool_calls=[ToolCall("c", "pay", arguments, text)])
    read = msgspec.json.decode(msgspec.json.encode(message), type=AIMessage)
    assert read.tool_calls[0].exact_arguments == {"amount": Decimal(DIGITS)}


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_every_decimal_comes_back(number: Decimal) -> None:
    text = encode_json({"amount": number}).decode()
    arguments, kept = parse_arguments(text)
    assert pay.bind({"places": [], **ToolCall("c", "pay", arguments, kept).exact_arguments})["amount"] == number
