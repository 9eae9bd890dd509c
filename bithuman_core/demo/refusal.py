"""No to a request of the page."""

from __future__ import annotations


class Refusal(Exception):
    """A request that is not followed: an HTTP status, and the sentence that the visitor reads.

    ``retry``: s after which it may be asked for again.
    """

    def __init__(self, status: int, sentence: str, *, retry: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.retry = status, sentence, retry

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the status."""
        return {} if self.retry is None else {"Retry-After": str(self.retry)}
