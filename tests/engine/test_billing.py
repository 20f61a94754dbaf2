"""What an answer costs beyond model and tokens: whole and streamed, for both colours, by the bytes of providers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.faults.server import READ, Server, reply

from polydriver import (
    AIMessage,
    AIResponse,
    ConfigurationError,
    Cost,
    Driver,
    EmbeddingResponse,
    OpenAIDriver,
    TokenUsage,
    openai_compatible,
)
from polydriver.data.billing import BillingFacts
from polydriver.data.http import Reply
from polydriver.data.prompt import Prompt
from polydriver.drivers import driver_class
from polydriver.drivers.compatible import CompatibleDriver
from polydriver.testing.wires.converse import _stream as frames

JSON, EVENTS = {"content-type": "application/json"}, {"content-type": "text/event-stream"}


def sse(*events: dict[str, Any], named: bool = False, done: bool = False) -> bytes:
    lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


# One thousand tokens in, one thousand out, on each wire; `beside` goes beside the usage, `inside` into it.


def chat(model: str, *, beside: dict[str, Any], inside: dict[str, Any]) -> tuple[bytes, bytes, dict[str, str]]:
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000, **inside}
    base = {"id": "c", "model": model, **beside}
    message = {"role": "assistant", "content": "Hi"}
    whole = {**base, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    first = {**base, "choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    last = {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    return json.dumps(whole).encode(), sse(first, last, done=True), EVENTS


def responses(
    model: str, *, beside: dict[str, Any], inside: dict[str, Any], items: tuple[dict[str, Any], ...] = ()
) -> tuple[bytes, bytes, dict[str, str]]:
    usage = {"input_tokens": 1000, "output_tokens": 1000, "total_tokens": 2000, **inside}
    text = {"type": "output_text", "text": "Hi", "annotations": []}
    output = [*items, {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}]
    base = {"id": "r", "object": "response", "model": model}
    whole = {**base, **beside, "status": "completed", "output": output, "usage": usage}
    begun = {**base, **beside, "status": "in_progress", "output": []}
    begun |= {"service_tier": "auto"} if "service_tier" in beside else {}
    events = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(output):
        events.append({"type": "response.output_item.added", "output_index": index, "item": {**item, "content": []}})
        if item["type"] == "message":
            events.append({"type": "response.output_text.delta", "output_index": index, "delta": "Hi", "item_id": "m"})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": whole})
    return json.dumps(whole).encode(), sse(*events, named=True), EVENTS


def messages(model: str, *, beside: dict[str, Any], inside: dict[str, Any]) -> tuple[bytes, bytes, dict[str, str]]:
    usage = {"input_tokens": 1000, "output_tokens": 1000, **inside}
    base = {"id": "m", "type": "message", "role": "assistant", "model": model, **beside}
    whole = {**base, "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": usage}
    start = {**base, "content": [], "usage": {**usage, "output_tokens": 1, "server_tool_use": None}}
    stream = sse(
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
        named=True,
    )
    return json.dumps(whole).encode(), stream, EVENTS


def content(
    model: str, *, beside: dict[str, Any], inside: dict[str, Any], grounding: dict[str, Any] | None = None
) -> tuple[bytes, bytes, dict[str, str]]:
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 1000, "totalTokenCount": 2000, **inside}
    text = {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "index": 0}
    end = {"content": {"parts": []}, "finishReason": "STOP", **({"groundingMetadata": grounding} if grounding else {})}
    base = {"modelVersion": model, "responseId": "g", **beside}
    whole = {**base, "candidates": [{**end, **text}], "usageMetadata": usage}
    stream = sse({**base, "candidates": [text]}, {**base, "candidates": [end], "usageMetadata": usage})
    return json.dumps(whole).encode(), stream, EVENTS


def converse(model: str, *, beside: dict[str, Any], inside: dict[str, Any]) -> tuple[bytes, bytes, dict[str, str]]:
    usage = {"inputTokens": 1000, "outputTokens": 1000, "totalTokens": 2000, **inside}
    message = {"role": "assistant", "content": [{"text": "Hi"}]}
    whole = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, **beside}
    stream = frames(
        ("messageStart", '{"role": "assistant"}'),
        ("contentBlockDelta", '{"contentBlockIndex": 0, "delta": {"text": "Hi"}}'),
        ("contentBlockStop", '{"contentBlockIndex": 0}'),
        ("messageStop", '{"stopReason": "end_turn"}'),
        ("metadata", json.dumps({"usage": usage, **beside})),
    )
    return json.dumps(whole).encode(), stream, {"content-type": "application/vnd.amazon.eventstream"}


class Case(msgspec.Struct, kw_only=True):
    """What a provider answers, and what that costs: `None` for unknown, with a word of the warning that says why."""

    driver: str
    model: str
    write: Callable[..., tuple[bytes, bytes, dict[str, str]]]
    beside: dict[str, Any] = {}
    inside: dict[str, Any] = {}
    more: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    call: dict[str, Any] = {}
    headers: dict[str, str] = {}
    facts: BillingFacts | None = None
    cost: str | None
    warning: str | None = None


SETTINGS: dict[str, dict[str, Any]] = {
    "openai": {"api_key": "sk-0123456789abcdef"},
    "anthropic": {"api_key": "sk-ant-0123456789abcdef"},
    "gemini": {"api_key": "0123456789abcdef"},
    "vertexai": {"access_token": "0123456789abcdef", "project": "acme"},
    "azure": {"api_key": "0123456789abcdef"},
    "bedrock": {"api_key": "bedrock-key-0123456789", "region": "us-east-1"},
}
CHAT, ANSWERS = {"api": "chat"}, {"api": "responses"}
SEARCH = {"type": "web_search_call", "id": "w", "status": "completed"}
GROUNDING = {"webSearchQueries": ["one", "two"], "groundingChunks": [{"web": {"uri": "https://example.org"}}]}

CASES: dict[str, Case] = {
    # (a) The tier that served, asked for or not.
    "chat, default": Case(
        driver="openai", model="gpt-4o", write=chat, call=CHAT, beside={"service_tier": "default"}, cost="0.0125"
    ),
    "chat, the account's priority": Case(
        driver="openai", model="gpt-4o", write=chat, call=CHAT, beside={"service_tier": "priority"}, cost="0.02125"
    ),
    "chat, asked for and served": Case(
        driver="openai", model="gpt-5", write=chat, call={**CHAT, "service_tier": "flex"},
        beside={"service_tier": "flex"}, cost="0.005625",
    ),
    "chat, asked for and not served": Case(
        driver="openai", model="gpt-5", write=chat, call={**CHAT, "service_tier": "flex"},
        beside={"service_tier": "default"}, cost="0.01125",
    ),
    "chat, asked for and not told": Case(
        driver="openai", model="gpt-5", write=chat, call={**CHAT, "service_tier": "flex"}, cost=None, warning="'flex'"
    ),
    "chat, unknown tier": Case(
        driver="openai", model="gpt-4o", write=chat, call=CHAT, beside={"service_tier": "scale"}, cost=None,
        warning="'scale'",
    ),
    "responses, flex": Case(
        driver="openai", model="gpt-5", write=responses, call=ANSWERS, beside={"service_tier": "flex"}, cost="0.005625"
    ),
    "responses, default": Case(
        driver="openai", model="gpt-5", write=responses, call=ANSWERS, beside={"service_tier": "default"},
        cost="0.01125",
    ),
    "messages, standard": Case(
        driver="anthropic", model="claude-sonnet-4-5", write=messages,
        inside={"service_tier": "standard", "inference_geo": "not_available"}, cost="0.018",
    ),
    "messages, priority": Case(
        driver="anthropic", model="claude-sonnet-4-5", write=messages, inside={"service_tier": "priority"}, cost=None,
        warning="'priority'",
    ),
    "gemini, flex": Case(
        driver="gemini", model="gemini-2.5-flash", write=content, inside={"serviceTier": "flex"}, cost="0.0014"
    ),
    "gemini, standard": Case(
        driver="gemini", model="gemini-2.5-flash", write=content, inside={"serviceTier": "standard"}, cost="0.0028"
    ),
    "vertex, on demand": Case(
        driver="vertexai", model="gemini-2.5-flash", write=content, inside={"trafficType": "ON_DEMAND"}, cost="0.0028"
    ),
    "vertex, flex": Case(
        driver="vertexai", model="gemini-2.5-flash", write=content, inside={"trafficType": "ON_DEMAND_FLEX"},
        cost="0.0014",
    ),
    "vertex, bought ahead": Case(
        driver="vertexai", model="gemini-2.5-flash", write=content, inside={"trafficType": "PROVISIONED_THROUGHPUT"},
        cost=None, warning="'provisioned'",
    ),
    "converse, default": Case(
        driver="bedrock", model="anthropic.claude-sonnet-4-5-20250929-v1:0", write=converse,
        beside={"serviceTier": {"type": "default"}}, cost="0.0198",
    ),
    "converse, flex": Case(
        driver="bedrock", model="us.amazon.nova-2-lite-v1:0", write=converse, beside={"serviceTier": {"type": "flex"}},
        cost="0.0018535",
    ),
    "converse, priority": Case(
        driver="bedrock", model="anthropic.claude-sonnet-4-5-20250929-v1:0", write=converse,
        beside={"serviceTier": {"type": "priority"}}, cost=None, warning="'priority'",
    ),
    # (b) Units of the providers' own tools.
    "responses, searches": Case(
        driver="openai", model="gpt-5", write=responses, call=ANSWERS,
        more={
            "items": (
                {**SEARCH, "action": {"type": "search"}},
                {**SEARCH, "id": "o", "action": {"type": "open_page"}},
            )
        },
        facts=BillingFacts(units={"web_searches": 1}), cost="0.02125",
    ),
    "responses, files and code": Case(
        driver="openai", model="gpt-5", write=responses, call=ANSWERS,
        more={
            "items": (
                {"type": "file_search_call", "id": "f", "status": "completed", "queries": ["q"]},
                {"type": "code_interpreter_call", "id": "a", "container_id": "one", "code": "1"},
                {"type": "code_interpreter_call", "id": "b", "container_id": "one", "code": "2"},
            )
        },
        facts=BillingFacts(units={"file_searches": 1, "containers": 1}), cost="0.04375",
    ),
    "responses, pictures": Case(
        driver="openai", model="gpt-5", write=responses, call=ANSWERS,
        more={"items": ({"type": "image_generation_call", "id": "i", "status": "completed"},)},
        cost=None, warning="images",
    ),
    "chat, a model that searches": Case(
        driver="openai", model="gpt-4o-search-preview", write=chat, call=CHAT,
        facts=BillingFacts(units={"web_searches": 1}), cost="0.0375",
    ),
    "messages, searches": Case(
        driver="anthropic", model="claude-sonnet-4-5", write=messages,
        inside={"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}},
        facts=BillingFacts(units={"web_searches": 2}), cost="0.038",
    ),
    "messages, code": Case(
        driver="anthropic", model="claude-sonnet-4-5", write=messages,
        inside={"server_tool_use": {"code_execution_requests": 2}},
        facts=BillingFacts(units={"code_executions": 2}), cost="0.018",
    ),
    "gemini 2.5, one grounded prompt": Case(
        driver="gemini", model="gemini-2.5-flash", write=content, more={"grounding": GROUNDING},
        facts=BillingFacts(units={"web_searches": 1}), cost="0.0378",
    ),
    "gemini 3, each query": Case(
        driver="gemini", model="gemini-3-flash-preview", write=content, more={"grounding": GROUNDING},
        facts=BillingFacts(units={"web_searches": 2}), cost="0.0315",
    ),
    "gemini, maps": Case(
        driver="gemini", model="gemini-2.5-flash", write=content,
        more={"grounding": {"groundingChunks": [{"maps": {"uri": "https://maps.example"}}]}}, cost=None, warning="maps",
    ),
    # (c) Premiums beyond the model.
    "anthropic in the US": Case(
        driver="anthropic", model="claude-opus-4-6", write=messages, inside={"inference_geo": "us"}, cost="0.033"
    ),
    "anthropic anywhere": Case(
        driver="anthropic", model="claude-opus-4-6", write=messages, inside={"inference_geo": "global"}, cost="0.03"
    ),
    "anthropic, an older model in the US": Case(
        driver="anthropic", model="claude-sonnet-4-5", write=messages, inside={"inference_geo": "us"}, cost="0.018"
    ),
    "anthropic, in the US with a search": Case(
        driver="anthropic", model="claude-opus-4-6", write=messages,
        inside={"inference_geo": "us", "server_tool_use": {"web_search_requests": 1}}, cost="0.043",
    ),
    "anthropic, fast": Case(
        driver="anthropic", model="claude-opus-5", write=messages, inside={"speed": "fast"}, cost="0.06"
    ),
    "anthropic, fast where that has no price": Case(
        driver="anthropic", model="claude-sonnet-4-5", write=messages, inside={"speed": "fast"}, cost=None,
        warning="'fast'",
    ),
    "anthropic, fast in the US": Case(
        driver="anthropic", model="claude-opus-5", write=messages, inside={"speed": "fast", "inference_geo": "us"},
        cost="0.066",
    ),
    "vertex in a region": Case(
        driver="vertexai", model="gemini-3.5-flash", write=content, settings={"location": "europe-west4"},
        facts=BillingFacts(region="europe-west4"), cost="0.01155",
    ),
    "vertex in a multi-region": Case(
        driver="vertexai", model="claude-opus-4-6", write=messages, settings={"location": "eu"}, cost="0.033"
    ),
    "vertex anywhere": Case(driver="vertexai", model="claude-opus-4-6", write=messages, cost="0.03"),
    "azure, data zone": Case(
        driver="azure", model="gpt-4.1", write=chat, call=CHAT, settings={"deployment_type": "data_zone"}, cost="0.011"
    ),
    "azure, global": Case(driver="azure", model="gpt-4.1", write=chat, call=CHAT, cost="0.01"),
    # (d) A provider's own figure.
    "ticks": Case(
        driver="openai", model="gpt-4o", write=chat, call=CHAT, inside={"cost_in_usd_ticks": 37756000}, cost="0.0037756"
    ),
    "ticks of responses": Case(
        driver="openai", model="gpt-5", write=responses, call=ANSWERS, inside={"cost_in_usd_ticks": 37756000},
        cost="0.0037756",
    ),
    "estimated by the host": Case(
        driver="openai", model="gpt-4o", write=chat, call=CHAT, inside={"estimated_cost": 0.5}, cost="0.5"
    ),
    "a proxy's header": Case(
        driver="openai", model="gpt-4o", write=chat, call=CHAT, headers={"x-litellm-response-cost": "0.25"}, cost="0.25"
    ),
    "a proxy that does not know": Case(
        driver="openai", model="gpt-4o", write=chat, call=CHAT, headers={"x-litellm-response-cost": "0.0"},
        cost="0.0125",
    ),
}  # fmt: skip


def make(case: Case, url: str) -> Driver:
    settings = {**SETTINGS[case.driver], "base_url": f"{url}/v1" if case.driver == "openai" else url, **case.settings}
    return driver_class(case.driver)(settings, retry_attempts=1)


def ask(driver: Driver, case: Case, colour: str, stream: bool) -> AIResponse:
    options = {"model": case.model, **case.call}
    if colour == "blocking":
        try:
            if not stream:
                return driver.send_message("Hi", **options)
            with driver.send_streaming_message("Hi", **options) as answer:
                list(answer)
                return answer.response
        finally:
            driver.close()

    async def run() -> AIResponse:
        async with driver.asynchronous() as provider:
            if not stream:
                return await provider.send_message("Hi", **options)
            async with provider.send_streaming_message("Hi", **options) as answer:
                async for _ in answer:
                    pass
                return answer.response

    return asyncio.run(run())


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_costs(name: str, stream: bool, colour: str) -> None:
    case = CASES[name]
    whole, streamed, kind = case.write(case.model, beside=case.beside, inside=case.inside, **case.more)
    answered = (
        reply(streamed, headers={**kind, **case.headers}) if stream else reply(whole, headers={**JSON, **case.headers})
    )
    with Server([READ, answered]) as server:
        response = ask(make(case, server.url), case, colour, stream)
    assert response.content == "Hi"
    assert (response.cost and response.cost.total) == (case.cost and Decimal(case.cost))
    if response.cost is not None:
        assert sum(response.cost.items.values()) == response.cost.total
        assert not response.cost.estimated
    assert [case.warning in text for text in response.warnings] == [True] * (case.warning is not None)
    if case.facts is not None:
        assert response.billing is not None
        assert (response.billing.units, response.billing.region) == (
            case.facts.units,
            case.facts.region or response.billing.region,
        )


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_a_proxys_header_prices_operations_too(colour: str) -> None:
    body = {"data": [{"index": 0, "embedding": [1.0]}], "model": "m", "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    answered = reply(json.dumps(body).encode(), headers={**JSON, "x-litellm-response-cost": "0.125"})
    with Server([READ, answered]) as server:
        driver = OpenAIDriver({"api_key": "sk-0123456789abcdef"}, base_url=f"{server.url}/v1")
        if colour == "blocking":
            result = driver.embed("Hi", model="m")
            driver.close()
        else:

            async def run() -> EmbeddingResponse:
                async with driver.asynchronous() as provider:
                    return await provider.embed("Hi", model="m")

            result = asyncio.run(run())
    assert result.cost == Cost(Decimal("0.125"), items={"total": Decimal("0.125")}, source="reported by openai")


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("https://api.openai.com/v1", None),
        ("https://us.api.openai.com/v1", "us"),
        ("https://eu.api.openai.com/v1", "eu"),
        ("https://us-api.together.xyz/v1", "us"),
        ("http://localhost:8000/v1", None),
    ],
)
def test_the_place_that_an_address_names(address: str, region: str | None) -> None:
    driver = OpenAIDriver({"api_key": "sk-0123456789abcdef"}, base_url=address)
    assert driver.billing_region == region
    response = driver.parse_response(
        Reply(status=200, headers={}, body=chat("gpt-5.4", beside={}, inside={})[0]),
        Prompt(messages=[AIMessage("Hi")], model="gpt-5.4"),
    )
    assert (response.billing and response.billing.region) == region


def test_a_tool_without_a_price_makes_the_cost_unknown_and_says_what_to_give() -> None:
    whole, _, _ = messages("claude-x", beside={}, inside={"server_tool_use": {"web_search_requests": 1}})
    prices = {"claude-x": {"input": 1, "output": 1}}
    with Server([READ, reply(whole, headers=JSON)]) as server:
        case = Case(driver="anthropic", model="claude-x", write=messages, settings={"prices": prices}, cost=None)
        response = ask(make(case, server.url), case, "blocking", False)
    assert response.cost is None
    assert response.warnings == [
        "The cost is unknown: claude-x has no price for web_searches; give per_web_search in `prices`."
    ]


def test_own_prices_have_premiums_and_tools() -> None:
    whole, _, _ = messages(
        "claude-x", beside={}, inside={"server_tool_use": {"web_search_requests": 2}, "inference_geo": "us"}
    )
    prices = {"claude-x": {"input": 1, "output": 1, "per_web_search": "0.5", "premiums": {"us": "1.5"}}}
    with Server([READ, reply(whole, headers=JSON)]) as server:
        case = Case(driver="anthropic", model="claude-x", write=messages, settings={"prices": prices}, cost=None)
        response = ask(make(case, server.url), case, "blocking", False)
    assert response.cost is not None
    assert response.cost.total == Decimal("1.003")


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ({"m": {"inptu": 1}}, "did you mean 'input'"),
        ({"m": {"input": -1}}, "the price input is -1"),
        ({"m": {"input": 1, "tiers": [{"above": "much"}]}}, "above is 'much'"),
        ({"m": {"input": 1, "premiums": 2}}, "premiums must be a table"),
        ({"m": 3}, "is not a table"),
        ({"m": {}}, "no price is given"),
    ],
)
def test_wrong_prices_are_found_with_the_configuration(prices: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match="prices: are wrong for 'm'") as caught:
        OpenAIDriver({"api_key": "sk-0123456789abcdef", "prices": prices})
    assert told in str(caught.value)


def test_a_custom_driver_is_priced_by_its_own_method() -> None:
    class Mine(CompatibleDriver):
        name = "mine"
        base_url = "http://localhost/v1"
        requires_key = False

        def calculate_cost(self, usage: Any, model: str) -> Cost | None:
            return Cost(Decimal(7), items={"all": Decimal(7)})

    whole, _, _ = chat("m", beside={"service_tier": "default"}, inside={})
    with Server([READ, reply(whole, headers=JSON)]) as server:
        driver = Mine(base_url=f"{server.url}/v1")
        response = driver.send_message("Hi", model="m")
        driver.close()
    assert response.cost is not None
    assert response.cost.total == 7


@pytest.mark.parametrize(("tier", "total"), [("flex", "0.005625"), ("default", "0.01125"), (None, "0.01125")])
@pytest.mark.parametrize("region", [None, "eu"])
def test_a_driver_that_is_its_own_wire_is_billed_like_one_that_has_a_wire(
    tier: str | None, total: str, region: str | None
) -> None:
    class Own(CompatibleDriver):
        name = "own"
        base_url = "http://localhost/v1"
        requires_key = False
        catalog_name = "openai"
        billing_region = region

        def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
            usage = TokenUsage(input_tokens=1000, output_tokens=1000)
            return AIResponse.from_text("Hi", usage=usage, raw=self.decode(reply))

    whole, _, _ = chat("gpt-5", beside={"service_tier": tier} if tier else {}, inside={})
    with Server([READ, reply(whole, headers=JSON)]) as server:
        driver = Own(base_url=f"{server.url}/v1")
        response = driver.send_message("Hi", model="gpt-5")
        driver.close()
    assert (response.billing and response.billing.region) == region
    assert response.cost is not None
    assert response.cost.total == Decimal(total)


def test_a_region_without_a_premium_leaves_the_driver_its_own_cost() -> None:
    class Mine(CompatibleDriver):
        name = "mine"
        base_url = "http://localhost/v1"
        requires_key = False
        catalog_name = "openai"
        billing_region = "eu"

        def calculate_cost(self, usage: Any, model: str) -> Cost | None:
            return Cost(Decimal(7), items={"all": Decimal(7)})

    whole, _, _ = chat("gpt-4o", beside={}, inside={})
    with Server([READ, reply(whole, headers=JSON)]) as server:
        driver = Mine(base_url=f"{server.url}/v1")
        response = driver.send_message("Hi", model="gpt-4o")
        driver.close()
    assert response.cost is not None
    assert response.cost.total == 7


def test_a_compatible_service_that_reports_its_cost() -> None:
    whole, _, _ = chat("m", beside={}, inside={"cost": 0.125})
    with Server([READ, reply(whole, headers=JSON)]) as server:
        driver = openai_compatible("gateway", f"{server.url}/v1", requires_key=False)()
        response = driver.send_message("Hi", model="m")
        driver.close()
    assert response.cost is not None
    assert response.cost.total == Decimal("0.125")
