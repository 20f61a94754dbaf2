"""What is kept of an answer, as data: MessagePack of our own records, which runs nothing when it is read.

https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

from copy import copy
from decimal import Decimal

import msgspec

from ...data.cost import Cost
from ...data.json import as_plain
from ...data.messages import ProviderPart, Refusal
from ...data.prompt import Prompt, ProviderTool
from ...data.responses import AIChunk, AIResponse
from ...logger import logger
from ...typed import prepare

__all__ = ["Entry", "is_worth_keeping", "pack", "reused", "unpack"]

_log = logger()


class Entry(msgspec.Struct, array_like=True):
    """An answer that was kept, at `kept_at` (seconds since the epoch); of a stream with its chunks.

    Its cost stands apart, since few ask what is saved.
    """

    kept_at: float
    response: AIResponse
    chunks: list[AIChunk] | None = None
    currency: str = "USD"
    cost: msgspec.Raw = msgspec.Raw(b"\xc0")

    @property
    def saved(self) -> Cost | None:
        """What the answer had cost, if that was known."""
        cost: Cost | None = _cost_decoder.decode(self.cost)
        return cost


_NOTHING = Decimal(0)
prepare(Entry)
_encoder = msgspec.msgpack.Encoder(enc_hook=as_plain)
_decoder = msgspec.msgpack.Decoder(Entry)
_cost_decoder = msgspec.msgpack.Decoder(Cost | None)


def is_worth_keeping(response: AIResponse, prompt: Prompt, *, tool_calls: bool) -> bool:
    """Whether an answer may be given again: it is whole, was not filtered or refused, and calls no tools, unless
    `tool_calls` allows that."""
    if response.continuations:  # of several models
        return False
    good = ("stop", "tool_calls") if tool_calls else ("stop",)
    for choice in (response, *response.alternatives):
        if choice.finish_reason not in good or any(isinstance(part, Refusal) for part in choice.parts):
            return False
        if not tool_calls and (choice.tool_calls or any(isinstance(part, ProviderPart) for part in choice.parts)):
            return False
        if not all(call.is_complete for call in choice.tool_calls):
            return False
    return tool_calls or not any(isinstance(tool, ProviderTool) for tool in prompt.tools)


def pack(entry: Entry) -> bytes | None:
    """An entry as bytes, without what belongs to one call alone; `None` where something in it is not plain data."""
    response = copy(entry.response)
    cost = response.cost
    response.parsed, response.attempts, response.cost = None, [], None
    try:
        currency, told = "USD" if cost is None else cost.currency, msgspec.Raw(_encoder.encode(cost))
        return _encoder.encode(Entry(entry.kept_at, response, entry.chunks, currency, told))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        _log.debug("an answer is not kept, since it is not plain data: %s", error)
        return None


def unpack(data: bytes) -> Entry | None:
    """What `pack` was given; `None` for bytes that are not an entry of ours."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        _log.debug("what the cache has cannot be read: %s", error)
        return None


def reused(response: AIResponse, currency: str | None = None) -> AIResponse:
    """Mark an answer as one that nothing was asked for: its cost is 0, in this currency or its own. Returns it."""
    if currency is None:
        currency = response.cost.currency if response.cost is not None else "USD"
    response.cost = Cost(_NOTHING, currency, source="response cache")
    response.cached = True
    return response
