"""Vertex AI's batches: prediction jobs for one model over files in the user's own Cloud Storage.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini with its
`/batch-prediction-from-cloud-storage`, `/partner-models/claude/batch`, `/docs/reference/rest/v1/projects.locations.
batchPredictionJobs`, and https://cloud.google.com/storage/docs/json_api/v1/objects (2026-11-28)
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

from ...data.http import Reply, Request
from ...data.json import as_dict, as_list, as_str, decode_json, encode_json, excerpt, merge
from ...errors import ConfigurationError
from ...operations.files import ResultFile
from ...operations.requests import BatchPrompt, BatchRequest, ItemRequest, OperationRequest, PageRequest
from ...operations.results import Batch, BatchCounts, BatchItem, BatchResults, Page
from ...wires.generate_content.models import bare_id
from ...wires.generate_content.names import with_camel_names
from ...wires.operations.base import parse_time
from ...wires.operations.batch_hooks import BatchHooks, render_body
from ..rpc_status import as_http, read_count, read_problem
from ..traits.communication import with_query

__all__ = ["PredictionJobs"]

Status = Literal["pending", "running", "completed", "failed", "cancelling", "cancelled", "expired"]

_STATUSES: dict[str, Status] = {
    **dict.fromkeys(("UNSPECIFIED", "QUEUED", "PENDING", "PAUSED"), "pending"),
    **dict.fromkeys(("RUNNING", "UPDATING"), "running"),
    **dict.fromkeys(("SUCCEEDED", "PARTIALLY_SUCCEEDED"), "completed"),
    "FAILED": "failed",
    "CANCELLING": "cancelling",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
}
_ID = "polydriver_id"
_CHUNK = 60
"""A label at Google has at most 63 characters, and no capital letters."""
_PAGE_SIZE = 100


class PredictionJobs(BatchHooks, kw_only=True, eq=False):
    """Creates jobs, follows them and reads their results, for Gemini and for Claude.

    The files are written to and read from the setting `batch_location` with the connection's token; no other client is
    needed. The id of a prompt for Gemini is a label of its request, since lines of results have none.
    """

    max_prompts: int | None = 200_000
    max_bytes: int | None = 1_000_000_000
    keeps_labels: bool = True

    def batch_flow(self, request: BatchRequest) -> Generator[Request, Reply, Batch]:
        """Put the prompts into a file in the bucket, and create the job over it."""
        model, place = self.one_model(request.prompts), f"{self._location()}/{request.name}"
        lines = b"".join(self._render_line(entry) for entry in request.prompts)
        for warning in (warning for entry in request.prompts for warning in entry.prompt.warnings):
            request.warn(warning)
        bucket, _, key = place.removeprefix("gs://").partition("/")
        yield self._upload(bucket, f"{key}/input.jsonl", lines, request)
        body = {
            "displayName": request.name,
            "model": self._publisher_model(model),
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [f"{place}/input.jsonl"]}},
            "outputConfig": {
                "predictionsFormat": "jsonl",
                "gcsDestination": {"outputUriPrefix": f"{place}/output"},
            },
        }
        if request.metadata:
            body["labels"] = dict(request.metadata)
        body = merge({**body, **request.options}, request.extra)
        reply = yield self.build_post(self._path(), body, headers=request.extra_headers)
        return self._read_job(self._decode(reply))

    def build_batch_status(self, request: ItemRequest) -> Request:
        """The request for the state of a job."""
        return self._ask("GET", self._path(request.id), request)

    def parse_batch_status(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of a job. Why one failed is its `error`."""
        return self._read_job(self._decode(reply))

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of jobs, the newest first."""
        size = min(request.limit or _PAGE_SIZE, _PAGE_SIZE)
        return self._ask("GET", self._path(), request, pageSize=size, pageToken=request.after)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The jobs on one page."""
        payload = with_camel_names(self.decode(reply))
        found = [item for item in as_list(payload.get("batchPredictionJobs")) if isinstance(item, dict)]
        return Page(items=[self._read_job(item) for item in found], next=as_str(payload.get("nextPageToken")) or None)

    def batch_cancellation_flow(self, request: ItemRequest) -> Generator[Request, Reply, Batch]:
        """Stop a job, whose reply is empty, and ask how it stands."""
        yield self._ask("POST", f"{self._path(request.id)}:cancel", request)
        return self.parse_batch_status((yield self.build_batch_status(request)), request)

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Ask how the job stands and which files it has written, and read them."""
        batch = self.parse_batch_status((yield self.build_batch_status(request)), request)
        self.check_done(batch)
        if batch.output_id is not None:
            bucket, _, folder = batch.output_id.removeprefix("gs://").partition("/")
            read = partial(self._read_item, model=batch.model or "")
            names = yield from self._list_files(bucket, f"{folder.rstrip('/')}/", request)
            for name in names:
                yield self.result_file(self._object(bucket, name, request), read)
        return BatchResults(id=batch.id or request.id, raw=batch.raw)

    def _render_line(self, entry: BatchPrompt) -> bytes:
        """One line of the file: Claude's lines have an id, Gemini's have it as a label."""
        body = render_body(self.driver.build_request(entry.prompt).body)
        if bare_id(entry.prompt.model).startswith("claude"):
            return encode_json({"custom_id": entry.custom_id, "request": body}) + b"\n"
        body["labels"] = {**as_dict(body.get("labels")), **_labels_of(entry.custom_id)}
        return encode_json({"request": body}) + b"\n"

    def _read_item(self, record: dict[str, Any], model: str) -> BatchItem:
        """One line of the results: the reply that the request would have had, or a status that says why not."""
        custom_id = as_str(record.get("custom_id")) or _id_in(as_dict(as_dict(record.get("request")).get("labels")))
        response, failure = as_dict(record.get("response")), record.get("status")
        if failure or not response:
            told, status = as_http(_failure(failure))
            return BatchItem(
                custom_id=custom_id,
                error=self.driver.map_error(Reply(status=status, body=encode_json({"error": told}))),
            )
        return self.read_answer(custom_id, Reply(status=200, body=encode_json(response)), model)

    def _read_job(self, item: dict[str, Any]) -> Batch:
        name, word = as_str(item.get("name")), as_str(item.get("state"))
        if name is None:
            raise self.invalid_response("a job has no name", excerpt(item))
        told, failure = as_dict(item.get("completionStats")), as_dict(item.get("error"))
        counts = [read_count(told.get(f"{key}Count")) for key in ("successful", "failed", "incomplete")]
        known = [count for count in counts if count is not None]
        model = as_str(item.get("model"))
        return Batch(
            id=name,
            model=bare_id(model) if model else None,
            status=_STATUSES.get((word or "").removeprefix("JOB_STATE_"), "running"),
            raw_status=word,
            counts=BatchCounts(total=sum(known) if known else None, completed=counts[0], failed=counts[1]),
            errors=[read_problem(failure)] if failure else [],
            created=parse_time(item.get("createTime")),
            ended=parse_time(item.get("endTime")),
            output_id=as_str(as_dict(item.get("outputInfo")).get("gcsOutputDirectory")) or None,
            metadata=as_dict(item.get("labels")),
            raw=item,
        )

    def _list_files(self, bucket: str, prefix: str, request: OperationRequest) -> Generator[Request, Reply, list[str]]:
        """The names of the files with results."""
        names: list[str] = []
        token: str | None = None
        while True:
            query = {"prefix": prefix, "pageToken": token}
            payload = self.decode((yield self._storage("GET", f"storage/v1/b/{_quoted(bucket)}/o", request, **query)))
            found = [as_str(as_dict(item).get("name")) or "" for item in as_list(payload.get("items"))]
            names += [name for name in found if name.endswith(".jsonl")]
            token = as_str(payload.get("nextPageToken"))
            if not token:
                return sorted(names)

    def _object(self, bucket: str, name: str, request: OperationRequest) -> Request:
        return self._storage("GET", f"storage/v1/b/{_quoted(bucket)}/o/{_quoted(name)}", request, alt="media")

    def _upload(self, bucket: str, name: str, lines: bytes, request: OperationRequest) -> Request:
        path = f"upload/storage/v1/b/{_quoted(bucket)}/o"
        made = self._storage("POST", path, request, uploadType="media", name=name)
        return Request(
            method="POST", url=made.url, headers={**made.headers, "content-type": "application/jsonl"}, body=lines
        )

    def _storage(self, method: str, path: str, request: OperationRequest, **query: str | None) -> Request:
        root = (self.config.setting("gcs_url") or "https://storage.googleapis.com").rstrip("/")
        return Request(method=method, url=with_query(f"{root}/{path}", query), headers=self._headers(request))

    def _ask(self, method: str, path: str, request: OperationRequest, **query: str | int | None) -> Request:
        body = b"" if method == "POST" else None
        return Request(method=method, url=self.driver.url(path, **query), headers=self._headers(request), body=body)

    def _headers(self, request: OperationRequest) -> dict[str, str]:
        given = {name.lower(): value for name, value in request.extra_headers.items()}
        return {**self.driver.headers(), **given}

    def _decode(self, reply: Reply) -> dict[str, Any]:
        payload: dict[str, Any] = with_camel_names(self.decode(reply))
        if "name" not in payload and payload.get("error"):
            raise self.map_payload(payload)
        return payload

    def _publisher_model(self, model: str) -> str:
        """The model's resource below its publisher, or that of a tuned one."""
        path: str = self.driver.model_path(model, "anthropic" if bare_id(model).startswith("claude") else "google")
        return path[path.index("publishers/") :] if "publishers/" in path else path

    def _path(self, job: str | None = None) -> str:
        """Where jobs are, or one of them, by its name or the last part of it."""
        project = self.driver.project()
        if project is None:
            raise ConfigurationError(
                f"{self.config.name}: batches are kept by project, and project is missing; give it, or set "
                "GOOGLE_CLOUD_PROJECT",
                provider=self.name,
            )
        if job is not None and job.startswith("projects/"):
            return quote(job, safe="/")
        home = f"projects/{quote(project, safe='')}/locations/{quote(self.config.setting('location'), safe='')}"
        return f"{home}/batchPredictionJobs" if job is None else f"{home}/batchPredictionJobs/{quote(job, safe='')}"

    def _location(self) -> str:
        """Where files are kept. Raises `ConfigurationError` when that is not said, or cannot be reached."""
        location = (self.config.setting("batch_location") or "").rstrip("/")
        if not location.startswith("gs://") or "/" not in location.removeprefix("gs://"):
            raise ConfigurationError(
                f"{self.config.name}: batches need batch_location, as gs://bucket/folder; give it, or set "
                "VERTEXAI_BATCH_LOCATION",
                provider=self.name,
                hint="Batches are files in a bucket of yours, which Vertex AI reads and writes.",
            )
        if self.driver.credentials is None and not self.config.setting("access_token"):
            raise ConfigurationError(
                f"{self.config.name}: batches need a token of Google Cloud, since their files are in Cloud Storage; an "
                "API key is not enough",
                provider=self.name,
            )
        return location


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _labels_of(custom_id: str) -> dict[str, str]:
    """An id as labels: Base32, whose letters labels may have, in as many as it takes."""
    written = base64.b32encode(custom_id.encode("utf-8", "surrogatepass")).decode().rstrip("=").lower()
    chunks = [written[start : start + _CHUNK] for start in range(0, len(written), _CHUNK)] or [""]
    return {f"{_ID}_{number}": chunk for number, chunk in enumerate(chunks)}


def _id_in(labels: dict[str, Any]) -> str:
    """The id that `_labels_of` has written; an empty one, if there is none."""
    chunks: list[str] = []
    while isinstance(chunk := labels.get(f"{_ID}_{len(chunks)}"), str):
        chunks.append(chunk)
    written = "".join(chunks).upper()
    try:
        return base64.b32decode(written + "=" * (-len(written) % 8)).decode("utf-8", "surrogatepass")
    except ValueError:
        return ""


def _failure(status: Any) -> dict[str, Any]:
    """Why a prompt has no answer: an error behind a few words, a status of gRPC, or a text."""
    if isinstance(status, dict):
        return status
    text = as_str(status) or "the result has neither a response nor a status"
    try:
        found = as_dict(decode_json(text[text.index("{") :].encode("utf-8", "replace")))
    except ValueError:
        return {"message": text}
    return as_dict(found.get("error")) or {"message": text}
