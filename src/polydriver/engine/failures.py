"""Making errors fit to leave: of the driver's own branch, redacted, cut, and with what the server says of retrying."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..data.http import Reply
from ..errors import (
    AIError,
    APITimeoutError,
    DeadlineExceededError,
    InvalidResponseError,
    ProviderError,
    RateLimitError,
    error_branch,
)
from .calls import Call
from .connection import Connection
from .hook_faults import FAULT_HINT, describe_fault
from .policies.retry import parse_retry_after, should_retry_header
from .ports import Port

__all__ = ["Failures", "without_frames"]

T = TypeVar("T")
_MESSAGE = 1000
_WORD = 200
_DETAILS = 200_000


class Failures:
    """What becomes of failures on one connection."""

    __slots__ = ("_branch", "_connection", "_port")

    def __init__(self, connection: Connection, port: Port) -> None:
        self._connection = connection
        self._port = port
        self._branch = error_branch(connection.driver.error_prefix)

    def finish(self, error: AIError, reply: Reply | None = None) -> AIError:
        """The same error, redacted and filled with what only the engine knows."""
        redactor = self._connection.config.redactor
        error.message = redactor.redact(error.message, _MESSAGE)
        error.args = (error.message,)
        if error.details:
            error.details = redactor.redact_value(error.details, _DETAILS)
        if error.provider is None or error.provider == self._connection.driver.name:
            error.provider = self._connection.name
        if reply is not None:
            self._read_headers(error, reply)
        for name in ("code", "type", "request_id"):
            if word := getattr(error, name):
                setattr(error, name, redactor.redact(word, _WORD))
        return error

    def _read_headers(self, error: AIError, reply: Reply) -> None:
        if error.status is None:
            error.status = reply.status  # an error inside a success: the provider gave it no status of its own
        if error.retry_after is None and error.retryable:
            limited = isinstance(error, RateLimitError)
            error.retry_after = parse_retry_after(reply.headers, self._port.wall_time(), limited=limited)
        if should_retry_header(reply.headers) is False:
            error.retryable = False
        if error.request_id is None:
            error.request_id = reply.request_id

    def unexpected(self, error: Exception) -> AIError:
        """What a hook of the driver let slip on strange bytes, as an error of ours that names the hook."""
        fault = describe_fault(self._connection.driver, error)
        failure = self._branch[InvalidResponseError](f"{self._connection.name} sent what cannot be read: {fault}")
        failure.hint = FAULT_HINT
        return self.finish(failure)

    def of_hook(self, error: Exception, hook: str) -> AIError:
        """What a hook raised that reads nothing foreign, as an error of ours that names it."""
        fault = describe_fault(self._connection.driver, error, hook)
        return self.finish(AIError(fault, provider=self._connection.name, hint=FAULT_HINT))

    def of_result(self, hook: str, result: object, wanted: str) -> AIError:
        """The error for a hook that returned something of the wrong type."""
        driver = type(self._connection.driver).__name__
        problem = f"the hook {hook} of {driver} returned {type(result).__name__}, not {wanted}"
        return AIError(problem, provider=self._connection.name, hint=FAULT_HINT)

    def of_transport(self, error: AIError, call: Call) -> AIError:
        """A transport's error as the driver's own; one that is due to the call's deadline says so."""
        if isinstance(error, APITimeoutError) and call.deadline is not None and self._port.now() >= call.deadline:
            late = self.deadline(call)
            late.details = {"phase": error.details.get("phase")}
            return late
        kind = self._branch.get(type(error)) if isinstance(error, ProviderError) else None
        if kind is not None:
            branded = kind(error.message)
            branded.__dict__.update(error.__dict__)
            error = branded
        return self.finish(error)

    def deadline(self, call: Call) -> DeadlineExceededError:
        """The error for a call whose time is up."""
        return DeadlineExceededError(
            f"the deadline of {call.deadline_seconds:g} s for the whole call passed", provider=self._connection.name
        )

    def of_kind(self, kind: type[ProviderError], message: str) -> ProviderError:
        """An error of the driver's own branch."""
        return self._branch[kind](message)

    def reading(self, read: Callable[[], T], reply: Reply | None = None) -> T:
        """Run a hook that reads foreign bytes: whatever it raises becomes an error of ours."""
        try:
            return read()
        except AIError as error:
            raise without_frames(self.finish(error, reply)) from error.__cause__
        except Exception as error:
            raise self.unexpected(error) from error


def without_frames(error: AIError) -> AIError:
    """The error of a hook that read a reply, without the hook's frames and those of its causes.

    They hold the reply, which may repeat the keys of the request, and tracebacks with locals would show it.
    """
    shown: BaseException | None = error
    while shown is not None and shown.__traceback__ is not None:
        shown = shown.with_traceback(None)
        shown = shown.__cause__ or shown.__context__
    return error
