"""The operations beyond chat, as methods of providers of both colours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack, cast

from ..colours import drive
from ..contract import DriverHooks
from ..data.messages import Audio, Document, Image, Text
from ..data.responses import AIResponse
from ..operations import kinds
from ..operations.kinds import OperationKind
from ..operations.requests import EmbeddingInput
from ..operations.results import (
    Batch,
    BatchItem,
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

if TYPE_CHECKING:
    from os import PathLike

    from ..data.batches import BatchProgress
    from ..engine.collecting import Collected
    from ..engine.pipeline import Pipeline  # loaded at the first call
    from .operation_options import (
        CreateBatchOptions,
        EditImageOptions,
        EmbedOptions,
        GenerateImageOptions,
        ListBatchesOptions,
        ListFilesOptions,
        OCROptions,
        OperationOptions,
        RerankOptions,
        SpeakOptions,
        TranscribeOptions,
        TranslateOptions,
        UploadFileOptions,
        WorkOptions,
    )
    from .options import AllOptions

__all__ = ["AsyncOperations", "Operations"]

P = ParamSpec("P")
R = TypeVar("R")


class _Operating(ABC):
    """What the operations stand on."""

    @property
    @abstractmethod
    def driver(self) -> DriverHooks:
        """See `Provider.driver`."""

    @property
    @abstractmethod
    def _pipeline(self) -> Pipeline[Any]: ...

    async def _perform(
        self,
        kind: OperationKind[R],
        options: Mapping[str, Any],
        fields: dict[str, Any],
        collected: Collected | None = None,
    ) -> R:
        from ..engine.operations import perform
        from .work_routing import prepare_work

        leg, call = prepare_work(self, kind, fields, options)
        result: R = await perform(self._pipeline, leg, call, collected)
        return result


class Operations(_Operating):
    """What providers do beyond chat. Part of `Provider`.

    All take the limits of a call (`timeout` and `deadline` in seconds, `retry_attempts`), `metadata` for events,
    `extra` (merged into the body as it is), `extra_headers`, and the options that the driver adds (the field `options`
    of its parts). All raise `UnsupportedFeatureError` before anything is sent when the driver does not do them,
    `UnknownOptionError` for an option that nobody knows, `ConfigurationError` for arguments that cannot work (a missing
    model among them), and else `AIError`s only.

    What any account can do goes to the members of a pool in turn, and to `fallback`s as chats do (`fallback_on` adds
    errors that lead to them). What is kept at a provider (files, batches, answers) is the first member's.
    """

    def _operate(self, kind: OperationKind[R], options: Mapping[str, Any], **fields: Any) -> R:
        """Perform an operation."""
        return drive(self._perform(kind, options, fields))

    def _finish(self, work: Coroutine[Any, Any, R]) -> R:
        return drive(work)

    def embed(
        self,
        /,
        input: str | Sequence[EmbeddingInput],
        *,
        model: str | None = None,
        dimensions: int | None = None,
        **options: Unpack[EmbedOptions],
    ) -> EmbeddingResponse:
        """Turn texts into vectors, one each, in their order.

        `input` is a text or a list of texts; a text may be a list of token ids where the provider takes those.
        `dimensions` shortens the vectors. Further options: `input_type` ("query", "document", ...), `user`.
        """
        return self._operate(kinds.EMBED, options, input=input, model=model, dimensions=dimensions)

    def moderate(
        self,
        /,
        input: str | Text | Image | Sequence[str | Text | Image],
        *,
        model: str | None = None,
        **options: Unpack[WorkOptions],
    ) -> ModerationResponse:
        """Judge whether content is harmful.

        A list of strings is judged one by one; texts and images together are one item.
        """
        return self._operate(kinds.MODERATE, options, input=input, model=model)

    def generate_image(
        self,
        /,
        prompt: str,
        *,
        model: str | None = None,
        n: int | None = None,
        size: str | None = None,
        quality: str | None = None,
        **options: Unpack[GenerateImageOptions],
    ) -> ImageResponse:
        """Make pictures. `size` is like "1024x1024".

        Further options: `style`, `background`, `format` ("png", ...), `seed`, `user`.
        """
        return self._operate(kinds.GENERATE_IMAGE, options, prompt=prompt, model=model, n=n, size=size, quality=quality)

    def edit_image(
        self,
        /,
        prompt: str,
        images: Image | str | Path | bytes | Sequence[Image | str | Path | bytes],
        *,
        mask: Image | str | Path | bytes | None = None,
        model: str | None = None,
        n: int | None = None,
        size: str | None = None,
        **options: Unpack[EditImageOptions],
    ) -> ImageResponse:
        """Change pictures as `prompt` says. Pictures are `Image`s, paths or bytes.

        Only where `mask` is transparent may the first one change. Further options: those of `generate_image`.
        """
        fields = {"prompt": prompt, "images": images, "mask": mask, "n": n, "size": size}
        return self._operate(kinds.EDIT_IMAGE, options, model=model, **fields)

    def speak(
        self,
        /,
        text: str,
        *,
        voice: str | None = None,
        model: str | None = None,
        format: str | None = None,
        speed: float | None = None,
        instructions: str | None = None,
        **options: Unpack[SpeakOptions],
    ) -> SpeechResponse:
        """Speak a text. `format` is "mp3", "wav", "opus", ...; `speed` a factor; `instructions` say how to speak."""
        fields = {"text": text, "voice": voice, "format": format, "speed": speed, "instructions": instructions}
        return self._operate(kinds.SPEAK, options, model=model, **fields)

    def transcribe(
        self,
        /,
        audio: Audio | str | Path | bytes,
        *,
        model: str | None = None,
        language: str | None = None,
        prompt: str | None = None,
        response_format: str | None = None,
        timestamps: str | Sequence[str] | None = None,
        **options: Unpack[TranscribeOptions],
    ) -> Transcript:
        """Write down what is said. `audio` is an `Audio`, a path or bytes.

        `language` is an ISO 639-1 code; `prompt` gives context and spelling; `response_format` is json, verbose_json,
        text, srt or vtt; `timestamps` is "segment", "word" or both. Further option: `temperature`.
        """
        fields = {"audio": audio, "language": language, "prompt": prompt, "response_format": response_format}
        return self._operate(kinds.TRANSCRIBE, options, model=model, timestamps=timestamps, **fields)

    def translate(
        self,
        /,
        audio: Audio | str | Path | bytes,
        *,
        model: str | None = None,
        prompt: str | None = None,
        response_format: str | None = None,
        **options: Unpack[TranslateOptions],
    ) -> Transcript:
        """Write down in English what is said in any language; see `transcribe`."""
        return self._operate(
            kinds.TRANSLATE, options, audio=audio, model=model, prompt=prompt, response_format=response_format
        )

    def rerank(
        self,
        /,
        query: str,
        documents: Sequence[str],
        *,
        model: str | None = None,
        top_n: int | None = None,
        **options: Unpack[RerankOptions],
    ) -> RerankResponse:
        """Order documents by how well they answer `query`, the best first; only the best `top_n` when given."""
        return self._operate(kinds.RERANK, options, query=query, documents=documents, model=model, top_n=top_n)

    def ocr(
        self,
        /,
        document: Document | Image | str | Path | bytes,
        *,
        model: str | None = None,
        pages: Sequence[int] | None = None,
        **options: Unpack[OCROptions],
    ) -> OCRResponse:
        """Read a document or picture as Markdown.

        `document` may be a path, a URL or bytes; `pages` are numbers from 0. Further option: `include_images`.
        """
        return self._operate(kinds.OCR, options, document=document, model=model, pages=pages)

    def count_tokens(self, /, messages: Any, **options: Unpack[AllOptions]) -> TokenCount:
        """How many tokens a prompt has, by the provider's own count.

        Messages and options are those of `send_messages`.
        """
        return self._operate(kinds.COUNT_TOKENS, options, messages=messages)

    def upload_file(
        self,
        /,
        file: str | Path | bytes | Document | Image | Audio,
        *,
        name: str | None = None,
        media_type: str | None = None,
        purpose: str | None = None,
        **options: Unpack[UploadFileOptions],
    ) -> StoredFile:
        """Give the provider a file to keep.

        Bytes need a `name`; `purpose` is what it is for, in the provider's words.
        """
        return self._operate(kinds.UPLOAD_FILE, options, file=file, name=name, media_type=media_type, purpose=purpose)

    def list_files(self, /, *, limit: int | None = None, **options: Unpack[ListFilesOptions]) -> list[StoredFile]:
        """The files that the provider keeps for this account: all of them, or the first `limit`."""
        return self._operate(kinds.LIST_FILES, options, limit=limit)

    def get_file(self, /, file_id: str, **options: Unpack[OperationOptions]) -> StoredFile:
        """What the provider says of a file."""
        return self._operate(kinds.GET_FILE, options, id=file_id)

    def delete_file(self, /, file_id: str, **options: Unpack[OperationOptions]) -> DeletedFile:
        """Delete a file at the provider."""
        return self._operate(kinds.DELETE_FILE, options, id=file_id)

    def download_file(self, /, file_id: str, **options: Unpack[OperationOptions]) -> FileContent:
        """The bytes of a file that the provider keeps."""
        return self._operate(kinds.DOWNLOAD_FILE, options, id=file_id)

    def create_batch(
        self,
        /,
        prompts: Sequence[Any],
        *,
        custom_ids: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        **options: Unpack[CreateBatchOptions],
    ) -> Batch:
        """Have prompts answered later, at a lower price.

        Each of `prompts` is a message or a whole conversation; the options of `send_messages` apply to all of them.
        `custom_ids` name them in the results ("prompt-0", "prompt-1", ... by default); `labels` are kept with the
        batch by the provider.
        """
        return self._operate(kinds.CREATE_BATCH, options, prompts=prompts, custom_ids=custom_ids, labels=labels)

    def run_batch(
        self,
        /,
        prompts: Iterable[Any],
        *,
        custom_ids: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        state: str | PathLike[str] | None = None,
        poll_interval: float = 30.0,
        rounds: int = 3,
        on_progress: Callable[[BatchProgress], object] | None = None,
        **options: Unpack[CreateBatchOptions],
    ) -> BatchResults:
        """Have prompts answered by the provider's batches, from beginning to end; this takes minutes to a day.

        Takes what `create_batch` does. The prompts are split to what one batch of the provider may hold, the batches
        are asked about every `poll_interval` seconds, and what expired or failed for a passing reason is sent again,
        alone, `rounds` times in all. A prompt that cannot be sent has its error in its place.

        `state` is a file that remembers the batches: the same call in another process goes on with them, and makes none
        twice. Without it, an error that ends the call names them. `on_progress` is called after each look.
        """
        from .batch_entries import make_entries
        from .batch_runs import run_batch

        entries = make_entries(prompts, custom_ids, options)
        how: dict[str, Any] = {"poll_interval": poll_interval, "rounds": rounds, "on_progress": on_progress}
        return self._finish(run_batch(self, entries, state, labels=labels, **how))

    def get_batch(self, /, batch_id: str, **options: Unpack[OperationOptions]) -> Batch:
        """How far a batch has come."""
        return self._operate(kinds.GET_BATCH, options, id=batch_id)

    def list_batches(self, /, *, limit: int | None = None, **options: Unpack[ListBatchesOptions]) -> list[Batch]:
        """The batches of this account: all of them, or the first `limit`."""
        return self._operate(kinds.LIST_BATCHES, options, limit=limit)

    def cancel_batch(self, /, batch_id: str, **options: Unpack[OperationOptions]) -> Batch:
        """Stop a batch. What is done already stays."""
        return self._operate(kinds.CANCEL_BATCH, options, id=batch_id)

    def get_batch_results(self, /, batch_id: str, **options: Unpack[OperationOptions]) -> BatchResults:
        """What became of the prompts of a batch: a response or an error each.

        Raises `InvalidRequestError` before there are any. For more than fit into memory: `stream_batch_results`.
        """
        return self._operate(kinds.GET_BATCH_RESULTS, options, id=batch_id)

    def stream_batch_results(
        self, /, batch_id: str, **options: Unpack[OperationOptions]
    ) -> Generator[BatchItem, None, None]:
        """The same one after the other, in the order of the provider's files: of a batch that is larger than memory.

        The files are fetched into a temporary file when the first item is asked for, and retried as a whole; it is
        removed at the end, or when the iterator is closed or dropped.
        """
        from ..engine.collecting import Spooled

        with Spooled() as spooled:
            results = drive(self._perform(kinds.GET_BATCH_RESULTS, options, {"id": batch_id}, spooled))
            yield from spooled.items(self._pipeline.target, results)

    def get_response(self, /, response_id: str, **options: Unpack[OperationOptions]) -> AIResponse:
        """An answer that the provider keeps, such as one that runs in the background (`background=True`), by its id.

        It has no finish reason while it is queued or in progress.
        """
        return self._operate(kinds.GET_RESPONSE, options, id=response_id)

    def cancel_response(self, /, response_id: str, **options: Unpack[OperationOptions]) -> AIResponse:
        """Stop an answer that runs in the background; what came so far is returned."""
        return self._operate(kinds.CANCEL_RESPONSE, options, id=response_id)


def _awaited(
    method: Callable[Concatenate[Operations, P], R],
) -> Callable[Concatenate[AsyncOperations, P], Coroutine[Any, Any, R]]:
    """The async form of a method of `Operations`: what its `_operate` returns is awaited."""

    @wraps(method)
    async def awaited(self: AsyncOperations, /, *args: P.args, **kwargs: P.kwargs) -> R:
        result: Any = method(cast("Operations", self), *args, **kwargs)
        return await result  # type: ignore[no-any-return]

    awaited.__doc__ = f"See `Operations.{method.__name__}`."
    return awaited


class AsyncOperations(_Operating):
    """What providers do beyond chat: the methods of `Operations`, awaited. Part of `AsyncProvider`."""

    async def _operate(self, kind: OperationKind[R], options: Mapping[str, Any], **fields: Any) -> R:
        """Perform an operation."""
        return await self._perform(kind, options, fields)

    async def _finish(self, work: Coroutine[Any, Any, R]) -> R:
        return await work

    embed = _awaited(Operations.embed)
    moderate = _awaited(Operations.moderate)
    generate_image = _awaited(Operations.generate_image)
    edit_image = _awaited(Operations.edit_image)
    speak = _awaited(Operations.speak)
    transcribe = _awaited(Operations.transcribe)
    translate = _awaited(Operations.translate)
    rerank = _awaited(Operations.rerank)
    ocr = _awaited(Operations.ocr)
    count_tokens = _awaited(Operations.count_tokens)
    upload_file = _awaited(Operations.upload_file)
    list_files = _awaited(Operations.list_files)
    get_file = _awaited(Operations.get_file)
    delete_file = _awaited(Operations.delete_file)
    download_file = _awaited(Operations.download_file)
    create_batch = _awaited(Operations.create_batch)
    run_batch = _awaited(Operations.run_batch)
    get_batch = _awaited(Operations.get_batch)
    list_batches = _awaited(Operations.list_batches)
    cancel_batch = _awaited(Operations.cancel_batch)
    get_batch_results = _awaited(Operations.get_batch_results)

    async def stream_batch_results(
        self, /, batch_id: str, **options: Unpack[OperationOptions]
    ) -> AsyncGenerator[BatchItem, None]:
        """See `Operations.stream_batch_results`; who leaves the loop early closes it by `contextlib.aclosing`."""
        from ..engine.collecting import Spooled

        with Spooled() as spooled:
            results = await self._perform(kinds.GET_BATCH_RESULTS, options, {"id": batch_id}, spooled)
            for item in spooled.items(self._pipeline.target, results):
                yield item

    get_response = _awaited(Operations.get_response)
    cancel_response = _awaited(Operations.cancel_response)
