"""What OpenAI does beyond chat: all of it in the form that others took over. https://platform.openai.com/docs/api-reference"""

from __future__ import annotations

from ...operations.requests import EmbeddingLimits
from ...wires.operations import (
    Batches,
    Embeddings,
    Files,
    ImageEditing,
    ImageGeneration,
    InputTokenCounting,
    Moderation,
    Speech,
    Transcription,
    Translation,
)
from ...wires.responses.stored import StoredResponses

__all__ = ["OPENAI_OPERATIONS"]


_FILES = Files(
    default_purpose="user_data",
    options={"upload_file": frozenset({"expires_after"}), "list_files": frozenset({"purpose", "order"})},
)

OPENAI_OPERATIONS = (
    Embeddings(base64=True, limits={"": EmbeddingLimits(2048, 300_000)}),
    Moderation(),
    ImageGeneration(options={"generate_image": frozenset({"moderation", "output_compression", "response_format"})}),
    ImageEditing(
        options={"edit_image": frozenset({"input_fidelity", "moderation", "output_compression", "response_format"})}
    ),
    Speech(default_voice="alloy"),
    Transcription(
        options={
            "transcribe": frozenset(
                {
                    "chunking_strategy", "include", "keywords", "known_speaker_names", "known_speaker_references",
                    "languages",
                }
            )
        }
    ),
    Translation(),
    InputTokenCounting(),
    _FILES,
    Batches(files=_FILES, options={"create_batch": frozenset({"output_expires_after"})}),
    StoredResponses(),
)  # fmt: skip
"""The operations, with the options that only OpenAI has."""
