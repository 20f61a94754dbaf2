"""Amazon Bedrock: all its chat models over Converse, Claude over InvokeModel too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from ...config import Config, Setting
from ...data.http import Reply, Request
from ...data.json import as_int
from ...data.models import Capabilities
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...driver import Driver
from ...errors import ConfigurationError
from ...operations.results import TokenCount
from ...wires.converse import CONVERSE_OPTIONS, Converse
from ...wires.messages import Messages
from ..traits import CalculatesCosts
from .address import BedrockAddress, region_of, runtime_url
from .authentication import AuthenticatesWithAWS
from .claude import ClaudeOnBedrock
from .credentials import find_credentials, load_profiles
from .embeddings import InvokesEmbeddings
from .errors import HandlesAWSErrors
from .models import ListsBedrockModels
from .stream import BedrockDecoder

__all__ = ["BedrockDriver"]

_COUNTED = frozenset({"messages", "system", "toolConfig", "additionalModelRequestFields"})


class BedrockDriver(
    BedrockAddress,
    AuthenticatesWithAWS,
    ListsBedrockModels,
    InvokesEmbeddings,
    Converse,
    HandlesAWSErrors,
    CalculatesCosts,
    Driver,
):
    """Amazon Bedrock. https://docs.aws.amazon.com/bedrock/latest/userguide/what-is-bedrock.html

    With an API key (`AWS_BEARER_TOKEN_BEDROCK`) nothing else is needed. Else, or with an `access_key` in the settings,
    requests are signed: with `access_key` and `secret_key`, or with what AWS's own tools would find in environment,
    profile, single sign-on, and the roles of containers and machines. `credentials` takes an object of boto3's instead;
    what that one sends to renew itself is its own affair.

    `api` is "converse", or "invoke" for Claude's own Messages API, as a setting or an option of the call. Answers are
    read as what they are.
    """

    name = "bedrock"
    title = "Bedrock"
    base_url = ""  # depends on the region: see `runtime_url`
    key_variables = ("AWS_BEARER_TOKEN_BEDROCK",)
    requires_key = False  # keys of AWS do as well
    settings = (
        Setting("region", env=("AWS_REGION", "AWS_DEFAULT_REGION"), help="the region; else the profile's"),
        Setting("profile", help="a profile of AWS's configuration files"),
        Setting("access_key", secret=True, help="an access key id"),
        Setting("secret_key", secret=True, help="the secret of the access key"),
        Setting("session_token", secret=True, help="the session token of a temporary access key"),
        Setting("credentials", kind="json", help="a boto3 session, or a credentials object of botocore's"),
        Setting("control_url", help="where models are listed, if not at AWS's own address"),
        Setting("api", default="converse", help='"converse", or "invoke" for Claude\'s own API'),
    )
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "video", "document", "json"),
    )
    decoder_class = BedrockDecoder
    option_names = CONVERSE_OPTIONS | Messages.option_names | {"api"}
    operation_options: ClassVar[Mapping[str, frozenset[str]]] = {
        "embeddings": frozenset({"normalize", "embeddingTypes", "truncate", "embedding_types"})
    }

    def __init__(self, config: Mapping[str, Any] | Config | None = None, **settings: Any) -> None:
        """Read and check the settings, the environment and AWS's files, offline. Raises `ConfigurationError`."""
        super().__init__(config, **settings)
        env: Mapping[str, str] = os.environ if settings.get("env") is None else settings["env"]
        self.region = self._find_region(env)
        base_url = self.config.base_url or runtime_url(self.region)
        self.config = msgspec.structs.replace(self.config, base_url=base_url)
        has_key = self.config.api_key is not None or "authorization" in self.config.headers
        signs = self.config.setting("access_key") or self.config.setting("credentials") is not None
        if signs or not has_key:
            self.credentials = find_credentials(self.config, self.region, env)

    def _find_region(self, env: Mapping[str, str]) -> str:
        given = self.config.setting("region") or region_of(self.config.base_url)
        if given is None and not (self.config.base_url and self.config.api_key):
            given = load_profiles(self.config.setting("profile"), env).current.get("region")
            if not given:
                raise ConfigurationError(
                    f"{self.config.name}: region is missing; give it, or set AWS_REGION", provider=self.name
                )
        return str(given or "")

    @cached_property
    def claude(self) -> ClaudeOnBedrock:
        """What prompts for Claude are handed to, with the API "invoke"."""
        return ClaudeOnBedrock(self.config)

    def wire_of(self, prompt: Prompt) -> BedrockDriver | ClaudeOnBedrock:
        """The one that speaks the API of a prompt. Raises `ConfigurationError` for an `api` that does not exist."""
        chosen = prompt.options.get("api") or self.config.setting("api")
        if chosen not in ("converse", "invoke"):
            raise ConfigurationError(f"api must be 'converse' or 'invoke', not {chosen!r}", provider=self.name)
        if chosen == "invoke" and "claude" not in prompt.model:
            prompt.warn(f"{prompt.model} is called by Converse: only Claude has an API of its own here.")
            return self
        return self.claude if chosen == "invoke" else self

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, on its API, with the options that this one knows."""
        wire = self.wire_of(prompt)
        known = CONVERSE_OPTIONS if wire is self else Messages.option_names
        for name in prompt.options.keys() - known - {"api"}:
            prompt.warn(f"{self.name} takes no {name} on this API; it was left out.")
        options = {name: value for name, value in prompt.options.items() if name in known}
        prompt = msgspec.structs.replace(prompt, options=options)
        return super().build_request(prompt) if wire is self else wire.build_request(prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply, read as what it is. Raises a mapped error for an error inside a 200."""
        payload = self.decode(reply)
        if "content" in payload and "output" not in payload:
            return self.claude.parse_message(payload, prompt)
        return self.parse_message(payload, prompt)

    def build_token_count(self, prompt: Prompt) -> Request:
        """The request for a prompt's number of tokens, which Claude's models have."""
        body = {name: value for name, value in self.render_prompt(prompt).items() if name in _COUNTED}
        return self.build_model_post(prompt, "count-tokens", {"input": {"converse": body}})

    def parse_token_count(self, reply: Reply, prompt: Prompt) -> TokenCount:
        """The number of tokens. Raises `InvalidResponseError` when there is none."""
        payload = self.decode(reply)
        count = as_int(payload.get("inputTokens"))
        if count is None:
            raise self.invalid_response("it has no count", reply.body)
        return TokenCount(input_tokens=count, raw=payload)
