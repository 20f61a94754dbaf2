"""What the Messages wire renders: every option, every kind of part, every generation of models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.wires.specs import validate_request

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
from polydriver.drivers.anthropic import AnthropicDriver
from polydriver.errors import ConfigurationError, UnsupportedFeatureError
from polydriver.wires.messages.models import find_generation
from polydriver.wires.messages.schemas import render_schema

SPEC = "anthropic/openapi.yml"
DRIVER = AnthropicDriver({"api_key": "sk-ant-test-0123456789"})
BUDGETED, ADAPTIVE, OLD = "claude-sonnet-4-5", "claude-opus-4-8", "claude-3-haiku-20240307"
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer"}},
    "required": ["name"],
}
WEATHER = ToolSpec(name="weather", description="Tells the weather.", parameters=PERSON)


def make(*messages: AIMessage | str, **fields: Any) -> Prompt:
    made = [AIMessage(message) if isinstance(message, str) else message for message in messages or ("Hi",)]
    return Prompt(messages=made, **{"model": BUDGETED, "max_tokens": 5000, **fields})


def render(*messages: AIMessage | str, check: bool = True, **fields: Any) -> dict[str, Any]:
    """Return the body for these messages, which the API's description accepts."""
    body = json.loads(DRIVER.build_request(make(*messages, **fields)).body or b"")
    if check:
        validate_request(SPEC, "BetaCreateMessageParams", body)
    return body


def warnings(*messages: AIMessage | str, **fields: Any) -> list[str]:
    prompt = make(*messages, **fields)
    DRIVER.build_request(prompt)
    return prompt.warnings


def content(*parts: Part) -> list[dict[str, Any]]:
    """Return the blocks of a user's message with these parts."""
    blocks = render(AIMessage.user(list(parts)))["messages"][0]["content"]
    return [{"type": "text", "text": blocks}] if isinstance(blocks, str) else blocks


class TestOptions:
    def test_the_smallest_request(self) -> None:
        assert render() == {
            "model": BUDGETED,
            "max_tokens": 5000,
            "messages": [{"role": "user", "content": "Hi"}],
        }

    def test_max_tokens_comes_from_the_catalog_or_a_number_that_every_model_can_write(self) -> None:
        assert render(max_tokens=None)["max_tokens"] == 64000
        assert render(max_tokens=None, model="some-other-model")["max_tokens"] == 4096

    def test_zero_and_empty_values_are_sent(self) -> None:
        body = render(temperature=0, top_k=0, stop=[], model=OLD)
        assert (body["temperature"], body["top_k"], body["stop_sequences"]) == (0, 0, [])

    def test_options_have_the_names_of_the_api(self) -> None:
        body = render(
            stop=["END"], user="u-1", service_tier="default", stream=True, extra={"beta_field": 1}, check=False
        )
        assert body["stop_sequences"] == ["END"]
        assert body["metadata"] == {"user_id": "u-1"}
        assert body["service_tier"] == "standard_only"
        assert body["stream"] is True
        assert body["beta_field"] == 1

    def test_options_that_the_api_lacks_are_left_out_and_named(self) -> None:
        found = warnings(seed=1, n=2, logprobs=True, presence_penalty=0.0, service_tier="flex", store=True)
        for name in ("seed", "n", "logprobs", "presence_penalty", "service_tier", "store"):
            assert any(f"not support {name}" in warning for warning in found), name
        assert warnings(n=1, logprobs=False, store=False, modalities=["text"]) == []

    def test_blank_stop_sequences_are_left_out(self) -> None:
        assert render(stop=["\n", "END"])["stop_sequences"] == ["END"]
        assert warnings(stop=["\n"])

    def test_a_temperature_above_one_is_cut_to_it(self) -> None:
        assert render(temperature=1.7)["temperature"] == 1
        assert warnings(temperature=1.7)

    def test_newer_models_take_temperature_or_top_p_and_the_newest_neither(self) -> None:
        both = render(temperature=0.5, top_p=0.5)
        assert "top_p" not in both
        assert both["temperature"] == 0.5
        newest = render(temperature=0.5, top_p=0.5, model=ADAPTIVE)
        assert not {"temperature", "top_p"} & newest.keys()
        assert warnings(temperature=0.5, model=ADAPTIVE)
        assert render(temperature=0.5, top_p=0.5, model=OLD)["top_p"] == 0.5

    def test_betas_are_asked_for_in_a_header_once_each(self) -> None:
        prompt = make(
            AIMessage.user([Document.from_id("file_1")]),
            options={"betas": ["my-beta-2026-01-01"], "context_management": {"edits": [{"type": "compact_20260112"}]}},
            tools=[ProviderTool(data={"type": "computer_20250124", "name": "computer"})],
        )
        assert DRIVER.build_request(prompt).headers["anthropic-beta"].split(",") == [
            "my-beta-2026-01-01",
            "context-management-2025-06-27",
            "compact-2026-01-12",
            "computer-use-2025-01-24",
            "files-api-2025-04-14",
        ]
        asked = make(options={"betas": "mcp-client-2025-04-04", "mcp_servers": []})
        assert DRIVER.build_request(asked).headers["anthropic-beta"] == "mcp-client-2025-04-04"
        assert "anthropic-beta" not in DRIVER.build_request(make()).headers

    def test_extra_headers_win(self) -> None:
        prompt = make(extra_headers={"Anthropic-Beta": "x-2026-01-01"}, options={"betas": "y-2026-01-01"})
        assert DRIVER.build_request(prompt).headers["anthropic-beta"] == "x-2026-01-01"


