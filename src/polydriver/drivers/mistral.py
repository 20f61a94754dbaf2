"""Mistral. https://docs.mistral.ai/api"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from ..contract import LEFT_OUT
from ..data.json import as_dict, as_int
from ..data.messages import AIMessage, Audio, Document, Reasoning
from ..data.models import AIModel, Capabilities
from ..data.prompt import Prompt
from ..errors import ModelNotFoundError, RateLimitError
from ..operations.requests import EmbeddingLimits
from ..wires.operations import DocumentReading, Embeddings, Files, Moderation, Transcription
from .compatible import CompatibleDriver
from .mistral_batches import MistralBatches
from .rows.common import CompatibleChat
from .traits import ErrorTable

__all__ = ["MistralDriver"]

_CALL_ID = re.compile(r"[A-Za-z0-9]{9}")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NOT_SUPPORTED = (
    "top_k", "logprobs", "top_logprobs", "logit_bias", "user", "service_tier", "store", "modalities", "audio",
)  # fmt: skip
_TYPES = {"completion_chat": "chat", "ocr": "other", "classification": "moderation", "audio_transcription": "audio"}


class MistralChat(CompatibleChat, kw_only=True, eq=False):
    """Mistral's own form of Chat Completions."""

    def render_messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        """The `messages` list. The user cannot speak right after a tool: the assistant says a word in between."""
        rendered: list[dict[str, Any]] = []
        for message in super().render_messages(prompt):
            if message["role"] != "tool":
                message.pop("name", None)
            if message["role"] == "user" and rendered and rendered[-1]["role"] == "tool":
                rendered.append({"role": "assistant", "content": "OK"})
            rendered.append(message)
        return rendered

    def render_answer(self, message: AIMessage) -> Any:
        """The content of an assistant's message: with Mistral's own reasoning a list, else its text."""
        text = super().render_answer(message)
        own = [part for part in message.parts if isinstance(part, Reasoning) and self.origin in part.provider_data]
        thoughts = [part.text for part in own if part.text]
        if not thoughts:
            return text
        content: list[dict[str, Any]] = [
            {"type": "thinking", "thinking": [{"type": "text", "text": thought}]} for thought in thoughts
        ]
        return [*content, {"type": "text", "text": text}] if text else content

    def render_call_id(self, call_id: str) -> str:
        """The id itself if it has Mistral's form, else one made from it."""
        if _CALL_ID.fullmatch(call_id):
            return call_id
        number = int.from_bytes(hashlib.blake2s(call_id.encode("utf-8", "replace"), digest_size=8).digest(), "big")
        return "".join(_DIGITS[number // 62**place % 62] for place in range(9))

    def render_audio(self, part: Audio) -> dict[str, Any]:
        """Sound, by URL or as bytes."""
        return {"type": "input_audio", "input_audio": part.url or part.base64}

    def render_document(self, part: Document) -> dict[str, Any]:
        """A document: an uploaded file, a URL, bytes, or, where it is text, its text."""
        if part.file_id:
            return {"type": "file", "file_id": part.file_id}
        if part.data is not None and (part.media_type or "").startswith("text/"):
            return super().render_document(part)
        rendered = {"type": "document_url", "document_url": part.url or part.data_url("application/pdf")}
        if part.name:
            rendered["document_name"] = part.name
        return rendered


class MistralDriver(CompatibleDriver):
    """Mistral, over its own form of Chat Completions.

    An assistant's message at the end of a conversation is completed (`prefix`). Ids of calls are nine letters and
    digits: others are translated, the same for a call and its result.
    """

    name = "mistral"
    title = "Mistral"
    base_url = "https://api.mistral.ai/v1"
    default_model = "mistral-small-latest"
    key_variables = ("MISTRAL_API_KEY",)
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "document", "json"),
    )
    errors = ErrorTable(
        branch="Mistral", codes={"invalid_model": ModelNotFoundError, "service_tier_capacity_exceeded": RateLimitError}
    )
    wire = MistralChat(
        stream_usage=False,  # usage comes with the last chunk; the API refuses fields that it doesn't know
        marks_prefix=True,
        ranges={
            "temperature": (0, 1.5),
            "presence_penalty": (-2, 2),
            "frequency_penalty": (-2, 2),
            "seed": (0, 2**63 - 1),
        },
        tool_choices={"required": "any"},
        option_names=frozenset({"guardrails", "metadata", "prediction", "prompt_mode", "safe_prompt"}),
        options={"seed": "random_seed", **dict.fromkeys(_NOT_SUPPORTED, LEFT_OUT)},
    )
    operations = (
        DocumentReading(),
        Embeddings(
            # Its errors tell them: "Too many inputs in request", "Too many tokens in batch. Max is 16384" (2026-11-28).
            limits={"": EmbeddingLimits(512, 16_384)},
            fields={"dimensions": "output_dimension", "user": None},
        ),
        Files(default_purpose="ocr"),
        MistralBatches(options={"create_batch": frozenset({"timeout_hours"})}),
        Moderation(),
        Transcription(fields={"prompt": None, "response_format": None}, timestamps_format=None),
    )

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list, which tells what the model can do."""
        abilities = as_dict(item.get("capabilities"))
        kinds = [kind for ability, kind in _TYPES.items() if abilities.get(ability) is True]
        sees = abilities.get("vision")
        calls, reasons = abilities.get("function_calling"), abilities.get("reasoning")
        return msgspec.structs.replace(
            super().parse_model(item),
            type=kinds[0] if kinds else None,
            context_length=as_int(item.get("max_context_length")),
            input_modalities=(["text", "image"] if sees else ["text"]) if isinstance(sees, bool) else None,
            supports_function_calling=calls if isinstance(calls, bool) else None,
            supports_reasoning=reasons if isinstance(reasons, bool) else None,
            deprecated=item["deprecation"] is not None if "deprecation" in item else None,
        )
