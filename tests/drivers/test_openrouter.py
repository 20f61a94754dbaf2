"""OpenRouter: costs, routing, opaque reasoning, errors of those behind it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from polydriver.data.http import Reply, Request, Simulated
from polydriver.data.messages import AIMessage, Document, Image, Reasoning, Text, Video
from polydriver.data.prompt import Prompt
from polydriver.drivers.openrouter import OpenRouterDriver
from polydriver.engine.transports.simulated import SimulatedTransport
from polydriver.errors import ContentFilterError, InvalidCredentialsError, QuotaExceededError, RateLimitError

DRIVER = OpenRouterDriver({"api_key": "0123456789abcdef", "referer": "https://acme.example", "app_title": "Acme"})
USAGE = {
    "prompt_tokens": 8174,
    "completion_tokens": 30,
    "total_tokens": 8204,
    "cost": 0.0133176,
    "is_byok": False,
    "cost_details": {
        "upstream_inference_cost": 0.0133176,
        "upstream_inference_prompt_cost": 0.0032696,
        "upstream_inference_completions_cost": 4.8e-05,
    },
}


def render(*messages: AIMessage, **options: Any) -> dict[str, Any]:
    prompt = Prompt(messages=list(messages) or [AIMessage("Hi")], model="m", **options)
    return json.loads(DRIVER.build_request(prompt).body or b"")  # type: ignore[no-any-return]


def parse(message: dict[str, Any], **fields: Any) -> Any:
    payload = {"id": "gen-1", "choices": [{"message": message, "finish_reason": "stop"}], **fields}
    return DRIVER.parse_response(
        Reply(status=200, headers={}, body=json.dumps(payload).encode()), Prompt(messages=[], model="m")
    )


def fail(status: int, error: dict[str, Any]) -> Any:
    return DRIVER.map_error(Reply(status=status, headers={}, body=json.dumps({"error": error}).encode()))


def test_request() -> None:
    request = DRIVER.build_request(Prompt(messages=[AIMessage("Hi")], model="m"))
    assert request.url == "https://openrouter.ai/api/v1/chat/completions"
    assert request.headers["http-referer"] == "https://acme.example"
    assert request.headers["x-title"] == "Acme"
    assert render()["usage"] == {"include": True}


def test_options() -> None:
    routing = {"provider": {"order": ["anthropic"]}, "models": ["a", "b"], "transforms": []}
    assert routing.items() <= render(options=routing).items()
    assert set(routing) <= DRIVER.option_names
    assert render(reasoning_effort="low")["reasoning"] == {"effort": "low"}
    assert render(reasoning_budget=2000)["reasoning"] == {"max_tokens": 2000}
    assert "reasoning_effort" not in render(reasoning_effort="low")


def test_reported_cost() -> None:
    cost = parse({"content": "Hi"}, usage=USAGE).cost
    assert cost.total == Decimal("0.0133176")
    assert sum(cost.items.values()) == cost.total
    assert cost.items["output"] == Decimal("0.000048")
    assert "openrouter" in cost.source


def test_cost_with_a_key_of_ones_own() -> None:
    usage = {**USAGE, "cost": 0.001, "is_byok": True}
    assert parse({"content": "Hi"}, usage=usage).cost.total == Decimal("0.0143176")


@pytest.mark.parametrize("cost", [None, -1, "x", True, [], {}])
def test_no_cost_is_invented(cost: Any) -> None:
    assert parse({"content": "Hi"}, usage={**USAGE, "cost": cost}).cost is None


def test_cost_of_a_stream() -> None:
    decoder = DRIVER.decoder(Prompt(messages=[], model="m", stream=True))
    last = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": USAGE}
    decoder.feed(b": OPENROUTER PROCESSING\n\n" + f"data: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode())
    assert decoder.build().cost.total == Decimal("0.0133176")  # type: ignore[union-attr]


def test_details_go_back_as_they_came() -> None:
    details = [
        {"type": "reasoning.encrypted", "data": "abc", "id": "rs_1", "format": "openai-responses-v1", "index": 0}
    ]
    answer = parse({"content": "Hi", "reasoning": "Hm", "reasoning_details": details}).to_message()
    sent = render(AIMessage("Hi"), answer, AIMessage("More"))["messages"][1]
    assert sent["reasoning_details"] == details
    foreign = AIMessage([Reasoning("Hm", provider_data={"zai": {}}), Text("Hi")], "assistant")
    assert "reasoning" not in render(AIMessage("Hi"), foreign)["messages"][1]


def test_pictures_and_citations() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    note = {"type": "url_citation", "url_citation": {"url": "https://example.org"}}
    text, image = parse({"content": "Hi", "images": [picture], "annotations": [note]}).parts
    assert text.citations == [note]
    assert isinstance(image, Image)
    assert image.data == b"hi"


def test_files_and_videos_by_address() -> None:
    message = AIMessage.user([Document.from_url("https://a.example/x.pdf"), Video.from_url("https://a.example/x.mp4")])
    document, video = render(message)["messages"][0]["content"]
    assert document["file"]["file_data"] == "https://a.example/x.pdf"
    assert video == {"type": "video_url", "video_url": {"url": "https://a.example/x.mp4"}}


def test_errors() -> None:
    upstream = fail(429, {"code": 429, "message": "Provider returned error", "metadata": {"raw": "try later"}})
    assert isinstance(upstream, RateLimitError)
    assert "try later" in upstream.message
    assert isinstance(fail(402, {"code": 402, "message": "no credits"}), QuotaExceededError)
    assert isinstance(fail(401, {"code": 401, "message": "User not found."}), InvalidCredentialsError)
    flagged = fail(403, {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}})
    assert isinstance(flagged, ContentFilterError)


def test_an_error_in_a_choice() -> None:
    broken = {"code": 429, "message": "busy"}
    body = json.dumps({"choices": [{"error": broken, "finish_reason": "error", "message": {"content": ""}}]}).encode()
    with pytest.raises(RateLimitError):
        DRIVER.parse_response(Reply(status=200, headers={}, body=body), Prompt(messages=[], model="m"))


def test_models() -> None:
    item = {
        "id": "a/b",
        "context_length": 1000,
        "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
        "top_provider": {"max_completion_tokens": 100},
        "supported_parameters": ["tools", "reasoning"],
    }
    (model,) = DRIVER.parse_models(Reply(status=200, headers={}, body=json.dumps({"data": [item]}).encode()))
    assert (model.context_length, model.max_output_tokens, model.supports_vision) == (1000, 100, True)
    assert (model.supports_function_calling, model.supports_structured_output) == (True, False)
    assert DRIVER.probe_request().url.endswith("/key")


def test_the_reported_cost_goes_before_the_table() -> None:
    payload = {
        "model": "openai/gpt-4o",
        "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": USAGE,
    }

    def simulate(request: Request) -> Simulated:
        return Simulated(
            status=200, headers={"content-type": "application/json"}, chunks=[json.dumps(payload).encode()]
        )

    driver = OpenRouterDriver(
        {"api_key": "0123456789abcdef"}, transport=lambda kind, config: SimulatedTransport(simulate)
    )
    assert driver.pricing("openai/gpt-4o") is not None
    answer = driver.send_message("Hi", model="openai/gpt-4o", provider={"order": ["openai"]})
    assert answer.cost is not None
    assert answer.cost.total == Decimal("0.0133176")