class TestThinking:
    def test_a_budget_enables_thinking(self) -> None:
        assert render(reasoning_budget=2000)["thinking"] == {"type": "enabled", "budget_tokens": 2000}

    def test_max_tokens_exceeds_the_budget(self) -> None:
        body = render(reasoning_budget=8000, max_tokens=1000)
        assert body["max_tokens"] == 9000
        assert warnings(reasoning_budget=8000, max_tokens=1000)

    def test_a_budget_that_is_too_small_is_raised(self) -> None:
        assert render(reasoning_budget=5)["thinking"]["budget_tokens"] == 1024

    @pytest.mark.parametrize("off", [{"reasoning_effort": "none"}, {"reasoning_budget": 0}])
    def test_thinking_is_disabled(self, off: dict[str, Any]) -> None:
        assert render(**off)["thinking"] == {"type": "disabled"}
        assert "thinking" not in render(**off, model=OLD)

    def test_an_effort_becomes_a_budget_within_max_tokens_for_older_models(self) -> None:
        assert render(reasoning_effort="low")["thinking"]["budget_tokens"] == 2048
        assert render(reasoning_effort="max")["thinking"]["budget_tokens"] == 2500
        assert "thinking" not in render(reasoning_effort="high", max_tokens=100)
        assert warnings(reasoning_effort="high", max_tokens=100)

    def test_an_effort_is_sent_to_models_that_take_it(self) -> None:
        body = render(reasoning_effort="xhigh", model=ADAPTIVE)
        assert body["output_config"] == {"effort": "xhigh"}
        assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
        middle = render(reasoning_effort="xhigh", model="claude-opus-4-6")
        assert middle["output_config"] == {"effort": "high"}
        assert middle["thinking"] == {"type": "adaptive"}
        assert render(reasoning_effort="minimal", model=ADAPTIVE)["output_config"] == {"effort": "low"}

    def test_models_that_decide_themselves_take_no_budget(self) -> None:
        assert render(reasoning_budget=3000, model=ADAPTIVE)["thinking"]["type"] == "adaptive"
        assert warnings(reasoning_budget=3000, model=ADAPTIVE)
        assert render(reasoning_budget=3000, model="claude-opus-4-6")["thinking"]["type"] == "enabled"

    def test_models_that_do_not_reason_are_not_asked_to(self) -> None:
        assert "thinking" not in render(reasoning_effort="high", model=OLD)
        assert warnings(reasoning_effort="high", model=OLD)

    def test_sampling_is_left_out_while_the_model_thinks(self) -> None:
        body = render(reasoning_budget=2000, temperature=0.2, top_k=5, top_p=0.97)
        assert not {"temperature", "top_k"} & body.keys()
        assert body["top_p"] == 0.97
        assert warnings(reasoning_budget=2000, temperature=0.2)
        assert warnings(reasoning_budget=2000, temperature=1) == []

    def test_a_forced_tool_call_goes_before_thinking(self) -> None:
        body = render(reasoning_budget=2000, tools=[WEATHER], tool_choice="required")
        assert "thinking" not in body
        assert body["tool_choice"] == {"type": "any"}

    @pytest.mark.parametrize(
        ("model", "thinking", "structured"),
        [
            ("claude-3-7-sonnet-20250219", "budget", False),
            ("claude-3-5-sonnet-20241022", "none", False),
            ("claude-sonnet-4-20250514", "budget", False),
            ("claude-sonnet-4-0", "budget", False),
            ("anthropic/claude-sonnet-4", "budget", False),
            ("anthropic/claude-sonnet-4.5", "budget", True),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", "budget", False),
            ("claude-opus-4@20250514", "budget", False),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "budget", True),
            ("claude-opus-4-5@20251101", "budget", True),
            ("claude-sonnet-4-6", "both", True),
            ("claude-opus-4-7", "adaptive", True),
            ("claude-fable-5", "adaptive", True),
            ("claude-unheard-of-9", "adaptive", True),
            ("kimi-k2", "budget", False),
        ],
    )
    def test_generations_are_told_under_every_platforms_names(
        self, model: str, thinking: str, structured: bool
    ) -> None:
        found = find_generation(model)
        assert (found.thinking, found.structured) == (thinking, structured)


