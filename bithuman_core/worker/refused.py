"""What a task could not do because of its order, with the HTTP status that says so."""

from __future__ import annotations

from bithuman_core.errors import BithumanError


class Refused(BithumanError):
    """The order cannot be carried out: the message is a sentence for the client, ``status`` the HTTP status."""

    default_code = "REFUSED"

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status
