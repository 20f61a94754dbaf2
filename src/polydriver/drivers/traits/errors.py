"""HandlesErrors: from what a provider answers to one of our errors.

The order of evidence: the provider's code, its type, the HTTP status, and as the last resort the text, by one
labelled table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ...data.http import Reply
from ...data.json import as_int, as_str, decode_json
from ...errors import (
    APITimeoutError,
    ContentFilterError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    error_branch,
)
from .base import TraitBase

__all__ = ["COMMON_CODES", "COMMON_TEXTS", "ErrorFacts", "ErrorTable", "HandlesErrors", "read_error"]

ErrorClass = type[ProviderError]

COMMON_CODES: Mapping[str, ErrorClass] = {
    "invalid_api_key": InvalidCredentialsError,
    "authentication_error": InvalidCredentialsError,
    "permission_error": InvalidCredentialsError,
    "insufficient_quota": QuotaExceededError,
    "quota_exceeded": QuotaExceededError,
    "billing_hard_limit_reached": QuotaExceededError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "context_length_exceeded": ContextLengthError,
    "model_not_found": ModelNotFoundError,
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "server_error": ServerError,
    "internal_server_error": ServerError,
    "overloaded_error": ServerError,
    "timeout": APITimeoutError,
}
"""The provider's own codes and types whose meaning is the same wherever they occur."""

COMMON_TEXTS: tuple[tuple[str, ErrorClass], ...] = (
    (
        r"context (?:length|window)|maximum context|prompt is too long|too many (?:input )?tokens|input is too long",
        ContextLengthError,
    ),
    (
        r"(?:incorrect|invalid) api key|api key (?:not valid|is invalid|not found)|invalid x-api-key",
        InvalidCredentialsError,
    ),
    (r"credit balance|insufficient (?:credit|balance|fund)|payment required", QuotaExceededError),
    (
        (
            r"model\b.{0,120}(?:not found|does not exist|not exist|not supported|unknown)"
            r"|(?:unknown|no such|invalid) model\b"
        ),
        ModelNotFoundError,
    ),
    (r"content (?:policy|filter|management)|safety system|flagged", ContentFilterError),
)
"""The last resort: what the text of an otherwise plain refusal says, case-insensitively."""

_REFUSED_TYPES = frozenset({"invalid_request_error", "not_found_error", "request_too_large"})
"""Types that stand for a refused request where no HTTP status tells: in streams and batches."""

_STATUSES: Mapping[int, ErrorClass] = {
    401: InvalidCredentialsError,
    402: QuotaExceededError,
    403: InvalidCredentialsError,
    408: APITimeoutError,
    429: RateLimitError,
}
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]{0,1000}>")


class ErrorFacts(msgspec.Struct, kw_only=True):
    """What could be read from a failed reply. `code` and `type` are the provider's words, `param` what they are
    about."""

    message: str | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None
    details: dict[str, Any] = {}


class ErrorTable(msgspec.Struct, frozen=True):
    """How one driver's failures map onto the tree.

    `branch`: the prefix of its classes ("OpenAI" for `OpenAIRateLimitError`); `codes`: codes and types beyond
    `COMMON_CODES`; `statuses`: HTTP statuses that mean something of their own; `texts`: patterns tried before
    `COMMON_TEXTS`; `retry_conflict`: whether the provider documents 409 as worth a retry.
    """

    branch: str
    codes: Mapping[str, ErrorClass] = {}
    statuses: Mapping[int, ErrorClass] = {}
    texts: tuple[tuple[str, ErrorClass], ...] = ()
    retry_conflict: bool = False

    def classify(self, facts: ErrorFacts) -> ErrorClass:
        """The class of the common tree for these facts."""
        for word in (facts.code, facts.type):
            if word and (found := self.codes.get(word) or COMMON_CODES.get(word)):
                return found
        kind = self._by_status(400 if facts.status is None and facts.type in _REFUSED_TYPES else facts.status)
        if kind is InvalidRequestError or kind is ProviderError:
            text = facts.message or ""
            for pattern, refined in (*self.texts, *COMMON_TEXTS):
                if re.search(pattern, text[:2000], re.IGNORECASE | re.DOTALL):
                    return refined
        return kind

    def _by_status(self, status: int | None) -> ErrorClass:
        if status is None:
            return ProviderError
        if found := self.statuses.get(status) or _STATUSES.get(status):
            return found
        if status >= 500:
            return ServerError
        if status >= 400:
            return InvalidRequestError
        return InvalidResponseError if status >= 300 else ProviderError


