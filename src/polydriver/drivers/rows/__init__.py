"""The table of compatible services: names to what differs from `openai_compatible`'s defaults.

Addresses and key variables were checked against the data of models.dev (MIT) where it has them. Which rows were tried
on recorded traffic of the service is told in the documentation's table of providers.
"""

from __future__ import annotations

from .clouds import CLOUDS
from .common import Row
from .hosts import HOSTS
from .local import LOCAL
from .makers import MAKERS
from .routers import ROUTERS

__all__ = ["ROWS", "Row"]

ROWS: dict[str, Row] = {**MAKERS, **HOSTS, **CLOUDS, **ROUTERS, **LOCAL}
"""All rows by the driver's name."""
