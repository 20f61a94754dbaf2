"""Operations beyond chat, and what one account keeps, over members of pools and fallbacks, in both colours."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.faults.server import AGAIN, READ, Server, reply
from tests.operations.asking import json_reply, one_by_one, sent_json
from tests.operations.test_requests import WAV

from polydriver import (
    AI,
    AIMessage,
    AsyncAI,
    ConfigurationError,
    CostCalculated,
    Event,
    Image,
    InvalidRequestError,
    ProviderFellBack,
    RequestFailed,
    ServerError,
    UnknownOptionError,
)
from polydriver.config.kinds import KINDS
from polydriver.engine.waiting import no_waiting
from polydriver.operations.kinds import OPERATIONS

COLOURS = ("blocking", "async")
KEY = "sk-test-0123456789abcdef"
WRONG = json_reply({"error": {"message": "no"}}, 400)
BROKEN = json_reply({"error": {"message": "down"}}, 503)
VECTOR = json_reply({"data": [{"index": 0, "embedding": [1.0]}], "model": "m", "usage": {"prompt_tokens": 3}})
PLAIN: dict[str, Any] = {"driver": "openai", "api_key": KEY, "retry_attempts": 1, "circuit": {"enabled": False}}


@pytest.fixture(autouse=True)
def instant() -> Iterator[list[float]]:
    with no_waiting() as waits:
        yield waits


def run(colour: str, settings: dict[str, Any], name: str, act: Callable[[Any], Any]) -> tuple[Any, list[Event]]:
    """What `act` makes of a provider, and the events of it."""
    events: list[Event] = []
    if colour == "blocking":
        with AI({"providers": settings}, env={}) as ai:
            ai.on("*", events.append)
            return act(ai.provider(name)), events

    async def main() -> Any:
        async with AsyncAI({"providers": settings}, env={}) as ai:
            ai.on("*", events.append)
            return await act(ai.provider(name))

    return asyncio.run(main()), events


def settings(servers: dict[str, Server], **more: Any) -> dict[str, Any]:
    made = {name: {**PLAIN, "base_url": f"{server.url}/v1"} for name, server in servers.items()}
    return {**made, "pool": {"targets": list(servers)}, **more}


def serve(stack: ExitStack, **replies: bytes) -> dict[str, Server]:
    """Servers that give one reply each, again and again."""
    return {name: stack.enter_context(Server(*([[READ, reply, AGAIN]] * 30))) for name, reply in replies.items()}


@pytest.mark.parametrize("colour", COLOURS)
def test_the_next_member_does_what_one_cannot_now(colour: str) -> None:
    with ExitStack() as stack:
        servers = serve(stack, eu=BROKEN, us=VECTOR)
        result, events = run(colour, settings(servers), "pool", lambda p: p.embed("a", model="text-embedding-3-small"))
    assert result.embeddings == [[1.0]]
    assert result.provider == "us"
    assert [(a.provider, a.outcome) for a in result.attempts] == [("eu", "failure"), ("us", "success")]
    assert {a.model for a in result.attempts} == {"text-embedding-3-small"}
    assert "us (text-embedding-3-small) was asked instead" in result.warnings[0]
    kinds = [type(event) for event in events]
    assert kinds.count(ProviderFellBack) == kinds.count(CostCalculated) == 1
    assert RequestFailed not in kinds
    keys = [servers[name].requests[0].headers.get("idempotency-key") for name in servers]
    assert None not in keys
    assert len(set(keys)) == 2


@pytest.mark.parametrize("colour", COLOURS)
def test_operations_are_spread_over_the_members(colour: str) -> None:
    def act(provider: Any) -> Any:
        if colour == "blocking":
            return [provider.embed("a", model="m") for _ in range(6)]

        async def all_of_them() -> list[Any]:
            return [await provider.embed("a", model="m") for _ in range(6)]

        return all_of_them()

    with ExitStack() as stack:
        results, _ = run(colour, settings(serve(stack, eu=VECTOR, us=VECTOR)), "pool", act)
    assert Counter(result.provider for result in results) == {"eu": 3, "us": 3}


@pytest.mark.parametrize("colour", COLOURS)
def test_members_without_the_operation_are_left_out(colour: str) -> None:
    with ExitStack() as stack:
        made = settings(serve(stack, us=VECTOR), claude={"driver": "anthropic", "api_key": "key-of-a-test"})
        made["pool"] = {"targets": ["claude", "us"]}
        result, _ = run(colour, made, "pool", lambda p: p.embed("a", model="m"))
    assert [a.provider for a in result.attempts] == ["us"]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("reply", "error"), [(WRONG, InvalidRequestError), (BROKEN, ServerError)], ids=["wrong", "broken"]
)
def test_when_nobody_can_the_error_is_told_once(colour: str, reply: bytes, error: type[Exception]) -> None:
    """The caller's own mistakes lead nowhere; where all fail, the last error is raised."""
    with ExitStack() as stack:
        servers = serve(stack, eu=reply, us=reply)
        with pytest.raises(error) as caught:
            run(colour, settings(servers), "pool", lambda p: p.moderate("a"))
        assert len(servers["us"].requests) == (reply is BROKEN)
    assert len(getattr(caught.value, "attempts")) == 1 + (reply is BROKEN)  # noqa: B009


