"""The provider's own cost stands beside ours in the ledger; operations of several exchanges have the cost of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from polydriver import AIError, Cost
from polydriver.config.budgets import BudgetConfig
from polydriver.config.storage import StorageConfig
from polydriver.data.http import Simulated
from polydriver.drivers import driver_class
from polydriver.engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from polydriver.storage import Storage
from polydriver.storage.repricing import PriceTable, reprice
from polydriver.storage.tables import attempts

JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}
TOLD, OURS = Decimal("0.00125"), Decimal("0.0015")
Answer = Callable[[Any], Simulated]


def connect(url: str, name: str, answer: Answer, **settings: Any) -> tuple[Storage, Any]:
    def transport(kind: str, config: Any) -> Any:
        return (SimulatedTransport if kind == "blocking" else AsyncSimulatedTransport)(answer)

    budgets = settings.pop("budgets", [BudgetConfig(name="all", limit=Decimal(100), unknown_price="allow")])
    storage = Storage(StorageConfig(url=url, ledger=settings.pop("mode", "durable")), budgets)
    key = "sk-or-v1-4f8a2c9d7e6b5a3c" if name == "openrouter" else "sk-4f8a2c9d7e6b5a3c4f8a2c9d"
    given = {"api_key": key, "retry_attempts": 1, **settings}
    driver = driver_class(name)(given, env={}, transport=transport)
    storage.attach(driver.connection)
    return storage, driver


def rows(storage: Storage) -> list[Any]:
    storage.flush()
    with storage.database.read() as connection:
        return list(connection.execute(select(attempts).order_by(attempts.c.id)).mappings())


def chat(cost: Any) -> Answer:
    usage: dict[str, Any] = {"prompt_tokens": 500, "completion_tokens": 10, "total_tokens": 510}
    if cost is not None:
        usage["cost"] = cost
    head = {"id": "g", "model": "m"}
    whole = {
        **head,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    }
    delta = {**head, "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}

    def answer(request: Any) -> Simulated:
        if json.loads(request.body).get("stream"):
            events = (delta, {**head, "choices": [], "usage": usage}, "[DONE]")
            text = "".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events)
            return Simulated(headers=SSE, chunks=[text.encode()])
        return Simulated(headers=JSON, chunks=[json.dumps({**whole, "usage": usage}).encode()])

    return answer


@pytest.mark.parametrize("prices", [{"m": {"input": "1", "output": "100"}}, {}], ids=["known", "unknown"])
async def test_openrouter_tells_its_cost(url: str, prices: dict[str, Any]) -> None:
    storage, driver = connect(url, "openrouter", chat(float(TOLD)), prices=prices)
    responses = [driver.send_message("Hi", model="m"), await driver.asynchronous().send_message("Hi", model="m")]
    with driver.send_streaming_message("Hi", model="m") as stream:
        responses.append(stream.until_done())
    ours = OURS if prices else None
    for response, row in zip(responses, rows(storage), strict=True):
        assert response.cost is not None
        assert (response.cost.total, response.cost.calculated, response.warnings) == (TOLD, ours, [])
        assert (row["cost"], row["reported_cost"], row["calculated_cost"]) == (TOLD, TOLD, ours)
        assert row["cost_source"] == "reported by openrouter"
        assert row["price_known"]
    storage.close()


def test_without_a_reported_cost_ours_counts(url: str) -> None:
    storage, driver = connect(url, "openrouter", chat(None), prices={"m": {"input": "1", "output": "100"}})
    cost = driver.send_message("Hi", model="m").cost
    (row,) = rows(storage)
    assert (cost.total, cost.calculated, cost.by_our_prices) == (OURS, None, OURS)
    assert (row["cost"], row["reported_cost"], row["calculated_cost"]) == (OURS, None, OURS)
    storage.close()


def test_a_proxy_tells_the_cost_of_an_operation(url: str) -> None:
    body = {"data": [{"index": 0, "embedding": [0.5]}], "model": "m", "usage": {"prompt_tokens": 500}}

    def answer(request: Any) -> Simulated:
        headers = {**JSON, "x-litellm-response-cost": str(TOLD)}
        return Simulated(headers=headers, chunks=[json.dumps(body).encode()])

    storage, driver = connect(url, "openai", answer, prices={"m": {"input": "3"}})
    driver.embed("Hi", model="m")
    (row,) = rows(storage)
    assert (row["cost"], row["reported_cost"], row["calculated_cost"]) == (TOLD, TOLD, OURS)
    storage.close()


def test_costs_are_added_with_what_our_prices_give() -> None:
    told = Cost(Decimal(3), source="reported by x", calculated=Decimal(2))
    unknown = Cost(Decimal(3), source="reported by x")
    table = Cost(Decimal(5), source="a table")
    assert [(told + told).calculated, (told + table).calculated, (table + told).calculated] == [4, 7, 7]
    assert [(told + unknown).calculated, (table + unknown).calculated, (table + table).calculated] == [None] * 3
    assert (table + table).by_our_prices == 10
    assert sum([told, told, told]).calculated == 6  # type: ignore[union-attr]


BEDROCK = {
    "region": "us-east-1", "access_key": "AKIDEXAMPLE9Q8R7S6T5", "secret_key": "wJalrXUtnFEMIbPxRfiCY4f8a2c9d",
    "api_key": None,
}  # fmt: skip


def vectors(*tokens: int, fails_at: int | None = None) -> Answer:
    left = list(enumerate(tokens))

    def answer(request: Any) -> Simulated:
        number, count = left.pop(0)
        if number == fails_at:
            return Simulated(headers=JSON, chunks=[b'{"inputTextTokenCount": %d}' % count])
        return Simulated(headers=JSON, chunks=[b'{"embedding": [0.5], "inputTextTokenCount": %d}' % count])

    return answer


async def test_each_exchange_of_an_operation_has_its_cost(url: str) -> None:
    prices = {"amazon.titan-embed-text-v2:0": {"input": "2"}}
    for is_async in (False, True):
        storage, driver = connect(url, "bedrock", vectors(3, 4, 5), prices=prices, **BEDROCK)
        provider = driver.asynchronous() if is_async else driver
        found = provider.embed(["a", "b", "c"], model="amazon.titan-embed-text-v2:0")
        result = await found if is_async else found
        last = rows(storage)[-3:]
        assert [row["input_tokens"] for row in last] == [3, 4, 5]
        assert [row["cost"] for row in last] == [Decimal(amount) for amount in ("0.000006", "0.000008", "0.00001")]
        assert result.cost.total == sum(row["cost"] for row in last) == Decimal("0.000024")
        assert result.usage.input_tokens == 12
        assert [report.usage.input_tokens for report in result.attempts] == [3, 4, 5]
        storage.close()


def test_what_was_paid_before_a_failure_stands_in_the_ledger(url: str) -> None:
    prices = {"amazon.titan-embed-text-v2:0": {"input": "2"}}
    storage, driver = connect(url, "bedrock", vectors(3, 4, 5, fails_at=1), prices=prices, **BEDROCK)
    with pytest.raises(AIError):
        driver.embed(["a", "b", "c"], model="amazon.titan-embed-text-v2:0")
    assert [row["cost"] for row in rows(storage)] == [Decimal("0.000006"), Decimal("0.000008")]
    storage.close()


@pytest.mark.parametrize("mode", ["durable", "write-behind"])
async def test_results_of_a_batch_have_their_cost_once(url: str, mode: Any) -> None:
    message = {"role": "assistant", "content": "Hi"}
    reply = {
        "id": "g",
        "model": "gpt-4o-mini",
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    line = {"custom_id": "1", "response": {"status_code": 200, "body": reply}}

    def answer(request: Any) -> Simulated:
        if request.url.endswith("/content"):
            return Simulated(headers=JSON, chunks=[json.dumps(line).encode()])
        batch = {
            "id": request.url.rpartition("/")[2],
            "status": "completed",
            "output_file_id": "file_1",
            "endpoint": "/v1/chat/completions",
        }
        return Simulated(headers=JSON, chunks=[json.dumps(batch).encode()])

    storage, driver = connect(url, "openai", answer, mode=mode)
    results = driver.get_batch_results("batch_1")
    asked, fetched, item = rows(storage)
    assert asked["cost"] is None
    assert results.cost is not None
    assert (fetched["cost"], fetched["input_tokens"], fetched["call_id"]) == (0, None, item["call_id"])
    assert item["cost"] == item["calculated_cost"] == results.cost.total > 0
    assert (item["kind"], item["provider_request_id"], item["input_tokens"]) == ("batch_item", "1", 1000)
    again = [driver.get_batch_results("batch_1"), await driver.asynchronous().get_batch_results("batch_1")]
    assert [found.cost for found in again] == [results.cost] * 2
    found = rows(storage)
    assert sum(row["cost"] or 0 for row in found) == results.cost.total
    assert [row["outcome"] for row in found] == ["success"] * 7
    assert driver.get_batch_results("batch_2").cost == results.cost
    assert sum(row["cost"] or 0 for row in rows(storage)) == 2 * results.cost.total
    streamed = [item.response for _ in range(2) for item in driver.stream_batch_results("batch_3")]
    assert [answer.cost for answer in streamed if answer is not None] == [results.cost] * 2
    assert sum(row["cost"] or 0 for row in rows(storage)) == 3 * results.cost.total
    (budget,) = storage.budgets.report()
    assert budget.spent == 3 * results.cost.total
    storage.close()


@pytest.mark.parametrize("models", [["unheard-of"] * 2, ["gpt-4o-mini", "unheard-of"]])
def test_items_of_a_batch_without_a_price_are_in_the_ledger(url: str, models: list[str]) -> None:
    def answer(request: Any) -> Simulated:
        message = {"role": "assistant", "content": "Hi"}
        usage, choice = {"prompt_tokens": 1000, "completion_tokens": 9}, {"message": message, "finish_reason": "stop"}
        lines = [
            {"custom_id": str(number), "response": {"body": {"model": model, "usage": usage, "choices": [choice]}}}
            for number, model in enumerate(models)
        ]
        if request.url.endswith("/content"):
            return Simulated(headers=JSON, chunks=["\n".join(map(json.dumps, lines)).encode()])
        batch = {"id": "batch_1", "status": "completed", "output_file_id": "file_1"}
        return Simulated(headers=JSON, chunks=[json.dumps(batch).encode()])

    storage, driver = connect(url, "openai", answer)
    for _ in range(2):
        assert driver.get_batch_results("batch_1").cost is None
    items = [row for row in rows(storage) if row["kind"] == "batch_item"]
    storage.close()
    assert [(row["provider_request_id"], row["input_tokens"]) for row in items] == [("0", 1000), ("1", 1000)]
    assert [bool(row["cost"]) for row in items] == [bool(row["price_known"]) for row in items]
    assert [bool(row["price_known"]) for row in items] == [model == "gpt-4o-mini" for model in models]


def background(request: Any) -> Simulated:
    """The Responses API, where answers in the background are queued, and done when they are fetched."""
    usage = {"input_tokens": 1000, "output_tokens": 500}
    if request.method == "GET":
        kept = request.url.rpartition("/")[2]
        is_queued, flag, stream = kept == "resp_queued", kept != "resp_usual", False
    else:
        asked = json.loads(request.body)
        flag, stream = asked.get("background") is True, asked.get("stream") is True
        is_queued, kept = flag and not stream, "resp_1" if flag else "resp_usual"
    message = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Hi"}]}
    told = {
        "id": kept, "object": "response", "model": "m", "background": flag, "output": [] if is_queued else [message],
        "status": "queued" if is_queued else "completed", "usage": None if is_queued else usage,
    }  # fmt: skip
    if stream:
        event = json.dumps({"type": "response.completed", "response": told})
        return Simulated(headers=SSE, chunks=[f"event: response.completed\ndata: {event}\n\n".encode()])
    return Simulated(headers=JSON, chunks=[json.dumps(told).encode()])


@pytest.mark.parametrize("mode", ["durable", "write-behind"])
async def test_an_answer_in_the_background_has_its_cost_once(url: str, mode: Any) -> None:
    prices, cost = {"m": {"input": "1", "output": "2"}}, Decimal("0.002")
    storage, driver = connect(url, "openai", background, mode=mode, prices=prices, api="responses")
    provider = driver.asynchronous()
    queued = driver.send_message("Hi", model="m", background=True)
    assert (queued.finish_reason, queued.usage, queued.cost) == (None, None, None)
    assert driver.get_response("resp_queued").cost is None
    assert [row["cost"] for row in rows(storage)] == [None, None]
    assert storage.budgets is not None
    (held,) = storage.budgets.report()
    assert held.reserved > cost > held.spent == 0
    found = [driver.get_response("resp_1"), await provider.get_response("resp_1"), driver.get_response("resp_1")]
    assert [answer.cost and answer.cost.total for answer in found] == [cost] * 3
    told = [(row["cost"], row["input_tokens"], row["price_known"]) for row in rows(storage)[2:]]
    assert told == [(cost, 1000, True), (0, None, None), (0, None, None)]
    (counted,) = storage.budgets.report()
    assert (counted.spent, counted.reserved) == (cost, 0)
    storage.close()


@pytest.mark.parametrize("prices", [{"m": {"input": "1", "output": "2"}}, {}], ids=["known", "unknown"])
async def test_what_its_own_request_told_is_not_paid_for_again(url: str, prices: dict[str, Any]) -> None:
    storage, driver = connect(url, "openai", background, prices=prices, api="responses")
    cost = Decimal("0.002") if prices else None
    async with driver.asynchronous().send_streaming_message("Hi", model="m", background=True) as stream:
        assert (await stream.until_done()).content == "Hi"
    driver.get_response("resp_1")
    driver.send_message("Hi", model="m")
    driver.get_response("resp_usual")
    found = rows(storage)
    assert [row["input_tokens"] for row in found] == [1000, None, 1000, None]
    assert [row["cost"] for row in found] == [cost, 0 if prices else None, cost, None]
    (line,) = storage.costs()
    assert (line.cost, line.unpriced, line.input_tokens) == (2 * (cost or 0), 0 if prices else 2, 2000)
    storage.close()


def cut_in_the_background(request: Any) -> Simulated:
    """The same, where the stream of the request stands still after its first word."""
    if request.method == "GET":
        return background(request)
    told = {"id": "resp_1", "object": "response", "model": "m", "background": True, "output": [], "status": "queued"}
    events = [
        {"type": "response.created", "response": told},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "m", "delta": "Hi"},
    ]
    chunks = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return Simulated(headers=SSE, chunks=chunks, end="stall")


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "async"])
@pytest.mark.parametrize("is_first", [False, True], ids=["cut first", "fetched first"])
@pytest.mark.parametrize("prices", [{"m": {"input": "1", "output": "2"}}, {}], ids=["known", "unknown"])
@pytest.mark.parametrize("mode", ["durable", "write-behind"])
async def test_what_is_fetched_replaces_the_estimate_of_a_stream_that_was_cut(
    url: str, mode: Any, prices: dict[str, Any], *, is_first: bool, is_async: bool
) -> None:
    storage, driver = connect(url, "openai", cut_in_the_background, mode=mode, prices=prices, api="responses")
    provider = driver.asynchronous()
    stream = (provider if is_async else driver).send_streaming_message("Hi", model="m", background=True)
    assert (await anext(stream) if is_async else next(iter(stream))).content == "Hi"
    if is_first:
        driver.get_response("resp_1")
        storage.flush()
    await stream.aclose() if is_async else stream.close()
    driver.get_response("resp_1")
    await provider.get_response("resp_1")
    (estimate,) = [row for row in rows(storage) if row["estimated"]]
    assert estimate["output_tokens"] > 0
    assert bool(estimate["cost"]) is bool(prices)
    for every in (False, True):
        reprice(storage.database, lambda name: PriceTable(name="openai", overrides=prices), every=every)
        (line,) = storage.costs()
        assert (line.cost, line.input_tokens, line.output_tokens) == (Decimal("0.002") if prices else 0, 1000, 500)
        assert (line.estimated, line.unpriced) == (0, 0 if prices else 1)
    storage.close()
