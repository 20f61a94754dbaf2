"""The driver of Harbor, which has an API of its own: signed requests, streams of length-prefixed frames, errors inside
successful replies, thinking that is signed, tools, embeddings, and costs that the service reports."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from polydriver import (
    AIChunk,
    AIMessage,
    AIModel,
    AIResponse,
    Capabilities,
    ContextLengthError,
    Cost,
    Driver,
    InvalidCredentialsError,
    ModelPricing,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TokenUsage,
)
from polydriver.data.assembly import ChoiceAssembly
from polydriver.data.http import Reply, Request
from polydriver.data.json import as_dict, as_int, as_list, as_str, decode_json, merge
from polydriver.data.messages import Document, Image, Part, Reasoning, Text, ToolCall, ToolResult
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool
from polydriver.data.responses import FinishReason
from polydriver.data.vectors import Vector
from polydriver.drivers import traits
from polydriver.framing import FramingError
from polydriver.operations.requests import EmbeddingRequest
from polydriver.operations.results import EmbeddingResponse

__all__ = ["HarborDriver"]

# Our options that the service takes, with its names for them.
SETTINGS = {
    "temperature": "temperature",
    "top_p": "nucleus",
    "max_tokens": "longest",
    "stop": "stop_at",
    "seed": "seed",
    "reasoning_effort": "thinking",
}
SPEAKERS = {"system": "system", "developer": "system", "user": "user", "assistant": "model", "tool": "tool"}
TOOL_USE = {"auto": "free", "none": "never", "required": "must"}
ENDINGS: dict[str, FinishReason] = {
    "done": "stop",
    "limit": "length",
    "calls": "tool_calls",
    "blocked": "content_filter",
}
# US dollars per million tokens, for what the service does not report the cost of.
PRICES = {"m-vectors": ModelPricing(input=Decimal("0.02"), output=Decimal(0), source="Harbor's price list")}


class LengthPrefixed:
    """Cuts a body into frames: four bytes with the length (the highest first), then JSON of that length."""

    def __init__(self, *, max_event_bytes: int) -> None:
        self._limit = max_event_bytes
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete, which may be split anywhere."""
        self._held += data
        if self._held[:1] == b"{" and len(self._held) <= self._limit:
            return []  # no frame is that long: it is plain JSON, which tells of an error
        frames, start = [], 0
        while len(self._held) - start >= 4:
            end = start + 4 + int.from_bytes(self._held[start : start + 4])
            if end - start - 4 > self._limit:
                raise FramingError(f"a frame says that it has more than {self._limit} bytes")
            if end > len(self._held):
                break
            frames.append(bytes(self._held[start + 4 : end]))
            start = end
        del self._held[:start]
        return frames

    def finish(self) -> list[bytes]:
        """Nothing: a frame that the end of the body cuts off is not whole."""
        return []

    @property
    def unframed(self) -> bytes:
        """What is not a frame: all of an error that came as plain JSON."""
        return bytes(self._held)


class HarborDecoder(traits.StreamDecoder["HarborDriver"]):
    """Turns frames into chunks. It is made anew for each stream; what was read is in `self.answer`."""

    framing = LengthPrefixed

    def parse_event(self, event: bytes, chunks: list[AIChunk]) -> None:
        """Read one frame."""
        payload = decode_json(event)
        if not isinstance(payload, dict):
            raise self.wire.invalid_response("a frame is not an object", event)
        if "pulse" in payload:
            return self.pass_over()
        if payload.get("fault"):
            raise self.wire.map_payload(payload)
        answer, choice = self.answer, self.answer.first
        answer.id = as_str(payload.get("id")) or answer.id
        answer.model = as_str(payload.get("model")) or answer.model
        if "meter" in payload:  # each tells all of what was used up to then
            answer.usage = parse_meter(payload)
        if thought := as_str(payload.get("thought")):
            choice.add_reasoning(thought)
            chunks.append(AIChunk(reasoning=thought))
        if seal := as_str(payload.get("seal")):
            choice.sign_reasoning({self.wire.origin: {"seal": seal}})
        if text := as_str(payload.get("text")):
            choice.add_text(text)
            chunks.append(AIChunk(content=text))
        self._parse_call(payload, choice)
        if ending := as_str(payload.get("ending")):
            if calls := choice.take_calls(cut=ending == "limit"):
                chunks.append(AIChunk(tool_calls=calls))
            choice.finish_reason, choice.raw_finish_reason = ENDINGS.get(ending, "other"), ending
            answer.cost = parse_price(payload)
            self.complete = self.closed = True  # only the service's own word ends a stream well
        return None

    def parse_unframed(self, body: bytes, chunks: list[AIChunk]) -> None:
        """Read a body without frames: an error as plain JSON."""
        self.wire.decode_well(Reply(status=200, body=body))
        raise self.wire.invalid_response("the body has no frames", body)

    def _parse_call(self, payload: dict[str, Any], choice: ChoiceAssembly) -> None:
        """The beginning of a call, or a piece of the input of one."""
        place = as_int(payload.get("place"))
        if call := as_dict(payload.get("call")):
            begun = choice.call(place)
            begun.id, begun.name = as_str(call.get("id")) or "", as_str(call.get("name")) or ""
        if piece := as_str(payload.get("input")):
            choice.call(place).add_arguments(piece)


