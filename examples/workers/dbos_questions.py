"""Questions that any number of machines answer, with DBOS.

On each machine: `python dbos_questions.py worker`. Then, once or again: `python dbos_questions.py`.
"""

from __future__ import annotations

import os
import sys

from polydriver.workers.dbos import DBOSWork

URL = os.environ.get("DATABASE_URL", "sqlite:///questions.sqlite")  # over many machines: postgresql://...

work = DBOSWork(URL, {"providers": {"openai": {}}}, provider="openai", model="gpt-4o-mini", max_tokens=200)

if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        work.run(concurrency=8)
        sys.exit()
    with work:
        items = [{"id": city.lower(), "prompt": f"What is {city} known for?"} for city in ("Lima", "Oslo", "Perth")]
        handles = [work.submit(item, job="cities") for item in items]
        for handle in handles:
            outcome = handle.get_result()
            print(outcome["custom_id"], outcome.get("content") or outcome["error"]["message"])