class HandlesErrors(TraitBase):
    """Maps failed replies, and errors inside successful ones, onto the driver's branch of the tree, by its table
    `errors`."""

    errors: ErrorTable

    def error_code(self, reply: Reply) -> str | None:
        """The provider's own code for a failed reply, else its type."""
        facts = self.parse_error(reply)
        return facts.code or facts.type

    def parse_error(self, reply: Reply) -> ErrorFacts:
        """Read the facts of a failed reply, whatever its body is."""
        facts = read_error(reply.body)
        facts.status = reply.status
        return facts

    def map_error(self, reply: Reply) -> ProviderError:
        """The error for a reply that is not 2xx. Never raises."""
        return self.build_error(self.parse_error(reply), reply)

    def map_payload(self, payload: Any) -> ProviderError:
        """The error for an error object inside a reply or stream that began as a success.

        It is an `InvalidResponseError` for what tells of no error: an empty list, a number, another API's answer.
        """
        facts = read_error(payload)
        if facts.message or facts.code or facts.type or (isinstance(payload, dict) and payload.get("error")):
            return self.build_error(facts)
        return self.invalid_response("it is neither an answer nor an error", repr(payload)[:500].encode())

    def invalid_response(self, problem: str, body: bytes = b"") -> InvalidResponseError:
        """The driver's own `InvalidResponseError`, with the start of what came in its details."""
        kind = error_branch(self.errors.branch)[InvalidResponseError]
        details = {"problem": problem, "body": body[:500].decode("utf-8", "replace")}
        error = kind(f"{self.name} sent an answer that cannot be read: {problem}", provider=self.name, details=details)
        assert isinstance(error, InvalidResponseError)
        return error

    def build_error(self, facts: ErrorFacts, reply: Reply | None = None) -> ProviderError:
        """The driver's own class for these facts, filled."""
        kind = self.errors.classify(facts)
        retryable = kind.retryable or (facts.status == 409 and self.errors.retry_conflict)
        if facts.param:
            facts.details.setdefault("param", facts.param)
        if reply is not None and facts.status is not None and 300 <= facts.status < 400:
            facts.message = f"{self.name} answered with a redirect, which is not followed"
        return error_branch(self.errors.branch)[kind](
            facts.message or f"{self.name} failed without saying why",
            provider=self.name,
            status=facts.status,
            code=facts.code,
            type=facts.type,
            request_id=reply.request_id if reply is not None else None,
            retryable=retryable,
            details=facts.details,
        )


def read_error(body: Any) -> ErrorFacts:
    """Read an error of any known shape: JSON of a dozen kinds, a bare string, a list, HTML, plain text, or nothing.

    `body` is bytes as they came, or a decoded value.
    """
    payload = body
    if isinstance(body, bytes):
        try:
            payload = decode_json(body) if body.strip() else None
        except ValueError:
            return ErrorFacts(message=_plain_text(body.decode("utf-8", "replace")))
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if isinstance(payload, str):
        return ErrorFacts(message=_plain_text(payload))
    if not isinstance(payload, dict):
        return ErrorFacts()
    return _read_object(payload)


def _read_object(payload: dict[str, Any]) -> ErrorFacts:
    error = payload.get("error", payload)
    if isinstance(error, list) and error:
        error = error[0]
    if not isinstance(error, dict):
        error = {**payload, "message": error if isinstance(error, str) else payload.get("message")}
    code, kind = error.get("code"), error.get("type") or payload.get("__type")
    status = next(
        (number for number in (as_int(code), as_int(error.get("status"))) if number and 100 <= number < 600), None
    )
    facts = ErrorFacts(
        message=_message(error) or _message(payload),
        code=as_str(code) or (str(code) if isinstance(code, int) and not isinstance(code, bool) else None),
        type=as_str(kind) or as_str(error.get("status")),
        param=as_str(error.get("param")),
        status=status,
    )
    facts.details = {"body": payload}
    if isinstance(raw := _metadata_raw(error), str):
        facts.message = f"{facts.message or 'the provider failed'}: {_plain_text(raw)}"
    return facts


def _message(value: dict[str, Any]) -> str | None:
    """The text, under any of the names in use for it; FastAPI's `detail` may be a list of problems."""
    for name in ("message", "detail", "msg", "error_message", "Message", "reason"):
        found = value.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, dict) and (inner := _message(found)):
            return inner
        if isinstance(found, list) and found:
            texts = [_message(item) if isinstance(item, dict) else str(item) for item in found[:5]]
            return "; ".join(text for text in texts if text)
    return None


def _metadata_raw(error: dict[str, Any]) -> Any:
    """The upstream provider's own words, which OpenRouter nests under `metadata.raw`."""
    metadata = error.get("metadata")
    return metadata.get("raw") if isinstance(metadata, dict) else None


def _plain_text(text: str) -> str | None:
    """Text for a message: an HTML page is reduced to its title."""
    if found := _TITLE.search(text[:20000]):
        return f"an HTML page: {found.group(1).strip()}"
    return " ".join(_TAGS.sub(" ", text[:4000]).split())[:1000] or None
