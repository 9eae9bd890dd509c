"""The level that packets of sound tell."""

from __future__ import annotations

import av
import numpy as np
from aiortc.rtp import compute_audio_level_dbov
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bithuman_core.fastrtc.media.audio_level import audio_level_dbov


def frame(samples: NDArray[np.int16]) -> av.AudioFrame:
    made = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "stereo")
    made.sample_rate = 48_000
    return made


@given(st.integers(0, 2**32 - 1), st.floats(0, 32767))
def test_it_is_the_level_that_aiortc_finds(seed: int, loudest: float) -> None:
    samples = (np.random.default_rng(seed).uniform(-1, 1, 1920) * loudest).astype(np.int16)
    assert audio_level_dbov(frame(samples)) == compute_audio_level_dbov(frame(samples))


def test_silence_is_the_quietest_level_and_full_scale_none_below_0() -> None:
    assert audio_level_dbov(frame(np.zeros(1920, np.int16))) == -127
    assert audio_level_dbov(frame(np.full(1920, -32768, np.int16))) == 0
