"""The Chat Completions wire: OpenAI's, and that of most services that call themselves compatible.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from .wire import ChatCompletions

__all__ = ["ChatCompletions"]
