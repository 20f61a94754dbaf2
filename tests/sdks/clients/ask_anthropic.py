"""The anthropic package: Messages, token counts, models."""

from __future__ import annotations

import json
import sys
from typing import Any

import anthropic
from pydantic import BaseModel

HI: Any = [{"role": "user", "content": "Hi"}]
TOOLS: Any = [
    {
        "name": "add",
        "description": "Adds.",
        "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
    }
]


class City(BaseModel):
    name: str
    inhabitants: int


def messages(sdk: anthropic.Anthropic, model: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    usual: Any = {"model": model, "max_tokens": 100, "messages": HI}
    found["text"] = sdk.messages.create(**usual).content[0].text  # type: ignore[union-attr]
    with sdk.messages.stream(**usual) as stream:
        found["streamed"] = "".join(stream.text_stream)
    answer = sdk.messages.create(**usual, tools=TOOLS)
    [call] = [block for block in answer.content if block.type == "tool_use"]
    found["called"] = call.input
    result: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "3"}]}
    said: Any = {"role": "assistant", "content": answer.content}
    after = sdk.messages.create(**{**usual, "messages": [*HI, said, result]}, tools=TOOLS)
    found["after"] = after.content[0].text  # type: ignore[union-attr]
    parsed = sdk.messages.parse(**usual, output_format=City).parsed_output
    found["parsed"] = parsed.model_dump() if parsed else None
    try:
        sdk.messages.create(**{**usual, "model": "mock-error-429"})
    except anthropic.RateLimitError as error:
        found["failed"] = error.status_code
    return found


def others(sdk: anthropic.Anthropic, model: str) -> dict[str, Any]:
    counted = sdk.messages.count_tokens(model=model, messages=HI).input_tokens
    return {"models": len(list(sdk.models.list())), "counted": counted > 0}


if __name__ == "__main__":
    with anthropic.Anthropic(api_key="sk-ant-test", base_url=sys.argv[1], max_retries=0) as client:
        print(json.dumps({"messages": messages, "others": others}[sys.argv[2]](client, "mock")))
