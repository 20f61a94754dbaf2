"""Questions that any number of machines answer, with Celery.

On each machine: `celery -A celery_questions worker --concurrency 8`. Then, once or again: `python celery_questions.py`.
"""

from __future__ import annotations

import os

from celery import Celery

from polydriver.workers.celery import CeleryWork

REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")

app = Celery("questions", broker=REDIS, backend=REDIS)
app.conf.update(
    worker_prefetch_multiplier=1,  # an item waits in the queue, not at a busy worker
    result_expires=7 * 24 * 3600,  # so long an answer is known, and its item not sent again
)
settings = {"providers": {"openai": {"rate_limiting": {"requests_per_minute": 500, "redis_url": REDIS}}}}
work = CeleryWork(app, settings, provider="openai", model="gpt-4o-mini", max_tokens=200)

if __name__ == "__main__":
    items = [{"id": city.lower(), "prompt": f"What is {city} known for?"} for city in ("Lima", "Oslo", "Perth")]
    for outcome in work.outcomes(items, job="cities"):
        print(outcome["custom_id"], outcome.get("content") or outcome["error"]["message"])
