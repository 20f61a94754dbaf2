"""HandlesErrors: from what a provider answers to one of our errors.

The order of evidence: the provider's code, its type, the HTTP status, and as the last resort the text, by one
labelled table. A word that only says that the server failed (`server_error`, `api_error`, `INTERNAL`) counts no more
than a 4xx that says who is at fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ...data.http import Reply
from ...data.json import as_int, as_str, decode_json, excerpt
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
from .framed import unframe

__all__ = ["COMMON_CODES", "COMMON_TEXTS", "ErrorFacts", "ErrorTable", "HandlesErrors", "read_error"]

ErrorClass = type[ProviderError]

COMMON_CODES: Mapping[str, ErrorClass] = {
    "invalid_api_key": InvalidCredentialsError,
    "authentication_error": InvalidCredentialsError,
    "permission_error": InvalidCredentialsError,
    "permission_denied": InvalidCredentialsError,
    "unauthorized": InvalidCredentialsError,
    "invalid_authentication_error": InvalidCredentialsError,
    "insufficient_quota": QuotaExceededError,
    "quota_exceeded": QuotaExceededError,
    "billing_hard_limit_reached": QuotaExceededError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "too_many_requests": RateLimitError,
    "context_length_exceeded": ContextLengthError,
    "context_window_exceeded_error": ContextLengthError,
    "exceed_context_size_error": ContextLengthError,  # llama.cpp
    "model_not_found": ModelNotFoundError,
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "not_supported_error": InvalidRequestError,  # llama.cpp
    "not_implemented": InvalidRequestError,
    "server_error": ServerError,
    "api_error": ServerError,
    "internal": ServerError,
    "internal_error": ServerError,
    "internal_server_error": ServerError,
    "overloaded": ServerError,
    "overloaded_error": ServerError,
    "service_unavailable": ServerError,
    "service_unavailable_error": ServerError,
    "unavailable_error": ServerError,
    "timeout": APITimeoutError,
    "timeout_error": APITimeoutError,
    "api_timeout_error": APITimeoutError,
}
"""The provider's own codes and types whose meaning is the same wherever they occur.

They are found in any spelling: `InternalServerError` and `INTERNAL_SERVER_ERROR` are `internal_server_error`.
"""

COMMON_TEXTS: tuple[tuple[str, ErrorClass], ...] = (
    (
        (
            r"context (?:length|window|size|limit)|maximum (?:context|(?:prompt|model|input|sequence) length)"
            r"|prompt is too long|too many (?:input )?tokens|input is too (?:long|large to process)"
            r"|inputs\W{1,3}(?:tokens .{0,40})?must (?:be <=|have less than)"  # Text Generation Inference
        ),
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

_TEXTS_OF_FAILURES: tuple[tuple[str, ErrorClass], ...] = (
    (
        (
            r"exceed\w* .{0,60}context (?:length|window|size|limit)|prompt is too long"
            r"|input is too (?:long|large to process)"
        ),
        ContextLengthError,
    ),
    (r"\bnot (?:\w+ )?supported\b|\bunsupported\b|\bnot implemented\b|n[o']t support\b", InvalidRequestError),
)
"""What a server that failed with no more than a generic word may say of a request that will fail again: llama.cpp
answers 500 to an image that its model can't see."""

_REFUSED_TYPES = frozenset({"invalidrequesterror", "notfounderror", "requesttoolarge", "badrequesterror"})
"""Types that stand for a refused request where no HTTP status tells: in streams and batches."""

_STATUSES: Mapping[int, ErrorClass] = {
    401: InvalidCredentialsError,
    402: QuotaExceededError,
    403: InvalidCredentialsError,
    408: APITimeoutError,
    429: RateLimitError,
    501: InvalidRequestError,  # the server does not have what is asked for: it will not have it next time
}
_MESSAGE_DEPTH = 10
"""How deep a message may be nested: a body that goes on without end is not a message."""
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")


def _fold(word: str | None) -> str:
    """A word without its case and separators, in which services differ."""
    return _SEPARATORS.sub("", word or "").lower()


_FOLDED_CODES: Mapping[str, ErrorClass] = {_fold(word): kind for word, kind in COMMON_CODES.items()}
_TITLE = re.compile(r"<title[^<>]{0,1000}>([^<]{1,200})", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]{0,1000}>")


class ErrorFacts(msgspec.Struct, kw_only=True):
    """What could be read from a failed reply.

    `code` and `type` are the provider's words, `param` what they are about. `retry_after` is the wait that the provider
    asks for, in seconds. `payload` is the whole body as it was decoded, with what stands around the error itself.
    """

    message: str | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None
    retry_after: float | None = None
    payload: Any = None
    details: dict[str, Any] = {}


