"""What a recording of the page says about lips, voice and delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.browser.harness import Recording

STEP = 0.02  # s, the grid on which motion and loudness are compared
SMOOTH = 5  # grid steps (100 ms): syllables stay, single frames and glottal pulses go
MAX_DELAY = 1.2  # s
QUIET_DB = -35.0  # below the loud parts of the speech
PAUSE = 0.5  # s: shorter ones need not close the mouth

Array = NDArray[np.float64]


def smoothed(values: Array) -> Array:
    """A moving average over SMOOTH steps, twice."""
    window = np.ones(SMOOTH) / SMOOTH
    return np.convolve(np.convolve(values, window, "same"), window, "same").astype(np.float64)


@dataclass(frozen=True)
class Lips:
    """Motion of the mouth's box and loudness of the speech, on one grid.

    ``delay`` (s) is where they agree best, ``correlation`` how well they do; ``rest`` is motion in pauses over motion in speech.
    """

    correlation: float
    delay: float
    rest: float


def lips(recording: Recording) -> Lips:
    """Compare the mouth with the speech that the microphone heard."""
    grid = np.arange(max(recording.heard_at[0], recording.shown_at[0]) + 0.1, recording.shown_at[-1] - 0.1, STEP)
    moved = np.abs(np.diff(recording.gray.astype(np.float64), axis=0)).mean(axis=(1, 2))
    moved /= np.maximum(recording.rtp_steps / 3600, 1)  # where the screen missed a picture, two steps came in one
    motion = smoothed(np.interp(grid, recording.shown_at[1:], moved))
    heard = smoothed(np.interp(grid, recording.heard_at, recording.heard))
    lags = np.arange(int(MAX_DELAY / STEP))
    scores = [np.corrcoef(motion[lag:], heard[: heard.size - lag])[0, 1] for lag in lags]
    best = int(np.argmax(scores))
    quiet = _pauses(20 * np.log10(heard / np.quantile(heard, 0.95) + 1e-9) < QUIET_DB)
    shown = motion[best:]
    quiet = quiet[: shown.size]
    return Lips(float(scores[best]), best * STEP, float(shown[quiet].mean() / shown[~quiet].mean()))


def _pauses(quiet: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Long pauses without their first and last 150 ms, in which the mouth still closes and already opens."""
    edge, least = int(0.15 / STEP), int(PAUSE / STEP)
    inside = np.zeros_like(quiet)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= least:
            inside[begin + edge : end - edge] = True
    return inside


def onsets(times: Array, values: Array, threshold: float) -> Array:
    """The times at which ``values`` rises above the threshold."""
    return times[1:][(values[1:] > threshold) & (values[:-1] <= threshold)]


def after(events: Array, answers: Array) -> Array:
    """For every event the time to the first answer that follows it; events without one are left out."""
    position = np.searchsorted(answers, events)
    known = position < answers.size
    return answers[position[known]] - events[known]


def nearest(events: Array, answers: Array) -> Array:
    """For every event the signed time to the nearest answer."""
    return np.array([answers[np.argmin(np.abs(answers - event))] - event for event in events])
