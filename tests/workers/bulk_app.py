"""The app of the workers in `test_celery`: they import it, and so does the test."""

from __future__ import annotations

import os

from celery import Celery

from polydriver.workers.celery import CeleryWork

app = Celery("bulk", broker=os.environ["BULK_REDIS"], backend=os.environ["BULK_REDIS"])
app.conf.update(
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": float(os.environ.get("BULK_VISIBILITY", "3600")),
        "unacked_restore_throttle": 1,
    },
)
settings = {
    "providers": {
        "openai": {
            "base_url": os.environ["BULK_PROVIDER"],
            "api_key": "k",
            "retry_attempts": 1,
            "rate_limiting": {"requests_per_minute": 1000, "redis_url": os.environ["BULK_REDIS"], "redis_timeout": 5.0},
        }
    },
    "storage": {"url": os.environ["BULK_DATABASE"], "ledger": "write-behind", "window": 60.0},
}
work = CeleryWork(
    app, settings, provider="openai", model="gpt-4o-mini", grace=float(os.environ.get("BULK_GRACE", "60"))
)
