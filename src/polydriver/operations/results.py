"""What operations beyond chat give back. All results are `OperationResult`s."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec

from ..data.attempts import AttemptReport
from ..data.cost import Cost
from ..data.messages import Audio, Image
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..data.vectors import Vector

if TYPE_CHECKING:
    from ..errors import AIError

__all__ = [
    "Batch",
    "BatchCounts",
    "BatchItem",
    "BatchProblem",
    "BatchResults",
    "DeletedFile",
    "EmbeddingResponse",
    "FileContent",
    "ImageResponse",
    "ModerationResponse",
    "ModerationResult",
    "OCRPage",
    "OCRResponse",
    "OperationResult",
    "Page",
    "RerankResponse",
    "RerankResult",
    "SpeechResponse",
    "StoredFile",
    "TokenCount",
    "Transcript",
    "TranscriptSegment",
    "TranscriptWord",
]

T = TypeVar("T")


class OperationResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What all results have. `None` means that it is unknown.

    - `usage`, and `cost` in money; `units` counts what is billed by something else than tokens, under the names that
      `calculate_cost` takes in `extra`: characters, audio_seconds, pages, output_image_tokens, ...
    - `model`: as answered; `requested_model`: as asked; `provider`: its connection's name; `id`: the provider's id of
      the result.
    - `request_id`: the provider's id of the request; `response_time`: seconds from the start of the call to its end.
    - `warnings`: what could not be done as asked; `raw`: the decoded reply, where it is JSON.
    - `attempts`: the attempts of the call, in their order.
    """

    usage: TokenUsage | None = None
    cost: Cost | None = None
    units: dict[str, int | Decimal] = {}
    model: str | None = None
    requested_model: str | None = None
    provider: str | None = None
    id: str | None = None
    request_id: str | None = None
    response_time: float | None = None
    warnings: list[str] = []
    raw: Any = None
    attempts: list[AttemptReport] = []


class EmbeddingResponse(OperationResult, kw_only=True, omit_defaults=True):
    """Vectors, one for each input, in the order of the inputs.

    They may have come by several requests, where one does not take as many inputs: `raw` is then the list of the
    replies. Lists of numbers become `Vector`s; msgspec writes them with `enc_hook=list`. Raises `TypeError` for what is
    not a number.
    """

    if TYPE_CHECKING:
        embeddings: list[Vector] = []
    else:  # as it is read from JSON
        embeddings: list[list[float]] = []

    def __post_init__(self) -> None:
        self.embeddings = [found if isinstance(found, Vector) else Vector(found) for found in self.embeddings]

    @property
    def embedding(self) -> Vector:
        """The only, or the first, vector. Raises `IndexError` when there is none."""
        return self.embeddings[0]


class ModerationResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The judgement of one item: whether it is `flagged`, under which `categories`, with which `scores` (0 to 1)."""

    flagged: bool = False
    categories: dict[str, bool] = {}
    scores: dict[str, float] = {}

    @property
    def flagged_categories(self) -> list[str]:
        """The names of the categories that apply."""
        return [name for name, applies in self.categories.items() if applies]


class ModerationResponse(OperationResult, kw_only=True, omit_defaults=True):
    """Judgements, one for each item, in the order of the items."""

    results: list[ModerationResult] = []

    @property
    def flagged(self) -> bool:
        """Whether any item is flagged."""
        return any(result.flagged for result in self.results)


class ImageResponse(OperationResult, kw_only=True, omit_defaults=True):
    """Pictures. `revised_prompt` is the prompt as the provider rewrote it for the first of them."""

    images: list[Image] = []
    revised_prompt: str | None = None


class SpeechResponse(OperationResult, kw_only=True):
    """Spoken text."""

    audio: Audio


class TranscriptSegment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A stretch of a transcript, from `start` to `end` in seconds; `speaker` where speakers are told apart."""

    text: str = ""
    start: float | None = None
    end: float | None = None
    id: str | None = None
    speaker: str | None = None


