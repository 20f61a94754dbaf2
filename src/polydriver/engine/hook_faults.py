"""Saying which hook of which driver is at fault when code of a driver raises something other than an `AIError`."""

from __future__ import annotations

from types import TracebackType

from ..contract import DriverHooks

__all__ = ["FAULT_HINT", "describe_fault", "is_own_code"]

FAULT_HINT = (
    "This is a fault in the driver, not in the call. A driver tells of an answer that it cannot read with "
    "`self.invalid_response(...)`, and of an error inside one with `self.map_payload(...)`."
)

_OURS = "polydriver"
_CALLERS = ("polydriver.engine", "polydriver.contract", "polydriver.colours", "polydriver.driver")
_SEEN = 300


def describe_fault(driver: DriverHooks, error: BaseException, hook: str | None = None) -> str:
    """What happened, in words: the hook that the engine had called, the driver, the error and where it arose."""
    names = [(module, name) for module, name in _frames(error.__traceback__) if not module.startswith(_CALLERS)]
    called = hook or next((name.rpartition(".")[2] for _, name in names), None)
    where = f", in {names[-1][1]}" if names and names[-1][1].rpartition(".")[2] != called else ""
    seen = f"{type(error).__name__}: {str(error)[:_SEEN]}".removesuffix(": ")
    return f"the hook {called or 'of a stream'} of {type(driver).__name__} raised {seen}{where}"


def is_own_code(error: BaseException) -> bool:
    """Whether an error arose in code that is not ours: in that of a driver from elsewhere."""
    frames = list(_frames(error.__traceback__))
    return bool(frames) and frames[-1][0].partition(".")[0] != _OURS


def _frames(trace: TracebackType | None) -> list[tuple[str, str]]:
    """Module and qualified name of each function on the way, outermost first."""
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if "<" not in code.co_name:
            found.append((str(trace.tb_frame.f_globals.get("__name__", "")), code.co_qualname.replace("<locals>.", "")))
        trace = trace.tb_next
    return found
