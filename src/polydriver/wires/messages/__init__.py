"""The Messages wire: Anthropic's, at Anthropic itself, on Vertex AI, on Bedrock, and at services that took it over.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from .wire import Messages

__all__ = ["Messages"]
