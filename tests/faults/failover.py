"""Sixteen faults of providers, for any client that can ask another target: what happens, and what must come of it.

Each case has a hostile first server and good others. `Client` is what is tested: `tests/faults/test_failover.py` runs
polydriver, `benchmarks/faults.py` other libraries as well. Only the standard library is imported here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from .server import CLOSE, HANG, READ, RESET, Script, Server, Step, chunked, reply

__all__ = ["CASES", "KEY", "PATIENCE", "Case", "Client", "Target", "Told", "run"]

KEY = "sk-0123456789abcdef"
PATIENCE = 2.0
"""Seconds that clients wait for a first content, and for the next piece of a stream."""

_STREAM = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
_WORDS = ("One", " two", " three", " four", " five", " six")


@dataclass(frozen=True)
class Target:
    """Whom to ask: a model of a service (`openai` or `anthropic`) at an address without a path."""

    name: str
    url: str
    service: str = "openai"
    model: str = "gpt-4o-mini"


@dataclass
class Told:
    """What a caller saw: the text, or what came of it before `error` (the name of its class).

    - `complete`: whether the answer was said to be whole.
    - `attempts`: the targets of all attempts with their errors (`None` for none), oldest first, where the client tells.
    - `used`: tokens that are accounted for, where the client tells.
    """

    text: str = ""
    error: str | None = None
    complete: bool = True
    attempts: list[tuple[str, str | None]] | None = None
    used: int | None = None


class Client(Protocol):
    """A client with the first target, and the others as its fallbacks, made anew for each case."""

    def ask(self, *, stream: bool, prefill: str | None = None) -> Told:
        """Ask once; errors of the library are told and not raised. May be called from many threads."""

    def close(self) -> None:
        """Let go of everything."""


Make = Callable[[Sequence[Target]], Client]


@dataclass(frozen=True)
class Case:
    """A fault: what the first server does, and `judge`, which gives what is wrong with how a client took it.

    `first` has a script for each connection to the first server; `others` the same for the further ones.
    """

    name: str
    first: Sequence[Script]
    judge: Callable[[Client, list[Server]], Iterator[str]]
    others: Sequence[Sequence[Script]] = field(default_factory=lambda: [[_GOOD]])
    targets: Sequence[tuple[str, str]] = (("openai", "gpt-4o-mini"), ("openai", "gpt-4.1"))


def run(case: Case, make: Make) -> list[str]:
    """What is wrong with how a client took the fault: nothing, if it passed."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(*scripts)) for scripts in (case.first, *case.others)]
        names = ("first", "second", "third")
        client = make(
            [
                Target(name, server.url, service, model)
                for name, server, (service, model) in zip(names, servers, case.targets, strict=False)
            ]
        )
        try:
            return list(case.judge(client, servers))
        finally:
            client.close()


def _event(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini", "choices": [choice]}
    return b"data: " + json.dumps({**chunk, **more}).encode() + b"\n\n"


def _whole(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
        }
    ).encode()


def _claude(text: str) -> bytes:
    return json.dumps(
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 4},
        }
    ).encode()


def _failure(status: int, code: str, message: str, **headers: str) -> Script:
    body = json.dumps({"error": {"message": message, "type": code, "code": code, "param": None}}).encode()
    return [READ, reply(body, status, {"content-type": "application/json", **headers}), CLOSE]


def _answer(body: bytes) -> Script:
    return [READ, reply(body, headers={"content-type": "application/json"}), CLOSE]


def _streamed(*events: bytes, end: bool = True) -> list[Step]:
    return [READ, reply(headers=_STREAM, length=False) + chunked(*events, end=end)]


_TEXTS = [_event({"content": word}) for word in _WORDS]
_DONE = (_event(finish="stop"), b"data: [DONE]\n\n")
_START = _event({"role": "assistant", "content": ""})
_GOOD = _answer(_whole("rescued"))
_GOOD_STREAM = [*_streamed(_START, _event({"content": "rescued"}), *_DONE), CLOSE]
_DOWN = _failure(503, "service_unavailable", "down for maintenance")
_BUSY = _failure(429, "rate_limit_exceeded", "too many requests")


def _is_answered(told: Told, text: str = "rescued") -> Iterator[str]:
    if told.error is not None:
        yield f"raised {told.error}"
    elif told.text != text:
        yield f"the text is {told.text!r}"


def _answered(client: Client, _: list[Server]) -> Iterator[str]:
    yield from _is_answered(client.ask(stream=False))


def _answered_stream(client: Client, _: list[Server]) -> Iterator[str]:
    yield from _is_answered(client.ask(stream=True))


