"""Your own drivers in use: registered with `ai.extend`, they do all that ours do. A server here plays both."""

from __future__ import annotations

import json

from custom_driver import CustomAIDriver
from harbor_driver import HarborDriver
from playground import serve

from polydriver import AI

ANSWER = b'{"answer": "Hello from custom AI!", "ending": "finished", "model": "custom-model-v1",'
ANSWER += b' "tokens": {"read": 12, "written": 6}}'
MODELS = b'{"data": [{"id": "custom-model-v1", "context_length": 32000}]}'
FRAMES = [
    {"id": "ans_1", "model": "m-1"},
    {"thought": "A greeting."},
    {"text": "Hello "},
    {"text": "in pieces!"},
    {"ending": "done", "meter": {"read": 12, "written": 4}, "price": "0.000042"},
]
STREAM = b"".join(len(frame).to_bytes(4) + frame for frame in (json.dumps(frame).encode() for frame in FRAMES))

with serve({"/dialogue": ANSWER, "/answers": STREAM, "/models": MODELS}) as url:
    prices = {"custom-model-v1": {"input": 0.5, "output": 1.5}}  # USD per million tokens
    settings = {"api_key": "custom-example-key", "base_url": url}
    connections = {"custom-ai": {**settings, "prices": prices}, "harbor": settings}
    with AI({"default": "custom-ai", "providers": connections}) as ai:
        ai.extend("custom-ai", CustomAIDriver)
        ai.extend("harbor", HarborDriver)

        answer = ai.conversation().message("Hello from Python!").send()
        print(answer.content, answer.usage, answer.cost)

        with ai.provider("harbor").send_streaming_message("Hello!", model="m-1", temperature=0.3, n=2) as stream:
            print([chunk.content for chunk in stream if chunk.content])
        print(stream.response.reasoning, stream.response.cost, stream.response.warnings)

        print([model.id for model in ai.provider().get_available_models()], bool(ai.provider().validate_credentials()))
