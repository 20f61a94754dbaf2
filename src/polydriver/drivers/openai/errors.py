"""OpenAI's branch of the error tree, written out, and its table of codes.

https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

from ... import errors as tree
from ...wires.responses.errors import RESPONSE_CODES
from ..traits.error_table import ErrorTable

__all__ = [
    "OPENAI_ERRORS",
    "OpenAIAPIConnectionError",
    "OpenAIAPITimeoutError",
    "OpenAIContentFilterError",
    "OpenAIContextLengthError",
    "OpenAIError",
    "OpenAIInvalidCredentialsError",
    "OpenAIInvalidRequestError",
    "OpenAIInvalidResponseError",
    "OpenAIModelNotFoundError",
    "OpenAIQuotaExceededError",
    "OpenAIRateLimitError",
    "OpenAIServerError",
    "OpenAIStreamInterruptedError",
]


class OpenAIError(tree.ProviderError):
    """Anything that went wrong with OpenAI."""


class OpenAIInvalidCredentialsError(OpenAIError, tree.InvalidCredentialsError):
    """OpenAI does not take the key, or it lacks a permission."""


class OpenAIRateLimitError(OpenAIError, tree.RateLimitError):
    """OpenAI's limit of requests or tokens was reached."""


class OpenAIQuotaExceededError(OpenAIError, tree.QuotaExceededError):
    """The OpenAI account is out of credit (`insufficient_quota`)."""


class OpenAIServerError(OpenAIError, tree.ServerError):
    """OpenAI failed or is overloaded."""


class OpenAIInvalidRequestError(OpenAIError, tree.InvalidRequestError):
    """OpenAI refuses the request as it stands."""


class OpenAIContextLengthError(OpenAIInvalidRequestError, tree.ContextLengthError):
    """More tokens than the OpenAI model can read."""


class OpenAIModelNotFoundError(OpenAIInvalidRequestError, tree.ModelNotFoundError):
    """OpenAI has no such model for this account."""


class OpenAIContentFilterError(OpenAIInvalidRequestError, tree.ContentFilterError):
    """OpenAI's safety system refused the request."""


class OpenAIAPITimeoutError(OpenAIError, tree.APITimeoutError):
    """OpenAI did not answer in time."""


class OpenAIAPIConnectionError(OpenAIError, tree.APIConnectionError):
    """No connection to OpenAI, or it broke."""


class OpenAIInvalidResponseError(OpenAIError, tree.InvalidResponseError):
    """OpenAI's answer cannot be read."""


class OpenAIStreamInterruptedError(OpenAIError, tree.StreamInterruptedError):
    """A stream from OpenAI broke after its first content."""


tree.adopt_branch(
    "OpenAI",
    OpenAIError,
    OpenAIInvalidCredentialsError,
    OpenAIRateLimitError,
    OpenAIQuotaExceededError,
    OpenAIServerError,
    OpenAIInvalidRequestError,
    OpenAIContextLengthError,
    OpenAIModelNotFoundError,
    OpenAIContentFilterError,
    OpenAIAPITimeoutError,
    OpenAIAPIConnectionError,
    OpenAIInvalidResponseError,
    OpenAIStreamInterruptedError,
)

OPENAI_ERRORS = ErrorTable(
    branch="OpenAI",
    codes={**RESPONSE_CODES, "billing_not_active": tree.QuotaExceededError, "invalid_value": tree.InvalidRequestError},
    retry_conflict=True,  # a lock conflict, which the documentation asks to retry
)
