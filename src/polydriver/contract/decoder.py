"""What reads a stream: bytes in, chunks out."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ..config import Config
from ..data.assembly import Assembly
from ..data.billing import BillingFacts
from ..data.digits import with_digits
from ..data.json import decode_json
from ..data.prompt import Prompt
from ..data.responses import AIChunk, AIResponse
from ..errors import AIError, InvalidResponseError, ProviderError
from ..framing import FramingError, SSEDecoder
from .halves import Halves

__all__ = ["StreamDecoder"]

W = TypeVar("W", bound="DecoderHost")


class DecoderHost(Protocol):
    """What a stream decoder needs of the wire (or of the driver that is its own wire) that made it."""

    @property
    def config(self) -> Config:
        """The settings in force."""

    def map_payload(self, payload: Any) -> ProviderError:
        """See `drivers.traits.HandlesErrors`."""

    def invalid_response(self, problem: str, body: bytes = b"") -> InvalidResponseError:
        """See `drivers.traits.HandlesErrors`."""

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """See `DriverHooks`."""


class StreamDecoder(Generic[W]):
    """Turns a stream's bytes into chunks. A wire writes `parse_event`; one with other framing sets `framing`.

    What was read is in `answer`; a decoder that has more to tell of it overrides `build_answer`.

    - `complete`: whether the answer's end was seen (a finish reason, `message_stop`, ...). A stream that ends before
      it was cut.
    - `closed`: whether the wire's last word was seen (`[DONE]`), so that nothing more is worth waiting for.
    - `failure`: the error that the stream held (mapped), or that reading it made. Nothing is read after it.
    - `events`: how many events came, so that the engine can tell an answer in progress from mere keep-alive, be it
      comments or events of the wire's own (see `pass_over`).
    - `strange`: how many of them the wire does not know (see `pass_strange`). A stream of nothing else is no answer.
    """

    framing: ClassVar[type[Any]] = SSEDecoder

    def __init__(self, wire: W, prompt: Prompt) -> None:
        self.wire = wire
        self.prompt = prompt
        self.frames: Any = self.framing(max_event_bytes=wire.config.max_event_bytes)
        self.answer = Assembly()
        self.complete = False
        self.closed = False
        self.events = 0
        self.strange = 0
        self._halves = Halves()
        self.failure: Exception | None = None

    def feed(self, data: bytes) -> list[AIChunk]:
        """The chunks that these bytes complete. Never raises: what goes wrong is kept as `failure`, after the chunks
        before it."""
        chunks: list[AIChunk] = []
        try:
            for event in self.frames.feed(data):
                text = event[1] if type(event) is tuple else self.text_of(event)
                if b"\\u" in text or self._halves.waiting:
                    self._parse_ready(self._halves.put(event, text), chunks)
                else:
                    self.events += 1
                    known = len(chunks)
                    self.parse_event(event, chunks)
                    if chunks and (chunks[-1].tool_calls or len(chunks) - known > 1):
                        self._keep_digits(chunks[known:], text)
                if self.closed:
                    self._refuse_strange()
                    break
        except Exception as error:  # noqa: BLE001 - kept, and raised by the engine as an error of ours
            self._fail(error)
        return chunks

    def finish(self) -> list[AIChunk]:
        """The chunks that the end of the body completes; the wire's last words when it sends no end mark. Never
        raises."""
        chunks: list[AIChunk] = []
        try:
            for event in self.frames.finish():
                self._parse_ready(self._halves.put(event, self.text_of(event)), chunks)
            self._parse_ready(self._halves.drain(), chunks)
            if not self.events and (body := _without_comments(getattr(self.frames, "unframed", b""))):
                self.parse_unframed(body, chunks)
            self.end(chunks)
            self._refuse_strange()
        except Exception as error:  # noqa: BLE001 - kept, and raised by the engine as an error of ours
            self._fail(error)
        return chunks

    def _parse_ready(self, ready: list[tuple[Any, bytes | None]], chunks: list[AIChunk]) -> None:
        for event, text in ready:
            if not self.closed:
                self.events += 1
                known = len(chunks)
                self.parse_event(event if text is None else self.with_text(event, text), chunks)
                self._keep_digits(chunks[known:], self.text_of(event) if text is None else text)

    def _keep_digits(self, chunks: list[AIChunk], text: bytes) -> None:
        """Keep the text of arguments that came as an object, where a float does not hold all digits."""
        for chunk in chunks:
            if not chunk.tool_calls:
                continue
            calls = with_digits(chunk.tool_calls, text)
            changed = {id(old): new for old, new in zip(chunk.tool_calls, calls, strict=True) if new is not old}
            if changed:
                parts = self.answer.choice(chunk.index).parts
                parts[:] = [changed.get(id(part), part) for part in parts]
                chunk.tool_calls = calls

    def text_of(self, event: Any) -> bytes:
        """The JSON in an event, which may be mended before `parse_event` gets it: a server can cut a character in half.
        For framings whose events are neither bytes nor pairs of name and bytes, it is empty unless overridden."""
        if isinstance(event, tuple):
            event = event[-1]
        return event if isinstance(event, bytes) else b""

    def with_text(self, event: Any, text: bytes) -> Any:
        """The event with other JSON. To be overridden together with `text_of`."""
        return (*event[:-1], text) if isinstance(event, tuple) else text

    def _fail(self, error: Exception) -> None:
        """Keep the failure. What JSON and text decoding raise late (msgspec skips over what it does not need) is
        mapped here."""
        unreadable = isinstance(error, FramingError | ValueError) and not isinstance(error, AIError)
        self.failure = self.wire.invalid_response(str(error)) if unreadable else error

    def parse_event(self, event: Any, chunks: list[AIChunk]) -> None:
        """Read one event, as the framing gives it (for SSE: name and data), and append the chunks that it makes."""
        raise AssertionError(f"{type(self).__name__} has no parse_event")

    def pass_over(self) -> None:
        """Called by `parse_event` for an event that only keeps the connection alive: it is not a sign of progress."""
        self.events -= 1

    def pass_strange(self) -> None:
        """Called by `parse_event` for an event that this wire does not know, or that says nothing. It is passed over:
        services add events of their own. When all events of a stream are strange, it is of another API."""
        self.strange += 1

    def _refuse_strange(self) -> None:
        if self.strange and self.strange == self.events:
            raise self.wire.invalid_response("no event of the stream is a piece of an answer")

    def parse_unframed(self, body: bytes, chunks: list[AIChunk]) -> None:
        """Read a body that had no events: some services answer a streaming request with an error as plain JSON, or
        with HTML."""
        try:
            payload = decode_json(body)
        except ValueError:
            raise self.wire.invalid_response("the body is not an event stream", body) from None
        if isinstance(payload, dict) and payload.get("error"):
            raise self.wire.map_payload(payload)
        raise self.wire.invalid_response("the body is not an event stream", body)

    def end(self, chunks: list[AIChunk]) -> None:
        """Called once when the body is over, for wires whose end mark is the last answer itself."""

    def build(self) -> AIResponse:
        """The response so far, with what decides its price."""
        response = self.build_answer()
        response.billing = self.wire.read_billing(response, self.answer.service_tier)
        return response

    def build_answer(self) -> AIResponse:
        """The response so far, as the stream told it."""
        return self.answer.build()


def _without_comments(body: bytes) -> bytes:
    """What a body without events holds besides keep-alive comments and blank lines."""
    return b"\n".join(line for line in body.splitlines() if not line.startswith(b":")).strip()
