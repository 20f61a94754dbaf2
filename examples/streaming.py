"""Streaming: an answer in pieces, as a context manager, by callback, and what is known at its end."""

from __future__ import annotations

from playground import playground

with playground("A river runs, and stays.", "The sea takes all of them.") as ai:
    openai = ai.provider("openai")

    with openai.send_streaming_message("A line on rivers, please.", model="gpt-4o-mini") as stream:
        for chunk in stream:
            print(chunk.content, end="", flush=True)
    print()
    print(stream.response.finish_reason, stream.response.usage)

    answer = openai.stream_message("One on the sea.", lambda chunk: print(end=chunk.content), model="gpt-4o-mini")
    print()
    print(len(answer.content), "characters")
