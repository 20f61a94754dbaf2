"""Requests that fit what model and service take: the same rule on every wire, shown by the requests that go out."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, field, make_dataclass
from typing import Any, Literal

import pytest

from polydriver import AIMessage, Document, tool
from polydriver.data.messages import Audio, Image, Text, ToolCall
from polydriver.data.prompt import OPTIONS, Prompt, ToolSpec
from polydriver.drivers import driver_class
from polydriver.errors import ConfigurationError, UnsupportedFeatureError
from polydriver.prices.catalog import models
from polydriver.prices.model_rules import find_rules
from polydriver.prompting import build_prompt
from polydriver.schema import strict_schema

SETTINGS: dict[str, dict[str, Any]] = {
    "openai": {}, "azure": {"base_url": "https://x.openai.azure.com"}, "xai": {}, "groq": {}, "deepseek": {},
    "anthropic": {"api_key": "sk-ant-0123456789"}, "cohere": {}, "mistral": {}, "gemini": {},
    "bedrock": {"region": "eu-west-1"}, "vertexai": {"project": "p", "location": "global"},
}  # fmt: skip


def make_driver(name: str, **settings: Any) -> Any:
    return driver_class(name)({"api_key": "sk-0123456789abcdef", **SETTINGS[name], **settings})


def render(name: str, model: str, messages: Any = "Hi", **options: Any) -> tuple[dict[str, Any], Prompt]:
    driver = make_driver(name)
    prompt, _ = build_prompt(driver, messages, {"model": model, **options})
    body: dict[str, Any] = json.loads(driver.build_request(prompt).body)
    return body, prompt


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Leaf:
    name: str
    size: int | None = None


@dataclass
class Tree:
    leaf: Leaf
    more: list[Leaf] = field(default_factory=list)
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] | None = None


DEEP: type[Any] = str
for level in range(14):
    DEEP = make_dataclass(f"Level{level}", [("below", DEEP)])
FORMS = [Leaf, Tree, DEEP, dict[str, int], make_dataclass("Empty", []), Colour, list[Leaf]]


def _is_strict(schema: Any) -> bool:
    """Whether every object is closed and has all its properties required."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if "properties" in schema and isinstance(schema["properties"], dict):
        closed = schema.get("additionalProperties") is False
        if not closed or sorted(schema.get("required", [])) != sorted(schema["properties"]):
            return False
    return all(map(_is_strict, schema.values()))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("name", ["openai", "azure"])
def test_a_schema_that_is_sent_as_strict_is_strict(name: str, api: str, form: Any) -> None:
    body, _ = render(name, "gpt-5", response_format=form, api=api)
    sent = body["text"]["format"] if api == "responses" else body["response_format"]["json_schema"]
    if sent.get("strict"):
        assert _is_strict(sent["schema"])
        assert strict_schema(sent["schema"]) == sent["schema"]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_tool_that_is_sent_as_strict_is_strict(api: str) -> None:
    @tool(strict=True)
    def look(name: str, size: int = 3) -> str:
        """Look."""
        return name * size

    @tool(strict=True)
    def take(anything: dict[str, Any]) -> str:
        """Take."""
        return str(anything)

    body, _ = render("openai", "gpt-5", tools=[look, take], api=api)
    sent = [one if api == "responses" else one["function"] for one in body["tools"]]
    assert [one["strict"] for one in sent] == [True, False]
    assert _is_strict(sent[0]["parameters"])


def test_both_wires_send_the_same_schemas() -> None:
    for form in FORMS:
        chat, _ = render("openai", "gpt-5", response_format=form, api="chat")
        responses, _ = render("openai", "gpt-5", response_format=form, api="responses")
        assert {"type": "json_schema", **chat["response_format"]["json_schema"]} == responses["text"]["format"]


