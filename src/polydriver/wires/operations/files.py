"""Files that the provider keeps, in OpenAI's form. https://platform.openai.com/docs/api-reference/files"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply, Request
from ...data.json import as_int, as_str, from_epoch
from ...data.multipart import FormFile
from ...operations.kinds import DELETE_FILE, DOWNLOAD_FILE, GET_FILE, LIST_FILES, UPLOAD_FILE
from ...operations.requests import FileUpload, ItemRequest, PageRequest
from ...operations.results import DeletedFile, FileContent, Page, StoredFile
from ...operations.urls import quoted
from .base import OperationHooks

__all__ = ["Files"]


class Files(OperationHooks, kw_only=True, eq=False):
    """Uploads, lists, deletes and downloads files. `default_purpose` is sent when the caller names none."""

    kinds = (UPLOAD_FILE, LIST_FILES, GET_FILE, DELETE_FILE, DOWNLOAD_FILE)
    path: str = "files"
    default_purpose: str | None = None

    def build_file_upload(self, request: FileUpload) -> Request:
        """The request for an upload."""
        body: dict[str, Any] = {}
        if self.default_purpose is not None and request.purpose is None:
            body["purpose"] = self.default_purpose
        body = self.put_fields(body, request, {"purpose": "purpose"})
        body["file"] = FormFile(request.data, request.name, request.media_type or "application/octet-stream")
        return self.build_form(self.path, body, request)

    def parse_file_upload(self, reply: Reply, request: FileUpload) -> StoredFile:
        """The file as it is kept."""
        return self._read_file(self.decode_success(reply))

    def build_file_list(self, request: PageRequest) -> Request:
        """The request for one page."""
        return self.build_item(
            "GET", self.path, request, after=request.after, limit=request.limit and min(request.limit, 10_000)
        )

    def parse_file_list(self, reply: Reply, request: PageRequest) -> Page[StoredFile]:
        """The files on one page."""
        items, following = self.read_page(reply)
        return Page(items=[self._read_file(item) for item in items], next=following)

    def build_file(self, request: ItemRequest) -> Request:
        """The request for what is known of a file."""
        return self.build_item("GET", f"{self.path}/{quoted(request.id)}", request)

    def parse_file(self, reply: Reply, request: ItemRequest) -> StoredFile:
        """What is known of a file."""
        return self._read_file(self.decode_success(reply))

    def build_file_deletion(self, request: ItemRequest) -> Request:
        """The request to delete a file."""
        return self.build_item("DELETE", f"{self.path}/{quoted(request.id)}", request)

    def parse_file_deletion(self, reply: Reply, request: ItemRequest) -> DeletedFile:
        """Whether it is gone; a reply without a word on it means that it is."""
        payload = self.decode_success(reply) if reply.body else {}
        return DeletedFile(
            deleted=payload.get("deleted") is not False, id=as_str(payload.get("id")) or request.id, raw=payload
        )

    def build_file_download(self, request: ItemRequest) -> Request:
        """The request for a file's content."""
        return self.build_item("GET", f"{self.path}/{quoted(request.id)}/content", request)

    def parse_file_download(self, reply: Reply, request: ItemRequest) -> FileContent:
        """The content, as it is."""
        return FileContent(id=request.id, data=reply.body, media_type=reply.headers.get("content-type"))

    def _read_file(self, item: dict[str, Any]) -> StoredFile:
        file_id = as_str(item.get("id"))
        if file_id is None:
            raise self.invalid_response("a file has no id", repr(item)[:500].encode())
        return StoredFile(
            id=file_id,
            name=as_str(item.get("filename")) or as_str(item.get("name")),
            size=as_int(item.get("bytes")),
            media_type=as_str(item.get("mime_type")) or as_str(item.get("mimetype")),
            purpose=as_str(item.get("purpose")),
            status=as_str(item.get("status")),
            created=from_epoch(item.get("created_at")),
            expires=from_epoch(item.get("expires_at")),
            raw=item,
        )
