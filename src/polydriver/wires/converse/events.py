"""The `contentBlockDelta` event, which most events of a stream are, as typed values that decode fast.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.json import as_dict
from ...typed import convert

__all__ = ["NO_DELTA", "CallDelta", "Delta", "DeltaEvent", "ReasoningDelta", "convert_delta", "decode_delta"]


class ReasoningDelta(msgspec.Struct):
    """A piece of reasoning, of its signature, or of its encrypted form."""

    text: Any = None
    signature: Any = None
    redactedContent: Any = None  # noqa: N815 - the API's name


class CallDelta(msgspec.Struct):
    """A piece of the JSON text of a tool's input."""

    input: Any = None


class Delta(msgspec.Struct):
    """What is new in a block: one of these."""

    text: Any = None
    toolUse: CallDelta | None = None  # noqa: N815 - the API's name
    reasoningContent: ReasoningDelta | None = None  # noqa: N815 - the API's name
    citation: Any = None
    toolResult: Any = None  # noqa: N815 - the API's name
    image: Any = None


class DeltaEvent(msgspec.Struct):
    """The event, with the index of the block that it belongs to."""

    contentBlockIndex: Any = 0  # noqa: N815 - the API's name
    delta: Delta | None = None


decode_delta = msgspec.json.Decoder(DeltaEvent).decode
"""The event in a payload. Raises `msgspec.DecodeError` for one of another shape."""

NO_DELTA = Delta()
"""What an event without a delta says."""


def convert_delta(event: dict[str, Any]) -> DeltaEvent:
    """A delta that was decoded already, or that has not the usual shape: a field of another type counts as absent."""
    delta = {name: value for name, value in as_dict(event.get("delta")).items() if value is not None}
    for name in ("toolUse", "reasoningContent"):
        if not isinstance(delta.get(name), dict):
            delta.pop(name, None)
    return convert({"contentBlockIndex": event.get("contentBlockIndex"), "delta": delta}, DeltaEvent)
