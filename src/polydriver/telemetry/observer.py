"""What watches the calls of one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry.metrics import MeterProvider, Observation
from opentelemetry.trace import Span, SpanKind, TracerProvider, use_span

from ..data.messages import ToolCall, ToolResult
from ..version import __version__
from . import names
from .attributes import set_error
from .content import written
from .metrics import instruments_of
from .spans import CallSpan

if TYPE_CHECKING:
    from ..engine.calls import Call
    from ..engine.connection import Connection

__all__ = ["Telemetry"]


class Telemetry:
    """The observer of a connection: `content` says whether prompts, answers and what tools do are recorded."""

    def __init__(
        self, connection: Connection, tracers: TracerProvider, meters: MeterProvider, *, content: bool
    ) -> None:
        self.content = content
        self.tracer = tracers.get_tracer(names.SCOPE, __version__, schema_url=names.SCHEMA_URL)
        self.instruments = instruments_of(meters)
        self.instruments.observers.add(self)
        self.redacted: Callable[[str], str] = connection.config.redactor.redact
        driver = connection.driver.name
        self.attributes: dict[str, Any] = {
            names.PROVIDER: names.PROVIDERS.get(driver, driver),
            names.CONNECTION: connection.name,
            **_server(connection.config.base_url),
        }
        self._connection = connection

    def begin(self, call: Call) -> CallSpan:
        """See `engine.observing.Observer`."""
        return CallSpan(self, call)

    @contextmanager
    def tool_loop(self, conversation_id: str | None) -> Iterator[None]:
        """See `engine.observing.Observer`: a span around the turns and the tools."""
        told: dict[str, Any] = {names.OPERATION: names.TOOL_LOOP, **self.attributes}
        if conversation_id is not None:
            told[names.CONVERSATION_ID] = conversation_id
        with self._inside(names.TOOL_LOOP, told):
            yield

    @contextmanager
    def tool(self, call: ToolCall) -> Iterator[Callable[[ToolResult], None]]:
        """See `engine.observing.Observer`: the span of the tool is current inside. Gives what takes its result."""
        told: dict[str, Any] = {
            names.OPERATION: names.EXECUTE_TOOL,
            names.TOOL_NAME: call.name,
            names.TOOL_CALL_ID: call.id,
            names.TOOL_TYPE: "function",
        }
        if self.content:
            told[names.TOOL_ARGUMENTS] = self.redacted(written(call.arguments))
        with self._inside(f"{names.EXECUTE_TOOL} {call.name}", told) as span:

            def note(result: ToolResult) -> None:
                if self.content:
                    text = result.content if isinstance(result.content, str) else written(result.content)
                    span.set_attribute(names.TOOL_RESULT, self.redacted(text))

            yield note

    @contextmanager
    def _inside(self, name: str, attributes: dict[str, Any]) -> Iterator[Span]:
        """A span that is current inside, and says how what is inside failed."""
        span = self.tracer.start_span(name, kind=SpanKind.INTERNAL, attributes=attributes)
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except BaseException as error:
                set_error(span, error, self.redacted(str(error)) if self.content else None)
                raise

    def circuits(self, now: float) -> Iterable[Observation]:
        """The state of each circuit of the connection, of those that were used."""
        if self._connection.observer is not self:
            return
        circuits = self._connection.circuits
        for circuit in circuits.describe(now) if circuits is not None else ():
            attributes = {**self.attributes}
            if circuit.model is not None:
                attributes[names.REQUEST_MODEL] = circuit.model
            yield Observation(names.CIRCUIT_STATES[circuit.state], attributes)


def _server(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.hostname is None:
        return {}
    return {
        names.SERVER_ADDRESS: parts.hostname,
        names.SERVER_PORT: parts.port or (80 if parts.scheme == "http" else 443),
    }
