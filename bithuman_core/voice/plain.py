"""Written text as it is said: without the marks of Markdown, emojis and addresses that nobody would read aloud."""

from __future__ import annotations

import re
import unicodedata

CODE = "The code is on your screen."
FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^)\s]*\)")
LINK = re.compile(r"\[([^\]\n]+)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$", re.MULTILINE)
BULLET = re.compile(r"^[ \t]*(?:[-*+•][ \t]+|>[ \t]?)", re.MULTILINE)
RULE = re.compile(r"^[ \t]*(?:(?:[-*_][ \t]*){3,}|\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*)$", re.MULTILINE)
ROW = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
EMPHASIS = re.compile(r"(?<![\w*])(\*\*\*|\*\*|\*|___|__|~~)(?=\S)(.+?)(?<=\S)\1(?!\w)")
UNDERLINED = re.compile(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)")
INLINE_CODE = re.compile(r"`+([^`\n]+)`+")
TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>")
ADDRESS = re.compile(r"<?\b(?:https?://|www\.)([^\s<>()\[\]\"']+[^\s<>()\[\]\"'.,;:!?])>?")
MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
UNSAID = frozenset(("So", "Co", "Cs", "Cn", "Sk", "Mn", "Me", "Cf"))  # of Unicode: emojis and the like
SAID_SIGNS = frozenset("°©®™№")


def plain(text: str) -> str:
    """The text to be spoken; paragraphs, rows and items of lists are lines. May be empty."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    text = FENCE.sub(f"\n{CODE}\n", text)
    text = IMAGE.sub(r"\1", LINK.sub(r"\1", IMAGE.sub(r"\1", text)))
    text = HEADING.sub(r"\1\n", RULE.sub("", text))
    text = ROW.sub(lambda row: ", ".join(cell.strip() for cell in row[1].split("|") if cell.strip()), text)
    text = BULLET.sub("", text)
    text = INLINE_CODE.sub(r"\1", text)
    for _ in range(3):  # they are nested
        text = UNDERLINED.sub(r"\1", EMPHASIS.sub(r"\2", text))
    text = ADDRESS.sub(lambda found: _spelt(re.split(r"[/?#:]", found[1])[0].removeprefix("www.")), TAG.sub("", text))
    text = MAIL.sub(lambda found: _spelt(found[0]), text)
    text = "".join(" " if _unsaid(letter) else letter for letter in text)
    lines = (re.sub(r"[ \t]+([,.!?;:])", r"\1", " ".join(line.split())) for line in text.split("\n"))
    return "\n".join(line for line in lines if any(letter.isalnum() for letter in line))


def _spelt(address: str) -> str:
    """``docs.example.com`` as one says it."""
    return address.replace("@", " at ").replace(".", " dot ").strip()


def _unsaid(letter: str) -> bool:
    category = unicodedata.category(letter)
    if letter == "\n" or letter in SAID_SIGNS or (category == "Mn" and unicodedata.combining(letter) and not _selects(letter)):
        return False
    return category in UNSAID or (category == "Cc" and letter != "\t") or 0x1F3FB <= ord(letter) <= 0x1F3FF


def _selects(letter: str) -> bool:
    """Variation selectors and the sign round a keycap."""
    return 0xFE00 <= ord(letter) <= 0xFE0F or ord(letter) == 0x20E3
