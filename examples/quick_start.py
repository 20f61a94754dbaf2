"""Quick start: one message, then a conversation that remembers what was said."""

from __future__ import annotations

from playground import playground

with playground("It scatters blue light most.", "Then red light is what is left.") as ai:
    reply = ai.provider("openai").send_message("Why is the sky blue?", model="gpt-4o-mini")
    print(reply.content)
    print(reply.finish_reason, reply.usage, reply.cost)

    chat = ai.conversation().model("gpt-4o-mini").system("Answer in one sentence.")
    chat.messages(["Why is the sky blue?", reply.to_message()])
    print(chat.send("And why red in the evening?").content)
    print(len(chat.history), "messages in the history")
