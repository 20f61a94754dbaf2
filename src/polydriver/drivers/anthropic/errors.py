"""Anthropic's table of errors. https://platform.claude.com/docs/en/api/errors"""

from __future__ import annotations

from ...errors import APITimeoutError, ModelNotFoundError, QuotaExceededError, ServerError
from ..traits import ErrorTable

__all__ = ["ANTHROPIC_ERRORS"]

ANTHROPIC_ERRORS = ErrorTable(
    branch="Anthropic",
    codes={
        "api_error": ServerError,
        "billing_error": QuotaExceededError,
        "timeout_error": APITimeoutError,
    },
    texts=((r"^model: ", ModelNotFoundError),),
)
