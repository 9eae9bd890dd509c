"""Films of strangers: whatever their H.264 holds, it is what the manifest says and takes no longer than it may, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="the photo builder's extra is not installed")

from benchmarks.imx_parts import Parts
from bithuman_core.errors import IntakeError, ModelError, ModelLoadError, ModelSecurityError
from bithuman_core.face import FaceState
from bithuman_core.intake.allowance import AVATAR
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.render.footage.dearest import dearest_frame
from bithuman_core.render.footage.film import FilmPlayer, check_film
from bithuman_core.uploads import avatar_limits, reading_pool
from bithuman_core.uploads.avatar import WIDE, trial
from bithuman_core.uploads.avatar_limits import check_group
from tests.footage import Filmed, filmed

FACE = [0.0] * FaceState().values.size


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return filmed(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def pool() -> Iterator[ReadingPool]:
    made = reading_pool()
    yield made
    made.close()


def packets(size: tuple[int, int], count: int, gop: int, noise: bool = False, **options: Any) -> list[bytes]:
    """So many coded frames."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base, codec.framerate = "yuv420p", Fraction(1, 25), Fraction(25)
    codec.thread_count = 1
    params = f"keyint={gop}:min-keyint={gop}:scenecut=0:repeat-headers=1:annexb=1"
    codec.options = {"preset": "ultrafast", "bf": "0", "x264-params": params, **options}
    made, rng = list[bytes](), np.random.default_rng(0)
    for k in range(count):
        picture = rng.integers(0, 256, (size[1], size[0], 3), np.uint8) if noise else np.full((size[1], size[0], 3), k, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = k
        made += [bytes(packet) for packet in codec.encode(frame)]
    return made + [bytes(packet) for packet in codec.encode(None)]


def of_packets(parts: Parts, coded: list[bytes]) -> None:
    parts.arrays["film"] = np.frombuffer(b"".join(coded), np.uint8)
    parts.arrays["film_start"] = np.cumsum([0, *map(len, coded)]).astype(np.uint32)


def own(parts: Parts) -> list[bytes]:
    data, start = parts.arrays["film"], parts.arrays["film_start"]
    return [data[a:b].tobytes() for a, b in pairwise(start)]


def other_film(size: tuple[int, int] | None = None, **options: Any) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        width, height = parts.manifest["canvas"]
        of_packets(parts, packets(size or (width, height), len(own(parts)), parts.manifest["rig"]["gop"], **options))

    return change


def cut_short(parts: Parts) -> None:
    of_packets(parts, [packet[: len(packet) // 2] for packet in own(parts)])


def two_in_one(parts: Parts) -> None:
    frames = own(parts)
    pairs = [first + second for first, second in zip(frames[::2], frames[1::2], strict=False)]
    of_packets(parts, pairs + frames[len(pairs) :])


def fewer_frames(parts: Parts) -> None:
    of_packets(parts, own(parts)[:-1])


def no_key_frame_later(parts: Parts) -> None:
    """Played from its beginning it is sound; only who jumps sees that a group begins with nothing."""
    width, height = parts.manifest["canvas"]
    of_packets(parts, packets((width, height), len(own(parts)), 10_000))


def noughts(parts: Parts) -> None:
    parts.arrays["film"] = np.zeros_like(parts.arrays["film"])


HOSTILE: dict[str, tuple[Callable[[Parts], None], str]] = {
    "frames larger than the manifest says": (other_film((1024, 1024)), "not what its manifest says"),
    "frames of 8192 px": (other_film((8192, 64)), "not what its manifest says"),
    "frames that wait for later ones": (other_film(bf="3", preset="fast"), "not what its manifest says|cannot be decoded"),
    "cut frames": (cut_short, "cannot be decoded|not what its manifest says"),
    "two frames in one": (two_in_one, "not what its manifest says|does not fit"),
    "a frame too few": (fewer_frames, "is needed"),
    "groups without a key frame": (no_key_frame_later, "cannot be decoded|not what its manifest says"),
    "no film": (noughts, "cannot be decoded|not what its manifest says"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_film_that_is_not_what_it_says_is_refused(film: Filmed, pool: ReadingPool, tmp_path: Path, name: str) -> None:
    change, says = HOSTILE[name]
    parts = Parts.of(film.path)
    change(parts)
    (tmp_path / "film.imx").write_bytes(parts.to_bytes())
    with pytest.raises(ModelError, match=says):
        pool.run(trial, AVATAR, path=str(tmp_path / "film.imx"), face=FACE)


def test_one_that_is_built_here_is_taken(film: Filmed, pool: ReadingPool) -> None:
    facts, still = pool.run(trial, AVATAR, path=str(film.path), face=FACE)
    assert facts["tick_ms"] < avatar_limits.TICK_MS and still.startswith(b"RIFF")


def test_what_takes_long_to_decode_is_refused(film: Filmed, pool: ReadingPool, tmp_path: Path) -> None:
    """Noise with 24 MB of bits: every frame is there, and takes tens of milliseconds."""
    parts = Parts.of(film.path)
    width, height = parts.manifest["canvas"]
    few = packets((width, height), 24, 12, noise=True, preset="medium", crf="1")
    of_packets(parts, (few * len(own(parts)))[: len(own(parts))])
    (tmp_path / "film.imx").write_bytes(parts.to_bytes())
    with pytest.raises((ModelSecurityError, IntakeError), match=r"to decode a group|bytes of film|seconds of work"):
        pool.run(trial, AVATAR, path=str(tmp_path / "film.imx"), face=FACE)


def test_the_sentence_has_measure_and_limit() -> None:
    check_group(avatar_limits.GROUP_MS)
    with pytest.raises(ModelSecurityError, match="takes 81 ms to decode a group of frames, and 80 ms are taken"):
        check_group(avatar_limits.GROUP_MS + 1)


def test_every_group_is_what_it_is_whatever_was_played_before(film: Filmed) -> None:
    """Of a film in which only the first group has a key frame, later groups are refused also after the first."""
    size, count = film.rig.film.size, 24
    coded = packets(size, count, 10_000)
    bad = replace(film.rig.film, data=np.frombuffer(b"".join(coded), np.uint8), start=np.cumsum([0, *map(len, coded)]))
    player = FilmPlayer(bad)
    for k in range(bad.gop):
        player.frame(k)
    with pytest.raises(ModelLoadError):
        player.frame(bad.gop)
    with pytest.raises(ModelLoadError):
        check_film(bad)


def test_the_frame_with_the_largest_head_is_the_dearest(film: Filmed) -> None:
    turn = film.rig.turn.copy()
    turn[77] *= 1.5
    assert dearest_frame(replace(film.rig, turn=turn), FaceState.from_mapping(WIDE)) == 77