class TestTools:
    def test_a_tool(self) -> None:
        assert render(tools=[WEATHER])["tools"] == [
            {"name": "weather", "description": "Tells the weather.", "input_schema": PERSON}
        ]

    def test_a_tool_without_parameters_has_an_empty_object(self) -> None:
        assert render(tools=[ToolSpec(name="now")])["tools"][0]["input_schema"] == {"type": "object", "properties": {}}

    def test_a_tool_of_the_provider_is_sent_as_it_is(self) -> None:
        data = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
        assert render(tools=[ProviderTool(data=data)])["tools"] == [data]

    def test_a_strict_tool_has_a_closed_schema(self) -> None:
        strict = ToolSpec(name="weather", parameters=PERSON, strict=True)
        tool = render(tools=[strict])["tools"][0]
        assert tool["strict"] is True
        assert tool["input_schema"]["additionalProperties"] is False
        assert "maxLength" not in tool["input_schema"]["properties"]["name"]
        assert "strict" not in render(tools=[strict], model=OLD)["tools"][0]
        assert warnings(tools=[strict], model=OLD)
        assert render(tools=[ToolSpec(name="now", strict=True)])["tools"][0]["strict"] is True

    @pytest.mark.parametrize(
        ("choice", "parallel", "rendered"),
        [
            ("auto", None, {"type": "auto"}),
            ("required", None, {"type": "any"}),
            ("none", False, {"type": "none"}),
            ("weather", None, {"type": "tool", "name": "weather"}),
            ("weather", False, {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}),
            (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
            (None, True, {"type": "auto", "disable_parallel_tool_use": False}),
            (None, None, None),
        ],
    )
    def test_choices(self, choice: str | None, parallel: bool | None, rendered: dict[str, Any] | None) -> None:
        body = render(tools=[WEATHER], tool_choice=choice, parallel_tool_calls=parallel)
        assert body.get("tool_choice") == rendered
        assert "tool_choice" not in render(tool_choice=choice, parallel_tool_calls=parallel)

    def test_calls_and_results(self) -> None:
        body = render(
            "Weather?",
            AIMessage.assistant(
                "Let me see.", [ToolCall("toolu_1", "weather", {"name": "Bonn"}), ToolCall("t2", "now", {})]
            ),
            AIMessage.tool("toolu_1", "rain"),
            AIMessage.tool("t2", [Text("noon"), Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")], is_error=True),
            "And now?",
        )
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
        results = body["messages"][2]["content"]
        assert [block["type"] for block in results] == ["tool_result", "tool_result", "image", "text"]
        assert results[0] == {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}
        assert results[1]["is_error"] is True
        assert [block["type"] for block in results[1]["content"]] == ["text"]  # results that are errors are text

    def test_results_come_first_in_their_message(self) -> None:
        body = render("Hi", AIMessage.assistant("", [ToolCall("t1", "now", {})]), "Wait", AIMessage.tool("t1", "noon"))
        assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "text"]

    @pytest.mark.parametrize("foreign", ["functions.add:0", "call|fc_1", "", "ü"])
    def test_ids_of_other_providers_are_translated_alike_for_call_and_result(self, foreign: str) -> None:
        body = render("Hi", AIMessage.assistant("", [ToolCall(foreign, "now", {})]), AIMessage.tool(foreign, "noon"))
        call, result = body["messages"][1]["content"][0], body["messages"][2]["content"][0]
        assert call["id"] == result["tool_use_id"]

    def test_an_incomplete_call_is_sent_without_arguments(self) -> None:
        broken = ToolCall("t1", "", None, '{"a": ')
        body = render("Hi", AIMessage.assistant("", [broken]), AIMessage.tool("t1", "not run"))
        assert body["messages"][1]["content"][0]["input"] == {}

    def test_the_caller_of_a_call_goes_back(self) -> None:
        caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
        call = ToolCall("t1", "now", {}, None, {"anthropic": {"caller": caller}})
        body = render("Hi", AIMessage.assistant("", [call]), AIMessage.tool("t1", "noon"))
        assert body["messages"][1]["content"][0]["caller"] == caller


class TestSystem:
    def test_system_and_developer_messages_make_the_system_text(self) -> None:
        assert render(AIMessage.system("Be kind."), "Hi")["system"] == "Be kind."
        body = render(AIMessage.system("Be kind."), AIMessage("Be brief.", "developer"), "Hi")
        assert body["system"] == [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be brief."}]

    def test_a_system_message_in_the_middle_joins_the_others(self) -> None:
        body = render(AIMessage.system("One."), "Hi", AIMessage.system("Two."), "Ho")
        assert [block["text"] for block in body["system"]] == ["One.", "Two."]
        assert len(body["messages"]) == 1

    def test_it_keeps_its_place_on_request(self) -> None:
        body = render("Hi", AIMessage.system("Two."), "Ho", options={"system_in_place": True}, model=ADAPTIVE)
        assert [message["role"] for message in body["messages"]] == ["user", "system", "user"]
        assert "system" not in body
        assert "system_in_place" not in body

    def test_parts_of_the_system_text_can_be_cached_one_by_one(self) -> None:
        marked = Text("Long.", provider_data={"anthropic": {"cache_control": {"type": "ephemeral", "ttl": "1h"}}})
        body = render(AIMessage([marked], "system"), "Hi")
        assert body["system"] == [
            {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
        ]


class TestCaching:
    @pytest.mark.parametrize(
        ("cache", "control"),
        [
            (True, {"type": "ephemeral"}),
            ("5m", {"type": "ephemeral", "ttl": "5m"}),
            ("1h", {"type": "ephemeral", "ttl": "1h"}),
        ],
    )
    def test_one_option_marks_system_tools_and_the_last_message(self, cache: Any, control: dict[str, Any]) -> None:
        body = render(AIMessage.system("Long."), "Hi", tools=[ToolSpec(name="a"), WEATHER], options={"cache": cache})
        assert body["system"][-1]["cache_control"] == control
        assert body["tools"][-1]["cache_control"] == control
        assert "cache_control" not in body["tools"][0]
        assert body["messages"][-1]["content"][-1]["cache_control"] == control
        assert "cache" not in body

    def test_it_never_makes_more_than_four_breakpoints(self) -> None:
        own = {"anthropic": {"cache_control": {"type": "ephemeral"}}}
        marked: list[Part] = [Text(str(n), provider_data=own) for n in range(3)]
        body = render(AIMessage.system("Long."), AIMessage(marked), "Last", tools=[WEATHER], options={"cache": True})
        assert json.dumps(body).count("cache_control") == 4
        assert "cache_control" in body["messages"][-1]["content"][-1]

    def test_thinking_cannot_be_marked(self) -> None:
        thought = Reasoning("Hm", {"anthropic": {"signature": "s"}})
        answer = AIMessage.assistant([Text("Yes"), thought])
        body = render("Hi", answer, options={"cache": True})
        assert "cache_control" in body["messages"][-1]["content"][0]

    def test_the_tools_given_are_not_changed(self) -> None:
        data = {"type": "web_search_20250305", "name": "web_search"}
        render(tools=[ProviderTool(data=data)], options={"cache": True})
        assert "cache_control" not in data

    def test_off_and_wrong_values(self) -> None:
        assert "cache_control" not in json.dumps(render(options={"cache": False}))
        with pytest.raises(ConfigurationError, match="5m"):
            render(options={"cache": "2h"})

    def test_the_apis_own_option_is_passed_on(self) -> None:
        assert render(options={"cache_control": {"type": "ephemeral"}})["cache_control"] == {"type": "ephemeral"}


class TestParts:
    def test_images(self) -> None:
        png = b"\x89PNG\r\n\x1a\n"
        blocks = content(
            Image.from_bytes(png, "image/png"),
            Image(data=png),
            Image.from_bytes(b"\xff\xd8\xff", "image/jpg"),
            Image.from_url("https://example.com/a.png"),
            Image.from_id("file_1"),
        )
        assert [block["source"]["type"] for block in blocks] == ["base64", "base64", "base64", "url", "file"]
        assert [block["source"].get("media_type") for block in blocks[:3]] == ["image/png", "image/png", "image/jpeg"]

    def test_documents(self) -> None:
        blocks = content(
            Document.from_bytes(b"%PDF-1.7", "application/pdf", title="T", context="C", citations=True),
            Document(data=b"%PDF-1.7"),
            Document.from_bytes(b"a,b\n", "text/csv", name="a.csv"),
            Document.from_url("https://example.com/a.pdf"),
            Document.from_id("file_1"),
        )
        assert blocks[0] == {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjc="},
            "title": "T",
            "context": "C",
            "citations": {"enabled": True},
        }
        assert [block["source"]["type"] for block in blocks] == ["base64", "base64", "text", "url", "file"]
        assert blocks[2]["title"] == "a.csv"

    @pytest.mark.parametrize(
        "part",
        [
            Audio.from_bytes(b"x", "audio/wav"),
            Video.from_bytes(b"x", "video/mp4"),
            Image.from_bytes(b"<svg/>", "image/svg+xml"),
            Document.from_bytes(b"PK\x03\x04", "application/zip"),
            Document.from_bytes(b"\xff\xfe\x00", "text/plain"),
        ],
    )
    def test_what_the_api_cannot_read_is_refused_before_the_request(self, part: Part) -> None:
        with pytest.raises(UnsupportedFeatureError):
            render(AIMessage.user([part]))

    def test_blank_texts_are_left_out(self) -> None:
        assert render(AIMessage.user([Text(" \n"), Text("Hi")]))["messages"][0]["content"] == "Hi"

    def test_a_prefilled_answer_has_no_white_space_at_its_end(self) -> None:
        assert render("Hi", AIMessage.assistant("The answer is: "))["messages"][1]["content"] == "The answer is:"

    def test_reasoning_goes_back_with_its_signature_and_to_its_maker_only(self) -> None:
        answer = AIMessage.assistant(
            [
                Reasoning("Hm", {"anthropic": {"signature": "sig"}}),
                Reasoning("", {"anthropic": {"redacted_data": "xyz"}}),
                Reasoning("unsigned", {"anthropic": {}}),
                Reasoning("foreign", {"openai": {"encrypted_content": "abc"}}),
                Text("Yes"),
            ]
        )
        assert render("Hi", answer, "Ho")["messages"][1]["content"] == [
            {"type": "thinking", "thinking": "Hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "text", "text": "Yes"},
        ]

    def test_citations_go_back_to_their_maker_only(self) -> None:
        cited = {"type": "char_location", "cited_text": "a", "document_index": 0, "document_title": None}
        cited |= {"start_char_index": 0, "end_char_index": 1}
        own = Text("Yes", [{**cited, "file_id": None}], {"anthropic": {}})
        body = render("Hi", AIMessage.assistant([own, Text("No", [{"url": "x"}])]), "Ho")
        assert body["messages"][1]["content"] == [
            {"type": "text", "text": "Yes", "citations": [cited]},
            {"type": "text", "text": "No"},
        ]

    def test_parts_of_other_providers_are_left_out_and_named(self) -> None:
        foreign = ProviderPart(provider="openai", kind="web_search_call", data={"type": "web_search_call"})
        answer = AIMessage.assistant([foreign, Image.from_bytes(b"x", "image/png"), Text("Yes")])
        assert render("Hi", answer, "Ho")["messages"][1]["content"] == "Yes"
        assert len(warnings("Hi", answer, "Ho")) == 2

    def test_spoken_and_refused_answers_become_text(self) -> None:
        spoken = Audio(data=b"x", media_type="audio/wav", transcript="Hello")
        body = render("Hi", AIMessage.assistant([spoken, Refusal("I won't.")]), "Ho")
        assert [block["text"] for block in body["messages"][1]["content"]] == ["Hello", "I won't."]

    def test_names_of_speakers_are_left_out(self) -> None:
        assert warnings(AIMessage("Hi", name="Ann"))


class TestStructuredOutput:
    def test_the_apis_own_form(self) -> None:
        body = render(response_format=OutputFormat(name="person", schema=PERSON))
        schema = body["output_config"]["format"]["schema"]
        assert schema["additionalProperties"] is False
        assert schema["properties"]["name"] == {"type": "string", "description": "(maxLength: 9)"}
        assert "tools" not in body

    def test_it_goes_together_with_an_effort_and_the_apis_own_option(self) -> None:
        body = render(
            response_format=OutputFormat(schema=PERSON),
            reasoning_effort="low",
            model=ADAPTIVE,
            options={"output_config": {"task_budget": {"type": "tokens", "total": 30000}}},
            check=False,
        )
        assert body["output_config"].keys() == {"format", "effort", "task_budget"}

    @pytest.mark.parametrize(
        ("schema", "strict", "model"),
        [
            (PERSON, None, OLD),
            (PERSON, False, BUDGETED),
            (None, None, BUDGETED),
            ({"type": "object", "additionalProperties": {"type": "integer"}}, None, BUDGETED),
        ],
    )
    def test_a_forced_tool_stands_in(self, schema: dict[str, Any] | None, strict: bool | None, model: str) -> None:
        body = render(response_format=OutputFormat(name="person", schema=schema, strict=strict), model=model)
        assert "output_config" not in body
        assert body["tool_choice"] == {"type": "tool", "name": "person"}
        assert body["tools"][0]["input_schema"] == (schema or {"type": "object"})

    def test_beside_other_tools_it_is_one_of_them(self) -> None:
        wanted = OutputFormat(name="weather", schema=PERSON)
        body = render(response_format=wanted, tools=[WEATHER], model=OLD)
        assert [tool["name"] for tool in body["tools"]] == ["weather", "weather_"]
        assert body["tool_choice"] == {"type": "any"}

    @pytest.mark.parametrize(
        "schema",
        [
            {"type": "object"},
            {"type": "object", "properties": {"a": {"not": {}}}},
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}},
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/A"}}}},
            },
        ],
    )
    def test_schemas_that_cannot_be_promised(self, schema: dict[str, Any]) -> None:
        assert render_schema(schema) is None

    def test_schemas_are_closed_in_depth(self) -> None:
        inner = {"type": "object", "properties": {"b": {"type": "string", "format": "regex"}}}
        schema = {"type": "object", "properties": {"a": {"oneOf": [{"$ref": "#/$defs/A"}]}}, "$defs": {"A": inner}}
        assert render_schema(schema) == {
            "type": "object",
            "properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}]}},
            "$defs": {
                "A": {
                    "type": "object",
                    "properties": {"b": {"type": "string", "description": '(format: "regex")'}},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        }


class TestContainers:
    ANSWER = AIMessage(
        [ToolCall("t1", "now", {})], "assistant", provider_data={"anthropic": {"container": "container_1"}}
    )

    def test_the_container_of_a_turn_is_named_until_the_turn_is_over(self) -> None:
        assert render("Hi", self.ANSWER, AIMessage([ToolResult("t1", "noon")], "tool"))["container"] == "container_1"
        assert render("Hi", self.ANSWER)["container"] == "container_1"
        assert "container" not in render("Hi", self.ANSWER, AIMessage.tool("t1", "noon"), "Thanks")

    def test_one_that_is_given_counts(self) -> None:
        assert render("Hi", self.ANSWER, options={"container": "container_2"})["container"] == "container_2"
