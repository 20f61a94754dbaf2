"""Making and changing pictures in OpenAI's form. https://platform.openai.com/docs/api-reference/images"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_str
from ...data.messages import Image
from ...data.multipart import FormFile
from ...data.sniffing import sniff_media_type
from ...operations.kinds import EDIT_IMAGE, GENERATE_IMAGE
from ...operations.requests import ImageEditRequest, ImageRequest
from ...operations.results import ImageResponse
from .base import OperationHooks

__all__ = ["ImageEditing", "ImageGeneration"]

_FIELDS: dict[str, str | None] = {
    "n": "n",
    "size": "size",
    "quality": "quality",
    "style": "style",
    "background": "background",
    "format": "output_format",
    "seed": None,
    "user": "user",
}


class _Pictures(OperationHooks, kw_only=True, eq=False):
    """Reads the replies of both operations."""

    def _read_pictures(self, reply: Reply) -> ImageResponse:
        payload = self.decode_success(reply)
        items = payload.get("data")
        if not isinstance(items, list) or not items:
            raise self.invalid_response("it has no images", reply.body)
        pictures = [self._read_picture(as_dict(item), as_str(payload.get("output_format"))) for item in items]
        return ImageResponse(
            images=pictures,
            revised_prompt=as_str(as_dict(items[0]).get("revised_prompt")),
            usage=self.parse_operation_usage(payload.get("usage")),
            cost=self.read_reported_cost(payload.get("usage")),
            units=_count_pictures(as_dict(payload.get("usage"))),
            model=as_str(payload.get("model")),
            id=as_str(payload.get("id")),
            raw={name: value for name, value in payload.items() if name != "data"},
        )

    def _read_picture(self, item: dict[str, Any], output_format: str | None) -> Image:
        encoded, url = as_str(item.get("b64_json")), as_str(item.get("url"))
        try:
            if encoded is not None:
                image = Image.from_base64(encoded, f"image/{output_format or 'png'}")
                assert image.data is not None
                return Image(data=image.data, media_type=sniff_media_type(image.data) or image.media_type)
            if url is not None:
                return Image.from_url(url)
        except ValueError as error:
            raise self.invalid_response(f"an image cannot be decoded: {error}") from None
        raise self.invalid_response("an image has neither content nor URL")


class ImageGeneration(_Pictures, kw_only=True, eq=False):
    """Makes pictures."""

    kinds = (GENERATE_IMAGE,)
    own_fields: ClassVar[Mapping[str, str | None]] = _FIELDS
    path: str = "images/generations"

    def build_image(self, request: ImageRequest) -> Request:
        """The request for some pictures."""
        body = self.put_fields({"model": request.model, "prompt": request.prompt}, request)
        return self.build_post(self.path, body, headers=request.extra_headers)

    def parse_image(self, reply: Reply, request: ImageRequest) -> ImageResponse:
        """The pictures, as bytes or as URLs, whichever the service sends."""
        return self._read_pictures(reply)


class ImageEditing(_Pictures, kw_only=True, eq=False):
    """Changes pictures: as a form when all are given by their bytes, as JSON when some are URLs or uploaded files."""

    kinds = (EDIT_IMAGE,)
    own_fields: ClassVar[Mapping[str, str | None]] = {**_FIELDS, "style": None}
    path: str = "images/edits"

    def build_image_edit(self, request: ImageEditRequest) -> Request:
        """The request for a change."""
        body: dict[str, Any] = {"model": request.model, "prompt": request.prompt}
        every = [*request.images, *([request.mask] if request.mask else [])]
        if all(image.data is not None for image in every):
            files = [_form_file(image, f"image-{place}") for place, image in enumerate(request.images)]
            body["image"] = files[0] if len(files) == 1 else files
            if request.mask is not None:
                body["mask"] = _form_file(request.mask, "mask")
            return self.build_form(self.path, self.put_fields(body, request), request)
        body["images"] = [_refer(image) for image in request.images]
        if request.mask is not None:
            body["mask"] = _refer(request.mask)
        body = self.put_fields(body, request)
        return self.build_post(self.path, body, headers=request.extra_headers)

    def parse_image_edit(self, reply: Reply, request: ImageEditRequest) -> ImageResponse:
        """The changed pictures."""
        return self._read_pictures(reply)


def _form_file(image: Image, name: str) -> FormFile:
    data = image.data or b""
    kind = image.media_type or sniff_media_type(data) or "image/png"
    return FormFile(data, image.name or f"{name}.{kind.rsplit('/', 1)[-1]}", kind)


def _refer(image: Image) -> dict[str, str]:
    if image.file_id:
        return {"file_id": image.file_id}
    return {"image_url": image.url or image.data_url("image/png")}


def _count_pictures(usage: dict[str, Any]) -> dict[str, int | Decimal]:
    """How many of the tokens are pictures, which cost more than text; all output is, unless it says otherwise."""
    read = as_int(as_dict(usage.get("input_tokens_details")).get("image_tokens"))
    made = as_int(as_dict(usage.get("output_tokens_details")).get("image_tokens"))
    if made is None:
        made = as_int(usage.get("output_tokens"))
    counts = {"input_image_tokens": read, "output_image_tokens": made}
    return {name: count for name, count in counts.items() if count is not None}
