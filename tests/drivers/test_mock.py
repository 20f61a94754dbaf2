from __future__ import annotations

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import AI, AIMessage, AIResponse, MockDriver, TokenUsage, errors
from polydriver.data.http import Request
from polydriver.data.json import decode_json, encode_json
from polydriver.data.messages import Part, Reasoning, Refusal, Text, ToolCall
from polydriver.drivers.mock import FAILURES, Script, UnscriptedCallError, tool_call
from polydriver.drivers.mock.failures import failure_from_error, make_failure
from polydriver.drivers.mock.samples import sample
from polydriver.schema import find_problems


def mock(*replies: Any, **settings: Any) -> MockDriver:
    return MockDriver(replies=list(replies), env={}, **settings)


def chat(driver: MockDriver, text: str = "Hello", **options: Any) -> AIResponse:
    return driver.send_message(text, **options)


def streamed(driver: MockDriver, text: str = "Hello", **options: Any) -> tuple[list[str], AIResponse]:
    with driver.send_streaming_message(text, **options) as stream:
        pieces = [chunk.content for chunk in stream if chunk.content]
    return pieces, stream.response


class TestReplies:
    def test_come_in_order_and_then_the_message_is_echoed(self) -> None:
        driver = mock("one", "two")
        assert [chat(driver, "x").content for _ in range(3)] == ["one", "two", "x"]

    def test_a_response_is_sent_with_everything_it_has(self) -> None:
        usage = TokenUsage(input_tokens=100, output_tokens=50, cached_input_tokens=40, reasoning_tokens=20)
        parts: list[Part] = [Reasoning("because"), Text("so"), ToolCall("call_1", "f", {"a": 1})]
        scripted = AIResponse(parts=parts, finish_reason="length", usage=usage, model="m-2", id="id-1")
        for stream in (False, True):
            driver = mock(scripted)
            answer = streamed(driver)[1] if stream else chat(driver)
            assert (answer.content, answer.reasoning, answer.finish_reason) == ("so", "because", "length")
            assert answer.tool_calls == scripted.tool_calls
            assert (answer.model, answer.id) == ("m-2", "id-1")
            assert answer.usage is not None
            assert answer.usage.input_tokens == 100
            assert answer.usage.cached_input_tokens == 40
            assert answer.usage.reasoning_tokens == 20

    def test_refusals_and_alternatives(self) -> None:
        refused = chat(mock(AIResponse(parts=[Refusal("No.")], finish_reason="stop")))
        assert (refused.refusal, refused.finish_reason) == ("No.", "content_filter")
        assert [choice.content for choice in chat(mock("same"), n=3).alternatives] == ["same", "same"]

    def test_tool_calls_get_ids_of_their_own(self) -> None:
        driver = mock(tool_call("f", a=1), [tool_call("f"), tool_call("g")])
        calls = [*chat(driver).tool_calls, *streamed(driver)[1].tool_calls]
        assert [call.name for call in calls] == ["f", "f", "g"]
        assert len({call.id for call in calls}) == 3
        assert calls[0].arguments == {"a": 1}

    def test_values_are_sent_as_json(self) -> None:
        @dataclasses.dataclass
        class Point:
            x: int

        class Pair(msgspec.Struct):
            y: int

        driver = mock({"name": "Ada"}, [1, 2], Point(1), Pair(2), 3)
        assert [decode_json(chat(driver).content) for _ in range(5)] == [
            {"name": "Ada"},
            [1, 2],
            {"x": 1},
            {"y": 2},
            3,
        ]

    def test_dicts_can_say_what_to_send(self) -> None:
        driver = mock(
            {"content": "Hi", "usage": {"input_tokens": 7, "output_tokens": 3}, "finish_reason": "length"},
            {"tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
            {"json": {"content": "kept"}},
        )
        first = chat(driver)
        assert (first.content, first.finish_reason) == ("Hi", "length")
        assert first.usage is not None
        assert first.usage.total_tokens == 10
        assert chat(driver).tool_calls[0].arguments == {"a": 1}
        assert decode_json(chat(driver).content) == {"content": "kept"}

    def test_functions_see_the_call(self) -> None:
        driver = mock(lambda call: f"{call.model}: {call.text.upper()}", lambda call: errors.RateLimitError("no"))
        assert chat(driver, "hi", model="m").content == "m: HI"
        with pytest.raises(errors.RateLimitError):
            chat(driver, retry_attempts=1)

    def test_patterns_go_first_and_see_tool_results(self) -> None:
        driver = mock("scripted")
        driver.when("weather", tool_call("get_weather")).when(re.compile("SUNNY"), "A fine day.")
        driver.when(lambda text: text.endswith("?!"), "What?")
        first = chat(driver, "The Weather please")
        assert first.tool_calls
        history = [AIMessage("weather"), first.to_message(), AIMessage.tool(first.tool_calls[0].id, "SUNNY")]
        assert driver.send_messages(history).content == "A fine day."
        assert chat(driver, "really?!").content == "What?"
        assert chat(driver, "else").content == "scripted"

    @pytest.mark.parametrize("reply", [object(), ValueError("x"), {"error": "no such failure"}, {"tool_calls": [1]}])
    def test_what_cannot_be_a_reply_is_refused_with_its_place(self, reply: Any) -> None:
        with pytest.raises(errors.ConfigurationError, match=r"replies\[1\]|the reply"):
            MockDriver({"replies": ["ok", reply]}, env={})

    def test_a_default_reply(self) -> None:
        driver = mock("first", default="always")
        assert [chat(driver).content for _ in range(3)] == ["first", "always", "always"]


class TestStreams:
    @given(st.text(max_size=60), st.integers(1, 9))
    def test_any_text_in_pieces_of_any_size(self, text: str, size: int) -> None:
        driver = mock(AIResponse.from_text(text), chunk_size=size)
        pieces, answer = streamed(driver)
        assert "".join(pieces) == answer.content == text
        assert all(len(piece) <= size for piece in pieces)

    def test_usage_cost_and_finish_reason(self) -> None:
        _, answer = streamed(mock("12345678"), "1234")
        assert answer.finish_reason == "stop"
        assert answer.usage is not None
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (1, 2)
        assert answer.cost is not None
        assert answer.cost.total == Decimal("0.000005")

    def test_delays_are_waits_before_each_piece(self, no_waiting: list[float]) -> None:
        pieces, _ = streamed(mock("abcdef", chunk_size=2, delay=0.5))
        assert pieces == ["ab", "cd", "ef"]
        assert no_waiting
        assert set(no_waiting) == {0.5}

    async def test_async_callers_get_the_same(self) -> None:
        provider = mock("one", "two", chunk_size=1).asynchronous()
        assert (await provider.send_message("x")).content == "one"
        async with provider.send_streaming_message("x") as stream:
            assert [chunk.content async for chunk in stream if chunk.content] == ["t", "w", "o"]


ERRORS = {
    "rate_limit": errors.RateLimitError,
    "quota": errors.QuotaExceededError,
    "credentials": errors.InvalidCredentialsError,
    "forbidden": errors.InvalidCredentialsError,
    "invalid_request": errors.InvalidRequestError,
    "context_length": errors.ContextLengthError,
    "content_filter": errors.ContentFilterError,
    "model_not_found": errors.ModelNotFoundError,
    "server_error": errors.ServerError,
    "unavailable": errors.ServerError,
    "overloaded": errors.ServerError,
    "timeout": errors.APITimeoutError,
    "connection": errors.APIConnectionError,
    "cut": errors.APIConnectionError,
    "stall": errors.APITimeoutError,
    "unfinished": errors.InvalidResponseError,
    "bad_json": errors.InvalidResponseError,
    "html": errors.InvalidResponseError,
    "empty": errors.InvalidResponseError,
    "stream_error": errors.ServerError,
}
BROKEN_STREAMS = ("cut", "stall", "unfinished", "bad_json", "stream_error")


class TestFailures:
    def test_the_table_is_whole(self) -> None:
        assert ERRORS.keys() == FAILURES.keys()

    @pytest.mark.parametrize("kind", FAILURES)
    def test_each_is_the_right_error(self, kind: str, no_waiting: list[float]) -> None:
        driver = mock().fail(kind)
        with pytest.raises(ERRORS[kind]) as caught:
            chat(driver, retry_attempts=1)
        assert type(caught.value).__name__.startswith("Mock")

    @pytest.mark.parametrize("kind", FAILURES)
    def test_each_in_a_stream(self, kind: str, no_waiting: list[float]) -> None:
        wanted = errors.StreamInterruptedError if kind in (*BROKEN_STREAMS, "empty") else ERRORS[kind]
        with pytest.raises(wanted) as caught:
            streamed(mock().fail(kind), retry_attempts=1)
        if kind in BROKEN_STREAMS:
            assert caught.value.partial is not None
            assert caught.value.partial.content
            assert FAILURES[kind].text.startswith(caught.value.partial.content)

    @pytest.mark.parametrize("kind", FAILURES)
    async def test_each_for_async_callers(self, kind: str, no_waiting: list[float]) -> None:
        with pytest.raises(ERRORS[kind]):
            await mock().fail(kind).asynchronous().send_message("x", retry_attempts=1)

    def test_retries_get_past_them(self, no_waiting: list[float]) -> None:
        driver = mock(errors.RateLimitError("slow", retry_after=7), errors.ServerError, "done")
        assert chat(driver).content == "done"
        assert no_waiting[0] == 7
        driver.assert_count(3)

    def test_details(self) -> None:
        driver = mock().fail(418, message="teapot", code="short_and_stout").fail("cut", after=0)
        with pytest.raises(errors.InvalidRequestError, match="teapot") as caught:
            chat(driver)
        assert (caught.value.status, caught.value.code) == (418, "short_and_stout")
        with pytest.raises(errors.AIError):
            streamed(driver, retry_attempts=1)

    def test_ours_are_raised_as_they_are(self) -> None:
        wanted = errors.DeadlineExceededError("spent")
        with pytest.raises(errors.DeadlineExceededError) as caught:
            chat(mock(wanted))
        assert caught.value is wanted

    @pytest.mark.parametrize("kind", [399, 600, "nope", "42"])
    def test_unknown_ones_are_refused(self, kind: str | int) -> None:
        with pytest.raises(errors.ConfigurationError, match="rate_limit"):
            make_failure(kind)
        with pytest.raises(errors.ConfigurationError, match="retry_after"):
            make_failure("rate_limit", retry="1")

    def test_every_error_of_the_tree_comes_back(self) -> None:
        for kind in errors._LEAVES:
            failure = failure_from_error(kind("x"))
            assert not isinstance(failure, errors.AIError), kind

    @pytest.mark.parametrize("model", ["mock-error-429", "mock-error-rate_limit", "mock-error-rate-limit"])
    def test_a_client_can_ask_by_model(self, model: str) -> None:
        driver = mock("kept")
        with pytest.raises(errors.RateLimitError):
            chat(driver, model=model, retry_attempts=1)
        assert chat(driver).content == "kept"

    def test_a_client_can_ask_by_header(self) -> None:
        headers = {"X-Mock-Script": "rate_limit; retry_after=2.5; message=wait"}
        with pytest.raises(errors.RateLimitError, match="wait") as caught:
            chat(mock(), extra_headers=headers, retry_attempts=1)
        assert caught.value.retry_after == 2.5
        with pytest.raises(errors.InvalidRequestError, match="does not know the failure"):
            chat(mock(), extra_headers={"x-mock-script": "nonsense"})


class TestStructured:
    def test_a_form_that_nobody_scripted_is_made_up(self) -> None:
        @dataclasses.dataclass
        class Answer:
            text: str
            score: int
            tags: list[str]
            nested: dict[str, int] | None

        answer = chat(mock(), response_format=Answer)
        assert isinstance(answer.parsed, Answer)

    @pytest.mark.parametrize(
        "schema",
        [
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 5}}, "required": ["a"]},
            {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 2},
            {"anyOf": [{"type": "string", "minLength": 9}, {"type": "null"}]},
            {"$defs": {"n": {"const": 4}}, "$ref": "#/$defs/n"},
            {"type": ["boolean", "null"]},
            {"type": "number", "exclusiveMinimum": 2},
        ],
    )
    def test_samples_fit_their_schemas(self, schema: dict[str, Any]) -> None:
        assert not find_problems(sample(schema), schema)

    def test_samples_of_endless_schemas_end(self) -> None:
        sample({"$ref": "#"})
        sample({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})


