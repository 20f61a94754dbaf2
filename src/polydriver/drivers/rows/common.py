"""What several rows share."""

from __future__ import annotations

from typing import Any

from ...data.models import Capabilities

__all__ = ["ROW", "TEXT_ONLY"]

ROW = dict[str, Any]
"""The arguments of `openai_compatible`, apart from the name."""

TEXT_ONLY = Capabilities(
    streaming=True, function_calling=True, parallel_function_calling=True, supported_formats=("text", "json")
)
"""For services without models that read images."""