GIVEN: dict[str, Any] = {
    "temperature": 0, "top_p": 0.5, "top_k": 3, "stop": ["x"], "presence_penalty": 1, "frequency_penalty": 1,
    "logprobs": True, "top_logprobs": 2, "logit_bias": {"1": 1}, "n": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", ["openai", "azure", "xai", "groq"])
def test_what_a_model_refuses_is_left_out_with_a_warning(name: str) -> None:
    assert set(GIVEN) < set(OPTIONS)
    known = [entry.id for entry in models(name) if entry.type in (None, "chat")]
    for model in known:
        rules = find_rules(name, model)
        body, prompt = render(name, model, **GIVEN)
        sent = body.keys()
        refused = rules.refused | rules.refused_while_reasoning
        assert not refused & sent, (model, refused & sent)
        told = " ".join(prompt.warnings)
        assert all(option in told for option in refused & GIVEN.keys()), (model, prompt.warnings)


@pytest.mark.parametrize("name", ["openai", "azure", "xai", "groq"])
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_an_effort_is_one_that_the_model_knows(name: str, effort: str) -> None:
    for entry in models(name):
        if entry.type not in (None, "chat"):
            continue
        known = find_rules(name, entry.id).efforts
        body, prompt = render(name, entry.id, reasoning_effort=effort)
        sent = body.get("reasoning_effort", body.get("reasoning", {}).get("effort"))
        assert known is None or sent is None or sent in known, entry.id
        if known and effort not in known:
            assert any("was sent" in warning for warning in prompt.warnings), entry.id


def test_sampling_goes_out_where_reasoning_is_off() -> None:
    body, prompt = render("openai", "gpt-5.2", temperature=0, reasoning_effort="none", api="chat")
    assert (body["temperature"], body["reasoning_effort"], prompt.warnings) == (0, "none", [])
    assert render("openai", "gpt-4o", temperature=0)[0]["temperature"] == 0
    assert render("openai", "a-model-of-tomorrow", temperature=0)[0]["temperature"] == 0


def test_models_that_do_not_reason_are_not_asked_for_encrypted_reasoning() -> None:
    for entry in models("openai"):
        if find_rules("openai", entry.id).efforts == ():
            body, _ = render("openai", entry.id, api="responses")
            assert "include" not in body, entry.id
    assert "include" in render("openai", "gpt-5", api="responses")[0]


def test_json_mode_names_json() -> None:
    for api in ("chat", "responses"):
        body, _ = render("openai", "gpt-4o", response_format="json", api=api)
        assert "JSON" in json.dumps(body.get("messages") or body["input"])
        said, _ = render("openai", "gpt-4o", "Answer as json", response_format="json", api=api)
        assert len(said.get("messages") or said["input"]) == 1
    instructed, _ = render(
        "openai", "gpt-4o", [AIMessage.system("JSON!"), "Hi"], response_format="json", api="responses"
    )
    assert "JSON" in json.dumps(instructed["input"])


def test_deepseek_gets_json_mode_with_the_schema_in_words() -> None:
    body, _ = render("deepseek", "deepseek-chat", response_format=Leaf)
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["role"] == "system"
    assert '"size"' in body["messages"][0]["content"]


def test_the_start_of_an_answer_has_its_own_path_at_deepseek() -> None:
    driver = make_driver("deepseek")
    for last, path in ((AIMessage.assistant("It is"), "/beta/chat/completions"), ("Hi", "/chat/completions")):
        prompt, _ = build_prompt(driver, ["Hi", last], {"model": "deepseek-chat"})
        assert driver.build_request(prompt).url == f"https://api.deepseek.com{path}"


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@pytest.mark.parametrize("stream", [False, True])
def test_groq_has_schemas_for_some_models_and_alone(stream: bool) -> None:
    def form(model: str, **options: Any) -> Any:
        driver = make_driver("groq")
        prompt, _ = build_prompt(driver, "Hi", {"model": model, "response_format": Leaf, **options}, stream=stream)
        body = json.loads(driver.build_request(prompt).body)
        assert ("response_format" in body and "json_schema" in body["response_format"]) or "JSON" in str(
            body["messages"]
        )
        return body.get("response_format", {}).get("type")

    assert form("openai/gpt-oss-120b") == ("json_object" if stream else "json_schema")
    assert form("llama-3.3-70b-versatile") == "json_object"
    assert form("openai/gpt-oss-120b", tools=[add]) is None


NEWEST = ["claude-opus-5-5", "claude-fable-5-1", "claude-sonnet-5-5"]


@pytest.mark.parametrize("model", NEWEST)
@pytest.mark.parametrize("name", ["anthropic", "bedrock", "vertexai"])
def test_the_newest_claude_models_are_not_forced_prefilled_or_kept_from_thinking(name: str, model: str) -> None:
    full = f"anthropic.{model}-v1" if name == "bedrock" else model
    for choice in ("required", "add"):
        body, prompt = render(name, full, tools=[add], tool_choice=choice)
        assert not any(word in json.dumps(body) for word in ('"any"', '{"type": "tool"', '"toolChoice"'))
        assert any("tool_choice" in warning for warning in prompt.warnings)
    started, prompt = render(name, full, ["Hi", AIMessage.assistant("It is")])
    assert started["messages"][-1]["role"] == "user"
    assert any("continue" in warning for warning in prompt.warnings)
    body, prompt = render(name, full, reasoning_effort="none")
    assert '"disabled"' not in json.dumps(body)
    assert any("reason" in warning for warning in prompt.warnings)
    body, _ = render(name, full, response_format="json")
    assert '"any"' not in json.dumps(body)
    assert "JSON" in json.dumps(body)


@pytest.mark.parametrize(
    ("name", "model"),
    [("vertexai", "claude-sonnet-4-5@20250929"), ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")],
)
def test_sound_in_the_history_is_no_reason_to_refuse(name: str, model: str) -> None:
    sound = Audio.from_bytes(b"RIFF", "audio/wav")
    said = [AIMessage.user(["Listen", sound]), AIMessage.assistant("Yes"), "And?"]
    body, prompt = render(name, model, said)
    assert "audio left out" in json.dumps(body["messages"])
    assert prompt.warnings
    with pytest.raises(UnsupportedFeatureError, match="audio"):
        render(name, model, said[:1])


def test_older_claude_models_are_asked_as_before() -> None:
    body, prompt = render("anthropic", "claude-opus-4-5", ["Hi", AIMessage.assistant("It is")], tools=[add])
    assert body["messages"][-1]["role"] == "assistant"
    forced, prompt = render("anthropic", "claude-opus-5", tools=[add], tool_choice="required", reasoning_effort="none")
    assert forced["tool_choice"] == {"type": "any"}
    assert forced["thinking"] == {"type": "disabled"}
    assert prompt.warnings == []


def test_documents_of_a_whole_conversation_have_different_names() -> None:
    pdf = b"%PDF-1.4"
    turn = [
        Document.from_bytes(pdf, "application/pdf", name=name)
        for name in ("report.pdf", "report.pdf", None, None, "보고서", "계획", "r" * 300, "r" * 300)
    ]
    body, _ = render(
        "bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        [
            turn_of
            for documents in (turn[:4], turn[4:], turn[:4], turn[4:])
            for turn_of in (AIMessage.user(["Look", *documents]), AIMessage.assistant("Yes"))
        ],
    )  # fmt: skip
    blocks = [block for message in body["messages"] for block in message["content"] if "document" in block]
    names = [block["document"]["name"] for block in blocks]
    assert len(set(names)) == len(names) == 16
    assert all(len(name) <= 200 for name in names)


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("amazon.nova-lite-v1:0", {"any": {}}),
        ("mistral.mistral-large-2407-v1:0", {"any": {}}),
        ("us.meta.llama4-scout-17b-instruct-v1:0", None),
    ],
)
def test_converse_models_are_forced_where_they_can_be(model: str, sent: Any) -> None:
    body, prompt = render("bedrock", model, tools=[add], tool_choice="required")
    assert body["toolConfig"].get("toolChoice") == sent
    assert bool(prompt.warnings) is (sent is None)


