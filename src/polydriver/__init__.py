"""polydriver: one interface over many AI providers, each with a driver of its own.

::

    from polydriver import AI

    ai = AI()  # keys from the environment
    print(ai.provider("openai").send_message("Say hello", model="gpt-4o-mini").content)


Every name here is loaded on first use: importing the package loads no driver and no HTTP client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import Config as Config
    from .config import Secret as Secret
    from .config import Setting as Setting
    from .conversation import AsyncConversation as AsyncConversation
    from .conversation import Conversation as Conversation
    from .data.attempts import AttemptReport as AttemptReport
    from .data.batches import BatchOutcome as BatchOutcome
    from .data.batches import BatchProgress as BatchProgress
    from .data.billing import BillingFacts as BillingFacts
    from .data.circuits import CircuitReport as CircuitReport
    from .data.cost import Cost as Cost
    from .data.messages import AIMessage as AIMessage
    from .data.messages import Audio as Audio
    from .data.messages import Document as Document
    from .data.messages import Image as Image
    from .data.messages import ProviderPart as ProviderPart
    from .data.messages import Reasoning as Reasoning
    from .data.messages import Refusal as Refusal
    from .data.messages import Text as Text
    from .data.messages import ToolCall as ToolCall
    from .data.messages import ToolResult as ToolResult
    from .data.messages import Video as Video
    from .data.models import AIModel as AIModel
    from .data.models import Capabilities as Capabilities
    from .data.models import CredentialReport as CredentialReport
    from .data.models import HealthReport as HealthReport
    from .data.models import RecentAttempts as RecentAttempts
    from .data.models import SyncReport as SyncReport
    from .data.openai_messages import load_messages as load_messages
    from .data.plain_messages import dump_messages as dump_messages
    from .data.prompt import OutputFormat as OutputFormat
    from .data.prompt import ProviderTool as ProviderTool
    from .data.prompt import ToolSpec as ToolSpec
    from .data.responses import AIChunk as AIChunk
    from .data.responses import AIResponse as AIResponse
    from .data.responses import Choice as Choice
    from .data.responses import Continuation as Continuation
    from .data.usage import TokenUsage as TokenUsage
    from .data.vectors import Vector as Vector
    from .driver import Driver as Driver
    from .drivers.compatible import openai_compatible as openai_compatible
    from .drivers.mock import MockDriver as MockDriver
    from .drivers.openai import OpenAIDriver as OpenAIDriver
    from .engine.batches import AsyncBatchStream as AsyncBatchStream
    from .engine.batches import BatchStream as BatchStream
    from .engine.streams import AsyncStream as AsyncStream
    from .engine.streams import Stream as Stream
    from .errors import AIError as AIError
    from .errors import APIConnectionError as APIConnectionError
    from .errors import APITimeoutError as APITimeoutError
    from .errors import BudgetExceededError as BudgetExceededError
    from .errors import CircuitOpenError as CircuitOpenError
    from .errors import ConfigurationError as ConfigurationError
    from .errors import ContentFilterError as ContentFilterError
    from .errors import ContextLengthError as ContextLengthError
    from .errors import DeadlineExceededError as DeadlineExceededError
    from .errors import InvalidCredentialsError as InvalidCredentialsError
    from .errors import InvalidRequestError as InvalidRequestError
    from .errors import InvalidResponseError as InvalidResponseError
    from .errors import LimitReachedError as LimitReachedError
    from .errors import ModelNotFoundError as ModelNotFoundError
    from .errors import ProviderClosedError as ProviderClosedError
    from .errors import ProviderError as ProviderError
    from .errors import QuotaExceededError as QuotaExceededError
    from .errors import RateLimitError as RateLimitError
    from .errors import ServerError as ServerError
    from .errors import StorageError as StorageError
    from .errors import StreamInterruptedError as StreamInterruptedError
    from .errors import ToolExecutionError as ToolExecutionError
    from .errors import UnknownOptionError as UnknownOptionError
    from .errors import UnsupportedFeatureError as UnsupportedFeatureError
    from .events import AttemptFinished as AttemptFinished
    from .events import BudgetWarning as BudgetWarning
    from .events import CacheHit as CacheHit
    from .events import CircuitChanged as CircuitChanged
    from .events import ConversationUpdated as ConversationUpdated
    from .events import CostCalculated as CostCalculated
    from .events import Event as Event
    from .events import EventBus as EventBus
    from .events import LimitReached as LimitReached
    from .events import MessageSent as MessageSent
    from .events import ModelsSynced as ModelsSynced
    from .events import ProviderFellBack as ProviderFellBack
    from .events import RequestFailed as RequestFailed
    from .events import RequestHedged as RequestHedged
    from .events import RequestRetried as RequestRetried
    from .events import ResponseGenerated as ResponseGenerated
    from .events import StreamAbandoned as StreamAbandoned
    from .events import ToolCalled as ToolCalled
    from .events import ToolCompleted as ToolCompleted
    from .events import ToolFailed as ToolFailed
    from .manager import AI as AI
    from .manager import AsyncAI as AsyncAI
    from .operations.results import Batch as Batch
    from .operations.results import BatchCounts as BatchCounts
    from .operations.results import BatchItem as BatchItem
    from .operations.results import BatchProblem as BatchProblem
    from .operations.results import BatchResults as BatchResults
    from .operations.results import DeletedFile as DeletedFile
    from .operations.results import EmbeddingResponse as EmbeddingResponse
    from .operations.results import FileContent as FileContent
    from .operations.results import ImageResponse as ImageResponse
    from .operations.results import ModerationResponse as ModerationResponse
    from .operations.results import ModerationResult as ModerationResult
    from .operations.results import OCRPage as OCRPage
    from .operations.results import OCRResponse as OCRResponse
    from .operations.results import OperationResult as OperationResult
    from .operations.results import RerankResponse as RerankResponse
    from .operations.results import RerankResult as RerankResult
    from .operations.results import SpeechResponse as SpeechResponse
    from .operations.results import StoredFile as StoredFile
    from .operations.results import TokenCount as TokenCount
    from .operations.results import Transcript as Transcript
    from .operations.results import TranscriptSegment as TranscriptSegment
    from .operations.results import TranscriptWord as TranscriptWord
    from .prices.pricing import ModelPricing as ModelPricing
    from .prices.pricing import PriceTier as PriceTier
    from .provider import AsyncProvider as AsyncProvider
    from .provider import Provider as Provider
    from .provider.options import CallOptions as CallOptions
    from .tools import Tool as Tool
    from .tools import tool as tool
    from .version import __version__ as __version__

_HOMES = {
    "config": "Config Secret Setting",
    "conversation": "AsyncConversation Conversation",
    "data.messages": "AIMessage Audio Document Image ProviderPart Reasoning Refusal Text ToolCall ToolResult Video",
    "data.models": "AIModel Capabilities CredentialReport HealthReport RecentAttempts SyncReport",
    "data.openai_messages": "load_messages",
    "data.plain_messages": "dump_messages",
    "operations.results": (
        "Batch BatchCounts BatchItem BatchProblem BatchResults DeletedFile EmbeddingResponse FileContent ImageResponse "
        "ModerationResponse ModerationResult OCRPage OCRResponse OperationResult RerankResponse RerankResult "
        "SpeechResponse StoredFile TokenCount Transcript TranscriptSegment TranscriptWord"
    ),
    "data.attempts": "AttemptReport",
    "data.batches": "BatchOutcome BatchProgress",
    "data.billing": "BillingFacts",
    "data.circuits": "CircuitReport",
    "data.cost": "Cost",
    "prices.pricing": "ModelPricing PriceTier",
    "data.prompt": "OutputFormat ProviderTool ToolSpec",
    "data.responses": "AIChunk AIResponse Choice Continuation",
    "data.usage": "TokenUsage",
    "data.vectors": "Vector",
    "driver": "Driver",
    "drivers.compatible": "openai_compatible",
    "drivers.mock": "MockDriver",
    "drivers.openai": "OpenAIDriver",
    "engine.batches": "AsyncBatchStream BatchStream",
    "engine.streams": "AsyncStream Stream",
    "errors": (
        "AIError APIConnectionError APITimeoutError BudgetExceededError CircuitOpenError ConfigurationError "
        "ContentFilterError ContextLengthError DeadlineExceededError InvalidCredentialsError InvalidRequestError "
        "InvalidResponseError LimitReachedError ModelNotFoundError ProviderClosedError ProviderError "
        "QuotaExceededError RateLimitError ServerError StorageError StreamInterruptedError ToolExecutionError "
        "UnknownOptionError UnsupportedFeatureError"
    ),
    "events": (
        "AttemptFinished BudgetWarning CacheHit CircuitChanged ConversationUpdated CostCalculated Event EventBus "
        "LimitReached MessageSent ModelsSynced ProviderFellBack RequestFailed RequestHedged RequestRetried "
        "ResponseGenerated "
        "StreamAbandoned ToolCalled ToolCompleted ToolFailed"
    ),
    "manager": "AI AsyncAI",
    "provider": "AsyncProvider Provider",
    "provider.options": "CallOptions",
    "tools": "Tool tool",
    "version": "__version__",
}
_home_of = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_home_of)


def __getattr__(name: str) -> Any:
    home = _home_of.get(name)
    if home is None:
        raise AttributeError(f"module 'polydriver' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
