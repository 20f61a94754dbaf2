"""Files that Anthropic keeps. https://platform.claude.com/docs/en/build-with-claude/files"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply, Request
from ...data.json import as_int, as_str, excerpt
from ...data.multipart import FormFile
from ...operations.kinds import DELETE_FILE, DOWNLOAD_FILE, GET_FILE, LIST_FILES, UPLOAD_FILE
from ...operations.requests import FileUpload, ItemRequest, OperationRequest, PageRequest
from ...operations.results import DeletedFile, FileContent, Page, StoredFile
from ...operations.urls import quoted
from ...wires.messages.betas import FILES
from ...wires.operations.base import OperationHooks, parse_time
from .operations import next_cursor, page_items

__all__ = ["AnthropicFiles"]


class AnthropicFiles(OperationHooks, kw_only=True, eq=False):
    """Files that prompts can refer to by their ids."""

    kinds = (UPLOAD_FILE, LIST_FILES, GET_FILE, DELETE_FILE, DOWNLOAD_FILE)

    def build_file_upload(self, request: FileUpload) -> Request:
        """The request to keep a file, of at most 500 MB."""
        file = FormFile(request.data, request.name, request.media_type or "application/octet-stream")
        body = self.put_fields({"file": file}, request, {"purpose": None})
        return self._with_beta(self.build_form("v1/files", body, request))

    def parse_file_upload(self, reply: Reply, request: OperationRequest) -> StoredFile:
        """The file as it is kept."""
        return self._read_file(self.decode_success(reply))

    def build_file_list(self, request: PageRequest) -> Request:
        """The request for one page of files."""
        return self._with_beta(self.build_item("GET", "v1/files", request, limit=request.limit, after_id=request.after))

    def parse_file_list(self, reply: Reply, request: PageRequest) -> Page[StoredFile]:
        """The files on one page."""
        payload = self.decode_success(reply)
        return Page(items=[self._read_file(item) for item in page_items(payload)], next=next_cursor(payload))

    def build_file(self, request: ItemRequest) -> Request:
        """The request for what is known of a file."""
        return self._with_beta(self.build_item("GET", f"v1/files/{quoted(request.id)}", request))

    def parse_file(self, reply: Reply, request: ItemRequest) -> StoredFile:
        """The file."""
        return self.parse_file_upload(reply, request)

    def build_file_deletion(self, request: ItemRequest) -> Request:
        """The request to delete a file."""
        return self._with_beta(self.build_item("DELETE", f"v1/files/{quoted(request.id)}", request))

    def parse_file_deletion(self, reply: Reply, request: ItemRequest) -> DeletedFile:
        """The outcome."""
        payload = self.decode_success(reply)
        return DeletedFile(id=as_str(payload.get("id")) or request.id, raw=payload)

    def build_file_download(self, request: ItemRequest) -> Request:
        """The request for a file's bytes; only files that tools made can be downloaded."""
        return self._with_beta(self.build_item("GET", f"v1/files/{quoted(request.id)}/content", request))

    def parse_file_download(self, reply: Reply, request: ItemRequest) -> FileContent:
        """The bytes."""
        return FileContent(id=request.id, data=reply.body, media_type=reply.headers.get("content-type"))

    def _read_file(self, payload: dict[str, Any]) -> StoredFile:
        file_id = as_str(payload.get("id"))
        if file_id is None:
            raise self.invalid_response("a file has no id", excerpt(payload))
        return StoredFile(
            id=file_id,
            name=as_str(payload.get("filename")),
            size=as_int(payload.get("size_bytes")),
            media_type=as_str(payload.get("mime_type")),
            created=parse_time(payload.get("created_at")),
            raw=payload,
        )

    def _with_beta(self, request: Request) -> Request:
        asked = request.headers.get("anthropic-beta")
        request.headers["anthropic-beta"] = f"{asked},{FILES}" if asked else FILES
        return request
