"""Anthropic's operations on prompts: token counts and message batches.

https://platform.claude.com/docs/en/api/messages-count-tokens and `/creating-message-batches`
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str, excerpt, merge
from ...data.prompt import Prompt
from ...errors import AIError
from ...operations.files import ResultFile
from ...operations.kinds import (
    COUNT_TOKENS,
)
from ...operations.requests import BatchRequest, ItemRequest, OperationRequest, PageRequest
from ...operations.results import (
    Batch,
    BatchCounts,
    BatchItem,
    BatchResults,
    Page,
    TokenCount,
)
from ...operations.urls import quoted
from ...wires.messages import Messages
from ...wires.operations.base import OperationHooks, parse_time
from ...wires.operations.batch_hooks import BatchHooks

__all__ = ["MessageBatches", "MessageTokenCounting", "next_cursor", "page_items"]

BatchStatus = Literal["pending", "running", "completed", "failed", "cancelling", "cancelled", "expired"]

_UNSENT = {
    "canceled": "the batch was cancelled before this prompt was sent",
    "expired": "the batch expired before this prompt was sent",
}
_COUNTED = frozenset(
    {
        "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control",
        "context_management", "mcp_servers", "speed",
    }
)  # fmt: skip


class MessageTokenCounting(OperationHooks, kw_only=True, eq=False):
    """Counts the input tokens of a prompt without answering it; this costs nothing."""

    kinds = (COUNT_TOKENS,)

    def build_token_count(self, prompt: Prompt) -> Request:
        """The request to count a prompt: the same body, with the fields that count."""
        body = {name: value for name, value in self.driver.wire.render_prompt(prompt).items() if name in _COUNTED}
        built: Request = self.driver.wire.build_message_post("v1/messages/count_tokens", body, prompt)
        return built

    def parse_token_count(self, reply: Reply, prompt: Prompt) -> TokenCount:
        """The count. Raises `InvalidResponseError` when there is none."""
        payload = self.decode(reply)
        if payload.get("error"):
            raise self.map_payload(payload)
        count = as_int(payload.get("input_tokens"))
        if count is None:
            raise self.invalid_response("it has no count", reply.body)
        return TokenCount(input_tokens=count, raw=payload)


class MessageBatches(BatchHooks, kw_only=True, eq=False):
    """Message batches: many prompts at half the price, answered within a day."""

    max_prompts: int | None = 100_000
    max_bytes: int | None = 256_000_000
    max_id: int | None = 64

    @property
    def wire(self) -> Messages:
        """The wire of the prompts."""
        wire: Messages = self.driver.wire
        return wire

    def build_batch(self, request: BatchRequest) -> Request:
        """The request for a new batch, of at most 100,000 prompts."""
        if request.metadata:
            request.warn(f"{self.name} does not support metadata on batches; it was left out.")
        entries, betas = [], dict[str, None]()
        for item in request.prompts:
            params = self.wire.render_prompt(item.prompt)
            params.pop("stream", None)
            betas.update(dict.fromkeys(self.wire.betas(item.prompt, params)))
            entries.append({"custom_id": item.custom_id, "params": params})
            for warning in item.prompt.warnings:
                request.warn(warning)
        body = merge({"requests": entries, **request.options}, request.extra)
        headers = {**self.wire.beta_headers(list(betas)), **request.extra_headers}
        return self.build_post("v1/messages/batches", body, headers=headers)

    def parse_batch(self, reply: Reply, request: OperationRequest) -> Batch:
        """The batch that was made."""
        return self._read_batch(self.decode_success(reply))

    def build_batch_status(self, request: ItemRequest) -> Request:
        """The request for the state of a batch."""
        return self.build_item("GET", f"v1/messages/batches/{quoted(request.id)}", request)

    def parse_batch_status(self, reply: Reply, request: ItemRequest) -> Batch:
        """The batch as it stands."""
        return self.parse_batch(reply, request)

    def build_batch_list(self, request: PageRequest) -> Request:
        """The request for one page of batches, the newest first."""
        return self.build_item("GET", "v1/messages/batches", request, limit=request.limit, after_id=request.after)

    def parse_batch_list(self, reply: Reply, request: PageRequest) -> Page[Batch]:
        """The batches on one page."""
        payload = self.decode_success(reply)
        return Page(items=[self._read_batch(item) for item in page_items(payload)], next=next_cursor(payload))

    def build_batch_cancellation(self, request: ItemRequest) -> Request:
        """The request to cancel a batch; what is done already stays done."""
        return self.build_item("POST", f"v1/messages/batches/{quoted(request.id)}/cancel", request)

    def parse_batch_cancellation(self, reply: Reply, request: ItemRequest) -> Batch:
        """The batch, which is "cancelling" now."""
        return self.parse_batch(reply, request)

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Fetch the outcomes of a batch that has ended, which are JSON lines in any order."""
        asked = self.build_item("GET", f"v1/messages/batches/{quoted(request.id)}/results", request)
        yield self.result_file(
            asked, lambda item: self._read_outcome(as_str(item.get("custom_id")) or "", as_dict(item.get("result")))
        )
        return BatchResults(id=request.id)

    def _read_outcome(self, custom_id: str, result: dict[str, Any]) -> BatchItem:
        kind = result.get("type")
        if kind == "succeeded":
            body = as_dict(result.get("message"))
            try:
                return BatchItem(
                    custom_id=custom_id, response=self.wire.parse_message(body, Prompt(messages=[], model=""))
                )
            except AIError as error:
                return BatchItem(custom_id=custom_id, error=error)
        if kind == "errored":
            return BatchItem(custom_id=custom_id, error=self.map_payload(as_dict(result.get("error"))))
        words = _UNSENT.get(str(kind), f"the batch left this prompt in the unknown state {kind!r}")
        mapped = self.map_payload({"error": {"type": kind, "message": words}})
        return BatchItem(custom_id=custom_id, error=mapped, unsent=kind in _UNSENT)

    def _read_batch(self, payload: dict[str, Any]) -> Batch:
        batch_id = as_str(payload.get("id"))
        if batch_id is None:
            raise self.invalid_response("a batch has no id", excerpt(payload))
        raw = as_dict(payload.get("request_counts"))
        names = ("processing", "succeeded", "errored", "canceled", "expired")
        counts = {name: as_int(raw.get(name)) or 0 for name in names} if raw else {}
        return Batch(
            id=batch_id,
            status=_status(payload, counts),
            raw_status=as_str(payload.get("processing_status")),
            counts=BatchCounts(
                total=sum(counts.values()) if raw else None,
                completed=counts.get("succeeded"),
                failed=counts.get("errored"),
                cancelled=counts.get("canceled"),
                expired=counts.get("expired"),
            ),
            created=parse_time(payload.get("created_at")),
            ended=parse_time(payload.get("ended_at")),
            expires=parse_time(payload.get("expires_at")),
            output_id=as_str(payload.get("results_url")),
            raw=payload,
        )


def _status(payload: dict[str, Any], counts: dict[str, int]) -> BatchStatus:
    """Our word for the state; a batch of which nothing was answered ended as its prompts did."""
    if payload.get("processing_status") != "ended":
        return "cancelling" if payload.get("processing_status") == "canceling" else "running"
    if not counts.get("succeeded") and not counts.get("errored"):
        if counts.get("canceled"):
            return "cancelled"
        if counts.get("expired"):
            return "expired"
    return "completed"


def page_items(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """The items on a page of a list."""
    return [item for item in as_list(payload.get("data")) if isinstance(item, dict)]


def next_cursor(payload: dict[str, Any]) -> str | None:
    """The cursor of the page after this one; `None` at the last."""
    return as_str(payload.get("last_id")) if payload.get("has_more") is True else None
