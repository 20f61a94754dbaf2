"""Bedrock: InvokeModel, lists, embeddings, and whole signed calls over loopback."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.faults.server import READ, Received, Script, Server, chunked, reply
from tests.hooks import hook
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.wires.bedrock import chunk, epoch, event, exception, frame, validate_body
from tests.wires.replay import compare, is_stream, read_stream, records, replay, reply_of

from polydriver.data.http import Reply, Request
from polydriver.data.messages import AIMessage, Reasoning
from polydriver.data.prompt import Prompt, ToolSpec
from polydriver.data.responses import AIResponse
from polydriver.drivers import driver_class
from polydriver.drivers.bedrock import BedrockDriver
from polydriver.drivers.bedrock.signing import Keys, sign
from polydriver.engine.splitting import join, split
from polydriver.errors import (
    AIError,
    ConfigurationError,
    InvalidResponseError,
    RateLimitError,
    StreamInterruptedError,
)
from polydriver.operations.kinds import EMBED
from polydriver.operations.requests import EmbeddingRequest

COLOURS = get_args(Colour)
DRIVER = BedrockDriver({"api_key": "bedrock-key-0123456789", "region": "us-east-1"})
INVOKING = BedrockDriver({"api_key": "bedrock-key-0123456789", "region": "us-east-1", "api": "invoke"})
CLAUDE, NOVA = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0"
USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}
HELLO = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "stopReason": "end_turn",
    "usage": USAGE,
}
EVENTS = (
    event("messageStart", role="assistant"),
    event("contentBlockDelta", contentBlockIndex=0, delta={"text": "Hel"}),
    event("contentBlockDelta", contentBlockIndex=0, delta={"text": "lo"}),
    event("contentBlockStop", contentBlockIndex=0),
    event("messageStop", stopReason="end_turn"),
    event("metadata", usage=USAGE, metrics={"latencyMs": 3}),
)


# Addresses and lists


def test_addresses() -> None:
    assert DRIVER.models_request().url == "https://bedrock.us-east-1.amazonaws.com/foundation-models"
    china = BedrockDriver({"api_key": "key-0123456789", "region": "cn-north-1"})
    assert china.config.base_url == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"
    private = "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com"
    fips = BedrockDriver({"access_key": "A", "secret_key": "s", "base_url": private})
    assert fips.region == "us-gov-west-1"
    assert fips.models_request().url == "https://bedrock-fips.us-gov-west-1.amazonaws.com/foundation-models"
    own = BedrockDriver(
        {"api_key": "key-0123456789", "base_url": "https://gateway.example/aws", "control_url": "https://c.example/"}
    )
    assert own.models_request().url == "https://c.example/foundation-models"
    assert driver_class("bedrock") is BedrockDriver


MODELS = {
    "modelSummaries": [
        {"modelId": NOVA, "modelName": "Nova Lite", "providerName": "Amazon", "inputModalities": ["TEXT", "IMAGE"],
         "outputModalities": ["TEXT"], "modelLifecycle": {"status": "LEGACY"}},
        {"modelId": "amazon.titan-embed-text-v2:0", "outputModalities": ["EMBEDDING"]}, {"modelName": "?"}, "odd",
    ]
}  # fmt: skip
PROFILES = {"inferenceProfileSummaries": [{"inferenceProfileId": CLAUDE, "inferenceProfileName": "US Claude"}, {}]}


@pytest.mark.parametrize("colour", COLOURS)
def test_models_then_profiles_in_pages(colour: Colour) -> None:
    replies = [json_reply(MODELS), json_reply({**PROFILES, "nextToken": "a/b"}), json_reply(PROFILES)]
    with Server(*one_by_one(*replies)) as server:
        driver = BedrockDriver({"access_key": "A", "secret_key": "s", "region": "us-east-1", "base_url": server.url})
        found = ask(colour, driver, "get_available_models")
        targets = [received.target for received in server.requests]
    assert targets == [
        "/foundation-models",
        "/inference-profiles?maxResults=1000",
        "/inference-profiles?maxResults=1000&nextToken=a%2Fb",
    ]
    by_id = {model.id: model for model in found}
    nova = by_id[NOVA]
    assert (nova.type, nova.supports_vision, nova.deprecated, nova.owned_by) == ("chat", True, True, "Amazon")
    assert by_id["amazon.titan-embed-text-v2:0"].type == "embedding"
    assert CLAUDE in by_id


def test_a_list_of_another_shape() -> None:
    with pytest.raises(InvalidResponseError):
        DRIVER.parse_models(Reply(status=200, body=b'{"modelSummaries": 1}'))


# InvokeModel


def test_claude_by_invoke_model() -> None:
    prompt = Prompt(messages=[AIMessage("Hi")], model=CLAUDE, stream=True, max_tokens=9,
                    options={"betas": ["context-1m-2025-08-07"], "guardrailConfig": {}})  # fmt: skip
    request = INVOKING.build_request(prompt)
    assert request.url.endswith("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream")
    assert request.headers["accept"] == "application/vnd.amazon.eventstream"
    assert json.loads(request.body or b"") == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
        "anthropic_beta": ["context-1m-2025-08-07"],
    }
    assert any("guardrailConfig" in text for text in prompt.warnings)
    plain = INVOKING.build_request(Prompt(messages=[AIMessage("Hi")], model=CLAUDE))
    assert plain.url.endswith("/invoke")


def test_the_api_of_a_call() -> None:
    prompt = Prompt(messages=[AIMessage("Hi")], model=CLAUDE, options={"api": "invoke"})
    assert DRIVER.build_request(prompt).url.endswith("/invoke")
    assert INVOKING.build_request(Prompt(messages=[AIMessage("Hi")], model=NOVA)).url.endswith("/converse")
    with pytest.raises(ConfigurationError):
        DRIVER.build_request(Prompt(messages=[AIMessage("Hi")], model=NOVA, options={"api": "other"}))


def claude_stream(*events: dict[str, Any], tail: bytes = b"") -> AIResponse | AIError:
    body = b"".join(chunk(one) for one in events) + tail
    pieces = [body[index : index + 5] for index in range(0, len(body), 5)]
    asked, unasked = (read_stream(driver, pieces) for driver in (INVOKING, DRIVER))
    assert type(asked) is type(unasked)
    return asked


START = {
    "type": "message_start",
    "message": {"id": "msg_bdrk_1", "model": "claude-sonnet-4-5", "content": [], "usage": {"input_tokens": 3}},
}


def test_a_stream_of_claudes() -> None:
    found = claude_stream(
        START,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3}},
    )
    assert isinstance(found, AIResponse)
    assert (found.content, found.finish_reason, found.id) == ("Hi", "stop", "msg_bdrk_1")
    assert found.parts[0] == Reasoning("hm", {"anthropic": {"signature": "sig"}})
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens) == (3, 4)


def test_answers_are_read_as_what_they_are() -> None:
    message = {"type": "message", "id": "msg_1", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}
    for driver in (DRIVER, INVOKING):
        for payload in (message, {**HELLO, "output": {"message": {"content": [{"text": "Hi"}]}}}):
            reply = Reply(status=200, body=json.dumps(payload).encode())
            assert driver.parse_response(reply, Prompt(messages=[], model=CLAUDE)).content == "Hi"
        streamed = read_stream(driver, [b"".join(EVENTS)], Prompt(messages=[], model=CLAUDE, stream=True))
        assert isinstance(streamed, AIResponse)
        assert streamed.content == "Hello"


def test_what_goes_wrong_in_a_stream_of_claudes() -> None:
    assert isinstance(claude_stream(START, tail=exception("throttlingException", "slow")), RateLimitError)
    for payload in (b"{}", b'{"bytes": 3}', b'{"bytes": "***"}', b"[]"):
        decoder = INVOKING.decoder(Prompt(messages=[], model=CLAUDE, stream=True))
        decoder.feed(frame({":event-type": "chunk", ":message-type": "event"}, payload))
        assert isinstance(decoder.failure, InvalidResponseError)


# Texts of models before Converse, in their makers' old forms, which Converse replaced: Titan Text and Command R.
OLD_FORMS = {"bedrock-otel-35abd86157", "bedrock-otel-6daa5e3cf8"}


def test_recorded_invocations(wire_dir: Path) -> None:
    found = [record for record in records(wire_dir, "bedrock-invoke") if not record["expected"].get("embeddings")]
    assert found
    wrong = {}
    for record in found:
        model = record["request"]["url"].split("/model/")[1].split("/")[0]
        prompt = Prompt(messages=[], model=model, stream=is_stream(record))
        if record["response"]["status"] != 200 or not prompt.stream:
            body = reply_of(record)
            try:
                got: Any = INVOKING.parse_response(body, prompt) if body.ok else INVOKING.map_error(body)
            except AIError as error:
                got = error
        elif record["id"] in OLD_FORMS:
            continue
        else:
            got = read_stream(INVOKING, [reply_of(record).body], prompt)
        if difference := compare(got, record["expected"]):
            wrong[record["id"]] = difference
    assert wrong.keys() <= OLD_FORMS, wrong


# Embeddings and token counts


def embed(model: str, texts: list[Any], *replies: Reply, **fields: Any) -> tuple[Any, list[Any], EmbeddingRequest]:
    request = EmbeddingRequest(model=model, input=texts, **fields)
    part = DRIVER.operation(EMBED)
    pieces = split(part, request)
    asked = [part.build_embeddings(piece) for piece in pieces]
    response = join([part.parse_embeddings(reply, piece) for reply, piece in zip(replies, pieces, strict=True)])
    return response, [json.loads(one.body or b"") for one in asked], request


def vectors(payload: Any, **headers: str) -> Reply:
    return Reply(status=200, headers=headers, body=json.dumps(payload).encode())


def test_titan_takes_one_text_at_a_time() -> None:
    replies = [vectors({"embedding": [0.5, number], "inputTextTokenCount": 3}) for number in (1, 2)]
    wanted = {"dimensions": 256, "input_type": "query", "options": {"normalize": False}}
    response, asked, request = embed("amazon.titan-embed-text-v2:0", ["a", "b"], *replies, **wanted)
    assert asked == [{"inputText": text, "dimensions": 256, "normalize": False} for text in ("a", "b")]
    assert response.embeddings == [[0.5, 1.0], [0.5, 2.0]]
    assert response.usage.input_tokens == 6
    assert request.warnings


def test_cohere_takes_many() -> None:
    texts = [str(number) for number in range(100)]
    replies = [
        Reply(status=200, headers={"x-amzn-bedrock-input-token-count": "7"}, body=json.dumps(body).encode())
        for body in ({"embeddings": [[1.0]] * 96}, {"embeddings": {"float": [[2.0]] * 4}})
    ]
    response, asked, _ = embed("us.cohere.embed-v4:0", texts, *replies, input_type="query", dimensions=512)
    assert [len(body["texts"]) for body in asked] == [96, 4]
    assert (asked[0]["input_type"], asked[0]["output_dimension"]) == ("search_query", 512)
    assert (len(response.embeddings), response.embeddings[-1], response.usage.input_tokens) == (100, [2.0], 14)


def test_nova() -> None:
    answer = vectors({"embeddings": [{"embeddingType": "TEXT", "embedding": [1.0, 2.0]}]})
    response, asked, _ = embed(
        "amazon.nova-2-multimodal-embeddings-v1:0", ["a"], answer, dimensions=256, input_type="query"
    )
    params = asked[0]["singleEmbeddingParams"]
    assert (params["embeddingPurpose"], params["embeddingDimension"], params["text"]["value"]) == (
        "TEXT_RETRIEVAL",
        256,
        "a",
    )
    assert response.embeddings == [[1.0, 2.0]]


@pytest.mark.parametrize("payload", [{}, {"embedding": []}, {"embedding": ["x"]}, {"embedding": 3}, []])
def test_vectors_of_another_shape(payload: Any) -> None:
    with pytest.raises(InvalidResponseError):
        embed("amazon.titan-embed-text-v2:0", ["a"], vectors(payload))


def test_recorded_embeddings(wire_dir: Path) -> None:
    found = [record for record in records(wire_dir, "bedrock-invoke") if record["expected"].get("embeddings")]
    assert found
    for record in found:
        sent, expected = record["request"]["body"], record["expected"]
        response, asked, _ = embed("amazon.titan-embed-text-v2:0", [sent["inputText"]], reply_of(record),
                                   dimensions=sent["dimensions"], options={"normalize": sent["normalize"]})  # fmt: skip
        assert asked == [sent]
        assert response.embeddings[0][:3] == expected["embeddings"]["head"]
        assert response.usage.input_tokens == expected["usage"]["input"]


def test_token_counts(wire_dir: Path) -> None:
    prompt = Prompt(
        messages=[AIMessage.system("S"), AIMessage("Hi")], model=CLAUDE, max_tokens=9, tools=[ToolSpec(name="now")]
    )
    request = hook(DRIVER, "build_token_count")(prompt)
    body = json.loads(request.body or b"")
    assert request.url.endswith("/count-tokens")
    validate_body("CountTokens", body)
    assert body["input"]["converse"].keys() == {"messages", "system", "toolConfig"}
    assert hook(DRIVER, "parse_token_count")(Reply(status=200, body=b'{"inputTokens": 12}'), prompt).input_tokens == 12
    with pytest.raises(InvalidResponseError):
        hook(DRIVER, "parse_token_count")(Reply(status=200, body=b"{}"), prompt)
    for record in records(wire_dir, "bedrock-count-tokens"):
        assert not compare(replay(DRIVER, record), record["expected"])


# Whole calls


def is_signed(received: Received, keys: Keys, url: str) -> bool:
    """Tell whether the signature on a received request is the one that AWS would work out for it."""
    names = received.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = Request(
        method=received.method,
        url=url + received.target,
        headers={name: received.headers[name] for name in names if name != "host"},
        body=received.body,
    )
    again = sign(request, keys, region="us-east-1", service="bedrock", now=epoch(received.headers["x-amz-date"]))
    return again.headers["authorization"] == received.headers["authorization"]


def local(server: Server, **settings: Any) -> BedrockDriver:
    base = {
        "base_url": server.url,
        "region": "us-east-1",
        "retry_delay": 0.001,
        "access_key": "AKIA",
        "secret_key": "s",
    }
    return BedrockDriver({**base, **settings})


def collect(colour: Colour, driver: BedrockDriver) -> tuple[str, AIResponse]:
    """Stream one answer and return the text of its chunks and the response."""
    if colour == "blocking":
        try:
            with driver.send_streaming_message("Hi", model=NOVA) as stream:
                return "".join([piece.content for piece in stream]), stream.response
        finally:
            driver.close()

    async def call() -> tuple[str, AIResponse]:
        provider = driver.asynchronous()
        try:
            async with provider.send_streaming_message("Hi", model=NOVA) as stream:
                return "".join([piece.content async for piece in stream]), stream.response
        finally:
            await provider.aclose()

    return asyncio.run(call())


@pytest.mark.parametrize("colour", COLOURS)
def test_a_signed_call(colour: Colour) -> None:
    with Server(*one_by_one(json_reply(HELLO, x_amzn_requestid="req-1"))) as server:
        response = ask(colour, local(server, session_token="t"), "send_message", "Hi", model=NOVA)
        received = server.requests[0]
        assert is_signed(received, Keys("AKIA", "s", "t"), server.url)
    assert received.target == "/model/amazon.nova-lite-v1%3A0/converse"
    assert sent_json(received) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    assert (response.content, response.request_id, response.usage.total_tokens) == ("Hello", "req-1", 12)
    assert response.cost is not None


@pytest.mark.parametrize("colour", COLOURS)
def test_a_signed_stream(colour: Colour) -> None:
    head = reply(
        headers={"content-type": "application/vnd.amazon.eventstream", "transfer-encoding": "chunked"}, length=False
    )
    body = b"".join(EVENTS)
    pieces = [body[index : index + 11] for index in range(0, len(body), 11)]
    with Server([READ, head, chunked(*pieces)]) as server:
        text, response = collect(colour, local(server))
        assert is_signed(server.requests[0], Keys("AKIA", "s"), server.url)
        assert server.requests[0].target.endswith("/converse-stream")
    assert (text, response.content, response.finish_reason) == ("Hello", "Hello", "stop")
    assert response.usage is not None
    assert response.usage.input_tokens == 5


@pytest.mark.parametrize("colour", COLOURS)
def test_a_stream_that_breaks(colour: Colour) -> None:
    head = reply(
        headers={"content-type": "application/vnd.amazon.eventstream", "transfer-encoding": "chunked"}, length=False
    )
    for tail in (b"", exception("modelStreamErrorException", "broke")):
        script: Script = [READ, head, chunked(*EVENTS[:3], *([tail] if tail else []))]
        with Server(script) as server, pytest.raises(StreamInterruptedError) as caught:
            collect(colour, local(server))
        assert type(caught.value).__name__ == "BedrockStreamInterruptedError"
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Hello"


@pytest.mark.parametrize("colour", COLOURS)
def test_throttling_is_retried_and_signed_again(colour: Colour) -> None:
    limited = json_reply({"message": "Too many requests"}, 429, x_amzn_errortype="ThrottlingException")
    with Server(*one_by_one(limited, json_reply(HELLO))) as server:
        assert ask(colour, local(server), "send_message", "Hi", model=NOVA).content == "Hello"
        assert all(is_signed(received, Keys("AKIA", "s"), server.url) for received in server.requests)
    assert len(server.requests) == 2


@pytest.mark.parametrize("colour", COLOURS)
def test_the_engine_fetches_the_keys_of_a_container(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}
    with Server(*one_by_one(json_reply(keys), json_reply(HELLO))) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/keys")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "auth")
        driver = local(server, access_key=None, secret_key=None)
        assert ask(colour, driver, "send_message", "Hi", model=NOVA).content == "Hello"
        first, second = server.requests
        assert (first.target, first.headers["authorization"]) == ("/keys", "auth")
        assert is_signed(second, Keys("ASIA", "s", "t"), server.url)


@pytest.mark.parametrize("colour", COLOURS)
def test_credentials_are_validated_by_the_list_of_models(colour: Colour) -> None:
    denied = json_reply({"message": "The security token included in the request is invalid."}, 403,
                        x_amzn_errortype="UnrecognizedClientException")  # fmt: skip
    with Server(*one_by_one(denied)) as server:
        report = ask(colour, local(server), "validate_credentials")
    assert not report
    assert len(server.requests) == 1
