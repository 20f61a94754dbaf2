"""Many calls side by side, in threads or in tasks: never more at once than allowed, and never read far ahead."""

from __future__ import annotations

from .prompts import check_prompts
from .tasks import AsyncBatchStream, gather_in_tasks
from .threads import BatchStream, gather_in_threads

__all__ = ["AsyncBatchStream", "BatchStream", "check_prompts", "gather_in_tasks", "gather_in_threads"]