@pytest.mark.parametrize("colour", COLOURS)
def test_what_is_kept_at_a_provider_is_the_first_members(colour: str) -> None:
    with ExitStack() as stack:
        servers = serve(stack, eu=BROKEN, us=json_reply({"data": []}))
        with pytest.raises(ServerError):
            run(colour, settings(servers), "pool", lambda p: p.list_files())
        with pytest.raises(UnknownOptionError, match="fallback"):
            run(colour, settings(servers), "pool", lambda p: p.list_files(fallback="us"))
        prompt = [AIMessage([Image.from_id("file_1")])]
        with pytest.raises(ServerError):
            run(colour, settings(servers), "pool", lambda p: p.count_tokens(prompt, model="gpt-5"))
        assert not servers["us"].requests


@pytest.mark.parametrize("colour", COLOURS)
def test_a_call_names_who_else_does_it_with_a_model_of_its_own(colour: str) -> None:
    with ExitStack() as stack:
        servers = serve(stack, eu=BROKEN, us=VECTOR)

        def act(provider: Any) -> Any:
            return provider.embed("a", model="m", fallback=[("us", "n")], dimensions=1, extra={"x": 1})

        result, _ = run(colour, settings(servers), "eu", act)
        assert sent_json(servers["eu"].requests[0])["model"] == "m"
        sent = sent_json(servers["us"].requests[0])
    assert (sent["model"], sent["dimensions"], sent["x"]) == ("n", 1, 1)
    assert result.requested_model == "n"
    assert any("cannot be compared with those of m" in warning for warning in result.warnings)


@pytest.mark.parametrize("colour", COLOURS)
def test_what_another_driver_does_not_know_is_left_out(colour: str) -> None:
    text = json_reply({"text": "Hello"})
    with ExitStack() as stack:
        servers = serve(stack, eu=BROKEN, groq=text)
        made = settings(servers)
        made["groq"] = {**PLAIN, "driver": "groq", "base_url": servers["groq"].url}

        def act(provider: Any) -> Any:
            return provider.transcribe(
                WAV, model="m", fallback="groq/whisper", chunking_strategy="auto", extra={"x": 1}
            )

        result, _ = run(colour, made, "eu", act)
    assert (result.text, result.provider) == ("Hello", "groq")
    assert any("'chunking_strategy'" in warning for warning in result.warnings)
    assert any("'extra'" in warning for warning in result.warnings)


@pytest.mark.parametrize("colour", COLOURS)
def test_the_settings_say_who_does_an_operation(colour: str) -> None:
    """Chains that were made for chats lead to the same driver only, with the model of the call."""
    with ExitStack() as stack:
        servers = serve(stack, eu=BROKEN, us=VECTOR)
        made = settings(servers, claude={"driver": "anthropic", "api_key": "key-of-a-test"})
        made["eu"]["fallback"] = ["claude/claude-x", "eu/gpt-5-mini", "us/gpt-5"]
        result, _ = run(colour, made, "eu", lambda p: p.embed("a", model="m"))
        assert [(a.provider, a.model) for a in result.attempts] == [("eu", "m"), ("us", "m")]
        made["eu"]["operation_fallback"] = {"embed": ["us/other"]}
        result, _ = run(colour, made, "eu", lambda p: p.embed("a", model="m"))
        assert [(a.provider, a.model) for a in result.attempts] == [("eu", "m"), ("us", "other")]