class TranscriptWord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A word, from `start` to `end` in seconds."""

    word: str
    start: float | None = None
    end: float | None = None


class Transcript(OperationResult, kw_only=True, omit_defaults=True):
    """What was said.

    `text` is the plain text, or the subtitles when srt or vtt was asked for; `duration` is in seconds.
    """

    text: str = ""
    segments: list[TranscriptSegment] = []
    words: list[TranscriptWord] = []
    language: str | None = None
    duration: float | None = None


class RerankResult(msgspec.Struct, kw_only=True):
    """A document's place among the inputs (`index`, from 0), its relevance, and the document itself."""

    index: int
    score: float
    document: str


class RerankResponse(OperationResult, kw_only=True, omit_defaults=True):
    """Documents, the most relevant first."""

    results: list[RerankResult] = []


class OCRPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page (`index` from 0) as Markdown, with the pictures in it where they were asked for, by name."""

    index: int
    markdown: str = ""
    images: list[Image] = []


class OCRResponse(OperationResult, kw_only=True, omit_defaults=True):
    """A document that was read, page by page."""

    pages: list[OCRPage] = []

    @property
    def text(self) -> str:
        """All pages as Markdown, with a blank line between them."""
        return "\n\n".join(page.markdown for page in self.pages)


class TokenCount(OperationResult, kw_only=True):
    """How many tokens a prompt has, by the provider's own count."""

    input_tokens: int
    cached_input_tokens: int | None = None


class StoredFile(OperationResult, kw_only=True, omit_defaults=True):
    """A file that the provider keeps.

    `size` is in bytes; `status` and `purpose` are the provider's words; `url` refers to it in prompts.
    """

    name: str | None = None
    size: int | None = None
    media_type: str | None = None
    purpose: str | None = None
    status: str | None = None
    url: str | None = None
    created: datetime | None = None
    expires: datetime | None = None


class DeletedFile(OperationResult, kw_only=True, omit_defaults=True):
    """The outcome of a deletion; truthy when the file is gone."""

    deleted: bool = True

    def __bool__(self) -> bool:
        return self.deleted


class FileContent(OperationResult, kw_only=True, omit_defaults=True):
    """The bytes of a file that the provider kept."""

    data: bytes = b""
    media_type: str | None = None


class BatchCounts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How many prompts a batch has, and how many of them are done, failed, cancelled or expired."""

    total: int | None = None
    completed: int | None = None
    failed: int | None = None
    cancelled: int | None = None
    expired: int | None = None


class BatchProblem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Why a batch failed: the provider's words, its code, and the field and the line (from 1) of the input that are at
    fault, where it says so."""

    message: str
    code: str | None = None
    param: str | None = None
    line: int | None = None


class Batch(OperationResult, kw_only=True, omit_defaults=True):
    """Prompts that the provider answers later.

    `status` is pending, running, completed, failed, cancelling, cancelled or expired; `raw_status` is the provider's
    own word. `output_id` and `error_id` are the files (or the URL) that hold the results, where the provider keeps them
    so. `errors` says why a batch failed as a whole; prompts that failed have their errors in the results.
    """

    status: Literal["pending", "running", "completed", "failed", "cancelling", "cancelled", "expired"] = "pending"
    raw_status: str | None = None
    counts: BatchCounts = msgspec.field(default_factory=BatchCounts)
    errors: list[BatchProblem] = []
    created: datetime | None = None
    ended: datetime | None = None
    expires: datetime | None = None
    output_id: str | None = None
    error_id: str | None = None
    metadata: dict[str, Any] = {}

    @property
    def done(self) -> bool:
        """Whether nothing more will change."""
        return self.status in ("completed", "failed", "cancelled", "expired")


class BatchItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The outcome of one prompt of a batch: its response, or the error in its place.

    `unsent`: whether the batch expired or was cancelled before it, so that it costs nothing and can be sent again.
    """

    custom_id: str
    response: AIResponse | None = None
    error: AIError | None = None
    unsent: bool = False


class BatchResults(OperationResult, kw_only=True, omit_defaults=True):
    """What became of the prompts of a batch, by their ids' order."""

    items: list[BatchItem] = []

    def __getitem__(self, custom_id: str) -> BatchItem:
        """The outcome of one prompt. Raises `KeyError` for an id that is not among the results."""
        for item in self.items:
            if item.custom_id == custom_id:
                return item
        raise KeyError(custom_id)


class Page(msgspec.Struct, Generic[T], kw_only=True):
    """One page of a list, and the cursor of the next; `None` at the last."""

    items: list[T] = []
    next: str | None = None
