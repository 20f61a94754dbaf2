"""The Responses wire: OpenAI's API for reasoning models and built-in tools, which others have taken over.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from .wire import Responses

__all__ = ["Responses"]
