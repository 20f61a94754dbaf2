"""Made-up answers arrive, and fail, as real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from polydriver.data.http import Reply, Request, Simulated
from polydriver.engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from polydriver.errors import APIConnectionError, APITimeoutError, InvalidResponseError

from .clients import post, within

Run = Callable[[Simulated, float], tuple[Reply, list[bytes]]]


def run_blocking(answer: Simulated, seconds: float) -> tuple[Reply, list[bytes]]:
    transport = SimulatedTransport(lambda request: answer)
    body = transport.open(post("http://offline/"), within(seconds))
    body.expires = within(seconds).expires
    pieces = list(iter(body.read, b""))
    body.close()
    return transport.send(post("http://offline/"), within(seconds)), pieces


def run_async(answer: Simulated, seconds: float) -> tuple[Reply, list[bytes]]:
    async def main() -> tuple[Reply, list[bytes]]:
        transport = AsyncSimulatedTransport(lambda request: answer)
        body = await transport.open(post("http://offline/"), within(seconds))
        body.expires = within(seconds).expires
        pieces = []
        while piece := await body.read():
            pieces.append(piece)
        await body.aclose()
        return await transport.send(post("http://offline/"), within(seconds)), pieces

    return asyncio.run(main())


@pytest.fixture(params=[run_blocking, run_async], ids=["blocking", "async"])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_clean_answer(run: Run) -> None:
    answer = Simulated(status=201, headers={"a": "b"}, chunks=[b"one", b"", b"two"], delays=[0.001])
    whole, pieces = run(answer, 5)
    assert (whole.status, whole.headers, whole.body) == (201, {"a": "b"}, b"onetwo")
    assert pieces == [b"one", b"two"]


@pytest.mark.parametrize(
    ("answer", "error", "phase"),
    [
        (Simulated(end="refuse"), APIConnectionError, "connect"),
        (Simulated(end="timeout"), APITimeoutError, "headers"),
        (Simulated(chunks=[b"a"], end="cut"), APIConnectionError, "read"),
        (Simulated(chunks=[b"a"], end="stall"), APITimeoutError, "idle"),
        (Simulated(chunks=[b"a", b"b"], delays=[0.0, 60.0]), APITimeoutError, "idle"),
    ],
)
def test_failures(run: Run, answer: Simulated, error: type[Exception], phase: str) -> None:
    with pytest.raises(error) as caught:
        run(answer, 0.02)
    assert caught.value.details["phase"] == phase  # type: ignore[attr-defined]


def test_the_request_decides_and_the_size_is_bounded() -> None:
    seen: list[Request] = []

    def simulate(request: Request) -> Simulated:
        seen.append(request)
        return Simulated(chunks=[b"a" * 10] * 10)

    transport = SimulatedTransport(simulate)
    assert len(transport.send(post("http://offline/", b"q"), within()).body) == 100
    assert seen[0].body == b"q"
    with pytest.raises(InvalidResponseError):
        transport.send(post("http://offline/"), within(max_bytes=99))


def test_a_closed_answer_gives_no_more() -> None:
    body = SimulatedTransport(lambda request: Simulated(chunks=[b"a"])).open(post("http://offline/"), within())
    body.close()
    with pytest.raises(APIConnectionError):
        body.read()