def test_no_cache_points_where_they_are_not_taken() -> None:
    assert "cachePoint" not in json.dumps(render("bedrock", "openai.gpt-oss-120b-1:0", tools=[add], cache=True)[0])
    nova, _ = render("bedrock", "amazon.nova-lite-v1:0", tools=[add], cache=True)
    assert "cachePoint" not in json.dumps(nova["toolConfig"])
    assert "cachePoint" in json.dumps(nova["messages"])


def test_an_own_server_is_not_judged_by_the_names_of_its_models() -> None:
    for address, path in (
        ("http://127.0.0.1:9/v1", "/v1/chat/completions"),
        ("https://eu.api.openai.com/v1", "/v1/responses"),
    ):
        driver = driver_class("openai")({"api_key": "sk-0123456789", "base_url": address})
        prompt, _ = build_prompt(driver, "Hi", {"model": "gpt-5"})
        assert driver.build_request(prompt).url.endswith(path)


@pytest.mark.parametrize(
    ("name", "model"), [("anthropic", "claude-opus-5"), ("bedrock", "anthropic.claude-opus-4-8-v1")]
)
def test_claude_has_limits_on_strict_tools_of_one_request(name: str, model: str) -> None:
    def make(optional: int, number: int) -> ToolSpec:
        properties = {f"p{place}": {"type": "string"} for place in range(optional)}
        return ToolSpec(name=f"t{number}", parameters={"type": "object", "properties": properties}, strict=True)

    for tools, strict in (
        ([make(0, number) for number in range(25)], 20),
        ([make(5, number) for number in range(10)], 4),
        ([make(25, 0)], 0),
    ):
        body, prompt = render(name, model, tools=tools)
        sent = json.dumps(body.get("tools") or body["toolConfig"])
        assert sent.count('"strict": true') == strict
        assert len(prompt.warnings) == len(tools) - strict