class TestOperations:
    def test_embeddings_are_the_same_for_the_same_text(self) -> None:
        driver = mock()
        vectors = [_post(driver, "embeddings", {"model": "mock-embedding", "input": ["a", "b", "a"]})]
        first, second, third = (item["embedding"] for item in vectors[0]["data"])
        assert first == third != second
        assert abs(sum(value * value for value in first) - 1) < 1e-4
        shorter = _post(driver, "embeddings", {"model": "m", "input": "a", "dimensions": 3})
        assert len(shorter["data"][0]["embedding"]) == 3
        driver.assert_count(2, operation="embeddings")

    def test_moderations(self) -> None:
        found = _post(mock(), "moderations", {"model": "m", "input": ["a", "b"]})
        assert [result["flagged"] for result in found["results"]] == [False, False]

    async def test_the_methods_that_users_call(self) -> None:
        driver = mock()
        vectors = driver.embed(["a", "b"], model="mock-embedding")
        assert len(vectors.embeddings) == 2
        assert vectors.cost is not None
        assert not driver.moderate("hello", model="mock").flagged
        image = driver.generate_image("a cat", model="mock", n=2).images[0]
        assert image.data is not None
        assert image.data.startswith(b"\x89PNG")
        speech = await driver.asynchronous().speak("hello", model="mock")
        assert speech.audio.data is not None
        assert speech.audio.data.startswith(b"RIFF")
        driver.fail("server_error")
        with pytest.raises(errors.ServerError):
            driver.embed("a", model="mock-embedding", retry_attempts=1)
        assert [call.operation for call in driver.calls] == [
            "embeddings",
            "moderations",
            "images",
            "speech",
            "embeddings",
        ]

    def test_models_and_prices(self) -> None:
        driver = mock()
        assert [model.id for model in driver.get_available_models()] == [
            "mock",
            "mock-large",
            "mock-embedding",
        ]
        assert driver.validate_credentials()
        assert driver.get_health().status == "healthy"
        usage = TokenUsage(input_tokens=1_000_000, output_tokens=0)
        cost = driver.calculate_cost(usage, "mock-large")
        assert cost is not None
        assert cost.total == 10
        assert driver.calculate_cost(usage, "unknown") is None

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("POST", "chat/completions", b"{", 400),
            ("POST", "chat/completions", b"[]", 400),
            ("POST", "chat/completions", b'{"model": "m"}', 400),
            ("POST", "nowhere", b"{}", 404),
            ("GET", "models/mock", b"", 200),
            ("GET", "models/none", b"", 404),
        ],
    )
    def test_odd_requests(self, method: str, path: str, body: bytes, status: int) -> None:
        url = f"http://mock.invalid/v1/{path}"
        assert mock().simulate(Request(method=method, url=url, body=body)).status == status


