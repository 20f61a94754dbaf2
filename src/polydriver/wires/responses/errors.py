"""What the codes of failed responses mean.

https://platform.openai.com/docs/api-reference/responses/object (`error.code`)
"""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import ContentFilterError, InvalidRequestError, ProviderError, ServerError

__all__ = ["RESPONSE_CODES"]

RESPONSE_CODES: Mapping[str, type[ProviderError]] = {
    "invalid_prompt": InvalidRequestError,
    "bio_policy": ContentFilterError,
    "image_content_policy_violation": ContentFilterError,
    "vector_store_timeout": ServerError,
    **dict.fromkeys(
        (
            "data_residency_mismatch",
            "empty_image_file",
            "failed_to_download_image",
            "image_file_not_found",
            "image_file_too_large",
            "image_parse_error",
            "image_too_large",
            "image_too_small",
            "invalid_base64_image",
            "invalid_image",
            "invalid_image_format",
            "invalid_image_mode",
            "invalid_image_url",
            "unsupported_image_media_type",
        ),
        InvalidRequestError,
    ),
}
"""Codes of failed responses, which come without an HTTP status, for a driver's `ErrorTable`."""
