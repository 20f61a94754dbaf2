"""Errors: by kind, by provider, and what each carries. Retries obey the server; a cut stream is never a success."""

from __future__ import annotations

from playground import playground

from polydriver import AIError, InvalidCredentialsError, RateLimitError, RequestRetried, StreamInterruptedError

REPLIES = (
    {"error": "server_error"},
    "Here I am again.",
    {"error": "rate_limit", "retry_after": 3600},
    {"error": "credentials"},
    {"error": "cut", "text": "Once upon a time there was"},
    {"error": "context_length"},
)

with playground(*REPLIES) as ai:
    openai = ai.provider("openai")
    ai.on(RequestRetried, lambda event: print(f"again in {event.delay:.2f} s after {type(event.error).__name__}"))

    print(openai.send_message("Are you there?", model="gpt-4o-mini").content)

    try:
        openai.send_message("Hi", model="gpt-4o-mini")
    except RateLimitError as error:  # the server wants an hour, which is longer than we wait by ourselves
        print(type(error).__name__, "- come back in", error.retry_after, "s")

    try:
        openai.send_message("Hi", model="gpt-4o-mini")
    except InvalidCredentialsError as error:
        print(type(error).__name__, error.status, error.code, "-", error.hint)

    try:
        with openai.send_streaming_message("A story, please.", model="gpt-4o-mini") as stream:
            for chunk in stream:
                print(end=chunk.content)
    except StreamInterruptedError as error:
        print("\nwhat came is kept:", repr(error.partial.content if error.partial else ""))

    try:
        openai.send_message("Hi", model="gpt-4o-mini", deadline=20, retry_attempts=2)
    except AIError as error:  # the root of everything that polydriver raises
        print(error)
