"""The table of operations beyond chat: what users call them, and which hooks of a driver they take."""

from __future__ import annotations

import msgspec

__all__ = ["OPERATIONS", "OperationKind", "offered"]


class OperationKind(msgspec.Struct, frozen=True):
    """One operation beyond chat: the method that users call, the driver's hooks, and what it is called in
    `Capabilities`.

    A driver has the operation when it has both `build` and `parse`, or `flow`: a generator hook in their place, for an
    operation that takes several exchanges.
    """

    method: str
    hook: str
    capability: str
    title: str

    @property
    def build(self) -> str:
        """The hook that makes the request: `build_...(request) -> Request`."""
        return f"build_{self.hook}"

    @property
    def parse(self) -> str:
        """The hook that reads the reply: `parse_...(reply, request) -> OperationResult`, or a `Page` of them."""
        return f"parse_{self.hook}"

    @property
    def flow(self) -> str:
        """The generator hook: `..._flow(request)` yields requests, is sent replies, and returns the result."""
        return f"{self.hook}_flow"

    def is_offered(self, driver: object) -> bool:
        """Whether the driver has the hooks."""
        has = [callable(getattr(driver, name, None)) for name in (self.build, self.parse, self.flow)]
        return (has[0] and has[1]) or has[2]


OPERATIONS: dict[str, OperationKind] = {
    kind.method: kind
    for kind in (
        OperationKind("embed", "embeddings", "embeddings", "embeddings"),
        OperationKind("moderate", "moderation", "moderation", "moderation"),
        OperationKind("generate_image", "image", "image_generation", "image generation"),
        OperationKind("edit_image", "image_edit", "image_editing", "image editing"),
        OperationKind("speak", "speech", "speech", "speech"),
        OperationKind("transcribe", "transcription", "transcription", "transcription"),
        OperationKind("translate", "translation", "translation", "translation of speech"),
        OperationKind("rerank", "rerank", "rerank", "reranking"),
        OperationKind("ocr", "ocr", "ocr", "reading documents (OCR)"),
        OperationKind("count_tokens", "token_count", "token_counting", "token counting"),
        OperationKind("upload_file", "file_upload", "files", "files"),
        OperationKind("list_files", "file_list", "files", "files"),
        OperationKind("get_file", "file", "files", "files"),
        OperationKind("delete_file", "file_deletion", "files", "files"),
        OperationKind("download_file", "file_download", "file_download", "downloading files"),
        OperationKind("create_batch", "batch", "batches", "batches"),
        OperationKind("get_batch", "batch_status", "batches", "batches"),
        OperationKind("list_batches", "batch_list", "batches", "batches"),
        OperationKind("cancel_batch", "batch_cancellation", "batches", "batches"),
        OperationKind("get_batch_results", "batch_results", "batches", "batches"),
        OperationKind("get_response", "stored_response", "stored_responses", "stored responses"),
        OperationKind("cancel_response", "response_cancellation", "stored_responses", "stored responses"),
    )
}
"""Every operation beyond chat, by its method's name."""


def offered(driver: object) -> frozenset[str]:
    """The capabilities that the driver's hooks add up to. One is there when all its operations are."""
    kinds = OPERATIONS.values()
    missing = {kind.capability for kind in kinds if not kind.is_offered(driver)}
    return frozenset(kind.capability for kind in kinds) - missing
