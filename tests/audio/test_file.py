"""Audio files in, finished videos out."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
import soundfile
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from bithuman_core.audio import AudioFile, load_audio, write_video
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


def encoded(samples: np.ndarray, rate: int, form: str, codec: str, **metadata: str) -> bytes:
    """Samples (float, mono) as a file of a format."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        container.metadata.update(metadata)
        stream = cast(AudioStream, container.add_stream(codec, rate=rate, layout="mono"))
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def tone(seconds: float, rate: int) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize("rates", [(16000, 16000), (16000, 24000), (44100, 22050)])
def test_joined_files_are_heard_to_their_end(tmp_path: Path, rates: tuple[int, int]) -> None:
    path = tmp_path / "joined.mp3"
    path.write_bytes(b"".join(encoded(tone(2, rate), rate, "mp3", "libmp3lame") for rate in rates))
    sound, rate = load_audio(path)
    assert rate == rates[0]
    assert sound.size / rate == pytest.approx(4, abs=0.3)
    assert AudioFile(path).seconds == pytest.approx(4, abs=0.3)
    assert np.abs(sound[-rate // 2 : -rate // 4]).max() > 0.2


@pytest.mark.parametrize(("form", "codec"), [("mp3", "libmp3lame"), ("adts", "aac"), ("flac", "flac"), ("ogg", "libopus")])
@pytest.mark.parametrize("how", ["a damaged middle", "cut off"])
def test_what_is_damaged_is_left_out_and_the_rest_is_heard(tmp_path: Path, form: str, codec: str, how: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * 16000)
    data = bytearray(encoded(noise, 16000, form, codec))
    middle = len(data) // 2
    if how == "cut off":
        del data[-len(data) // 10 :]
    else:
        data[middle : middle + 1500] = bytes(range(256)) * 5 + bytes(220)
    path = tmp_path / f"bad.{form}"
    path.write_bytes(data)
    sound, rate = load_audio(path)
    assert 1.9 < sound.size / rate < 4.5  # an Ogg page holds a second


def test_a_damaged_packet_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = bytearray(encoded(np.random.default_rng(0).normal(0, 0.1, 64000), 16000, "flac", "flac"))
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path = tmp_path / "bad.flac"
    path.write_bytes(data)
    file = AudioFile(path)
    for _ in range(2):
        assert sum(block.size for block in file.blocks()) > 48000
    assert [record.getMessage().split(":")[0] for record in caplog.records] in ([], ["'bad.flac' is damaged"])


def test_a_guessed_length_is_counted_instead(tmp_path: Path) -> None:
    """Silence takes few bytes, so that the first seconds mislead about the rest."""
    varied = np.concatenate([np.zeros(16000 * 10), np.random.default_rng(0).normal(0, 0.2, 16000 * 10)])
    path = tmp_path / "varied.aac"
    path.write_bytes(encoded(varied, 16000, "adts", "aac"))
    assert AudioFile(path).seconds == pytest.approx(20, abs=0.3)


def test_tags_in_an_old_alphabet_are_no_obstacle(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "tagged.wav", np.arange(1600), 16000)
    data = path.read_bytes()
    data += b"LIST\x14\0\0\0INFOIART\x08\0\0\0K\xfcnstler"
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])
    assert load_audio(path)[0].size == 1600


def test_floats_at_int16_scale_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    path.write_bytes(encoded(32768 * tone(1, 16000), 16000, "wav", "pcm_f32le"))
    with pytest.raises(AudioError, match="32768"):
        load_audio(path)


@pytest.mark.parametrize("rate", [16000, 44100, 11000])
def test_a_video_takes_its_sound_whole_or_in_blocks(tmp_path: Path, rate: int) -> None:
    sound = np.rint(32768 * tone(2, rate)).astype(np.int16)
    for name, audio in (("whole", sound), ("blocks", (sound[i : i + 777] for i in range(0, sound.size, 777)))):
        frames = (np.full((64, 64, 3), 4 * i, np.uint8) for i in range(50))
        assert write_video(tmp_path / f"{name}.mp4", frames, audio, rate) == 50
    assert np.array_equal(load_audio(tmp_path / "whole.mp4")[0], load_audio(tmp_path / "blocks.mp4")[0])


def test_a_video_is_what_its_name_says(tmp_path: Path) -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"\.mp4"):
        write_video(tmp_path / "x.webm", [frame], np.zeros(640), 16000)
    for name, brand in (("x.mp4", b"isom"), ("x.mov", b"qt  "), ("x", b"isom")):
        write_video(tmp_path / name, [frame], np.zeros(640), 16000)
        assert brand in (tmp_path / name).read_bytes()[:24]


