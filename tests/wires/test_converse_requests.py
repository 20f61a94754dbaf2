"""What the Converse wire renders: every option, every kind of part, every family of models."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.wires.bedrock import read_request, validate_body
from tests.wires.replay import records

from polydriver.data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from polydriver.drivers.bedrock import BedrockDriver
from polydriver.errors import ConfigurationError, UnsupportedFeatureError

DRIVER = BedrockDriver({"api_key": "bedrock-key-0123456789", "region": "eu-west-1"})
CLAUDE, OLD_CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"
NEW_CLAUDE = "anthropic.claude-opus-4-8-v1"
NOVA, NOVA_2, GPT, LLAMA, MINIMAX = (
    "amazon.nova-lite-v1:0", "us.amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0",
    "us.meta.llama4-scout-17b-instruct-v1:0", "minimax.minimax-m2",
)  # fmt: skip
PERSON = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}, "required": ["name"]}
WEATHER = ToolSpec(name="weather", description="Tells the weather.", parameters=PERSON)


def make(*messages: AIMessage | str, **fields: Any) -> Prompt:
    made = [AIMessage(message) if isinstance(message, str) else message for message in messages or ("Hi",)]
    return Prompt(messages=made, **{"model": CLAUDE, **fields})


def render(*messages: AIMessage | str, **fields: Any) -> dict[str, Any]:
    """Return the body for these messages, which the API's description accepts."""
    body: dict[str, Any] = json.loads(DRIVER.build_request(make(*messages, **fields)).body or b"")
    validate_body("ConverseStream" if fields.get("stream") else "Converse", body)
    return body


def warnings(*messages: AIMessage | str, **fields: Any) -> list[str]:
    prompt = make(*messages, **fields)
    DRIVER.build_request(prompt)
    return prompt.warnings


