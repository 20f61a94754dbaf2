"""The mistralai package, which speaks a Chat Completions of its own."""

from __future__ import annotations

import json
import sys
from typing import Any

import mistralai.client as mistral

HI: Any = [{"role": "user", "content": "Hi"}]


def chat(sdk: Any, model: str) -> dict[str, Any]:
    found: dict[str, Any] = {"text": sdk.chat.complete(model=model, messages=HI).choices[0].message.content}
    with sdk.chat.stream(model=model, messages=HI) as events:
        found["streamed"] = "".join(event.data.choices[0].delta.content or "" for event in events if event.data.choices)
    return found


if __name__ == "__main__":
    with mistral.Mistral(api_key="test-key", server_url=sys.argv[1].removesuffix("/v1")) as client:
        print(json.dumps({"chat": chat}[sys.argv[2]](client, "mock")))
