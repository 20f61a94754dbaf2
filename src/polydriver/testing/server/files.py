"""Files that a server keeps, in the forms of three services."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from ...data.http import Simulated
from ...data.json import as_dict, decode_json
from ...drivers.mock.calls import MockCall
from ...drivers.mock.forms import CREATED, json_reply
from .asking import CREATED_AT, Answered, Ask, RefusedError, Route
from .multipart import FormPart, parse_parts
from .paging import numbered_page, page

__all__ = ["ANTHROPIC_FILES", "GEMINI_FILES", "OPENAI_FILES", "KeptFile", "find_file", "keep_file", "read_form"]

_KIND = "file"
_UPLOAD = "upload"


class KeptFile(msgspec.Struct, frozen=True):
    """One file."""

    id: str
    name: str
    data: bytes
    media_type: str = "application/octet-stream"
    purpose: str = "user_data"


def read_form(ask: Ask) -> tuple[dict[str, str], list[FormPart]]:
    """The plain fields of a form, and its files. Raises `RefusedError`."""
    try:
        parts = parse_parts(ask.request.headers.get("content-type", ""), ask.request.body or b"")
    except ValueError as error:
        raise RefusedError(str(error)) from None
    files = [part for part in parts if part.filename is not None]
    return {part.name: part.text for part in parts if part.filename is None}, files


def keep_file(ask: Ask, prefix: str, name: str, data: bytes, **facts: str) -> KeptFile:
    """Keep a file under a new id."""
    kept = KeptFile(ask.store.new_id(prefix), name, data, **facts)
    ask.store.keep(_KIND, kept.id, kept)
    return kept


def find_file(ask: Ask, file_id: str) -> KeptFile:
    """The file of an id. Raises `RefusedError`."""
    found: KeptFile | None = ask.store.get(_KIND, file_id)
    if found is None:
        raise RefusedError(f"No such File object: {file_id}", 404)
    return found


def _all_files(ask: Ask) -> list[KeptFile]:
    return list(ask.store.newest(_KIND))


def _upload(ask: Ask, prefix: str) -> KeptFile:
    fields, files = read_form(ask)
    if not files:
        raise RefusedError("the form has no file")
    [file, *_] = files
    facts = {"media_type": file.media_type or "application/octet-stream"}
    if "purpose" in fields:
        facts["purpose"] = fields["purpose"]
    return keep_file(ask, prefix, file.filename or "file", file.data, **facts)


def _of_openai(file: KeptFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": len(file.data),
        "created_at": CREATED,
        "expires_at": None,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def _of_anthropic(file: KeptFile) -> dict[str, Any]:
    return {
        "type": "file",
        "id": file.id,
        "filename": file.name,
        "mime_type": file.media_type,
        "size_bytes": len(file.data),
        "created_at": CREATED_AT,
        "downloadable": True,
    }


def _of_gemini(ask: Ask, file: KeptFile) -> dict[str, Any]:
    root = ask.request.url.partition("/v1")[0].partition("/upload")[0]
    return {
        "name": f"files/{file.id}",
        "displayName": file.name,
        "mimeType": file.media_type,
        "sizeBytes": str(len(file.data)),
        "createTime": CREATED_AT,
        "updateTime": CREATED_AT,
        "expirationTime": "2026-01-03T00:00:00Z",
        "sha256Hash": hashlib.sha256(file.data).hexdigest(),
        "uri": f"{root}/v1beta/files/{file.id}",
        "state": "ACTIVE",
        "source": "UPLOADED",
    }


def _delete(ask: Ask) -> str:
    file = find_file(ask, ask.found[0])
    ask.store.drop(_KIND, file.id)
    return file.id


def _download(ask: Ask) -> Answered:
    def answer(call: MockCall, _: dict[str, Any]) -> Simulated:
        file = find_file(ask, ask.found[0])
        return Simulated(headers={"content-type": file.media_type}, chunks=[file.data])

    return ask.operate("files", {"model": ""}, answer)


def _list_openai(ask: Ask) -> dict[str, Any]:
    wanted = ask.query("purpose")
    files = [_of_openai(file) for file in _all_files(ask) if wanted in (None, file.purpose)]
    return {"object": "list", **page(ask, files, "after")}


OPENAI_FILES: tuple[Route, ...] = (
    ("POST", "/files", lambda ask: ask.manage("files", lambda: _of_openai(_upload(ask, "file-")))),
    ("GET", "/files", lambda ask: ask.manage("files", lambda: _list_openai(ask))),
    ("GET", "/files/([^/]+)", lambda ask: ask.manage("files", lambda: _of_openai(find_file(ask, ask.found[0])))),
    (
        "DELETE",
        "/files/([^/]+)",
        lambda ask: ask.manage("files", lambda: {"id": _delete(ask), "object": "file", "deleted": True}),
    ),
    ("GET", "/files/([^/]+)/content", _download),
)
"""OpenAI's. https://platform.openai.com/docs/api-reference/files"""