EVERY_DRIVER = sorted(SETTINGS)


def default_model(name: str) -> str:
    return {"bedrock": "amazon.nova-lite-v1:0", "anthropic": "claude-opus-5"}.get(name, "some-model")


@pytest.mark.parametrize("name", EVERY_DRIVER)
@pytest.mark.parametrize(
    "messages", ["", "  \n", [AIMessage.system("Be brief.")], [AIMessage.system("Be brief."), " "], [AIMessage([])]]
)
def test_nothing_to_answer_is_an_error_before_sending(name: str, messages: Any) -> None:
    with pytest.raises(ConfigurationError, match="nothing to answer"):
        render(name, default_model(name), messages)


@pytest.mark.parametrize("name", EVERY_DRIVER)
def test_a_choice_among_no_tools_is_told(name: str) -> None:
    body, prompt = render(name, default_model(name), tool_choice="required")
    assert "tool_choice" not in body
    assert any("tool_choice" in warning for warning in prompt.warnings)
    with pytest.raises(ConfigurationError, match="not a tool of this call"):
        render(name, default_model(name), tools=[add], tool_choice="subtract")
    with pytest.raises(ConfigurationError, match="two tools"):
        render(name, default_model(name), tools=[add, add])


@pytest.mark.parametrize(("name", "most"), [("openai", 4), ("groq", 4), ("cohere", 5), ("gemini", 5), ("deepseek", 16)])
def test_stop_sequences_are_counted(name: str, most: int) -> None:
    render(name, "some-model", stop=[str(number) for number in range(most)])
    with pytest.raises(UnsupportedFeatureError, match="stop sequences"):
        render(name, "some-model", stop=[str(number) for number in range(most + 1)])


@pytest.mark.parametrize(
    ("name", "options"),
    [("openai", {"api": "chat"}), ("openai", {"api": "responses"}), ("groq", {}), ("deepseek", {}), ("xai", {})],
)
def test_tools_are_counted(name: str, options: dict[str, Any]) -> None:
    tools = [ToolSpec(name=f"tool_{number}") for number in range(129)]
    render(name, "some-model", tools=tools[:128], **options)
    with pytest.raises(UnsupportedFeatureError, match="128 tools"):
        render(name, "some-model", tools=tools, **options)


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("name", ["openai", "azure", "groq"])
def test_an_unknown_service_tier_is_left_out(name: str, api: str) -> None:
    body, prompt = render(name, "some-model", service_tier="business", api=api)
    assert "service_tier" not in body
    assert any("service_tier" in warning for warning in prompt.warnings)
    assert render(name, "some-model", service_tier="flex", api=api)[0]["service_tier"] == "flex"


