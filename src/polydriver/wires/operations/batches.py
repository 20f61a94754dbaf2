"""Prompts that are answered later, in OpenAI's form: requests as lines of an uploaded file, and replies likewise.

https://platform.openai.com/docs/guides/batch
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, ClassVar, Literal, Self

import msgspec

from ...contract import DriverHooks
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_str, encode_json
from ...data.prompt import Prompt
from ...errors import AIError, ConfigurationError
from ...operations.files import ResultFile
from ...operations.requests import BatchPrompt, BatchRequest, FileUpload, ItemRequest, PageRequest
from ...operations.results import Batch, BatchCounts, BatchItem, BatchProblem, BatchResults, Page
from ...operations.urls import quoted
from .base import read_moment
from .batch_hooks import BatchHooks
from .files import Files

__all__ = ["Batches"]

Status = Literal["pending", "running", "completed", "failed", "cancelling", "cancelled", "expired"]

_STATUSES: dict[str, Status] = {
    "validating": "pending",
    "queued": "pending",
    "in_progress": "running",
    "running": "running",
    "finalizing": "running",
    "completed": "completed",
    "success": "completed",
    "failed": "failed",
    "timeout_exceeded": "expired",
    "cancellation_requested": "cancelling",
    "cancelling": "cancelling",
    "cancelled": "cancelled",
    "expired": "expired",
}


_UNSENT = ("batch_expired", "batch_cancelled")
"""The codes of prompts that a batch never came to."""


class Batches(BatchHooks, kw_only=True, eq=False):
    """Creates batches, follows them and reads their results.

    - `path`: where they are; `endpoint_root`: what the paths of requests begin with in a batch's file.
    - `id_suffix`: what the names of the fields with the ids of files end with, behind `output_file` and `error_file`.
    - `completion_window`: within which time they are answered; `files`: where the files of batches are kept.
    """

    creation_fields: ClassVar[Mapping[str, str | None]] = {"metadata": "metadata"}
    """Our fields of a request for a batch, and the names that `render_creation` leaves to them: see `put_fields`."""

    max_prompts: int | None = 50_000
    max_bytes: int | None = 200_000_000
    keeps_labels: bool = True
    path: str = "batches"
    endpoint_root: str = "/v1"
    completion_window: str = "24h"
    id_suffix: str = "_id"
    files: Files = msgspec.field(default_factory=Files)

    def bind(self, driver: DriverHooks) -> Self:
        """See `Part.bind`."""
        bound = super().bind(driver)
        bound.files = self.files.bind(driver)
        return bound

    def batch_flow(self, request: BatchRequest) -> Generator[Request, Reply, Batch]:
        """Upload the file with the requests, then create the batch."""
        lines, endpoint = self.render_batch(request.prompts)
        upload = FileUpload(
            data=lines,
            name="batch.jsonl",
            media_type="application/jsonl",
            purpose="batch",
            extra_headers=request.extra_headers,
        )
        for warning in (warning for entry in request.prompts for warning in entry.prompt.warnings):
            request.warn(warning)
        stored = self.files.parse_file_upload((yield self.files.build_file_upload(upload)), upload)
        body = self.put_fields(self.render_creation(stored.id, endpoint, request), request, self.creation_fields)
        return self.parse_creation((yield self.build_post(self.path, body, headers=request.extra_headers)))

    def parse_creation(self, reply: Reply) -> Batch:
        """The batch that was made."""
        return self.read_batch(self.decode_success(reply))

    def render_creation(self, file_id: str | None, endpoint: str, request: BatchRequest) -> dict[str, Any]:
        """The body of the request that makes a batch of an uploaded file."""
        return {"input_file_id": file_id, "endpoint": endpoint, "completion_window": self.completion_window}

    def render_batch(self, prompts: list[BatchPrompt]) -> tuple[bytes, str]:
        """The lines of the file, and the one endpoint that all of its requests go to."""
        lines, endpoints = [], set()
        for entry in prompts:
            built = self.driver.build_request(entry.prompt)
            endpoint = self.endpoint_of(built)
            endpoints.add(endpoint)
            lines.append(self.render_line(entry, endpoint, built.body or b"{}"))
        if len(endpoints) != 1:
            raise ConfigurationError(f"a batch has one endpoint, not {len(endpoints)}: use models of one kind only")
        return b"\n".join(lines) + b"\n", endpoints.pop()

    def endpoint_of(self, request: Request) -> str:
        """The endpoint of a prompt's request, as batches name it."""
        path = request.url.removeprefix(self.config.base_url).split("?", 1)[0]
        return f"{self.endpoint_root}{path}"

    def render_line(self, entry: BatchPrompt, url: str, body: bytes) -> bytes:
        """One line of the file."""
        return encode_json({"custom_id": entry.custom_id, "method": "POST", "url": url, "body": msgspec.Raw(body)})

    def build_batch_status(self, request: ItemRequest) -> Request:
        """The request for the state of a batch."""
        return self.build_item("GET", f"{self.path}/{quoted(request.id)}", request)

    def parse_batch_status(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of a batch."""
        return self.read_batch(self.decode_success(reply))

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of batches."""
        return self.build_item(
            "GET", self.path, request, after=request.after, limit=request.limit and min(request.limit, 100)
        )

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The batches on one page."""
        items, following = self.read_page(reply)
        return Page(items=[self.read_batch(item) for item in items], next=following)

    def build_batch_cancellation(self, request: ItemRequest) -> Request:
        """The request to stop a batch."""
        return self.build_item("POST", f"{self.path}/{quoted(request.id)}/cancel", request)

    def parse_batch_cancellation(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of the batch, now that it is being stopped."""
        return self.read_batch(self.decode_success(reply))

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Ask where the results are, then fetch the answers and the errors."""
        batch = self.parse_batch_status((yield self.build_batch_status(request)), request)
        self.check_done(batch)
        for file_id in (batch.output_id, batch.error_id):
            if file_id is not None:
                wanted = ItemRequest(id=file_id, extra_headers=request.extra_headers)
                yield self.result_file(self.files.build_file_download(wanted), self.read_item)
        return BatchResults(id=request.id, raw=batch.raw)

    def read_item(self, record: dict[str, Any]) -> BatchItem:
        """One line of a file of results: the reply that the request would have had, or an error."""
        custom_id = as_str(record.get("custom_id")) or ""
        answered = as_dict(record.get("response"))
        if not answered:
            failure = as_dict(record.get("error"))
            mapped = self.map_payload({"error": failure})
            return BatchItem(custom_id=custom_id, error=mapped, unsent=failure.get("code") in _UNSENT)
        body = as_dict(answered.get("body"))
        reply = Reply(
            status=as_int(answered.get("status_code")) or 200,
            headers={"x-request-id": as_str(answered.get("request_id")) or ""},
            body=encode_json(body),
        )
        if not reply.ok:
            return BatchItem(custom_id=custom_id, error=self.driver.map_error(reply))
        try:
            response = self.driver.parse_response(reply, self.prompt_of(body))
        except AIError as error:
            return BatchItem(custom_id=custom_id, error=error)
        response.request_id = reply.request_id
        return BatchItem(custom_id=custom_id, response=response)

    def prompt_of(self, body: dict[str, Any]) -> Prompt:
        """What is known of the prompt that an answer in a batch belongs to, for `parse_response`."""
        prompt = Prompt(messages=[], model=as_str(body.get("model")) or "")
        if "api" in self.driver.wire.option_names:  # it may have come on either of OpenAI's wires
            prompt.options = {"api": "responses" if body.get("object") == "response" else "chat"}
        return prompt

    def read_counts(self, item: dict[str, Any]) -> dict[str, Any]:
        """How many prompts a batch has, and what became of them, by our names."""
        return as_dict(item.get("request_counts"))

    def read_batch(self, item: dict[str, Any]) -> Batch:
        """A batch as the service describes it."""
        batch_id, status = as_str(item.get("id")), as_str(item.get("status"))
        if batch_id is None:
            raise self.invalid_response("a batch has no id", repr(item)[:500].encode())
        counts = self.read_counts(item)
        ends = (item.get(f"{word}_at") for word in ("completed", "failed", "cancelled", "expired"))
        return Batch(
            id=batch_id,
            model=as_str(item.get("model")),
            status=_STATUSES.get((status or "").lower(), "running"),
            raw_status=status,
            counts=BatchCounts(**{name: as_int(counts.get(name)) for name in ("total", "completed", "failed")}),
            created=read_moment(item.get("created_at")),
            ended=next((moment for end in ends if (moment := read_moment(end)) is not None), None),
            expires=read_moment(item.get("expires_at")),
            errors=_read_problems(item),
            output_id=as_str(item.get(f"output_file{self.id_suffix}")),
            error_id=as_str(item.get(f"error_file{self.id_suffix}")),
            metadata=as_dict(item.get("metadata")),
            raw=item,
        )


def _read_problems(item: dict[str, Any]) -> list[BatchProblem]:
    """Why a batch failed: OpenAI's list in an object, a bare list (Mistral), one object, or a text."""
    found = item.get("errors") or item.get("error")
    if isinstance(found, dict) and "data" in found:
        found = found["data"]
    problems = []
    for raw in found if isinstance(found, list) else [found]:
        problem = as_dict(raw)
        code = problem.get("code")
        if message := as_str(raw) or as_str(problem.get("message")) or as_str(code):
            problems.append(
                BatchProblem(
                    message=message,
                    code=str(code) if isinstance(code, int) and not isinstance(code, bool) else as_str(code),
                    param=as_str(problem.get("param")),
                    line=as_int(problem.get("line")),
                )
            )
    return problems
