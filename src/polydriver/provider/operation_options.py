"""The options of operations beyond chat, as type checkers know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from ..errors import AIError
from .options import CallOptions, MostDriverOptions
from .routing import FallbackTargets

__all__ = [
    "CreateBatchOptions",
    "EmbedOptions",
    "GenerateImageOptions",
    "EditImageOptions",
    "SpeakOptions",
    "TranscribeOptions",
    "TranslateOptions",
    "RerankOptions",
    "OCROptions",
    "UploadFileOptions",
    "ListFilesOptions",
    "ListBatchesOptions",
    "OperationOptions",
    "WorkOptions",
]


class OperationOptions(TypedDict, total=False):
    """What all operations take: the limits of the call, labels of its events, and what goes into the request as is."""

    extra: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    timeout: float | None
    idle_timeout: float | None
    deadline: float | None
    retry_attempts: int | None
    metadata: Mapping[str, Any] | None
    conversation_id: str | None
    queue: Literal["interactive", "batch"] | None


class WorkOptions(OperationOptions, total=False):
    """What operations take beside that, which any account can do: who else does it, and after which errors."""

    fallback: FallbackTargets | None
    fallback_on: Sequence[type[AIError] | str] | None


class CreateBatchOptions(CallOptions, MostDriverOptions, total=False):
    """What `create_batch` takes beside its own parameters: the options of its prompts, and of drivers."""

    callback_url: Any
    completion_window: Any
    display_name: Any
    model_id: Any
    output_expires_after: Any
    precision: Any
    priority: Any
    timeout_hours: Any


class EmbedOptions(WorkOptions, total=False):
    """What `embed` takes beside its own parameters; what only some providers have is `Any`."""

    input_type: str | None
    user: str | None
    auto_truncate: Any
    draft_num_predict: Any
    embeddingTypes: Any
    embedding_type: Any
    embedding_types: Any
    encoding_format: Any
    keep_alive: Any
    late_chunking: Any
    low_vram: Any
    main_gpu: Any
    max_tokens: Any
    min_p: Any
    mirostat: Any
    mirostat_eta: Any
    mirostat_tau: Any
    normalize: Any
    normalized: Any
    num_batch: Any
    num_ctx: Any
    num_gpu: Any
    num_keep: Any
    num_thread: Any
    numa: Any
    options: Any
    output_dtype: Any
    penalize_newline: Any
    priority: Any
    repeat_last_n: Any
    repeat_penalty: Any
    tfs_z: Any
    title: Any
    truncate: Any
    truncation: Any
    typical_p: Any
    use_mlock: Any
    use_mmap: Any


class GenerateImageOptions(WorkOptions, total=False):
    """What `generate_image` takes beside its own parameters; what only some providers have is `Any`."""

    style: str | None
    background: str | None
    format: str | None
    seed: int | None
    user: str | None
    language: Any
    moderation: Any
    negative_prompt: Any
    output_compression: Any
    person_generation: Any
    response_format: Any
    safety_filter_level: Any


class EditImageOptions(WorkOptions, total=False):
    """What `edit_image` takes beside its own parameters; what only some providers have is `Any`."""

    quality: str | None
    style: str | None
    background: str | None
    format: str | None
    seed: int | None
    user: str | None
    input_fidelity: Any
    moderation: Any
    output_compression: Any
    response_format: Any


class SpeakOptions(WorkOptions, total=False):
    """What `speak` takes beside its own parameters; what only some providers have is `Any`."""

    speech_config: Any


class TranscribeOptions(WorkOptions, total=False):
    """What `transcribe` takes beside its own parameters; what only some providers have is `Any`."""

    temperature: float | None
    chunking_strategy: Any
    include: Any
    keywords: Any
    known_speaker_names: Any
    known_speaker_references: Any
    languages: Any


class TranslateOptions(WorkOptions, total=False):
    """What `translate` takes beside its own parameters; what only some providers have is `Any`."""

    language: str | None
    temperature: float | None
    timestamps: str | Sequence[str] | None


class RerankOptions(WorkOptions, total=False):
    """What `rerank` takes beside its own parameters; what only some providers have is `Any`."""

    max_tokens_per_doc: Any
    priority: Any
    return_documents: Any
    truncation: Any


class OCROptions(WorkOptions, total=False):
    """What `ocr` takes beside its own parameters; what only some providers have is `Any`."""

    include_images: bool | None


class UploadFileOptions(OperationOptions, total=False):
    """What `upload_file` takes beside its own parameters; what only some providers have is `Any`."""

    expires_after: Any


class ListFilesOptions(OperationOptions, total=False):
    """What `list_files` takes beside its own parameters; what only some providers have is `Any`."""

    after: str | None
    order: Any
    purpose: Any


class ListBatchesOptions(OperationOptions, total=False):
    """What `list_batches` takes beside its own parameters; what only some providers have is `Any`."""

    after: str | None
