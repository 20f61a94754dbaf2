"""How a mock answers on one wire: a base for every form, with all that the wires have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec

from ...data.http import Simulated
from ...data.json import encode_json
from ...data.responses import AIResponse, Choice
from ...data.usage import TokenUsage
from .calls import MockCall
from .failures import Failure
from .replies import Answer
from .usage import estimate_usage

__all__ = ["CREATED", "ID_HEADER", "Delivery", "ReplyForm", "cut_up", "json_reply", "wanted_choices"]

CREATED = 1_767_225_600
"""When everything of a mock was made (2026-01-01T00:00:00Z, seconds): it reads no clock."""

ID_HEADER = "x-request-id"
"""The header with the id of a request, where a service has no name of its own for it."""

_PAGE = (
    b"<!DOCTYPE html><html><head><title>Mock gateway error</title></head>"
    b"<body><h1>Mock gateway error</h1></body></html>"
)
_SSE = {"content-type": "text/event-stream; charset=utf-8"}


class Delivery(msgspec.Struct, frozen=True):
    """How answers are delivered: characters in a piece, seconds before each."""

    chunk_size: int
    delay: float


def json_reply(
    payload: Any, number: int, *, status: int = 200, headers: dict[str, str] | None = None, delay: float = 0.0
) -> Simulated:
    """A whole reply."""
    all_headers = {
        "content-type": "application/json",
        ID_HEADER: f"req_mock_{number}",
        **(headers or {}),
    }
    return Simulated(status=status, headers=all_headers, chunks=[encode_json(payload)], delays=delay)


def cut_up(text: str, size: int) -> list[str]:
    """The pieces of a text, none of them empty."""
    return [text[start : start + size] for start in range(0, len(text), size)]


class ReplyForm(ABC):
    """One wire from the server's side: it reads requests, and writes answers and errors.

    A wire has the five methods `read_call` and `write_...` of its own; `broken` is the beginning of an event that
    nobody can read, and `id_header` the name of the header with the id of a request.
    """

    broken: ClassVar[bytes]
    id_header: ClassVar[str] = ID_HEADER

    @abstractmethod
    def read_call(self, body: dict[str, Any]) -> dict[str, Any]:
        """What is asked, as fields of `MockCall`: model, messages, tools, options, stream."""

    @abstractmethod
    def write_whole(self, response: AIResponse, usage: TokenUsage, call: MockCall) -> dict[str, Any]:
        """The body of a whole answer."""

    @abstractmethod
    def write_events(self, response: AIResponse, usage: TokenUsage, call: MockCall, size: int) -> list[bytes]:
        """The events of a streamed answer, texts in pieces of `size` characters."""

    @abstractmethod
    def write_error(self, failure: Failure) -> Any:
        """The body of an error reply."""

    @abstractmethod
    def write_error_event(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""

    def render_answer(self, answer: Answer, call: MockCall, delivery: Delivery) -> Simulated:
        """The reply that carries an answer."""
        response = answer.response
        size = answer.chunk_size or delivery.chunk_size
        delay = delivery.delay if answer.delay is None else answer.delay
        usage = response.usage or estimate_usage(response, call)
        if not call.stream:
            return json_reply(self.write_whole(response, usage, call), call.number, delay=delay)
        headers = {**_SSE, ID_HEADER: f"req_mock_{call.number}"}
        return Simulated(headers=headers, chunks=self.write_events(response, usage, call, size), delays=delay)

    def render_failure(self, failure: Failure, call: MockCall, delivery: Delivery) -> Simulated:
        """The reply of a failure; one without chunks where no reply comes."""
        headers = {**failure.headers}
        if failure.retry_after is not None:
            headers["retry-after"] = f"{failure.retry_after:g}"
        form = failure.form
        if form == "reply":
            return json_reply(self.write_error(failure), call.number, status=failure.status, headers=headers)
        if form == "refuse" or form == "timeout":
            return Simulated(end=form)
        if form == "html":
            return Simulated(status=failure.status, headers={"content-type": "text/html", **headers}, chunks=[_PAGE])
        if form == "empty":
            return Simulated(status=failure.status, headers=headers)
        return self._begin(failure, call, delivery) if call.stream else self._break(failure, call, headers)

    def refuse(self, status: int, message: str) -> Simulated:
        """The reply to a request that is not one of this API."""
        failure = Failure(status=status, message=message, type="invalid_request_error")
        return json_reply(self.write_error(failure), 0, status=status)

    def _begin(self, failure: Failure, call: MockCall, delivery: Delivery) -> Simulated:
        """A stream that begins well."""
        answer = Answer(response=AIResponse.from_text(failure.text))
        good = self.render_answer(answer, call, delivery)
        after = len(good.chunks) // 2 if failure.after is None else failure.after
        chunks = good.chunks[:after]
        if failure.form == "stream_error":
            chunks.append(self.write_error_event(failure))
        elif failure.form == "bad_json":
            chunks.append(self.broken + b"\n\n")
        end = failure.form if failure.form in ("cut", "stall") else "clean"
        return msgspec.structs.replace(good, chunks=chunks, end=end)

    def _break(self, failure: Failure, call: MockCall, headers: dict[str, str]) -> Simulated:
        """A whole answer of which half comes, or which is an error inside a success."""
        if failure.form == "stream_error":
            return json_reply(self.write_error(failure), call.number, headers=headers)
        good = self.render_answer(Answer(response=AIResponse.from_text(failure.text)), call, Delivery(1, 0.0))
        body = good.chunks[0]
        end = failure.form if failure.form in ("cut", "stall") else "clean"
        half = [body[: len(body) // 2]]
        return msgspec.structs.replace(good, headers={**good.headers, **headers}, chunks=half, end=end)


def wanted_choices(response: AIResponse, call: MockCall) -> list[Choice]:
    """The scripted choices; when the caller wants more (`n` among its options), the first is repeated."""
    wanted = call.options.get("n")
    choices: list[Choice] = [response, *response.alternatives]
    while isinstance(wanted, int) and len(choices) < min(wanted, 128):
        choices.append(Choice(index=len(choices), parts=response.parts, finish_reason=response.finish_reason))
    return choices
