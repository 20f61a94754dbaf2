"""Rows of general clouds that serve models, many of them in an account or a region of one's own."""

from __future__ import annotations

from ...config import Setting
from ...operations.requests import EmbeddingLimits
from ...wires.operations import Embeddings, ImageGeneration, Reranking, Transcription
from ...wires.responses import Responses
from .common import CompatibleChat, Row

__all__ = ["CLOUDS"]

CLOUDS: dict[str, Row] = {
    # https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html
    "bedrock_mantle": Row(
        title="Bedrock Mantle",
        base_url="https://bedrock-mantle.{region}.api.aws",
        key_variables=("AWS_BEARER_TOKEN_BEDROCK",),
        settings=(Setting("region", env=("AWS_REGION", "AWS_DEFAULT_REGION"), help="the AWS region"),),
        models_path="v1/models",
        catalog_name="bedrock",
        responses=Responses(path="openai/v1/responses"),
        operations=(),
        wire=CompatibleChat(path="v1/chat/completions"),
    ),
    # https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility
    "cloudflare": Row(
        title="Cloudflare",
        base_url="https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1",
        key_variables=("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
        operations=(Embeddings(limits={"": EmbeddingLimits(100)}),),
        settings=(Setting("account_id", env="CLOUDFLARE_ACCOUNT_ID", help="the id of the account"),),
        model_list="none",
    ),
    # https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference
    "databricks": Row(
        title="Databricks",
        base_url="https://{host}/serving-endpoints",
        key_variables=("DATABRICKS_TOKEN",),
        settings=(Setting("host", env="DATABRICKS_SERVER_HOSTNAME", help="the workspace's host, without https://"),),
        model_list="none",
    ),
    # https://docs.github.com/en/rest/models/inference
    "github": Row(
        title="GitHub Models",
        base_url="https://models.github.ai",
        key_variables=("GITHUB_TOKEN",),
        models_path="catalog/models",
        model_list="public",
        operations=(Embeddings(path="inference/embeddings"),),
        wire=CompatibleChat(path="inference/chat/completions"),
    ),
    "digitalocean": Row(
        title="DigitalOcean",
        base_url="https://inference.do-ai.run/v1",
        key_variables=("DIGITALOCEAN_ACCESS_TOKEN", "MODEL_ACCESS_KEY"),
        operations=(Embeddings(), ImageGeneration()),
    ),
    "vultr": Row(title="Vultr", base_url="https://api.vultrinference.com/v1", operations=()),
    "ovhcloud": Row(
        title="OVHcloud",
        base_url="https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        key_variables=("OVHCLOUD_API_KEY", "OVH_AI_ENDPOINTS_ACCESS_TOKEN"),
        requires_key=False,
        model_list="public",
    ),
    "scaleway": Row(
        title="Scaleway",
        base_url="https://api.scaleway.ai/v1",
        key_variables=("SCALEWAY_API_KEY", "SCW_SECRET_KEY"),
        operations=(Embeddings(), Reranking(), Transcription()),
    ),
    "stackit": Row(title="STACKIT", base_url="https://api.openai-compat.model-serving.eu01.onstackit.cloud/v1"),
    "clarifai": Row(
        title="Clarifai", base_url="https://api.clarifai.com/v2/ext/openai/v1", key_variables=("CLARIFAI_PAT",)
    ),
}
"""Rows by the driver's name."""
