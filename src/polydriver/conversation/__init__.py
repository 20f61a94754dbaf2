"""Conversations: the fluent builder, and the history that it keeps."""

from __future__ import annotations

from .chat import AsyncConversation, Conversation

__all__ = ["AsyncConversation", "Conversation"]