@pytest.mark.parametrize("colour", COLOURS)
def test_texts_that_are_done_are_not_embedded_again_by_the_same_model(colour: str) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(Server(*one_by_one(many(2048), BROKEN)))
        second = stack.enter_context(Server(*([[READ, many(10), AGAIN]] * 2)))
        made = settings({"eu": first, "us": second})
        result, _ = run(colour, made, "pool", lambda p: p.embed(["a"] * 2058, model="m"))
        assert len(sent_json(second.requests[0])["input"]) == 10
    assert len(result.embeddings) == 2058
    assert [a.provider for a in result.attempts] == ["eu", "eu", "us"]


TOLD = {
    "id": "resp_1", "object": "response", "model": "m", "status": "completed",
    "output": [{"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Hi"}]}],
}  # fmt: skip
ENDED = f"data: {json.dumps({'type': 'response.completed', 'response': TOLD})}\n\n".encode()


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "options",
    [{"store": True}, {"background": True}, {"previous_response_id": "resp_0"}, {"conversation": "conv_1"}],
    ids=lambda options: next(iter(options)),
)
def test_a_chat_about_what_one_account_keeps_begins_at_the_first_member(
    colour: str, options: dict[str, Any], *, stream: bool
) -> None:
    """Other calls go to the other member then, which has had none yet."""

    def send(provider: Any, **given: Any) -> Any:
        if stream:
            return provider.send_streaming_message("Hi", model="m", **given).until_done()
        return provider.send_message("Hi", model="m", **given)

    def act(provider: Any) -> Any:
        wanted: list[dict[str, Any]] = [options, options, options, {}, {}]
        if colour == "blocking":
            return [send(provider, **given) for given in wanted]

        async def all_of_them() -> list[Any]:
            return [await send(provider, **given) for given in wanted]

        return all_of_them()

    answer = reply(ENDED, 200, {"content-type": "text/event-stream"}) if stream else json_reply(TOLD)
    with ExitStack() as stack:
        made = settings(serve(stack, eu=answer, us=answer))
        for name in ("eu", "us"):
            made[name]["api"] = "responses"
        results, _ = run(colour, made, "pool", act)
    assert [result.content for result in results] == ["Hi"] * 5
    assert [result.provider for result in results] == ["eu", "eu", "eu", "us", "us"]


def many(count: int) -> bytes:
    data = [{"index": index, "embedding": [1.0]} for index in range(count)]
    return json_reply({"data": data, "model": "m", "usage": {"prompt_tokens": count}})


def test_a_fallback_of_another_driver_needs_a_model() -> None:
    made = {"eu": {**PLAIN}, "jina": {"driver": "jina", "api_key": "key-of-a-test"}}
    with pytest.raises(ConfigurationError, match="name one with the fallback"):
        run("blocking", made, "eu", lambda p: p.embed("a", model="m", fallback="jina"))


def test_the_settings_know_the_operations_that_any_account_can_do() -> None:
    read = KINDS["operation_names"]
    assert set(read({kind.method: ["a"] for kind in OPERATIONS.values() if kind.is_stateless}))
    for kind in OPERATIONS.values():
        if not kind.is_stateless:
            with pytest.raises(ValueError, match=kind.method):
                read({kind.method: ["a"]})


@pytest.mark.parametrize("colour", COLOURS)
def test_lists_of_models_are_those_of_the_first_member_that_answers(colour: str) -> None:
    with ExitStack() as stack:
        servers = serve(stack, eu=BROKEN, us=json_reply({"data": [{"id": "m"}]}))
        made = settings(servers)
        models, _ = run(colour, made, "pool", lambda p: p.get_available_models())
        assert [model.id for model in models] == ["m"]
        model, _ = run(colour, made, "pool", lambda p: p.get_model("m"))
        assert model.id == "m"
        report, _ = run(colour, made, "pool", lambda p: p.validate_credentials())
        assert not report
        assert [error[:3] for error in report.errors] == ["eu:"]
        health, _ = run(colour, made, "pool", lambda p: p.get_health())
        assert (health.status, health.message[:3]) == ("degraded", "eu:")
        assert health.recent.attempts == 2
