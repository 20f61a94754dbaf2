"""Fireworks' batches: jobs for one model over data sets of the account, which are uploaded and downloaded.

https://docs.fireworks.ai/guides/batch-inference, https://docs.fireworks.ai/api-reference/create-batch-inference-job,
`/create-dataset`, `/upload-dataset-files`, `/get-dataset-download-endpoint`, and the types of its SDK
(https://github.com/fw-ai-external/python-sdk) (2026-11-28)
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from ..data.http import Reply, Request
from ..data.json import as_dict, as_int, as_list, as_str, encode_json, excerpt, merge
from ..data.multipart import FormFile, encode_form
from ..errors import ConfigurationError
from ..operations.files import ResultFile
from ..operations.requests import RUN_LABEL, BatchRequest, ItemRequest, OperationRequest, PageRequest
from ..operations.results import Batch, BatchCounts, BatchItem, BatchProblem, BatchResults, Page
from ..operations.urls import quoted
from ..wires.operations import Batches
from ..wires.operations.base import parse_time
from ..wires.operations.batch_hooks import labels_in_name, name_for_labels, render_body
from .traits.communication import with_query

__all__ = ["FireworksBatches"]

Status = Literal["pending", "running", "completed", "failed", "cancelling", "cancelled", "expired"]

_STATUSES: dict[str, Status] = {
    **dict.fromkeys(("UNSPECIFIED", "VALIDATING", "PENDING", "CREATING", "CREATING_INPUT_DATASET"), "pending"),
    **dict.fromkeys(("RE_QUEUEING", "PAUSED", "IDLE"), "pending"),
    **dict.fromkeys(("RUNNING", "WRITING_RESULTS"), "running"),
    "COMPLETED": "completed",
    "FAILED": "failed",
    **dict.fromkeys(("EXPIRED", "EARLY_STOPPED"), "expired"),
    **dict.fromkeys(("CANCELLING", "DELETING", "DELETING_CLEANING_UP"), "cancelling"),
    **dict.fromkeys(("CANCELLED", "DELETED", "ARCHIVED"), "cancelled"),
}
_JOBS = "batchInferenceJobs"
_LONGEST_NAME = 63
_PAGE_SIZE = 200


class FireworksBatches(Batches, kw_only=True, eq=False):
    """Creates jobs, follows them and reads their results. A job is cancelled by deleting it.

    They are kept by account: the setting `account_id` says which. Labels are in the name of a job; that of `run_batch`
    is its id.
    """

    max_prompts: int | None = None
    max_bytes: int | None = 150_000_000

    def batch_flow(self, request: BatchRequest) -> Generator[Request, Reply, Batch]:
        """Make a data set, upload its file, and create the job."""
        model = self.one_model(request.prompts)
        lines = []
        for entry in request.prompts:
            body = render_body(self.driver.build_request(entry.prompt).body)
            lines.append(encode_json({"custom_id": entry.custom_id, "body": body}) + b"\n")
            for warning in entry.prompt.warnings:
                request.warn(warning)
        made = {"datasetId": request.name, "dataset": {"userUploaded": {}, "exampleCount": str(len(lines))}}
        self.decode_success((yield self._post("datasets", made, request)))
        self.decode_success((yield self._upload(request.name, b"".join(lines), request)))
        labels = dict(request.metadata or {})
        job_id = f"polydriver-{labels.pop(RUN_LABEL)}" if RUN_LABEL in labels else request.name
        body = {"model": model, "inputDatasetId": self._resource(f"datasets/{request.name}")}
        if labels and len(name_for_labels(labels)) > _LONGEST_NAME:
            request.warn(f"{self.name} keeps no more than {_LONGEST_NAME} characters of labels; they were left out.")
        elif labels:
            body["displayName"] = name_for_labels(labels)
        body = merge({**body, **request.options}, request.extra)
        reply = yield self._post(_JOBS, body, request, batchInferenceJobId=job_id)
        return self.read_batch(self.decode_success(reply))

    def build_batch_status(self, request: ItemRequest) -> Request:
        """The request for the state of a job."""
        return self._get(f"{_JOBS}/{quoted(_last(request.id))}", request)

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of jobs."""
        size = min(request.limit or _PAGE_SIZE, _PAGE_SIZE)
        return self._get(_JOBS, request, pageSize=size, pageToken=request.after)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The jobs on one page."""
        payload = self.decode_success(reply)
        found = [item for item in as_list(payload.get(_JOBS)) if isinstance(item, dict)]
        return Page(items=[self.read_batch(item) for item in found], next=as_str(payload.get("nextPageToken")) or None)

    def batch_cancellation_flow(self, request: ItemRequest) -> Generator[Request, Reply, Batch]:
        """Delete a job that is not done yet, which stops it; one that is done stays as it is."""
        batch = self.parse_batch_status((yield self.build_batch_status(request)), request)
        if batch.done:
            return batch
        path = f"{_JOBS}/{quoted(_last(request.id))}"
        yield Request(method="DELETE", url=self._url(path), headers=self._headers(request))
        batch.status, batch.raw_status = "cancelling", "JOB_STATE_DELETING"
        return batch

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Ask how the job stands and where its files are, then fetch the answers and the errors.

        The files are at addresses of a storage, which hold for ten minutes and get no key.
        """
        batch = self.parse_batch_status((yield self.build_batch_status(request)), request)
        self.check_done(batch)
        if batch.output_id is not None:
            reply = yield self._get(f"datasets/{quoted(_last(batch.output_id))}:getDownloadEndpoint", request)
            for _, address in sorted(as_dict(self.decode_success(reply).get("filenameToSignedUrls")).items()):
                yield self.result_file(Request(method="GET", url=str(address), headers={}), self.read_item)
        return BatchResults(id=batch.id or request.id, raw=batch.raw)

    def read_item(self, record: dict[str, Any]) -> BatchItem:
        """One line: the reply itself, or an error."""
        answered = as_dict(record.get("response"))
        if answered and "body" not in answered and not answered.get("error"):
            return super().read_item({**record, "response": {"body": answered}})
        failure = record.get("error") or answered.get("error")
        told = failure if isinstance(failure, dict) else {"message": as_str(failure) or "the prompt failed"}
        return super().read_item({**record, "response": answered if "body" in answered else None, "error": told})

    def read_batch(self, item: dict[str, Any]) -> Batch:
        """A job. One that failed has no data set of results, though it names one."""
        name = as_str(item.get("name"))
        if name is None:
            raise self.invalid_response("a job has no name", excerpt(item))
        word, job_id, told = as_str(item.get("state")), _last(name), as_dict(item.get("jobProgress"))
        status = _STATUSES.get((word or "").removeprefix("JOB_STATE_"), "running")
        counts = {key: as_int(told.get(key)) for key in ("totalInputRequests", "totalProcessedRequests")}
        problem = as_str(as_dict(item.get("status")).get("message"))
        labels = labels_in_name(as_str(item.get("displayName")) or None)
        if job_id.startswith("polydriver-") and "-" in (label := job_id.removeprefix("polydriver-")):
            labels[RUN_LABEL] = label
        return Batch(
            id=job_id,
            model=as_str(item.get("model")),
            status=status,
            raw_status=word,
            counts=BatchCounts(
                total=max((count for count in counts.values() if count is not None), default=None),
                completed=as_int(told.get("successfullyProcessedRequests")),
                failed=as_int(told.get("failedRequests")),
            ),
            errors=[BatchProblem(message=problem)] if problem and status in ("failed", "expired") else [],
            created=parse_time(item.get("createTime")),
            ended=parse_time(item.get("updateTime")) if status not in ("pending", "running", "cancelling") else None,
            expires=parse_time(item.get("expireTime")),
            output_id=as_str(item.get("outputDatasetId")) if status in ("completed", "expired", "cancelled") else None,
            metadata=labels,
            raw=item,
        )

    def _resource(self, path: str) -> str:
        """The name of something in the account. Raises `ConfigurationError` when the account is not known."""
        account = self.config.setting("account_id")
        if not account:
            raise ConfigurationError(
                f"{self.config.name}: batches are kept by account, and account_id is missing; give it, or set "
                "FIREWORKS_ACCOUNT_ID",
                provider=self.name,
            )
        return f"accounts/{quoted(account)}/{path}"

    def _url(self, path: str, **query: str | int | None) -> str:
        """The address of something in the account, which is not below that of prompts."""
        root = self.config.base_url.removesuffix("/v1").removesuffix("/inference")
        return with_query(f"{root}/v1/{self._resource(path)}", query)

    def _headers(self, request: OperationRequest) -> dict[str, str]:
        given = {name.lower(): value for name, value in request.extra_headers.items()}
        return {**self.driver.headers(), **given}

    def _get(self, path: str, request: OperationRequest, **query: str | int | None) -> Request:
        return Request(method="GET", url=self._url(path, **query), headers=self._headers(request))

    def _post(self, path: str, body: dict[str, Any], request: OperationRequest, **query: str) -> Request:
        headers = {"content-type": "application/json", **self._headers(request)}
        return Request(method="POST", url=self._url(path, **query), headers=headers, body=encode_json(body))

    def _upload(self, dataset: str, lines: bytes, request: OperationRequest) -> Request:
        content_type, content = encode_form([("file", FormFile(lines, "batch.jsonl", "application/jsonl"))])
        headers = {**self._headers(request), "content-type": content_type}
        return Request(method="POST", url=self._url(f"datasets/{dataset}:upload"), headers=headers, body=content)


def _last(name: str) -> str:
    """The id at the end of a resource's name."""
    return name.rpartition("/")[2]
