"""Which letters a text is written in: a voice reads its own, and leaves foreign ones to another voice."""

from __future__ import annotations

import unicodedata
from itertools import groupby

# Names of characters in Unicode begin with their script; the language is eSpeak NG's name of the most common one.
LANGUAGES = {
    "CJK": "cmn", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar",
    "HEBREW": "he", "DEVANAGARI": "hi", "BENGALI": "bn", "TAMIL": "ta", "TELUGU": "te", "GEORGIAN": "ka", "ARMENIAN": "hy",
}  # fmt: skip


def script(letter: str) -> str | None:
    """``"LATIN"``, ``"CYRILLIC"`` and so on; None for figures, marks and spaces, which belong to what is beside them."""
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else None


def runs(text: str) -> list[tuple[str | None, str]]:
    """The text in pieces of one language: (None for Latin letters, else a key of eSpeak NG's voices; the piece)."""
    languages: list[str | None] = []
    here: str | None = None
    for letter in text:
        found = script(letter)
        if found is not None:
            here = LANGUAGES.get(found)
        languages.append(here)
    japanese = "ja" in languages
    named = ["ja" if japanese and language == "cmn" else language for language in languages]  # kanji are Chinese characters
    position, pieces = 0, []
    for language, group in groupby(named):
        length = len(list(group))
        pieces.append((language, text[position : position + length]))
        position += length
    return pieces
