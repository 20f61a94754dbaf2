"""The operations beyond chat, for async callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from ..contract import DriverHooks
    from ..data.messages import Audio, Document, Image, Text
    from ..data.operation_requests import EmbeddingInput
    from ..data.operations import (
        Batch,
        BatchResults,
        DeletedFile,
        EmbeddingResponse,
        FileContent,
        ImageResponse,
        ModerationResponse,
        OCRResponse,
        RerankResponse,
        SpeechResponse,
        StoredFile,
        TokenCount,
        Transcript,
    )
    from ..data.responses import AIResponse
    from ..engine.pipeline import Pipeline
    from ..engine.ports import AsyncPort

__all__ = ["AsyncOperations"]

R = TypeVar("R")


class AsyncOperations:
    """What providers do beyond chat: the methods of `Operations`, awaited. Part of `AsyncProvider`."""

    if TYPE_CHECKING:

        @property
        def driver(self) -> DriverHooks:
            """See `Provider.driver`."""

        @property
        def _pipeline(self) -> Pipeline[AsyncPort]: ...

    async def _operate(self, method: str, options: Mapping[str, Any], **fields: Any) -> R:
        """Perform the operation of this name; its result has the type that the table of operations says."""
        from ..engine.operations import perform
        from .preparing import prepare

        result: R = await perform(self._pipeline, prepare(self.driver, method, fields, options))
        return result

    async def embed(
        self,
        input: str | Sequence[EmbeddingInput],
        *,
        model: str | None = None,
        dimensions: int | None = None,
        **options: Any,
    ) -> EmbeddingResponse:
        """See `Operations.embed`."""
        return await self._operate("embed", options, input=input, model=model, dimensions=dimensions)

    async def moderate(
        self, input: str | Text | Image | Sequence[str | Text | Image], *, model: str | None = None, **options: Any
    ) -> ModerationResponse:
        """See `Operations.moderate`."""
        return await self._operate("moderate", options, input=input, model=model)

    async def generate_image(
        self,
        prompt: str,
        *,
        model: str | None = None,
        n: int | None = None,
        size: str | None = None,
        quality: str | None = None,
        **options: Any,
    ) -> ImageResponse:
        """See `Operations.generate_image`."""
        return await self._operate(
            "generate_image", options, prompt=prompt, model=model, n=n, size=size, quality=quality
        )

    async def edit_image(
        self,
        prompt: str,
        images: Image | str | Path | bytes | Sequence[Image | str | Path | bytes],
        *,
        mask: Image | str | Path | bytes | None = None,
        model: str | None = None,
        n: int | None = None,
        size: str | None = None,
        **options: Any,
    ) -> ImageResponse:
        """See `Operations.edit_image`."""
        fields = {"prompt": prompt, "images": images, "mask": mask, "n": n, "size": size}
        return await self._operate("edit_image", options, model=model, **fields)

    async def speak(
        self,
        text: str,
        *,
        voice: str | None = None,
        model: str | None = None,
        format: str | None = None,
        speed: float | None = None,
        instructions: str | None = None,
        **options: Any,
    ) -> SpeechResponse:
        """See `Operations.speak`."""
        fields = {"text": text, "voice": voice, "format": format, "speed": speed, "instructions": instructions}
        return await self._operate("speak", options, model=model, **fields)

    async def transcribe(
        self,
        audio: Audio | str | Path | bytes,
        *,
        model: str | None = None,
        language: str | None = None,
        prompt: str | None = None,
        response_format: str | None = None,
        timestamps: str | Sequence[str] | None = None,
        **options: Any,
    ) -> Transcript:
        """See `Operations.transcribe`."""
        fields = {"audio": audio, "language": language, "prompt": prompt, "response_format": response_format}
        return await self._operate("transcribe", options, model=model, timestamps=timestamps, **fields)

    async def translate(
        self,
        audio: Audio | str | Path | bytes,
        *,
        model: str | None = None,
        prompt: str | None = None,
        response_format: str | None = None,
        **options: Any,
    ) -> Transcript:
        """See `Operations.translate`."""
        return await self._operate(
            "translate", options, audio=audio, model=model, prompt=prompt, response_format=response_format
        )

    async def rerank(
        self,
        query: str,
        documents: Sequence[str],
        *,
        model: str | None = None,
        top_n: int | None = None,
        **options: Any,
    ) -> RerankResponse:
        """See `Operations.rerank`."""
        return await self._operate("rerank", options, query=query, documents=documents, model=model, top_n=top_n)

    async def ocr(
        self,
        document: Document | Image | str | Path | bytes,
        *,
        model: str | None = None,
        pages: Sequence[int] | None = None,
        **options: Any,
    ) -> OCRResponse:
        """See `Operations.ocr`."""
        return await self._operate("ocr", options, document=document, model=model, pages=pages)

    async def count_tokens(self, messages: Any, **options: Any) -> TokenCount:
        """See `Operations.count_tokens`."""
        return await self._operate("count_tokens", options, messages=messages)

    async def upload_file(
        self,
        file: str | Path | bytes | Document | Image | Audio,
        *,
        name: str | None = None,
        media_type: str | None = None,
        purpose: str | None = None,
        **options: Any,
    ) -> StoredFile:
        """See `Operations.upload_file`."""
        return await self._operate("upload_file", options, file=file, name=name, media_type=media_type, purpose=purpose)

    async def list_files(self, *, limit: int | None = None, **options: Any) -> list[StoredFile]:
        """See `Operations.list_files`."""
        return await self._operate("list_files", options, limit=limit)

    async def get_file(self, file_id: str, **options: Any) -> StoredFile:
        """See `Operations.get_file`."""
        return await self._operate("get_file", options, id=file_id)

    async def delete_file(self, file_id: str, **options: Any) -> DeletedFile:
        """See `Operations.delete_file`."""
        return await self._operate("delete_file", options, id=file_id)

    async def download_file(self, file_id: str, **options: Any) -> FileContent:
        """See `Operations.download_file`."""
        return await self._operate("download_file", options, id=file_id)

    async def create_batch(
        self,
        prompts: Sequence[Any],
        *,
        custom_ids: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Batch:
        """See `Operations.create_batch`."""
        return await self._operate("create_batch", options, prompts=prompts, custom_ids=custom_ids, labels=labels)

    async def get_batch(self, batch_id: str, **options: Any) -> Batch:
        """See `Operations.get_batch`."""
        return await self._operate("get_batch", options, id=batch_id)

    async def list_batches(self, *, limit: int | None = None, **options: Any) -> list[Batch]:
        """See `Operations.list_batches`."""
        return await self._operate("list_batches", options, limit=limit)

    async def cancel_batch(self, batch_id: str, **options: Any) -> Batch:
        """See `Operations.cancel_batch`."""
        return await self._operate("cancel_batch", options, id=batch_id)

    async def get_batch_results(self, batch_id: str, **options: Any) -> BatchResults:
        """See `Operations.get_batch_results`."""
        return await self._operate("get_batch_results", options, id=batch_id)

    async def get_response(self, response_id: str, **options: Any) -> AIResponse:
        """See `Operations.get_response`."""
        return await self._operate("get_response", options, id=response_id)

    async def cancel_response(self, response_id: str, **options: Any) -> AIResponse:
        """See `Operations.cancel_response`."""
        return await self._operate("cancel_response", options, id=response_id)
