"""The phones (ARPAbet, lower case), their visemes, and how far the lips stand open in each."""

from __future__ import annotations

import unicodedata
from typing import TypeVar

from bithuman_core.speech.visemes import VISEME_NAMES

SILENCE = "sil"
BILABIALS = frozenset({"p", "b", "m"})
T = TypeVar("T")



def each(groups: dict[str, T]) -> dict[str, T]:
    """``{"p b": 1}`` to ``{"p": 1, "b": 1}``."""
    return {phone: value for phones, value in groups.items() for phone in phones.split()}


VISEME_OF_PHONE = each({
    SILENCE: "sil", "p b m": "PP", "f v": "FF", "th dh": "TH", "t d": "DD", "k g hh ng": "kk", "ch jh sh zh": "CH", "s z": "SS",
    "n l": "nn", "r er": "RR", "aa ae ah ax ao ay aw": "aa", "eh ey": "E", "iy ih y": "I", "ow oy": "O", "uw uh w": "U",
})  # fmt: skip
PHONES: tuple[str, ...] = tuple(VISEME_OF_PHONE)
PHONE_INDEX: dict[str, int] = {phone: i for i, phone in enumerate(PHONES)}
VISEME_INDEX: dict[str, int] = {viseme: i for i, viseme in enumerate(VISEME_NAMES)}

# Inner-lip gap / interocular distance by which the blend of `coarticulation.py` comes nearest to the lips of a real speaker (GRID
# s1): what `openings.py` made of the mean gap during each phone, which its neighbours make half as wide as it asks for. Phones
# that GRID lacks are placed beside their nearest relative. Contact of p b m is below: the lips overlap a little.
GAP_OF_PHONE = each({
    "p b m": -0.010, "f": 0.042, "v": 0.058, "th": 0.043, "dh": 0.058, "w r": 0.030, "uw": 0.061, "uh": 0.091, "er": 0.088,
    "ow": 0.099, "oy": 0.120, "n": 0.086, "l": 0.121, "k": 0.112, "ng": 0.105, "g": 0.100, "t": 0.109, "d": 0.102, "hh": 0.109,
    "s": 0.131, "z ch": 0.104, "sh zh": 0.099, "jh": 0.109, "y": 0.120, "ih": 0.135, "ax": 0.117, "ah": 0.148, "ao": 0.135,
    "iy": 0.166, "ae": 0.173, "ey": 0.212, "eh": 0.190, "aa": 0.193, "aw": 0.169, "ay": 0.210,
})  # fmt: skip

# What other phone sets call the same thing (flite and festival, CMU dictionary, pocketsphinx).
SYNONYMS: dict[str, str] = {"pau": SILENCE, "h#": SILENCE, "ssil": SILENCE, "axr": "er", "dx": "d", "el": "l", "em": "m",
                            "en": "n", "nx": "n", "hv": "hh", "ix": "ih", "ux": "uw", "+spn+": SILENCE,
                            "+nsn+": SILENCE, "(null)": SILENCE}  # fmt: skip

# The International Phonetic Alphabet as espeak-ng writes it, longest match first.
IPA: dict[str, str] = {
    "tʃ": "ch", "dʒ": "jh", "ts": "s", "dz": "z", "tɕ": "ch", "dʑ": "jh", "aɪ": "ay", "aʊ": "aw", "eɪ": "ey",
    "oʊ": "ow", "əʊ": "ow", "ɔɪ": "oy", "ɔø": "oy", "ai": "ay", "au": "aw", "ei": "ey", "ou": "ow", "oi": "oy",
    "p": "p", "b": "b", "m": "m", "f": "f", "v": "v", "ʋ": "v", "β": "v", "w": "w", "ʍ": "w", "ɥ": "w", "θ": "th",
    "ð": "dh", "t": "t", "d": "d", "ʈ": "t", "ɖ": "d", "ɾ": "d", "k": "k", "g": "g", "ɡ": "g", "q": "k", "c": "k",
    "ɟ": "g", "x": "hh", "ɣ": "g", "χ": "hh", "ħ": "hh", "h": "hh", "ɦ": "hh", "ç": "sh", "n": "n", "ɲ": "n",
    "ŋ": "ng", "ɳ": "n", "l": "l", "ɫ": "l", "ʎ": "l", "ɭ": "l", "r": "r", "ɹ": "r", "ʁ": "r", "ɻ": "r", "ʀ": "r",
    "s": "s", "z": "z", "ʃ": "sh", "ʒ": "zh", "ɕ": "sh", "ʝ": "y", "ɽ": "d", "ʑ": "zh", "ʂ": "sh", "ʐ": "zh", "j": "y", "i": "iy",
    "ɪ": "ih", "ᵻ": "ih", "ɨ": "ih", "e": "ey", "ɛ": "eh", "æ": "ae", "a": "aa", "ɐ": "ah", "ɑ": "aa", "ɒ": "ao",
    "ɔ": "ao", "o": "ow", "ʊ": "uh", "u": "uw", "ɯ": "ih", "y": "uw", "ʏ": "uh", "ø": "ow", "œ": "ow", "ʌ": "ah",
    "ə": "ax", "ɚ": "er", "ɜ": "er", "ɝ": "er", "ɤ": "ax", "ɵ": "uh", "ʉ": "uw",
}  # fmt: skip


def canonical(name: str) -> str:
    """The phone for a name of any ARPAbet flavour (``"AH0"``, ``"axr"``). Raises KeyError for an unknown one."""
    phone = name.lower().rstrip("012")
    phone = SYNONYMS.get(phone, phone)
    if phone not in PHONE_INDEX:
        raise KeyError(name)
    return phone


def from_ipa(symbol: str) -> str | None:
    """The phone for an IPA symbol with any marks, None for a mark that stands alone or an unknown sound."""
    plain = symbol.lstrip("ˈˌ ")
    for spelling in (plain, unicodedata.normalize("NFD", plain)):  # without their marks, where the letter alone is known
        for length in (2, 1):
            if spelling[:length] in IPA and len(spelling) >= length:
                return IPA[spelling[:length]]
    return None
