"""`DriverConformance`: the suite that every driver must pass, ours and yours.

With pytest::

    class TestAcme(DriverConformance):
        driver = AcmeDriver
        fixtures = WireFixtures(whole_reply=..., stream_reply=...)  # or none, for a wire of ours

Without: `check_driver(AcmeDriver).raise_if_any()`. What a driver does not claim is not asked of it: those
checks are skipped, and say why.
"""

from __future__ import annotations

from .contract import ContractChecks
from .details import DetailChecks
from .errors import ErrorChecks
from .expected import ExpectedChecks
from .options import OptionChecks
from .replies import ReplyChecks
from .reporting import Report, check
from .requests import RequestChecks
from .secrets import SecretChecks
from .services import ServiceChecks
from .streams import StreamChecks
from .turns import TurnChecks

__all__ = ["DriverConformance", "Report", "check_driver"]


class DriverConformance(
    ContractChecks,
    SecretChecks,
    RequestChecks,
    OptionChecks,
    TurnChecks,
    ReplyChecks,
    ExpectedChecks,
    StreamChecks,
    ErrorChecks,
    ServiceChecks,
    DetailChecks,
):
    """All checks. Subclass it with a `driver`; see `ConformanceBase` for what else can be set."""


def check_driver(driver: type, **attributes: object) -> Report:
    """Run all checks on a driver class; `attributes` are those of `ConformanceBase` (config, fixtures, model,
    ...)."""
    return check(type("Checked", (DriverConformance,), {"driver": driver, **attributes}))
