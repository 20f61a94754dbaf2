"""OpenRouter's batches: prompts for one model inside the request, and results inside the batch.

https://openrouter.ai/docs/guides/features/batch-api, https://openrouter.ai/docs/api/api-reference/batch/get-a-batch and
the types of its SDKs (`BatchSubmitBody`, `BatchObject`, `BatchListResponse`) (2026-11-28)
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Any

import msgspec

from ..data.http import Reply, Request
from ..data.json import as_dict, as_list, decode_json
from ..data.responses import AIResponse
from ..operations.files import ResultFile
from ..operations.requests import BatchRequest, ItemRequest
from ..operations.results import Batch, BatchItem, BatchResults
from ..wires.operations import Batches
from ..wires.operations.batch_hooks import render_body
from ..wires.reported_cost import read_cost

__all__ = ["OpenRouterBatches"]

_SMALLEST = Decimal("1e-15")
"""How finely the cost of a batch is divided, in dollars."""


class OpenRouterBatches(Batches, kw_only=True, eq=False):
    """Creates batches, follows them and reads their results. There is no way to cancel one.

    Text goes in and out: pictures and sound are refused by OpenRouter, as is its own web search. It tells what a batch
    has cost; where it does not tell that of each answer, the cost is shared by tokens (`Cost.estimated`).
    """

    max_prompts: int | None = 5_000
    keeps_labels: bool = False

    def batch_flow(self, request: BatchRequest) -> Generator[Request, Reply, Batch]:
        """Create the batch, with its prompts inside."""
        if request.metadata:
            request.warn(f"{self.name} does not support metadata on batches; it was left out.")
        model = self.one_model(request.prompts)
        lines, endpoint = self.render_batch(request.prompts)
        for warning in (warning for entry in request.prompts for warning in entry.prompt.warnings):
            request.warn(warning)
        prompts = [_as_prompt(line) for line in lines.splitlines()]
        # the prompts come last: OpenRouter reads them as they come
        body = {"endpoint": endpoint, "model": model, **request.options, **request.extra, "requests": prompts}
        reply = yield self.build_post(self.path, body, headers=request.extra_headers)
        return self.read_batch(self._decode(reply))

    def parse_batch_status(self, reply: Reply, request: ItemRequest) -> Batch:
        """The state of a batch. Why one failed is its `error`."""
        return self.read_batch(self._decode(reply))

    def build_batch_cancellation(self, request: ItemRequest) -> Request:
        """Raises `UnsupportedFeatureError`: OpenRouter can only delete batches, with their results."""
        raise self.unsupported("cancelling batches")

    def batch_results_flow(self, request: ItemRequest) -> Generator[Request | ResultFile, Reply, BatchResults]:
        """Ask for the batch, which holds its results."""
        payload = self._decode((yield self.build_batch_status(request)))
        batch = self.read_batch(payload)
        self.check_done(batch)
        items = [self._read_outcome(as_dict(record)) for record in as_list(payload.get("results"))]
        items.sort(key=lambda item: (len(item.custom_id), item.custom_id))
        _share_cost(self.name, as_dict(payload.get("usage")), [item.response for item in items if item.response])
        return BatchResults(id=batch.id or request.id, items=items, raw={**payload, "results": None})

    def read_batch(self, item: dict[str, Any]) -> Batch:
        """A batch as OpenRouter describes it."""
        batch = super().read_batch({**item, "completed_at": item.get("finalized_at")})
        batch.raw = {**item, "results": None}
        if item.get("results"):
            batch.output_id = batch.id
        return batch

    def _read_outcome(self, record: dict[str, Any]) -> BatchItem:
        """One result: a response or an error; one of a server that failed has both."""
        return self.read_item({**record, "response": as_dict(record.get("response")) or None})

    def _decode(self, reply: Reply) -> dict[str, Any]:
        payload = self.decode(reply)
        if "id" not in payload and payload.get("error"):
            raise self.map_payload(payload)
        return payload


def _share_cost(provider: str, usage: dict[str, Any], answers: list[AIResponse]) -> None:
    """Give each answer its part of what the batch has cost, by its tokens, where no answer says what it has cost."""
    total = read_cost(provider, usage.get("cost"), {})
    counts = [_tokens(answer) for answer in answers]
    known = [count for count in counts if count is not None]
    if total is None or not sum(known) or len(known) < len(counts) or any(answer.cost for answer in answers):
        return
    left = total.total
    for answer, count in zip(answers[:-1], known, strict=False):
        share = (total.total * count / sum(known)).quantize(_SMALLEST)
        left -= share
        answer.cost = msgspec.structs.replace(total, total=share, items={"total": share}, estimated=True)
    answers[-1].cost = msgspec.structs.replace(total, total=left, items={"total": left}, estimated=True)


def _tokens(answer: AIResponse) -> int | None:
    usage = answer.usage
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return usage.input_tokens + usage.output_tokens


def _as_prompt(line: bytes) -> dict[str, Any]:
    """A line of a file as an item of the list; the model is said once."""
    record = as_dict(decode_json(line))
    body = render_body(msgspec.json.encode(record.get("body")))
    return {"custom_id": record.get("custom_id"), "body": body}
