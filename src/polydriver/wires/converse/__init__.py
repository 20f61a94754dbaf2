"""The Converse wire: one form for all chat models on Amazon Bedrock, streamed in binary frames.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and `API_runtime_ConverseStream`
"""

from __future__ import annotations

from .wire import Converse

__all__ = ["Converse"]
