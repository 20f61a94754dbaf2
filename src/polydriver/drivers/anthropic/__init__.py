"""Anthropic."""

from __future__ import annotations

from .driver import AnthropicDriver

__all__ = ["AnthropicDriver"]