def _after_a_while(client: Client, servers: list[Server]) -> Iterator[str]:
    yield from _is_answered(client.ask(stream=False))
    times = [request.at for request in servers[0].requests]
    if any(later - earlier < 1.0 for earlier, later in pairwise(times)):
        yield "the first was asked again before its Retry-After"


def _broken(client: Client, _: list[Server]) -> Iterator[str]:
    """After its first content a stream that breaks has to say so; another one may go on from what came, not anew."""
    told = client.ask(stream=True)
    if told.error is None and told.complete:
        yield f"a broken stream looks whole: {told.text!r}"
    if not told.text.startswith("One two"):
        yield f"what came before is lost: {told.text!r}"
    if "rescued" in told.text:
        yield f"another answer was mixed in: {told.text!r}"


def _filtered(client: Client, servers: list[Server]) -> Iterator[str]:
    told = client.ask(stream=False)
    if told.error is None:
        yield "no error was raised"
    if servers[1].requests:
        yield "another provider was asked around the content filter"


def _prefilled(client: Client, _: list[Server]) -> Iterator[str]:
    yield from _is_answered(client.ask(stream=False, prefill="The answer is"))


def _outage(client: Client, servers: list[Server]) -> Iterator[str]:
    """Fifty callers, ten calls each, while the first is down; then it is back, and has to be found again."""
    found: list[Told] = []

    def call() -> None:
        for _ in range(10):
            found.append(client.ask(stream=False))

    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bad = [problem for told in found for problem in _is_answered(told)]
    if bad:
        yield f"{len(bad)} of {len(found)} calls failed: {bad[0]}"
    sent = len(servers[0].requests)
    if sent > 100:
        yield f"the first got {sent} requests while it was down"
    servers[0].change(_answer(_whole("back")))
    for _ in range(300):
        if client.ask(stream=False).text == "back":
            return
        threading.Event().wait(0.01)  # a circuit opens its door by the clock
    yield "the first was not asked again when it was back"


def _accounted(client: Client, _: list[Server]) -> Iterator[str]:
    told = client.ask(stream=False)
    yield from _is_answered(told)
    if told.attempts is None:
        yield "nothing is told of the attempts"
        return
    targets = [target for target, _ in told.attempts]
    errors = [error for _, error in told.attempts]
    if targets[0] != "first" or errors[0] is None:
        yield f"the failed attempt is not told: {told.attempts}"
    if targets[-1] != "second" or errors[-1] is not None:
        yield f"the one that succeeded is not told: {told.attempts}"
    if told.used is None or told.used < 14:
        yield f"what they used is not told: {told.used}"


_LONG = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens."
_FILTER = "The response was filtered due to the prompt triggering our content management policy."
_NO_PREFILL = json.dumps(
    {"type": "error", "error": {"type": "invalid_request_error", "message": "Prefilling is not supported."}}
).encode()
_TORN = b'data: {"choices": [{"del\n\n'
_CUT = _streamed(_START, *_TEXTS[:4], end=False)
_STREAMS = [[_GOOD_STREAM]]

CASES = (
    Case("429 with Retry-After", [_failure(429, "rate_limit_exceeded", "slow down", **{"retry-after": "1"}), _GOOD],
         _after_a_while),
    Case("429 without Retry-After", [_BUSY, _GOOD], _answered),
    Case("500 once", [_failure(500, "server_error", "oops"), _GOOD], _answered),
    Case("503", [_DOWN], _answered),
    Case("reset", [[READ, RESET]], _answered),
    Case("silence", [[READ, HANG]], _answered),
    Case("slow first token", [[*_streamed(_START, end=False), HANG]], _answered_stream, _STREAMS),
    Case("cut at two thirds", [[*_CUT, RESET]], _broken, _STREAMS),
    Case("stall", [[*_CUT, HANG]], _broken, _STREAMS),
    Case("broken chunk", [[*_streamed(_START, *_TEXTS[:4], _TORN, *_TEXTS[5:], *_DONE), CLOSE]], _broken, _STREAMS),
    Case("no end mark", [[*_streamed(_START, *_TEXTS), CLOSE]], _broken, _STREAMS),
    Case("context length, and a larger model", [_failure(400, "context_length_exceeded", _LONG)], _answered),
    Case("content filter", [_failure(400, "content_filter", _FILTER)], _filtered),
    Case(
        "a fallback that refuses prefill",
        [_failure(529, "overloaded_error", "Overloaded")],
        _prefilled,
        [[[READ, reply(_NO_PREFILL, 400), CLOSE]], [_answer(_claude("rescued"))]],
        (("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-6"), ("anthropic", "claude-haiku-4-5")),
    ),
    Case("an outage, and its end", [_DOWN], _outage),
    Case("accounting of failed attempts", [_DOWN], _accounted),
)  # fmt: skip
