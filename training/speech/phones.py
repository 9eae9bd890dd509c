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

# Inner-lip gap / interocular distance, measured on video of a real speaker (GRID s1, aligned phones); phones that the
# measurement lacks are placed beside their nearest relative. Contact of p b m is below: the lips overlap a little.
GAP_OF_PHONE = each({
    "p b m": -0.010, "f": 0.030, "v": 0.038, "th": 0.032, "dh": 0.034, "w": 0.036, "uw": 0.044, "uh": 0.052, "r": 0.044,
    "er": 0.050, "ow": 0.058, "oy": 0.072, "n": 0.058, "l": 0.066, "ng k g": 0.062, "t d": 0.060, "hh": 0.066,
    "s z sh zh ch jh": 0.058, "y": 0.070, "ih": 0.074, "ax": 0.070, "ah": 0.096, "ao": 0.092, "iy": 0.102, "ae": 0.110,
    "ey": 0.113, "eh": 0.114, "aa": 0.121, "aw": 0.121, "ay": 0.127,
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
