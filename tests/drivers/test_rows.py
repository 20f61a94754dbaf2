"""The rows of compatible services, and small real replies of every service that we have one of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.hooks import hook
from tests.wires.replay import at_random, compare, replay

from polydriver.data.http import Reply, Request
from polydriver.data.json import decode_json
from polydriver.data.messages import AIMessage, Reasoning, ToolCall, ToolResult
from polydriver.data.prompt import Prompt, ToolSpec
from polydriver.driver import Driver
from polydriver.drivers import driver_class, driver_names
from polydriver.drivers.compatible import CompatibleDriver, compatible_driver, openai_compatible
from polydriver.drivers.rows import ROWS, Row
from polydriver.errors import (
    AIError,
    ContentFilterError,
    ModelNotFoundError,
    QuotaExceededError,
    RateLimitError,
    UnsupportedFeatureError,
)
from polydriver.operations.requests import EmbeddingRequest
from polydriver.testing.examples import example_config
from polydriver.wires.operations import Embeddings

KEY = "0123456789abcdef"
REAL = [json.loads(line) for line in (Path(__file__).parent / "real_replies.jsonl").read_text("utf-8").splitlines()]


def make(name: str, **settings: Any) -> Driver:
    found = driver_class(name)
    return found({**example_config(found), **settings})


def body_of(driver: Driver, *messages: AIMessage, **options: Any) -> tuple[dict[str, Any], Prompt]:
    prompt = Prompt(messages=list(messages) or [AIMessage("Hi")], model="m", **options)
    return decode_json(driver.build_request(prompt).body or b""), prompt


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_makes_a_driver(name: str) -> None:
    kind = driver_class(name)
    assert kind is compatible_driver(name)
    assert issubclass(kind, CompatibleDriver)
    driver = make(name, api_key=KEY)
    request = driver.build_request(Prompt(messages=[AIMessage("Hi")], model="m", stream=True))
    assert request.url.startswith(("https://", "http://localhost:"))
    assert request.url.endswith("/chat/completions")
    assert "{" not in request.url
    assert request.headers["authorization"] == f"Bearer {KEY}"
    if request.url.startswith("http://localhost"):
        assert not kind.requires_key
    assert isinstance(driver.map_error(Reply(status=429, headers={}, body=b"")), RateLimitError)
    assert driver.error_prefix.isidentifier()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_is_short(name: str) -> None:
    assert isinstance(ROWS[name], Row)
    assert name.replace("_", "").isalnum()
    assert name == name.lower()


def test_error_branches_differ() -> None:
    branches = [driver_class(name).errors.branch for name in ROWS]  # type: ignore[attr-defined]
    assert len(set(branches)) == len(branches)


def test_there_are_enough() -> None:
    assert len(driver_names()) >= 60


@pytest.mark.parametrize(
    "record", REAL, ids=lambda record: f"{record['driver']}-{record['api']}-{''.join(record['kind'])}"
)
def test_real_replies(record: dict[str, Any]) -> None:
    try:
        driver = make(record["driver"])
    except ModuleNotFoundError as error:
        pytest.skip(f"{record['driver']} needs the package {error.name}")
    if record["api"] == "openai-embeddings":
        wanted = record["expected"]["embeddings"]
        reply = Reply(status=200, headers={}, body=record["response"]["body"].encode())
        answer = hook(driver, "parse_embeddings")(reply, EmbeddingRequest(model="m", input=["x"] * wanted["n"]))  # type: ignore[attr-defined]
        assert [len(vector) for vector in answer.embeddings] == [wanted["dims"]] * wanted["n"]
        return
    explained = {"reasoning"} if record["driver"] == "snowflake" else set()  # in reasoning_details only
    for split in (at_random(1), at_random(2)):
        assert set(compare(replay(driver, record, split), record["expected"])) <= explained


@pytest.mark.parametrize("name", ["xai", "deepseek", "groq", "bedrock_mantle", "lmstudio", "vllm", "huggingface"])
def test_some_speak_the_responses_api_too(name: str) -> None:
    driver = make(name)
    assert [type(wire).title for wire in driver.wire.members()] == ["Chat Completions", "Responses"]
    whole = driver.build_request(Prompt(messages=[AIMessage("Hi")], model="m", options={"api": "responses"}))
    assert whole.url.endswith("/responses")
    assert (
        make(name, api="responses")
        .build_request(Prompt(messages=[AIMessage("Hi")], model="m"))
        .url.endswith("/responses")
    )


def test_addresses_with_settings() -> None:
    assert make("bedrock_mantle", region="eu-west-1").config.base_url == "https://bedrock-mantle.eu-west-1.api.aws"
    assert "/accounts/acc-1/ai/v1" in make("cloudflare", account_id="acc-1").config.base_url
    assert make("databricks", host="dbc-1.cloud.databricks.com").config.base_url.startswith("https://dbc-1.cloud")


def test_variables_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    driver = driver_class("alibaba")()
    assert driver.config.api_key is not None
    assert driver.config.api_key.reveal() == KEY


@pytest.mark.parametrize(
    ("name", "options", "fields"),
    [
        ("zai", {"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}}),
        ("zai", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("moonshot", {"reasoning_budget": 0}, {"thinking": {"type": "disabled"}}),
        ("deepseek", {"reasoning_effort": "max"}, {"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
        ("deepseek", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("alibaba", {"reasoning_budget": 500}, {"enable_thinking": True, "thinking_budget": 500}),
        ("alibaba", {"reasoning_effort": "none"}, {"enable_thinking": False}),
        ("snowflake", {"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ("groq", {"reasoning_effort": "none"}, {"reasoning_effort": "none"}),
        ("cerebras", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("groq", {"options": {"reasoning_format": "parsed"}}, {"reasoning_format": "parsed"}),
    ],
)
def test_options(name: str, options: dict[str, Any], fields: dict[str, Any]) -> None:
    body, _ = body_of(make(name), **options)
    assert {field: body.get(field) for field in fields} == fields
    known = ("thinking", "reasoning_effort", "enable_thinking", "thinking_budget", "reasoning")
    assert {field for field in body if field in known} <= set(fields)


def test_what_a_service_does_not_take_is_left_out_with_a_warning() -> None:
    body, prompt = body_of(make("groq"), logprobs=True, reasoning_budget=5)
    assert "logprobs" not in body
    assert len(prompt.warnings) == 2


def test_the_developer_is_the_system_elsewhere() -> None:
    body, _ = body_of(make("groq"), AIMessage("Be brief", "developer"), AIMessage("Hi"))
    assert body["messages"][0]["role"] == "system"
    body, _ = body_of(make("openai", api="chat"), AIMessage("Be brief", "developer"), AIMessage("Hi"))
    assert body["messages"][0]["role"] == "developer"


def thought(text: str, origin: str = "deepseek") -> Reasoning:
    return Reasoning(text, provider_data={origin: {}})


def test_deepseek_wants_its_reasoning_back_where_tools_were_called() -> None:
    made = ToolCall("c-1", "f", {})
    body, _ = body_of(
        make("deepseek"),
        AIMessage("One"),
        AIMessage.assistant([thought("plain"), "1"]),  # type: ignore[list-item]
        AIMessage("Two"),
        AIMessage([thought("calling"), made], "assistant"),
        AIMessage([ToolResult("c-1", "x")], "tool"),
        AIMessage([thought("after")], "assistant"),
        AIMessage([thought("answer"), *AIMessage("2").parts], "assistant"),
        AIMessage("Three"),
    )
    replayed = [message.get("reasoning_content") for message in body["messages"] if message["role"] == "assistant"]
    assert replayed[0] is None
    assert "calling" in replayed
    assert replayed[-1] == "answer"


def test_streamed_reasoning_goes_back_too() -> None:
    driver = make("deepseek")
    decoder = driver.decoder(Prompt(messages=[], model="m", stream=True))
    decoder.feed(
        b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n'
    )
    answer = decoder.build().to_message()
    body, _ = body_of(driver, AIMessage("Hi"), answer, AIMessage([ToolResult("a", "x")], "tool"))
    assert body["messages"][1]["reasoning_content"] == "Hm"


def test_an_unfinished_answer_is_marked() -> None:
    body, _ = body_of(make("deepseek"), AIMessage("Hi"), AIMessage.assistant("The capital is"))
    assert body["messages"][-1] == {"role": "assistant", "content": "The capital is", "prefix": True}


def test_model_lists() -> None:
    assert make("groq").probe_request() is None
    assert isinstance(make("huggingface").probe_request(), Request)
    with pytest.raises(UnsupportedFeatureError):
        make("cloudflare").models_request()
    assert make("github").models_request().url == "https://models.github.ai/catalog/models"


def test_any_other_host() -> None:
    acme = openai_compatible(
        "acme",
        "https://{region}.acme.example/v1",
        operations=(Embeddings,),
        responses=True,
        option_names=frozenset({"x"}),
    )
    assert {"x", "api", "previous_response_id"} <= acme(
        {"api_key": KEY, "base_url": "https://eu.acme.example/v1"}
    ).option_names
    with pytest.raises(ValueError, match="no attribute wrong"):
        openai_compatible("acme", "https://acme.example", wrong=1)
    with pytest.raises(AIError):
        acme({"api_key": KEY})


@pytest.mark.parametrize(
    ("name", "status", "error", "kind"),
    [
        ("zai", 429, {"code": "1113", "message": "Insufficient balance"}, QuotaExceededError),
        ("zai", 400, {"code": "1301", "message": "sensitive"}, ContentFilterError),
        ("moonshot", 429, {"type": "exceeded_current_quota_error", "message": "suspended"}, QuotaExceededError),
        ("alibaba", 400, {"code": "Arrearage", "message": "Access denied"}, QuotaExceededError),
        ("deepseek", 402, {"message": "Insufficient Balance"}, QuotaExceededError),
        ("groq", 404, {"code": "model_not_found", "message": "no such model"}, ModelNotFoundError),
    ],
)
def test_codes_of_errors(name: str, status: int, error: dict[str, Any], kind: type[AIError]) -> None:
    driver = make(name)
    failure = driver.map_error(Reply(status=status, headers={}, body=json.dumps({"error": error}).encode()))
    assert isinstance(failure, kind)
    assert type(failure).__name__.startswith(driver.error_prefix)


def test_tools_and_choices() -> None:
    tool = ToolSpec(name="f")
    body, _ = body_of(make("mistral"), tools=[tool], tool_choice="required")
    assert body["tool_choice"] == "any"
    body, _ = body_of(make("groq"), tools=[tool], tool_choice="f")
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
