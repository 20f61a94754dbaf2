"""Answers that the service keeps, such as those that run in the background.

https://platform.openai.com/docs/guides/background
"""

from __future__ import annotations

from typing import Any

from ...contract import OperationPart, Wire
from ...data.http import Reply, Request
from ...data.responses import AIResponse
from ...operations.kinds import CANCEL_RESPONSE, GET_RESPONSE
from ...operations.requests import ItemRequest
from ...operations.urls import quoted
from .reply import parse_payload
from .wire import Responses

__all__ = ["StoredResponses", "responses_of"]


def responses_of(wire: Wire) -> Responses:
    """The Responses wire among those of a driver."""
    found: Any = wire if isinstance(wire, Responses) else getattr(wire, "responses", None)
    assert isinstance(found, Responses), f"{type(wire).__name__} has no Responses wire"
    return found


class StoredResponses(OperationPart, kw_only=True, eq=False):
    """Fetches and stops answers by their ids, for services that keep them."""

    kinds = (GET_RESPONSE, CANCEL_RESPONSE)

    def build_stored_response(self, request: ItemRequest) -> Request:
        """The request for a stored response by its id."""
        wire = responses_of(self.driver.wire)
        built: Request = self.driver.build_get(f"{wire.path}/{quoted(request.id)}")
        return built

    def parse_stored_response(self, reply: Reply, request: ItemRequest) -> AIResponse:
        """A stored response as it is by now; without a finish reason while it is queued or in progress."""
        return parse_payload(responses_of(self.driver.wire), self.decode(reply))

    def build_response_cancellation(self, request: ItemRequest) -> Request:
        """The request that stops a response in the background, by its id."""
        wire = responses_of(self.driver.wire)
        return self.build_post(f"{wire.path}/{quoted(request.id)}/cancel", {})

    def parse_response_cancellation(self, reply: Reply, request: ItemRequest) -> AIResponse:
        """The response that was stopped, as far as it had come."""
        return parse_payload(responses_of(self.driver.wire), self.decode(reply))
