"""A text, as it arrives piece by piece, cut into sentences: each is spoken as soon as it is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 240  # characters of a piece that is spoken at once; a longer sentence is cut at a comma, else at a space
CLOSERS = "\"'”’»)]}"
WIDE, CLOSES = "。！？", f"{CLOSERS}」』）"
# A sentence ends at a mark that something other than a small letter follows, at a mark of Chinese or Japanese, or with its line.
END = re.compile(
    rf"(?P<mark>[.!?…]+[{re.escape(CLOSERS)}]*)\s+(?=[^\s])"
    rf"|[{WIDE}]+[{re.escape(CLOSES)}]*(?=[^{WIDE}{re.escape(CLOSES)}])"
    r"|\s*\n\s*", re.UNICODE
)  # fmt: skip
ABBREVIATIONS = frozenset({
    "mr", "mrs", "ms", "mx", "dr", "prof", "rev", "hon", "st", "sr", "jr", "gen", "col", "sgt", "capt", "lt", "cmdr", "gov",
    "sen", "rep", "pres", "no", "nos", "vol", "vols", "fig", "figs", "pp", "p", "ch", "sec", "art", "approx", "est", "vs",
    "cf", "al", "e.g", "i.e", "u.s", "u.k", "a.m", "p.m", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept",
    "oct", "nov", "dec", "mt", "ft", "inc", "ltd", "co", "corp", "dept", "ave", "blvd", "rd", "z.b", "d.h", "bzw", "usw",
    "ca", "nr", "str", "hr", "fr", "bd", "mme", "mlle",
})  # fmt: skip
# These may end a sentence as well: a capital letter tells.
GOES_ON = frozenset({"a.m", "p.m", "u.s", "u.k", "inc", "ltd", "co", "corp", "jr", "sr", "etc", "usw", "al"})
# Code between fences, or from a fence on where the other one has not come: one piece, which is not read out (``plain``).
FENCED = re.compile(r"^[ \t]*(```|~~~)(?:[^\n]*\n.*?^[ \t]*\1[ \t]*(?=\n)|.*\Z)", re.MULTILINE | re.DOTALL)
CLAUSE = re.compile(r"[,;:—–]\s+|[，、；：]")


class SentenceSplitter:
    """Feed it text; it returns sentences that are whole. What may still go on stays inside until :meth:`end`."""

    def __init__(self) -> None:
        self._text = ""
        self._begins_line = True  # what is inside

    def feed(self, text: str) -> list[str]:
        """More text; the sentences that it completes."""
        self._text += text
        sentences, begin = [], 0
        line = 0 if self._begins_line else self._text.find("\n") + 1 or len(self._text)
        code = [found.span() for found in FENCED.finditer(self._text, line)]
        for found in END.finditer(self._text):
            if not any(first <= found.start() < last for first, last in code) and self._ends(begin, found):
                sentences += _pieces(self._text[begin : found.end()])
                begin = found.end()
        if begin:
            self._begins_line = "\n" in self._text[len(self._text[:begin].rstrip()) : begin]
        self._text = self._text[begin:]
        return sentences

    def end(self) -> list[str]:
        """No more is to come: the rest. It can be fed anew."""
        rest, self._text, self._begins_line = self._text, "", True
        return list(_pieces(rest))

    def _ends(self, begin: int, found: re.Match[str]) -> bool:
        mark, following = found["mark"], self._text[found.end() : found.end() + 1]
        if mark is None or not mark.startswith(".") or mark.startswith(".."):
            return mark is None or not following.islower()
        word = self._text[begin : found.start()].rsplit(None, 1)[-1:]
        last = word[0].lstrip("(\"'“‘«").lower() if word else ""
        if following.islower() or (len(last) == 1 and last.isalpha()) or not last:
            return False
        if last.isdigit() and self._text[begin : found.start()].strip() == word[0]:
            return False  # the number of a list's item
        return last not in ABBREVIATIONS or (last in GOES_ON and following.isupper())


def split(text: str) -> list[str]:
    """The sentences of a whole text."""
    splitter = SentenceSplitter()
    return [*splitter.feed(text), *splitter.end()]


def _pieces(sentence: str) -> Iterator[str]:
    """A sentence as it is, or one that is too long in pieces that are not."""
    rest = sentence.strip()
    if rest.startswith(("```", "~~~")):
        yield rest
        return
    while len(rest) > LONGEST:
        clauses = [found.end() for found in CLAUSE.finditer(rest[:LONGEST])]
        cut = clauses[-1] if clauses and clauses[-1] > LONGEST // 4 else rest.rfind(" ", 1, LONGEST) + 1 or LONGEST
        yield rest[:cut].strip()
        rest = rest[cut:].lstrip()
    if rest:
        yield rest
