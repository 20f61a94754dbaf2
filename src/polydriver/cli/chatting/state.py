"""The state of a chat: a conversation, what will be attached to the next message, and where it forked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...data.messages import AIMessage, Part, Text
from ...errors import APITimeoutError, ConfigurationError, InvalidResponseError, StreamInterruptedError
from ..asking import Asked
from ..documents import Document, keep
from ..session import Session, default_model
from ..terminal import neutralise

if TYPE_CHECKING:
    from ...conversation import Conversation
    from ...data.responses import AIChunk, AIResponse

__all__ = ["Chat"]


class Chat:
    """A chat over one conversation at a time.

    Each turn is made on a copy of the conversation, which takes its place when the answer is whole: a turn that fails
    leaves no trace in the history, and its attachments stay for the next try.
    """

    def __init__(self, session: Session, asked: Asked) -> None:
        self.session = session
        self.provider = asked.provider
        self.model = asked.model
        self.system = asked.system
        self.options = asked.options
        self.attached: list[tuple[str, Part]] = asked.parts
        self.saved: set[str] = set()
        self.left_out: Counter[str] = Counter()
        self._again: AIMessage | None = None
        self._failed: AIMessage | None = None
        self._forks: list[Conversation] = []
        self._answered: list[AIMessage] = []
        self.conversation = session.ai.conversation(provider=asked.provider)
        if asked.earlier is not None:
            self.conversation.history.extend(asked.earlier.messages)
            self._count_earlier()

    @property
    def model_in_use(self) -> str | None:
        """The model that answers: the one that was named, else the connection's."""
        return self.model or default_model(self.session.ai.provider(self.provider))

    def change_provider(self, name: str) -> None:
        """Go on with another connection and its own model. Raises `ConfigurationError` when it cannot be used."""
        name = self.session.provider_name(name)
        self.session.ai.provider(name)
        self.provider, self.model = name, None

    def message(self, text: str) -> AIMessage:
        """The message of what was typed, with what is attached."""
        parts = [part for _, part in self.attached]
        return AIMessage.user([*parts, Text(text)] if parts else text)

    def ask_again(self) -> AIMessage | None:
        """The message that /retry sends: the one that failed, else the last one of the user.

        What was answered to it is taken back once another answer is there. `None` when nothing was said.
        """
        said = [message for message in self.conversation.history if message.role == "user"]
        self._again = self._failed or (said[-1] if said else None)
        return self._again

    def answer(self, message: AIMessage, show: Callable[[AIChunk], object]) -> AIResponse:
        """Send a message and show the answer as it comes. Raises `AIError`, and `KeyboardInterrupt`.

        After Ctrl-C the message and what came of its answer are in the history, as plain text; nothing is when nothing
        came.
        """
        model = self.model_in_use
        if not model:
            raise ConfigurationError(
                f"no model is named for {self.provider}",
                hint=f"Name one with /model NAME; `polydriver models {self.provider}` lists them.",
            )
        before = self._before(message)
        self._again, self._failed = None, message if len(before) == len(self.conversation.history) else None
        turn = self.conversation.fork().provider(self.provider).model(model).system(self.system).options(**self.options)
        turn.id, turn.history = self.conversation.id, before
        stream = turn.stream(message)
        came: list[str] = []
        try:
            with stream:
                for chunk in stream:
                    if not chunk.index:
                        came.append(chunk.content)
                    show(chunk)
        except KeyboardInterrupt:
            self.left_out["stopped answers"] += 1
            self._keep(before, message, "".join(came))
            raise
        except (StreamInterruptedError, APITimeoutError, InvalidResponseError):
            self.left_out["failed answers"] += 1
            raise
        self.conversation, self.attached, self._failed = turn, [], None
        self._answered.append(turn.history[-1])
        keep(self.document())
        return stream.response

    def fork(self) -> None:
        """Go on in a copy of the conversation; `back` returns to the original."""
        self._forks.append(self.conversation)
        self.conversation = self.conversation.fork()

    def back(self) -> bool:
        """Return to the conversation that was last forked from. False when there is none."""
        if not self._forks:
            return False
        original = self._forks.pop()
        self.left_out["answers in forks"] += len(self.conversation.responses) - len(original.responses)
        self.conversation, self._failed = original, None
        return True

    def clear(self) -> None:
        """Begin anew, with the same settings."""
        self.left_out["answers before /clear or /load"] += len(self.conversation.responses)
        self.conversation, self.attached = self.session.ai.conversation(provider=self.provider), []
        self._failed = None

    def document(self) -> Document:
        """The conversation with who answers it."""
        return Document(self.provider, self.model_in_use, self.system, self.conversation.history)

    def load(self, document: Document) -> None:
        """Go on with another conversation, and whom it names. Raises `ConfigurationError` when that cannot be used."""
        if document.provider is not None and document.provider != self.provider:
            self.change_provider(document.provider)
        self.model, self.system = document.model or self.model, document.system
        self.clear()
        self.conversation.history.extend(document.messages)
        self._count_earlier()

    def as_markdown(self) -> str:
        """The conversation as text for people, with control characters shown."""
        pieces = [f"_{self.system}_"] if self.system else []
        pieces += [f"**{message.role}**\n\n{message.text}" for message in self.conversation.history]
        return neutralise("\n\n".join(pieces)) + "\n"

    def _before(self, message: AIMessage) -> list[AIMessage]:
        """The history that a message follows: all of it, or, when it is asked again, what stood before it."""
        history = list(self.conversation.history)
        if message is self._again and message is not self._failed:
            del history[max(place for place, said in enumerate(history) if said.role == "user") :]
        return history

    def _count_earlier(self) -> None:
        """Note the answers of an earlier run, whose costs are not known here."""
        earlier = [message for message in self.conversation.history if message not in self._answered]
        answers = sum(message.role == "assistant" for message in earlier)
        self.left_out["answers of an earlier run"] += answers

    def _keep(self, before: list[AIMessage], message: AIMessage, text: str) -> None:
        """Record a stopped turn, if anything came of it."""
        if text:
            self.conversation.history = [*before, message, AIMessage.assistant(text)]
            self.attached, self._failed = [], None
            keep(self.document())
