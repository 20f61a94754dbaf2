"""The span of a call and those of its attempts, and which of them is current.

A span is current where polydriver itself runs: while a whole call is made, while a stream is opened, and for the
listeners of its end. In between, the caller's own code runs under the caller's own span.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.context import attach, get_current
from opentelemetry.trace import SpanKind, Tracer, set_span_in_context

from ..data.cost import Cost
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..engine.observing import EndKind
from . import names
from .content import input_messages, output_messages, system_instructions, written
from .metrics import Instruments

if TYPE_CHECKING:
    from ..engine.attempts import Attempt
    from ..engine.calls import Call
    from ..engine.policies import Outcome
from .attributes import error_type, set_error, tell_spending

__all__ = ["AttemptSpan", "CallSpan"]


class SpanSource(Protocol):
    """What the spans of a connection share: see `observer.Telemetry`."""

    attributes: dict[str, Any]
    content: bool
    instruments: Instruments
    redacted: Callable[[str], str]
    tracer: Tracer


class CallSpan:
    """Watches one call."""

    __slots__ = (
        "_began", "_call", "_ours", "_outer", "_spent", "_telemetry", "attributes", "context", "is_stream", "name",
        "span",
    )  # fmt: skip

    def __init__(self, telemetry: SpanSource, call: Call) -> None:
        self._telemetry = telemetry
        self._call = call
        self._began = time.perf_counter()
        self._spent = False
        self.is_stream = False
        operation = names.OPERATIONS.get(call.operation, call.operation)
        self.attributes: dict[str, Any] = {**telemetry.attributes, names.OPERATION: operation}
        self.name = operation
        if call.model is not None:
            self.attributes[names.REQUEST_MODEL] = call.model
            self.name = f"{operation} {call.model}"
        self._outer = get_current()
        self.span = telemetry.tracer.start_span(
            self.name, self._outer, SpanKind.CLIENT, {**self.attributes, names.CALL_ID: call.id}
        )
        self.context = set_span_in_context(self.span, self._outer)
        self._ours = [self.context]
        if call.conversation_id is not None:
            self.span.set_attribute(names.CONVERSATION_ID, call.conversation_id)
        attach(self.context)

    def announced(self, prompt: Prompt) -> None:
        """Tell what is asked for: the options, and the messages where content is wanted."""
        self.is_stream = prompt.stream
        span = self.span
        if not span.is_recording():
            return
        told: dict[str, Any] = {}
        for field, name in names.PARAMETERS.items():
            value = getattr(prompt, field)
            if value is not None and not (field == "n" and value == 1):
                told[name] = value
        if prompt.stream:
            told[names.STREAM] = True
        if prompt.response_format is not None:
            told[names.OUTPUT_TYPE] = "json"
        if self._telemetry.content:
            told[names.INPUT_MESSAGES] = self._telemetry.redacted(written(input_messages(prompt.messages)))
            if system := system_instructions(prompt.messages):
                told[names.SYSTEM_INSTRUCTIONS] = self._telemetry.redacted(written(system))
        span.set_attributes(told)

    def attempt(self, attempt: Attempt) -> AttemptSpan:
        """The span of an attempt, inside the call's."""
        made = AttemptSpan(self._telemetry, self, attempt)
        self._ours.append(made.context)
        return made

    def retried(self, error: BaseException) -> None:
        """Count it."""
        self._telemetry.instruments.retries.add(1, {**self.attributes, names.ERROR_TYPE: error_type(error)})

    def hedged(self) -> None:
        """Count it."""
        self._telemetry.instruments.hedges.add(1, self.attributes)

    def spent(self) -> None:
        """Note that an attempt has told what was used and paid."""
        self._spent = True

    def ended(
        self,
        kind: EndKind,
        *,
        response: AIResponse | None = None,
        error: BaseException | None = None,
        cost: Cost | None = None,
        usage: TokenUsage | None = None,
        reason: str | None = None,
    ) -> None:
        """End the span and measure the call; the span stays current for the listeners of the end."""
        span, call = self.span, self._call
        measured = self.attributes
        told: dict[str, Any] = {names.CALL_OUTCOME: kind, names.ATTEMPTS: len(call.attempts)}
        if response is not None:
            usage, cost = response.usage, response.cost
            self._tell_response(told, response)
            if response.model is not None:
                measured = {**measured, names.RESPONSE_MODEL: response.model}
        fetched = self.attributes[names.OPERATION] == "fetch_response"  # its tokens were counted when it was made
        if response is not None and response.cached:
            told[names.CACHED] = fetched = True
        tell_spending(told, usage if not fetched else None, cost, names.USAGE)
        if reason is not None:
            told[names.ABANDONED] = reason
        if call.attempts and self.is_stream and (first := call.attempts[-1].time_to_first_content) is not None:
            told[names.TIME_TO_FIRST_CHUNK] = first
        span.set_attributes(told)
        if error is not None:
            set_error(span, error, self._telemetry.redacted(str(error)) if self._telemetry.content else None)
            measured = {**measured, names.ERROR_TYPE: error_type(error)}
        span.end()
        instruments = self._telemetry.instruments
        instruments.duration.record(time.perf_counter() - self._began, measured)
        if not self._spent and kind == "performed":
            instruments.spent(usage if not fetched else None, cost, self.attributes)
        if not self._is_ours(current := get_current()):
            self._outer = current
        attach(self.context)

    def leave(self) -> None:
        """Have what was current before be so again."""
        if self._is_ours(get_current()):
            attach(self._outer)

    def _is_ours(self, context: object) -> bool:
        return any(context is ours for ours in self._ours)

    def _tell_response(self, told: dict[str, Any], response: AIResponse) -> None:
        if response.model is not None:
            told[names.RESPONSE_MODEL] = response.model
        if response.id is not None:
            told[names.RESPONSE_ID] = response.id
        reasons = [choice.finish_reason for choice in (response, *response.alternatives) if choice.finish_reason]
        if reasons:
            told[names.FINISH_REASONS] = reasons
        if self._telemetry.content and self.span.is_recording():
            told[names.OUTPUT_MESSAGES] = self._telemetry.redacted(written(output_messages(response)))