def blocks(*parts: Part, role: Any = "user", **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = render("Hi", AIMessage(list(parts), role), **fields)["messages"][-1]["content"]
    return found


def test_model_and_streaming_are_in_the_path() -> None:
    request = DRIVER.build_request(make(stream=True))
    home = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/"
    assert request.url == home + "eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream"
    assert request.headers["accept"] == "application/vnd.amazon.eventstream"
    assert request.headers["authorization"] == "Bearer bedrock-key-0123456789"
    assert request.stream
    arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc"
    assert DRIVER.build_request(make(model=arn)).url == home + (
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aapplication-inference-profile%2Fabc/converse"
    )


def test_inference_options() -> None:
    body = render(model=NOVA, max_tokens=5, temperature=0.0, top_p=0.0, stop=["x"], top_k=3)
    assert body["inferenceConfig"] == {"maxTokens": 5, "temperature": 0.0, "topP": 0.0, "stopSequences": ["x"]}
    assert body["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 3}}
    assert render(model=MINIMAX, top_k=3)["additionalModelRequestFields"] == {"top_k": 3}
    assert render(model=CLAUDE, top_k=3)["additionalModelRequestFields"] == {"top_k": 3}
    assert "inferenceConfig" not in render()


def test_options_that_the_api_lacks_are_left_out_with_a_warning() -> None:
    left = {"seed": 1, "presence_penalty": 0.1, "frequency_penalty": 0.1, "logit_bias": {"1": 1.0}, "user": "u", "n": 2,
            "logprobs": True, "top_logprobs": 2, "store": True, "audio": {}, "modalities": ["audio"],
            "prompt_cache_key": "k", "service_tier": "scale"}  # fmt: skip
    said = warnings(**left)
    assert len(said) == len(left)
    assert all(any(name in text for text in said) for name in left)
    assert warnings(n=1, logprobs=False, store=False, modalities=["text"], service_tier="auto") == []
    assert render(service_tier="flex")["serviceTier"] == {"type": "flex"}


def test_options_of_the_api_itself() -> None:
    guard = {"guardrailIdentifier": "abcdefghij", "guardrailVersion": "1", "trace": "enabled"}
    body = render(
        temperature=0.5,
        options={
            "guardrailConfig": guard, "performanceConfig": {"latency": "optimized"}, "requestMetadata": {"team": "a"},
            "additionalModelResponseFieldPaths": ["/stop_sequence"], "inferenceConfig": {"maxTokens": 7},
            "additionalModelRequestFields": {"anthropic_beta": ["x"]},
        },
        extra={"system": [{"text": "extra"}]},
    )  # fmt: skip
    assert body["guardrailConfig"] == guard
    assert body["performanceConfig"] == {"latency": "optimized"}
    assert body["inferenceConfig"] == {"temperature": 0.5, "maxTokens": 7}
    assert body["system"] == [{"text": "extra"}]
    assert body["additionalModelRequestFields"] == {"anthropic_beta": ["x"]}


def test_how_long_claude_may_think() -> None:
    body = render(reasoning_budget=2000, max_tokens=3000, temperature=0.3)
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    assert body["inferenceConfig"] == {"maxTokens": 3000}
    assert render(reasoning_budget=2000)["inferenceConfig"]["maxTokens"] > 2000
    assert render(reasoning_effort="none")["additionalModelRequestFields"] == {"thinking": {"type": "disabled"}}
    newer = render(model=NEW_CLAUDE, reasoning_effort="low")
    assert newer["outputConfig"] == {"effort": "low"}
    assert newer["additionalModelRequestFields"]["thinking"]["type"] == "adaptive"
    forced = make(reasoning_budget=2000, tools=[WEATHER], tool_choice="required")
    DRIVER.build_request(forced)
    assert any("thinking" in text for text in forced.warnings)


def test_how_long_others_may_think() -> None:
    assert render(model=NOVA_2, reasoning_effort="minimal")["additionalModelRequestFields"] == {
        "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}
    }
    assert render(model=NOVA_2, reasoning_effort="none")["additionalModelRequestFields"] == {
        "reasoningConfig": {"type": "disabled"}
    }
    assert render(model=GPT, reasoning_effort="high")["additionalModelRequestFields"] == {"reasoning_effort": "high"}
    assert warnings(model=LLAMA, reasoning_effort="high")
    assert warnings(model=NOVA_2, reasoning_budget=100)


def test_system_messages_join_at_the_start_and_roles_alternate() -> None:
    body = render(
        AIMessage.system("One."),
        "Hi",
        AIMessage("again"),
        AIMessage("Hello", "assistant"),
        AIMessage("Two.", "developer"),
        "Bye",
    )
    assert body["system"] == [{"text": "One."}, {"text": "Two."}]
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "Hi"}, {"text": "again"}]},
        {"role": "assistant", "content": [{"text": "Hello"}]},
        {"role": "user", "content": [{"text": "Bye"}]},
    ]


def test_blank_text_is_not_sent_and_prefilled_text_ends_without_white_space() -> None:
    body = render("Hi", AIMessage("  ", "assistant"), AIMessage([Text(""), Text("The answer: ")], "assistant"))
    assert body["messages"][-1] == {"role": "assistant", "content": [{"text": "The answer:"}]}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image.from_bytes(b"a", "image/jpg"), {"image": {"format": "jpeg", "source": {"bytes": "YQ=="}}}),
        (Image(data=b"\x89PNG\r\n\x1a\n"), {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}),
        (
            Image.from_url("s3://b/a.webp"),
            {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://b/a.webp"}}}},
        ),
        (Video.from_bytes(b"a", "video/quicktime"), {"video": {"format": "mov", "source": {"bytes": "YQ=="}}}),
        (
            Video(url="s3://b/a.mp4", provider_data={"bedrock": {"bucketOwner": "123456789012"}}),
            {
                "video": {
                    "format": "mp4",
                    "source": {"s3Location": {"uri": "s3://b/a.mp4", "bucketOwner": "123456789012"}},
                }
            },
        ),
        (Audio.from_bytes(b"a", "audio/mpeg"), {"audio": {"format": "mp3", "source": {"bytes": "YQ=="}}}),
    ],
)
def test_media(part: Part, block: dict[str, Any]) -> None:
    assert blocks(part, model=NOVA) == [{"text": "Hi"}, block]


