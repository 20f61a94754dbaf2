"""Replies without success whose bodies are broken, over every client: the status and the headers are the answer."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import pytest
from tests.faults.server import CLOSE, HANG, READ, RESET, Server, Step, reply

from polydriver.data.http import Reply
from polydriver.engine.transports.refused import REFUSED_BODY_BYTES, body_limits
from polydriver.errors import ProviderError

from .clients import Client, patient, post, within

BODY = b'{"error": {"message": "no such key"}}'
START = BODY[:20]
CUT_ZIP = gzip.compress(BODY)[:20]
HEADERS = {"connection": "close", "retry-after": "7", "x-request-id": "r1"}


def _start(status: int, framing: str, rest: bytes) -> bytes:
    name, _, value = framing.partition(": ")
    return reply(b"", status, {**HEADERS, name: value}, length=False) + rest


def _bodies(status: int) -> dict[str, Sequence[Step]]:
    """What follows a request, by what is wrong with it."""
    long = f"content-length: {len(BODY)}"
    return {
        "cut": [_start(status, long, START), CLOSE],
        "reset": [_start(status, long, START), 0.05, RESET],
        "no start": [_start(status, long, b""), CLOSE],
        "stalled": [_start(status, long, START), HANG],
        "endless": [_start(status, f"content-length: {1 << 40}", b"x" * (REFUSED_BODY_BYTES + 100_000)), HANG],
        "cut chunk": [_start(status, "transfer-encoding: chunked", b"ff\r\n" + START), CLOSE],
        "bad chunk": [_start(status, "transfer-encoding: chunked", b""), b"zz\r\n" + START, CLOSE],
        "corrupt": [_start(status, "content-encoding: gzip", START), CLOSE],
        "cut zip": [_start(status, "content-encoding: gzip", CUT_ZIP), CLOSE],
    }


FAULTS = list(_bodies(401))


@pytest.mark.parametrize("status", [302, 401, 429, 503])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_status_is_the_answer_whatever_its_body_is(client: Client, fault: str, status: int) -> None:
    with Server([READ, *_bodies(status)[fault]]) as server:
        answer = client.send(post(server.url), patient(0.3) if fault == "stalled" else within(30.0))
    assert (answer.status, answer.headers["retry-after"], answer.request_id) == (status, "7", "r1")
    assert len(answer.body) <= REFUSED_BODY_BYTES
    if fault in ("cut", "stalled"):
        assert answer.body == START


@pytest.mark.parametrize("framing", ["content-length: many", "transfer-encoding: strange", "content-encoding: strange"])
@pytest.mark.parametrize("name", ["urllib3", "aiohttp"])
def test_a_body_that_cannot_be_framed_is_left_out(name: str, framing: str) -> None:
    from polydriver.data.http import TransportConfig

    from .clients import client_for

    client = client_for(name, TransportConfig())
    try:
        with Server([READ, _start(503, framing, b"zz\r\n"), CLOSE]) as server:
            assert client.send(post(server.url), within()).status == 503
    finally:
        client.close()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("endless", "stalled")])
def test_a_success_whose_body_is_broken_is_an_error_that_says_which_reply_it_was(client: Client, fault: str) -> None:
    with Server([READ, *_bodies(200)[fault]]) as server, pytest.raises(ProviderError) as caught:
        client.send(post(server.url), within())
    assert (caught.value.status, caught.value.request_id) == (200, "r1")


def test_the_body_of_a_refusal_has_ten_seconds_and_never_more_than_the_call() -> None:
    limits = patient(silence=600.0, deadline=1800.0)
    now = limits.expires - 600.0
    assert body_limits(200, limits, now) is limits
    assert body_limits(503, limits, now).after(now) == now + 10.0
    assert body_limits(503, limits, now).after(now + 9.0) == now + 10.0
    assert body_limits(503, within(1.0), now).after(now) <= now + 2.0


def test_a_refusal_that_is_whole_is_kept_whole(client: Client) -> None:
    with Server([READ, reply(gzip.compress(BODY), 400, {**HEADERS, "content-encoding": "gzip"}), CLOSE]) as server:
        answer: Reply = client.send(post(server.url), within())
    assert answer.body == BODY