def test_groq_gives_one_choice() -> None:
    body, prompt = render("groq", "some-model", n=2)
    assert "n" not in body
    assert any(warning.startswith("Groq") or " n;" in warning for warning in prompt.warnings)


@pytest.mark.parametrize(
    ("name", "names"), [("openai", ["Ann_B", "Bot"]), ("xai", ["Ann_B", None]), ("groq", [None, None])]
)
def test_names_of_speakers(name: str, names: list[str | None]) -> None:
    said = [AIMessage("Hi", name="Ann B"), AIMessage("Hello", "assistant", name="Bot"), AIMessage("Bye")]
    body, prompt = render(name, "some-model", said, api="chat")
    assert [message.get("name") for message in body["messages"]] == [*names, None]
    assert bool(prompt.warnings) is (None in names)


def test_deepseek_is_not_forced_while_it_thinks() -> None:
    for model, options, sent in (
        ("deepseek-reasoner", {}, False),
        ("deepseek-chat", {}, True),
        ("deepseek-chat", {"reasoning_effort": "high"}, False),
        ("deepseek-v4-pro", {"reasoning_effort": "none"}, True),
    ):
        body, prompt = render("deepseek", model, tools=[add], tool_choice="required", **options)
        assert ("tool_choice" in body) is sent, (model, options)
        assert any("tool_choice" in warning for warning in prompt.warnings) is not sent


def test_names_of_past_calls_are_clean_for_gemini() -> None:
    call = ToolCall("call_1", "odd name/ä" + "x" * 200, {})
    said = ["Hi", AIMessage([call], "assistant"), AIMessage.tool("call_1", "2")]
    body, _ = render("gemini", "gemini-2.5-flash", said)
    names = {
        part[kind]["name"] for turn in body["contents"] for part in turn["parts"] for kind in part if "unction" in kind
    }
    assert len(names) == 1
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", names.pop())


def test_an_image_by_id_is_refused_by_name_where_it_is_not_taken() -> None:
    with pytest.raises(UnsupportedFeatureError, match="images by id"):
        render("openai", "gpt-4o", [AIMessage.user(["Look", Image.from_id("file-1")])], api="chat")


def test_answers_in_a_history_have_their_type_on_the_responses_api() -> None:
    said = ["Hi", AIMessage.assistant("Hello"), AIMessage([Text("And")], "assistant"), "Bye"]
    body, _ = render("openai", "gpt-5", said, api="responses")
    assert [item.get("type") for item in body["input"] if item["role"] == "assistant"] == ["message"] * 2


@pytest.mark.parametrize("form", FORMS)
def test_cohere_gets_a_schema_that_it_keeps_to_or_words(form: Any) -> None:
    body, _ = render("cohere", "command-a-03-2025", response_format=form)
    schema = body["response_format"].get("json_schema")
    assert body["response_format"]["type"] == "json_object"
    assert (schema is None) is ("JSON schema" in json.dumps(body["messages"]))
    beside, _ = render("cohere", "command-a-03-2025", response_format=form, tools=[add])
    assert "response_format" not in beside
    assert "JSON schema" in json.dumps(beside["messages"])


def test_newer_models_of_openai_call_tools_where_they_do_so() -> None:
    tools = [ToolSpec(name="now", description="The time")]
    body, prompt = render("openai", "gpt-6.1-sol", tools=tools, n=2)
    assert "input" in body
    assert "n" in " ".join(prompt.warnings)
    body, prompt = render("openai", "gpt-6-luna", tools=tools, reasoning_effort="none")
    assert body["reasoning"]["effort"] == "none"
    body, prompt = render("openai", "gpt-6-luna", tools=tools, api="chat", reasoning_effort="high")
    assert body["reasoning_effort"] == "none"
    assert 'leave out api="chat"' in prompt.warnings[-1]
    body, _ = render("openai", "gpt-6-luna", api="chat", reasoning_effort="max")
    assert body["reasoning_effort"] == "max"
    with pytest.raises(UnsupportedFeatureError, match='leave out api="chat"'):
        render("openai", "gpt-6-astra", tools=tools, api="chat")


