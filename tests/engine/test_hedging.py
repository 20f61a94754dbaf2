"""A second request beside one that is late: which one counts, in which order things happen, what is kept of both."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from tests.engine.gates import LeaseLog
from tests.faults.server import HANG, READ, Script, Server, chunked, reply
from tests.wires.speakers import SPEAKERS

from polydriver import (
    AI,
    AIError,
    AIResponse,
    AttemptFinished,
    BudgetExceededError,
    CostCalculated,
    Event,
    InvalidRequestError,
    LimitReached,
    MessageSent,
    OpenAIDriver,
    ProviderClosedError,
    ProviderFellBack,
    RequestFailed,
    RequestHedged,
    RequestRetried,
    ResponseGenerated,
    ServerError,
    StreamAbandoned,
)
from polydriver.config.storage import StorageConfig
from polydriver.data.messages import AIMessage
from polydriver.data.prompt import Prompt, ProviderTool
from polydriver.engine.policies import Outcome, Wait
from polydriver.engine.waiting import now
from polydriver.storage import Storage
from polydriver.storage.tables import attempts
from polydriver.testing.fixtures import fixtures_for
from polydriver.wires import WIRES, wire_class

JSON = {"content-type": "application/json", "connection": "close"}
EVENTS = {"content-type": "text/event-stream", "connection": "close"}
HOWS = ("blocking", "blocking stream", "async", "async stream")
SOON = {"enabled": True, "minimum_calls": 1, "percentile": 1.0, "max_ratio": 1.0}
"""One answer, and the next call is sent a second time where it is slower than that."""
LATE = 0.2
"""Seconds: long enough for a request to be the first one at the server."""

every_way = pytest.mark.parametrize("how", HOWS)


def answer(how: str, text: str = "Hello") -> bytes:
    """A reply as it is asked for."""
    if "stream" not in how:
        body = (
            b'{"id": "x", "model": "gpt-4o-mini", "choices": [{"index": 0, "message": {"content": "%s"},'
            b' "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}' % text.encode()
        )
        return reply(body, headers=JSON)
    lines = (
        b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n'
        % text.encode()
        + b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
        b'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}\n\ndata: [DONE]\n\n'
    )
    return reply(lines, headers=EVENTS)


def refusal(status: int) -> bytes:
    return reply(b'{"error": {"message": "no"}}', status, JSON)


def once(count: int) -> Callable[[Server], object]:
    """A step of a script: when so many requests have come."""
    return lambda server: server.wait_requests(count)


def prime(driver: Any, model: str = "gpt-4o-mini", count: int = 1) -> None:
    """Have so many whole answers and streams behind it."""
    connection = driver.connection
    for stream in (False, True):
        attempt: Any = SimpleNamespace(
            call=SimpleNamespace(hedging=True), prompt=Prompt(messages=[], model=model, stream=stream), hedges=None
        )
        for _ in range(count):
            lease = connection.hedging.admit(attempt, now())
            connection.hedging.settle(lease, Outcome(kind="success", first_content=LATE), now())


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Wait for what another thread is about to do."""
    ends = time.monotonic() + 30.0
    while not is_so() and time.monotonic() < ends:
        threading.Event().wait(0.01)
    return is_so()


class Case:
    """A driver with an answer behind it, and a server with these scripts."""

    def __init__(self, how: str, *scripts: Script, **settings: Any) -> None:
        self.how = how
        self.server = Server(*scripts)
        self.settings = {"timeout": 60.0, "default_model": "gpt-4o-mini", "retry_delay": 0.01, **settings}
        self.events: list[Event] = []

    def __enter__(self) -> Case:
        self.server.__enter__()
        options = {"api": "chat", **self.settings.pop("options", {})}
        address = f"{self.server.url}/v1"
        hedging = {**SOON, **self.settings.pop("hedging", {})}
        self.driver = OpenAIDriver(
            {"api_key": "sk-0123456789abcdef"}, base_url=address, options=options, hedging=hedging, **self.settings
        )
        prime(self.driver)
        self.driver.on("*", self.events.append)
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.close()
        self.server.__exit__(None, None, None)

    def ask(self, **options: Any) -> AIResponse:
        return ask(self.driver, self.how.split()[0], stream="stream" in self.how, **options)

    def check(self, attempts: list[tuple[int, str, bool]]) -> None:
        """These are the attempts, in the order in which they ended; nothing is left open."""
        ended = [event.attempt for event in self.events if isinstance(event, AttemptFinished)]
        assert [(one.number, one.outcome, one.hedge) for one in ended] == attempts
        assert [type(event) for event in self.events].count(MessageSent) == 1
        assert wait_until(lambda: not self.driver.connection.outstanding), "also of one that was not sent after all"
        assert len(self.driver.connection.running) == 0

    def count(self, *kinds: type[Event]) -> int:
        return sum(isinstance(event, kinds) for event in self.events)


