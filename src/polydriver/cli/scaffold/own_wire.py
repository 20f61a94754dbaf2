"""Replies in the form that the driver of `--wire own` reads, and what they mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from ...data.json import encode_json
from ...data.messages import AIMessage, Image, Text, ToolCall
from ...data.prompt import OutputFormat, ToolSpec
from ...data.usage import TokenUsage
from ...testing.replies import ExpectedAnswer, RequestExample, WireFixtures

__all__ = ["own_fixtures"]

_HEAD = {"id": "ans_1", "model": "m-1"}
_METER = {"read": 19, "remembered": 4, "written": 10, "thought": 2}
_USAGE = TokenUsage(input_tokens=19, cached_input_tokens=4, output_tokens=10, reasoning_tokens=2, raw=_METER)
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def own_fixtures(origin: str) -> WireFixtures:
    """The fixtures for a driver that keeps provider data under this name."""
    return msgspec.structs.replace(
        _answers(),
        expected=_expected(origin),
        models_reply=encode_json({"models": [{"id": "m-1", "label": "Model 1", "window": 32000}], "next": "page-2"}),
        models_pages=[encode_json({"models": [{"id": "m-2", "window": 64000}, {"id": "m-vectors"}], "next": None})],
        embeddings_reply=encode_json(
            {
                "model": "m-vectors",
                "vectors": [{"of": 1, "values": [0.25, 1]}, {"of": 0, "values": [0.5, -1.5]}],
                "meter": {"read": 6},
                "price": "0.00000015",
            }
        ),
        error_replies=[
            (200, _fault("busy", wait=7), "RateLimitError", {"retry_after": 7.0, "code": "busy"}),
            (200, _fault("too_long"), "ContextLengthError"),
            (401, _fault("bad_signature"), "InvalidCredentialsError"),
            (402, _fault("no_credit"), "QuotaExceededError"),
            (503, b"<html><title>503 Unavailable</title></html>", "ServerError"),
        ],
        stream_errors=[
            (_stream({"fault": {"kind": "overloaded", "text": "later"}}), "ServerError"),
            (_stream(_HEAD, {"text": "Grü"}, {"fault": {"kind": "busy", "text": "later"}}), "RateLimitError"),
            (_fault("no_credit"), "QuotaExceededError"),
        ],
        expected_models=[
            {"id": "m-1", "name": "Model 1", "context_length": 32000},
            {"id": "m-2", "context_length": 64000, "raw": {"id": "m-2", "window": 64000}},
            {"id": "m-vectors", "context_length": None},
        ],
        expected_vectors=[[0.5, -1.5], [0.25, 1.0]],
        expected_embeddings={"model": "m-vectors", "input_tokens": 6, "cost": "1.5E-7"},
        signed=["method", "path", "query"],
        finish_words={"done": "stop", "limit": "length", "calls": "tool_calls", "blocked": "content_filter"},
        expected_prices={"m-vectors": (Decimal("0.02"), Decimal(0))},
        option_places={
            "temperature": "settings.temperature",
            "top_p": "settings.nucleus",
            "max_tokens": "settings.longest",
            "stop": "settings.stop_at",
            "seed": "settings.seed",
            "reasoning_effort": "settings.thinking",
        },
        models_paths=["/models", "/models?after=page-2"],
        request_examples=[_example(), _another_example()],
    )


def _answers() -> WireFixtures:
    """The answers alone."""
    return WireFixtures(
        whole_reply=_whole({"text": "Grüße, "}, {"text": "世界 🌍!"}, ending="done", price="0.000123"),
        stream_reply=_stream(
            _HEAD | {"meter": {"read": 19, "remembered": 4, "written": 1}},
            {"text": "Grüße, "},
            {"pulse": 1},
            {"text": "世界 🌍!"},
            {"meter": _METER | {"written": 8}},
            {"ending": "done", "meter": _METER, "price": "0.000123"},
        ),
        tool_reply=_whole(_call("c_1", "get_weather", {"city": "Paris"}), _call("c_2", "get_time", {}), ending="calls"),
        tool_stream_reply=_stream(
            _HEAD,
            {"place": 0, "call": {"id": "c_1", "name": "get_weather"}},
            {"place": 1, "call": {"id": "c_2", "name": "get_time"}},
            {"place": 0, "input": '{"city": '},
            {"place": 1, "input": "{}"},
            {"place": 0, "input": '"Paris"}'},
            {"ending": "calls", "meter": _METER},
        ),
        reasoning_reply=_whole(
            {"thought": "7 = 2·3 + 1", "seal": "c2VhbA=="}, {"seal": "aGlkZGVu"}, {"text": "7 is odd."}, ending="limit"
        ),
        reasoning_stream_reply=_stream(
            _HEAD,
            {"thought": "7 = 2·3"},
            {"thought": " + 1"},
            {"seal": "c2VhbA=="},
            {"seal": "aGlkZGVu"},
            {"text": "7 is odd."},
            {"ending": "limit", "meter": _METER},
        ),
    )


def _expected(origin: str) -> dict[str, ExpectedAnswer]:
    """What the answers mean."""
    text = ExpectedAnswer(
        content="Grüße, 世界 🌍!",
        raw_finish_reason="done",
        usage=_USAGE,
        cost=Decimal("0.000123"),
        model="m-1",
        id="ans_1",
        provider_data=(),
    )
    tools = ExpectedAnswer(
        tool_calls=[("get_weather", {"city": "Paris"}), ("get_time", {})],
        call_ids=["c_1", "c_2"],
        finish_reason="tool_calls",
        raw_finish_reason="calls",
        usage=_USAGE,
    )
    thinking = ExpectedAnswer(
        content="7 is odd.",
        reasoning="7 = 2·3 + 1",
        finish_reason="length",
        raw_finish_reason="limit",
        usage=_USAGE,
        provider_data=[{origin: {"seal": "c2VhbA=="}}, {origin: {"seal": "aGlkZGVu"}}],
    )
    return {
        "whole_reply": text,
        "stream_reply": text,
        "tool_reply": tools,
        "tool_stream_reply": tools,
        "reasoning_reply": thinking,
        "reasoning_stream_reply": thinking,
    }


def _example() -> RequestExample:
    """A request with all that a conversation can hold."""
    result = {"of": "c_1", "blocks": [{"text": "no connection"}], "failed": True}
    tool = ToolSpec(name="get_weather", description="The weather in a city", parameters=_SCHEMA)
    return RequestExample(
        messages=[
            AIMessage.system("Be brief"),
            AIMessage("And in Paris?"),
            AIMessage.assistant("I will look.", [ToolCall("c_1", "get_weather", {"city": "Paris"})]),
            AIMessage.tool("c_1", "no connection", name="get_weather", is_error=True),
        ],
        options={
            "model": "m-1",
            "temperature": 0.0,
            "tools": [tool],
            "tool_choice": "none",
            "response_format": OutputFormat(schema=_SCHEMA),
        },
        path="/answers",
        body={
            "model": "m-1",
            "stream": False,
            "settings": {"temperature": 0.0},
            "turns": [
                {"by": "system", "blocks": [{"text": "Be brief"}]},
                {"by": "user", "blocks": [{"text": "And in Paris?"}]},
                {
                    "by": "model",
                    "blocks": [
                        {"text": "I will look."},
                        {"call": {"id": "c_1", "name": "get_weather", "input": {"city": "Paris"}}},
                    ],
                },
                {
                    "by": "tool",
                    "blocks": [{"result": result}],
                },
            ],
            "tools": [{"name": "get_weather", "about": "The weather in a city", "takes": _SCHEMA}],
            "tool_use": "never",
            "form": {"kind": "schema", "schema": _SCHEMA},
        },
    )


def _another_example() -> RequestExample:
    """A picture, the choice of one tool, and any JSON object."""
    tool = ToolSpec(name="get_time", description="The time", parameters={"type": "object"})
    return RequestExample(
        messages=[AIMessage([Text("Which clock is this?"), Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")])],
        options={"model": "m-1", "tools": [tool], "tool_choice": "get_time", "response_format": OutputFormat()},
        path="/answers",
        body={
            "model": "m-1",
            "stream": False,
            "settings": {},
            "turns": [
                {
                    "by": "user",
                    "blocks": [{"text": "Which clock is this?"}, {"image": "data:image/png;base64,iVBORw0KGgo="}],
                }
            ],
            "tools": [{"name": "get_time", "about": "The time", "takes": {"type": "object"}}],
            "tool_use": {"tool": "get_time"},
            "form": {"kind": "object"},
        },
    )


def _whole(*blocks: dict[str, Any], ending: str, **more: str) -> bytes:
    return encode_json({**_HEAD, "blocks": blocks, "ending": ending, "meter": _METER, **more})


def _stream(*events: dict[str, Any]) -> bytes:
    frames = map(encode_json, events)
    return b"".join(len(frame).to_bytes(4) + frame for frame in frames)


def _call(call_id: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"call": {"id": call_id, "name": name, "input": given}}


def _fault(kind: str, **more: int) -> bytes:
    return encode_json({"fault": {"kind": kind, "text": "it cannot be done", **more}})