@pytest.mark.parametrize("model", ["gemini-3.6-flash", "gemini-3.8-flash", "gemini-9-new"])
def test_the_newest_models_of_gemini_end_with_the_user(model: str) -> None:
    started = [AIMessage("A poem"), AIMessage.assistant("Roses are")]
    body, prompt = render("gemini", model, started, temperature=0, presence_penalty=1, reasoning_effort="minimal")
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    level = "MINIMAL" if model == "gemini-3.6-flash" else "LOW"
    assert body["generationConfig"] == {"thinkingConfig": {"thinkingLevel": level, "includeThoughts": True}}
    assert len(prompt.warnings) >= 3
    body, _ = render("gemini", "gemini-2.5-flash", started)
    assert body["contents"][-1]["role"] == "model"


@pytest.mark.parametrize(
    ("name", "model", "options", "sent"),
    [
        ("xai", "grok-4.5", {"reasoning_effort": "none"}, {"reasoning_effort": "low"}),
        ("xai", "grok-4.6", {"reasoning_effort": "max"}, {"reasoning_effort": "xhigh"}),
        ("mistral", "mistral-medium-3-5", {"reasoning_effort": "low"}, {"reasoning_effort": "high"}),
        ("mistral", "mistral-small-latest", {"reasoning_effort": "none"}, {"reasoning_effort": "none"}),
        ("groq", "some-new-model", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"}),
        ("cohere", "command-a-03-2025", {"reasoning_effort": "high"}, {}),
        ("cohere", "command-a-03-2025", {"reasoning_budget": 2000}, {}),
        ("cohere", "command-a-reasoning-08-2025", {"reasoning_budget": -1}, {"thinking": {"type": "enabled"}}),
        ("cohere", "a-new-model", {"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}}),
    ],
)
def test_efforts_are_those_of_the_model(name: str, model: str, options: dict[str, Any], sent: dict[str, Any]) -> None:
    body, _ = render(name, model, **options)
    assert {key: value for key, value in body.items() if key in ("reasoning_effort", "thinking")} == sent


def test_models_that_are_on_responses_alone_stay_there() -> None:
    body, prompt = render("openai", "gpt-5-pro", n=2)
    assert "input" in body
    assert "n" not in body
    assert prompt.warnings


@pytest.mark.parametrize(("name", "model"), [("openai", "gpt-5"), ("openai", "gpt-4o"), ("gemini", "gemini-2.5-flash")])
def test_models_that_do_not_speak_are_not_asked_to(name: str, model: str) -> None:
    options = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    body, prompt = render(name, model, **options)
    assert "alloy" not in json.dumps(body)
    assert "text alone" in prompt.warnings[0]
    spoken = {"openai": "gpt-audio", "gemini": "gemini-2.5-flash-preview-tts"}[name]
    body, _ = render(name, spoken, **options)
    assert "alloy" in json.dumps(body)


def test_older_models_of_gemini_take_one_kind_of_tools() -> None:
    both = [ToolSpec(name="now", description="The time"), {"googleSearch": {}}]
    with pytest.raises(UnsupportedFeatureError, match="Google's own tools"):
        render("gemini", "gemini-2.5-flash", tools=both)
    body, _ = render("gemini", "gemini-3.8-flash", tools=both)
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}


def test_models_without_tools_are_told_of_calls_in_words() -> None:
    asked = [AIMessage("Well?"), AIMessage.assistant("", [ToolCall("c", "now", {})]), AIMessage.tool("c", "12:00")]
    body, _ = render("bedrock", "amazon.titan-text-express-v1", [*asked, AIMessage("So?")])
    assert "toolConfig" not in body
    said = [block["text"] for message in body["messages"] for block in message["content"]]
    assert said == ["Well?", "[called the tool now with {}]\n", "[the tool now answered: 12:00]\n", "So?"]
