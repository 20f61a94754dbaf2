"""The state of a chat: a conversation, what will be attached to the next message, and where it forked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...data.messages import AIMessage, Text
from ...errors import ConfigurationError
from ..asking import Asked
from ..documents import Document, keep
from ..session import Session, default_model
from ..terminal import neutralise

if TYPE_CHECKING:
    from ...conversation import Conversation
    from ...data.messages import Part
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
        self._forks: list[Conversation] = []
        self.conversation = session.ai.conversation(asked.provider)
        if asked.earlier is not None:
            self.conversation.history.extend(asked.earlier.messages)

    @property
    def model_in_use(self) -> str | None:
        """The model that answers: the one that was named, else the connection's."""
        return self.model or default_model(self.session.ai.provider(self.provider))

    def change_provider(self, name: str) -> None:
        """Go on with another connection and its own model. Raises `ConfigurationError` when it cannot be used."""
        self.session.ai.provider(name)
        self.provider, self.model = name, None

    def answer(self, text: str, show: Callable[[AIChunk], object]) -> AIResponse:
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
        parts = [part for _, part in self.attached]
        message = AIMessage.user([*parts, Text(text)] if parts else text)
        turn = self.conversation.fork().provider(self.provider).model(model).system(self.system).options(**self.options)
        turn.id = self.conversation.id
        stream = turn.stream(message)
        came: list[str] = []
        try:
            with stream:
                for chunk in stream:
                    if not chunk.index:
                        came.append(chunk.content)
                    show(chunk)
        except KeyboardInterrupt:
            self._keep(message, "".join(came))
            raise
        self.conversation, self.attached = turn, []
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
        self.conversation = self._forks.pop()
        return True

    def clear(self) -> None:
        """Begin anew, with the same settings."""
        self.conversation, self.attached = self.session.ai.conversation(self.provider), []

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

    def as_markdown(self) -> str:
        """The conversation as text for people, with control characters shown."""
        pieces = [f"_{self.system}_"] if self.system else []
        pieces += [f"**{message.role}**\n\n{message.text}" for message in self.conversation.history]
        return neutralise("\n\n".join(pieces)) + "\n"

    def _keep(self, message: AIMessage, text: str) -> None:
        """Record a stopped turn, if anything came of it."""
        if text:
            self.conversation.history.extend([message, AIMessage.assistant(text)])
            self.attached = []
            keep(self.document())
