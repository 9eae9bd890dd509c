"""Audio files in, finished videos out."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from bithuman_core.audio import load_audio, write_video
from bithuman_core.errors import AudioError
from bithuman_core.settings import speech_clip


def write_wav(path: Path, samples: np.ndarray, rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def test_a_wav_is_read_exactly_at_its_own_rate(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32767, 24000).astype(np.int16)
    sound, rate = load_audio(write_wav(tmp_path / "a.wav", samples, 24000))
    assert rate == 24000
    assert np.array_equal(np.rint(sound * 32768).astype(int), samples)


def test_stereo_and_another_rate_are_brought_to_mono_16_khz(tmp_path: Path) -> None:
    tone = 8000 * np.sin(2 * np.pi * 300 * np.arange(44100) / 44100)
    sound, rate = load_audio(write_wav(tmp_path / "a.wav", np.stack([tone, tone], axis=1), 44100, channels=2), 16000)
    assert (rate, abs(sound.size - 16000) < 2) == (16000, True)
    assert np.abs(sound).max() == pytest.approx(8000 / 32768, rel=0.05)


@pytest.mark.parametrize("content", [b"", b"no sound at all" * 100, b"RIFF\x24\0\0\0WAVEfmt "])
def test_a_file_without_sound_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"bad\.wav"):
        load_audio(path)


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="check the path"):
        load_audio(tmp_path / "none.wav")


def test_the_shipped_clip_is_speech() -> None:
    sound, rate = load_audio(speech_clip())
    assert rate == 16000
    assert sound.size > 6 * rate


def test_a_video_holds_picture_and_sound_of_equal_length_and_says_synthetic(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    rate, count = 16000, 50
    sound = 0.3 * np.sin(2 * np.pi * 200 * np.arange(count * 640) / rate)
    frames = (np.full((64, 64, 3), 4 * i, np.uint8) for i in range(count))
    write_video(path, frames, sound, rate)
    with av.open(str(path)) as container:
        assert "ynthetic" in container.metadata["comment"]
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert video.average_rate == 25
        greys = [f.to_ndarray(format="gray8").mean() for f in container.decode(video)]
    assert len(greys) == count
    assert np.all(np.diff(greys) > 0)
    made, made_rate = load_audio(path)
    assert abs(made.size / made_rate - 2.0) < 0.1
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_failed_video_leaves_nothing_behind(tmp_path: Path) -> None:
    def frames():
        yield np.zeros((64, 64, 3), np.uint8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "out.mp4", frames(), np.zeros(1280), 16000)
    assert list(tmp_path.iterdir()) == []