def test_documents() -> None:
    parts = [
        Document.from_bytes(b"a", "application/pdf", name="My report_v1.2.pdf", context="old", citations=True),
        Document.from_bytes(b"a", "text/x-python"),
        Document.from_bytes(b"a", "text/markdown; charset=utf-8", title="[A] (b)"),
    ]
    named = [block["document"] for block in blocks(*parts)[1:]]
    assert [(one["format"], one["name"]) for one in named] == [
        ("pdf", "My report v1 2 pdf"),
        ("txt", "document"),
        ("md", "[A] (b)"),
    ]
    assert (named[0]["context"], named[0]["citations"]) == ("old", {"enabled": True})


def test_a_document_does_not_stand_without_text() -> None:
    content = render(AIMessage([Document.from_bytes(b"a", "application/pdf", title="Report")]))["messages"][0][
        "content"
    ]
    assert content[-1] == {"text": "Report"}


@pytest.mark.parametrize(
    "part",
    [
        Image.from_url("https://example.com/a.png"),
        Image.from_id("file-1"),
        Image.from_bytes(b"a", "image/tiff"),
        Document.from_bytes(b"a", "application/zip"),
        Audio.from_bytes(b"a", "audio/x-unheard-of"),
        Video.from_url("https://example.com/a.mp4"),
    ],
)
def test_what_cannot_be_read_is_refused_before_the_request(part: Part) -> None:
    with pytest.raises(UnsupportedFeatureError):
        render(AIMessage([part]))


