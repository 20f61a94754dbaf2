"""Anthropic's table of errors. https://platform.claude.com/docs/en/api/errors"""

from __future__ import annotations

from ...errors import (
    APITimeoutError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    ServerError,
)
from ..traits.errors import ErrorFacts, ErrorTable

__all__ = ["ANTHROPIC_ERRORS", "AnthropicErrorTable"]

_REFUSALS = frozenset({"invalid_request_error", "not_found_error", "request_too_large"})


class AnthropicErrorTable(ErrorTable, frozen=True):
    """Knows the types that stand for a refused request where no HTTP status tells: in streams and batches."""

    def classify(self, facts: ErrorFacts) -> type[ProviderError]:
        """See `ErrorTable.classify`."""
        kind = super().classify(facts)
        return InvalidRequestError if kind is ProviderError and facts.type in _REFUSALS else kind


ANTHROPIC_ERRORS = AnthropicErrorTable(
    branch="Anthropic",
    codes={
        "api_error": ServerError,
        "billing_error": QuotaExceededError,
        "timeout_error": APITimeoutError,
    },
    texts=((r"^model: ", ModelNotFoundError),),
)
