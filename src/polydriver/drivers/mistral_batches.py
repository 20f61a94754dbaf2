"""Mistral's batches: jobs for one model, over lines in OpenAI's form.

https://docs.mistral.ai/capabilities/batch and https://docs.mistral.ai/api/endpoint/batch (2026-11-27)
"""

from __future__ import annotations

from typing import Any

from ..data.http import Reply, Request
from ..data.json import as_int, as_list, encode_json
from ..operations.requests import BatchPrompt, BatchRequest, PageRequest
from ..operations.results import Batch, Page
from ..wires.operations import Batches
from ..wires.operations.batch_hooks import render_body

__all__ = ["MistralBatches"]

_PAGE_SIZE = 100


class MistralBatches(Batches, kw_only=True, eq=False):
    """Creates jobs, follows them and reads their results."""

    max_prompts: int | None = 1_000_000
    max_bytes: int | None = 512_000_000
    path: str = "batch/jobs"
    id_suffix: str = ""

    def render_creation(self, file_id: str | None, endpoint: str, request: BatchRequest) -> dict[str, Any]:
        """The body of the request that makes a job of an uploaded file. Raises `ConfigurationError` for prompts of
        several models."""
        return {"input_files": [file_id], "endpoint": endpoint, "model": self.one_model(request.prompts)}

    def render_line(self, entry: BatchPrompt, url: str, body: bytes) -> bytes:
        """One line of the file: the job says where its prompts go, and to which model."""
        return encode_json({"custom_id": entry.custom_id, "body": render_body(body)})

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of jobs; pages are numbered from 0, and all have one size."""
        return self.build_item("GET", self.path, request, page=int(request.after or 0), page_size=_PAGE_SIZE)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The jobs on one page. There is another one behind a page that is full."""
        payload = self.decode_success(reply)
        found = [item for item in as_list(payload.get("data")) if isinstance(item, dict)]
        following = str(int(request.after or 0) + 1) if len(found) >= _PAGE_SIZE else None
        return Page(items=[self.read_batch(item) for item in found], next=following)

    def read_counts(self, item: dict[str, Any]) -> dict[str, Any]:
        """See `Batches.read_counts`."""
        names = {"total": "total_requests", "completed": "succeeded_requests", "failed": "failed_requests"}
        return {ours: as_int(item.get(theirs)) for ours, theirs in names.items()}