class AttemptSpan:
    """Watches one attempt."""

    __slots__ = ("_attempt", "_call", "_last_chunk", "_telemetry", "attributes", "context", "span")

    def __init__(self, telemetry: SpanSource, call: CallSpan, attempt: Attempt) -> None:
        self._telemetry = telemetry
        self._call = call
        self._attempt = attempt
        self._last_chunk: float | None = None
        there = getattr(attempt.target.connection.observer, "attributes", telemetry.attributes)  # a fallback's own
        told: dict[str, Any] = {**there, names.ATTEMPT_NUMBER: attempt.number}
        self.attributes: dict[str, Any] = {**there, names.OPERATION: call.attributes[names.OPERATION]}
        if attempt.model is not None:
            told[names.REQUEST_MODEL] = self.attributes[names.REQUEST_MODEL] = attempt.model
        if attempt.number > 1:
            told[names.RESEND_COUNT] = attempt.number - 1
        if attempt.hedges is not None:
            told[names.HEDGE] = True
        self.span = telemetry.tracer.start_span(f"{call.name} attempt", call.context, SpanKind.CLIENT, told)
        self.context = set_span_in_context(self.span, call.context)
        if call._is_ours(get_current()):
            attach(self.context)

    def chunks(self, count: int, now: float) -> None:
        """Measure the chunks of a stream; those that were read at once share the time."""
        before, self._last_chunk = self._last_chunk, now
        instruments, attributes = self._telemetry.instruments, self.attributes
        if before is None:
            sent = self._attempt.started + self._attempt.waited
            instruments.first_chunk.record(now - sent, attributes)
            before, count = now, count - 1
        for _ in range(count):
            instruments.per_chunk.record((now - before) / count, attributes)

    def settled(self, outcome: Outcome, now: float) -> None:
        """End the span, and measure the attempt where one was sent."""
        span, attempt, error = self.span, self._attempt, outcome.error
        told: dict[str, Any] = {names.ATTEMPT_OUTCOME: outcome.kind}
        if attempt.waited:
            told[names.WAITED] = attempt.waited
        status = getattr(error, "status", None) if error is not None else 200 if outcome.kind == "success" else None
        if status is not None:
            told[names.STATUS_CODE] = status
        request_id = attempt.request_id or getattr(error, "request_id", None)
        if request_id is not None:
            told[names.REQUEST_ID] = request_id
        usage = None if outcome.was_fetched else outcome.usage
        tell_spending(told, usage, outcome.cost, names.ATTEMPT_USAGE)
        span.set_attributes(told)
        if error is not None:
            set_error(span, error, self._telemetry.redacted(str(error)) if self._telemetry.content else None)
        span.end()
        attributes, instruments = self.attributes, self._telemetry.instruments
        if usage is not None or outcome.cost is not None:
            self._call.spent()
            instruments.spent(usage, outcome.cost, attributes)
        instruments.waited.record(attempt.waited, attributes)
        if outcome.kind != "refused":
            instruments.attempt.record(now - attempt.started, {**attributes, names.ATTEMPT_OUTCOME: outcome.kind})
        if get_current() is self.context:
            attach(self._call.context)
