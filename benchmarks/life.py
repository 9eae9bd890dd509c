"""Prints how the motion behaves, without pictures: ``python -m benchmarks.life [--minutes 10]``.

Ten minutes of idle life and the shipped clip of speech, of one seed; and what the motion of a tick costs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import load_audio
from bithuman_core.face import BREATH, INDEX, indices
from bithuman_core.motion import Mixer
from bithuman_core.motion.beat import Beats
from bithuman_core.motion.idle import IdleLife, Moment
from bithuman_core.motion.prosody import Prosody
from bithuman_core.settings import speech_clip
from bithuman_core.speech.net import SpeechNet
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

HEAD = indices("headYaw", "headPitch", "headRoll")
SMALL = indices("browInnerUp", "browOuterUpLeft", "mouthSmileLeft", "mouthSmileRight", "eyeSquintLeft", "mouthPressLeft")


def begins(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The ticks at which runs of True begin."""
    return np.flatnonzero(np.diff(mask.astype(np.int8)) == 1) + 1


def line(name: str, value: str) -> None:
    """One row of the table."""
    print(f"{name:<46}{value:>26}")


def print_head(angles: NDArray[np.float32]) -> None:
    """Range, rest and roughness of head motion, degrees [n, 3]."""
    speed = np.linalg.norm(np.diff(angles, axis=0), axis=1) * FPS
    acceleration = np.linalg.norm(np.diff(angles, 2, axis=0), axis=1) * FPS**2
    line("head: standard deviation yaw, pitch, roll", " / ".join(f"{v:.1f}" for v in angles.std(axis=0)) + " deg")
    line("head: at rest (below 1 deg/s)", f"{100 * (speed < 1).mean():.0f} % of the time")
    line("head: speed, 99 % and largest", f"{np.quantile(speed, 0.99):.0f} / {speed.max():.0f} deg/s")
    line("head: acceleration, 99 %", f"{np.quantile(acceleration, 0.99):.0f} deg/s2")


def print_idle(minutes: float) -> None:
    """Idle life."""
    life, faces, gazes = IdleLife(np.random.default_rng(0)), [], []
    for _ in range(round(minutes * 60 * FPS)):
        faces.append(life.next(Moment()))
        gazes.append(life.gaze)
    motion, away = np.array(faces), np.hypot(*np.array(gazes).T)
    lids = motion[:, INDEX["eyeBlinkLeft"]] > 0
    every = np.diff(begins(lids)) / FPS
    single = every[every > 1.0]
    line("blinks a minute", f"{begins(lids).size / minutes:.1f}")
    line("blinks: interval 10 / 50 / 90 %", " / ".join(f"{v:.1f}" for v in np.quantile(single, [0.1, 0.5, 0.9])) + " s")
    line("blinks: length, double ones", f"{lids.sum() / FPS / begins(lids).size:.2f} s, {100 * (every < 0.6).mean():.0f} %")
    line("gaze: on the viewer", f"{100 * (away < 4.5).mean():.0f} % of the time")
    line("gaze: glances aside a minute", f"{begins(away > 5.5).size / minutes:.1f}")
    line("breaths a minute", f"{begins(np.diff(motion[:, INDEX[BREATH]]) > 1e-3).size / minutes:.1f}")
    line("small expressions a minute", f"{begins(motion[:, SMALL].max(axis=1) > 0.02).size / minutes:.1f}")
    print_head(motion[:, HEAD])


def print_speech() -> None:
    """The clip of real speech."""
    sound, _ = load_audio(speech_clip(), SAMPLE_RATE)
    ticks = sound[: sound.size // SAMPLES_PER_TICK * SAMPLES_PER_TICK].astype(np.float32).reshape(-1, SAMPLES_PER_TICK)
    net = SpeechNet.load()
    stream = net.stream()
    heard = [stream.push(tick) for tick in ticks]
    prosody, beats, added, accents = Prosody(), Beats(np.random.default_rng(0)), [], 0
    for tick, said in zip(ticks, heard, strict=True):
        prosody.push(tick, said.voice)
        accents += prosody.accent > 0.2
        added.append(beats.next(prosody, said.arousal))
    motion = np.array(added)
    line("accents a second", f"{accents / (len(ticks) / FPS):.1f}")
    line("brows lifted, times a minute", f"{60 * begins(motion[:, INDEX['browInnerUp']] > 0.08).size / (len(ticks) / FPS):.0f}")
    print_head(motion[:, HEAD])
    mixer = Mixer(net.mouth_names, 0)
    begun = time.process_time()
    for tick, said in zip(ticks, heard, strict=True):
        mixer.next(said, tick)
    line("the whole motion, CPU time a tick", f"{1e3 * (time.process_time() - begun) / len(ticks):.2f} ms")
    begun, prosody = time.process_time(), Prosody()
    for tick, said in zip(ticks, heard, strict=True):
        prosody.push(tick, said.voice)
    line("of it prosody", f"{1e3 * (time.process_time() - begun) / len(ticks):.2f} ms")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how much idle life")
    minutes = parser.parse_args().minutes
    print(f"Idle, {minutes:g} minutes")
    print_idle(minutes)
    print("\nSpeech (what it adds)")
    print_speech()


if __name__ == "__main__":
    main()
