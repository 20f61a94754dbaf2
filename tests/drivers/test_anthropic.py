"""The driver of Anthropic: credentials, errors, models, token counts, batches and files, over a server on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from tests.faults.server import AGAIN, READ, Received, Script, Server, reply
from tests.hooks import hook

from polydriver import AI
from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage
from polydriver.data.prompt import OutputFormat, Prompt, ToolSpec
from polydriver.drivers import driver_class
from polydriver.drivers.anthropic import AnthropicDriver
from polydriver.errors import (
    AIError,
    APITimeoutError,
    ConfigurationError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    ModelNotFoundError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from polydriver.operations.requests import BatchPrompt, BatchRequest, FileUpload, ItemRequest, PageRequest
from polydriver.operations.results import Batch

KEY = "sk-ant-test-0123456789"
DRIVER = AnthropicDriver({"api_key": KEY})
ITEM = ItemRequest(id="a/b")
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1000, "output_tokens": 500, "cache_read_input_tokens": 1000},
}


def answer(value: Any, status: int = 200, **headers: str) -> bytes:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return reply(json.dumps(value).encode(), status, {"content-type": "application/json", **named})


def talk(script: Script, **settings: Any) -> tuple[AnthropicDriver, Server]:
    server = Server(script)
    return AnthropicDriver({"api_key": KEY, "base_url": server.url, "retry_attempts": 1, **settings}), server


def body_of(received: Received) -> Any:
    return json.loads(received.body)


class TestConfiguration:
    def test_it_is_known_by_its_name(self) -> None:
        assert driver_class("anthropic") is AnthropicDriver

    def test_a_key_goes_into_its_own_header(self) -> None:
        headers = DRIVER.build_request(Prompt(messages=[AIMessage("Hi")], model="m")).headers
        assert headers["x-api-key"] == KEY
        assert headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in headers

    def test_a_token_is_sent_as_a_bearer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-0123456789")
        driver = AnthropicDriver()
        headers = driver.headers()
        assert headers["authorization"] == "Bearer token-0123456789"
        assert "x-api-key" not in headers
        assert "token-0123456789" not in repr(driver.get_config())

    def test_one_of_them_is_needed(self) -> None:
        with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY"):
            AnthropicDriver()
        assert AnthropicDriver({"headers": {"authorization": "Bearer of-a-gateway"}})

    @pytest.mark.parametrize("base", ["https://gateway.example/anthropic", "https://gateway.example/anthropic/v1"])
    def test_base_urls_with_and_without_version(self, base: str) -> None:
        driver = AnthropicDriver({"api_key": KEY, "base_url": base})
        url = driver.build_request(Prompt(messages=[AIMessage("Hi")], model="m")).url
        assert url == "https://gateway.example/anthropic/v1/messages"

    def test_its_operations_are_whole(self) -> None:
        found = DRIVER.get_capabilities()
        for name in ("token_counting", "batches", "files", "file_download", "document"):
            assert found.supports(name), name


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind", "words", "expected"),
        [
            (400, "invalid_request_error", "messages: odd", InvalidRequestError),
            (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", ContextLengthError),
            (400, "invalid_request_error", "Your credit balance is too low", QuotaExceededError),
            (401, "authentication_error", "invalid x-api-key", InvalidCredentialsError),
            (402, "billing_error", "no", QuotaExceededError),
            (403, "permission_error", "no", InvalidCredentialsError),
            (404, "not_found_error", "model: claude-none", ModelNotFoundError),
            (404, "not_found_error", "file not here", InvalidRequestError),
            (413, "request_too_large", "too large", InvalidRequestError),
            (429, "rate_limit_error", "slower", RateLimitError),
            (500, "api_error", "oh", ServerError),
            (504, "timeout_error", "late", APITimeoutError),
            (529, "overloaded_error", "Overloaded", ServerError),
        ],
    )
    def test_every_documented_type(self, status: int, kind: str, words: str, expected: type[AIError]) -> None:
        payload = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
        error = DRIVER.map_error(Reply(status=status, body=json.dumps(payload).encode()))
        assert isinstance(error, expected)
        assert type(error).__name__ == f"Anthropic{expected.__name__}"
        assert (error.type, error.message, error.status, error.request_id) == (kind, words, status, "req_1")
        inside = DRIVER.map_payload(payload)
        if "credit" not in words:
            assert type(inside) is type(error)

    def test_overloaded_is_worth_a_retry(self) -> None:
        overloaded = answer({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529)
        driver, server = talk([READ, overloaded, READ, answer(MESSAGE)], retry_attempts=2, retry_delay=0.001)
        with server:
            assert driver.send_message("Hi", model="claude-haiku-4-5").content == "Hello"
            assert len(server.requests) == 2
        driver.close()


class TestCalls:
    def test_a_call_with_its_cost(self) -> None:
        driver, server = talk([READ, answer(MESSAGE)])
        with server:
            response = driver.send_message("Hi", model="claude-haiku-4-5", max_tokens=9, cache="1h")
        driver.close()
        assert server.requests[0].target == "/v1/messages"
        assert body_of(server.requests[0])["messages"][0]["content"][0]["cache_control"]["ttl"] == "1h"
        assert response.content == "Hello"
        assert response.usage is not None
        assert response.usage.input_tokens == 2000
        assert response.cost is not None

    def test_a_structured_call_of_an_older_model(self) -> None:
        call = {"type": "tool_use", "id": "t1", "name": "output", "input": {"name": "Ann"}}
        driver, server = talk([READ, answer({**MESSAGE, "content": [call], "stop_reason": "tool_use"})])
        schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
        with server:
            response = driver.send_message("Hi", model="claude-3-haiku-20240307", response_format=schema)
        driver.close()
        assert response.parsed == {"name": "Ann"}

    def test_a_stream_that_breaks_keeps_what_came(self) -> None:
        events = [
            {"type": "message_start", "message": {**MESSAGE, "content": []}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        ]
        sent = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
        driver, server = talk([READ, reply(sent, 200, {"content-type": "text/event-stream"})])
        with server, pytest.raises(StreamInterruptedError) as caught:
            for _ in driver.send_streaming_message("Hi", model="claude-haiku-4-5"):
                pass
        driver.close()
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Hel"


class TestModels:
    def test_pages_are_followed(self) -> None:
        one = {"id": "claude-a", "type": "model", "display_name": "A", "created_at": "2026-02-04T00:00:00Z"}
        able = {"image_input": {"supported": True}, "thinking": {"supported": True}, "structured_outputs": {}}
        two = {"id": "claude-b", "type": "model", "max_input_tokens": 9, "max_tokens": 8, "capabilities": able}
        pages = [
            answer({"data": [one], "has_more": True, "first_id": "claude-a", "last_id": "claude-a"}),
            answer({"data": [two], "has_more": False, "first_id": "claude-b", "last_id": "claude-b"}),
        ]
        driver, server = talk([READ, pages[0], READ, pages[1]])
        with server:
            models = {model.id: model for model in driver.get_available_models()}
        driver.close()
        assert [request.target for request in server.requests] == [
            "/v1/models?limit=1000",
            "/v1/models?limit=1000&after_id=claude-a",
        ]
        assert models["claude-a"].created == datetime(2026, 2, 4, tzinfo=UTC)
        assert models["claude-b"].max_output_tokens == 8
        assert models["claude-b"].supports_vision is True
        assert models["claude-b"].supports_reasoning is True


class TestTokenCounts:
    def test_a_count(self) -> None:
        driver, server = talk([READ, answer({"input_tokens": 14})])
        with server:
            assert driver.count_tokens("Hi", model="claude-haiku-4-5").input_tokens == 14
        driver.close()
        assert server.requests[0].target == "/v1/messages/count_tokens"
        assert body_of(server.requests[0]).keys() == {"model", "messages"}

    def test_what_counts_is_sent(self) -> None:
        prompt = Prompt(
            messages=[AIMessage.system("S"), AIMessage("Hi")],
            model="claude-haiku-4-5",
            tools=[ToolSpec(name="a")],
            temperature=0.5,
            reasoning_budget=2000,
            user="u",
        )
        body = json.loads(hook(DRIVER, "build_token_count")(prompt).body or b"")
        assert body.keys() == {"model", "messages", "system", "tools", "thinking"}

    @pytest.mark.parametrize("payload", [{}, {"input_tokens": "x"}, []])
    def test_no_count(self, payload: Any) -> None:
        with pytest.raises(InvalidResponseError):
            hook(DRIVER, "parse_token_count")(
                Reply(status=200, body=json.dumps(payload).encode()), Prompt(messages=[], model="m")
            )


class TestBatches:
    STATE: ClassVar[dict[str, Any]] = {
        "id": "msgbatch_1",
        "processing_status": "in_progress",
        "request_counts": {"processing": 2, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
        "created_at": "2024-08-20T18:37:24.100435Z",
        "expires_at": "2024-08-21T18:37:24.100435Z",
        "ended_at": None,
        "results_url": None,
    }

    def state(self, status: str = "in_progress", **counts: int) -> Batch:
        payload = {**self.STATE, "processing_status": status, "request_counts": counts}
        return hook(DRIVER, "parse_batch_status")(Reply(status=200, body=json.dumps(payload).encode()), ITEM)

    def test_a_new_batch(self) -> None:
        prompts = [
            BatchPrompt(custom_id=name, prompt=Prompt(messages=[AIMessage("Hi")], model="m", seed=1, options=options))
            for name, options in (("one", {}), ("two", {"betas": ["x-2026-01-01"]}))
        ]
        request = BatchRequest(prompts=prompts, metadata={"a": "b"})
        built = hook(DRIVER, "build_batch")(request)
        assert [entry["custom_id"] for entry in json.loads(built.body or b"")["requests"]] == ["one", "two"]
        assert built.headers["anthropic-beta"] == "x-2026-01-01"
        assert len(request.warnings) == 2
        batch = hook(DRIVER, "parse_batch")(Reply(status=200, body=json.dumps(self.STATE).encode()), request)
        assert (batch.id, batch.status, batch.counts.total, batch.done) == ("msgbatch_1", "running", 2, False)

    @pytest.mark.parametrize(
        ("status", "counts", "expected"),
        [
            ("in_progress", {"processing": 1}, "running"),
            ("canceling", {"processing": 1}, "cancelling"),
            ("ended", {"succeeded": 1, "errored": 1}, "completed"),
            ("ended", {"errored": 1}, "completed"),
            ("ended", {"canceled": 2}, "cancelled"),
            ("ended", {"expired": 2}, "expired"),
        ],
    )
    def test_states(self, status: str, counts: dict[str, int], expected: str) -> None:
        assert self.state(status, **counts).status == expected

    def test_results_in_any_order(self) -> None:
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": "odd"}}
        lines = [
            {"custom_id": "p-10", "result": {"type": "succeeded", "message": MESSAGE}},
            {"custom_id": "p-2", "result": {"type": "errored", "error": error}},
            {"custom_id": "p-3", "result": {"type": "canceled"}},
            {"custom_id": "p-4", "result": {"type": "succeeded", "message": {"id": "msg_2"}}},
            {"custom_id": "p-5", "result": {"type": "expired"}},
        ]
        with Server([READ, reply("\n".join(json.dumps(line) for line in lines).encode() + b"\n\n"), AGAIN]) as server:
            ai = AI({"providers": {"anthropic": {"api_key": "sk-ant", "base_url": server.url.removesuffix("/v1")}}})
            results = ai.provider("anthropic").get_batch_results("a/b")
            ai.close()
            assert server.requests[0].target.endswith("/v1/messages/batches/a%2Fb/results")
        assert [item.custom_id for item in results.items] == ["p-2", "p-3", "p-4", "p-5", "p-10"]
        assert isinstance(results["p-2"].error, InvalidRequestError)
        assert isinstance(results["p-4"].error, InvalidResponseError)
        found = results["p-10"].response
        assert found is not None
        assert found.content == "Hello"

    def test_results_that_cannot_be_read(self) -> None:
        file = next(hook(DRIVER, "batch_results_flow")(ITEM))
        with pytest.raises(InvalidResponseError):
            file.read(b"<html>")

    def test_paths(self) -> None:
        assert hook(DRIVER, "build_batch_status")(ITEM).url.endswith("/v1/messages/batches/a%2Fb")
        cancel = hook(DRIVER, "build_batch_cancellation")(ITEM)
        assert (cancel.method, cancel.url[-7:]) == ("POST", "/cancel")
        assert hook(DRIVER, "build_batch_list")(PageRequest(limit=5, after="b")).url.endswith(
            "batches?limit=5&after_id=b"
        )

    def test_pages(self) -> None:
        page = {"data": [self.STATE], "has_more": True, "last_id": "msgbatch_1"}
        found = hook(DRIVER, "parse_batch_list")(Reply(status=200, body=json.dumps(page).encode()), PageRequest())
        assert ([batch.id for batch in found.items], found.next) == (["msgbatch_1"], "msgbatch_1")
        last = hook(DRIVER, "parse_batch_list")(
            Reply(status=200, body=b'{"data": [], "has_more": false}'), PageRequest()
        )
        assert last.next is None

    def test_structured_prompts_are_rendered(self) -> None:
        wanted = Prompt(messages=[AIMessage("Hi")], model="claude-3-haiku", response_format=OutputFormat(name="x"))
        body = json.loads(
            hook(DRIVER, "build_batch")(BatchRequest(prompts=[BatchPrompt(custom_id="a", prompt=wanted)])).body or b""
        )
        assert body["requests"][0]["params"]["tool_choice"] == {"type": "tool", "name": "x"}


class TestFiles:
    FILE: ClassVar[dict[str, Any]] = {
        "id": "file_1",
        "type": "file",
        "filename": "a.csv",
        "mime_type": "text/csv",
        "size_bytes": 4,
        "created_at": "2026-06-30T22:59:39.755000Z",
        "downloadable": False,
    }

    def test_an_upload(self) -> None:
        driver, server = talk([READ, answer(self.FILE)])
        with server:
            stored = driver.upload_file(b"a,b\n", name="a.csv", media_type="text/csv")
        driver.close()
        assert (stored.id, stored.name, stored.size, stored.media_type) == ("file_1", "a.csv", 4, "text/csv")
        sent = server.requests[0]
        assert sent.headers["anthropic-beta"] == "files-api-2025-04-14"
        assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b'name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\na,b\n' in sent.body

    def test_a_purpose_is_left_out_and_named(self) -> None:
        request = FileUpload(data=b"", name="a", purpose="batch", extra_headers={"Anthropic-Beta": "x-2026-01-01"})
        built = hook(DRIVER, "build_file_upload")(request)
        assert built.headers["anthropic-beta"] == "x-2026-01-01,files-api-2025-04-14"
        assert request.warnings

    def test_listing_looking_downloading_and_deleting(self) -> None:
        page = {"data": [self.FILE], "has_more": True, "last_id": "file_1"}
        found = hook(DRIVER, "parse_file_list")(Reply(status=200, body=json.dumps(page).encode()), PageRequest())
        assert ([file.id for file in found.items], found.next) == (["file_1"], "file_1")
        assert hook(DRIVER, "build_file")(ITEM).url.endswith("/v1/files/a%2Fb")
        assert hook(DRIVER, "build_file_download")(ITEM).url.endswith("/v1/files/a%2Fb/content")
        content = hook(DRIVER, "parse_file_download")(
            Reply(status=200, headers={"content-type": "text/csv"}, body=b"a"), ITEM
        )
        assert (content.data, content.media_type) == (b"a", "text/csv")
        assert hook(DRIVER, "build_file_deletion")(ITEM).method == "DELETE"
        assert hook(DRIVER, "parse_file_deletion")(Reply(status=200, body=b'{"id": "file_1"}'), ITEM)

    @pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>", b'{"id": 1}'])
    def test_nonsense(self, body: bytes) -> None:
        with pytest.raises(InvalidResponseError):
            hook(DRIVER, "parse_file")(Reply(status=200, body=body), ITEM)
