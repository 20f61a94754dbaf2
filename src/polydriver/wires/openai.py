"""What OpenAI takes of options, tiers and media on its wires: for drivers that serve OpenAI's models."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["AUDIO_FORMATS", "CHAT_OPTIONS", "CHAT_RANGES", "IMAGE_TYPES", "SERVICE_TIERS"]


CHAT_OPTIONS = frozenset(
    {
        "moderation",
        "prediction",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "verbosity",
        "web_search_options",
    }
)
"""OpenAI's options of Chat Completions beyond those of `Prompt`."""


SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
"""OpenAI's words of `service_tier`, on both wires."""


CHAT_RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "n": (1, 128),
    "seed": (-(2**63), 2**63 - 1),
}
"""What OpenAI takes of options on Chat Completions."""


IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What OpenAI's models read."""


AUDIO_FORMATS = frozenset({"wav", "mp3"})
"""What those of OpenAI's models hear that hear at all."""
