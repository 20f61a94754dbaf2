"""Failures in the form of `google.rpc.Status`: a status word, and details that say more.

https://cloud.google.com/apis/design/errors, https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

import re
from typing import Any

from ... import errors as tree
from ...data.http import Reply
from ...data.json import as_dict, as_list, as_str
from ...errors import ProviderError
from ...wires.generate_content.names import with_camel_names
from ..traits import ErrorFacts, ErrorTable, HandlesErrors
from ..traits.error_table import ErrorClass

__all__ = ["GoogleErrorTable", "HandlesGoogleErrors", "google_errors"]

_CODES: dict[str, ErrorClass] = {
    "UNAUTHENTICATED": tree.InvalidCredentialsError,
    "PERMISSION_DENIED": tree.InvalidCredentialsError,
    "RESOURCE_EXHAUSTED": tree.RateLimitError,
    "DEADLINE_EXCEEDED": tree.APITimeoutError,
    "UNAVAILABLE": tree.ServerError,
    "INTERNAL": tree.ServerError,
    "UNKNOWN": tree.ServerError,
    "ABORTED": tree.ServerError,
    "DATA_LOSS": tree.ServerError,
    # Reasons in an ErrorInfo, https://cloud.google.com/apis/design/errors#error_info
    "API_KEY_INVALID": tree.InvalidCredentialsError,
    "API_KEY_EXPIRED": tree.InvalidCredentialsError,
    "API_KEY_SERVICE_BLOCKED": tree.InvalidCredentialsError,
    "ACCESS_TOKEN_EXPIRED": tree.InvalidCredentialsError,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": tree.InvalidCredentialsError,
    "CREDENTIALS_MISSING": tree.InvalidCredentialsError,
    "CONSUMER_INVALID": tree.InvalidCredentialsError,
    "SERVICE_DISABLED": tree.InvalidCredentialsError,
    "BILLING_DISABLED": tree.QuotaExceededError,
    "RATE_LIMIT_EXCEEDED": tree.RateLimitError,
}
_TEXTS: tuple[tuple[str, ErrorClass], ...] = (
    (r"input token count.{0,60}exceeds|exceeds the maximum number of (?:input )?tokens", tree.ContextLengthError),
    (r"models?[/ ]\S{1,200} (?:is|was) not found|publisher model\b.{0,200}not found", tree.ModelNotFoundError),
    (r"api key (?:expired|not valid|not found)|reported as leaked", tree.InvalidCredentialsError),
    (r"enable billing|billing account", tree.QuotaExceededError),
)
_SPENT = re.compile(r"prepa(?:y|id)\w{0,20} credits?|credits? (?:is|are) depleted|spend(?:ing)? cap", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


class GoogleErrorTable(ErrorTable, frozen=True):
    """An error table that asks the details first: the reason of an `ErrorInfo`, and which quota was used up."""

    def classify(self, facts: ErrorFacts) -> ErrorClass:
        """The class of the common tree for these facts."""
        reason = facts.details.get("reason")
        kind = (self.codes.get(reason) if isinstance(reason, str) else None) or super().classify(facts)
        if kind is tree.RateLimitError and (facts.details.get("quota_spent") or _SPENT.search(facts.message or "")):
            return tree.QuotaExceededError
        return kind


def google_errors(branch: str) -> GoogleErrorTable:
    """The table of one of Google's services; `branch` is the prefix of its classes."""
    return GoogleErrorTable(branch=branch, codes=_CODES, texts=_TEXTS, client_statuses={"ABORTED": 409})


class HandlesGoogleErrors(HandlesErrors):
    """Reads the details of a `google.rpc.Status` before the table decides."""

    def build_error(self, facts: ErrorFacts, reply: Reply | None = None) -> ProviderError:
        """The driver's own class for these facts, with `retry_after` (seconds) where a `RetryInfo` tells it."""
        delay = _read_details(facts)
        error = super().build_error(facts, reply)
        if error.retryable and delay is not None:
            error.retry_after = delay
        return error


def _read_details(facts: ErrorFacts) -> float | None:
    """Add what the details say to the facts (`reason`, `quota_spent`). Returns the wait asked for, in seconds."""
    delay = None
    error = as_dict(facts.details.get("body")).get("error")
    for raw in as_list(as_dict(error).get("details")):
        detail = as_dict(with_camel_names(raw))
        kind = (as_str(detail.get("@type")) or "").rpartition(".")[2]
        if kind == "ErrorInfo" and (reason := as_str(detail.get("reason"))):
            facts.details["reason"] = reason
        elif kind == "RetryInfo":
            delay = _seconds(detail.get("retryDelay"))
        elif kind == "QuotaFailure" and any(_is_spent(as_dict(item)) for item in as_list(detail.get("violations"))):
            facts.details["quota_spent"] = True
    return delay


def _is_spent(violation: dict[str, Any]) -> bool:
    """Whether waiting a minute can't help: a quota by the day, or one of zero, for a model outside of the plan."""
    name = f"{violation.get('quotaId')} {violation.get('quotaMetric')}".lower()
    return "perday" in name or "per_day" in name or violation.get("quotaValue") in ("0", 0)


def _seconds(duration: Any) -> float | None:
    """A `google.protobuf.Duration`: "3.5s", or an object with seconds and nanoseconds."""
    if isinstance(duration, str) and (found := _DURATION.fullmatch(duration)):
        return float(found[1])
    if isinstance(duration, dict):
        numbers = [duration.get("seconds", 0), duration.get("nanos", 0)]
        try:
            return float(numbers[0]) + float(numbers[1]) / 1e9
        except (TypeError, ValueError):
            return None
    return None
