"""What is sent by operations beyond chat: one record each, which a driver's `build_...` hook turns into a request.

A field that is `None` is left to the provider. The common fields are those of `OperationRequest`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from ..data.messages import Audio, Document, Image, Text
from ..data.prompt import Prompt

__all__ = [
    "RUN_LABEL",
    "BatchPrompt",
    "BatchRequest",
    "EmbeddingInput",
    "EmbeddingLimits",
    "EmbeddingRequest",
    "FileUpload",
    "ImageEditRequest",
    "ImageRequest",
    "ItemRequest",
    "ModerationRequest",
    "OCRRequest",
    "OperationRequest",
    "PageRequest",
    "RerankRequest",
    "SpeechRequest",
    "TranscriptionRequest",
]

EmbeddingInput: TypeAlias = str | list[int]
"""A text, or its token ids where a provider takes them."""


class OperationRequest(msgspec.Struct, kw_only=True):
    """What all of them have.

    `model` is the id to use; operations on batches and files have none. `options` are those that only this driver knows
    (see the field `options` of the driver's parts); `extra` is merged into the body as it is; `extra_headers` are
    added to the request's headers.
    """

    model: str = ""
    options: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    extra_headers: dict[str, str] = {}
    warnings: list[str] = []

    def warn(self, text: str) -> None:
        """Note something that cannot be done as asked; it comes back in the result's `warnings`. Said once only."""
        if text not in self.warnings:
            self.warnings.append(text)


class EmbeddingLimits(msgspec.Struct, frozen=True):
    """What one request for embeddings takes at most: so many `inputs`, and so many `tokens` in all of them together.

    `None`: unknown, or no bound.
    """

    inputs: int | None = None
    tokens: int | None = None


class EmbeddingRequest(OperationRequest, kw_only=True):
    """Texts to embed, in order.

    `input_type` ("query", "document", or a provider's own word) is what they will be used for.
    """

    input: list[EmbeddingInput]
    dimensions: int | None = None
    input_type: str | None = None
    user: str | None = None


class ModerationRequest(OperationRequest, kw_only=True):
    """What to judge: each item is a list of parts (texts and images) that belong together and get one result."""

    input: list[list[Text | Image]]


class ImageRequest(OperationRequest, kw_only=True):
    """Pictures to make.

    `n` is how many; `size` is like "1024x1024"; `quality` and `format` ("png", "jpeg", "webp") are the
    provider's words.
    """

    prompt: str
    n: int | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    format: str | None = None
    seed: int | None = None
    user: str | None = None


class ImageEditRequest(ImageRequest, kw_only=True):
    """Pictures to change as `prompt` says.

    Where `mask` is transparent, and only there, the first picture may change.
    """

    images: list[Image]
    mask: Image | None = None


class SpeechRequest(OperationRequest, kw_only=True):
    """A text to speak. `format` is "mp3", "wav", "opus", ...; `speed` is a factor, 1 being normal."""

    text: str
    voice: str | None = None
    format: str | None = None
    speed: float | None = None
    instructions: str | None = None


class TranscriptionRequest(OperationRequest, kw_only=True):
    """Sound to write down, or to translate into English.

    `language` is an ISO 639-1 code; `prompt` gives context and spelling; `response_format` is json, verbose_json,
    text, srt, vtt or a provider's own; `timestamps` lists "segment" and "word".
    """

    audio: Audio
    language: str | None = None
    prompt: str | None = None
    response_format: str | None = None
    temperature: float | None = None
    timestamps: list[Literal["segment", "word"]] | None = None


class RerankRequest(OperationRequest, kw_only=True):
    """Documents to order by how well they answer `query`; the best `top_n` are wanted."""

    query: str
    documents: list[str]
    top_n: int | None = None


class OCRRequest(OperationRequest, kw_only=True):
    """A document or picture to read. `pages` are numbers from 0; `include_images` asks for the pictures in it."""

    document: Document | Image
    pages: list[int] | None = None
    include_images: bool | None = None


class FileUpload(OperationRequest, kw_only=True):
    """A file for the provider to keep. `purpose` is what it is for, in the provider's words."""

    data: bytes
    name: str
    media_type: str | None = None
    purpose: str | None = None


class ItemRequest(OperationRequest, kw_only=True):
    """Something that the provider keeps: the id of a file or a batch."""

    id: str


class PageRequest(OperationRequest, kw_only=True):
    """One page of a list: the page after the cursor `after`, with at most `limit` items."""

    after: str | None = None
    limit: int | None = None


RUN_LABEL = "polydriver"
"""The label by which `run_batch` finds a batch again."""


class BatchPrompt(msgspec.Struct, kw_only=True):
    """One prompt of a batch, and the id by which its answer is found."""

    custom_id: str
    prompt: Prompt


class BatchRequest(OperationRequest, kw_only=True):
    """Prompts to answer later, at a lower price. `metadata` are labels that the provider keeps with the batch.

    `name` is a name that no other batch has, of lower-case letters, digits and a hyphen, for what the provider wants
    named.
    """

    prompts: list[BatchPrompt]
    name: str = "polydriver"
    metadata: dict[str, str] | None = None
