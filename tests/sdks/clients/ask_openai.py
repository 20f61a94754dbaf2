"""The openai package: Chat Completions, Responses, and what else the mock server keeps."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from typing import Any

import openai
from pydantic import BaseModel

TOOL = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
}
HI: Any = [{"role": "user", "content": "Hi"}]


class City(BaseModel):
    name: str
    inhabitants: int


def chat(sdk: openai.OpenAI, model: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    answer = sdk.chat.completions.create(model=model, messages=HI)
    found["text"] = answer.choices[0].message.content
    stream = sdk.chat.completions.create(model=model, messages=HI, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    found["streamed"] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    tools: Any = [{"type": "function", "function": TOOL}]
    message = sdk.chat.completions.create(model=model, messages=HI, tools=tools).choices[0].message
    [call] = message.tool_calls or []
    found["called"] = json.loads(call.function.arguments)  # type: ignore[union-attr]
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "3"}
    found["after"] = (
        sdk.chat.completions.create(model=model, messages=[*HI, message, result], tools=tools)
        .choices[0]
        .message.content
    )
    parsed = sdk.chat.completions.parse(model=model, messages=HI, response_format=City).choices[0].message.parsed
    found["parsed"] = parsed.model_dump() if parsed else None
    try:
        sdk.chat.completions.create(model="mock-error-429", messages=HI)
    except openai.RateLimitError as error:
        found["failed"] = error.status_code
    return found


def responses(sdk: openai.OpenAI, model: str) -> dict[str, Any]:
    found: dict[str, Any] = {"text": sdk.responses.create(model=model, input="Hi").output_text}
    with sdk.responses.stream(model=model, input="Hi") as stream:
        for _ in stream:
            pass
        found["streamed"] = stream.get_final_response().output_text
    tools: Any = [{"type": "function", "strict": False, **TOOL}]
    answer = sdk.responses.create(model=model, input="Hi", tools=tools)
    [call] = [item for item in answer.output if item.type == "function_call"]
    found["called"] = json.loads(call.arguments)
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "3"}
    history: Any = [{"role": "user", "content": "Hi"}, *answer.output, result]
    found["after"] = sdk.responses.create(model=model, input=history, tools=tools).output_text
    parsed = sdk.responses.parse(model=model, input="Hi", text_format=City).output_parsed
    found["parsed"] = parsed.model_dump() if parsed else None
    try:
        sdk.responses.create(model="mock-error-429", input="Hi")
    except openai.RateLimitError as error:
        found["failed"] = error.status_code
    return found


def others(sdk: openai.OpenAI, model: str) -> dict[str, Any]:
    file = sdk.files.create(file=("in.jsonl", io.BytesIO(b"{}\n")), purpose="batch")
    read = sdk.files.content(file.id).read().decode()
    sdk.files.delete(file.id)
    return {
        "models": len(list(sdk.models.list())),
        "vectors": len(sdk.embeddings.create(model=model, input=["a", "b"]).data),
        "flagged": sdk.moderations.create(model=model, input="x").results[0].flagged,
        "file": read,
        "speech": bool(sdk.audio.speech.create(model=model, voice="alloy", input="Hi").read()),
        "heard": sdk.audio.transcriptions.create(model=model, file=("a.wav", b"RIFF")).text,
    }


async def chat_async(url: str) -> str | None:
    async with openai.AsyncOpenAI(api_key="sk-test", base_url=url, max_retries=0) as sdk:
        return (await sdk.chat.completions.create(model="mock", messages=HI)).choices[0].message.content


if __name__ == "__main__":
    with openai.OpenAI(api_key="sk-test", base_url=sys.argv[1], max_retries=0) as client:
        answers = {"chat": chat, "responses": responses, "others": others}[sys.argv[2]](client, "mock")
    if sys.argv[2] == "others":
        answers["async"] = asyncio.run(chat_async(sys.argv[1]))
    print(json.dumps(answers))