def _post(driver: MockDriver, path: str, body: dict[str, Any]) -> Any:
    request = Request(method="POST", url=f"http://mock.invalid/v1/{path}", body=encode_json(body))
    return decode_json(b"".join(driver.simulate(request).chunks))


class TestLog:
    def test_calls_are_data(self) -> None:
        def add(a: int) -> int:
            """Add."""
            return a

        driver = mock()
        chat(driver, "Hi", model="m", temperature=0, tools=[add])
        streamed(driver, "there")
        first, second = driver.calls
        assert (first.number, first.provider, first.model, first.stream) == (1, "mock", "m", False)
        assert first.messages == [{"role": "user", "content": "Hi"}]
        assert first.options == {"temperature": 0}
        assert first.tool_names == ["add"]
        assert second.stream

    def test_assertions(self) -> None:
        driver = mock("a", "b")
        driver.assert_nothing_sent().assert_count(0)
        chat(driver, "Hello Bob", temperature=0)
        assert driver.assert_sent("Bob", temperature=0).number == 1
        driver.assert_sent(lambda call: call.model == "mock")
        driver.assert_not_sent("Alice").assert_count(1)
        for failing, message in (
            (lambda: driver.assert_sent("Alice"), "no call says 'Alice'.*Hello Bob"),
            (lambda: driver.assert_sent(model="gpt"), "no call has model='gpt'"),
            (lambda: driver.assert_not_sent("Bob"), "none should"),
            (lambda: driver.assert_count(2), "expected 2.*there were 1"),
            (driver.assert_nothing_sent, "expected 0"),
            (lambda: driver.assert_tool_offered("f"), "no tool was offered"),
            (driver.assert_done, "1 scripted reply was not used"),
        ):
            with pytest.raises(AssertionError, match=message):
                failing()

    def test_a_strict_script_names_the_call(self) -> None:
        driver = mock("only", strict=True)
        chat(driver, "one")
        with pytest.raises(UnscriptedCallError, match="call #2 mock/mock: 'two'"):
            chat(driver, "two")
        with pytest.raises(AssertionError, match="without a reply"):
            driver.assert_done()

    def test_reset(self) -> None:
        driver = mock("a").when("x", "y")
        chat(driver)
        assert chat(driver.reset(), "x").content == "x"
        driver.assert_count(1)

    def test_many_threads_take_each_reply_once(self) -> None:
        driver = mock(*[str(number) for number in range(200)], strict=True)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: chat(driver).content, range(200)))
        assert sorted(answers, key=int) == [str(number) for number in range(200)]
        assert sorted(call.number for call in driver.calls) == list(range(1, 201))


