"""Amazon Bedrock: all its chat models over Converse, Claude over InvokeModel too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import msgspec

from ...config import Config, Setting
from ...contract import DriverHooks, OperationPart, StreamDecoder, Wire
from ...data.http import Reply, Request
from ...data.json import as_int
from ...data.models import Capabilities
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...driver import Driver
from ...errors import ConfigurationError
from ...operations.kinds import COUNT_TOKENS
from ...operations.results import TokenCount
from ...wires.converse import Converse
from ..traits import CalculatesCosts, HandlesApiCommunication
from .address import BedrockAddress, region_of, runtime_url
from .authentication import AuthenticatesWithAWS
from .batches import InvocationJobs
from .claude import ClaudeOnBedrock
from .credentials import find_credentials, load_profiles
from .embeddings import InvokedEmbeddings
from .errors import HandlesAWSErrors
from .models import ListsBedrockModels
from .stream import BedrockDecoder

__all__ = ["BedrockDriver"]

_COUNTED = frozenset({"messages", "system", "toolConfig", "additionalModelRequestFields"})


class BedrockWire(Wire, kw_only=True, eq=False):
    """Converse, and Claude's own API where the option or the setting `api` says "invoke".

    Answers are read as what they are.
    """

    converse: Converse = msgspec.field(default_factory=Converse)
    claude: ClaudeOnBedrock = msgspec.field(default_factory=ClaudeOnBedrock)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.option_names = self.converse.option_names | self.claude.option_names | {"api"}

    def bind(self, driver: DriverHooks) -> Self:
        """See `Part.bind`."""
        bound = super().bind(driver)
        bound.converse, bound.claude = self.converse.bind(driver), self.claude.bind(driver)
        return bound

    def choose(self, prompt: Prompt) -> Converse | ClaudeOnBedrock:
        """The wire for a prompt. Raises `ConfigurationError` for an `api` that does not exist."""
        chosen = prompt.options.get("api") or self.config.setting("api")
        if chosen not in ("converse", "invoke"):
            raise ConfigurationError(f"api must be 'converse' or 'invoke', not {chosen!r}", provider=self.name)
        return self.claude if chosen == "invoke" and "claude" in prompt.model else self.converse

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, on its API, with the options that this one knows."""
        wire = self.choose(prompt)
        if wire is self.converse and (prompt.options.get("api") or self.config.setting("api")) == "invoke":
            prompt.warn(f"{prompt.model} is called by Converse: only Claude has an API of its own here.")
        for name in prompt.options.keys() - wire.option_names - {"api"}:
            prompt.warn(f"{self.name} does not support {name} on this API; it was left out.")
        options = {name: value for name, value in prompt.options.items() if name in wire.option_names}
        return wire.build_request(msgspec.structs.replace(prompt, options=options))

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply, read as what it is. Raises a mapped error for an error inside a 200."""
        payload = self.decode(reply)
        if "content" in payload and "output" not in payload:
            return self.claude.parse_message(payload, prompt)
        return self.converse.parse_message(payload, prompt)

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream of either API."""
        return BedrockDecoder(self.converse, prompt, self.claude)


class BedrockTokenCounting(OperationPart, kw_only=True, eq=False):
    """Counts the tokens of prompts, which Claude's models do."""

    kinds = (COUNT_TOKENS,)

    def build_token_count(self, prompt: Prompt) -> Request:
        """The request for a prompt's number of tokens, which Claude's models have."""
        body = {
            name: value for name, value in self.driver.wire.converse.render_prompt(prompt).items() if name in _COUNTED
        }
        built: Request = self.driver.wire.converse.build_model_post(
            prompt, "count-tokens", {"input": {"converse": body}}
        )
        return built

    def parse_token_count(self, reply: Reply, prompt: Prompt) -> TokenCount:
        """The number of tokens. Raises `InvalidResponseError` when there is none."""
        payload = self.decode(reply)
        count = as_int(payload.get("inputTokens"))
        if count is None:
            raise self.invalid_response("it has no count", reply.body)
        return TokenCount(input_tokens=count, raw=payload)


class BedrockDriver(
    BedrockAddress, AuthenticatesWithAWS, ListsBedrockModels, HandlesApiCommunication, HandlesAWSErrors,
    CalculatesCosts, Driver,
):  # fmt: skip
    """Amazon Bedrock. https://docs.aws.amazon.com/bedrock/latest/userguide/what-is-bedrock.html

    With an API key (`AWS_BEARER_TOKEN_BEDROCK`) nothing else is needed. Else, or with an `access_key` in the settings,
    requests are signed: with `access_key` and `secret_key`, or with what AWS's own tools would find in environment,
    profile, single sign-on, and the roles of containers and machines. `credentials` takes an object of boto3's instead;
    that object sends by itself what renews its keys.

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
        Setting("control_url", kind="url", help="where models are listed, if not at AWS's own address"),
        Setting("batch_location", help="where files of batches are kept, as s3://bucket/folder"),
        Setting("batch_role", help="the ARN of the role in which Bedrock reads and writes them"),
        Setting("s3_url", kind="url", help="where S3 is, if not at AWS's own address"),
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
    wire = BedrockWire()
    operations = (
        InvokedEmbeddings(options={"embed": frozenset({"normalize", "embeddingTypes", "truncate", "embedding_types"})}),
        BedrockTokenCounting(),
        InvocationJobs(options={"create_batch": frozenset({"timeout_hours"})}),
    )

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
