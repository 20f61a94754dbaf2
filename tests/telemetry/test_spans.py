"""What spans and metrics say, and where spans are current."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace
from tests.engine.test_hedging import HOWS, SOON, ask, prime

from polydriver import AI, AsyncAI, ConfigurationError, MockDriver, RateLimitError, ServerError, tool
from polydriver.engine.waiting import no_waiting
from polydriver.telemetry import instrument, names
from polydriver.testing import tool_call

from .exporting import Recorder

SECRET = "sk-" + "a1B2" * 10


def current_ids() -> tuple[int, int]:
    context = trace.get_current_span().get_span_context()
    return context.trace_id, context.span_id


@tool
def look(city: str) -> str:
    """Look."""
    seen.append(current_ids())
    return f"sunny in {city}"


@tool
async def look_async(city: str) -> str:
    """Look."""
    await asyncio.sleep(0)
    seen.append(current_ids())
    return "sunny"


seen: list[tuple[int, int]] = []


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_and_its_attempts(stream: bool) -> None:
    driver = MockDriver(replies=[{"error": "rate_limit"}, "an answer"], retry_attempts=2, chunk_size=4)
    recorder = Recorder()
    recorder.watch(driver)
    with no_waiting():
        if stream:
            driver.send_streaming_message("Hi", model="m", temperature=0).until_done()
        else:
            driver.send_message("Hi", model="m", temperature=0)
    first, second, call = recorder.spans
    assert (first.name, second.name, call.name) == ("chat m attempt", "chat m attempt", "chat m")
    assert call.attributes is not None
    assert call.attributes["gen_ai.operation.name"] == "chat"
    assert call.attributes["gen_ai.provider.name"] == "mock"
    assert call.attributes["gen_ai.request.model"] == "m"
    assert call.attributes["gen_ai.request.temperature"] == 0
    assert call.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert call.attributes["polydriver.call.attempts"] == 2
    assert call.attributes.get("gen_ai.request.stream", False) is stream
    assert ("gen_ai.response.time_to_first_chunk" in call.attributes) is stream
    assert not [name for name in call.attributes if "messages" in name]
    assert first.attributes is not None
    assert first.attributes["error.type"] == RateLimitError.__name__
    assert first.attributes["http.response.status_code"] == 429
    assert not first.status.is_ok
    assert second.attributes is not None
    assert second.attributes["http.request.resend_count"] == 1
    points = recorder.points()
    assert points["gen_ai.client.operation.duration"][0].count == 1
    assert points["polydriver.client.attempt.duration"][0].count == 1
    (retries,) = points["polydriver.client.retries"]
    assert (retries.value, retries.attributes["error.type"]) == (1, "RateLimitError")
    types = {point.attributes["gen_ai.token.type"]: point.sum for point in points["gen_ai.client.token.usage"]}
    assert types["input"] == call.attributes["gen_ai.usage.input_tokens"]
    assert types["output"] == call.attributes["gen_ai.usage.output_tokens"]
    assert sum(point.count for point in points["polydriver.client.waiting.time"]) == 2
    assert ("gen_ai.client.operation.time_to_first_chunk" in points) is stream
    assert ("gen_ai.client.operation.time_per_output_chunk" in points) is stream


@pytest.mark.parametrize("how", HOWS)
def test_both_requests_of_a_hedged_attempt(how: str) -> None:
    """Spans side by side in the call's, of threads and tasks alike, and the caller's is current again."""
    slow = {"content": "slow", "delay": 30.0}
    driver = MockDriver(replies=[slow, "quick"], hedging=SOON)
    prime(driver, "m")
    recorder = Recorder()
    recorder.watch(driver)
    with trace.use_span(recorder.tracers.get_tracer("mine").start_span("mine"), end_on_exit=True):
        mine = current_ids()
        assert ask(driver, how.split()[0], stream="stream" in how, model="m").content == "quick"
        assert current_ids() == mine
    lost, won, call, _ = recorder.spans
    assert call.context is not None
    for span, outcome, hedge in ((lost, "cancelled", None), (won, "success", True)):
        assert span.attributes is not None
        assert span.attributes["polydriver.attempt.outcome"] == outcome
        assert span.attributes.get("polydriver.attempt.hedge") is hedge
        assert "polydriver.usage.input_tokens" in span.attributes
        assert span.parent is not None
        assert span.parent.span_id == call.context.span_id
    (hedges,) = recorder.points()["polydriver.client.hedges"]
    assert (hedges.value, hedges.attributes["gen_ai.request.model"]) == (1, "m")


def test_metrics_are_those_of_the_table() -> None:
    driver = MockDriver(replies=["an answer of some length"], chunk_size=4)
    recorder = Recorder()
    recorder.watch(driver)
    driver.send_streaming_message("Hi").until_done()
    driver.embed(["x"], model="mock-embedding")
    known = {metric.name for metric in names.METRICS.values()}
    assert set(recorder.points()) <= known
    assert recorder.named("embeddings mock-embedding")


def test_circuits_have_a_gauge() -> None:
    driver = MockDriver(replies=[{"error": "server_error"}] * 2, retry_attempts=1, circuit={"minimum_calls": 2})
    recorder = Recorder()
    end = recorder.watch(driver)
    for _ in range(2):
        with pytest.raises(ServerError):
            driver.send_message("Hi", model="m")
    (point,) = recorder.points()["polydriver.client.circuit.state"]
    assert (point.value, point.attributes["gen_ai.request.model"]) == (2, "m")
    end()
    assert driver.connection.observer is None
    assert "polydriver.client.circuit.state" not in recorder.points()


def test_content_is_told_when_asked_for_and_secrets_never() -> None:
    ai = AI.fake([tool_call("look", city="Rome"), f"It is {SECRET}"], api_key=SECRET)
    recorder = Recorder()
    recorder.watch(ai, content=True)
    ai.conversation().system("Be brief").model("m").tools(look).run_tools(f"secret: {SECRET}")
    told = [str(span.attributes) for span in recorder.spans]
    assert not [text for text in told if SECRET in text]
    assert any("Be brief" in text for text in told)
    (run,) = recorder.named("execute_tool look")
    assert run.attributes is not None
    assert run.attributes["gen_ai.tool.call.arguments"] == '{"city":"Rome"}'
    assert run.attributes["gen_ai.tool.call.result"] == "sunny in Rome"


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize("count", [1, 3])
def test_tools_run_inside_their_span(colour: str, count: int) -> None:
    seen.clear()
    calls = [tool_call(name, city=str(number)) for number in range(count) for name in ("look", "look_async")]
    recorder = Recorder()
    with trace.use_span(recorder.tracers.get_tracer("test").start_span("outer"), end_on_exit=True):
        outer, _ = current_ids()
        if colour == "blocking":
            ai = AI.fake([calls, "done"])
            recorder.watch(ai)
            ai.conversation().model("m").tools(look, look_async).run_tools("Go")
        else:
            asyncio.run(ask_async(recorder, calls))
    runs = {(span.context.trace_id, span.context.span_id) for span in recorder.named("execute_tool")}
    assert set(seen) == runs
    assert len(seen) == 2 * count
    assert {span.context.trace_id for span in recorder.spans} == {outer}
    (loop,) = recorder.named("invoke_agent")
    parents = {
        span.parent.span_id
        for span in recorder.spans
        if span.name.startswith(("chat m", "execute")) and span.parent and "attempt" not in span.name
    }
    assert parents == {loop.context.span_id}


async def ask_async(recorder: Recorder, calls: list[Any]) -> None:
    ai = AsyncAI.fake([calls, "done"])
    recorder.watch(ai)
    await ai.conversation().model("m").tools(look, look_async).run_tools("Go")


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_batches_are_inside_the_span_around_them(colour: str) -> None:
    driver = MockDriver()
    recorder = Recorder()
    recorder.watch(driver)
    with trace.use_span(recorder.tracers.get_tracer("test").start_span("outer"), end_on_exit=True):
        outer, _ = current_ids()
        if colour == "blocking":
            driver.send_batch(["1", "2", "3"], max_concurrency=3)
        else:
            asyncio.run(driver.asynchronous().send_batch(["1", "2", "3"]))
    assert len(recorder.named("chat")) == 6
    assert {span.context.trace_id for span in recorder.spans} == {outer}


def test_a_tool_that_fails_says_so() -> None:
    @tool
    def fail() -> str:
        """Fail."""
        raise ValueError("no")

    ai = AI.fake([tool_call("fail"), "sorry"])
    recorder = Recorder()
    recorder.watch(ai)
    ai.conversation().model("m").tools(fail).run_tools("Go")
    (run,) = recorder.named("execute_tool fail")
    assert run.attributes is not None
    assert run.attributes["error.type"] == "ValueError"
    (loop,) = recorder.named("invoke_agent")
    assert loop.status.is_ok or loop.status.status_code is trace.StatusCode.UNSET


def test_connections_that_are_made_later_are_watched_and_it_ends() -> None:
    ai = AI.fake(["a", "b", "c"])
    recorder = Recorder()
    ai.provider("openai").send_message("Hi", model="m")
    end = recorder.watch(ai)
    ai.provider("openai").send_message("Hi", model="m")
    ai.provider("anthropic").send_message("Hi", model="m")
    end()
    ai.provider("openai")
    providers = [span.attributes["gen_ai.provider.name"] for span in recorder.spans if span.attributes]
    assert providers == ["openai"] * 2 + ["anthropic"] * 2
    assert ai.provider("openai").connection.observer is None
    assert ai.provider("groq").connection.observer is None


def test_the_settings_turn_it_on() -> None:
    config = {
        "telemetry": {"enabled": True},
        "providers": {"mock": {}, "quiet": {"driver": "mock", "telemetry": {"enabled": False}}},
    }
    ai = AI(config, env={})
    assert ai.provider("mock").connection.observer is not None
    assert ai.provider("quiet").connection.observer is None
    assert MockDriver(env={"AI_TELEMETRY_ENABLED": "true"}).connection.observer is not None
    assert MockDriver().connection.observer is None


def test_nothing_is_loaded_when_it_is_not_asked_for() -> None:
    program = (
        "import sys; from polydriver import MockDriver; MockDriver().send_message('Hi'); "
        "print('opentelemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    with pytest.raises(ConfigurationError, match=r"polydriver\[otel\]"):
        instrument(MockDriver())
    with pytest.raises(ConfigurationError, match="manager or a provider"):
        instrument(object())  # type: ignore[arg-type]
