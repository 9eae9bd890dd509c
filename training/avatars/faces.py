"""Render the faces that the photo builder is tested with: skins, beards, smiles and turned heads of nobody.

    python -m training.avatars.faces --tools ../shared/tools/bake_avatar --head3d ../shared/data/head3d

Runs in the environment of the bake tool (its requirements.txt: bpy). Writes ``tests/data/faces``: a 512 px WebP a face and
landmarks.json, the exact places of some of MediaPipe's points in it by their numbers (px). Pictures that exist are kept: delete
one to render it anew.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE, SAMPLES, QUALITY = 512, 20, 90  # px, samples a pixel, of the WebP
OUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "faces"
SKIN = "young_caucasian_female2"  # a MakeHuman skin that none of the shipped characters wears
MARKS = (33, 133, 362, 263, 159, 145, 386, 374, 468, 473, 6, 168, 127, 356, 234, 454)  # eyes, irises, bridge, temples
BOTH = lambda **values: {f"{n}{side}": v for n, v in values.items() for side in ("Left", "Right")}  # noqa: E731
SMILE = {**BOTH(mouthSmile=0.75, cheekSquint=0.45, mouthUpperUp=0.3, mouthLowerDown=0.2), "jawOpen": 0.08}
FACING = BOTH(eyeLookIn=0.12)
FACES: dict[str, dict[str, Any]] = {
    # what the face is made of: parts of the characters' identities, whose look, what differs, expression, yaw pitch roll
    "freckles": {"identity": {"mara": 0.7, "erik": 0.7}, "look": "mara", "skin": SKIN, "hair": (0.45, 0.75, 0.3, 0.38),
                 "pose": {**FACING, **BOTH(mouthSmile=0.2)}, "head": (0, 0, 0)},
    "smile": {"identity": {"theo": 0.75, "mara": 0.6}, "look": "mara", "borrow": "theo", "pose": {**FACING, **SMILE},
              "head": (0, 0, 0)},
    "turned": {"identity": {"mara": 1.0}, "look": "mara", "pose": FACING, "head": (15, 0, 0)},
    "beard": {"identity": {"erik": 0.8, "theo": 0.6}, "look": "erik", "beard": {"n": 24000, "length": 0.75},
              "hair": (0.55, 0.7, 0.3, 0.38), "pose": FACING, "head": (0, 0, 0)},
    "blond": {"identity": {"theo": 1.0}, "look": "theo", "borrow": "erik", "hair": (0.12, 0.1, 0.35, 0.4), "pose": FACING,
              "head": (-15, 4, 3)},
}  # fmt: skip
TONES = {"albedo", "flat", "redness", "under_colour", "texmix", "lip", "lip_mix", "blush", "under_eye", "sss", "sss_scale",
         "rough", "specular", "coat", "mottle", "freckle", "bump"}  # fmt: skip
"""What of a look is its skin."""


def head_data(given: Path, tools: Path, scratch: Path) -> tuple[Path, tuple[float, float, float]]:
    """A folder like ``given`` with the skin SKIN added, and that skin's tone (RGB, linear)."""
    (scratch / "derived").mkdir(parents=True, exist_ok=True)
    for part in (given / "ict", given / "makehuman", *(given / "derived").iterdir()):
        link = scratch / part.relative_to(given)
        if not link.exists():
            link.symlink_to(part)
    command = [sys.executable, tools / "make_albedo.py", "--skin", SKIN, "--data", scratch]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tone = importlib.import_module("characters").srgb(*json.loads(said[said.index("[") :]))
    return scratch, tone


def look_of(face: dict[str, Any], looks: dict[str, Any], tone: tuple[float, float, float]) -> dict[str, Any]:
    """The look of a face: a character's, with another's skin, another beard or colour of hair."""
    look = dict(looks[face["look"]])
    if "borrow" in face:
        for name in TONES:
            look.pop(name, None)
        look |= {name: value for name, value in looks[face["borrow"]].items() if name in TONES}
    if "skin" in face:
        look |= {"albedo": f"albedo_ictuv_{face['skin']}.png", "flat": tone}
    if "hair" in face:
        look["hair_material"] = look["brow_material"] = (*face["hair"], *look["hair_material"][4:])
    if "beard" in face:
        look["beard"] = face["beard"]
    return look


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(FACES)}; all of them")
    parser.add_argument("--tools", type=Path, required=True, help="folder of the bake tool")
    parser.add_argument("--head3d", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    sys.path.insert(0, str(options.tools.resolve()))
    model, painter, stages = (importlib.import_module(n) for n in ("headmodel", "look", "stage"))
    looks, character = importlib.import_module("characters").CHARACTERS, importlib.import_module("character")
    data, tone = head_data(options.head3d.resolve(), options.tools, OUT.parents[2] / ".cache" / "head3d")
    OUT.mkdir(parents=True, exist_ok=True)
    listed = OUT / "landmarks.json"
    places = json.loads(listed.read_text()) if listed.exists() else {}
    for name in options.names or FACES:
        if (OUT / f"{name}.webp").exists():
            continue
        face = FACES[name]
        look = look_of(face, looks, tone)
        parts = [share * np.array(model.load_coefficients(data, of)) for of, share in face["identity"].items()]
        head = model.HeadModel(data, list(np.sum(parts, axis=0)), look["rest"])
        stage = stages.Stage(options.threads)
        actor = character.Character(look, head, data)
        stage.catchlight([actor.parts[k].object for k in ("sclL", "sclR")])
        actor.pose(face["pose"], tuple(map(float, face["head"])))
        picture, seconds = stage.render(SIDE, SAMPLES)
        drawn = painter.over(painter.grade(picture), painter.plate(SIDE, **look["plate"]))
        Image.fromarray((np.clip(drawn, 0, 1) * 255 + 0.5).astype(np.uint8)).save(OUT / f"{name}.webp", quality=QUALITY, method=6)
        camera = model.Camera()
        marks = model.Landmarks(head, data).evaluate(head.pose(face["pose"], tuple(map(float, face["head"]))), camera)
        scale = SIDE / model.CANVAS
        places[name] = {str(n): [round(float(x) * scale, 2) for x in marks["mediapipe478"][n][:2]] for n in MARKS}
        rows = ",\n".join(f" {json.dumps(n)}: {json.dumps(marks)}" for n, marks in places.items())
        listed.write_text(f"{{\n{rows}\n}}\n")
        print(f"{name} {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
