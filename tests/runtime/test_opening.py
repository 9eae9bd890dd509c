"""``bithuman_core.open``: a video in one line, and what it will not write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import bithuman_core
from bithuman_core import Failed
from bithuman_core.audio import load_audio
from tests.audio.test_file import write_wav


def test_the_video_of_a_file_is_that_of_its_samples(tmp_path: Path, speech: NDArray[np.int16]) -> None:
    wav = write_wav(tmp_path / "speech.wav", speech[:8000], 16000)
    with bithuman_core.open("mara", output_size=64) as avatar:
        read, given = (list(avatar.render(sound)) for sound in (wav, speech[:8000]))
        assert len(read) == 13
        assert np.array_equal(read, given)
        for name, sound in (("file.mp4", wav), ("samples.mp4", speech[:8000])):
            avatar.render(sound, out_mp4=tmp_path / name)
    assert np.array_equal(load_audio(tmp_path / "file.mp4")[0], load_audio(tmp_path / "samples.mp4")[0])


def test_the_sound_is_not_written_over_and_the_name_says_the_format(tmp_path: Path, speech: NDArray[np.int16]) -> None:
    video = tmp_path / "talk.mp4"
    with bithuman_core.open("mara", output_size=64) as avatar:
        avatar.render(speech[:1280], out_mp4=video)
        before = video.read_bytes()
        with pytest.raises(Failed, match="name of its own"):
            avatar.render(video, out_mp4=video)
        with pytest.raises(Failed, match=r"\.mp4"):
            avatar.render(video, out_mp4=tmp_path / "talk.webm")
    assert video.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["talk.mp4"]
