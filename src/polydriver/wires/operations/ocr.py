"""Reading documents, in Mistral's form. https://docs.mistral.ai/api/endpoint/ocr"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str
from ...data.messages import Document, Image
from ...operations.kinds import OCR
from ...operations.requests import OCRRequest
from ...operations.results import OCRPage, OCRResponse
from .base import OperationHooks

__all__ = ["DocumentReading"]


class DocumentReading(OperationHooks, kw_only=True, eq=False):
    """Turns documents and pictures into Markdown."""

    kinds = (OCR,)
    own_fields: ClassVar[Mapping[str, str | None]] = {"pages": "pages", "include_images": "include_image_base64"}
    path: str = "ocr"

    def build_ocr(self, request: OCRRequest) -> Request:
        """The request for one document."""
        body: dict[str, Any] = {"model": request.model, "document": self._render_document(request.document)}
        body = self.put_fields(body, request)
        return self.build_post(self.path, body, headers=request.extra_headers)

    def _render_document(self, document: Document | Image) -> dict[str, Any]:
        if document.file_id:
            return {"type": "file", "file_id": document.file_id}
        if isinstance(document, Image):
            return {"type": "image_url", "image_url": document.url or document.data_url("image/png")}
        rendered = {"type": "document_url", "document_url": document.url or document.data_url("application/pdf")}
        if document.name:
            rendered["document_name"] = document.name
        return rendered

    def parse_ocr(self, reply: Reply, request: OCRRequest) -> OCRResponse:
        """The pages, in order."""
        payload = self.decode_success(reply)
        pages = payload.get("pages")
        if not isinstance(pages, list):
            raise self.invalid_response("it has no pages", reply.body)
        processed = as_int(as_dict(payload.get("usage_info")).get("pages_processed"))
        return OCRResponse(
            pages=[_read_page(as_dict(page), place) for place, page in enumerate(pages)],
            units={"pages": processed} if processed is not None else {},
            model=as_str(payload.get("model")),
            raw=payload,
        )


def _read_page(page: dict[str, Any], place: int) -> OCRPage:
    index = as_int(page.get("index"))
    images = [_read_image(as_dict(image)) for image in as_list(page.get("images"))]
    return OCRPage(
        index=place if index is None else index,
        markdown=as_str(page.get("markdown")) or "",
        images=[image for image in images if image is not None],
    )


def _read_image(image: dict[str, Any]) -> Image | None:
    """A picture of a page; without its bytes when they were not asked for."""
    data = as_str(image.get("image_base64"))
    if data is None:
        return None
    try:
        return Image.from_url(
            data if data.startswith("data:") else f"data:image/jpeg;base64,{data}", name=as_str(image.get("id"))
        )
    except ValueError:
        return None
