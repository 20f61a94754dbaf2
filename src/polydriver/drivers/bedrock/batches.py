"""Bedrock's batches: invocation jobs over files in the user's own S3 bucket, for one model.

https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html with its `/batch-inference-data` and
`/batch-inference-results`, `/APIReference/API_CreateModelInvocationJob`, botocore's model of the service, and
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (2026-11-28)
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str, encode_json, excerpt, merge
from ...errors import ConfigurationError
from ...operations.files import ResultFile
from ...operations.requests import RUN_LABEL, BatchPrompt, BatchRequest, ItemRequest, PageRequest
from ...operations.results import Batch, BatchCounts, BatchItem, BatchProblem, BatchResults, Page
from ...wires.operations.base import read_moment
from ...wires.operations.batch_hooks import BatchHooks, render_body
from .signing import HASH_HEADER

__all__ = ["InvocationJobs"]

Status = Literal["pending", "running", "completed", "failed", "cancelling", "cancelled", "expired"]

_STATUSES: dict[str, Status] = {
    **dict.fromkeys(("Submitted", "Validating", "Scheduled"), "pending"),
    "InProgress": "running",
    **dict.fromkeys(("Completed", "PartiallyCompleted"), "completed"),
    "Failed": "failed",
    "Stopping": "cancelling",
    "Stopped": "cancelled",
    "Expired": "expired",
}
_INPUT = "input.jsonl"
_PAGE_SIZE = 1000


class InvocationJobs(BatchHooks, kw_only=True, eq=False):
    """Creates jobs, follows them and reads their results.

    The files are written and read with the connection's keys of AWS, by signed requests; no other client is needed. The
    settings `batch_location` and `batch_role` say where they are, and as whom Bedrock reads and writes them.
    """

    max_prompts: int | None = 50_000
    max_bytes: int | None = 1_000_000_000
    keeps_labels: bool = True

    def batch_flow(self, request: BatchRequest) -> Generator[Request, Reply, Batch]:
        """Put the prompts into a file in the bucket, and create the job over it."""
        model, role, location = self.one_model(request.prompts), self._setting("batch_role"), self._location()
        lines, kind = self._render_lines(request.prompts)
        for warning in (warning for entry in request.prompts for warning in entry.prompt.warnings):
            request.warn(warning)
        place = f"{location}/{request.name}"
        yield self._s3("PUT", f"{place}/{_INPUT}", lines)
        labels = dict(request.metadata or {})
        name = f"polydriver-{labels.pop(RUN_LABEL)}" if RUN_LABEL in labels else request.name
        body: dict[str, Any] = {
            "jobName": name,
            "clientRequestToken": name,
            "roleArn": role,
            "modelId": model,
            "modelInvocationType": kind,
            "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": f"{place}/{_INPUT}"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"{place}/output/"}},
        }
        if labels:
            body["tags"] = [{"key": key, "value": value} for key, value in labels.items()]
        options = dict(request.options)
        if (hours := options.pop("timeout_hours", None)) is not None:
            body["timeoutDurationInHours"] = hours
        body = merge({**body, **options}, request.extra)
        reply = yield self.build_post("model-invocation-job", body, headers=request.extra_headers)
        made = self.decode(reply)
        return self._read_job({**body, **made, "status": "Submitted"})

    def build_batch_status(self, request: ItemRequest) -> Request:
        """The request for the state of a job."""
        return self._control("GET", _path(request.id), request)

    def parse_batch_status(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of a job."""
        return self._read_job(self.decode(reply))

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of jobs, the newest first."""
        size = min(request.limit or _PAGE_SIZE, _PAGE_SIZE)
        order = {"sortBy": "CreationTime", "sortOrder": "Descending"}
        return self._control("GET", "model-invocation-jobs", request, maxResults=size, nextToken=request.after, **order)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The jobs on one page."""
        payload = self.decode(reply)
        found = [item for item in as_list(payload.get("invocationJobSummaries")) if isinstance(item, dict)]
        return Page(items=[self._read_job(item) for item in found], next=as_str(payload.get("nextToken")))

    def batch_cancellation_flow(self, request: ItemRequest) -> Generator[Request, Reply, Batch]:
        """Stop a job, whose reply is empty, and ask how it stands."""
        yield self._control("POST", f"{_path(request.id)}/stop", request)
        return self.parse_batch_status((yield self.build_batch_status(request)), request)

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Ask how the job stands, and read the file of its results."""
        batch = self.parse_batch_status((yield self.build_batch_status(request)), request)
        self.check_done(batch)
        if batch.output_id is not None:
            read = partial(self._read_item, model=batch.model or "")
            yield self.result_file(self._s3("GET", batch.output_id), read)
        return BatchResults(id=batch.id or request.id, raw=batch.raw)

    def _render_lines(self, prompts: list[BatchPrompt]) -> tuple[bytes, str]:
        """The lines of the file, and which API they are for."""
        lines, kinds = [], set()
        for entry in prompts:
            built = self.driver.build_request(entry.prompt)
            kinds.add("Converse" if built.url.partition("?")[0].endswith("/converse") else "InvokeModel")
            lines.append(encode_json({"recordId": entry.custom_id, "modelInput": render_body(built.body)}) + b"\n")
        if len(kinds) != 1:
            raise ConfigurationError("a batch has one API: use prompts of one kind only", provider=self.name)
        return b"".join(lines), kinds.pop()

    def _read_item(self, record: dict[str, Any], model: str) -> BatchItem:
        """One line of the results: the reply that the request would have had, or an error."""
        custom_id, failure = as_str(record.get("recordId")) or "", as_dict(record.get("error"))
        if failure:
            status = as_int(failure.get("errorCode")) or 500
            told = encode_json({"message": failure.get("errorMessage") or "the prompt failed"})
            return BatchItem(custom_id=custom_id, error=self.driver.map_error(Reply(status=status, body=told)))
        reply = Reply(status=200, body=encode_json(as_dict(record.get("modelOutput"))))
        return self.read_answer(custom_id, reply, model)

    def _read_job(self, item: dict[str, Any]) -> Batch:
        arn, word = as_str(item.get("jobArn")), as_str(item.get("status"))
        if arn is None:
            raise self.invalid_response("a job has no ARN", excerpt(item))
        name, message = as_str(item.get("jobName")) or "", as_str(item.get("message"))
        status = _STATUSES.get(word or "", "running")
        return Batch(
            id=arn,
            model=as_str(item.get("modelId")),
            status=status,
            raw_status=word,
            counts=BatchCounts(
                total=as_int(item.get("totalRecordCount")),
                completed=as_int(item.get("successRecordCount")),
                failed=as_int(item.get("errorRecordCount")),
            ),
            errors=[BatchProblem(message=message)] if message and status in ("failed", "expired") else [],
            created=read_moment(item.get("submitTime")),
            ended=read_moment(item.get("endTime")),
            expires=read_moment(item.get("jobExpirationTime")),
            output_id=_output(item, arn, status),
            metadata={RUN_LABEL: name.removeprefix("polydriver-")} if name.startswith("polydriver-") else {},
            raw=item,
        )

    def _control(self, method: str, path: str, request: Any, **query: str | int | None) -> Request:
        """A request of the service that keeps jobs, without content."""
        given = {name.lower(): value for name, value in request.extra_headers.items()}
        body = b"" if method == "POST" else None
        headers = {**self.driver.headers(), **given}
        return Request(method=method, url=self.driver.url(path, **query), headers=headers, body=body)

    def _s3(self, method: str, uri: str, body: bytes | None = None) -> Request:
        """A request for an object, which is signed for S3 by the hash of its content."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        headers = {HASH_HEADER: hashlib.sha256(body or b"").hexdigest()}
        if body is not None:
            headers["content-type"] = "application/jsonl"
        url = f"{self.driver.storage_url()}/{quote(bucket, safe='')}/{quote(key, safe='/')}"
        return Request(method=method, url=url, headers=headers, body=body)

    def _location(self) -> str:
        """Where files are kept. Raises `ConfigurationError` when that is not said, or cannot be read."""
        location = self._setting("batch_location").rstrip("/")
        if not location.startswith("s3://") or not location.removeprefix("s3://"):
            raise ConfigurationError(
                f"{self.config.name}: batch_location must be like s3://bucket/folder, not {location!r}",
                provider=self.name,
            )
        return location

    def _setting(self, name: str) -> str:
        value = self.config.setting(name)
        if not value:
            raise ConfigurationError(
                f"{self.config.name}: batches need {name}; give it, or set BEDROCK_{name.upper()}",
                provider=self.name,
                hint="Batches are files in a bucket of yours (batch_location, as s3://bucket/folder), which Bedrock "
                "reads and writes in a role of yours (batch_role, its ARN).",
            )
        if self.driver.credentials is None:
            raise ConfigurationError(
                f"{self.config.name}: batches need keys of AWS, since their files are in S3; an API key is not enough",
                provider=self.name,
            )
        return str(value)


def _path(job: str) -> str:
    return f"model-invocation-job/{quote(job, safe='')}"


def _output(item: dict[str, Any], arn: str, status: Status) -> str | None:
    """Where the results of a job are, once there are some: below its id, under the name of the input."""
    folder = as_str(as_dict(as_dict(item.get("outputDataConfig")).get("s3OutputDataConfig")).get("s3Uri"))
    source = as_str(as_dict(as_dict(item.get("inputDataConfig")).get("s3InputDataConfig")).get("s3Uri"))
    if status not in ("completed", "cancelled", "expired") or item.get("processedRecordCount") == 0:
        return None
    if folder is None or source is None:
        return None
    return f"{folder.rstrip('/')}/{arn.rpartition('/')[2]}/{source.rpartition('/')[2]}.out"