def test_a_video_takes_no_more_sound_than_its_pictures_need(tmp_path: Path) -> None:
    """An hour of sound is never in memory."""
    taken = 0

    def sound() -> Iterator[np.ndarray]:
        nonlocal taken
        for _ in range(100):
            taken += 640
            yield np.zeros(640, np.int16)

    def frames() -> Iterator[np.ndarray]:
        for index in range(100):
            assert taken <= (index + 2) * 640
            yield np.zeros((64, 64, 3), np.uint8)

    assert write_video(tmp_path / "out.mp4", frames(), sound(), 16000) == 100


# --- tracks, channels, sound that begins late


def hum(seconds: float, rate: int = 16_000) -> NDArray[np.float32]:
    return (0.3 * np.sin(np.arange(round(seconds * rate)) / 9)).astype(np.float32)


def stereo(path: Path, left: NDArray[np.float32], right: NDArray[np.float32]) -> Path:
    soundfile.write(path, np.stack([left, right], 1), 16_000)
    return path


def test_channels_that_cancel_out_are_heard(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound = hum(1.0)
    heard, _ = load_audio(stereo(tmp_path / "opposite.wav", sound, -0.99 * sound))
    np.testing.assert_allclose(heard, sound, atol=1e-3)
    assert caplog.text.count("louder one is heard alone") == 1
    caplog.clear()
    heard, _ = load_audio(stereo(tmp_path / "one.wav", sound, 0 * sound))
    np.testing.assert_allclose(heard, sound / 2, atol=1e-3)
    heard, _ = load_audio(stereo(tmp_path / "wide.wav", sound, np.roll(sound, 7)))
    np.testing.assert_allclose(heard, (sound + np.roll(sound, 7)) / 2, atol=1e-3)
    assert not caplog.text


def film(path: Path, tracks: list[NDArray[np.float32]], begin: float = 0.0) -> Path:
    """A film of 2 s of one colour with tracks of sound that begin after so many seconds."""
    with av.open(str(path), "w", format="matroska") as container:
        picture = container.add_stream("libx264", rate=5)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        streams = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in tracks]
        for number in range(10):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(picture.encode(frame))
        for stream, samples in zip(streams, tracks, strict=True):
            for at in range(0, samples.size, 1600):
                part = np.round(samples[None, at : at + 1600] * 32767).astype(np.int16)
                sound = av.AudioFrame.from_ndarray(part, "s16", "mono")
                sound.sample_rate, sound.time_base, sound.pts = 16_000, Fraction(1, 16_000), at + round(begin * 16_000)
                container.mux(stream.encode(sound))
        for stream in (picture, *streams):
            container.mux(stream.encode())
    return path


def test_a_silent_first_track_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound = hum(1.0)
    heard, _ = load_audio(film(tmp_path / "two.mkv", [0 * sound, sound, 0.5 * sound]))
    np.testing.assert_allclose(heard, sound, atol=1e-3)
    assert "track 2 is heard" in caplog.text
    caplog.clear()
    heard, _ = load_audio(film(tmp_path / "silent.mkv", [0 * sound, 0 * sound]))
    assert heard.size == sound.size and not heard.any() and not caplog.text


def test_sound_that_begins_after_its_pictures_keeps_its_place(tmp_path: Path) -> None:
    sound = hum(0.5)
    file = AudioFile(film(tmp_path / "late.mkv", [sound], 1.25))
    heard = np.concatenate(list(file.blocks()))
    assert heard.size == pytest.approx(1.75 * 16_000, abs=32) and not heard[: round(1.2 * 16_000)].any()
    np.testing.assert_allclose(heard[-sound.size :], sound, atol=1e-3)
