"""HandlesErrors: from what a provider answers to one of our errors.

The order of evidence: the provider's code, its type, the HTTP status, and as the last resort the text, by one
labelled table. A word that only says that the server failed (`server_error`, `api_error`, `INTERNAL`) counts no more
than a 4xx that says who is at fault.
"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply
from ...data.json import excerpt
from ...errors import (
    InvalidResponseError,
    ProviderError,
    error_branch,
)
from .base import TraitBase
from .error_reading import ErrorFacts, read_error
from .error_table import ErrorTable

__all__ = ["HandlesErrors"]


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
