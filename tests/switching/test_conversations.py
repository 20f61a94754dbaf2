"""Whole conversations over loopback that change the connection in the middle, blocking and async."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tests.faults.server import AGAIN, READ, Script, Server, reply

from polydriver import AI, AsyncAI
from polydriver.data.messages import AIMessage, Image
from polydriver.data.responses import AIResponse
from polydriver.drivers import driver_class
from polydriver.errors import UnsupportedFeatureError

from .checks import check_calls, check_turns
from .histories import IMAGE, WEATHER, answer_calls
from .wires import NAMES, WIRES, Wire, validate

JSON = {"content-type": "application/json"}
AROUND = [
    pytest.param(WIRES[first], WIRES[second], id=f"{first}-{second}")
    for first, second in itertools.pairwise([*NAMES, NAMES[0]])
]


def answers(wire: Wire, *kinds: str) -> list[Script]:
    """Return scripts for a server that gives these replies of the wire, whatever the number of connections."""
    return [[step for kind in kinds for step in (READ, reply(json.dumps(wire.replies[kind]).encode(), headers=JSON))]]


@contextmanager
def connections(**scripts: tuple[Wire, list[Script]]) -> Iterator[tuple[dict[str, Any], dict[str, Server]]]:
    """Serve each connection from a server of its own; gives the configuration and the servers."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(Server(*script)) for name, (_, script) in scripts.items()}
        providers = {}
        for name, (wire, _) in scripts.items():
            known = wire.driver.config
            settings = {"driver": known.name, "api_key": "sk-test-0123456789", "base_url": servers[name].url}
            settings |= {key: known.settings[key] for key in ("region", "api") if known.settings.get(key)}
            providers[name] = {**settings, "default_model": wire.model, "retry_attempts": 1, "timeout": 5}
        yield {"providers": providers, "default": next(iter(providers))}, servers


def received(server: Server) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in server.requests]


def hold_blocking(config: dict[str, Any], question: AIMessage) -> list[AIResponse]:
    with AI(config) as ai:
        chat = ai.conversation().provider("first").system("Be brief.").tools(WEATHER)
        called = chat.message(question).send()
        chat.messages(answer_calls(called.to_message()))
        answered = chat.provider("second").send()
        back = chat.provider("first").message("And tomorrow?").send()
        return [called, answered, back]


async def hold_async(config: dict[str, Any], question: AIMessage) -> list[AIResponse]:
    async with AsyncAI(config) as ai:
        chat = ai.conversation().provider("first").system("Be brief.").tools(WEATHER)
        called = await chat.message(question).send()
        chat.messages(answer_calls(called.to_message()))
        answered = await chat.provider("second").send()
        back = await chat.provider("first").message("And tomorrow?").send()
        return [called, answered, back]


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize(("first", "second"), AROUND)
def test_another_provider_answers_in_the_middle_of_tool_calls(first: Wire, second: Wire, colour: str) -> None:
    sees = first.driver.supports_vision()
    question = AIMessage.user(["What of the weather there?", *([IMAGE] if sees else [])])
    scripts = {"first": (first, answers(first, "calls", "answer")), "second": (second, answers(second, "answer"))}
    with connections(**scripts) as (config, servers):
        held = hold_blocking(config, question) if colour == "blocking" else asyncio.run(hold_async(config, question))
        bodies = received(servers["first"]), received(servers["second"])
    assert len(held[0].tool_calls) == 2
    assert [answer.content for answer in held[1:]] == ["Rain in Paris."] * 2
    assert (len(bodies[0]), len(bodies[1])) == (2, 1)
    for wire, body in ((second, bodies[1][0]), (first, bodies[0][1])):
        validate(wire, body)
        assert len(check_calls(wire, body)) == 2
        check_turns(wire, body)
    assert [warning for warning in held[1].warnings if "image input" in warning] == (
        ["image input is not read here; a note took its place in the history."]
        if sees and not second.driver.supports_vision()
        else []
    )


def test_the_model_stays_with_its_kind_of_provider() -> None:
    chat_wire, claude = WIRES["chat_completions"], WIRES["messages"]
    scripts = {
        "first": (chat_wire, answers(chat_wire, "answer", "answer")),
        "second": (claude, answers(claude, "answer", "answer")),
        "third": (claude, answers(claude, "answer")),
    }
    with connections(**scripts) as (config, servers), AI(config) as ai:
        chat = ai.conversation().provider("first").model("gpt-special")
        chat.send("One.")
        chat.provider("second").send("Two.")
        chat.provider("first").send("Three.")
        chat.provider("second").model("claude-special").send("Four.")
        chat.provider("third").send("Five.")
        models = {name: [body["model"] for body in received(server)] for name, server in servers.items()}
    assert models == {
        "first": ["gpt-special", "gpt-special"],
        "second": ["claude-sonnet-4-5", "claude-special"],
        "third": ["claude-special"],
    }


def test_a_streamed_answer_is_gone_on_with_by_another_provider() -> None:
    """Claude streams reasoning and calls; OpenAI gets the calls and the results, and no signature."""
    claude, openai = WIRES["messages"], WIRES["responses"]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**claude.replies["calls"], "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hidden."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "b3BhcXVlOQ=="}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "toolu_s1", "name": "weather", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"city": "Paris"}'},
        },
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
    stream: list[Script] = [[READ, reply(body, headers={"content-type": "text/event-stream"}), AGAIN]]
    with (
        connections(first=(claude, stream), second=(openai, answers(openai, "answer"))) as (config, servers),
        AI(config) as ai,
    ):
        chat = ai.conversation().provider("first").tools(WEATHER).message("Weather?")
        with chat.stream() as chunks:
            for _ in chunks:
                pass
        chat.messages(answer_calls(chat.history[-1]))
        assert chat.provider("second").send().content == "Rain in Paris."
        sent = received(servers["second"])[0]
    validate(openai, sent)
    assert check_calls(openai, sent) == ["toolu_s1"]
    assert "b3BhcXVlOQ" not in json.dumps(sent)
    assert "Hidden." not in json.dumps(sent)


def test_an_image_in_the_newest_turn_is_refused_before_the_request() -> None:
    driver = driver_class("deepseek")({"api_key": "test-0123456789abcdef", "base_url": "http://127.0.0.1:9"})
    with pytest.raises(UnsupportedFeatureError, match="image input"):
        driver.send_messages([AIMessage.user([Image.from_bytes(b"x", "image/png")])], model="deepseek-chat")
