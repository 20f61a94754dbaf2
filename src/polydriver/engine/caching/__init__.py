"""The cache of responses: answers that are given again to equal prompts, and calls that share one request.

`cache.py` has what the pipeline asks; `keys.py` says which prompts are equal, `entries.py` what is kept of an answer
and which answers are, `stores.py` where; `flights.py` has the requests that several calls wait for, and `reading.py`
how a stream reads what was kept or is shared.
"""

from __future__ import annotations

__all__: list[str] = []
