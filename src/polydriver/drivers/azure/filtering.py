"""Azure's content filter: in errors, and in what it notes beside answers.

https://learn.microsoft.com/en-us/azure/ai-foundry/openai/concepts/content-filter
"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply
from ...data.json import as_dict, as_list, as_str, decode_json
from ...data.responses import AIChunk
from ...errors import (
    APITimeoutError,
    ContentFilterError,
    InvalidCredentialsError,
    ModelNotFoundError,
    ProviderError,
    RateLimitError,
    ServerError,
)
from ...wires.chat_completions.stream import ChatCompletionsDecoder
from ...wires.responses.errors import RESPONSE_CODES
from ..traits import ErrorFacts, ErrorTable, HandlesErrors

__all__ = ["AZURE_ERRORS", "AzureChatDecoder", "HandlesAzureErrors"]

AZURE_ERRORS = ErrorTable(
    branch="AzureOpenAI",
    codes={
        **RESPONSE_CODES,
        "ResponsibleAIPolicyViolation": ContentFilterError,
        "contentFilter": ContentFilterError,
        "DeploymentNotFound": ModelNotFoundError,
        "ModelNotFound": ModelNotFoundError,
        "unknown_model": ModelNotFoundError,
        "401": InvalidCredentialsError,
        "AuthenticationFailed": InvalidCredentialsError,
        "PermissionDenied": InvalidCredentialsError,
        "Unauthorized": InvalidCredentialsError,
        "429": RateLimitError,
        "RateLimitReached": RateLimitError,
        "too_many_requests": RateLimitError,
        "NoCapacity": ServerError,
        "InternalServerError": ServerError,
        "ServiceUnavailable": ServerError,
        "Timeout": APITimeoutError,
    },
    retry_conflict=True,
)


class HandlesAzureErrors(HandlesErrors):
    """Reads what `innererror` adds: the policy that was violated, and what the filter found."""

    errors = AZURE_ERRORS

    def build_error(self, facts: ErrorFacts, reply: Reply | None = None) -> ProviderError:
        """The driver's own class for these facts; `details["content_filter_result"]` has the filter's findings."""
        body = as_dict(facts.details.get("body"))
        inner = as_dict(as_dict(body.get("error", body)).get("innererror"))
        if found := inner.get("content_filter_result") or inner.get("content_filter_results"):
            facts.details["content_filter_result"] = found
        facts.type = facts.type if facts.type and facts.type != str(facts.status) else as_str(inner.get("code"))
        return super().build_error(facts, reply)


class AzureChatDecoder(ChatCompletionsDecoder):
    """Keeps what the filter notes in a stream: it is in `AIResponse.raw`, as in a whole reply.

    `prompt_filter_results` come in a chunk without choices, before the first; `content_filter_results` with the text,
    or behind it in chunks of their own.
    """

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        super().parse_event(event, chunks)
        if b"_filter_results" in event[1]:
            self._note(as_dict(decode_json(event[1])))

    def _note(self, payload: dict[str, Any]) -> None:
        raw = self.answer.raw = as_dict(self.answer.raw)
        if found := payload.get("prompt_filter_results"):
            raw["prompt_filter_results"] = found
        for choice in as_list(payload.get("choices")):
            if found := as_dict(as_dict(choice).get("content_filter_results")):
                raw["content_filter_results"] = {**raw.get("content_filter_results", {}), **found}
