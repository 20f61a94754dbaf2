"""A driver for a service with an API of its own, complete. See use_custom_driver.py for it at work."""

from __future__ import annotations

from typing import Any

from polydriver import AIMessage, AIResponse, Capabilities, Driver, QuotaExceededError, TokenUsage
from polydriver.data.http import Reply, Request
from polydriver.data.json import as_dict, as_int, as_str, merge
from polydriver.data.messages import Document
from polydriver.data.prompt import Prompt
from polydriver.drivers import traits

OPTIONS = {"temperature": "creativity", "max_tokens": "length_limit", "stop": "stop_at"}


class CustomAIDriver(
    traits.HandlesApiCommunication, traits.HandlesErrors, traits.ValidatesHealth, traits.CalculatesCosts, Driver
):
    """Custom AI. https://custom-ai.example/docs"""

    name = "custom-ai"
    base_url = "https://api.custom-ai.example/v1"
    default_model = "custom-model-v1"
    capabilities = Capabilities(max_context_length=32_000)  # it answers in text: no streams, no tools, no images
    errors = traits.ErrorTable(branch="CustomAI", codes={"out_of_credit": QuotaExceededError})

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt. What the service can't do is refused, or warned of."""
        if prompt.tools:
            raise self.unsupported("function calling")
        turns = [{"speaker": message.role, "says": said} for message in prompt.messages if (said := says(message))]
        body = {"model": prompt.model, "turns": turns}
        for name, value in prompt.given().items():
            if name in OPTIONS:
                body[OPTIONS[name]] = value
            else:
                prompt.warn(f"{self.name} does not support {name}; it was left out.")
        path = "dialogue/stream" if prompt.stream else "dialogue"
        return self.build_post(path, merge(body, prompt.extra), stream=prompt.stream, headers=prompt.extra_headers)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a reply."""
        payload = self.decode(reply)
        if payload.get("error"):
            raise self.map_payload(payload)
        if not isinstance(payload.get("answer"), str):
            raise self.invalid_response("it has no answer", reply.body)
        return AIResponse.from_text(payload["answer"], raw=payload, **facts(payload))


def says(message: AIMessage) -> str:
    """All the text of a turn; a document of plain text is text, too."""
    documents = [part.plain_text or "" for part in message.parts if isinstance(part, Document)]
    return "\n".join([*documents, message.text])


def facts(payload: dict[str, Any]) -> dict[str, Any]:
    """Who answered, how it ended, and what it used."""
    word, tokens = as_str(payload.get("ending")), as_dict(payload.get("tokens"))
    usage = TokenUsage(input_tokens=as_int(tokens.get("read")), output_tokens=as_int(tokens.get("written")))
    finish = {"finished": "stop", "limit": "length", "blocked": "content_filter"}.get(word or "", "other")
    return {"model": as_str(payload.get("model")), "finish_reason": finish, "raw_finish_reason": word, "usage": usage}