class ErrorTable(msgspec.Struct, frozen=True):
    """How one driver's failures map onto the tree.

    `branch`: the prefix of its classes ("OpenAI" for `OpenAIRateLimitError`); `codes`: codes and types beyond
    `COMMON_CODES`; `statuses`: HTTP statuses that mean something of their own; `texts`: patterns tried before
    `COMMON_TEXTS`; `retry_conflict`: whether the provider documents 409 as worth a retry; `client_statuses`: codes of
    a server that failed or was too slow, each with the 4xx that the provider documents for it. With any other 4xx
    such a code says less than the status.
    """

    branch: str
    codes: Mapping[str, ErrorClass] = {}
    statuses: Mapping[int, ErrorClass] = {}
    texts: tuple[tuple[str, ErrorClass], ...] = ()
    retry_conflict: bool = False
    client_statuses: Mapping[str, int] = {}

    def classify(self, facts: ErrorFacts) -> ErrorClass:
        """The class of the common tree for these facts."""
        status = facts.status
        kind: ErrorClass | None = None
        for word in (facts.code, facts.type):
            found = self._by_word(word) if word else None
            if found is not None and self._counts_beside(word, found, status):
                if found is not ServerError:
                    return found
                kind = found  # the type may say more
        if kind is None:
            kind = self._by_status(400 if status is None and _fold(facts.type) in _REFUSED_TYPES else status)
        if kind is InvalidRequestError or kind is ProviderError:
            texts: tuple[tuple[str, ErrorClass], ...] = (*self.texts, *COMMON_TEXTS)
        elif kind is ServerError and status in (None, 500):
            texts = _TEXTS_OF_FAILURES
        else:
            return kind
        text = (facts.message or "")[:2000]
        for pattern, refined in texts:
            if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
                return refined
        return kind

    def _by_word(self, word: str) -> ErrorClass | None:
        return self.codes.get(word) or COMMON_CODES.get(word) or _FOLDED_CODES.get(_fold(word))

    def _counts_beside(self, word: str | None, kind: ErrorClass, status: int | None) -> bool:
        """Whether a code holds beside the status.

        A 4xx, and 501, says that the same request fails again. A code that says no more than that the server failed,
        or was slow, does not change that; nor can a request that is too large pass later.
        """
        if status is None or not (400 <= status < 500 or status == 501):
            return True
        if issubclass(kind, ServerError | APITimeoutError):
            return word is not None and self.client_statuses.get(word) == status
        return not (status == 413 and issubclass(kind, RateLimitError))

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
        named = isinstance(payload, dict) and (payload.get("error") or payload.get("__type"))
        if facts.message or facts.code or named or (facts.type and self.errors.classify(facts) is not ProviderError):
            return self.build_error(facts)
        return self.invalid_response("it is neither an answer nor an error", excerpt(payload))

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
            retry_after=facts.retry_after if retryable else None,
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
            payload = unframe(body)
            if payload is None:
                return ErrorFacts(message=_plain_text(body.decode("utf-8", "replace")))
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if isinstance(payload, str):
        return ErrorFacts(message=_plain_text(payload))
    if not isinstance(payload, dict):
        return ErrorFacts(payload=payload)
    return _read_object(payload)


def _read_object(payload: dict[str, Any]) -> ErrorFacts:
    error = payload.get("error") or payload.get("errors") or payload
    if isinstance(error, list) and error:
        error = error[0]
    if not isinstance(error, dict):
        error = {**payload, "message": error if isinstance(error, str) else payload.get("message")}
    code, kind = error.get("code"), error.get("type") or payload.get("__type")
    facts = ErrorFacts(
        message=_message(error) or _message(payload),
        code=_word(str(code) if isinstance(code, int) and not isinstance(code, bool) else code),
        type=_word(kind) or _word(error.get("status")),
        param=_word(error.get("param")),
        status=_status(code) or _status(error.get("status")),
        retry_after=_seconds(error.get("retry_after", payload.get("retry_after"))),
        payload=payload,
    )
    facts.details = {"body": payload}
    if isinstance(raw := _metadata_raw(error), str):
        facts.message = f"{facts.message or 'the provider failed'}: {_plain_text(raw)}"
    return facts


def _status(value: Any) -> int | None:
    """An HTTP status, given as a number or as its digits."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    number = as_int(value)
    return number if number is not None and 100 <= number < 600 else None


def _seconds(value: Any) -> float | None:
    """A wait as a number of seconds, or as its digits."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0.0 <= seconds < 1e9 else None


def _word(value: Any) -> str | None:
    """A code or a type. Gateways in Python write an absent one as "None"."""
    return None if value in ("None", "null") else as_str(value)


def _message(value: dict[str, Any], depth: int = 0) -> str | None:
    """The text, under any of the names in use for it; FastAPI's `detail` may be a list of problems."""
    if depth > _MESSAGE_DEPTH:
        return None
    for name in ("message", "detail", "msg", "error_message", "Message", "reason"):
        found = value.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, dict) and (inner := _message(found, depth + 1)):
            return inner
        if isinstance(found, list) and found:
            texts = [_message(item, depth + 1) if isinstance(item, dict) else _text_of(item) for item in found[:5]]
            return "; ".join(text for text in texts if text)
    return None


def _text_of(value: Any) -> str | None:
    return None if isinstance(value, list) else str(value)


def _metadata_raw(error: dict[str, Any]) -> Any:
    """The upstream provider's own words, which OpenRouter nests under `metadata.raw`."""
    metadata = error.get("metadata")
    return metadata.get("raw") if isinstance(metadata, dict) else None


def _plain_text(text: str) -> str | None:
    """Text for a message: an HTML page is reduced to its title."""
    if found := _TITLE.search(text[:20000]):
        return f"an HTML page: {found.group(1).strip()}"
    return " ".join(_TAGS.sub(" ", text[:4000]).split())[:1000] or None
