"""All recorded traffic through the public interface: the provider's own driver, with its default settings, over HTTP.

The tests of each wire replay bytes into its hooks; here the requests are built, sent, answered by a server and read by
the engine, for blocking and async callers.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from tests.wires.recorded_server import serve_records
from tests.wires.replay import Record, compare, is_stream, records

from polydriver import AIError, AIResponse, Provider
from polydriver.data.messages import Audio
from polydriver.data.responses import Choice
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.operations.results import EmbeddingResponse, ModerationResponse, RerankResponse, TokenCount, Transcript

MAIN_CHATS = (
    "anthropic-messages",
    "bedrock-converse",
    "cohere-chat-v2",
    "gemini-generate",
    "ollama-chat",
    "openai-chat",
    "openai-responses",
)
"""The API of each wire, by its name in the recorded traffic."""

CHATS = (*MAIN_CHATS, "bedrock-invoke", "ollama-generate")
OPERATIONS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "anthropic-count-tokens": ("count_tokens", ("Hi",)),
    "bedrock-count-tokens": ("count_tokens", ("Hi",)),
    "cohere-embed": ("embed", ("Hi",)),
    "cohere-models": ("get_available_models", ()),
    "cohere-rerank": ("rerank", ("Test query", ["one", "two"])),
    "gemini-count-tokens": ("count_tokens", ("Hi",)),
    "gemini-embed": ("embed", ("Hi",)),
    "ollama-embed": ("embed", ("Hi",)),
    "openai-audio": ("transcribe", (Audio(data=b"RIFF", media_type="audio/wav"),)),
    "openai-embeddings": ("embed", ("Hi",)),
    "openai-images": ("generate_image", ("A cat",)),
    "openai-models": ("get_available_models", ()),
    "openai-moderations": ("moderate", ("Hi",)),
}
"""The method that asks for a reply of each API beyond chat, and its arguments."""

EXCEPTIONS: dict[str, set[str]] = {
    # The recording holds the first event alone; the oracle reports what had come, without minding the missing end.
    "anthropic-vercel-cb12f7d9fa": {"error"},
    # Texts of models before Converse in their makers' old forms, which we ask for over Converse.
    "bedrock-otel-35abd86157": {"error"},
    "bedrock-otel-6daa5e3cf8": {"error"},
    # The arguments are the text "null" or absent: a call without arguments. The oracle has null.
    "cohere-vercel-5a570c78ba": {"calls"},
    "openrouter-pai-8b3141949e": {"calls"},
    # The official SDK takes each piece of a streamed function call for a call of its own; they are two calls.
    "gemini-vercel-ec11f169b2": {"calls"},
    # Reasoning stands in `reasoning_details` only, which the oracle's SDK passes over.
    "snowflake-pai-3af017bfe2": {"reasoning"},
    # The answer failed before anything of it came; the partial answer of the oracle is empty.
    "openai-responses-prism-34123bf070": {"partial"},
    # Our message goes on with the words of the service behind the router.
    "openrouter-pai-bd3992924d": {"message"},
}

DRIVERS = {"bedrock-mantle": "bedrock_mantle", "local-anthropic": "anthropic"}
"""The driver of a provider that has another name; what is named after a wire of OpenAI's is read by OpenAI's."""
SETTINGS: dict[str, dict[str, Any]] = {
    "bedrock": {"region": "us-east-1"},
    "bedrock_mantle": {"region": "us-east-1"},
    "snowflake": {"account": "acme"},
    "vertexai": {"project": "acme"},
}
KEY = "sk-test-0123456789abcdef"
MODEL = "asked-for"


def driver_name(record: Record) -> str:
    """The name of the driver that a person would use for a record's provider."""
    provider: str = record["provider"]
    if record["api"] == "openai-chat" and provider in ("gemini", "ollama"):
        return "openai"  # their second wire, which only an OpenAI client asks for
    if provider.startswith(("openai-", "local-openai", "open-responses")):
        return "openai"
    return DRIVERS.get(provider, provider)


def provider_at(address: str, record: Record) -> Driver:
    """The provider as people set it up: a key, an address, and what its driver cannot do without."""
    name = driver_name(record)
    kind = driver_class(name)
    path = "/openai/v1" if name == "azure" else urlsplit(kind.base_url).path
    return kind({"api_key": KEY, "base_url": address + path, **SETTINGS.get(name, {})})


def asked_model(record: Record) -> str:
    """The model that the recorded request names, in its body or in its path."""
    request = record["request"] or {}
    body = request.get("body")
    if isinstance(body, dict) and isinstance(body.get("model"), str):
        return body["model"] or MODEL
    named = re.search(r"/models?/([^/:?]+)", unquote(request.get("url") or ""))
    return named[1] if named else MODEL


