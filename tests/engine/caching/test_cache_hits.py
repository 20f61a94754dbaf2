"""What is given again, to whom, and what is told of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.caching.helpers import HOWS, ask, cached, heard
from tests.wires.speakers import SPEAKERS

from polydriver import (
    AIMessage,
    AttemptFinished,
    CacheHit,
    ConfigurationError,
    CostCalculated,
    Document,
    Event,
    Image,
    InvalidResponseError,
    MessageSent,
    MockDriver,
    ResponseGenerated,
    ServerError,
    tool,
)
from polydriver.data.http import Request, Simulated
from polydriver.data.prompt import Prompt, ToolSpec
from polydriver.drivers import driver_class
from polydriver.engine.caching.cache import cache_of
from polydriver.engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from polydriver.engine.waiting import clock
from polydriver.provider.routing import prepare_call
from polydriver.testing.fixtures import fixtures_for
from polydriver.wires import WIRES, wire_class

whole_and_streamed = pytest.mark.parametrize("how", HOWS)


@whole_and_streamed
def test_an_equal_prompt_gets_the_same_answer_for_nothing(how: str) -> None:
    with cached("one, in some pieces that follow", "two") as mock:
        first, chunks = ask(how, mock)
        events = heard(mock)
        again, repeated = ask(how, mock)
        assert len(mock.calls) == 1
        assert (again.content, again.finish_reason, again.id, again.model, again.raw) == (
            first.content, first.finish_reason, first.id, first.model, first.raw,
        )  # fmt: skip
        assert (first.cached, again.cached) == (False, True)
        assert first.cost is not None
        assert first.cost.total > 0
        assert again.cost is not None
        assert (again.cost.total, again.cost.currency) == (Decimal(0), "USD")
        assert again.usage == first.usage
        assert again.attempts == []
        assert repeated == chunks
        assert [type(event) for event in events] == [MessageSent, CacheHit, ResponseGenerated, CostCalculated]
        hit, generated, cost = events[1:]
        assert isinstance(hit, CacheHit)
        assert (hit.kind, hit.saved) == ("stored", first.cost)
        assert hit.age is not None
        assert isinstance(generated, ResponseGenerated)
        assert generated.response.cached
        assert isinstance(cost, CostCalculated)
        assert (cost.cost, cost.usage) == (again.cost, None)


@whole_and_streamed
def test_nothing_is_kept_unless_the_settings_or_the_call_say_so(how: str) -> None:
    with MockDriver(replies=["one", "two", "three", "four"]) as mock:
        assert [ask(how, mock)[0].content for _ in range(2)] == ["one", "two"]
        assert [ask(how, mock, response_cache=True)[0].content for _ in range(2)] == ["three", "three"]
        assert ask(how, mock)[0].content == "four"


@whole_and_streamed
def test_a_call_can_do_without_and_ask_anew(how: str) -> None:
    with cached("one", "two", "three") as mock:
        assert ask(how, mock)[0].content == "one"
        assert ask(how, mock, response_cache=False)[0].content == "two"
        assert ask(how, mock)[0].content == "one"
        assert ask(how, mock, response_cache="refresh")[0].content == "three"
        assert ask(how, mock)[0].content == "three"
        with pytest.raises(ConfigurationError, match="response_cache"):
            ask(how, mock, response_cache="often")


@whole_and_streamed
def test_answers_grow_old(how: str) -> None:
    moment = [0.0]
    with clock(lambda: moment[0]), cached("one", "two", cache={"ttl": 10}) as mock:
        assert ask(how, mock)[0].content == "one"
        moment[0] = 9.0
        assert ask(how, mock)[0].content == "one"
        moment[0] = 10.0
        assert ask(how, mock)[0].content == "two"


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("reply", [
    {"error": "server_error"},
    {"content": "cut", "finish_reason": "length"},
    {"content": "no", "finish_reason": "content_filter"},
    {"refusal": "I will not."},
    {"tool_calls": [{"name": "look", "arguments": {}}]},
])  # fmt: skip
def test_errors_and_cut_filtered_and_tool_calling_answers_are_not_kept(how: str, reply: Any) -> None:
    @tool
    def look() -> str:
        """Look."""
        return ""

    with cached(reply, "fine") as mock:
        try:
            first = ask(how, mock, tools=[look])[0]
        except ServerError:
            pass
        else:
            assert first.content != "fine"
        assert ask(how, mock, tools=[look])[0].content == "fine"
        assert len(mock.calls) == 2


@whole_and_streamed
def test_tool_calls_are_kept_where_that_is_wanted(how: str) -> None:
    reply = {"tool_calls": [{"name": "look", "arguments": {"at": "it"}}]}
    with cached(reply, "no", cache={"tool_calls": True}) as mock:
        spec = ToolSpec(name="look", parameters={"type": "object", "properties": {"at": {"type": "string"}}})
        first, chunks = ask(how, mock, tools=[spec])
        again, repeated = ask(how, mock, tools=[spec])
        assert again.cached
        assert again.tool_calls == first.tool_calls
        assert again.finish_reason == "tool_calls"
        assert repeated == chunks


class City(msgspec.Struct):
    name: Literal["Paris"]


@whole_and_streamed
def test_structured_answers_are_read_again_and_those_that_do_not_validate_are_not_kept(how: str) -> None:
    with cached('{"name": "Rome"}', '{"name": "Paris"}') as mock:
        with pytest.raises(InvalidResponseError):
            ask(how, mock, response_format=City)
        for _ in range(2):
            answer = ask(how, mock, response_format=City)[0]
            assert answer.parsed == City("Paris")
        assert answer.cached
        assert len(mock.calls) == 2


@pytest.mark.parametrize("options", [
    {"previous_response_id": "r"}, {"conversation": "c"}, {"store": True}, {"extra": {"previous_response_id": "r"}},
])  # fmt: skip
def test_what_the_provider_keeps_is_not_answered_from_here(options: dict[str, Any]) -> None:
    answers = iter(["one", "two"])
    settings = {"api_key": "sk-0123456789abcdef", "cache": {"enabled": True}}
    with driver_class("openai")(settings, transport=_transport(lambda _: _text(next(answers)))) as driver:
        assert [driver.send_message("Hi", api="responses", **options).content for _ in range(2)] == ["one", "two"]


def _text(text: str) -> Simulated:
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
    body = msgspec.json.encode({"id": "r", "status": "completed", "output": output})
    return Simulated(headers={"content-type": "application/json"}, chunks=[body])


def _transport(answer: Any) -> Any:
    return lambda kind, http: (SimulatedTransport if kind == "blocking" else AsyncSimulatedTransport)(answer)


# -- every wire --


@whole_and_streamed
@pytest.mark.parametrize("wire", WIRES)
def test_answers_of_every_wire_are_given_again(how: str, wire: str) -> None:
    fixtures = fixtures_for(wire_class(wire))
    assert fixtures is not None
    requests: list[Request] = []

    def answer(request: Request) -> Simulated:
        requests.append(request)
        if "stream" not in how:
            return Simulated(headers={"content-type": "application/json"}, chunks=[fixtures.whole_reply])
        body = fixtures.stream_reply
        pieces = [body[at : at + 40] for at in range(0, len(body), 40)]
        return Simulated(headers={"content-type": "text/event-stream"}, chunks=pieces)

    speaker = SPEAKERS[wire]
    with speaker.make(transport=_transport(answer), cache={"enabled": True, "tool_calls": True}) as provider:
        first, chunks = ask(how, provider, model="a-model", max_tokens=100, **speaker.options)
        asked = len(requests)
        again, repeated = ask(how, provider, model="a-model", max_tokens=100, **speaker.options)
        assert len(requests) == asked
        assert again.cached
        assert repeated == chunks
        ours = ("cost", "cached", "attempts", "response_time")
        known = {field: getattr(first, field) for field in first.__struct_fields__ if field not in ours}
        assert known == {field: getattr(again, field) for field in known}


# -- what makes a difference --

PICTURE = Image.from_bytes(b"one", "image/png")
BASE: dict[str, Any] = {
    "model": "mock", "temperature": 0.5, "tools": [ToolSpec(name="look", parameters={"type": "object"})],
    "extra": {"a": {"b": 1}}, "extra_headers": {"x-a": "1"}, "metadata": {"project": "p", "user": "u", "else": 1},
}  # fmt: skip
CHANGES: list[dict[str, Any]] = [
    {"model": "mock-large"}, {"temperature": 0.0}, {"temperature": None}, {"top_p": 0.5}, {"top_k": 3},
    {"max_tokens": 10}, {"stop": ["x"]}, {"seed": 1}, {"n": 2}, {"presence_penalty": 1.0}, {"frequency_penalty": 1.0},
    {"logprobs": True}, {"top_logprobs": 1}, {"logit_bias": {"1": 1.0}}, {"reasoning_effort": "low"},
    {"reasoning_budget": 1024}, {"tools": None}, {"tools": [ToolSpec(name="see", parameters={"type": "object"})]},
    {"tools": [ToolSpec(name="look", parameters={"type": "object"}, strict=True)]}, {"tool_choice": "required"},
    {"parallel_tool_calls": False}, {"response_format": "json"}, {"user": "u"}, {"service_tier": "flex"},
    {"prompt_cache_key": "k"}, {"store": False}, {"modalities": ["text"]}, {"audio": {"voice": "alloy"}},
    {"extra": {"a": {"b": 2}}}, {"extra_headers": {"x-a": "2"}},
    {"metadata": {"project": "q", "user": "u"}}, {"metadata": {"project": "p", "user": "v"}}, {"metadata": {}},
    {"metadata": {"project": "p", "user": "u", "key": "k"}}, {"metadata": {"project": "p", "user": "u", "tenant": 1}},
]  # fmt: skip


def test_every_field_of_a_prompt_is_changed_in_these_tests() -> None:
    changed = {name for change in CHANGES for name in change} | {"messages", "stream", "warnings", "options"}
    assert changed >= set(Prompt.__struct_fields__)


def key_of(provider: Any, messages: Any = "Hi", *, stream: bool = False, **options: Any) -> str | None:
    prompt, call = prepare_call(provider, messages, options, stream=stream)
    return cache_of(provider.connection)._keys.of(prompt, call)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_change_of_any_option_or_of_the_tenant_is_a_miss(change: dict[str, Any]) -> None:
    with cached() as mock:
        assert key_of(mock, **BASE) == key_of(mock, **BASE)
        assert key_of(mock, **BASE) != key_of(mock, **{**BASE, **change})


@pytest.mark.parametrize("messages", [
    "Ho", [AIMessage.system("Be brief"), "Hi"], ["Hi", AIMessage.assistant("Hi"), "Hi"],
    [AIMessage.user(["Hi", PICTURE])], [AIMessage.user(["Hi", Image.from_bytes(b"two", "image/png")])],
    [AIMessage.user(["Hi", Image.from_bytes(b"one", "image/jpeg")])],
    [AIMessage.user(["Hi", Image.from_url("https://a.invalid/b.png")])],
    [AIMessage.user(["Hi", Document.from_bytes(b"one", "text/plain")])],
])  # fmt: skip
def test_a_change_of_the_messages_is_a_miss(messages: Any) -> None:
    others: list[Any] = ["Hi", [AIMessage.user(["Hi", Image.from_bytes(b"0ne", "image/png")])]]
    with cached() as mock:
        assert key_of(mock, messages) == key_of(mock, messages)
        assert key_of(mock, messages) not in [key_of(mock, other) for other in others]
        assert key_of(mock, messages) != key_of(mock, messages, stream=True)


@pytest.mark.parametrize("change", [
    {"base_url": "http://else.invalid/v1"}, {"api_key": "sk-other-0123456789"}, {"organization": "org-2"},
    {"headers": {"x-a": "2"}}, {"headers": {"x-api-key": "2"}}, {"cache": {"enabled": True, "share": "b"}},
])  # fmt: skip
def test_a_change_of_the_connection_is_a_miss(change: dict[str, Any]) -> None:
    kind = driver_class("openai")
    base: dict[str, Any] = {
        "api_key": "sk-0123456789abcdef", "base_url": "http://here.invalid/v1", "organization": "org-1",
        "headers": {"x-a": "1", "x-api-key": "1"}, "cache": {"enabled": True},
    }  # fmt: skip
    with kind(base) as one, kind(base) as same, kind({**base, **change}) as other:
        assert key_of(one, model="m") == key_of(same, model="m") != key_of(other, model="m")
        for secret in ("sk-0123456789abcdef", "sk-other-0123456789"):
            assert secret not in str(key_of(one, model="m"))


def test_another_driver_is_a_miss() -> None:
    class Other(MockDriver):
        pass

    with cached() as one, Other(cache={"enabled": True}) as other:
        assert key_of(one) != key_of(other)


def test_connections_that_share_have_their_answers_in_common_whatever_their_keys_are() -> None:
    kind = driver_class("openai")
    shared = {"cache": {"enabled": True, "share": "all"}}
    one, other = ({"api_key": key, **shared} for key in ("sk-0123456789abcdef", "sk-another-key-12"))
    with kind(one) as first, kind(other) as second:
        assert key_of(first, model="m") == key_of(second, model="m")


def test_who_a_call_is_for_makes_no_difference_where_the_settings_say_so() -> None:
    with cached("one", "two", cache={"tenant": ["project"]}) as mock:
        contents = [
            mock.send_message("Hi", metadata=metadata).content
            for metadata in ({"project": "a", "user": "x"}, {"project": "a", "user": "y"}, {"project": "b"})
        ]
        assert contents == ["one", "one", "two"]


def test_a_prompt_that_cannot_be_written_as_data_has_no_key() -> None:
    with cached("one") as mock:
        assert key_of(mock, extra={"a": object()}) is None
        with pytest.raises(ConfigurationError, match="JSON"):
            mock.send_message("Hi", extra={"a": object()})


def test_what_callers_do_to_an_answer_changes_no_other() -> None:
    with cached("one") as mock:
        mock.send_message("Hi")
        first = mock.send_message("Hi")
        first.parts.clear()
        first.raw.clear()
        assert mock.send_message("Hi").content == "one"
        with mock.send_streaming_message("Hi", response_cache=True) as stream:
            for chunk in stream:
                chunk.content = "changed"
        with mock.send_streaming_message("Hi") as stream:
            assert "changed" not in [chunk.content for chunk in stream]


@whole_and_streamed
def test_a_fallback_asks_its_own_cache_and_says_who_was_asked_first(how: str) -> None:
    with cached({"error": "server_error"}, {"error": "server_error"}, name="first") as first, \
            cached("from second", name="second") as second:  # fmt: skip
        made = ask(how, first, fallback=[second])[0]
        again = ask(how, first, fallback=[second])[0]
        alone = ask(how, second)[0]
    assert (made.cached, again.cached, alone.cached) == (False, True, True)
    assert len(second.calls) == 1
    assert (again.provider, [report.provider for report in again.attempts]) == ("second", ["first"])
    assert again.warnings == made.warnings != []
    assert alone.warnings == []


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 400), st.integers(1, 20)), max_size=60))
def test_the_store_in_memory_keeps_to_its_bound_and_to_the_time(steps: list[tuple[int, int, int]]) -> None:
    from polydriver.colours import drive
    from polydriver.engine.caching.stores import MemoryStore

    moment = [0.0]
    store = MemoryStore(2000)
    kept: dict[str, tuple[float, bytes]] = {}
    with clock(lambda: moment[0]):
        for number, size, ttl in steps:
            key, data = str(number), bytes([number]) * size
            drive(store.put(key, data, float(ttl), None, None))  # type: ignore[arg-type]
            kept[key] = (moment[0] + ttl, data)
            moment[0] += 1.0
            assert store.size <= store.max_bytes
            assert drive(store.get(key, None)) == (data if ttl > 1 else None)  # type: ignore[arg-type]
            for known, (expires, content) in kept.items():
                found = drive(store.get(known, None))  # type: ignore[arg-type]
                assert found is None or (found == content and expires > moment[0])


def test_events_of_a_hit_have_an_order_of_their_own_colour() -> None:
    """An async listener is awaited before the answer is given."""
    seen: list[str] = []

    async def main() -> None:
        with cached("one") as mock:
            twin = mock.asynchronous()

            async def listen(event: Event) -> None:
                await asyncio.sleep(0)
                seen.append(event.name)

            twin.on(CacheHit, listen)
            twin.on(AttemptFinished, listen)
            for _ in range(2):
                await twin.send_message("Hi")
            await twin.aclose()

    asyncio.run(main())
    assert seen == ["AttemptFinished", "CacheHit"]
