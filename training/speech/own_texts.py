"""Texts of other languages for espeak-ng: chains of words from Debian's word lists between the language's small words."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

# language of espeak-ng: (word list, its encoding, small words that tie the chain together)
LISTS: dict[str, tuple[str, str, str]] = {
    "de": ("ngerman", "utf-8", "der die das ein mit von auf und nicht ist wir ich am beim bitte zum kann wird"),
    "fr": ("french", "utf-8", "le la les un une du des et avec pour pas est nous vous il elle au mon ma bien"),
    "es": ("spanish", "utf-8", "el la los un una de con por para y no es muy mi se al lo que está bien"),
    "it": ("italian", "utf-8", "il la un una di con per e non è molto mio che al nella sono ma bene"),
    "pt": ("portuguese", "utf-8", "o a um uma de com por para e não é muito meu que ao na bem mas"),
    "nl": ("dutch", "utf-8", "de het een van met voor en niet is wij ik op bij maar dat kan wel"),
    "pl": ("polish", "utf-8", "i w na z do nie jest to my ja po przy ale bardzo może pan"),
    "sv": ("swedish", "latin-1", "en ett den av med för och inte är vi jag på vid men att kan bra"),
}
FOLDER = Path("/usr/share/dict")  # where Debian's packages wngerman, wfrench ... put them
LONGEST = 11  # letters: the lists are full of compounds that nobody says


@cache
def words(language: str) -> tuple[str, ...]:
    """The plain words of a list, 2 to 11 letters long. Raises FileNotFoundError where its package is missing."""
    name, encoding, _ = LISTS[language]
    lines = (FOLDER / name).read_text(encoding=encoding).split()
    return tuple(w for w in lines if w.isalpha() and 2 <= len(w) <= LONGEST)


def own_text(language: str, rng: random.Random) -> str:
    """Eight to sixteen words of ``language``, small ones between, with a few pauses."""
    small, known = LISTS[language][2].split(), words(language)
    said = []
    for _ in range(rng.randint(4, 8)):
        said += [rng.choice(small), rng.choice(known) + rng.choice(("", "", "", "", "", ",", "."))]
    return " ".join(said)