@every_way
def test_calls_that_are_not_hedged_say_nothing_of_those_that_are(how: str) -> None:
    with Case(how, [READ, answer(how), READ, answer(how)], hedging={"minimum_calls": 2}) as case:
        attempt: Any = SimpleNamespace(
            call=SimpleNamespace(hedging=True),
            prompt=Prompt(messages=[], model="m", stream="stream" in how),
            hedges=None,
        )
        for hedged, known in ((False, False), (True, False)):
            case.ask(model="m", hedging=hedged)
            assert (case.driver.connection.hedging.late_after(attempt, now()) is not None) == known
        assert case.count(RequestHedged) == 0
        case.driver.connection.hedging.settle(
            case.driver.connection.hedging.admit(attempt, now()), Outcome(kind="success", first_content=LATE), now()
        )
        assert case.driver.connection.hedging.late_after(attempt, now()) is not None, "the hedged one was counted"


@every_way
def test_the_second_answers_first(how: str) -> None:
    header = {"idempotency_header": "Idempotency-Key"}
    with Case(how, [READ, HANG], [READ, once(2), answer(how, "Quick")], **header) as case:
        response = case.ask()
        assert case.server.wait_hung_up(1), "the connection of the other is closed"
        assert response.content == "Quick"
        case.check([(1, "cancelled", False), (2, "success", True)])
        lost, won = response.attempts
        assert won.cost == response.cost
        assert won.usage == response.usage
        assert lost.usage is not None
        assert lost.usage.estimated
        assert lost.usage.input_tokens
        assert lost.cost is not None
        assert lost.cost.estimated
        (told,) = (event for event in case.events if isinstance(event, RequestHedged))
        assert told.attempt == 1
        assert told.delay > 0
        assert case.count(RequestFailed, RequestRetried) == 0
        assert (case.count(ResponseGenerated), case.count(CostCalculated)) == (1, 1)
        first, second = case.server.requests
        assert first.body == second.body
        keys = {one.headers["idempotency-key"] for one in (first, second)}
        assert len(keys) == 2, "each is a request of its own for the service"


@every_way
def test_the_first_answers_after_all(how: str) -> None:
    with Case(how, [READ, once(2), answer(how, "Slow")], [READ, HANG]) as case:
        response = case.ask()
        assert case.server.wait_hung_up(1)
        assert response.content == "Slow"
        case.check([(2, "cancelled", True), (1, "success", False)])
        assert [one.cost is not None for one in response.attempts] == [True, True]
        assert response.attempts[-1].cost == response.cost


@every_way
@pytest.mark.parametrize("status", [500, 429])
def test_one_that_fails_leaves_it_to_the_other(how: str, status: int) -> None:
    ended = threading.Event()
    with Case(how, [READ, once(2), refusal(status)], [READ, lambda _: ended.wait(30), answer(how, "Second")]) as case:
        case.driver.on(AttemptFinished, lambda _: ended.set())
        assert case.ask().content == "Second"
        case.check([(1, "failure", False), (2, "success", True)])
        assert case.count(RequestRetried) == 0
    after_the_other = [READ, lambda server: server.wait_hung_up(1), answer(how, "First")]
    with Case(how, after_the_other, [READ, refusal(status), HANG]) as case:
        assert case.ask().content == "First"
        case.check([(2, "failure", True), (1, "success", False)])


