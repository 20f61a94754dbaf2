"""Files that Google AI Studio keeps for two days. https://ai.google.dev/api/files"""

from __future__ import annotations

import hashlib
from typing import Any

from ...data.http import Reply, Request
from ...data.json import as_dict, as_list, as_str, encode_json, excerpt, merge
from ...operations.kinds import DELETE_FILE, GET_FILE, LIST_FILES, UPLOAD_FILE
from ...operations.requests import FileUpload, ItemRequest, OperationRequest, PageRequest
from ...operations.results import DeletedFile, Page, StoredFile
from ...operations.urls import quoted
from ...wires.generate_content.names import with_camel_names
from ...wires.operations.base import OperationHooks, parse_time

__all__ = ["GeminiFiles"]


class GeminiFiles(OperationHooks, kw_only=True, eq=False):
    """Files that prompts refer to by their ids (`files/...`) or addresses."""

    kinds = (UPLOAD_FILE, LIST_FILES, GET_FILE, DELETE_FILE)

    def build_file_upload(self, request: FileUpload) -> Request:
        """The request to keep a file, of at most 2 GB."""
        if request.purpose is not None:
            request.warn(f"{self.name} does not support purpose; it was left out.")
        record = {"file": merge({"displayName": request.name, **request.options}, request.extra)}
        content_type, body = _related(encode_json(record), request.data, request.media_type)
        headers = {**self.driver.headers(), "content-type": content_type, "x-goog-upload-protocol": "multipart"}
        headers.update({name.lower(): value for name, value in request.extra_headers.items()})
        root, _, version = self.config.base_url.rpartition("/")
        return Request(method="POST", url=f"{root}/upload/{version}/files", headers=headers, body=body)

    def parse_file_upload(self, reply: Reply, request: OperationRequest) -> StoredFile:
        """The file as it is kept. A video is of use once its status is ACTIVE."""
        payload = with_camel_names(self.decode_success(reply))
        return self._read_file(as_dict(payload.get("file")) or payload)

    def build_file_list(self, request: PageRequest) -> Request:
        """The request for one page of files."""
        return self.build_item("GET", "files", request, pageSize=request.limit, pageToken=request.after)

    def parse_file_list(self, reply: Reply, request: PageRequest) -> Page[StoredFile]:
        """The files on one page."""
        payload = with_camel_names(self.decode_success(reply))
        items = [self._read_file(item) for item in as_list(payload.get("files")) if isinstance(item, dict)]
        return Page(items=items, next=as_str(payload.get("nextPageToken")))

    def build_file(self, request: ItemRequest) -> Request:
        """The request for what is known of a file."""
        return self.build_item("GET", _path(request.id), request)

    def parse_file(self, reply: Reply, request: ItemRequest) -> StoredFile:
        """The file."""
        return self.parse_file_upload(reply, request)

    def build_file_deletion(self, request: ItemRequest) -> Request:
        """The request to delete a file."""
        return self.build_item("DELETE", _path(request.id), request)

    def parse_file_deletion(self, reply: Reply, request: ItemRequest) -> DeletedFile:
        """The outcome: an empty object."""
        return DeletedFile(id=request.id, raw=self.decode_success(reply))

    def _read_file(self, payload: dict[str, Any]) -> StoredFile:
        name = as_str(payload.get("name"))
        if name is None:
            raise self.invalid_response("a file has no name", excerpt(payload))
        size = payload.get("sizeBytes")
        return StoredFile(
            id=name,
            name=as_str(payload.get("displayName")),
            size=int(size) if isinstance(size, str | int) and str(size).isdecimal() else None,
            media_type=as_str(payload.get("mimeType")),
            status=as_str(payload.get("state")),
            url=as_str(payload.get("uri")),
            created=parse_time(payload.get("createTime")),
            expires=parse_time(payload.get("expirationTime")),
            raw=payload,
        )


def _path(file_id: str) -> str:
    return f"files/{quoted(file_id.removeprefix('files/'))}"


def _related(record: bytes, data: bytes, media_type: str | None) -> tuple[str, bytes]:
    """The content type and the body of an upload: the record and the bytes, as `multipart/related` (RFC 2387)."""
    boundary = hashlib.blake2s(record + data, digest_size=16).hexdigest().encode()
    kind = (
        (media_type or "application/octet-stream").encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
    )
    lines = [
        b"--" + boundary,
        b"content-type: application/json; charset=utf-8",
        b"",
        record,
        b"--" + boundary,
        b"content-type: " + kind,
        b"",
        data,
        b"--" + boundary + b"--",
        b"",
    ]
    return f"multipart/related; boundary={boundary.decode()}", b"\r\n".join(lines)