def test_tools_and_the_choice_among_them() -> None:
    spec = {"name": "weather", "description": "Tells the weather.", "inputSchema": {"json": {**PERSON}}}
    plain = ToolSpec(name="now")
    system_tool = ProviderTool(data={"systemTool": {"name": "nova_grounding"}})
    body = render(tools=[WEATHER, plain, system_tool], tool_choice="auto")
    empty = {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    assert body["toolConfig"] == {
        "tools": [{"toolSpec": spec}, empty, {"systemTool": {"name": "nova_grounding"}}],
        "toolChoice": {"auto": {}},
    }
    assert render(tools=[WEATHER], tool_choice="required")["toolConfig"]["toolChoice"] == {"any": {}}
    assert render(tools=[WEATHER], tool_choice="weather")["toolConfig"]["toolChoice"] == {"tool": {"name": "weather"}}
    assert "toolChoice" not in render(tools=[WEATHER])["toolConfig"]
    assert warnings(tools=[WEATHER], parallel_tool_calls=False)
    assert not warnings(tools=[WEATHER], parallel_tool_calls=True)


def test_no_tools_wanted() -> None:
    called = [AIMessage.assistant("", [ToolCall("t1", "weather", {})]), AIMessage.tool("t1", "sunny")]
    assert "toolConfig" not in render(tools=[WEATHER], tool_choice="none")
    kept = make("Hi", *called, tools=[WEATHER], tool_choice="none")
    assert "toolChoice" not in json.loads(DRIVER.build_request(kept).body or b"")["toolConfig"]
    assert kept.warnings
    declared = render("Hi", *called)["toolConfig"]
    assert declared == {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}


def test_strict_tools() -> None:
    strict = ToolSpec(name="weather", parameters=PERSON, strict=True)
    spec = render(tools=[strict])["toolConfig"]["tools"][0]["toolSpec"]
    assert spec["strict"] is True
    assert spec["inputSchema"]["json"]["additionalProperties"] is False
    assert "strict" not in render(tools=[strict], model=NOVA)["toolConfig"]["tools"][0]["toolSpec"]
    assert warnings(tools=[strict], model=NOVA)


def test_calls_and_results() -> None:
    odd = "functions.add:0"
    image = Image.from_bytes(b"a", "image/png")
    body = render(
        "Hi",
        AIMessage.assistant("Wait.", [ToolCall(odd, "add", {"a": 1}), ToolCall("t2", "cut", None, '{"a')]),
        AIMessage(
            [Text("by the way"), ToolResult(odd, "3"), ToolResult("t2", [Text("no"), image], is_error=True)], "tool"
        ),
    )
    calls = [block["toolUse"] for block in body["messages"][1]["content"][1:]]
    results = [block.get("toolResult") for block in body["messages"][2]["content"]]
    assert calls[0]["toolUseId"] == results[0]["toolUseId"] != odd
    assert (calls[1]["input"], calls[1]["toolUseId"]) == ({}, "t2")
    assert results[0]["content"] == [{"text": "3"}]
    assert "status" not in results[0]
    assert results[1]["status"] == "error"
    assert [list(block) for block in results[1]["content"]] == [["text"]]
    assert results[2:] == [None, None]
    assert [list(block) for block in body["messages"][2]["content"][2:]] == [["text"], ["image"]]
    empty = render("Hi", AIMessage.assistant("", [ToolCall("t1", "add")]), AIMessage.tool("t1", ""))
    assert empty["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "(no output)"}]}}
    ]


def test_results_stand_apart_where_models_want_it() -> None:
    """https://github.com/strands-agents/harness-sdk/issues/1223"""
    turns = ("Hi", AIMessage.assistant("", [ToolCall("t1", "add")]), AIMessage.tool("t1", "3"), "So?")
    told = {model: render(*turns, tools=[WEATHER], model=model)["messages"][2:] for model in (LLAMA, CLAUDE)}
    assert [[next(iter(block)) for block in turn["content"]] for turn in told[CLAUDE]] == [["toolResult", "text"]]
    assert [turn["role"] for turn in told[LLAMA]] == ["user", "assistant", "user"]
    assert [[next(iter(block)) for block in turn["content"]] for turn in told[LLAMA]] == [
        ["toolResult"],
        ["text"],
        ["text"],
    ]


def test_reasoning_goes_back_to_bedrock_alone() -> None:
    own: list[Part] = [
        Reasoning("hm", {"bedrock": {"signature": "sig"}}),
        Reasoning("", {"bedrock": {"redactedContent": base64.b64encode(b"x").decode()}}),
        Reasoning("shown only", {"bedrock": {}}),
        Reasoning("foreign", {"anthropic": {"signature": "sig"}}),
        Reasoning("plain"),
        Text("ok"),
    ]
    assert blocks(*own, role="assistant") == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"text": "ok"},
    ]


def test_other_parts_of_an_answer() -> None:
    server = {"toolUse": {"toolUseId": "t0", "name": "x", "input": {}, "type": "server_tool_use"}}
    cited = Text("Paris", [{"title": "Atlas"}], {"bedrock": {}})
    parts: list[Part] = [
        ProviderPart("bedrock", "server_tool_use", server),
        cited,
        Text("a", [{"x": 1}], {"openai": {}}),
        Refusal("no"),
    ]
    assert blocks(*parts, role="assistant") == [
        server,
        {"citationsContent": {"content": [{"text": "Paris"}], "citations": [{"title": "Atlas"}]}},
        {"text": "a"},
        {"text": "no"},
    ]
    foreign = AIMessage(
        [ProviderPart("openai", "web_search_call"), Image.from_bytes(b"a", "image/png"), Text("x")], "assistant"
    )
    assert len(warnings("Hi", foreign)) == 2
    assert warnings(AIMessage("Hi", name="Ann"))
    spoken = AIMessage([Audio(data=b"a", transcript="said")], "assistant")
    assert render("Hi", spoken)["messages"][-1]["content"] == [{"text": "said"}]


