"""Counting the tokens of a prompt, as the Responses API does. https://platform.openai.com/docs/guides/token-counting"""

from __future__ import annotations

from ...data.http import Reply, Request
from ...data.json import as_int
from ...data.prompt import Prompt
from ...operations.kinds import COUNT_TOKENS
from ...operations.results import TokenCount
from ..responses.stored import responses_of
from .base import OperationHooks

__all__ = ["InputTokenCounting"]

_FIELDS = frozenset(
    {
        "conversation",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "truncation",
    }
)


class InputTokenCounting(OperationHooks, kw_only=True, eq=False):
    """Counts the tokens of a prompt, for drivers that speak the Responses wire. Only what counts as input is sent."""

    kinds = (COUNT_TOKENS,)
    path: str = "responses/input_tokens"

    def build_token_count(self, prompt: Prompt) -> Request:
        """The request for one prompt."""
        body = responses_of(self.driver.wire).render_prompt(prompt)
        counted = {name: value for name, value in body.items() if name in _FIELDS}
        return self.build_post(self.path, counted, headers=prompt.extra_headers)

    def parse_token_count(self, reply: Reply, prompt: Prompt) -> TokenCount:
        """The count."""
        payload = self.decode_success(reply)
        count = as_int(payload.get("input_tokens"))
        if count is None:
            raise self.invalid_response("it has no count", reply.body)
        return TokenCount(input_tokens=count, raw=payload)
