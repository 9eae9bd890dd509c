"""What several calls answer with."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Answer(BaseModel, Generic[T]):
    """Most answers that are a success."""

    success: bool = True
    data: T


class Done(BaseModel):
    """One sentence."""

    success: bool = True
    message: str


def told(at: float) -> str:
    """Unix seconds as ISO 8601, UTC."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")