def test_structured_output_by_the_api_where_it_has_it() -> None:
    wanted = OutputFormat(name="person", schema=PERSON, description="A person.")
    for model in (CLAUDE, MINIMAX, GPT):
        structure = render(model=model, response_format=wanted)["outputConfig"]["textFormat"]
        definition = structure["structure"]["jsonSchema"]
        assert (structure["type"], definition["name"], definition["description"]) == (
            "json_schema",
            "person",
            "A person.",
        )
        assert json.loads(definition["schema"])["additionalProperties"] is False
    combined = render(model=NEW_CLAUDE, response_format=wanted, reasoning_effort="low")["outputConfig"]
    assert combined.keys() == {"textFormat", "effort"}


@pytest.mark.parametrize("model", [OLD_CLAUDE, NOVA, NOVA_2])
def test_structured_output_by_a_tool_where_it_has_not(model: str) -> None:
    wanted = OutputFormat(name="weather", schema=PERSON)
    config = render(model=model, response_format=wanted)["toolConfig"]
    assert config["toolChoice"] == {"tool": {"name": "weather"}}
    assert config["tools"][0]["toolSpec"]["inputSchema"] == {"json": PERSON}
    beside = render(model=model, response_format=wanted, tools=[WEATHER])["toolConfig"]
    assert beside["toolChoice"] == {"any": {}}
    assert [tool["toolSpec"]["name"] for tool in beside["tools"]] == ["weather", "weather_"]


@pytest.mark.parametrize("model", [LLAMA, "cohere.command-r-v1:0", "mistral.mistral-7b-instruct-v0:2"])
def test_structured_output_in_words_where_no_tool_can_be_forced(model: str) -> None:
    body = render(AIMessage.system("Be brief."), "Hi", model=model, response_format=OutputFormat(schema=PERSON))
    assert "toolConfig" not in body
    assert body["system"][0] == {"text": "Be brief."}
    assert json.dumps(PERSON, separators=(",", ":")) in body["system"][1]["text"]


def test_any_json_object() -> None:
    config = render(response_format=OutputFormat())["toolConfig"]
    assert config["tools"][0]["toolSpec"]["inputSchema"] == {"json": {"type": "object"}}


def test_cache_points() -> None:
    body = render(AIMessage.system("S"), "Hi", tools=[WEATHER], options={"cache": "1h"})
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["messages"][-1]["content"][-1] == body["system"][-1] == body["toolConfig"]["tools"][-1] == point
    plain = render(AIMessage.system("S"), "Hi", options={"cache": True})
    assert plain["system"][-1] == {"cachePoint": {"type": "default"}}
    assert "cachePoint" not in json.dumps(render("Hi", options={"cache": False}))
    own = ProviderPart("bedrock", "cachePoint", {"cachePoint": {"type": "default"}})
    full = render(AIMessage([Text("S"), own, own, own, own], "system"), "Hi", options={"cache": True})
    assert "cachePoint" not in full["messages"][-1]["content"][-1]
    with pytest.raises(ConfigurationError):
        render(options={"cache": "2h"})


def test_recorded_requests_survive_the_way_through_our_values(wire_dir: Path) -> None:
    found = [record for record in records(wire_dir, "bedrock-converse") if record["request"]]
    assert found
    for record in found:
        sent = record["request"]["body"]
        model = record["request"]["url"].split("/model/")[1].split("/")[0].replace("%3A", ":")
        prompt = read_request(sent, model)
        if "claude" in model and "s3Location" in json.dumps(sent):  # answered with 400
            try:
                fitted = DRIVER.build_request(prompt)
            except UnsupportedFeatureError:
                continue
            assert b"left out" in (fitted.body or b"")
            assert b"s3Location" not in (fitted.body or b"")
            continue
        body = json.loads(DRIVER.build_request(prompt).body or b"")
        validate_body("Converse", body)
        roles = [message["role"] for message in body["messages"]]
        assert all(first != second for first, second in pairwise(roles)), record["id"]
        assert kinds_of(body) == kinds_of(sent), record["id"]


def kinds_of(body: dict[str, Any]) -> list[str]:
    """Return the kinds of all blocks but text, in order; blank text is not sent."""
    return [kind for message in body["messages"] for block in message["content"] for kind in block if kind != "text"]