class HarborDriver(
    traits.HandlesApiCommunication,
    traits.HandlesStreaming,
    traits.HandlesErrors,
    traits.CalculatesCosts,
    Driver,
):
    """Harbor. Put the address of its documentation here."""

    name = "harbor"
    title = "Harbor"
    base_url = "https://api.harbor.example/v1"
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        supported_formats=("text", "image", "json"),
    )
    decoder_class = HarborDecoder
    # The service's own words for what went wrong, with the errors that they mean.
    errors = traits.ErrorTable(
        branch="Harbor",
        codes={
            "bad_signature": InvalidCredentialsError,
            "busy": RateLimitError,
            "no_credit": QuotaExceededError,
            "overloaded": ServerError,
            "too_long": ContextLengthError,
        },
    )

    def headers(self) -> dict[str, str]:
        """No key: it signs, and is not sent."""
        return {}

    def sign(self, request: Request, now: float) -> Request:
        """The request with the time and the signature of time, method, address and body."""
        time = str(int(now))
        signed = "\n".join((time, request.method, request.url)).encode() + b"\n" + (request.body or b"")
        key = self.config.api_key.reveal() if self.config.api_key else ""
        signature = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
        return msgspec.structs.replace(request, headers={**request.headers, "x-time": time, "x-signature": signature})

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt. What the service can't do is refused, or warned of."""
        turns = [{"by": SPEAKERS[message.role], "blocks": self.render_parts(message)} for message in prompt.messages]
        body: dict[str, Any] = {"model": prompt.model, "stream": prompt.stream, "turns": turns, "settings": {}}
        for name, value in prompt.given().items():
            if name in SETTINGS:
                body["settings"][SETTINGS[name]] = value
            elif name == "tool_choice":
                body["tool_use"] = TOOL_USE.get(value) or {"tool": value}
            elif name == "response_format":
                body["form"] = render_form(value)
            else:
                prompt.warn(f"{self.name} takes no {name}; it was left out.")
        for tool in prompt.tools:
            if isinstance(tool, ProviderTool):
                raise self.unsupported("tools of its own")
            told = {"name": tool.name, "about": tool.description, "takes": tool.parameters}
            body.setdefault("tools", []).append(told)
        body = merge(body, prompt.extra)
        return self.build_post("answers", body, stream=prompt.stream, headers=prompt.extra_headers)

    def render_parts(self, message: AIMessage) -> list[dict[str, Any]]:
        """The blocks of a turn."""
        return [block for part in message.parts if (block := self.render_part(part)) is not None]

    def render_part(self, part: Part) -> dict[str, Any] | None:
        """One block; `None` for what only another provider knows, such as thinking without a seal of this one."""
        if isinstance(part, Text):
            return {"text": part.text}
        if isinstance(part, Image):
            if part.data is None:
                raise self.unsupported("images by their address")
            return {"image": part.data_url("image/png")}
        if isinstance(part, Document):
            if part.plain_text is None:
                raise self.unsupported("documents that are not plain text")
            return {"text": part.plain_text}
        if isinstance(part, ToolCall):
            return {"call": {"id": part.id, "name": part.name, "input": part.arguments}}
        if isinstance(part, ToolResult):
            return self.render_result(part)
        if isinstance(part, Reasoning) and (seal := part.provider_data.get(self.origin, {}).get("seal")):
            return {"thought": part.text, "seal": seal}
        return None

    def render_result(self, result: ToolResult) -> dict[str, Any]:
        """What a tool gave back: text, or blocks of its own."""
        given: list[Part] = result.content if isinstance(result.content, list) else [Text(result.content)]
        blocks = [block for part in given if (block := self.render_part(part)) is not None]
        return {"result": {"of": result.tool_call_id, "blocks": blocks, "failed": result.is_error}}

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply."""
        payload = self.decode_well(reply)
        blocks, ending = payload.get("blocks"), as_str(payload.get("ending"))
        if not isinstance(blocks, list):
            raise self.invalid_response("it has no blocks", reply.body)
        parts = [part for block in blocks if (part := self.parse_block(as_dict(block), reply)) is not None]
        return AIResponse(
            parts=parts,
            id=as_str(payload.get("id")),
            model=as_str(payload.get("model")),
            finish_reason=ENDINGS.get(ending or "", "other"),
            raw_finish_reason=ending,
            usage=parse_meter(payload),
            cost=parse_price(payload),
            raw=payload,
        )

    def parse_block(self, block: dict[str, Any], reply: Reply) -> Part | None:
        """One part of an answer; `None` for a block of a kind that did not exist when this was written."""
        seal = as_str(block.get("seal"))
        if seal or "thought" in block:
            data = {self.origin: {"seal": seal}} if seal else {}
            return Reasoning(as_str(block.get("thought")) or "", provider_data=data)
        if text := as_str(block.get("text")):
            return Text(text)
        if call := as_dict(block.get("call")):
            name, given = as_str(call.get("name")), call.get("input")
            if name is None or not isinstance(given, dict):
                raise self.invalid_response("a call has no name, or its input is not an object", reply.body)
            return ToolCall(as_str(call.get("id")) or name, name, given)
        return None

    def decode_well(self, reply: Reply) -> dict[str, Any]:
        """The reply as an object. Raises the error that it holds in spite of its status."""
        payload = self.decode(reply)
        if payload.get("fault"):
            raise self.map_payload(payload)
        return payload

    def parse_error(self, reply: Reply) -> traits.ErrorFacts:
        """The facts of a failed reply: the service's own, where it is one of the service and not of a gateway."""
        facts = super().parse_error(reply)
        put_fault(facts)
        return facts

    def map_payload(self, payload: Any) -> Any:
        """The error for a reply or a frame that holds one."""
        facts = traits.ErrorFacts(payload=payload)
        return self.build_error(facts) if put_fault(facts) else super().map_payload(payload)

    def models_request(self) -> Request:
        """The first page of the model list."""
        return self.build_get("models")

    def parse_models(self, reply: Reply) -> list[AIModel]:
        """The models on one page."""
        items = self.decode_well(reply).get("models")
        if not isinstance(items, list):
            raise self.invalid_response("it has no list of models", reply.body)
        return [
            AIModel(id=name, name=as_str(item.get("label")), context_length=as_int(item.get("window")), raw=item)
            for item in map(as_dict, items)
            if (name := as_str(item.get("id")))
        ]

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the page after this one; `None` at the last."""
        following = as_str(self.decode_well(reply).get("next"))
        return self.build_get("models", after=following) if following else None

    def pricing(self, model: str, variant: str | None = None) -> ModelPricing | None:
        """The price in the settings, else ours; `None` for what is not known: never guessed."""
        return super().pricing(model, variant) or (PRICES.get(model) if variant is None else None)

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for vectors of some texts."""
        body: dict[str, Any] = {"model": request.model, "texts": request.input}
        if request.dimensions is not None:
            body["size"] = request.dimensions
        for name in ("input_type", "user"):
            if getattr(request, name) is not None:
                request.warn(f"{self.name} takes no {name}; it was left out.")
        return self.build_post("vectors", merge(body, request.extra), headers=request.extra_headers)

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        """The vectors in the order of the texts, whatever order they come in."""
        payload = self.decode_well(reply)
        items = map(as_dict, as_list(payload.get("vectors")))
        found = {as_int(item.get("of")): item.get("values") for item in items}
        vectors = [found.get(place) for place in range(len(request.input))]
        if not all(isinstance(vector, list) and all(type(n) in (int, float) for n in vector) for vector in vectors):
            raise self.invalid_response("it has no vector for each text", reply.body)
        return EmbeddingResponse(
            embeddings=[Vector(as_list(vector)) for vector in vectors],
            usage=parse_meter(payload),
            cost=parse_price(payload),
            model=as_str(payload.get("model")),
        )