@every_way
def test_retries_come_after_both_and_then_fallbacks(how: str) -> None:
    failing = ([READ, once(2), refusal(500)], [READ, refusal(503)])
    with Case(how, *failing, [READ, answer(how, "Third")], retry_attempts=2) as case:
        assert case.ask().content == "Third"
        ended = [event.attempt for event in case.events if isinstance(event, AttemptFinished)]
        assert {one.number: one.outcome for one in ended} == {1: "failure", 2: "failure", 3: "success"}
        assert case.count(RequestRetried) == case.count(RequestHedged) == 1, "and a call is hedged once"
        assert not case.driver.connection.outstanding
    with (
        Case(how, *failing, retry_attempts=1) as case,
        Server([READ, answer(how, "Elsewhere")]) as server,
        OpenAIDriver(
            {"api_key": "sk-0123456789abcdef", "name": "other"},
            base_url=f"{server.url}/v1",
            default_model="gpt-4o-mini",
            options={"api": "chat"},
        ) as other,
    ):
        response = case.ask(fallback=other)
        assert (response.content, response.provider) == ("Elsewhere", "other")
        assert [one.provider for one in response.attempts] == ["openai", "openai", "other"]
        assert case.count(ProviderFellBack) == 1


@every_way
def test_when_both_fail_the_call_does(how: str) -> None:
    with Case(how, [READ, once(2), refusal(500)], [READ, refusal(503)], retry_attempts=1) as case:
        with pytest.raises(ServerError) as caught:
            case.ask()
        assert len(caught.value.attempts) == 2
        assert case.count(RequestFailed) == 1


@every_way
def test_a_mistake_of_the_caller_ends_both(how: str) -> None:
    with Case(how, [READ, once(2), refusal(400)], [READ, HANG]) as case:
        with pytest.raises(InvalidRequestError):
            case.ask()
        assert case.server.wait_hung_up(1)
        case.check([(1, "failure", False), (2, "cancelled", True)])


@pytest.mark.parametrize("how", ["blocking stream", "async"])
def test_the_time_to_the_first_content_counts_for_both(how: str) -> None:
    with (
        Case(how, [READ, HANG], [READ, HANG], first_content_timeout=1.5, retry_attempts=3) as case,
        Server([READ, answer(how, "Elsewhere")]) as server,
        OpenAIDriver(
            {"api_key": "sk-0123456789abcdef", "name": "other"},
            base_url=f"{server.url}/v1",
            default_model="gpt-4o-mini",
            options={"api": "chat"},
        ) as other,
    ):
        response = case.ask(fallback=[other])
        assert response.content == "Elsewhere"
        assert {(one.number, one.provider, one.outcome) for one in response.attempts} == {
            (1, "openai", "failure"),
            (2, "openai", "failure"),
            (3, "other", "success"),
        }
        assert case.server.wait_hung_up(2)


STATEFUL: list[dict[str, Any]] = [
    {"store": True},
    {"extra": {"store": True}},
    {"api": "responses"},
    {"api": "responses", "store": True},
    {"api": "responses", "store": False, "previous_response_id": "resp_1"},
    {"api": "responses", "store": False, "background": True},
    {"api": "responses", "store": False, "conversation": "conv_1"},
    {"api": "responses", "store": False, "extra": {"background": True}},
    {"api": "responses", "store": False, "tools": [ProviderTool(data={"type": "web_search"})]},
    {"extra": {"tools": [{"type": "code_interpreter"}]}},
    {"extra_headers": {"idempotency-key": "mine"}},
    {"queue": "batch"},
    {"hedging": False},
]


def test_what_leaves_state_at_the_service_is_never_sent_twice() -> None:
    with Case("blocking", [READ, 0.5, refusal(400)]) as case:
        prime(case.driver, count=len(STATEFUL))
        threads = [threading.Thread(target=fail, args=(case, options)) for options in STATEFUL]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(case.server.requests) == len(STATEFUL)
        assert case.count(AttemptFinished) == case.count(RequestFailed) == len(STATEFUL)
        assert case.count(RequestHedged) == 0


def fail(case: Case, options: dict[str, Any]) -> None:
    with pytest.raises(AIError):
        case.ask(**options)


def test_each_wire_says_what_leaves_state() -> None:
    plain = {"messages": [AIMessage("Hi")], "model": "m"}
    for name in WIRES:
        wire = wire_class(name)()
        assert wire.leaves_state(Prompt(**plain, store=True)), name
        assert wire.leaves_state(Prompt(**plain, store=False, tools=[ProviderTool(data={})])), name
        assert not wire.leaves_state(Prompt(**plain, store=False)), name
        assert wire.leaves_state(Prompt(**plain)) == (name == "responses"), name


