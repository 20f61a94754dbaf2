"""How failures map onto the tree of errors: the codes and texts that services share, and the table of one driver."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

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
)
from .error_reading import ErrorFacts

__all__ = ["COMMON_CODES", "COMMON_TEXTS", "ErrorTable"]


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


_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")


def _fold(word: str | None) -> str:
    """A word without its case and separators, in which services differ."""
    return _SEPARATORS.sub("", word or "").lower()


_FOLDED_CODES: Mapping[str, ErrorClass] = {_fold(word): kind for word, kind in COMMON_CODES.items()}


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
