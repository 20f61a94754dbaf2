"""Gemini's batches: prompts for one model at half the price, inside the request or in a file.

https://ai.google.dev/gemini-api/docs/batch-api and https://ai.google.dev/api/batch-api (2026-11-27)
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal, Self

import msgspec

from ...contract import DriverHooks
from ...data.http import Reply, Request
from ...data.json import as_dict, as_list, as_str, encode_json, excerpt, merge
from ...operations.files import ResultFile
from ...operations.requests import BatchRequest, FileUpload, ItemRequest, PageRequest
from ...operations.results import Batch, BatchCounts, BatchItem, BatchResults, Page
from ...operations.urls import quoted
from ...wires.generate_content import GenerateContent
from ...wires.generate_content.names import camel, with_camel_names
from ...wires.operations.base import parse_time
from ...wires.operations.batch_hooks import BatchHooks, labels_in_name, name_for_labels
from ..rpc_status import as_http, read_count, read_problem
from .files import GeminiFiles

__all__ = ["GeminiBatches"]

Status = Literal["pending", "running", "completed", "failed", "cancelling", "cancelled", "expired"]

_STATUSES: dict[str, Status] = {
    "UNSPECIFIED": "pending",
    "PENDING": "pending",
    "RUNNING": "running",
    "SUCCEEDED": "completed",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
}


class GeminiBatches(BatchHooks, kw_only=True, eq=False):
    """Creates batches, follows them and reads their results.

    - `inline_bytes`: up to which size the prompts are inside the request; larger ones go into a file.
    """

    max_bytes: int | None = 2_000_000_000
    inline_bytes: int = 19_000_000
    keeps_labels: bool = True
    files: GeminiFiles = msgspec.field(default_factory=GeminiFiles)

    def bind(self, driver: DriverHooks) -> Self:
        """See `Part.bind`."""
        bound = super().bind(driver)
        bound.files = self.files.bind(driver)
        return bound

    @property
    def wire(self) -> GenerateContent:
        """The wire of the prompts."""
        wire: GenerateContent = self.driver.wire
        return wire

    def batch_flow(self, request: BatchRequest) -> Generator[Request, Reply, Batch]:
        """Upload a file with the prompts, if they are too large for the request itself, and create the batch."""
        path = self.wire.model_path(self.one_model(request.prompts))
        entries = []
        for entry in request.prompts:
            entries.append((entry.custom_id, msgspec.Raw(encode_json(self.wire.render_prompt(entry.prompt)))))
            for warning in entry.prompt.warnings:
                request.warn(warning)
        lines = b"\n".join(encode_json({"key": key, "request": rendered}) for key, rendered in entries)
        if len(lines) > self.inline_bytes:
            upload = FileUpload(
                data=lines, name="batch.jsonl", media_type="application/jsonl", extra_headers=request.extra_headers
            )
            stored = self.files.parse_file_upload((yield self.files.build_file_upload(upload)), upload)
            source: dict[str, Any] = {"fileName": stored.id}
        else:
            inlined = [{"request": rendered, "metadata": {"key": key}} for key, rendered in entries]
            source = {"requests": {"requests": inlined}}
        options = {camel(name): value for name, value in request.options.items()}
        labels = dict(request.metadata or {})
        if labels and "displayName" in options:
            labels["name"] = options.pop("displayName")
        body = {"batch": {"displayName": name_for_labels(labels), **options, "inputConfig": source}}
        built = self.build_post(
            f"{path}:batchGenerateContent", merge(body, request.extra), headers=request.extra_headers
        )
        return self._read_batch(self.decode_success((yield built)))

    def build_batch_status(self, request: ItemRequest) -> Request:
        """The request for the state of a batch."""
        return self.build_item("GET", _path(request.id), request)

    def parse_batch_status(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of a batch."""
        return self._read_batch(self.decode(reply))

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of batches."""
        return self.build_item("GET", "batches", request, pageSize=request.limit, pageToken=request.after)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The batches on one page."""
        payload = with_camel_names(self.decode_success(reply))
        found = [item for item in as_list(payload.get("operations")) if isinstance(item, dict)]
        return Page(items=[self._read_batch(item) for item in found], next=as_str(payload.get("nextPageToken")))

    def batch_cancellation_flow(self, request: ItemRequest) -> Generator[Request, Reply, Batch]:
        """Stop a batch, whose reply is empty, and ask how it stands."""
        self.decode_success((yield self.build_item("POST", f"{_path(request.id)}:cancel", request)))
        asked = ItemRequest(id=request.id, extra_headers=request.extra_headers)
        batch = self.parse_batch_status((yield self.build_batch_status(asked)), asked)
        return batch if batch.done else msgspec.structs.replace(batch, status="cancelling")

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Ask for the batch, which holds the results or names the file that does."""
        batch = self.parse_batch_status((yield self.build_batch_status(request)), request)
        self.check_done(batch)
        output, model = _output(as_dict(batch.raw)), batch.model or ""
        if batch.output_id is not None and (name := as_str(output.get("responsesFile"))):
            yield self.result_file(
                self._build_download(name, request),
                lambda record: self._read_item(as_dict(with_camel_names(record)), "", model),
            )
            return BatchResults(id=batch.id or request.id, raw=batch.raw)
        inlined = output.get("inlinedResponses")
        records = as_list(as_dict(inlined).get("inlinedResponses") if isinstance(inlined, dict) else inlined)
        items = [self._read_item(as_dict(record), f"prompt-{number}", model) for number, record in enumerate(records)]
        return BatchResults(id=batch.id or request.id, items=items, raw=batch.raw)

    def _build_download(self, name: str, request: ItemRequest) -> Request:
        root, _, version = self.config.base_url.rpartition("/")
        path = f"files/{quoted(name.removeprefix('files/'))}"
        headers = {**self.driver.headers(), **{key.lower(): value for key, value in request.extra_headers.items()}}
        return Request(method="GET", url=f"{root}/download/{version}/{path}:download?alt=media", headers=headers)

    def _read_item(self, record: dict[str, Any], unnamed: str, model: str) -> BatchItem:
        key = as_str(record.get("key")) or as_str(as_dict(record.get("metadata")).get("key")) or unnamed
        failure = as_dict(record.get("error"))
        if failure:
            told, status = as_http(failure)
            refused = Reply(status=status, body=encode_json({"error": told}))
            return BatchItem(custom_id=key, error=self.driver.map_error(refused))
        return self.read_answer(key, Reply(status=200, body=encode_json(record.get("response") or {})), model)

    def _read_batch(self, payload: Any) -> Batch:
        item = as_dict(with_camel_names(payload))
        facts = as_dict(item.get("metadata")) or item
        name = as_str(item.get("name")) or as_str(facts.get("name"))
        if name is None:
            raise self.invalid_response("a batch has no name", excerpt(payload))
        word = as_str(facts.get("state"))
        stats, failure, output = as_dict(facts.get("batchStats")), as_dict(item.get("error")), _output(item)
        model = as_str(facts.get("model"))
        return Batch(
            id=name,
            model=model.removeprefix("models/") if model else None,
            status=_STATUSES.get((word or "").rpartition("STATE_")[2], "failed" if failure else "running"),
            raw_status=word,
            counts=BatchCounts(
                total=read_count(stats.get("requestCount")),
                completed=read_count(stats.get("successfulRequestCount")),
                failed=read_count(stats.get("failedRequestCount")),
            ),
            errors=[read_problem(failure)] if failure else [],
            created=parse_time(facts.get("createTime")),
            ended=parse_time(facts.get("endTime")),
            output_id=as_str(output.get("responsesFile")) or (name if output else None),
            metadata=labels_in_name(facts.get("displayName")),
            raw=payload,
        )


def _path(batch_id: str) -> str:
    return f"batches/{quoted(batch_id.removeprefix('batches/'))}"


def _output(payload: dict[str, Any]) -> dict[str, Any]:
    """The results in a batch: of the operation that is done, else of the batch itself."""
    item = as_dict(with_camel_names(payload))
    found = as_dict(item.get("response"))
    found = as_dict(found.get("output")) or found
    facts = as_dict(item.get("metadata")) or item
    return found if "inlinedResponses" in found or "responsesFile" in found else as_dict(facts.get("output"))