@pytest.mark.parametrize(
    "limits",
    [{"max_concurrent": 1}, {"requests_per_minute": 1, "mode": "raise"}],
    ids=str,
)
@pytest.mark.parametrize("how", ["blocking", "async stream"])
def test_a_second_one_stands_in_no_line(how: str, limits: dict[str, Any]) -> None:
    with Case(how, [READ, 0.4, answer(how, "Slow")], [READ, HANG], rate_limiting=limits) as case:
        assert case.ask().content == "Slow"
        assert len(case.server.requests) == 1
        case.check([(1, "success", False)])
        limiter: Any = case.driver.connection.limits
        assert limiter.limiter.waiting == 0


class Unwilling(LeaseLog):
    """A gate that lets first requests pass: second ones it refuses, or would have wait."""

    def __init__(self, refuses: bool) -> None:
        super().__init__()
        self.refuses = refuses
        self.asked = threading.Event()
        self.left = 0

    async def admit(self, attempt: Any, port: Any) -> Any:
        if attempt.hedges is None:
            return await super().admit(attempt, port)
        self.asked.set()
        if self.refuses:
            raise BudgetExceededError("nothing is left")
        return Wait(math.inf, port.signal(), cancel=self.leave)

    def leave(self, now: float) -> None:
        self.left += 1


@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize("how", ["blocking stream", "async"])
def test_a_second_one_that_a_gate_refuses_is_not_sent(how: str, refuses: bool) -> None:
    gate = Unwilling(refuses)
    script = [READ, lambda _: gate.asked.wait(30), answer(how)]
    with Case(how, script, [READ, HANG], rate_limiting={"max_concurrent": 2}) as case:
        connection = case.driver.connection
        connection.gates = (gate,)
        response = case.ask()
        case.check([(1, "success", False)])
        gate.check(response.attempts)
        assert gate.left == (0 if refuses else 1)
        assert case.count(RequestHedged, LimitReached) == 0
        limits: Any = connection.limits
        assert [one["used"] for one in limits.describe(now())] == [0], "what other policies gave is given back"


@every_way
def test_gates_are_told_of_both(how: str) -> None:
    with Case(how, [READ, HANG], [READ, answer(how)]) as case:
        gate = LeaseLog()
        case.driver.connection.gates = (gate,)
        response = case.ask()
        gate.check(response.attempts)
        assert [kind for _, kind, _ in gate.settled] == ["cancelled", "success"]


def test_closing_the_provider_stops_both() -> None:
    for how in HOWS:
        with Case(how, [READ, HANG]) as case:
            errors: list[BaseException] = []

            def ask(case: Case = case, errors: list[BaseException] = errors) -> None:
                with pytest.raises(ProviderClosedError) as caught:
                    case.ask()
                errors.append(caught.value)

            thread = threading.Thread(target=ask)
            thread.start()
            assert case.server.wait_requests(2)
            case.driver.close(grace=0.0)
            assert case.server.wait_hung_up(2)
            thread.join(30)
            assert [type(error) for error in errors] == [ProviderClosedError]
            assert case.count(AttemptFinished) == 2
            assert case.count(RequestFailed, StreamAbandoned) == 1
            assert not case.driver.connection.outstanding


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cancelled_task_leaves_neither(stream: bool) -> None:
    with Server([READ, HANG]) as server:
        driver = OpenAIDriver(
            {"api_key": "sk-0123456789abcdef"},
            base_url=f"{server.url}/v1",
            default_model="gpt-4o-mini",
            options={"api": "chat"},
            hedging=SOON,
        )
        events: list[Event] = []
        provider = driver.asynchronous()

        async def ask() -> AIResponse:
            if stream:
                return await provider.send_streaming_message("Hi").until_done()
            return await provider.send_message("Hi")

        prime(driver)
        driver.on("*", events.append)
        task = asyncio.create_task(ask())
        assert await asyncio.to_thread(server.wait_requests, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.wait_hung_up, 2)
        ended = [event.attempt.outcome for event in events if isinstance(event, AttemptFinished)]
        assert ended == ["cancelled", "cancelled"]
        assert sum(isinstance(event, RequestFailed | StreamAbandoned) for event in events) == 1
        assert not driver.connection.outstanding
        await provider.aclose()


