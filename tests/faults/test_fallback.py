"""A hostile first provider and a good second one: over sockets, in both colours, streamed and not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from polydriver import AIResponse, InvalidRequestError, OpenAIDriver, StreamInterruptedError

from .server import CLOSE, HANG, READ, RESET, Script, Server, reply
from .test_streams import DONE, END, HEAD, HELLO, event, framed

pytestmark = pytest.mark.filterwarnings("ignore")

KEY = "sk-0123456789abcdef"
WHOLE = json.dumps(
    {
        "id": "c2",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "rescued"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
).encode()
RESCUED = HEAD + framed(event({"content": "rescued"}), event(finish="stop"), DONE) + END
LONG = json.dumps({"error": {"code": "context_length_exceeded", "message": "too long"}}).encode()
FILTERED = json.dumps({"error": {"code": "content_filter", "message": "no"}}).encode()
FAULTS: dict[str, Script] = {
    "429": [READ, reply(b"{}", 429)],
    "429 with Retry-After": [READ, reply(b"{}", 429, {"retry-after": "3600"})],
    "500": [READ, reply(b"{}", 500)],
    "503": [READ, reply(b"busy", 503)],
    "401": [READ, reply(b"{}", 401)],
    "reset": [READ, RESET],
    "closed": [READ, CLOSE],
    "silence": [READ, HANG],
    "not JSON": [READ, reply(b"<html>", 200)],
    "a stream that says nothing": [READ, HEAD, HANG],
    "a stream without content or end mark": [READ, HEAD + END],
    "a stream that is broken at once": [READ, HEAD + framed(b"data: {nonsense\n\n") + END],
}
HOWS = ("blocking", "blocking stream", "async", "async stream")


def driver(server: Server, **settings: Any) -> OpenAIDriver:
    quick: dict[str, Any] = {"retry_attempts": 1, "first_content_timeout": 0.3, "default_model": "gpt-4o-mini"}
    return OpenAIDriver({"api_key": KEY, "base_url": server.url, "api": "chat", **quick, **settings})


def ask(how: str, first: OpenAIDriver, second: OpenAIDriver) -> AIResponse:
    if how == "blocking":
        return first.send_message("Hi", fallback=second)
    if how == "blocking stream":
        return first.send_streaming_message("Hi", fallback=second).until_done()

    async def main() -> AIResponse:
        async with first.asynchronous() as provider:
            if how == "async":
                return await provider.send_message("Hi", fallback=second)
            return await provider.send_streaming_message("Hi", fallback=second).until_done()

    return asyncio.run(main())


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_second_provider_answers(how: str, fault: str) -> None:
    good: Script = [READ, RESCUED] if how.endswith("stream") else [READ, reply(WHOLE)]
    with Server(FAULTS[fault]) as bad, Server(good) as other:
        answer = ask(how, driver(bad, name="first"), driver(other, name="second"))
        assert answer.content == "rescued"
        assert [a.provider for a in answer.attempts] == ["first", "second"]
        assert answer.attempts[0].error is not None
        assert len(other.requests) == 1


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("body", "status"), [(FILTERED, 400), (b"{}", 400), (b"{}", 404), (LONG, 400)])
def test_the_second_provider_is_not_asked(how: str, body: bytes, status: int) -> None:
    with Server([READ, reply(body, status)]) as bad, Server([READ, reply(WHOLE)]) as other:
        with pytest.raises(InvalidRequestError):
            ask(how, driver(bad), driver(other))
        assert not other.requests


@pytest.mark.parametrize("how", ["blocking stream", "async stream"])
@pytest.mark.parametrize("end", [CLOSE, RESET, END, framed(b"data: {nonsense\n\n") + END])
def test_a_stream_that_breaks_in_the_middle_raises_what_came(how: str, end: Any) -> None:
    with Server([READ, HEAD + HELLO, 0.05, end]) as bad, Server([READ, RESCUED]) as other:
        with pytest.raises(StreamInterruptedError) as caught:
            ask(how, driver(bad), driver(other))
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Hello"
        assert not other.requests
