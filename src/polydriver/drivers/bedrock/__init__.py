"""Amazon Bedrock."""

from __future__ import annotations

from .driver import BedrockDriver

__all__ = ["BedrockDriver"]
