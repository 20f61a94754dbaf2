"""The stateless parts that drivers and wires are put together from, one family of verbs each."""

from __future__ import annotations

from .communication import HandlesApiCommunication
from .costs import CalculatesCosts
from .error_reading import ErrorFacts
from .error_table import ErrorTable
from .errors import HandlesErrors
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
