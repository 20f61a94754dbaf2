"""Failures on script: by word, by HTTP status, or by the error of ours that the caller is to get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ... import errors
from ...errors import AIError, ConfigurationError
from ...typed import convert

__all__ = ["FAILURES", "Failure", "failure_from_error", "make_failure"]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A failure to answer with.

    - `form`: "reply" (an HTTP error), "refuse" (no connection), "timeout" (no answer at all), "cut" (the
      connection breaks in the middle), "stall" (nothing more comes), "unfinished" (a stream ends without its
      end mark), "bad_json", "html", "empty", or "stream_error" (an error inside an answer that began as a
      success).
    - `status`, `message`, `code`, `type`: what the reply says; `retry_after` in seconds, and further
      `headers`.
    - `text`: of which answer the beginning is delivered in a cut, stall, ...; `after`: how many pieces of it,
      by default half.
    """

    form: Literal[
        "reply",
        "refuse",
        "timeout",
        "cut",
        "stall",
        "unfinished",
        "bad_json",
        "html",
        "empty",
        "stream_error",
    ] = "reply"
    status: int = 200
    message: str = "the mock was told to fail"
    code: str | None = None
    type: str | None = None
    retry_after: float | None = None
    headers: dict[str, str] = {}
    text: str = "This answer breaks off before it has come to its end."
    after: int | None = None

    def payload(self) -> dict[str, Any]:
        """The error object, in the form of OpenAI's API."""
        return {"error": {"message": self.message, "type": self.type, "param": None, "code": self.code}}


FAILURES: Mapping[str, Failure] = {
    "rate_limit": Failure(status=429, code="rate_limit_exceeded", type="requests", message="Rate limit reached"),
    "quota": Failure(
        status=429, code="insufficient_quota", type="insufficient_quota", message="You exceeded your quota"
    ),
    "credentials": Failure(
        status=401, code="invalid_api_key", type="invalid_request_error", message="Incorrect API key provided"
    ),
    "forbidden": Failure(status=403, type="permission_error", message="This key may not do that"),
    "invalid_request": Failure(status=400, type="invalid_request_error", message="The request is not valid"),
    "context_length": Failure(
        status=400,
        code="context_length_exceeded",
        type="invalid_request_error",
        message="The prompt is longer than the model's context",
    ),
    "content_filter": Failure(
        status=400, code="content_filter", type="invalid_request_error", message="The prompt was filtered"
    ),
    "model_not_found": Failure(
        status=404, code="model_not_found", type="invalid_request_error", message="The model does not exist"
    ),
    "server_error": Failure(status=500, type="server_error", message="The server had an error"),
    "unavailable": Failure(status=503, type="server_error", message="The service is unavailable"),
    "overloaded": Failure(status=529, type="overloaded_error", message="The service is overloaded"),
    "timeout": Failure(form="timeout"),
    "connection": Failure(form="refuse"),
    "cut": Failure(form="cut"),
    "stall": Failure(form="stall"),
    "unfinished": Failure(form="unfinished"),
    "bad_json": Failure(form="bad_json"),
    "html": Failure(form="html"),
    "empty": Failure(form="empty"),
    "stream_error": Failure(
        form="stream_error",
        type="server_error",
        message="The server had an error in the middle of the answer",
    ),
}
"""Every failure that has a name. Any HTTP status of 400 and more is one, too."""

# The first class that an error is an instance of tells its failure, so narrow classes stand before wide ones.
_BY_CLASS: tuple[tuple[type[BaseException], str], ...] = (
    (errors.InvalidCredentialsError, "credentials"),
    (errors.QuotaExceededError, "quota"),
    (errors.RateLimitError, "rate_limit"),
    (errors.ContextLengthError, "context_length"),
    (errors.ContentFilterError, "content_filter"),
    (errors.ModelNotFoundError, "model_not_found"),
    (errors.InvalidRequestError, "invalid_request"),
    (errors.APITimeoutError, "timeout"),
    (errors.APIConnectionError, "connection"),
    (errors.InvalidResponseError, "bad_json"),
    (errors.StreamInterruptedError, "cut"),
    (errors.ProviderError, "server_error"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection"),
    (ConnectionError, "cut"),
)


def make_failure(kind: str | int, **details: Any) -> Failure:
    """The failure of a name or an HTTP status, with the fields of `Failure` that are given.

    Raises `ConfigurationError` for an unknown name or field.
    """
    if isinstance(kind, str) and kind.isdigit():
        kind = int(kind)
    if isinstance(kind, int) and 400 <= kind <= 599:
        found = next((failure for failure in FAILURES.values() if failure.status == kind), None)
        base = found or Failure(status=kind, message=f"The mock answers with HTTP {kind}")
    elif isinstance(kind, str) and kind in FAILURES:
        base = FAILURES[kind]
    else:
        raise ConfigurationError(
            f"the mock does not know the failure {kind!r}: give an HTTP status of 400 to 599, or one of "
            + ", ".join(FAILURES)
        )
    unknown = sorted(set(details) - set(Failure.__struct_fields__))
    if unknown:
        known = ", ".join(Failure.__struct_fields__)
        raise ConfigurationError(f"a failure has no {', '.join(unknown)}: its fields are {known}")
    try:
        return convert({**msgspec.structs.asdict(base), **details}, Failure)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the failure {kind!r} cannot be made: {error}") from None


def failure_from_error(error: BaseException | type[BaseException]) -> Failure | AIError:
    """What a provider would send so that the caller gets this error; an error that no provider sends is given
    back as it is.

    Raises `ConfigurationError` for an exception that is neither an `AIError` nor a network failure.
    """
    kind = error if isinstance(error, type) else type(error)
    name = next((name for known, name in _BY_CLASS if issubclass(kind, known)), None)
    if name is None:
        if issubclass(kind, AIError):
            return error if isinstance(error, AIError) else kind("the mock was told to fail")
        raise ConfigurationError(
            f"a mock cannot fail with {kind.__name__}: give an AIError, or a word such as 'timeout'"
        )
    if not isinstance(error, AIError):
        return FAILURES[name]
    given = {
        "message": error.message,
        "code": error.code,
        "type": error.type,
        "retry_after": error.retry_after,
    }
    failure = make_failure(name, **{field: value for field, value in given.items() if value is not None})
    status = error.status
    return msgspec.structs.replace(failure, status=status) if status and failure.form == "reply" else failure
