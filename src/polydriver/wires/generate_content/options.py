"""What generateContent does with each option of a prompt, and what its two services set about the wire."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from ...contract import RENDERED, OptionRule, Wire, option_rules
from .models import facts_of

__all__ = [
    "CLOUD_OPTIONS",
    "CONFIG_OPTIONS",
    "CONTENT_RULES",
    "REQUEST_OPTIONS",
    "THINKING_OPTIONS",
    "ContentSettings",
]

CONTENT_RULES: Mapping[str, OptionRule] = option_rules(
    {
        "temperature": "temperature",
        "top_p": "topP",
        "top_k": "topK",
        "max_tokens": "maxOutputTokens",
        "stop": "stopSequences",
        "seed": "seed",
        "n": "candidateCount",
        "presence_penalty": "presencePenalty",
        "frequency_penalty": "frequencyPenalty",
        "logprobs": "responseLogprobs",
        "top_logprobs": "logprobs",
        "modalities": RENDERED,
        "audio": RENDERED,
        "reasoning_effort": RENDERED,
        "reasoning_budget": RENDERED,
        "response_format": RENDERED,
        "tools": RENDERED,
        "tool_choice": RENDERED,
    }
)

REQUEST_OPTIONS = frozenset({"safety_settings", "cached_content", "tool_config", "labels", "model_armor_config"})
"""Options beyond those of `Prompt` that stand in the body."""

CONFIG_OPTIONS = frozenset(
    {
        "audio_timestamp",
        "enable_affective_dialog",
        "enable_enhanced_civic_answers",
        "image_config",
        "media_resolution",
        "response_mime_type",
        "response_schema",
        "response_json_schema",
        "routing_config",
        "speech_config",
    }
)
"""Options beyond those of `Prompt` that stand in `generationConfig`."""

CLOUD_OPTIONS = frozenset({"audio_timestamp", "labels", "model_armor_config", "routing_config"})
"""Those among these options that only Vertex AI takes."""

THINKING_OPTIONS = frozenset({"include_thoughts", "thinking_level", "thinking_budget", "thinking_config"})
"""Options that stand in `thinkingConfig`, or are it."""


_RANGES = {
    "temperature": (0, 2),
    "n": (1, 8),
    "top_logprobs": (0, 20),
    "top_k": (1, 10**6),
    "seed": (-(2**31), 2**31 - 1),
}


class ContentSettings(Wire, kw_only=True, eq=False):
    """What the two services do differently.

    - `finish_numbers`: finish reasons by number, for replies with `enum-encoding=int`; each service has its own.
    """

    rules = CONTENT_RULES
    option_names: frozenset[str] = REQUEST_OPTIONS | CONFIG_OPTIONS | THINKING_OPTIONS
    max_stops: int | None = 5
    ranges: Mapping[str, tuple[float, float]] = msgspec.field(default_factory=lambda: _RANGES)
    finish_numbers: Mapping[str, str] = {}

    def model_path(self, model: str) -> str:
        """The resource of a model below the base URL: `models/...`, `tunedModels/...`."""
        return quote(model if "/" in model else f"models/{model}", safe="/@")

    def takes_prefill(self, model: str) -> bool:
        """See `Wire.takes_prefill`."""
        return facts_of(model).prefill

    def file_uri(self, file_id: str) -> str:
        """The address of an uploaded file, from its id."""
        return file_id
