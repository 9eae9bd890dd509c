"""How clean avatars are cut out: ``python -m benchmarks.background [--shared ../shared] [--film .cache/film/mara]``

Truth is what a path tracer rendered with an exact alpha. Compared is the edge alone, px where alpha is neither 0 nor 1 and those
beside them, before white, black and saturated green: PSNR, dB. Before its own background the figure tells how well the avatar
keeps its edge at all. ``--keep FOLDER`` keeps sheets of the pictures (the truth first).

* characters: at rest, against the bake's own picture of it
* film: the shipped one, frames as they are, against the layers that it was made of
* photo: the builder's matte of a character before her plate, its colours as they are in the photo (copied), as the file has them
  (stored), as they are shown (solved); and solved with the true alpha, which tells what is the matte's fault
* cost: CPU time of a frame, median; a speaking face of the portrait, frames of the film with a mouth that is shut and open
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bithuman_core.background import Background
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx
from bithuman_core.render import FootageRenderer, FootageRig, PortraitRenderer, any_rig, read_rig, renderer_for, scene_for
from bithuman_core.render.footage.film import FilmPlayer
from bithuman_core.render.matte.film import ALPHA
from bithuman_core.render.matte.foreground import foreground
from bithuman_core.render.matte.layers import lay_over, lift
from bithuman_core.settings import models_dir

Picture = NDArray[np.float32]
ROOT = Path(__file__).resolve().parents[1]
NAMES = ("mara", "theo", "erik")
COLOURS = {"white": "#ffffff", "black": "#000000", "green": "#00ff00"}
EDGE = 0.02, 2  # alpha from which (and below 1 less that) a px is at the edge; px beside them
SIDE, CANVAS = 640, 1024  # px of a photo avatar's backdrop, of the canvas
FRAMES = 60, 150, 240, 300  # of the film
TICKS = 40


def rgb(colour: str) -> Picture:
    """A colour as RGB 0..1."""
    return np.array(Background.of(colour).colour, np.float32) / np.float32(255)


def edge_of(alpha: Picture) -> NDArray[np.bool_]:
    """The px [h, w] that are compared."""
    low, beside = EDGE
    return np.asarray(ndimage.binary_dilation((alpha > low) & (alpha < 1 - low), iterations=beside))


def psnr(made: Picture, truth: Picture, where: NDArray[np.bool_]) -> float:
    """dB, of colours 0..1."""
    return float(-10 * np.log10(np.mean((made - truth)[where] ** 2)))


def over(colours: Picture, alpha: Picture, behind: Picture) -> Picture:
    """Colours [h, w, 3] with straight alpha [h, w] before a colour [3] or picture."""
    return (colours * alpha[..., None] + (1 - alpha[..., None]) * behind).astype(np.float32)


def before(renderer: PortraitRenderer | FootageRenderer, colour: str, frame: int | None = None) -> Picture:
    """The avatar at rest before a background, RGB 0..1."""
    renderer.show(scene_for(renderer.rig, Background.of(colour)))  # type: ignore[arg-type]
    face = FaceState()
    bgr = renderer.render(face, frame) if isinstance(renderer, FootageRenderer) else renderer.render(face)
    return (bgr[..., ::-1] / np.float32(255)).astype(np.float32)


def opened(path: Path) -> Picture:
    """A picture 0..1."""
    with Image.open(path) as image:
        return np.asarray(image, np.float32) / np.float32(255)


def characters(bake: Path, sheets: dict[str, list[Picture]]) -> None:
    """Print the table of the shipped portraits."""
    print("character    own  " + "".join(f"{name:>7s}" for name in COLOURS))
    for name in NAMES:
        truth = opened(bake / name / "shapes" / "neutral.webp")
        with Image.open(bake / name / "plate.png") as image:
            plate = np.asarray(image.convert("RGB").resize((512, 512), Image.Resampling.BOX), np.float32) / np.float32(255)
        renderer = PortraitRenderer(read_rig(read_imx(models_dir() / f"{name}.imx")))
        edge = edge_of(truth[..., 3])
        row = [psnr(before(renderer, "photo"), over(truth[..., :3], truth[..., 3], plate), edge)]
        for shown, colour in COLOURS.items():
            made, wanted = before(renderer, colour), over(truth[..., :3], truth[..., 3], rgb(colour))
            row.append(psnr(made, wanted, edge))
            sheets[f"{name}_{shown}"] = [wanted, made]
        print(f"{name:9s}" + "".join(f"{value:7.1f}" for value in row))


def film(layers: Path, bake: Path, sheets: dict[str, list[Picture]]) -> None:
    """Print the table of the shipped film."""
    from training.avatars.film import PAUSE, TALK, composed

    if not layers.is_dir():
        print(f"film: the rendered frames are not in {layers}")
        return
    renderer = FootageRenderer(any_rig(read_imx(models_dir() / "mara_film.imx")))  # type: ignore[arg-type]
    with Image.open(bake / "mara" / "plate.png") as image:
        plate = np.asarray(image.convert("RGB").resize((512, 512), Image.Resampling.BOX), np.float32) / np.float32(255)
    rows = []
    for frame in FRAMES:
        picture, cover = composed(layers / (f"idle_{frame - TALK - PAUSE:03d}.webp" if frame >= TALK + PAUSE else
                                            f"talk_{frame:03d}.webp"), bake / "mara")  # fmt: skip
        seen, alpha = picture / np.float32(255), cover[..., 0] / np.float32(255)
        edge, crop = edge_of(alpha), renderer.rig.size == (512, 512)
        assert crop
        times = seen - (1 - alpha[..., None]) * plate
        row = [psnr(before(renderer, "photo", frame), seen, edge)]
        for shown, colour in COLOURS.items():
            made, wanted = before(renderer, colour, frame), times + (1 - alpha[..., None]) * rgb(colour)
            row.append(psnr(made, wanted, edge))
            sheets[f"film_{frame}_{shown}"] = [wanted.clip(0, 1), made]
        rows.append(row)
    print("film     " + "".join(f"{value:7.1f}" for value in np.mean(rows, 0)) + f"   mean of {len(FRAMES)} frames")


def photos(bake: Path, sheets: dict[str, list[Picture]]) -> None:
    """Print the table of photo avatars."""
    from bithuman_core.build.analysis import analyse
    from bithuman_core.build.photo.decode import load_photo
    from bithuman_core.build.photo.faces import choose_face
    from bithuman_core.build.photo.framing import FRAMINGS
    from bithuman_core.build.photo.models import load_face_nets
    from bithuman_core.build.shape.canvas import lay_out

    print("photo      before  copied  stored  solved  with the true alpha")
    for name in NAMES:
        layer, plate = opened(bake / name / "neutral.png"), opened(bake / name / "plate.png")[..., :3]
        coded = io.BytesIO()
        _picture(over(layer[..., :3], layer[..., 3], plate)).save(coded, "PNG")
        photo = load_photo(coded.getvalue())
        chosen = choose_face(load_face_nets(), photo.image, None)
        portrait = analyse(coded.getvalue())

        def laid(picture: Picture, face: object = chosen.face) -> Picture:
            return _resized(lay_out(face, _picture(picture), FRAMINGS["1:1"]).picture)  # type: ignore[arg-type]

        black, white = (laid(over(layer[..., :3], layer[..., 3], rgb(COLOURS[c]))) for c in ("black", "white"))
        true_alpha = (1 - (white - black).mean(2)).clip(0, 1).astype(np.float32)
        alpha = _resized(portrait.alpha[..., None])[..., 0]
        stored, behind = _resized(portrait.picture), _resized(portrait.plate)
        shown = over(stored, alpha, behind)
        copied = laid(over(layer[..., :3], layer[..., 3], plate))
        ways = {"copied": (copied, alpha), "stored": (stored, alpha), "solved": (foreground(shown, alpha), alpha),
                "true": (foreground(copied, true_alpha), true_alpha)}  # fmt: skip
        edge = edge_of(true_alpha)
        for called, colour in COLOURS.items():
            wanted = laid(over(layer[..., :3], layer[..., 3], rgb(colour)))
            made = {way: over(colours, cover, rgb(colour)) for way, (colours, cover) in ways.items()}
            print(f"{name:9s}{called:>8s}" + "".join(f"{psnr(picture, wanted, edge):8.1f}" for picture in made.values()))
            sheets[f"photo_{name}_{called}"] = [wanted, *made.values()]


def _picture(values: Picture) -> Image.Image:
    return Image.fromarray(np.rint(255 * values.clip(0, 1)).astype(np.uint8))


def _resized(values: Picture) -> Picture:
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(values.astype(np.float32), -1, 0)]
    return np.stack([np.asarray(p.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for p in planes], -1).clip(0, 1)


def cost() -> None:
    """Print what a frame costs before each kind of background."""
    kinds = ("photo", "#00ff00", "transparent")
    print("ms a frame    " + "".join(f"{kind:>13s}" for kind in kinds) + "   getting ready: colour, blur")
    faces = [FaceState.from_mapping({"jawOpen": 0.3 * (k % 2), "headYaw": k % 5}) for k in range(TICKS)]
    for name in ("mara", "mara_film"):
        rig = any_rig(read_imx(models_dir() / f"{name}.imx"))
        renderer = renderer_for(rig)
        row = []
        for kind in kinds:
            renderer.show(scene_for(rig, Background.of(kind)))  # type: ignore[arg-type]
            took = []
            for k, face in enumerate(faces):
                begin = time.thread_time()
                if isinstance(renderer, FootageRenderer):
                    renderer.render(face, 100 + k)
                else:
                    renderer.render(face)
                took.append(1000 * (time.thread_time() - begin))
            row.append(float(np.median(took)))
        ready = []
        for kind in ("#00ff00", "blur"):
            begin = time.thread_time()
            scene_for(rig, Background.of(kind))
            ready.append(1000 * (time.thread_time() - begin))
        told = ", ".join(f"{value:.0f} ms" for value in ready)
        print(f"{name:14s}" + "".join(f"{value:13.2f}" for value in row) + f"   {told}")
    _cost_of_layers()


def _cost_of_layers() -> None:
    rig = any_rig(read_imx(models_dir() / "mara_film.imx"))
    assert isinstance(rig, FootageRig) and rig.matte is not None
    films = FilmPlayer(rig.film), FilmPlayer(rig.matte.cover), FilmPlayer(rig.matte.behind)
    plate = np.full((512, 512, 3), 128, np.uint8)
    person, cover, out = np.empty_like(plate), np.empty((512, 512), np.uint8), np.empty_like(plate)
    took = []
    for k in range(TICKS):
        picture, luma, behind = films[0].frame(k), films[1].luma(k), films[2].frame(k)
        begin = time.thread_time()
        lift(picture, luma, ALPHA, behind, person, cover)
        lay_over(person, cover, plate, out)
        took.append(1000 * (time.thread_time() - begin))
    print(f"of a film's: taking the person out, laying her over a plate {np.median(took):.2f} ms; the rest decodes her matte")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--film", type=Path, default=ROOT / ".cache" / "film" / "mara")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    bake, sheets = options.shared / "data" / "bake", dict[str, list[Picture]]()
    characters(bake, sheets)
    film(options.film, bake, sheets)
    photos(bake, sheets)
    cost()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        for name, pictures in sheets.items():
            _picture(np.concatenate(pictures, 1)).save(options.keep / f"{name}.png")


if __name__ == "__main__":
    main()
