"""What the handlers of all services are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import msgspec

from ...data.http import Request, Simulated
from ...data.json import decode_json
from ...data.responses import AIResponse
from ...drivers.mock.calls import MockCall
from ...drivers.mock.forms import ReplyForm, json_reply
from ...drivers.mock.service import MockService
from ...drivers.mock.usage import estimate_usage
from ...errors import AIError
from .store import Store

__all__ = ["CREATED_AT", "Answered", "Ask", "Handler", "RefusedError", "Route"]

CREATED_AT = "2026-01-01T00:00:00Z"
"""`CREATED` as Anthropic and Google write it."""

Answered: TypeAlias = "Simulated | AIError"
"""A reply, or an error that no provider sends."""


class RefusedError(Exception):
    """A request that is not one of this API; `status` is what to answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Ask(msgspec.Struct, frozen=True):
    """One request: `found` are the pieces of its path that its route names, `form` is the wire of its service; `answer`
    asks the server itself."""

    request: Request
    found: tuple[str, ...]
    form: ReplyForm
    service: MockService
    store: Store
    answer: Callable[[Request], Answered]

    def json(self) -> dict[str, Any]:
        """The JSON of the body. Raises `RefusedError` when it is not an object."""
        try:
            body = decode_json(self.request.body or b"")
        except ValueError as error:
            raise RefusedError(f"the body is {error}") from None
        if not isinstance(body, dict):
            raise RefusedError("the body must be a JSON object")
        return body

    def body(self, **more: Any) -> dict[str, Any]:
        """The JSON of the body, with what the path says. Raises `RefusedError` when it is not an object with a
        model."""
        body = {**self.json(), **more}
        if not isinstance(body.get("model"), str):
            raise RefusedError("the body must be a JSON object with a model")
        return body

    def query(self, name: str) -> str | None:
        """The value of a parameter of the address."""
        return next(iter(parse_qs(urlsplit(self.request.url).query).get(name, ())), None)

    def chat(self, **more: Any) -> Answered:
        """The answer to a prompt."""
        return self.service.chat(self.form, self.request, self.body(**more))

    def operate(
        self, operation: str, body: dict[str, Any], answer: Callable[[MockCall, dict[str, Any]], Simulated]
    ) -> Answered:
        """What `answer` gives, unless a failure is wanted."""
        return self.service.operate(self.form, self.request, operation, body, answer)

    def manage(self, operation: str, make: Callable[[], Any]) -> Answered:
        """What `make` gives as JSON, for operations on files and batches; a failure, if one is wanted."""
        return self.operate(operation, {"model": ""}, lambda call, _: json_reply(make(), call.number))

    def count(self, body: dict[str, Any], write: Callable[[int], dict[str, Any]]) -> Answered:
        """The number of tokens of a prompt, estimated like the usage of its answer."""
        prompt = self.form.read_call(body)

        def answer(call: MockCall, _: dict[str, Any]) -> Simulated:
            counted = estimate_usage(AIResponse(), msgspec.structs.replace(call, **prompt))
            return json_reply(write(counted.input_tokens or 0), call.number)

        return self.operate("count_tokens", body, answer)


Handler: TypeAlias = Callable[[Ask], Answered]
Route: TypeAlias = "tuple[str, str, Handler]"
"""Method, regular expression of the end of the path, and who answers."""
