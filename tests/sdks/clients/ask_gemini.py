"""The google-genai package: generateContent, token counts, embeddings, models."""

from __future__ import annotations

import json
import sys
from typing import Any

from google import genai
from google.genai import errors, types
from pydantic import BaseModel


class City(BaseModel):
    name: str
    inhabitants: int


def generate(sdk: genai.Client, model: str) -> dict[str, Any]:
    found: dict[str, Any] = {"text": sdk.models.generate_content(model=model, contents="Hi").text}
    pieces = sdk.models.generate_content_stream(model=model, contents="Hi")
    found["streamed"] = "".join(piece.text or "" for piece in pieces)
    schema: Any = {"type": "object", "properties": {"a": {"type": "integer"}}}
    declared = types.FunctionDeclaration(name="add", description="Adds.", parameters_json_schema=schema)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    answer = sdk.models.generate_content(model=model, contents="Hi", config=config)
    [call] = answer.function_calls or []
    found["called"] = call.args
    result = types.Part.from_function_response(name="add", response={"output": 3})
    said: Any = answer.candidates[0].content  # type: ignore[index]
    history: Any = [types.UserContent("Hi"), said, types.Content(role="user", parts=[result])]
    found["after"] = sdk.models.generate_content(model=model, contents=history, config=config).text
    form = types.GenerateContentConfig(response_mime_type="application/json", response_schema=City)
    parsed: Any = sdk.models.generate_content(model=model, contents="Hi", config=form).parsed
    found["parsed"] = parsed.model_dump() if parsed else None
    try:
        sdk.models.generate_content(model="mock-error-429", contents="Hi")
    except errors.ClientError as error:
        found["failed"] = error.code
    return found


def others(sdk: genai.Client, model: str) -> dict[str, Any]:
    vectors = sdk.models.embed_content(model=model, contents=["a", "b"]).embeddings or []
    counted = sdk.models.count_tokens(model=model, contents="Hi").total_tokens or 0
    return {"models": len(list(sdk.models.list())), "vectors": len(vectors), "counted": counted > 0}


if __name__ == "__main__":
    options = types.HttpOptions(base_url=sys.argv[1])
    with genai.Client(api_key="test-key", http_options=options) as client:
        print(json.dumps({"generate": generate, "others": others}[sys.argv[2]](client, "mock")))
