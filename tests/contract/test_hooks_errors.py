"""What a driver without the traits does with failed replies."""

from __future__ import annotations

from polydriver import Driver, ProviderError
from polydriver.data.http import Reply


class Acme(Driver):
    """A service whose codes come in a header."""

    name = "acme-codes"
    base_url = "https://acme.example"
    requires_key = False

    def error_code(self, reply: Reply) -> str | None:
        """The code in the header."""
        return reply.headers.get("x-code")


def test_the_code_of_a_failed_reply_is_that_of_the_drivers_hook() -> None:
    with Acme() as acme:
        error = acme.map_error(Reply(status=500, headers={"x-code": "out-of-luck"}, body=b""))
    assert isinstance(error, ProviderError)
    assert (error.status, error.code, error.provider) == (500, "out-of-luck", "acme-codes")
