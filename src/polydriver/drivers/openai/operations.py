"""What OpenAI does beyond chat: all of it in the form that others took over. https://platform.openai.com/docs/api-reference"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...data.prompt import Prompt
from ...wires.operations import (
    Batches,
    Embeddings,
    ImageEditing,
    ImageGeneration,
    InputTokenCounting,
    Moderation,
    Speech,
    Transcription,
    Translation,
)

__all__ = ["OpenAIOperations"]


class OpenAIOperations(
    Batches,
    Embeddings,
    ImageEditing,
    ImageGeneration,
    InputTokenCounting,
    Moderation,
    Speech,
    Transcription,
    Translation,
):
    """OpenAI's operations, with the options that only OpenAI has."""

    embedding_base64 = True
    default_voice = "alloy"
    default_purpose = "user_data"
    operation_options: ClassVar[Mapping[str, frozenset[str]]] = {
        "generate_image": frozenset({"moderation", "output_compression", "response_format"}),
        "edit_image": frozenset({"input_fidelity", "moderation", "output_compression", "response_format"}),
        "transcribe": frozenset(
            {"chunking_strategy", "include", "keywords", "known_speaker_names", "known_speaker_references", "languages"}
        ),
        "upload_file": frozenset({"expires_after"}),
        "list_files": frozenset({"purpose", "order"}),
        "create_batch": frozenset({"output_expires_after"}),
    }

    def batch_prompt(self, body: dict[str, Any]) -> Prompt:
        """A prompt that takes the wire which an answer in a batch came on."""
        prompt = super().batch_prompt(body)
        prompt.options = {"api": "responses" if body.get("object") == "response" else "chat"}
        return prompt
