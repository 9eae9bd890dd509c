"""Real speech: LibriSpeech, LJ Speech and GRID, aligned; real lips: measured on the video of GRID, captured in FACEGOOD."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import FPS
from training.speech.align import Aligner
from training.speech.clip import HELD_OUT_SPEAKERS, RATE, Clip, read_16k

GRID_BENCH_CLIPS = 60  # the last ones of part_1 are the bench: never read here
FACEGOOD_TAKES, FACEGOOD_HELD_OUT = ("2_01", "2_02", "2_03", "2_04"), "2_04"
FACEGOOD_FPS = 30
FACEGOOD_LATE = 0.03  # s; the capture comes after its sound (best correlation with the lips of a net trained on GRID)
FACEGOOD_GAP = 0.45  # interocular distances of an opening of 1: as much spread as the lips of GRID have
GRID_DEV_CLIPS = 40  # the ones before: held out from training, for our own checks


def librispeech(data: Path, aligner: Aligner) -> Iterator[Clip]:
    """test-other with its transcripts; two speakers are held out."""
    for line in (data / "librispeech/test-other/transcripts.txt").read_text().splitlines():
        name, text = line.split(" ", 1)
        speaker = name.split("-")[0]
        audio = read_16k(data / "librispeech/test-other" / speaker / f"{name}.flac")
        if segments := aligner.align(audio, text):
            yield Clip(audio, segments, "librispeech", f"librispeech/{speaker}", held_out=speaker in HELD_OUT_SPEAKERS, name=name)


def untranscribed(data: Path) -> list[tuple[Path, str]]:
    """The sound files without a transcript, and who speaks: LibriSpeech (one clip of every reader of train-clean-100, and two of
    test-other: what there is of them in the folder) and most of LJ Speech."""
    known = {line.split("|")[0] for line in (data / "ljspeech/metadata.csv").read_text().splitlines()}
    known |= {line.split(" ")[0] for line in (data / "librispeech/test-other/transcripts.txt").read_text().splitlines()}
    folder = data / "librispeech"
    read = [*sorted((folder / "train-clean-100").glob("*.flac")), *sorted((folder / "test-other").glob("*/*.flac"))]
    files = [(path, f"librispeech/{path.stem.split('-')[0]}") for path in read if path.stem not in known]
    files = [(path, speaker) for path, speaker in files if speaker.split("/")[1] not in HELD_OUT_SPEAKERS]
    return files + [(path, "ljspeech/lj") for path in sorted((data / "ljspeech").glob("*.flac")) if path.stem not in known]


def ljspeech(data: Path, aligner: Aligner) -> Iterator[Clip]:
    """One American woman reading: the 8 clips whose text is known."""
    for line in (data / "ljspeech/metadata.csv").read_text().splitlines():
        name, _, text = line.split("|")
        audio = read_16k(data / "ljspeech" / f"{name}.flac")
        if segments := aligner.align(audio, text.replace("-", " ")):
            yield Clip(audio, segments, "ljspeech", "ljspeech/lj", name=name)


def lip_gaps(landmarks: NDArray[np.floating], ids: NDArray[np.integer]) -> NDArray[np.float32]:
    """Inner-lip gap |13-14| / interocular distance for landmarks [..., n, 3] in pixels with the ids [n]."""
    return between_eyes(landmarks, ids, 13, 14)


def mouth_widths(landmarks: NDArray[np.floating], ids: NDArray[np.integer]) -> NDArray[np.float32]:
    """|61-291| / interocular distance, as :func:`lip_gaps`."""
    return between_eyes(landmarks, ids, 61, 291)


def between_eyes(landmarks: NDArray[np.floating], ids: NDArray[np.integer], first: int, second: int) -> NDArray[np.float32]:
    """The distance of two landmarks in units of that of the eyes."""
    column = {int(v): i for i, v in enumerate(ids)}
    p = landmarks.astype(np.float32)[..., :2]
    right, left = (p[..., column[33], :] + p[..., column[133], :]) / 2, (p[..., column[362], :] + p[..., column[263], :]) / 2
    apart = np.linalg.norm(p[..., column[first], :] - p[..., column[second], :], axis=-1)
    return (apart / np.linalg.norm(left - right, axis=-1)).astype(np.float32)


def grid(data: Path, aligner: Aligner) -> Iterator[Clip]:
    """GRID speaker s1: sentences of a fixed grammar with the real lip gap of every frame."""
    words = json.loads((data / "grid_s1/word_alignments.json").read_text())
    for part in (0, 1):
        z = np.load(data / f"grid_s1/part_{part}.npz")
        audio = read_16k(data / f"grid_s1/part_{part}.flac")
        gaps = lip_gaps(z["landmarks"], z["idx"])
        count = len(z["names"]) - (GRID_BENCH_CLIPS if part == 1 else 0)
        for i in range(count):
            name = str(z["names"][i])
            if name not in words or not np.isfinite(gaps[i]).all():
                continue
            clip = audio[z["audio_start"][i] : z["audio_start"][i + 1]]
            text = " ".join(line.split()[2] for line in words[name].splitlines() if line.split()[2] not in ("sil", "sp"))
            if segments := aligner.align(clip, text):
                ticks = min(len(gaps[i]), len(clip) * FPS // RATE)
                yield Clip(clip, segments, "grid", "grid/s1", gap=gaps[i][:ticks], name=name,
                           held_out=part == 1 and i >= count - GRID_DEV_CLIPS)  # fmt: skip


def captured_mouth(folder: Path, take: str) -> tuple[NDArray[np.int16], NDArray[np.floating]]:
    """The sound of a take of FACEGOOD (16 kHz) and the captured opening of the mouth, 0..1 at FACEGOOD_FPS."""
    column = json.loads((folder / "blendshape_names.json").read_text()).index("mouth_stretch_c")
    opening = np.load(folder / f"{take}.blendshapes.npy", max_header_size=100_000)[:, column]
    return read_16k(folder / f"{take}.flac"), opening


def facegood(data: Path) -> Iterator[Clip]:
    """A Mandarin speaker's captured mouth: its opening as a lip gap, and no phones. One take is held out."""
    for take in FACEGOOD_TAKES:
        audio, opening = captured_mouth(data / "facegood", take)
        seconds = (np.arange(len(audio) * FPS // RATE) + 0.5) / FPS + FACEGOOD_LATE
        gap = FACEGOOD_GAP * np.interp(seconds, (np.arange(len(opening)) + 0.5) / FACEGOOD_FPS, opening)
        yield Clip(audio, [], "facegood", "facegood/2", gap=gap.astype(np.float32), name=take, held_out=take == FACEGOOD_HELD_OUT)
