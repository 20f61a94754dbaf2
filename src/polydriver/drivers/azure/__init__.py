"""Azure OpenAI."""

from __future__ import annotations

from .driver import AzureOpenAIDriver

__all__ = ["AzureOpenAIDriver"]
