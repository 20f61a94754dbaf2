"""Bedrock's table of errors. https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html"""

from __future__ import annotations

import msgspec

from ...data.http import Reply
from ...errors import (
    APITimeoutError,
    InvalidCredentialsError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from ..traits import ErrorFacts, ErrorTable, HandlesErrors

__all__ = ["BEDROCK_ERRORS", "HandlesAWSErrors"]

_REFUSED = "ValidationException"


class BedrockErrorTable(ErrorTable, frozen=True):
    """Knows the type that stands for a refused request where no HTTP status tells: in streams."""

    def classify(self, facts: ErrorFacts) -> type[ProviderError]:
        """See `ErrorTable.classify`."""
        if facts.type == _REFUSED and facts.status is None:
            facts = msgspec.structs.replace(facts, status=400)
        return super().classify(facts)


BEDROCK_ERRORS = BedrockErrorTable(
    branch="Bedrock",
    codes={
        "ThrottlingException": RateLimitError,
        "TooManyRequestsException": RateLimitError,
        "ServiceQuotaExceededException": QuotaExceededError,
        "ResourceNotFoundException": ModelNotFoundError,
        "ModelTimeoutException": APITimeoutError,
        "UnknownOperationException": InvalidRequestError,
        **dict.fromkeys(
            (
                "InternalServerException",
                "InternalFailure",
                "ModelErrorException",
                "ModelNotReadyException",
                "ModelStreamErrorException",
                "ServiceUnavailableException",
            ),
            ServerError,
        ),
        **dict.fromkeys(
            (
                "AccessDenied",
                "AccessDeniedException",
                "ExpiredToken",
                "ExpiredTokenException",
                "IncompleteSignatureException",
                "InvalidClientTokenId",
                "InvalidSignatureException",
                "MissingAuthenticationTokenException",
                "NotAuthorized",
                "RequestExpired",
                "SignatureDoesNotMatch",
                "UnauthorizedException",
                "UnrecognizedClientException",
            ),
            InvalidCredentialsError,
        ),
    },
    client_statuses={
        "ModelErrorException": 424,
        "ModelNotReadyException": 429,  # no limit of rate: the model is being loaded
        "ModelStreamErrorException": 424,
        "ModelTimeoutException": 408,
    },
    texts=((r"model identifier is invalid|end of its life", ModelNotFoundError),),
)


class HandlesAWSErrors(HandlesErrors):
    """Reads the type of an error where AWS puts it: a header, `__type`, or the name of an exception in a stream."""

    errors = BEDROCK_ERRORS

    def parse_error(self, reply: Reply) -> ErrorFacts:
        """Read the facts of a failed reply; the header wins over the body."""
        facts = super().parse_error(reply)
        facts.type = reply.headers.get("x-amzn-errortype") or facts.type
        return facts

    def build_error(self, facts: ErrorFacts, reply: Reply | None = None) -> ProviderError:
        """The driver's own class for these facts, with the plain name of the type.

        `com.amazon.coral.service#AccessDeniedException` and `AccessDeniedException:http://...` are that name, as is
        `accessDeniedException` in a stream.
        """
        if facts.type:
            name = facts.type.rpartition("#")[2].partition(":")[0]
            facts.type = name[:1].upper() + name[1:] or None
        return super().build_error(facts, reply)
