"""Together's batches, in OpenAI's form with jobs for batches.

https://docs.together.ai/docs/inference/batch/overview, https://docs.together.ai/reference/batch-create and
`/upload-file`, and the types of its SDK (https://github.com/togethercomputer/together-py) (2026-11-28)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from ..data.http import Reply, Request
from ..data.json import as_dict, encode_json
from ..data.multipart import FormFile
from ..operations.requests import BatchPrompt, FileUpload, ItemRequest, PageRequest
from ..operations.results import Batch, Page
from ..wires.operations import Batches, Files

__all__ = ["TogetherBatches"]


class TogetherFiles(Files, kw_only=True, eq=False):
    """Files of batches, which are uploaded to an address of its own, with their name as a field."""

    def build_file_upload(self, request: FileUpload) -> Request:
        """The request for an upload."""
        body: dict[str, Any] = {"purpose": "batch-api", "file_name": request.name, "file_type": "jsonl"}
        body["file"] = FormFile(request.data, request.name, request.media_type or "application/jsonl")
        return self.build_form(f"{self.path}/upload", body, request)


class TogetherBatches(Batches, kw_only=True, eq=False):
    """Creates jobs, follows them and reads their results."""

    creation_fields: ClassVar[Mapping[str, str | None]] = {"metadata": None}
    max_bytes: int | None = 100_000_000
    max_id: int | None = 64
    keeps_labels: bool = False
    files: Files = msgspec.field(default_factory=TogetherFiles)

    def render_line(self, entry: BatchPrompt, url: str, body: bytes) -> bytes:
        """One line of the file: the job says where its prompts go."""
        return encode_json({"custom_id": entry.custom_id, "body": msgspec.Raw(body)})

    def parse_creation(self, reply: Reply) -> Batch:
        """The job that was made."""
        return self._read_job(reply)

    def parse_batch_status(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of a job."""
        return self._read_job(reply)

    def parse_batch_cancellation(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of the job, now that it is being stopped."""
        return self._read_job(reply)

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for all jobs, which come on one page."""
        return self.build_item("GET", self.path, request)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """All jobs."""
        found = self.decode_any(reply)
        if not isinstance(found, list):
            raise self.invalid_response("it has no list", reply.body)
        return Page(items=[self.read_batch(item) for item in found if isinstance(item, dict)], next=None)

    def read_batch(self, item: dict[str, Any]) -> Batch:
        """A job."""
        return super().read_batch({**item, "model": item.get("model_id"), "expires_at": item.get("job_deadline")})

    def _read_job(self, reply: Reply) -> Batch:
        """The job in a reply, inside another object where it was just made; why it failed is its `error`."""
        payload = self.decode(reply)
        job = as_dict(payload.get("job")) or payload
        if "id" not in job and job.get("error"):
            raise self.map_payload(job)
        return self.read_batch(job)
