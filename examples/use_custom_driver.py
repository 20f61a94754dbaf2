"""Your own drivers in use: registered with `ai.extend`, they do all that ours do. The server here plays the service."""

from __future__ import annotations

from custom_driver import CustomAIDriver
from playground import serve
from streaming_driver import StreamingCustomDriver

from polydriver import AI

ANSWER = b'{"answer": "Hello from custom AI!", "ending": "finished", "model": "custom-model-v1",'
ANSWER += b' "tokens": {"read": 12, "written": 6}}'
STREAM = b'\x1e{"delta": "Hello "}\n\x1e{"delta": "in pieces!"}\n'
STREAM += b'\x1e{"ending": "finished", "model": "custom-model-v1", "tokens": {"read": 12, "written": 4}}\n'
MODELS = b'{"data": [{"id": "custom-model-v1", "context_length": 32000}]}'

with serve({"/dialogue": ANSWER, "/dialogue/stream": STREAM, "/models": MODELS}) as url:
    prices = {"custom-model-v1": {"input": 0.5, "output": 1.5}}  # USD per million tokens
    settings = {"api_key": "custom-example-key", "base_url": url, "prices": prices}
    with AI({"default": "custom-ai", "providers": {"custom-ai": settings}}) as ai:
        ai.extend("custom-ai", CustomAIDriver)
        ai.extend("streaming-custom-ai", lambda config: StreamingCustomDriver({**config, **settings}))

        answer = ai.conversation().message("Hello from Python!").send()
        print(answer.content, answer.usage, answer.cost)

        with ai.provider("streaming-custom-ai").send_streaming_message("Hello!", temperature=0.3, seed=1) as stream:
            print([chunk.content for chunk in stream if chunk.content])
        print(stream.response.warnings)

        print([model.id for model in ai.provider().get_available_models()], bool(ai.provider().validate_credentials()))
