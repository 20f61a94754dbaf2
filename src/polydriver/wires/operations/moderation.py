"""Moderation in OpenAI's form. https://platform.openai.com/docs/api-reference/moderations"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply, Request
from ...data.json import as_dict, as_str
from ...data.messages import Image, Text
from ...operations.kinds import MODERATE
from ...operations.requests import ModerationRequest
from ...operations.results import ModerationResponse, ModerationResult
from .base import OperationHooks

__all__ = ["Moderation"]


class Moderation(OperationHooks, kw_only=True, eq=False):
    """Judges whether texts and pictures are harmful."""

    kinds = (MODERATE,)
    path: str = "moderations"

    def build_moderation(self, request: ModerationRequest) -> Request:
        """The request for some items: texts as strings, or the parts of the one item that has pictures."""
        texts = [item[0].text for item in request.input if len(item) == 1 and isinstance(item[0], Text)]
        if len(texts) == len(request.input):
            rendered: Any = texts
        elif len(request.input) == 1:
            rendered = [self._render_part(part) for part in request.input[0]]
        else:
            raise self.unsupported("moderation of several items with pictures at once")
        body: dict[str, Any] = {"model": request.model} if request.model else {}
        body["input"] = rendered
        body = self.put_fields(body, request)
        return self.build_post(self.path, body, headers=request.extra_headers)

    def _render_part(self, part: Text | Image) -> dict[str, Any]:
        if isinstance(part, Text):
            return {"type": "text", "text": part.text}
        return {"type": "image_url", "image_url": {"url": part.url or part.data_url("image/png")}}

    def parse_moderation(self, reply: Reply, request: ModerationRequest) -> ModerationResponse:
        """The judgements, in the order of the items."""
        payload = self.decode_success(reply)
        items = payload.get("results")
        if not isinstance(items, list) or not items:
            raise self.invalid_response("it has no results", reply.body)
        return ModerationResponse(
            results=[_read_result(as_dict(item)) for item in items],
            usage=self.parse_operation_usage(payload.get("usage")),
            model=as_str(payload.get("model")),
            id=as_str(payload.get("id")),
            raw=payload,
        )


def _read_result(item: dict[str, Any]) -> ModerationResult:
    """One judgement; services that send no `flagged` mean that any category counts."""
    categories = {name: value for name, value in as_dict(item.get("categories")).items() if isinstance(value, bool)}
    flagged = item.get("flagged")
    return ModerationResult(
        flagged=flagged if isinstance(flagged, bool) else any(categories.values()),
        categories=categories,
        scores={
            name: float(value)
            for name, value in as_dict(item.get("category_scores")).items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        },
    )
