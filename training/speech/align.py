"""Phone times of real speech from its words: pocketsphinx forced alignment, and its free recogniser where no text is."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from training.speech.clip import Segment
from training.speech.phones import SILENCE, canonical

FRAME = 0.01  # s, pocketsphinx's frame


@cache
def letter_to_sound(word: str) -> str:
    """CMU phones of a word that the dictionary lacks, guessed by flite ("K OW AH L")."""
    said = subprocess.run(["flite", "-voice", "kal", "-ps", "-t", word, "-o", "none"], capture_output=True, text=True, check=True)
    phones = [canonical(p) for p in said.stdout.split()]
    return " ".join({"ax": "AH"}.get(p, p.upper()) for p in phones if p != SILENCE)


class Aligner:
    """Forced alignment against a text, with letter-to-sound rules for unknown words."""

    def __init__(self) -> None:
        self._aligner = pocketsphinx.Decoder(lm=None, loglevel="FATAL", bestpath=False)
        self._recogniser: pocketsphinx.Decoder | None = None

    def align(self, audio: NDArray[np.int16], text: str) -> list[Segment] | None:
        """Phones of ``audio`` (16 kHz) that says ``text``, None where the search found no path."""
        words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
        words = [w.strip("'") if not self._aligner.lookup_word(w) else w for w in words]
        words = [w for w in words if w]
        for word in words:
            if not self._aligner.lookup_word(word) and letter_to_sound(word):  # pocketsphinx dies of a word without sounds
                self._aligner.add_word(word, letter_to_sound(word), True)
        self._aligner.set_align_text(" ".join(word for word in words if self._aligner.lookup_word(word)))
        data = audio.tobytes()
        for second_pass in (False, True):
            if second_pass:
                if self._aligner.hyp() is None:
                    return None
                self._aligner.set_alignment()
            self._aligner.start_utt()
            self._aligner.process_raw(data, full_utt=True)
            self._aligner.end_utt()
        alignment = self._aligner.get_alignment()
        return [
            (phone.start * FRAME, (phone.start + phone.duration) * FRAME, canonical(phone.name))
            for word in alignment
            for phone in word
        ]

    def recognise(self, audio: NDArray[np.int16]) -> str:
        """The words heard in ``audio`` (rough: the small language model that comes with pocketsphinx)."""
        decoder = self._recogniser or pocketsphinx.Decoder(lm=pocketsphinx.get_model_path("en-us/en-us.lm.bin"), loglevel="FATAL")
        self._recogniser = decoder
        decoder.start_utt()
        decoder.process_raw(audio.tobytes(), full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        return re.sub(r"\(\d+\)|<\w+>|\[\w+\]|\+\+\w+\+\+", "", heard.hypstr) if heard else ""
