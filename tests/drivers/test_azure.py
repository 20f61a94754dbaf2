"""Azure OpenAI: addresses of both APIs, keys and tokens, the content filter, recorded traffic."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs

import pytest
from tests.faults.server import READ, Received, Server, reply
from tests.hooks import hook
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.wires.replay import at_random, compare, in_two, read_stream, records, replay, whole

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage, Audio
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIResponse
from polydriver.drivers import driver_class
from polydriver.drivers.azure import AzureOpenAIDriver
from polydriver.errors import (
    AIError,
    ConfigurationError,
    ContentFilterError,
    ContextLengthError,
    InvalidCredentialsError,
    ModelNotFoundError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from polydriver.operations.requests import EmbeddingRequest, TranscriptionRequest

COLOURS = get_args(Colour)
KEY = "azure-key-0123456789"
ENDPOINT = "https://res.openai.azure.com/"
DATED = "2024-12-01-preview"


def driver(**settings: Any) -> AzureOpenAIDriver:
    return AzureOpenAIDriver({"api_key": KEY, "endpoint": ENDPOINT, **settings})


def prompt(**fields: Any) -> Prompt:
    return Prompt(messages=[AIMessage("Hi")], **{"model": "gpt-4o", **fields})


def body_of(made: AzureOpenAIDriver, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(made.build_request(prompt(**fields)).body or b"")
    return body


# Recorded traffic


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("seed", [None, 1])
def test_recorded_traffic_is_read_as_its_sdk_reads_it(wire_dir: Path, api: str, seed: int | None) -> None:
    found = [record for record in records(wire_dir, f"openai-{api}") if record["provider"] == "azure"]
    assert found
    made = driver(api=api)
    split = whole if seed is None else at_random(seed)
    wrong = {
        record["id"]: lack for record in found if (lack := compare(replay(made, record, split), record["expected"]))
    }
    assert not wrong


# Addresses


@pytest.mark.parametrize(
    "endpoint", ["https://res.openai.azure.com", ENDPOINT, f"{ENDPOINT}openai", f"{ENDPOINT}openai/v1/"]
)
def test_the_v1_api(endpoint: str) -> None:
    made = driver(endpoint=endpoint, api="chat")
    assert made.build_request(prompt()).url == "https://res.openai.azure.com/openai/v1/chat/completions"
    assert driver(endpoint=endpoint, api="responses").build_request(prompt()).url.endswith("/openai/v1/responses")
    preview = driver(endpoint=endpoint, api_version="preview", api="chat")
    assert preview.build_request(prompt()).url.endswith("/openai/v1/chat/completions?api-version=preview")
    assert made.models_request().url == "https://res.openai.azure.com/openai/v1/models"


def test_the_api_by_date_has_deployments_in_its_paths() -> None:
    made = driver(api_version=DATED)
    root = "https://res.openai.azure.com/openai"
    assert made.build_request(prompt()).url == f"{root}/deployments/gpt-4o/chat/completions?api-version={DATED}"
    assert made.build_request(prompt(model="a b/c")).url.startswith(f"{root}/deployments/a%20b%2Fc/chat/")
    assert made.models_request().url == f"{root}/models?api-version={DATED}"
    responses = driver(api_version="2025-04-01-preview", api="responses").build_request(prompt())
    assert responses.url == f"{root}/responses?api-version=2025-04-01-preview"
    embeddings = hook(made, "build_embeddings")(EmbeddingRequest(model="embed-3", input=["a"]))
    assert embeddings.url == f"{root}/deployments/embed-3/embeddings?api-version={DATED}"
    sound = Audio.from_bytes(b"RIFF", "audio/wav")
    heard = hook(made, "build_transcription")(TranscriptionRequest(model="whisper", audio=sound))
    assert heard.url == f"{root}/deployments/whisper/audio/transcriptions?api-version={DATED}"


def test_a_deployment_takes_the_place_of_the_model() -> None:
    made = driver(deployment="my-gpt", api_version=DATED)
    assert "/deployments/my-gpt/" in made.build_request(prompt()).url
    assert made.config.default_model == "my-gpt"
    assert driver(deployment="my-gpt", default_model="gpt-4o").config.default_model == "gpt-4o"
    assert body_of(driver(deployment="my-gpt"))["model"] == "my-gpt"
    assert body_of(driver())["model"] == "gpt-4o"


def test_a_base_url_is_used_as_it_is() -> None:
    made = AzureOpenAIDriver({"api_key": KEY, "base_url": "https://gateway.example/openai/v1", "api": "chat"})
    assert made.build_request(prompt()).url == "https://gateway.example/openai/v1/chat/completions"


def test_fields_that_older_versions_lack() -> None:
    old = body_of(driver(api_version="2024-02-01"), max_tokens=5, stream=True)
    assert old["max_tokens"] == 5
    assert "stream_options" not in old
    new = body_of(driver(api_version=DATED), max_tokens=5, stream=True)
    assert new["max_completion_tokens"] == 5
    assert new["stream_options"] == {"include_usage": True}


def test_the_api_of_a_call() -> None:
    assert driver().build_request(prompt(options={"api": "responses"})).url.endswith("/responses")
    assert "/deployments/o3/chat/" in driver(api_version=DATED).build_request(prompt(model="o3")).url
    assert driver_class("azure") is AzureOpenAIDriver


def test_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", ENDPOINT)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_VERSION", DATED)
    made = AzureOpenAIDriver()
    assert made.is_dated
    assert made.headers() == {"api-key": KEY}
    assert KEY not in repr(made.get_config())


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="endpoint is missing"):
        AzureOpenAIDriver({"api_key": KEY})
    with pytest.raises(ConfigurationError, match="missing: client_secret"):
        AzureOpenAIDriver({"endpoint": ENDPOINT, "tenant_id": "t", "client_id": "c"})


# Tokens


ANSWER = {
    "id": "c1",
    "model": "gpt-4o-2024-11-20",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hello"}}],
}


def entra(server: Server, **settings: Any) -> AzureOpenAIDriver:
    app = {"tenant_id": "my tenant", "client_id": "app", "client_secret": "s3cret-0123456789", "authority": server.url}
    return AzureOpenAIDriver({"endpoint": server.url, "retry_delay": 0.001, "api": "chat", **app, **settings})


def token(value: str, expires_in: Any = 3600) -> bytes:
    return json_reply({"token_type": "Bearer", "access_token": value, "expires_in": expires_in})


@pytest.mark.parametrize("colour", COLOURS)
def test_an_apps_token_is_fetched_once(colour: Colour) -> None:
    with Server(*one_by_one(token("one"), json_reply(ANSWER), json_reply(ANSWER))) as server:
        made = entra(server)
        assert ask(colour, made, "send_message", "Hi", model="gpt-4o").content == "Hello"
        assert ask(colour, made, "send_message", "Hi", model="gpt-4o").content == "Hello"
        first, second, third = server.requests
    assert first.target == "/my%20tenant/oauth2/v2.0/token"
    assert parse_qs(first.body.decode()) == {
        "grant_type": ["client_credentials"], "client_id": ["app"], "client_secret": ["s3cret-0123456789"],
        "scope": ["https://cognitiveservices.azure.com/.default"],
    }  # fmt: skip
    assert second.headers["authorization"] == third.headers["authorization"] == "Bearer one"
    assert "api-key" not in second.headers


def test_a_token_that_is_about_to_end_is_renewed() -> None:
    with Server(*one_by_one(token("one", "60"), json_reply(ANSWER), token("two"), json_reply(ANSWER))) as server:
        made = entra(server)
        for _ in range(2):
            ask("blocking", made, "send_message", "Hi", model="gpt-4o")
        assert [one.headers.get("authorization") for one in server.requests] == [None, "Bearer one", None, "Bearer two"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.\r\nTrace"},
            InvalidCredentialsError,
        ),
        (200, {"token_type": "Bearer"}, InvalidCredentialsError),
        (503, {}, ServerError),
    ],
)
def test_tokens_that_are_refused(status: int, body: Any, kind: type[AIError]) -> None:
    with Server(*one_by_one(json_reply(body, status))) as server, pytest.raises(kind) as caught:
        ask("blocking", entra(server, retry_attempts=1), "send_message", "Hi", model="gpt-4o")
    assert type(caught.value).__name__.startswith("AzureOpenAI")
    assert "s3cret" not in str(caught.value)


def test_a_token_goes_before_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    settings = {"endpoint": ENDPOINT}
    assert AzureOpenAIDriver({**settings, "token": "tok-0123456789"}).headers() == {
        "authorization": "Bearer tok-0123456789"
    }
    assert AzureOpenAIDriver({**settings, "token_provider": lambda: "x"}).headers() == {}
    app = AzureOpenAIDriver({**settings, "tenant_id": "t", "client_id": "c", "client_secret": "secret-0123456789"})
    assert app.headers() == {"api-key": KEY}


def test_a_given_token_and_a_function_that_gives_one() -> None:
    fixed = AzureOpenAIDriver({"endpoint": ENDPOINT, "token": "tok-0123456789"})
    assert fixed.build_request(prompt()).headers["authorization"] == "Bearer tok-0123456789"
    numbers = iter(("one", "two"))
    with Server(*one_by_one(json_reply(ANSWER), json_reply(ANSWER))) as server:
        made = AzureOpenAIDriver({"endpoint": server.url, "token_provider": lambda: next(numbers), "api": "chat"})
        for _ in range(2):
            ask("blocking", made, "send_message", "Hi", model="gpt-4o")
        assert [one.headers["authorization"] for one in server.requests] == ["Bearer one", "Bearer two"]
    made = AzureOpenAIDriver({"endpoint": ENDPOINT, "token_provider": lambda: None, "api": "chat"})
    with pytest.raises(InvalidCredentialsError):
        made.send_message("Hi", model="gpt-4o")


# The content filter and other errors

SAFE = {"hate": {"filtered": False, "severity": "safe"}}
FILTERED = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": None, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {**SAFE, "jailbreak": {"detected": True, "filtered": True}},
        },
    }
}  # fmt: skip


def test_a_filtered_prompt() -> None:
    found = driver().map_error(Reply(status=400, body=json.dumps(FILTERED).encode()))
    assert isinstance(found, ContentFilterError)
    assert (found.code, found.type) == ("content_filter", "ResponsibleAIPolicyViolation")
    assert found.details["content_filter_result"]["jailbreak"]["filtered"] is True
    assert found.details["param"] == "prompt"


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (
            400,
            {"code": None, "message": "blocked", "innererror": {"code": "ResponsibleAIPolicyViolation"}},
            ContentFilterError,
        ),
        (
            400,
            {"code": "contentFilter", "message": "Your task failed as a result of our safety system."},
            ContentFilterError,
        ),
        (
            404,
            {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."},
            ModelNotFoundError,
        ),
        (
            401,
            {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."},
            InvalidCredentialsError,
        ),
        (
            401,
            {"code": "PermissionDenied", "message": "The principal lacks the required data action."},
            InvalidCredentialsError,
        ),
        (
            429,
            {"code": "429", "message": "Requests have exceeded call rate limit. Please retry after 26 seconds."},
            RateLimitError,
        ),
        (429, {"code": "RateLimitReached", "message": "x"}, RateLimitError),
        (429, {"code": "insufficient_quota", "message": "x"}, QuotaExceededError),
        (400, {"code": "context_length_exceeded", "message": "x"}, ContextLengthError),
        (500, {"code": "InternalServerError", "message": "Backend returned unexpected response."}, ServerError),
    ],
)
def test_errors(status: int, error: dict[str, Any], kind: type[AIError]) -> None:
    found = driver().map_error(Reply(status=status, body=json.dumps({"error": error}).encode()))
    assert isinstance(found, kind)
    assert found.message == error["message"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"error": {"innererror": 3}}', b'{"statusCode": 404, "message": "Resource not found"}']
)
def test_errors_of_another_shape(body: bytes) -> None:
    assert isinstance(driver().map_error(Reply(status=404, body=body)), AIError)


def sse(*chunks: Any) -> bytes:
    return b"".join(b"data: %b\n\n" % (one if isinstance(one, bytes) else json.dumps(one).encode()) for one in chunks)


EMPTY = {"choices": [], "created": 0, "id": "", "model": "", "object": "",
         "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}]}  # fmt: skip


def piece(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "delta": delta,
        "finish_reason": finish,
        "logprobs": None,
        "content_filter_results": SAFE if delta else {},
    }
    return {"id": "chatcmpl-1", "model": "gpt-4o-2024-11-20", "object": "chat.completion.chunk", "choices": [choice]}


STREAM = sse(
    EMPTY,
    piece(role="assistant", content="", refusal=None),
    piece(content="Hel"),
    piece(content="lo"),
    piece("stop"),
    {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
    b"[DONE]",
)


def test_empty_first_chunks_and_the_filters_notes() -> None:
    made = driver(api="chat")
    for pieces in in_two(STREAM):
        found = read_stream(made, pieces)
        assert isinstance(found, AIResponse)
        assert (found.content, found.id, found.model) == ("Hello", "chatcmpl-1", "gpt-4o-2024-11-20")
        assert found.raw == {"prompt_filter_results": EMPTY["prompt_filter_results"], "content_filter_results": SAFE}
        assert found.usage is not None
        assert found.usage.total_tokens == 5


def test_an_answer_that_was_filtered_on_its_way() -> None:
    hate = {"content_filter_results": {"hate": {"filtered": True, "severity": "high"}}}
    filtered = {
        **piece("content_filter"),
        "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter", **hate}],
    }
    found = read_stream(driver(api="chat"), [sse(EMPTY, piece(content="Hel"), filtered, b"[DONE]")])
    assert isinstance(found, AIResponse)
    assert (found.content, found.finish_reason) == ("Hel", "content_filter")
    assert found.raw["content_filter_results"]["hate"]["filtered"] is True


def test_an_error_in_a_stream() -> None:
    found = read_stream(driver(api="chat"), [sse(EMPTY, FILTERED)])
    assert isinstance(found, ContentFilterError)


# Whole calls


def collect(colour: Colour, made: AzureOpenAIDriver) -> tuple[str, AIResponse]:
    """Stream one answer and return the text of its chunks and the response."""
    if colour == "blocking":
        try:
            with made.send_streaming_message("Hi", model="gpt-4o") as stream:
                return "".join([part.content for part in stream]), stream.response
        finally:
            made.close()

    async def call() -> tuple[str, AIResponse]:
        provider = made.asynchronous()
        try:
            async with provider.send_streaming_message("Hi", model="gpt-4o") as stream:
                return "".join([part.content async for part in stream]), stream.response
        finally:
            await provider.aclose()

    return asyncio.run(call())


def local(server: Server, **settings: Any) -> AzureOpenAIDriver:
    return driver(endpoint=server.url, retry_delay=0.001, **settings)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_call_and_a_stream(colour: Colour) -> None:
    streamed = reply(STREAM, headers={"content-type": "text/event-stream", "connection": "close"})
    with Server(*one_by_one(json_reply(ANSWER, apim_request_id="req-1")), [READ, streamed]) as server:
        made = local(server, api_version=DATED)
        response = ask(colour, made, "send_message", "Hi", model="gpt-4o")
        text, whole_answer = collect(colour, made)
        received: list[Received] = server.requests
    assert (response.content, response.request_id, response.model) == ("Hello", "req-1", "gpt-4o-2024-11-20")
    assert (text, whole_answer.content, whole_answer.finish_reason) == ("Hello", "Hello", "stop")
    assert whole_answer.cost is not None
    assert all(one.headers["api-key"] == KEY for one in received)
    assert {one.target for one in received} == {f"/openai/deployments/gpt-4o/chat/completions?api-version={DATED}"}
    assert sent_json(received[1])["stream"] is True


@pytest.mark.parametrize("colour", COLOURS)
def test_models(colour: Colour) -> None:
    listed = {"data": [
        {"id": "gpt-4o-2024-11-20", "object": "model", "created_at": 1, "lifecycle_status": "generally-available",
         "capabilities": {"chat_completion": True, "embeddings": False}},
        {"id": "text-embedding-3-small", "lifecycle_status": "deprecating", "capabilities": {"embeddings": True}},
    ]}  # fmt: skip
    with Server(*one_by_one(json_reply(listed))) as server:
        found = ask(colour, local(server), "get_available_models")
        assert server.requests[0].target == "/openai/v1/models"
    assert [(model.id, model.type, model.deprecated) for model in found] == [
        ("gpt-4o-2024-11-20", "chat", False), ("text-embedding-3-small", "embedding", True),
    ]  # fmt: skip


@pytest.mark.parametrize("colour", COLOURS)
def test_embeddings(colour: Colour) -> None:
    answer = {
        "data": [{"index": 0, "embedding": [0.5, 1.0]}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }
    with Server(*one_by_one(json_reply(answer))) as server:
        made = local(server, api_version=DATED)
        found = ask(colour, made, "embed", ["a"], model="text-embedding-3-small")
        assert server.requests[0].target.startswith("/openai/deployments/text-embedding-3-small/embeddings?")
    assert found.embeddings == [[0.5, 1.0]]
