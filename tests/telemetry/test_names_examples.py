"""The configuration files of the collector and of Prometheus: they parse, and name only what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from polydriver.telemetry import names

FOLDER = Path(__file__).parents[2] / "examples" / "telemetry"
FILES = sorted(FOLDER.glob("*.yaml"))
METRICS = {name for metric in names.METRICS.values() for name in metric.prometheus}
NAMES = [value for value in vars(names).values() if isinstance(value, str) and re.match(r"[a-z_]+\.", value)]
LABELS = {name.replace(".", "_") for name in NAMES}


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_parses(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_rules_name_metrics_and_labels_that_there_are() -> None:
    rules = [rule for group in read("rules.yaml")["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    seen = set()
    for rule in rules:
        text = rule["expr"]
        for name in re.findall(r"\b(?:gen_ai_client|polydriver_client)\w+", text):
            assert name in METRICS, name
            seen.add(name)
        for name in re.findall(r"polydriver:[a-z0-9_:]+", text):
            assert name in recorded, name
        for name in re.findall(r"\b(?:gen_ai_(?!client)\w+|error_\w+|polydriver_(?!client)\w+)", text):
            assert name in LABELS, name
        assert text.count("(") == text.count(")")
        for label in re.findall(r"\$labels\.(\w+)", str(rule.get("annotations"))):
            assert label in LABELS, label
    left = {key for key, metric in names.METRICS.items() if not seen & set(metric.prometheus)}
    assert not left, "each metric of the table has a rule"


def test_the_parts_fit_together() -> None:
    collector, services = read("collector.yaml"), read("compose.yaml")["services"]
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])
    (target,) = read("prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert host in services
    assert collector["exporters"]["prometheus"]["endpoint"].endswith(f":{port}")
    assert collector["exporters"]["otlp/traces"]["endpoint"].split(":")[0] in services
    for service in services.values():
        for volume in service["volumes"]:
            assert (FOLDER / volume.split(":")[0]).is_file(), volume
    assert all((FOLDER / name).is_file() for name in read("prometheus.yaml")["rule_files"])
