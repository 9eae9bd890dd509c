"""Lifelike talking avatars: speech in, a living face out, on an ordinary CPU."""

from __future__ import annotations

__version__ = "0.1.0"
