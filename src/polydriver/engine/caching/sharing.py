"""What each of the calls of a flight gets of what it came to: the payer the thing itself, the others free copies."""

from __future__ import annotations

from copy import copy

from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...errors import AIError, ProviderError
from ..calls import Call
from ..targets import Target
from .entries import reused, unpack
from .flights import Flight, Member

__all__ = ["fill", "is_shared", "share_error", "share_response"]


def share_response(flight: Flight, member: Member) -> AIResponse:
    """The answer for one of the calls."""
    response = flight.response
    assert response is not None
    if member is flight.payer and not flight.is_stored:
        return response
    entry = unpack(flight.data) if flight.data is not None else None
    if entry is None:  # it cannot be written as data: what it has is shared
        mine = copy(response)
        mine.parsed = None
        return reused(mine)
    return reused(entry.response, entry.currency)


def fill(response: AIResponse, call: Call, target: Target, prompt: Prompt) -> None:
    """Fill in what is a call's own in an answer that it did not pay for."""
    response.provider, response.requested_model = target.connection.name, prompt.model
    response.response_time = target.port.now() - call.started
    response.attempts = call.attempts
    if call.route is not None and call.route.warnings:
        response.warnings = [*call.route.warnings, *response.warnings]


def is_shared(error: BaseException) -> bool:
    """Whether an error holds for all calls of a flight: what the provider did, and not the limits of one call."""
    return isinstance(error, ProviderError)


def share_error(error: AIError) -> AIError:
    """The error for a call that did not pay for it."""
    mine = type(error)(error.message)
    mine.__dict__.update(error.__dict__)
    mine.attempts = ()
    mine.__cause__ = error
    if error.partial is not None:
        mine.partial = reused(copy(error.partial))
    return mine
