"""No to a request of the page."""

from __future__ import annotations


class Refusal(Exception):
    """A request that is not followed: an HTTP status, and the sentence that the visitor reads."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
