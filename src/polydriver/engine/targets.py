"""A target: one connection over one port, and what is done for every attempt there."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..contract import DriverHooks
from ..data.http import Request
from ..data.json import as_dict, as_str
from ..data.messages import ToolCall
from ..data.origins import own_response
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..errors import AIError, ConfigurationError, InvalidResponseError
from .billing import price_answer, take_reported_cost
from .calls import Call
from .connection import Connection
from .failures import Failures
from .hook_faults import is_own_code
from .ports import Port

__all__ = ["Target"]


_KEY = "polydriver-"
_KEY_HEADER = "idempotency-key"


def _has_own(driver: Any, hook: str) -> bool:
    """Whether a driver has a hook of its own, so that there is something to call."""
    return getattr(getattr(driver, hook), "__func__", None) is not getattr(DriverHooks, hook)


class Target:
    """A connection as the callers of one port reach it.

    `authenticates`: whether its driver authenticates or signs requests by more than their headers. `parse_response` is
    what reads whole replies: the driver's wire, or the driver itself (`reads_replies`). `key_header` is the one in
    which the service takes a key that the attempts of a request share.
    """

    __slots__ = (
        "authenticates", "config", "connection", "driver", "failures", "key_header", "origins", "parse_response",
        "port", "reads_replies",
    )  # fmt: skip

    def __init__(self, connection: Connection, port: Any) -> None:
        self.connection = connection
        self.driver = connection.driver
        self.authenticates = _has_own(self.driver, "authenticate") or _has_own(self.driver, "sign")
        self.reads_replies = _has_own(self.driver, "parse_response")
        self.parse_response = (self.driver if self.reads_replies else self.driver.wire).parse_response
        self.origins = connection.driver.origins
        self.config = connection.config
        header = self.config.idempotency_header or self.driver.idempotency_header
        self.key_header = None if header is None else header.lower()
        self.port: Port = port
        self.failures = Failures(connection, port)

    def build(self, build: Callable[[], Request]) -> Request:
        """The request that a hook builds, with the headers of the connection, and a key that its attempts share.

        Raises `ConfigurationError` for what cannot be written as JSON.
        """
        try:
            request = build()
        except AIError:
            raise
        except Exception as error:
            if isinstance(error, TypeError | ValueError | OverflowError | RecursionError) and not is_own_code(error):
                raise ConfigurationError(f"the request cannot be written as JSON: {error}") from error
            raise self.failures.of_hook(error, "build_request") from error
        if not isinstance(request, Request):
            raise self.failures.of_result("build_request", request, "a Request")
        headers = request.headers
        for name, value in self.connection.headers.items():
            if name not in headers:
                dict.__setitem__(headers, name, value)  # which is sealed already
        if self.key_header is not None and request.method == "POST" and self.key_header not in headers:
            headers[self.key_header] = f"{_KEY}{random.getrandbits(128):032x}"
        return request

    def again(self, request: Request) -> Request | None:
        """The same request to be sent beside it, with a key of its own; `None` where the caller gave the key."""
        header, headers = self.key_header, dict(request.headers)
        if header is not None and headers.get(header, _KEY).startswith(_KEY):
            headers[header] = f"{_KEY}{random.getrandbits(128):032x}"
        elif header is not None or _KEY_HEADER in headers:
            return None
        return msgspec.structs.replace(request, headers=headers)

    def fill(
        self, response: AIResponse, prompt: Prompt, call: Call, headers: Mapping[str, str], request_id: str | None
    ) -> None:
        """Fill in what only the engine knows: provider, the id of the request, time, cost, warnings and attempts.

        `headers` are those of the reply; `request_id` is the one that they tell, without secrets.
        """
        if response.finish_reason == "stop" and ToolCall in map(type, response.parts):
            response.finish_reason = "tool_calls"  # the wire's word does not tell; the parts do
        self.keep_own(response)
        response.provider = self.connection.name
        response.requested_model = prompt.model
        told_id = response.request_id
        response.request_id = self.config.redactor.redact(told_id, 200) if told_id else request_id
        response.response_time = self.port.now() - call.started
        told = [*call.route.warnings, *prompt.warnings] if call.route is not None else prompt.warnings
        if told:
            response.warnings = [*told, *response.warnings]
        response.attempts = call.attempts
        if self.reads_replies and response.billing is None:  # a wire has told it
            tier = as_str(as_dict(response.raw).get("service_tier"))
            response.billing = self.driver.read_billing(response, tier)
        take_reported_cost(self.connection.name, headers, response)
        price_answer(self.driver, response, prompt.model, asked_tier=prompt.service_tier)

    def keep_own(self, response: AIResponse) -> None:
        """Leave out provider data that the driver marked as another's, which would get it with the next turn."""
        if foreign := own_response(response, self.origins):
            names = ", ".join(sorted(foreign))
            response.warnings.append(
                f"{self.driver.name} keeps provider data under the name of another ({names}); it was left out"
            )

    def parse_output(self, wanted: Any, response: AIResponse) -> None:
        """Validate a structured answer. Raises `InvalidResponseError`, whose `partial` is the answer."""
        parse = getattr(wanted, "parse", None)
        if parse is None or response.finish_reason not in ("stop", "length", "other"):
            return
        try:
            response.parsed = parse(response.content)
        except InvalidResponseError as error:
            if response.finish_reason == "length":
                error.hint = "The answer was cut off by the token limit: raise `max_tokens`."
            error.partial = response
            raise self.failures.finish(error) from error.__cause__