def render_form(form: OutputFormat) -> dict[str, Any]:
    """The wanted form of the answer: any object, or one of a schema."""
    return {"kind": "object"} if form.schema is None else {"kind": "schema", "schema": form.schema}


def put_fault(facts: traits.ErrorFacts) -> bool:
    """Read the service's own record of what went wrong into the facts of an error. Returns whether there is one."""
    payload = as_dict(facts.payload)
    if not payload.get("fault"):
        return False
    fault = as_dict(payload["fault"])
    facts.code, facts.message = as_str(fault.get("kind")), as_str(fault.get("text")) or "it says no more"
    wait = fault.get("wait")
    facts.retry_after = float(wait) if isinstance(wait, int | float) and 0 < wait < 1e9 else None
    return True


def parse_meter(payload: dict[str, Any]) -> TokenUsage | None:
    """The tokens that were used; what is not told stays `None`."""
    meter = payload.get("meter")
    if not isinstance(meter, dict):
        return None
    return TokenUsage(
        input_tokens=as_int(meter.get("read")),
        cached_input_tokens=as_int(meter.get("remembered")),
        output_tokens=as_int(meter.get("written")),
        reasoning_tokens=as_int(meter.get("thought")),
        raw=meter,
    )


def parse_price(payload: dict[str, Any]) -> Cost | None:
    """What the service says that the answer costs, in US dollars as a text."""
    try:
        amount = Decimal(as_str(payload.get("price")) or "")
    except InvalidOperation:
        return None
    return Cost(amount, source="reported by Harbor") if amount.is_finite() and amount >= 0 else None