ANTHROPIC_FILES: tuple[Route, ...] = (
    ("POST", "/files", lambda ask: ask.manage("files", lambda: _of_anthropic(_upload(ask, "file_")))),
    (
        "GET",
        "/files",
        lambda ask: ask.manage(
            "files", lambda: page(ask, [_of_anthropic(file) for file in _all_files(ask)], "after_id")
        ),
    ),
    ("GET", "/files/([^/]+)", lambda ask: ask.manage("files", lambda: _of_anthropic(find_file(ask, ask.found[0])))),
    (
        "DELETE",
        "/files/([^/]+)",
        lambda ask: ask.manage("files", lambda: {"id": _delete(ask), "type": "file_deleted"}),
    ),
    ("GET", "/files/([^/]+)/content", _download),
)
"""Anthropic's. https://platform.claude.com/docs/en/api/files-create"""


def _upload_to_gemini(ask: Ask) -> Answered:
    """In one request (`multipart`), or in two (`resumable`): a record, then the bytes to the address that came back."""
    headers = ask.request.headers
    if headers.get("x-goog-upload-protocol") == "resumable":
        upload = ask.store.new_id("upload-")
        ask.store.keep(_UPLOAD, upload, (_record(ask.request.body), headers.get("x-goog-upload-header-content-type")))
        address = f"{ask.request.url.partition('?')[0]}?upload_id={upload}"
        return json_reply({}, 0, headers={"x-goog-upload-url": address, "x-goog-upload-status": "active"})
    if (upload_id := ask.query("upload_id")) is not None:
        begun: tuple[dict[str, Any], str | None] | None = ask.store.get(_UPLOAD, upload_id)
        if begun is None:
            raise RefusedError(f"there is no upload {upload_id}", 404)
        record, kind = begun
        data = ask.request.body or b""
    else:
        try:
            said, content = parse_parts(headers.get("content-type", ""), ask.request.body or b"")
        except ValueError as error:
            raise RefusedError(f"an upload has a record and the bytes: {error}") from None
        record, kind, data = _record(said.data), content.media_type, content.data
    name = str(record.get("displayName") or record.get("display_name") or "")
    media_type = record.get("mimeType") or record.get("mime_type") or kind or "application/octet-stream"
    kept = keep_file(ask, "", name, data, media_type=str(media_type))
    return json_reply({"file": _of_gemini(ask, kept)}, 0, headers={"x-goog-upload-status": "final"})


def _record(body: bytes | None) -> dict[str, Any]:
    try:
        return as_dict(as_dict(decode_json(body or b"{}")).get("file"))
    except ValueError as error:
        raise RefusedError(f"the record of an upload is {error}") from None


def _list_gemini(ask: Ask) -> dict[str, Any]:
    found, following = numbered_page(ask, _all_files(ask), "pageSize", "pageToken", 10)
    shown: dict[str, Any] = {"files": [_of_gemini(ask, file) for file in found]}
    return {**shown, "nextPageToken": following} if following else shown


def _delete_gemini(ask: Ask) -> dict[str, Any]:
    _delete(ask)
    return {}


GEMINI_FILES: tuple[Route, ...] = (
    ("POST", "/upload/[^/]+/files", _upload_to_gemini),
    ("GET", "/download/[^/]+/files/([^/:]+):download", _download),
    ("GET", "/files", lambda ask: ask.manage("files", lambda: _list_gemini(ask))),
    ("GET", "/files/([^/]+)", lambda ask: ask.manage("files", lambda: _of_gemini(ask, find_file(ask, ask.found[0])))),
    ("DELETE", "/files/([^/]+)", lambda ask: ask.manage("files", lambda: _delete_gemini(ask))),
)
"""Google's. https://ai.google.dev/api/files"""
