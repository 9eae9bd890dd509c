"""From a photo to an analysed portrait: what is found, what is refused and how, what is left of the picture."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps, features

from bithuman_core import cli
from bithuman_core.build import Portrait, analyse, avatar_file, build_avatar
from bithuman_core.build.photo import rim
from bithuman_core.build.photo.colour import srgb_to_lab
from bithuman_core.build.photo.decode import load_photo
from bithuman_core.build.photo.detector import ANCHORS, overlap
from bithuman_core.build.photo.faces import choose_face, find_faces
from bithuman_core.build.photo.gates import check_face
from bithuman_core.build.photo.landmarker import EYE_CORNERS, Face
from bithuman_core.build.photo.models import FaceNets, load_face_nets
from bithuman_core.build.photo.portrait import CANVAS, FACE_WIDTH
from bithuman_core.build.photo.sources import is_clip
from bithuman_core.build.shape.canvas import LARGEST_FACE
from bithuman_core.engine import Fixture
from bithuman_core.errors import BuildError, ModelNotFoundError, SeveralFacesError
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import PortraitRig, renderer_for
from bithuman_core.settings import models_dir
from tests.cli.test_cli import run

DATA = Path(__file__).parents[1] / "data"
ASTRONAUT, HOPPER, CAT = DATA / "astronaut.jpg", DATA / "grace_hopper.jpg", DATA / "cat.jpg"
LANDMARKS = (13, 14, 61, 291, 33, 133, 362, 263)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return load_face_nets()


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    return Image.open(ASTRONAUT).convert("RGB")


@pytest.fixture(scope="module")
def hopper() -> Image.Image:
    return Image.open(HOPPER).convert("RGB")


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return analyse(HOPPER)


@pytest.fixture(scope="module")
def mara(fixture: Fixture) -> Callable[..., Image.Image]:
    """Mara in a pose, as a photo."""
    renderer = renderer_for(fixture.rig)
    return lambda **pose: Image.fromarray(renderer.render(FaceState.from_mapping(pose))[:, :, ::-1].copy())


def only_face(nets: FaceNets, image: Image.Image) -> Face:
    return choose_face(nets, image, None).face


# --- what is found


def test_anchors_cover_the_picture() -> None:
    assert ANCHORS.shape == (896, 2)
    np.testing.assert_allclose(ANCHORS[0], 0.5 / 16)
    np.testing.assert_allclose(ANCHORS[512], 0.5 / 8)


def test_overlap() -> None:
    boxes = np.array([(0, 0, 2, 2), (1, 0, 3, 2), (5, 5, 6, 6)], np.float32)
    np.testing.assert_allclose(overlap(boxes[0], boxes), [1, 1 / 3, 0])


def test_lab_of_known_colours() -> None:
    lab = srgb_to_lab(np.array([(1, 1, 1), (0, 0, 0), (1, 0, 0)], np.float32))
    np.testing.assert_allclose(lab, [(100, 0, 0), (0, 0, 0), (53.24, 80.09, 67.2)], atol=0.1)


def test_landmarks_lie_on_a_face_whose_geometry_is_known(nets: FaceNets, mara: Callable[..., Image.Image]) -> None:
    avatar = read_imx(models_dir() / "mara.imx")
    corners, weights = avatar.arrays["landmark_index"], avatar.arrays["landmark_weight"]
    points = (avatar.arrays["vertices"][corners] * weights[..., None]).sum(1)
    distance = avatar.manifest.rig["distance"]
    exact = points[:, :2] * (distance / (distance + points[:, 2:])) / 2 + 256
    rows = [list(avatar.arrays["landmark"]).index(number) for number in LANDMARKS]
    found = only_face(nets, mara()).landmarks[list(LANDMARKS), :2]
    assert np.median(np.linalg.norm(found - exact[rows], axis=1)) < 4, "px of 512"


def test_head_angles_are_read_back(nets: FaceNets, mara: Callable[..., Image.Image]) -> None:
    for yaw, pitch, roll in ((9, 0, 0), (-9, 3, 0), (0, -5, 4), (3, 4, -6)):
        angles = only_face(nets, mara(headYaw=yaw, headPitch=pitch, headRoll=roll)).angles
        np.testing.assert_allclose(angles, (yaw, pitch, roll), atol=4)


def test_expressions_are_read_back_and_grow(nets: FaceNets, mara: Callable[..., Image.Image]) -> None:
    def read(name: str, **pose: float) -> float:
        return only_face(nets, mara(**pose)).blendshapes[name]

    opened = [read("jawOpen", jawOpen=value) for value in (0, 0.3, 0.7)]
    assert opened[0] < 0.05 and np.all(np.diff(opened) > 0.05)
    closed = [read("eyeBlinkLeft", eyeBlinkLeft=value, eyeBlinkRight=value) for value in (0, 0.5, 1)]
    assert closed[0] < 0.4 < closed[2] and np.all(np.diff(closed) > 0.1)


def test_a_smile_is_seen(nets: FaceNets, astronaut: Image.Image, hopper: Image.Image) -> None:
    assert only_face(nets, astronaut).blendshapes["mouthSmileLeft"] > 0.7
    assert only_face(nets, hopper).blendshapes["mouthSmileLeft"] < 0.2


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_a_photo_on_its_side_is_turned(nets: FaceNets, hopper: Image.Image, turn: Image.Transpose) -> None:
    chosen = choose_face(nets, hopper.transpose(turn), None)
    assert "its side" in chosen.notes[0]
    straight = only_face(nets, hopper)
    np.testing.assert_allclose(chosen.face.landmarks, straight.landmarks, atol=3)


def test_a_small_face_in_a_large_photo_is_found(nets: FaceNets, hopper: Image.Image) -> None:
    wide = Image.new("RGB", (2400, 1800), (90, 110, 90))
    wide.paste(hopper, (1700, 1100))
    faces, _ = find_faces(nets, wide)
    assert len(faces) == 1
    np.testing.assert_allclose(faces[0].landmarks[1, :2], only_face(nets, hopper).landmarks[1, :2] + (1700, 1100), atol=4)


# --- what is refused


def refusal(nets: FaceNets, image: Image.Image) -> str:
    with pytest.raises(BuildError) as caught:
        check_face((chosen := choose_face(nets, image, None)).face, chosen.image)
    return caught.value.message


def notes(nets: FaceNets, image: Image.Image) -> str:
    chosen = choose_face(nets, image, None)
    return " ".join(check_face(chosen.face, chosen.image))


def test_no_face_and_animals(nets: FaceNets) -> None:
    assert "no human face" in refusal(nets, Image.new("RGB", (400, 400), (120, 130, 140)))
    assert "no human face" in refusal(nets, Image.open(CAT).convert("RGB"))


def test_several_faces_are_listed_and_can_be_chosen(nets: FaceNets, astronaut: Image.Image, hopper: Image.Image) -> None:
    both = Image.new("RGB", (1024, 600))
    both.paste(hopper, (512, 0))
    both.paste(astronaut, (0, 0))
    message = refusal(nets, both)
    assert "2 faces" in message and "number" in message
    with pytest.raises(SeveralFacesError) as several:
        choose_face(nets, both, None)
    crops = [Image.open(io.BytesIO(crop)) for crop in pickle.loads(pickle.dumps(several.value)).faces]
    assert [crop.size for crop in crops] == [(160, 160)] * 2
    assert all(find_faces(nets, crop)[0] for crop in crops), "each shows its face"
    assert choose_face(nets, both, 1).face.box[0] > 512 > choose_face(nets, both, 2).face.box[2], "largest first"
    with pytest.raises(BuildError, match="no face 3"):
        choose_face(nets, both, 3)


def test_refusals_name_measure_and_limit(nets: FaceNets, hopper: Image.Image, mara: Callable[..., Image.Image]) -> None:
    small = refusal(nets, hopper.resize((220, 258)))
    assert "px wide and 90 are needed" in small
    assert "closed" in refusal(nets, mara(eyeBlinkLeft=1, eyeBlinkRight=1))
    assert "68 %" in refusal(nets, hopper.filter(ImageFilter.GaussianBlur(6)))
    assert "too dark" in refusal(nets, hopper.point(lambda v: int(v * 0.06)))
    assert "chin is cut off" in refusal(nets, hopper.crop((0, 0, 512, 320)))
    assert "eye is cut off" in refusal(nets, hopper.crop((210, 0, 512, 600)))


@pytest.mark.parametrize("colour", [(225, 228, 230), (120, 170, 210), (25, 25, 28), (255, 255, 255)])
def test_a_mask_over_the_mouth_is_refused(nets: FaceNets, hopper: Image.Image, colour: tuple[int, int, int]) -> None:
    points = only_face(nets, hopper).landmarks[[234, 50, 5, 280, 454, 361, 397, 379, 152, 150, 172, 132], :2]
    masked = hopper.copy()
    ImageDraw.Draw(masked).polygon([(float(x), float(y)) for x, y in points], fill=colour)
    assert ("covered or overexposed" if min(colour) == 255 else "covered (lips") in refusal(nets, masked)


def test_a_turned_head_is_refused(nets: FaceNets, hopper: Image.Image) -> None:
    face = only_face(nets, hopper)
    angle = np.radians(30)
    turned = face.landmarks.copy()
    x, z = face.landmarks[:, 0] - 256, face.landmarks[:, 2]
    turned[:, 0], turned[:, 2] = x * np.cos(angle) - z * np.sin(angle) + 256, x * np.sin(angle) + z * np.cos(angle)
    with pytest.raises(BuildError, match="turned 30 degrees to the right of the picture and 25 are allowed"):
        check_face(Face(turned, face.blendshapes, face.score), hopper)


def with_landmarks(face: Face, change: Callable[[NDArray[np.float32]], None]) -> Face:
    points = face.landmarks.copy()
    change(points)
    return Face(points, face.blendshapes, face.score)


def test_what_was_accepted_and_should_not_have_been(nets: FaceNets, hopper: Image.Image) -> None:
    """A wink, a face half painted over, an animal."""
    face = only_face(nets, hopper)

    def wink(points: NDArray[np.float32]) -> None:
        points[386] += 0.6 * (points[374] - points[386])

    with pytest.raises(BuildError, match="one eye is closed more"):
        check_face(with_landmarks(face, wink), hopper)
    painted = hopper.copy()
    box = face.landmarks[[234, 10, 454, 4], :2]
    ImageDraw.Draw(painted).rectangle([*box.min(0), *box.max(0)], fill=(210, 160, 140))
    with pytest.raises(BuildError, match="painted over"):
        check_face(face, painted)
    furry = Image.fromarray((0.85 * np.asarray(hopper.convert("L"))[..., None] + 0.15 * np.asarray(hopper)).astype(np.uint8))
    with pytest.raises(BuildError, match="no human face"):
        check_face(Face(face.landmarks, face.blendshapes, 0.8), furry)
    assert "statue" in " ".join(check_face(face, furry)), "a surer face gets a note"


def test_what_is_only_just_beyond_a_limit_is_let_pass(nets: FaceNets, hopper: Image.Image) -> None:
    """No sentence says that 25 degrees are too many where 25 are allowed, or that one px is missing."""
    face = only_face(nets, hopper)
    for degrees in (25.3, 25.6):
        angle = np.radians(degrees - face.angles[0])
        turned = face.landmarks.copy()
        x, z = face.landmarks[:, 0] - 256, face.landmarks[:, 2]
        turned[:, 0], turned[:, 2] = x * np.cos(angle) - z * np.sin(angle) + 256, x * np.sin(angle) + z * np.cos(angle)
        seen = Face(turned, face.blendshapes, face.score)
        assert seen.angles[0] == pytest.approx(degrees, abs=0.2)
        if degrees > 25.5:
            with pytest.raises(BuildError, match="turned 26 degrees"):
                check_face(seen, hopper)
        else:
            check_face(seen, hopper)
    chin = int(face.landmarks[152, 1])
    check_face(face, hopper.crop((0, 0, hopper.width, chin - 1)))


def test_faces_that_are_too_small_are_not_offered(nets: FaceNets, hopper: Image.Image, astronaut: Image.Image) -> None:
    group = Image.new("RGB", (400, 250))
    group.paste(hopper.resize((170, 200)), (0, 20))
    group.paste(hopper.resize((180, 211)), (200, 20))
    assert "px wide, and 90 are needed" in refusal(nets, group)


def test_what_works_with_a_note(nets: FaceNets, hopper: Image.Image, mara: Callable[..., Image.Image]) -> None:
    assert notes(nets, mara()) == ""
    drawn = ImageOps.posterize(mara().filter(ImageFilter.MedianFilter(9)), 3)
    assert "looks drawn" in notes(nets, drawn)
    assert "black and white" in notes(nets, hopper.convert("L").convert("RGB"))
    face = only_face(nets, hopper)

    def startled(points: NDArray[np.float32]) -> None:
        for upper, lower in ((159, 145), (386, 374)):
            middle = (points[upper] + points[lower]) / 2
            half = np.array([0, 0.06 * face.width, 0], np.float32)
            points[upper], points[lower] = middle - half, middle + half

    assert "looks drawn" in " ".join(check_face(with_landmarks(face, startled), hopper)), "no person has eyes as large as these"
    clay = hopper.copy()
    box = face.landmarks[[234, 10, 454, 4], :2]
    left, top, right, low = (int(v) for v in (box[:, 0].min(), box[:, 1].min(), box[:, 0].max(), box[:, 1].max()))
    grey = np.asarray(hopper.convert("L"))[top:low, left:right, None] / 255
    clay.paste(Image.fromarray((grey * (255, 140, 90)).astype(np.uint8)), (left, top))
    assert "statue" in notes(nets, clay)
    assert "dark" in notes(nets, hopper.point(lambda v: int(v * 0.25)))
    assert "soft" in notes(nets, hopper.filter(ImageFilter.GaussianBlur(3)))


@pytest.mark.parametrize("name", ["faces/beard.webp", "faces/freckles.webp", "grace_hopper.jpg"])
@pytest.mark.parametrize("gain", [1.5, 2.0, 3.0])
def test_an_overexposed_photo_is_not_taken_for_a_drawing(nets: FaceNets, name: str, gain: float) -> None:
    levels = np.asarray(Image.open(DATA / name).convert("RGB")) * gain
    bright = Image.fromarray(np.minimum(levels, 255).astype(np.uint8))
    told = notes(nets, Image.open(io.BytesIO(encoded(bright, "JPEG", quality=85))))
    assert "drawn" not in told and "black and white" not in told
    assert "overexposed" in told if gain == 3 else gain > 1.5 or "overexposed" not in told


# --- rims


@pytest.mark.parametrize(
    ("border", "colour"),
    [(2, "white"), (1, "black"), (12, (200, 30, 30)), ((0, 60), "black"), ((50, 0), "white"), ((4, 0, 0, 0), "white")],
)
def test_a_rim_of_one_colour_is_cut(
    hopper: Image.Image, border: int | tuple[int, ...], colour: str | tuple[int, int, int]
) -> None:
    framed = ImageOps.expand(hopper, border, colour)
    for data in (encoded(framed), encoded(framed, "JPEG", quality=85)):
        photo = load_photo(data)
        assert photo.notes == (rim.NOTE,)
        assert 0 <= min(hopper.width - photo.image.width, hopper.height - photo.image.height) <= 2, "nothing else is cut"
        assert max(hopper.width - photo.image.width, hopper.height - photo.image.height) <= 2


def test_what_is_no_rim_stays(mara: Callable[..., Image.Image]) -> None:
    """A plain wall behind somebody, dark clothes at the lower edge, a sky above."""
    plain = Image.new("RGB", (400, 400), "white")
    plain.paste(Image.new("RGB", (120, 300), (180, 140, 120)), (140, 100))
    for image in (plain, mara(), *(Image.open(path) for path in sorted((DATA / "faces").glob("*.webp"))), Image.open(HOPPER)):
        assert rim.inside_rim(image.convert("RGB")) is None


# --- reading files


def test_heic_is_read(hopper: Image.Image, tmp_path: Path) -> None:
    path = DATA / "grace_hopper.heic"
    photo = load_photo(path)
    assert photo.image.size == hopper.size and photo.notes == ()
    assert np.abs(np.asarray(photo.image, float) - np.asarray(hopper, float)).mean() < 4
    assert not is_clip(path) and not is_clip(path.read_bytes())
    (tmp_path / "IMG_1234").write_bytes(path.read_bytes())
    assert load_photo(tmp_path / "IMG_1234").image.size == hopper.size


def test_a_large_picture_is_refused_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(BuildError, match="100 megapixels"):
        load_photo(encoded(Image.new("1", (10_000, 10_000))))
    assert not recwarn.list


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "LA", "RGBA", "I;16", "F"])
def test_every_mode_becomes_rgb(astronaut: Image.Image, mode: str) -> None:
    small = astronaut.resize((128, 128))
    grey = np.asarray(small.convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else small.convert(mode)
    photo = load_photo(encoded(image, "TIFF"))
    assert (photo.image.mode, photo.image.size) == ("RGB", (128, 128))
    assert np.abs(np.asarray(photo.image.convert("L"), float) - grey).mean() < 12, "a palette is dithered"


def test_exif_orientation_is_followed(astronaut: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = load_photo(encoded(astronaut.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)).image
    assert np.abs(np.asarray(turned, float) - np.asarray(astronaut, float)).mean() < 5


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no picture"),
        (b"IMX\x00" + bytes(60), "no picture"),
        (b"\0\0\0\x18ftypheic" + bytes(60), "damaged"),
        (encoded(Image.new("1", (9000, 9000))), "81 megapixels, and 32 are allowed"),
        (encoded(Image.new("L", (80, 200))), "90 a side are needed"),
        (encoded(Image.new("L", (900, 100))), "strip"),
    ],
)
def test_unusable_files_get_a_sentence(data: bytes, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        load_photo(data)


def test_missing_files_and_folders_get_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(BuildError, match="cannot read"):
            load_photo(path)


SEEDS = [encoded(Image.effect_noise((100, 100), 60).convert("RGB"), f) for f in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")]
if features.check("avif"):
    SEEDS.append(encoded(Image.effect_noise((100, 100), 60).convert("RGB"), "AVIF"))


SEEDS.append((DATA / "grace_hopper.heic").read_bytes())
CHANGES = st.lists(st.tuples(st.integers(0, 30000), st.integers(0, 255)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 30000), CHANGES)
def test_damaged_files_give_a_picture_or_a_sentence(seed: bytes, length: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(seed[: length or None])
    for place, value in changes:
        if data:
            data[place % min(len(data), 400)] = value
    try:
        image = load_photo(bytes(data)).image
    except BuildError:
        return
    assert image.mode == "RGB" and image.width * image.height <= 64_000_000


# --- the portrait


def test_the_head_is_upright_and_in_its_place(nets: FaceNets, hopper: Image.Image, portrait: Portrait) -> None:
    tilted = analyse(encoded(hopper.rotate(15, Image.Resampling.BICUBIC, expand=True)))
    for seen in (portrait, tilted):
        picture = Image.fromarray((seen.picture * 255).astype(np.uint8))
        face = only_face(nets, picture)
        assert abs(face.angles[2]) < 1.5
        assert 0.98 * FACE_WIDTH * CANVAS < face.width < 1.02 * LARGEST_FACE * CANVAS
        assert face.landmarks[EYE_CORNERS, 0].mean() == pytest.approx(CANVAS / 2, abs=25)
        assert np.median(np.linalg.norm(face.landmarks[:, :2] - seen.landmarks[:, :2], axis=1)) < 4


def test_matte_and_plate_give_the_photo_back(hopper: Image.Image, portrait: Portrait) -> None:
    assert portrait.alpha.shape == (CANVAS, CANVAS) and portrait.plate.shape == (CANVAS // 2, CANVAS // 2, 3)
    for values in (portrait.picture, portrait.alpha, portrait.plate):
        assert values.dtype == np.float32 and values.min() >= 0 and values.max() <= 1
    x, y = portrait.landmarks[:468, 0].astype(int), portrait.landmarks[:468, 1].astype(int)
    assert portrait.alpha[y, x].min() > 0.95, "the face is all there"
    assert portrait.alpha[:200, -150:].max() < 0.05 and portrait.alpha[-30:, 400:624].min() > 0.95
    person, ground = portrait.alpha[::2, ::2, None], portrait.plate
    back = portrait.picture[::2, ::2] * person + ground * (1 - person)
    step = 0.4 * CANVAS / portrait.provenance["source"]["face"]["width"] / 2
    eyes = portrait.landmarks[EYE_CORNERS, :2].mean(0) / 2
    face = only_face(load_face_nets(), hopper)
    roll = np.radians(face.angles[2])
    yy, xx = np.mgrid[0:512, 0:512] + 0.5
    dx, dy = (xx - eyes[0]) / step, (yy - eyes[1]) / step
    origin = face.landmarks[EYE_CORNERS, :2].mean(0)
    px = (np.cos(roll) * dx - np.sin(roll) * dy + origin[0]).astype(int)
    py = (np.sin(roll) * dx + np.cos(roll) * dy + origin[1]).astype(int)
    inside = (px >= 2) & (px < hopper.width - 2) & (py >= 2) & (py < hopper.height - 2)
    photo = np.asarray(hopper, np.float32)[np.clip(py, 0, hopper.height - 1), np.clip(px, 0, hopper.width - 1)] / 255
    assert np.median(np.abs(back - photo)[inside]) < 0.02


def test_the_matte_of_a_figure_whose_outline_is_known(mara: Callable[..., Image.Image], fixture: Fixture) -> None:
    frame = np.asarray(mara(), np.float32) / 255
    assert isinstance(fixture.rig, PortraitRig)
    plate = fixture.rig.plate[..., ::-1].astype(np.float32) / 255
    exact = np.abs(frame - plate).max(-1) > 0.06
    seen = analyse(encoded(Image.fromarray((frame * 255).astype(np.uint8))))
    scale = 0.4 * CANVAS / seen.provenance["source"]["face"]["width"]
    eyes = seen.landmarks[EYE_CORNERS, :2].mean(0)
    face = only_face(load_face_nets(), mara())
    origin = face.landmarks[EYE_CORNERS, :2].mean(0)
    yy, xx = np.mgrid[20:440:4, 60:452:4]
    cx, cy = ((xx - origin[0]) * scale + eyes[0]).astype(int), ((yy - origin[1]) * scale + eyes[1]).astype(int)
    found, true = seen.alpha[cy, cx] > 0.5, exact[yy, xx]
    assert (found & true).sum() / (found | true).sum() > 0.95


def test_a_photo_that_ends_at_the_chin_is_continued(hopper: Image.Image) -> None:
    tight = analyse(encoded(hopper.crop((160, 100, 360, 340))))
    assert any("made up" in note for note in tight.notes) and any("Hair leaves" in note for note in tight.notes)
    assert tight.alpha[-20:, 450:574].min() > 0.5, "neck and clothes go on"
    assert tight.alpha[200:600, :40].max() < 0.1, "hair beside the face does not"


# --- the file


def test_an_avatar_is_built_and_is_the_same_again(tmp_path: Path) -> None:
    stages: list[tuple[str, float]] = []
    first = build_avatar(HOPPER, tmp_path / "a.imx", consent="public domain", progress=lambda *s: stages.append(s))
    build_avatar(HOPPER.read_bytes(), tmp_path / "b.imx", consent="public domain", name="grace_hopper")
    assert (tmp_path / "a.imx").read_bytes() == (tmp_path / "b.imx").read_bytes()
    assert first.size < 4e6
    assert len(stages) > 8 and stages[-1] == ("done", 1.0) and np.all(np.diff([share for _, share in stages]) >= 0)
    manifest = read_imx(tmp_path / "a.imx").manifest
    assert manifest.name == "grace_hopper" and manifest.provenance["consent"] == "public domain"
    assert len(manifest.provenance["source"]["sha256"]) == 64


@pytest.mark.parametrize("wrong", [{"consent": "  "}, {"consent": "x", "aspect": "4:3"}, {"consent": "x", "face": 7}])
def test_a_failed_build_leaves_no_file(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(BuildError):
        build_avatar(HOPPER, tmp_path / "a.imx", **wrong)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_photo_is_never_written_over(tmp_path: Path) -> None:
    photo = tmp_path / "me.jpg"
    photo.write_bytes(HOPPER.read_bytes())
    (tmp_path / "link.imx").symlink_to(photo)
    for out in (photo, tmp_path / "link.imx"):
        with pytest.raises(BuildError, match="a name of its own"):
            build_avatar(photo, out, consent="a drawing")
    assert photo.read_bytes() == HOPPER.read_bytes()


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "build", CAT, "-o", tmp_path / "a.imx", "--consent", "x") == cli.EXIT_INVALID_AVATAR
    assert run(monkeypatch, "build", ASTRONAUT, "-o", tmp_path / "a.imx") == 2, "no consent, nobody to ask"
    assert run(monkeypatch, "build", tmp_path / "none.jpg", "-o", tmp_path / "a.imx", "--consent", "x") == 66
    assert list(tmp_path.iterdir()) == []
    sheet = tmp_path / "sheet.png"
    assert run(monkeypatch, "build", ASTRONAUT, "-o", tmp_path / "a.imx", "--consent", "NASA", "--sheet", sheet) == 0
    assert Image.open(sheet).size == (2048, 1024)
    assert "px wide" in capsys.readouterr().err


def test_a_wrong_model_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bithuman_core.build.photo.models.models_dir", lambda: tmp_path)
    with pytest.raises(BuildError, match="cannot read"):
        load_face_nets()
    with zipfile.ZipFile(tmp_path / "face_landmarker.task", "w"):
        pass
    with pytest.raises(BuildError, match="sha256"):
        load_face_nets()


def test_grey_levels_survive(hopper: Image.Image) -> None:
    values: NDArray[np.uint8] = np.asarray(load_photo(encoded(hopper)).image)
    np.testing.assert_array_equal(values, np.asarray(hopper))


def test_a_photo_in_the_place_of_an_avatar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert avatar_file("models/mara.imx") == Path("models/mara.imx")
    with pytest.raises(BuildError, match="BITHUMAN_CONSENT"):
        avatar_file(HOPPER)
    with pytest.raises(ModelNotFoundError):
        avatar_file(tmp_path / "none.jpg", "x")
    built = avatar_file(HOPPER, "public domain")
    assert read_imx(built).manifest.name == "grace_hopper" and tmp_path in built.parents
    before = built.stat().st_mtime_ns
    assert avatar_file(HOPPER, "public domain") == built and built.stat().st_mtime_ns == before, "built once"
