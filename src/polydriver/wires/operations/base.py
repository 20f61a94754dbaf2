"""What the operations in OpenAI's form share: bodies, forms, usage, dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from ...contract import OperationPart
from ...data.cost import REPORTED, Cost
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_str, from_epoch, merge
from ...data.multipart import encode_form, flatten_form
from ...data.usage import TokenUsage
from ...operations.requests import OperationRequest

__all__ = ["OperationHooks", "parse_time", "read_moment"]


def parse_time(value: object) -> datetime | None:
    """A moment from an RFC 3339 text, or a day in UTC, if it is one; nanoseconds are cut to microseconds."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def read_moment(value: object) -> datetime | None:
    """A moment in epoch seconds, or as a text."""
    return from_epoch(value) or parse_time(value)


class OperationHooks(OperationPart, kw_only=True, eq=False):
    """Builds requests of operations and reads what their replies have in common.

    - `fields`: what the service does differently with optional fields: the API's name for ours, or `None` for one that
      it does not have.
    """

    own_fields: ClassVar[Mapping[str, str | None]] = {}
    fields: Mapping[str, str | None] = {}

    def put_fields(
        self, body: dict[str, Any], request: OperationRequest, fields: Mapping[str, str | None] | None = None
    ) -> dict[str, Any]:
        """Put the request's fields into the body under the names of the API, then its options and `extra`.

        `fields` maps our names to the API's, those of the part by default. `None` means that the API does not have the
        field: the caller is warned.
        """
        if fields is None:
            fields = {**self.own_fields, **self.fields}
        for ours, theirs in fields.items():
            value = getattr(request, ours)
            if value is None:
                continue
            if theirs is None:
                request.warn(f"{self.name} does not support {ours} here; it was left out.")
            else:
                body[theirs] = value
        return merge({**body, **request.options}, request.extra)

    def build_form(self, path: str, body: dict[str, Any], request: OperationRequest) -> Request:
        """A POST request with a form: lists and objects are flattened, files are `FormFile`s."""
        path, body = self.driver.place(path, body)
        fields = [field for name, value in body.items() for field in flatten_form(name, value)]
        content_type, content = encode_form(fields)
        headers = {**self.driver.headers(), "content-type": content_type, **_lower(request.extra_headers)}
        return Request(method="POST", url=self.driver.url(path), headers=headers, body=content)

    def build_item(self, method: str, path: str, request: OperationRequest, **query: str | int | None) -> Request:
        """A request without content. Options and `extra` go into the query."""
        query.update(request.options)
        query.update(request.extra)
        headers = {**self.driver.headers(), **_lower(request.extra_headers)}
        body = b"" if method == "POST" else None
        return Request(method=method, url=self.driver.url(path, **query), headers=headers, body=body)

    def decode_success(self, reply: Reply) -> dict[str, Any]:
        """The reply's body as a JSON object. Raises a mapped error when it is an error in spite of its status."""
        payload = self.decode(reply)
        if payload.get("error"):
            raise self.map_payload(payload)
        return payload

    def read_page(self, reply: Reply) -> tuple[list[dict[str, Any]], str | None]:
        """The objects on one page of a list, and the id after which the next page begins; `None` at the last."""
        payload = self.decode_success(reply)
        items = payload.get("data")
        if not isinstance(items, list):
            raise self.invalid_response("it has no list", reply.body)
        objects = [item for item in items if isinstance(item, dict)]
        if payload.get("has_more") is not True or not objects:
            return objects, None
        return objects, as_str(payload.get("last_id")) or as_str(objects[-1].get("id"))

    def parse_operation_usage(self, raw: Any) -> TokenUsage | None:
        """Token counts under the names of either of OpenAI's APIs; `None` when there are none."""
        raw = as_dict(raw)
        inputs = as_dict(raw.get("input_tokens_details")) or as_dict(raw.get("input_token_details"))
        counts = [as_int(raw.get(name)) for name in ("prompt_tokens", "input_tokens", "output_tokens", "total_tokens")]
        input_tokens = counts[0] if counts[0] is not None else counts[1]
        if input_tokens is None and counts[2] is None:
            input_tokens = counts[3]
        if input_tokens is None and counts[2] is None:
            return None
        return TokenUsage(
            input_tokens=input_tokens,
            output_tokens=counts[2],
            cached_input_tokens=as_int(inputs.get("cached_tokens")),
            input_audio_tokens=as_int(inputs.get("audio_tokens")),
            total_tokens=counts[3],
            raw=raw,
        )

    def read_reported_cost(self, raw: Any) -> Cost | None:
        """The cost in dollars that some services (routers above all) put into the usage object."""
        cost = as_dict(raw).get("cost")
        if isinstance(cost, bool) or not isinstance(cost, int | float):
            return None
        amount = Decimal(str(cost))
        return Cost(amount, source=f"{REPORTED}{self.name}") if amount.is_finite() and amount >= 0 else None


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