class TestConfiguration:
    def test_everything_from_settings(self) -> None:
        settings = {
            "driver": "mock",
            "replies": ["Hi", {"error": "rate_limit", "retry_after": 2}],
            "patterns": {"bye": "Goodbye"},
            "chunk_size": 1,
            "delay": 0,
            "models": ["my-model"],
        }
        ai = AI({"default": "test", "providers": {"test": settings}}, env={})
        provider = ai.provider()
        assert provider.send_message("bye now").content == "Goodbye"
        with provider.send_streaming_message("x") as stream:
            assert [chunk.content for chunk in stream if chunk.content] == ["H", "i"]
        with pytest.raises(errors.RateLimitError) as caught:
            provider.send_message("x", retry_attempts=1)
        assert caught.value.retry_after == 2
        assert [model.id for model in provider.get_available_models()] == ["my-model"]

    def test_from_the_environment(self) -> None:
        driver = MockDriver(env={"MOCK_REPLIES": '["from the environment"]', "MOCK_CHUNK_SIZE": "3"})
        assert streamed(driver)[0][0] == "fro"

    def test_it_never_stands_in_for_another_provider(self) -> None:
        ai = AI({"providers": {"openai": {}}}, env={})
        with pytest.raises(errors.ConfigurationError, match="OPENAI_API_KEY"):
            ai.provider("openai")

    @pytest.mark.parametrize("settings", [{"chunk_size": 0}, {"patterns": ["x"]}, {"delay": -1}, {"unknown": 1}])
    def test_wrong_settings_are_refused(self, settings: dict[str, Any]) -> None:
        with pytest.raises(errors.ConfigurationError):
            MockDriver(settings, env={})

    def test_a_script_can_be_shared(self) -> None:
        script = Script(["one", "two"])
        first, second = MockDriver(env={}, script=script), MockDriver(env={}, script=script)
        assert [chat(first).content, chat(second).content] == ["one", "two"]
        second.assert_count(2)
