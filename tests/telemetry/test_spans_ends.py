"""Every call and every attempt has one span that ends once, in every end of the table of ends, in both colours."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.sdk.trace import ReadableSpan
from tests.engine.test_calls import LISTENERS, PROGRAMS, SCRIPTS, Interrupt, make, run_async, run_blocking

from polydriver import AIError, AttemptFinished, Event, RequestFailed, ResponseGenerated, StreamAbandoned
from polydriver.engine.waiting import no_waiting

from .exporting import Recorder

QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
OUTCOMES = {ResponseGenerated: "answered", RequestFailed: "failed", StreamAbandoned: "abandoned"}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("CRITICAL", logger="polydriver")
    with no_waiting():
        yield
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


class Begun:
    """Counts the spans that begin, beside the recorder that keeps those that end."""

    def __init__(self, recorder: Recorder) -> None:
        self.count = 0
        recorder.tracers.add_span_processor(self)  # type: ignore[arg-type]

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.count += 1

    def _on_ending(self, span: Any) -> None: ...

    def on_end(self, span: ReadableSpan) -> None: ...

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


def check(recorder: Recorder, begun: Begun, events: list[Event]) -> None:
    spans = recorder.spans
    assert begun.count == len(spans), "a span that begins ends"
    ids = [span.context.span_id for span in spans]
    assert len(set(ids)) == len(ids)
    calls = {span.attributes["polydriver.call.id"]: span for span in spans if span.parent is None}
    assert len(calls) == len([span for span in spans if span.parent is None])
    attempts = [span for span in spans if span.parent is not None]
    by_id = {span.context.span_id: span for span in calls.values()}
    told = [event for event in events if isinstance(event, AttemptFinished)]
    sent = [span for span in attempts if span.attributes["polydriver.attempt.outcome"] != "refused"]
    assert len(sent) == len(told)
    for span in attempts:
        call = by_id[span.parent.span_id]
        assert span.context.trace_id == call.context.trace_id
        assert call.start_time <= span.start_time
        assert span.end_time <= call.end_time
        assert span.kind is trace.SpanKind.CLIENT
    for event in events:
        kind = OUTCOMES.get(type(event))
        if kind is not None:
            assert calls[event.request_id].attributes["polydriver.call.outcome"] == kind
            failed = kind == "failed"
            assert ("error.type" in calls[event.request_id].attributes) is failed
            assert calls[event.request_id].status.is_ok is not failed


@QUICK
@given(PROGRAMS, SCRIPTS, LISTENERS)
def test_spans_of_blocking_calls(program: list[tuple[str, int]], script: list[Any], listeners: list[Any]) -> None:
    driver, events = make(script, listeners)
    recorder = Recorder()
    begun = Begun(recorder)
    recorder.watch(driver, content=True)
    before = get_current()
    for step, take in program:
        with contextlib.suppress(AIError, Interrupt, StopIteration):
            run_blocking(driver, step, take)
        assert get_current() is before, step
    gc.collect()
    assert get_current() is before
    check(recorder, begun, events)


@QUICK
@given(PROGRAMS, SCRIPTS, LISTENERS)
def test_spans_of_async_calls(program: list[tuple[str, int]], script: list[Any], listeners: list[Any]) -> None:
    driver, events = make(script, listeners)
    recorder = Recorder()
    begun = Begun(recorder)
    recorder.watch(driver, content=True)

    async def main() -> None:
        provider = driver.asynchronous()
        before = get_current()
        for step, take in program:
            with contextlib.suppress(AIError, Interrupt, StopAsyncIteration):
                await run_async(provider, step, take)
            assert get_current() is before, step
        gc.collect()
        for _ in range(4):
            await asyncio.sleep(0)
        assert get_current() is before

    asyncio.run(main())
    check(recorder, begun, events)
