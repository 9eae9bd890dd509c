"""From a clip to a footage avatar: what is kept, what is refused and why."""

from __future__ import annotations

import numpy as np
import pytest

from bithuman_core.build.footage.builder import footage_arrays, read_footage
from bithuman_core.build.footage.refusal import NotFootage
from bithuman_core.engine import Fixture
from bithuman_core.face import FaceState
from bithuman_core.imx.checksum import checksum
from bithuman_core.render import PortraitRenderer, PortraitRig
from tests.footage import Filmed

pytest.importorskip("ai_edge_litert")


def test_the_head_is_where_it_was_drawn(film: Filmed) -> None:
    yaw = np.array([face["headYaw"] for face in film.faces])
    assert np.corrcoef(yaw, film.footage.person.yaw)[0, 1] > 0.9
    assert film.footage.person.error < 1.5  # canvas px: smooth against measured


def test_the_talk_is_read_and_then_gone(film: Filmed) -> None:
    jaw = np.array([face["jawOpen"] for face in film.faces])
    assert np.corrcoef(jaw, film.footage.person.gap)[0, 1] > 0.85
    speaking = jaw > 0.05
    assert film.footage.plan.keeps[speaking].max() < 0.5
    assert film.footage.plan.keeps[-20:].min() > 0.9  # she listens: the camera's own pixels


def test_the_open_mouths_are_her_own(film: Filmed) -> None:
    assert not film.footage.made_up
    assert 1 <= len(film.footage.interiors.gap) <= 20


def test_the_file_is_small(film: Filmed) -> None:
    size = sum(a.nbytes for a in film.file.arrays.values())
    assert size < 4e6 * max(film.rig.frames / 500, 0.5)


def drawn(jaw: float = 0.0) -> list[np.ndarray]:
    """Two seconds of Mara whose head hardly moves, her mouth open by ``jaw`` and half of it less and more."""
    rig = Fixture("mara").rig
    assert isinstance(rig, PortraitRig)
    renderer = PortraitRenderer(rig)
    frames = []
    for k in range(50):
        face = FaceState.from_mapping({"headYaw": 0.5 * np.sin(k / 9), "jawOpen": jaw * (1 + 0.5 * np.sin(k / 3))})
        frames.append(np.ascontiguousarray(renderer.render(face)[:, :, ::-1]))
    return frames


def test_a_mouth_that_never_shows_its_inside_gets_one() -> None:
    footage = read_footage(drawn)
    assert footage.made_up
    assert len(footage.interiors.gap) > 4
    assert footage.interiors.gap.max() > 0.05


def test_a_face_that_is_lost_is_refused() -> None:
    frames = drawn()
    frames[10:30] = [np.zeros_like(frames[0])] * 20
    with pytest.raises(NotFootage, match=r"lost in 40 % of the frames and 2 %"):
        read_footage(lambda: frames)


def test_a_face_that_is_too_small_is_refused() -> None:
    small = [np.ascontiguousarray(f[::3, ::3]) for f in drawn()[:30]]
    with pytest.raises(NotFootage, match=r"\d+ px wide in the clip and 120 are needed"):
        read_footage(lambda: small)


def test_a_mouth_that_never_rests_is_refused() -> None:
    with pytest.raises(NotFootage, match=r"never rests: in the median it is 0\.\d+ face widths from rest \(0\.03 are allowed\)"):
        read_footage(lambda: drawn(0.3))


def test_the_same_pictures_give_the_same_bytes() -> None:
    frames = drawn()[:30]
    one, two = (footage_arrays(read_footage(lambda: frames), "x")[1] for _ in range(2))
    assert checksum(one) == checksum(two)
