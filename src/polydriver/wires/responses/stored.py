"""Answers that the service keeps, such as those that run in the background.

https://platform.openai.com/docs/guides/background
"""

from __future__ import annotations

from urllib.parse import quote

from ...data.http import Reply, Request
from ...data.responses import AIResponse
from ...operations.requests import ItemRequest
from . import Responses, parse

__all__ = ["StoredResponses"]


class StoredResponses(Responses):
    """Fetches and stops answers by their ids, for drivers of services that keep them."""

    def build_stored_response(self, request: ItemRequest) -> Request:
        """The request for a stored response by its id."""
        return self.build_get(f"{self.responses_path}/{quote(request.id, safe='')}")

    def parse_stored_response(self, reply: Reply, request: ItemRequest) -> AIResponse:
        """A stored response as it is by now; without a finish reason while it is queued or in progress."""
        return parse.parse_response(self, self.decode(reply))

    def build_response_cancellation(self, request: ItemRequest) -> Request:
        """The request that stops a response in the background, by its id."""
        return self.build_post(f"{self.responses_path}/{quote(request.id, safe='')}/cancel", {})

    def parse_response_cancellation(self, reply: Reply, request: ItemRequest) -> AIResponse:
        """The response that was stopped, as far as it had come."""
        return parse.parse_response(self, self.decode(reply))
