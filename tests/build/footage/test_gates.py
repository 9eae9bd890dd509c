"""What footage must be like: each thing that is refused says what was measured and the limit, and what is good is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bithuman_core.build.footage.builder import skin_colours
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.clip.gates import (
    check_alone,
    check_light,
    check_one_shot,
    check_person,
    check_picture,
    check_uncovered,
)
from bithuman_core.build.footage.clip.reading import LOOKED_AT, MOST_SECONDS, at_frame_rate, best_part
from bithuman_core.build.footage.clip.refusal import NotFootage
from bithuman_core.build.footage.clip.watch import Watch
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.timing import FPS
from tests.footage import Filmed

pytest.importorskip("ai_edge_litert")

Picture = NDArray[np.uint8]
Change = Callable[[Picture, int], Picture]
HAND = (196, 142, 118)  # RGB


def hand(begin: int, end: int) -> Change:
    """Over the mouth, of the colour of skin, shaded and not quite still."""
    down, right = np.mgrid[:512, :512]

    def change(picture: Picture, k: int) -> Picture:
        if begin <= k < end:
            inside = ((right - 256 - 10 * np.sin(k / 5)) / 95) ** 2 + ((down - 360) / 70) ** 2 < 1
            shade = np.array(HAND) * (0.75 + (right - 160) / 800)[..., None]
            picture[inside] = np.clip(shade, 0, 255)[inside]
        return picture

    return change


def microphone(picture: Picture, k: int) -> Picture:
    picture[290:430, 205:305] = (30, 30, 32)
    return picture


def dimmed(share: float, begin: int, length: int = 1) -> Change:
    """The light goes to so much of it, within so many frames."""

    def change(picture: Picture, k: int) -> Picture:
        way = min(max((k - begin + 1) / length, 0), 1)
        return (picture * (1 + way * (share - 1))).astype(np.uint8)

    return change


def blurred(radius: float) -> Change:
    return lambda picture, k: np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def changed(film: Filmed, change: Change | None) -> list[Picture]:
    return [change(f.copy(), k) if change else f for k, f in enumerate(film.footage.pixels)]


def look(film: Filmed, change: Change | None, begin: int = 0) -> None:
    """All that is asked of the cut frames."""
    frames = Frames(changed(film, change))
    check_picture(film.footage.track.landmarks / 2, frames, begin)
    about, upper = skin_colours(film.footage.person, film.footage.mesh, frames)
    check_light(upper, begin)
    check_uncovered(about, upper, begin)


@pytest.mark.parametrize("change", [None, dimmed(0.94, 70), dimmed(0.7, 40, 75), dimmed(0.45, 0), blurred(1.5)])
def test_what_is_good_enough_is_taken(film: Filmed, change: Change | None) -> None:
    look(film, change)


def test_a_hand_of_the_colour_of_skin_is_refused(film: Filmed) -> None:
    says = r"covers the mouth at (2\.[3-6]|12\.[3-6]) s: (the lips differ by \d\.\d steps of colour|\d+ % of the skin)"
    with pytest.raises(NotFootage, match=says):
        look(film, hand(60, 80))
    with pytest.raises(NotFootage, match=r"at 12\.[3-6] s"):
        look(film, hand(60, 80), begin=250)  # the time is that of the whole clip


def test_a_microphone_that_is_always_there_is_refused(film: Filmed) -> None:
    with pytest.raises(NotFootage, match=r"covers the mouth at [01]\.\d s: the lips differ by \d\.\d steps .* [25]\.[05] are"):
        look(film, microphone)


def test_light_that_jumps_is_refused(film: Filmed) -> None:
    with pytest.raises(NotFootage, match=r"light on the face jumps at 2\.[789] s: by 2\d % and 15 % are allowed"):
        look(film, dimmed(0.78, 70))


def test_a_blurred_face_is_refused(film: Filmed) -> None:
    with pytest.raises(NotFootage, match=r"too blurred: \d\d % in the median and 68 % are allowed"):
        look(film, blurred(6))


def test_heads_that_turn_too_far_or_rush_are_refused(film: Filmed) -> None:
    person = film.footage.person
    check_person(person)
    check_person(replace(person, yaw=np.where(np.arange(len(person.yaw)) == 7, 60.0, 24.0)))  # one frame is no rule
    with pytest.raises(NotFootage, match=r"head turns by 3[01] degrees and 25 are allowed"):
        check_person(replace(person, yaw=np.linspace(-31, 31, len(person.yaw))))
    with pytest.raises(NotFootage, match=r"moves too fast to be followed: it is 1\.3 px off and 1\.0 are allowed"):
        check_person(replace(person, error=2.6))


def watched(frames: list[Picture], choose: bool = False) -> Watch:
    watch = Watch(None if choose else load_face_nets(), 50)
    for frame in frames:
        watch.see(frame)
    return watch


def with_another(film: Filmed, begin: int, end: int) -> list[Picture]:
    """Somebody looks over her shoulder."""
    other = np.asarray(Image.fromarray(film.frames[0][60:420, 90:430]).resize((150, 160)))[:, ::-1]
    frames = [frame.copy() for frame in film.frames[:75]]
    for frame in frames[begin:end]:
        frame[20:180, 352:502] = other
    return frames


def test_another_face_is_refused(film: Filmed) -> None:
    with pytest.raises(
        NotFootage, match=r"another face comes into the picture at 3\.0 s: it is \d+ px wide beside one of \d+, and"
    ):
        check_alone(watched(with_another(film, 10, 60)))
    check_alone(watched(with_another(film, 10, 60), choose=True))  # whose number was given
    check_alone(watched(film.frames))


def test_a_cut_is_refused_wherever_it_is(film: Filmed) -> None:
    frames = [*film.frames[:30], *[np.ascontiguousarray(f[:, ::-1]) // 2 for f in film.frames[30:60]]]
    with pytest.raises(NotFootage, match=r"picture jumps at 3\.2 s, a cut or the light: by \d+ levels, and 25 are allowed"):
        check_one_shot(watched(frames, choose=True))
    check_one_shot(watched(film.frames, choose=True))


def test_of_a_long_clip_a_part_without_a_cut_is_kept(film: Filmed) -> None:
    there = [*film.frames, *film.frames[::-1]]
    cut = 9 * FPS

    def shots() -> Iterator[Picture]:
        for k in range((MOST_SECONDS + 14) * FPS):
            frame = there[k % len(there)]
            yield frame // 2 if k < cut else frame

    first, end = best_part(shots, None)
    assert end - first == MOST_SECONDS * FPS
    assert cut - 1 <= first and first % LOOKED_AT == 0


def times(rate: float, seconds: float, uneven: float = 0.0) -> list[float]:
    rng = np.random.default_rng(0)
    return [k / rate + (uneven / rate * float(rng.uniform(-1, 1)) if k else 0.0) for k in range(round(seconds * rate) + 1)]


@pytest.mark.parametrize("rate", [15, 24, 25, 30, 50, 60, 120])
@pytest.mark.parametrize("uneven", [0.0, 0.45])
def test_of_any_rate_the_nearest_pictures_are_taken(rate: float, uneven: float) -> None:
    given = np.array(times(rate, 8, uneven))
    taken = list(at_frame_rate((t, np.array(t)) for t in given))  # type: ignore[misc]
    assert abs(len(taken) - 8 * FPS) <= 1 + FPS / rate
    for k, time in enumerate(taken):
        assert abs(time - k / FPS) <= np.abs(given - k / FPS).min() + 1e-9


def test_frames_are_kept_as_they_are_but_small(film: Filmed) -> None:
    frames = Frames(film.frames)
    assert len(frames) == len(film.frames) and frames.shape == (len(frames), 512, 512, 3)
    error = np.mean([(a.astype(float) - b) ** 2 for a, b in zip(film.frames, frames, strict=True)])
    assert 10 * np.log10(255**2 / error) > 46  # dB
    assert sum(map(len, frames._coded)) < 0.2 * sum(frame.nbytes for frame in film.frames)
