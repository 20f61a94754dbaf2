"""Hooks of drivers from elsewhere: signatures, costs in streams, facts of errors, and whose fault a fault is."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

import pytest
from tests.faults.asking import refuse
from tests.faults.callers import CALLERS, KEY, STREAMERS, Outcome, settle
from tests.faults.server import READ, Server, reply
from tests.operations.asking import ask, json_reply, one_by_one

from polydriver import AIChunk, AIModel, AIResponse, Capabilities, Driver, RateLimitError
from polydriver.contract import StreamDecoder
from polydriver.data.cost import Cost
from polydriver.data.http import Reply, Request
from polydriver.data.json import decode_json
from polydriver.data.messages import Reasoning
from polydriver.data.prompt import Prompt
from polydriver.drivers import traits

ALL = [*CALLERS, *STREAMERS]


class Decoder(StreamDecoder[Any]):
    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        payload = decode_json(event[1])
        self.answer.first.sign_reasoning({"acme": {"signature": payload["signature"]}})
        self.answer.first.add_text(payload["text"])
        chunks.append(AIChunk(content=payload["text"]))
        self.answer.cost = Cost(Decimal(payload["cost"]))
        self.answer.first.finish_reason = "stop"
        self.complete = self.closed = True


class AcmeDriver(
    traits.HandlesApiCommunication, traits.HandlesErrors, traits.ValidatesHealth, traits.CalculatesCosts, Driver
):
    name = "acme"
    base_url = "http://127.0.0.1:9"
    capabilities = Capabilities(streaming=True)
    errors = traits.ErrorTable(branch="Acme")

    def build_request(self, prompt: Prompt) -> Request:
        return self.build_post("chat", {"say": "Hi"}, stream=prompt.stream)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        return AIResponse.from_text(self.decode(reply)["text"])

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        return Decoder(self, prompt)

    def parse_models(self, reply: Reply) -> list[AIModel]:
        return [AIModel(id=item["id"]) for item in self.decode(reply)["data"]]

    def next_page(self, reply: Reply) -> Request | None:
        assert reply.request is not None
        assert not reply.request.headers
        number = int(reply.request.url.partition("page=")[2] or 1)
        return self.build_get("models", page=number % 3 + 1) if self.decode(reply).get("more") else None


GOOD = {"text": "Hello", "cost": "0.25", "signature": "c2ln"}


def call(how: str, kind: type[Driver], body: Any = GOOD, *, status: int = 200) -> tuple[Outcome, Server]:
    """Make one call to a server that answers with this body."""
    data = json.dumps(body).encode()
    if status == 200 and how in STREAMERS:
        script = reply(b"data: " + data + b"\n\n", 200, {"connection": "close"})
    else:
        script = refuse(data, status)
    with Server([READ, script]) as server:
        driver = kind({"api_key": KEY, "base_url": server.url, "retry_delay": 0.001, "retry_attempts": 1})
        return settle(how, driver, "m-1")[0], server


@pytest.mark.parametrize("how", ALL)
def test_a_request_is_signed_last(how: str) -> None:
    class Signing(AcmeDriver):
        def sign(self, request: Request, now: float) -> Request:
            request.headers["x-signature"] = (
                f"{request.headers['user-agent'][:10]} {now > 1e9} {len(request.body or b'')}"
            )
            return request

    outcome, server = call(how, Signing)
    assert outcome.error is None
    assert server.requests[0].headers["x-signature"] == "polydriver True 12"


@pytest.mark.parametrize("how", STREAMERS)
def test_a_stream_says_its_cost_and_hides_its_reasoning(how: str) -> None:
    outcome, _ = call(how, AcmeDriver)
    assert outcome.response is not None
    assert outcome.response.cost is not None
    assert outcome.response.cost.total == Decimal("0.25")
    assert outcome.response.parts[0] == Reasoning("", {"acme": {"signature": "c2ln"}})
    assert outcome.text == outcome.response.content == "Hello"


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize("wait", [7, "7", 7.0])
def test_an_error_says_how_long_to_wait_and_what_stood_around_it(how: str, wait: Any) -> None:
    class Reading(AcmeDriver):
        def parse_error(self, reply: Reply) -> traits.ErrorFacts:
            facts = super().parse_error(reply)
            facts.code = facts.payload["envelope"]
            return facts

    outcome, _ = call(how, Reading, {"envelope": "e-1", "error": {"message": "slow", "retry_after": wait}}, status=429)
    assert isinstance(outcome.error, RateLimitError)
    assert (outcome.error.retry_after, outcome.error.code) == (7.0, "e-1")


def raising(hook: str) -> type[Driver]:
    """A driver of which one hook has a fault."""

    def fault(self: Any, *arguments: Any) -> Any:
        return {}["absent"]

    fault.__name__ = hook
    fault.__qualname__ = f"Faulty.{hook}"
    fault.__code__ = fault.__code__.replace(co_name=hook, co_qualname=f"Faulty.{hook}")
    if hook == "parse_event":
        decoder = type("FaultyDecoder", (Decoder,), {hook: fault})
        return type("Faulty", (AcmeDriver,), {"decoder": lambda self, prompt: decoder(self, prompt)})
    return type("Faulty", (AcmeDriver,), {hook: fault})


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize("hook", ["build_request", "sign", "parse_response", "map_error", "decoder", "parse_event"])
def test_a_fault_of_a_driver_names_hook_and_driver_and_gives_no_other_advice(how: str, hook: str) -> None:
    if (hook == "parse_response" and how in STREAMERS) or (hook in ("decoder", "parse_event") and how in CALLERS):
        return
    outcome, _ = call(how, raising(hook), status=400 if hook == "map_error" else 200)
    assert outcome.error is not None
    text = str(outcome.error)
    assert f"the hook {hook} of Faulty raised KeyError: 'absent'" in text
    assert "base URL" not in text
    assert "API key" not in text
    assert isinstance(outcome.error.__cause__, KeyError)


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize("hook", ["build_request", "sign", "authenticate"])
@pytest.mark.parametrize("result", [7, "text"])
def test_a_hook_that_returns_something_else(how: str, hook: str, result: Any) -> None:
    outcome, server = call(how, type("Odd", (AcmeDriver,), {hook: lambda self, *arguments: result}))
    text = str(outcome.error)
    assert f"the hook {hook} of Odd returned {type(result).__name__}, not" in text
    assert "API key" not in text
    assert not server.requests


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_pages_see_their_request_and_the_engine_fills_in_the_provider(
    colour: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [json_reply({"data": [{"id": f"m-{number}"}], "more": number < 3}) for number in (1, 2, 3)]
    with Server(*one_by_one(*pages)) as server:
        models = ask(colour, AcmeDriver({"api_key": KEY, "base_url": server.url}), "get_available_models")
    assert [(model.id, model.provider) for model in models] == [("m-1", "acme"), ("m-2", "acme"), ("m-3", "acme")]
    assert not caplog.records


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_pages_without_end_are_told_in_the_log(colour: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "polydriver")
    with Server(*one_by_one(*[json_reply({"data": [{"id": "m"}], "more": True})] * 5)) as server:
        models = ask(colour, AcmeDriver({"api_key": KEY, "base_url": server.url}), "get_available_models")
    assert [model.id for model in models] == ["m"]
    assert "the next page is one that was read before" in caplog.text
