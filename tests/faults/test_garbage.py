"""Streams that the garbage collector finds, in whatever order it takes them and their sockets."""

from __future__ import annotations

import gc
import json

import pytest

from polydriver import AI

from .asking import head, hello
from .callers import KEY
from .scenarios import WIRES
from .server import HANG, READ, Server, chunked, reply

CHAT = WIRES[0]


@pytest.mark.parametrize("http_client", ["urllib3", "httpx2"])
@pytest.mark.parametrize("kept", [False, True])
def test_a_stream_in_a_circle_ends_its_call(http_client: str, *, kept: bool) -> None:
    begun = head(CHAT) + chunked(*CHAT.frames(*hello(CHAT)), end=False)
    whole = [READ, reply(json.dumps(CHAT.whole()).encode())]  # its socket is kept, is older, and goes first
    settings = {"api_key": KEY, "default_model": CHAT.model, "options": CHAT.options}
    settings |= {"rate_limiting": {"max_concurrent": 2}, "http": {"http_client": http_client}}
    with Server([*(whole if kept else []), READ, begun, HANG]) as server:
        ai = AI({"providers": {"openai": {**settings, "base_url": f"{server.url}/v1"}}})
        provider = ai.provider("openai")
        if kept:
            provider.send_message("Hi")
            gc.collect()
        with ai.connections.bus.capture() as events:
            stream = provider.send_streaming_message("Hi")
            next(stream)
            circle: list[object] = [stream]
            circle.append(circle)
            del stream, circle
            gc.collect()  # an error that nobody can catch fails the test
        assert server.wait_hung_up()
        assert server.connections == 1
        assert [event.name for event in events] == [
            "MessageSent",
            "AttemptFinished",
            "CostCalculated",
            "StreamAbandoned",
        ]
        assert ai.health()["openai"].limits[-1]["used"] == 0.0
        ai.close()
