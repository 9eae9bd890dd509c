"""Film a character as she idles, path-traced: the footage of ``models/mara_film.imx``, and frames that tell how it is redrawn.

    python -m training.avatars.film motion mara
    python -m training.avatars.film render --tools ../shared/tools/bake_avatar --head3d ../shared/data/head3d mara
    python -m training.avatars.film build --bake ../shared/data/bake/mara mara -o models/mara_film.imx

``motion`` runs in the project's environment: a sentence, then our own idle life, which ends as it began. ``render`` runs in the
environment of the bake tool (its requirements.txt: bpy); frames that exist are kept, so an interrupted run is started again;
``--shard 0/3`` renders every third, ``--gpu`` on a graphics card. ``build`` makes
the avatar of them. All lies in ``.cache/film/NAME``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

SIDE = 512  # px
SAMPLES, NOISE = {False: 6, True: 192}, {False: 0.03, True: 0.01}  # on a CPU, on a graphics card
TALK, PAUSE, IDLE = 40, 25, 250  # frames: a sentence, what follows, the idle life that ends where it began
TRUTH = 12  # frames of the idle life with another mouth: what a footage avatar has to draw
SEED = 11
GAZE = 0.12  # eyeLookIn of both eyes that looks into the camera: the optical axes of the head model point outwards
HAIR = 0.8  # px: deviation of what softens its edge
PX_PER_UNIT = 1024 / 32.5  # px of the canvas in a unit of the head model
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "film"


def motion(name: str) -> None:
    """Write what every frame shows: ``motion.json``."""
    import numpy as np

    from bithuman_core.audio import float32_to_int16, load_audio, resample
    from bithuman_core.engine import Fixture, padded_tick
    from bithuman_core.face import ARKIT_NAMES, BREATH, HEAD_NAMES, INDEX, FaceState
    from bithuman_core.motion import Mixer
    from bithuman_core.settings import speech_clip
    from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK

    fixture = Fixture(name)
    sound, rate = load_audio(speech_clip())
    samples = float32_to_int16(resample(sound, rate, SAMPLE_RATE))[: TALK * SAMPLES_PER_TICK]
    net, mixer = fixture.net.stream(), Mixer(fixture.net.mouth_names, SEED)
    before = 50  # ticks of silence: whatever begins has begun
    faces: list[FaceState] = []
    for k in range(before + TALK + PAUSE + IDLE):
        at = (k - before) * SAMPLES_PER_TICK
        tick = padded_tick(samples[at : at + SAMPLES_PER_TICK] if 0 <= at < len(samples) else None)
        faces.append(mixer.next(net.push(tick), tick))
    values = np.stack([face.values for face in faces[before:]])
    start = TALK + PAUSE
    share = np.linspace(0, 1, PAUSE + 2)[1:-1, None]
    share = share * share * (3 - 2 * share)
    values[-PAUSE:] += share.astype(np.float32) * (values[start - PAUSE : start] - values[-PAUSE:])
    mouth = [INDEX[n] for n in fixture.net.mouth_names]
    talking = values[:TALK, mouth]
    open_ones = np.argsort(-talking[:, list(fixture.net.mouth_names).index("jawOpen")])[: TALK * 2 // 3]
    rng = np.random.default_rng(SEED)
    truth = []
    for k in np.linspace(4, IDLE - 5, TRUTH).astype(int):
        frame = values[start + k].copy()
        frame[mouth] = talking[rng.choice(open_ones)]
        truth.append((int(k), frame))
    fw = fixture.rig.face_width

    def described(frame: Any) -> dict[str, Any]:
        face = FaceState(np.asarray(frame, np.float32))
        shapes = {n: round(face[n], 5) for n in ARKIT_NAMES if face[n] > 1e-4}
        for side in ("Left", "Right"):
            inwards = shapes.get(f"eyeLookIn{side}", 0.0) + GAZE - shapes.pop(f"eyeLookOut{side}", 0.0)
            shapes[f"eyeLook{'In' if inwards > 0 else 'Out'}{side}"] = round(abs(inwards), 5)
        head = {n: round(face[n], 5) for n in HEAD_NAMES}
        return {"coefficients": shapes, "head": head, "breath": round(face[BREATH], 5)}

    names = [f"idle_{k:03d}" for k in range(IDLE)]
    frames = dict(zip(names, map(described, values[start:]), strict=True))
    frames |= {f"truth_{k:03d}": described(frame) for k, frame in truth}
    frames |= {f"talk_{k:03d}": described(frame) for k, frame in enumerate(values[:start])}
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "motion.json").write_text(json.dumps({"face_width": fw, "frames": frames}, indent=1))
    print(f"{len(frames)} frames; steps at the seam {np.abs(values[start] - values[-1]).max():.4f}, "
          f"usual {np.abs(np.diff(values[start:], axis=0)).max(1).mean():.4f}")  # fmt: skip


class Actor:
    """The character of the bake tool, which also leans, moves and breathes."""

    def __init__(self, name: str, tools: Path, head3d: Path, threads: int, gpu: bool) -> None:
        sys.path.insert(0, str(tools))
        model, stages = importlib.import_module("headmodel"), importlib.import_module("stage")
        looks, character = importlib.import_module("characters").CHARACTERS, importlib.import_module("character")
        head3d = head3d.resolve()
        self.head = model.HeadModel(head3d, model.load_coefficients(head3d, name), looks[name]["rest"])
        self.stage = stages.Stage(threads)
        self.scale = stages.S
        if gpu:
            _use_graphics_card(self.stage.scene)
        self.stage.scene.cycles.adaptive_threshold = NOISE[gpu]
        self.actor = character.Character(looks[name], self.head, head3d)
        self.stage.catchlight([self.actor.parts[k].object for k in ("sclL", "sclR")])

    def pose(self, frame: dict[str, Any], unit: float) -> None:
        """Set a frame. unit: units of the head model in a face width."""
        import numpy as np

        actor, head, look = self.actor, self.head, self.actor.look
        at = frame["head"]
        ypr = at["headYaw"], at["headPitch"], at["headRoll"]
        shift = unit * np.array([at["headX"], -at["headY"], -at["headZ"]])
        up = np.array([0, 3 / PX_PER_UNIT * frame["breath"], 0])

        def moved(points: Any, weight: Any) -> Any:
            w = np.broadcast_to(weight, points.shape[:-1])[..., None]
            return head.rotate_head(points, weight, ypr) + w * shift + (1 - w) ** 2 * up

        still = head.express(frame["coefficients"])
        drawn = moved(still, head.head_weight) - actor.inset
        for part in actor.parts.values():
            part.set(drawn)
        actor.cloth.location.z = float(up[1]) * self.scale
        actor.hair.set(moved(actor.hair_pts, actor.hair_weight), actor.hair_radius, 0.3)
        actor.brow_ob.set(moved(actor.brows.pts(still), 1.0), look["brow_radius"], 0.2)
        actor.lash_ob.set(moved(actor.lashes.pts(still), 1.0),
                          np.where(actor.lashes.is_lower, 0.45, 1.0) * look["lash_radius"], 0.12)  # fmt: skip
        if actor.beard:
            actor.beard_ob.set(moved(actor.beard.pts(still), 1.0), look["beard_radius"], 0.5)


def _use_graphics_card(scene: Any) -> None:
    import bpy

    settings = bpy.context.preferences.addons["cycles"].preferences
    for kind in ("OPTIX", "CUDA"):
        try:
            settings.compute_device_type = kind
        except TypeError:
            continue
        settings.get_devices()
        cards = [device for device in settings.devices if device.type == kind]
        if cards:
            for device in settings.devices:
                device.use = device.type == kind
            scene.cycles.device = "GPU"
            print(f"renders on {cards[0].name} ({kind})", flush=True)
            return
    raise SystemExit("there is no graphics card that Cycles knows: leave --gpu out")


def render(name: str, tools: Path, head3d: Path, threads: int, gpu: bool, shard: tuple[int, int]) -> None:
    """Render the frames that lack: ``FRAME.webp``, RGBA."""
    folder = FOLDER / name
    wanted = json.loads((folder / "motion.json").read_text())
    missing = [n for n in wanted["frames"] if not (folder / f"{n}.webp").exists()][shard[0] :: shard[1]]
    if not missing:
        return
    actor = Actor(name, tools, head3d, threads, gpu)
    look = importlib.import_module("look")
    for frame in missing:
        actor.pose(wanted["frames"][frame], wanted["face_width"] / PX_PER_UNIT)
        picture, seconds = actor.stage.render(SIDE, SAMPLES[gpu])
        look.save(folder / f"{frame}.webp", look.grade(picture))
        print(f"{name} {frame} {seconds:.2f} s", flush=True)


def composed(layer: Path, bake: Path) -> tuple[Any, Any]:
    """A rendered frame before the plate of its character, uint8 [h, w, 3], and its alpha as a picture of grey. What covers its px
    in part is softened: few samples a px make dots of single hairs, and the denoiser smooths colours only."""
    import numpy as np
    from PIL import Image
    from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

    picture = np.asarray(Image.open(layer), np.float32)
    plate = Image.open(bake / "plate.png").convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    cover = picture[..., 3] / 255
    partly = (minimum_filter(cover, 5) < 0.98) & (maximum_filter(cover, 5) > 0.02)
    share = gaussian_filter(partly.astype(np.float32), 1)[..., None]
    over = np.dstack([picture[..., :3] * cover[..., None], cover])
    over += share * (gaussian_filter(over, (HAIR, HAIR, 0)) - over)
    frame = np.rint(over[..., :3] + (1 - over[..., 3:]) * np.asarray(plate, np.float32)).clip(0, 255).astype(np.uint8)
    return frame, np.repeat(np.rint(255 * over[..., 3:]).astype(np.uint8), 3, 2)


def clip(name: str, bake: Path) -> tuple[list[Any], list[Any]]:
    """The frames of the film, uint8 [h, w, 3], the sentence first, and their alpha; written as ``NAME.mp4`` as well."""
    import numpy as np

    from bithuman_core.audio import write_video

    folder = FOLDER / name
    layers = sorted(folder.glob("talk_*.webp")) + sorted(folder.glob("idle_*.webp"))
    frames, covers = zip(*(composed(layer, bake) for layer in layers), strict=True)
    write_video(folder / f"{name}.mp4", iter(frames), np.zeros(len(frames) * 640, np.int16), 16_000, pixel_format="rgb24")
    return list(frames), list(covers)


def build(name: str, bake: Path, out: Path) -> None:
    """Make the avatar of the film."""
    from bithuman_core.build.footage.builder import footage_arrays, read_footage
    from bithuman_core.imx import write_imx

    frames, covers = clip(name, bake)
    manifest, arrays, _ = footage_arrays(read_footage(lambda: frames, covers=lambda: covers), f"{name.title()} on film")
    manifest.provenance = {"source": "rendered by this project: nobody was filmed", "consent": "depicts nobody"}
    write_imx(out, manifest, arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("motion", "render", "build"))
    parser.add_argument("name", help="character")
    parser.add_argument("--tools", type=Path, help="folder of the bake tool")
    parser.add_argument("--head3d", type=Path)
    parser.add_argument("--bake", type=Path, help="the bake of the character, for its plate")
    parser.add_argument("-o", "--output", type=Path, help="the avatar to write")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--shard", default="0/1", metavar="K/N")
    options = parser.parse_args()
    if options.step == "motion":
        motion(options.name)
    elif options.step == "render":
        k, n = map(int, options.shard.split("/"))
        render(options.name, options.tools, options.head3d, options.threads, options.gpu, (k, n))
    else:
        build(options.name, options.bake, options.output)


if __name__ == "__main__":
    main()
