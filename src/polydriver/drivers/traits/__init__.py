"""The stateless parts that drivers and wires are put together from, one family of verbs each."""

from __future__ import annotations

from .communication import HandlesApiCommunication
from .costs import CalculatesCosts
from .errors import ErrorFacts, ErrorTable, HandlesErrors
from .functions import HandlesFunctionCalling
from .health import ValidatesHealth
from .streaming import HandlesStreaming, StreamDecoder

__all__ = [
    "CalculatesCosts",
    "ErrorFacts",
    "ErrorTable",
    "HandlesApiCommunication",
    "HandlesErrors",
    "HandlesFunctionCalling",
    "HandlesStreaming",
    "StreamDecoder",
    "ValidatesHealth",
]