def method_of(record: Record) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The method that a person would call for such a reply, its arguments and its options."""
    options = {"model": asked_model(record), "retry_attempts": 1}
    if record["api"] in OPERATIONS:
        method, arguments = OPERATIONS[record["api"]]
        return method, arguments, {} if method == "get_available_models" else options
    if record["expected"].get("embeddings"):
        return "embed", ("Hi",), options
    if record["api"] == "bedrock-invoke":
        options["api"] = "invoke"
    return "send_streaming_message" if is_stream(record) else "send_message", ("Hi",), options


def ask(provider: Provider, record: Record) -> Any:
    """Ask as a blocking caller, and return the result or the error."""
    method, arguments, options = method_of(record)
    try:
        with provider:
            asked = getattr(provider, method)(*arguments, **options)
            if method != "send_streaming_message":
                return asked
            with asked as stream:
                written = "".join(chunk.content for chunk in stream if chunk.index == 0)
            assert written == stream.response.content
            return stream.response
    except AIError as error:
        return error


async def ask_async(provider: Provider, record: Record) -> Any:
    """Ask as an async caller, and return the result or the error."""
    method, arguments, options = method_of(record)
    try:
        async with provider.asynchronous() as caller:
            asked = getattr(caller, method)(*arguments, **options)
            if method != "send_streaming_message":
                return await asked
            async with asked as stream:
                written = "".join([chunk.content async for chunk in stream if chunk.index == 0])
            assert written == stream.response.content
            return stream.response
    except AIError as error:
        return error


def differences(got: Any, expected: dict[str, Any]) -> dict[str, Any]:
    """What differs between a result or error and what was expected, each as (got, expected)."""
    if isinstance(got, AIError):
        return compare(got, expected) | of_error(got, expected)
    if isinstance(got, AIResponse):
        return compare(got, expected) | of_choices(got, expected)
    return of_operation(got, expected)


def of_error(got: AIError, expected: dict[str, Any]) -> dict[str, Any]:
    """The words of an error, all of them, and what had come before it. An error inside a 200 has no status."""
    wanted = expected.get("error") or {}
    seen = {"type": got.type, "code": got.code, "message": got.message}
    if not wanted.get("in_stream"):
        seen["status"] = got.status  # type: ignore[assignment]
    wrong: dict[str, Any] = {
        name: (value, wanted[name])
        for name, value in seen.items()
        if wanted.get(name) is not None and str(value) != str(wanted[name])
    }
    partial = expected.get("partial")
    if partial and (got.partial is None or compare(got.partial, partial)):
        wrong["partial"] = (got.partial, partial)
    return wrong


def of_choices(got: AIResponse, expected: dict[str, Any]) -> dict[str, Any]:
    """The refusal, and the further choices."""
    choices: list[Choice] = [got, *got.alternatives]
    seen = {
        "refusal": got.refusal,
        "n_choices": len(choices),
        "choices_text": [choice.content for choice in choices],
    }
    return {name: (seen[name], expected[name]) for name in seen if expected.get(name) and seen[name] != expected[name]}


def of_operation(got: Any, expected: dict[str, Any]) -> dict[str, Any]:
    """What operations beyond chat return, as far as the oracle has it."""
    seen: dict[str, Any] = {}
    if isinstance(got, list):
        seen["models"] = {"n": len(got), "ids": [model.id for model in got]}
        return {"models": (seen, expected)} if seen["models"] != expected.get("models") else {}
    seen["model"], seen["response_id"] = got.model, got.id
    seen["usage"] = got.usage.input_tokens if got.usage else None
    match got:
        case EmbeddingResponse():
            first = got.embeddings[0]
            seen["embeddings"] = {"n": len(got.embeddings), "dims": len(first), "head": list(first[:3])}
        case RerankResponse():
            seen["rerank"] = [{"index": found.index, "score": found.score} for found in got.results]
        case ModerationResponse():
            seen["moderation"] = [
                {"flagged": found.flagged, "categories": [name for name, is_so in found.categories.items() if is_so]}
                for found in got.results
            ]
        case Transcript():
            seen |= {"transcript": got.text, "duration": got.duration, "language": got.language}
        case TokenCount():
            seen["input_tokens"] = got.input_tokens
    wanted = {**expected, "usage": (expected.get("usage") or {}).get("input_total")}
    return {name: (seen[name], wanted[name]) for name in seen if name in wanted and not _same(seen[name], wanted[name])}


def _same(mine: Any, theirs: Any) -> bool:
    """Whether two values are the same; vectors in base64 have 32 bits a number."""
    if isinstance(mine, dict) and isinstance(theirs, dict) and "head" in theirs:
        return {**mine, "head": None} == {**theirs, "head": None} and mine["head"] == pytest.approx(theirs["head"])
    return bool(mine == theirs)


@pytest.mark.parametrize("api", [*CHATS, *OPERATIONS])
def test_blocking_and_async_callers_get_what_is_expected(wire_dir: Path, api: str) -> None:
    found = [record for record in records(wire_dir, api) if record["expected"] is not None]
    wrong = {}
    with serve_records(found) as address:
        for number, record in enumerate(found):
            provider = provider_at(f"{address}/{number}", record)
            for caller, got in (
                ("blocking", ask(provider, record)),
                ("async", asyncio.run(ask_async(provider, record))),
            ):
                differing = differences(got, record["expected"])
                if unexpected := differing.keys() - EXCEPTIONS.get(record["id"], set()):
                    wrong[record["id"], caller] = {name: differing[name] for name in unexpected}
    assert found
    assert wrong == {}
