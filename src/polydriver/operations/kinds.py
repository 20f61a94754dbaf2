"""The record of each operation beyond chat: all that is said of it in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from ..data.prompt import Prompt
from ..data.responses import AIResponse
from . import inputs, requests, results

__all__ = ["OPERATIONS", "OperationKind"]

R = TypeVar("R", covariant=True)


class OperationKind(msgspec.Struct, Generic[R], frozen=True, kw_only=True, eq=False):
    """One operation beyond chat, whose result is an `R`.

    - `method`: what users call; `title`: what it is called in messages; `capability`: under which name
      `Capabilities` tells of it, which several operations may share.
    - `hook`: the hooks of a driver's part are `build_HOOK(request) -> Request` and `parse_HOOK(reply, request)`, or in
      their place the generator `HOOK_flow(request)` for several exchanges. Both put what a reply used into its `usage`,
      where it is told. A flow may yield a `ResultFile` in place of a request.
    - `request`: the record that the hooks take; `result`: what they return, on each page for a list.
    - `needs_model`: whether a call must name a model; `reads_text`: whether its request is text and little else, so
      that its size tells how many tokens are read; `readers`: how arguments are brought into the form of the
      request.
    - `is_stateless`: whether nothing of it is kept at the provider, before or after, so that any account can do it.
    """

    method: str
    hook: str
    capability: str
    title: str
    request: type[requests.OperationRequest] | type[Prompt]
    result: type[Any]
    needs_model: bool = False
    reads_text: bool = False
    readers: Mapping[str, Callable[[Any], Any]] = {}
    is_stateless: bool = False

    @property
    def build(self) -> str:
        """The name of the hook that makes the request."""
        return f"build_{self.hook}"

    @property
    def parse(self) -> str:
        """The name of the hook that reads the reply."""
        return f"parse_{self.hook}"

    @property
    def flow(self) -> str:
        """The name of the generator hook: it yields requests, is sent replies, and returns the result."""
        return f"{self.hook}_flow"

    def is_offered(self, part: object) -> bool:
        """Whether a part of a driver, or the driver itself, has the hooks."""
        has = [callable(getattr(part, name, None)) for name in (self.build, self.parse, self.flow)]
        return (has[0] and has[1]) or has[2]


EMBED = OperationKind[results.EmbeddingResponse](
    method="embed", hook="embeddings", capability="embeddings", title="embeddings",
    request=requests.EmbeddingRequest, result=results.EmbeddingResponse, needs_model=True, reads_text=True,
    readers={"input": inputs.read_embedding_input}, is_stateless=True,
)  # fmt: skip
MODERATE = OperationKind[results.ModerationResponse](
    method="moderate", hook="moderation", capability="moderation", title="moderation",
    request=requests.ModerationRequest, result=results.ModerationResponse, reads_text=True,
    readers={"input": inputs.read_moderation_input}, is_stateless=True,
)  # fmt: skip
GENERATE_IMAGE = OperationKind[results.ImageResponse](
    method="generate_image", hook="image", capability="image_generation", title="image generation",
    request=requests.ImageRequest, result=results.ImageResponse, needs_model=True, reads_text=True,
    is_stateless=True,
)  # fmt: skip
EDIT_IMAGE = OperationKind[results.ImageResponse](
    method="edit_image", hook="image_edit", capability="image_editing", title="image editing",
    request=requests.ImageEditRequest, result=results.ImageResponse, needs_model=True,
    readers={"images": inputs.read_images, "mask": inputs.read_image}, is_stateless=True,
)  # fmt: skip
SPEAK = OperationKind[results.SpeechResponse](
    method="speak", hook="speech", capability="speech", title="speech",
    request=requests.SpeechRequest, result=results.SpeechResponse, needs_model=True, reads_text=True,
    is_stateless=True,
)  # fmt: skip
TRANSCRIBE = OperationKind[results.Transcript](
    method="transcribe", hook="transcription", capability="transcription", title="transcription",
    request=requests.TranscriptionRequest, result=results.Transcript, needs_model=True,
    readers={"audio": inputs.read_audio, "timestamps": inputs.read_timestamps}, is_stateless=True,
)  # fmt: skip
TRANSLATE = OperationKind[results.Transcript](
    method="translate", hook="translation", capability="translation", title="translation of speech",
    request=requests.TranscriptionRequest, result=results.Transcript, needs_model=True,
    readers={"audio": inputs.read_audio, "timestamps": inputs.read_timestamps}, is_stateless=True,
)  # fmt: skip
RERANK = OperationKind[results.RerankResponse](
    method="rerank", hook="rerank", capability="rerank", title="reranking",
    request=requests.RerankRequest, result=results.RerankResponse, needs_model=True, reads_text=True,
    readers={"documents": inputs.read_documents}, is_stateless=True,
)  # fmt: skip
OCR = OperationKind[results.OCRResponse](
    method="ocr", hook="ocr", capability="ocr", title="reading documents (OCR)",
    request=requests.OCRRequest, result=results.OCRResponse, needs_model=True,
    readers={"document": inputs.read_document}, is_stateless=True,
)  # fmt: skip
COUNT_TOKENS = OperationKind[results.TokenCount](
    method="count_tokens", hook="token_count", capability="token_counting", title="token counting",
    request=Prompt, result=results.TokenCount, is_stateless=True,
)  # fmt: skip
UPLOAD_FILE = OperationKind[results.StoredFile](
    method="upload_file", hook="file_upload", capability="files", title="files",
    request=requests.FileUpload, result=results.StoredFile,
)  # fmt: skip
LIST_FILES = OperationKind[list[results.StoredFile]](
    method="list_files", hook="file_list", capability="files", title="files",
    request=requests.PageRequest, result=results.StoredFile,
)  # fmt: skip
GET_FILE = OperationKind[results.StoredFile](
    method="get_file", hook="file", capability="files", title="files",
    request=requests.ItemRequest, result=results.StoredFile,
)  # fmt: skip
DELETE_FILE = OperationKind[results.DeletedFile](
    method="delete_file", hook="file_deletion", capability="files", title="files",
    request=requests.ItemRequest, result=results.DeletedFile,
)  # fmt: skip
DOWNLOAD_FILE = OperationKind[results.FileContent](
    method="download_file", hook="file_download", capability="file_download", title="downloading files",
    request=requests.ItemRequest, result=results.FileContent,
)  # fmt: skip
CREATE_BATCH = OperationKind[results.Batch](
    method="create_batch", hook="batch", capability="batches", title="batches",
    request=requests.BatchRequest, result=results.Batch,
)  # fmt: skip
GET_BATCH = OperationKind[results.Batch](
    method="get_batch", hook="batch_status", capability="batches", title="batches",
    request=requests.ItemRequest, result=results.Batch,
)  # fmt: skip
LIST_BATCHES = OperationKind[list[results.Batch]](
    method="list_batches", hook="batch_list", capability="batches", title="batches",
    request=requests.PageRequest, result=results.Batch,
)  # fmt: skip
CANCEL_BATCH = OperationKind[results.Batch](
    method="cancel_batch", hook="batch_cancellation", capability="batches", title="batches",
    request=requests.ItemRequest, result=results.Batch,
)  # fmt: skip
GET_BATCH_RESULTS = OperationKind[results.BatchResults](
    method="get_batch_results", hook="batch_results", capability="batches", title="batches",
    request=requests.ItemRequest, result=results.BatchResults,
)  # fmt: skip
GET_RESPONSE = OperationKind[AIResponse](
    method="get_response", hook="stored_response", capability="stored_responses", title="stored responses",
    request=requests.ItemRequest, result=AIResponse,
)  # fmt: skip
CANCEL_RESPONSE = OperationKind[AIResponse](
    method="cancel_response", hook="response_cancellation", capability="stored_responses", title="stored responses",
    request=requests.ItemRequest, result=AIResponse,
)  # fmt: skip

OPERATIONS: dict[str, OperationKind[Any]] = {
    kind.method: kind for kind in list(globals().values()) if isinstance(kind, OperationKind)
}
"""Every operation beyond chat, by its method's name."""
