"""xAI's batches: a file in OpenAI's form, counters in place of a state, and results in pages.

https://docs.x.ai/developers/advanced-api-usage/batch-api, the messages of its SDK (`proto/v6/batch.proto` of
https://github.com/xai-org/xai-sdk-python), and what LiteLLM has seen of the REST API (2026-11-28)
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, ClassVar, Literal

import msgspec

from ..data.http import Reply, Request
from ..data.json import as_dict, as_int, as_list, as_str, encode_json, excerpt
from ..operations.files import ResultFile
from ..operations.requests import BatchRequest, ItemRequest, PageRequest
from ..operations.results import Batch, BatchCounts, BatchItem, BatchProblem, BatchResults, Page
from ..operations.urls import quoted
from ..wires.operations import Batches, Files
from ..wires.operations.base import parse_time
from ..wires.operations.batch_hooks import labels_in_name, name_for_labels
from .rpc_status import as_http

__all__ = ["XAIBatches"]

_PAGE_SIZE = 1000
_CANCELLED = 1  # of gRPC's codes


class XAIBatches(Batches, kw_only=True, eq=False):
    """Creates batches, follows them and reads their results. Labels are kept in the name of a batch.

    A file has at most 50,000 prompts and 200 MB, as OpenAI's.
    """

    creation_fields: ClassVar[Mapping[str, str | None]] = {}
    files: Files = msgspec.field(default_factory=lambda: Files(default_purpose="batch"))

    def render_creation(self, file_id: str | None, endpoint: str, request: BatchRequest) -> dict[str, Any]:
        """The body of the request that makes a batch of an uploaded file, whose lines say where they go."""
        return {"name": name_for_labels(request.metadata), "input_file_id": file_id}

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of batches."""
        return self.build_item("GET", self.path, request, limit=request.limit, pagination_token=request.after)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The batches on one page."""
        payload = self.decode_success(reply)
        found = [item for item in as_list(payload.get("batches")) if isinstance(item, dict)]
        return Page(items=[self.read_batch(item) for item in found], next=as_str(payload.get("pagination_token")))

    def build_batch_cancellation(self, request: ItemRequest) -> Request:
        """The request to stop a batch."""
        return self.build_item("POST", f"{self.path}/{quoted(request.id)}:cancel", request)

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Ask how the batch stands, then fetch the pages of its results."""
        batch = self.parse_batch_status((yield self.build_batch_status(request)), request)
        self.check_done(batch)
        items: list[BatchItem] = []
        path, token = f"{self.path}/{quoted(request.id)}/results", None
        while True:
            reply = yield self.build_item("GET", path, request, limit=_PAGE_SIZE, pagination_token=token)
            payload = self.decode_success(reply)
            found = as_list(payload.get("results"))
            items += [self.read_item(as_dict(record)) for record in found]
            token = as_str(payload.get("pagination_token")) or None
            if token is None or not found:
                break
        items.sort(key=lambda item: (len(item.custom_id), item.custom_id))
        return BatchResults(id=batch.id or request.id, items=items, raw=batch.raw)

    def read_item(self, record: dict[str, Any]) -> BatchItem:
        """One result: a reply under the name of its endpoint, or a status of gRPC."""
        custom_id, result = as_str(record.get("batch_request_id")) or "", as_dict(record.get("batch_result"))
        failure = as_dict(result.get("error")) or as_dict(record.get("error"))
        body = next((body for body in as_dict(result.get("response")).values() if isinstance(body, dict)), None)
        if body is not None:
            return super().read_item({"custom_id": custom_id, "response": {"body": body}})
        told, status = as_http(failure or {"message": "the result has neither a response nor an error"})
        shown = {"code": told.get("status"), "message": told.get("message")}
        mapped = self.driver.map_error(Reply(status=status, body=encode_json({"error": shown})))
        return BatchItem(custom_id=custom_id, error=mapped, unsent=failure.get("code") == _CANCELLED)

    def read_batch(self, item: dict[str, Any]) -> Batch:
        """A batch, whose state follows from its counters. xAI itself cancels one whose file is not valid."""
        batch_id = as_str(item.get("batch_id"))
        if batch_id is None:
            raise self.invalid_response("a batch has no id", excerpt(item))
        told = as_dict(item.get("state"))
        names = ("requests", "pending", "success", "error", "cancelled")
        counts = {name: as_int(told.get(f"num_{name}")) or 0 for name in names}
        problem = as_str(item.get("cancel_by_xai_message"))
        status = _status(item, counts, problem)
        return Batch(
            id=batch_id,
            status=status,
            raw_status=status,
            counts=BatchCounts(
                total=counts["requests"],
                completed=counts["success"],
                failed=counts["error"],
                cancelled=counts["cancelled"],
            ),
            errors=[BatchProblem(message=problem)] if problem else [],
            created=parse_time(item.get("create_time")),
            ended=parse_time(item.get("cancel_time")),
            expires=parse_time(item.get("expire_time")),
            output_id=batch_id if counts["success"] + counts["error"] else None,
            metadata=labels_in_name(item.get("name")),
            raw=item,
        )


def _status(
    item: dict[str, Any], counts: dict[str, int], problem: str | None
) -> Literal["pending", "running", "completed", "failed", "cancelling", "cancelled"]:
    if item.get("cancel_time"):
        if problem:
            return "failed"
        return "cancelling" if counts["pending"] else "cancelled"
    if not counts["requests"]:
        return "pending"
    return "running" if counts["pending"] else "completed"