@pytest.mark.parametrize("how", ["blocking stream", "async stream"])
def test_a_stream_can_be_left_after_the_race(how: str) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    piece = chunked(b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n', end=False)
    with Case(how, [READ, HANG], [READ, head, piece, HANG]) as case:
        if how == "blocking stream":
            with case.driver.send_streaming_message("Hi") as stream:
                assert next(stream).content == "Hel"
        else:

            async def leave() -> None:
                provider = case.driver.asynchronous()
                async with provider.send_streaming_message("Hi") as stream:
                    assert (await anext(stream)).content == "Hel"
                await provider.aclose()

            asyncio.run(leave())
        assert case.server.wait_hung_up(2)
        case.check([(1, "cancelled", False), (2, "abandoned", True)])
        assert case.count(StreamAbandoned) == 1


def test_a_call_and_a_conversation_can_ask_for_it() -> None:
    with Case("blocking", [READ, HANG], [READ, answer("")], hedging={"enabled": False}) as case:
        assert case.driver.send_message("Hi", hedging=True).content == "Hello"
        assert case.count(RequestHedged) == 1
    with Server([READ, HANG], [READ, answer("")]) as server:
        settings = {"driver": "openai", "api_key": "sk-0123456789abcdef", "base_url": f"{server.url}/v1"}
        ai = AI({"providers": {"one": {**settings, "hedging": {**SOON, "enabled": False}}}})
        prime(ai.provider("one"))
        conversation = ai.conversation().model("gpt-4o-mini").hedging()
        assert [one.hedge for one in conversation.message("Hi").send().attempts] == [False, True]
        ai.close(grace=5.0)
        left = {thread.name for thread in threading.enumerate()}
        assert not [name for name in left if name.startswith("polydriver-alarms")]


def test_the_answer_of_a_race_is_kept_in_the_cache() -> None:
    for how in HOWS:
        with Case(how, [READ, HANG], [READ, once(2), answer(how, "Kept")], cache={"enabled": True}) as case:
            assert case.ask(max_tokens=9).content == case.ask(max_tokens=9).content == "Kept"
            assert len(case.server.requests) == 2
            assert case.count(AttemptFinished) == 2


def test_both_are_in_the_ledger(tmp_path: Path) -> None:
    for how in HOWS:
        storage = Storage(StorageConfig(url=f"sqlite:///{tmp_path}/{how}.db"))
        with Case(how, [READ, HANG], [READ, once(2), answer(how)]) as case:
            storage.attach(case.driver.connection)
            case.ask()
            assert storage.flush()
            with storage.database.read() as connection:
                rows = connection.execute(select(attempts).order_by(attempts.c.number)).mappings().all()
            assert [(row["number"], row["outcome"]) for row in rows] == [(1, "cancelled"), (2, "success")]
            assert all(row["cost"] for row in rows)
            assert [row["estimated"] for row in rows] == [True, False]
            assert len({row["call_id"] for row in rows}) == 1
        storage.close()


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", WIRES)
def test_on_every_wire(name: str, stream: bool, colour: str) -> None:
    fixtures = fixtures_for(wire_class(name))
    assert fixtures is not None
    body = fixtures.stream_reply if stream else fixtures.whole_reply
    given = reply(body, headers=EVENTS if stream else JSON)
    speaker = SPEAKERS[name]
    stores = wire_class(name)().leaves_state(Prompt(messages=[AIMessage("Hi")], model="m-1"))
    options = {**speaker.options, "store": False} if stores else speaker.options
    with Server([READ, HANG], [READ, given]) as server:
        with speaker.make(base_url=server.url, default_model="m-1", options=options, hedging=SOON) as driver:
            prime(driver, "m-1")
            response = ask(driver, colour, stream=stream)
            assert server.wait_hung_up(1)
        assert response.content == fixtures.expected["stream_reply" if stream else "whole_reply"].content
        assert [one.outcome for one in response.attempts] == ["cancelled", "success"]


def ask(driver: Any, colour: str, *, stream: bool, **options: Any) -> AIResponse:
    if colour == "blocking":
        if stream:
            return driver.send_streaming_message("Hi", **options).until_done()
        return driver.send_message("Hi", **options)

    async def main() -> AIResponse:
        provider = driver.asynchronous()
        try:
            if stream:
                return await provider.send_streaming_message("Hi", **options).until_done()
            return await provider.send_message("Hi", **options)
        finally:
            await provider.aclose()

    return asyncio.run(main())
