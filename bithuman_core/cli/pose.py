"""``still``: single poses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from bithuman_core.cli.common import AvatarArgument, BackgroundOption, SizeOption, app, chosen
from bithuman_core.cli.output import check_picture, least_side, wanted_size
from bithuman_core.face import FaceState
from bithuman_core.files import replacing
from bithuman_core.types import straight


@app.command()
def still(
    avatar: AvatarArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT.png", help="The picture to write.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A coefficient or head angle.")] = None,
    batch: Annotated[Path | None, typer.Option(metavar="FRAMES.json", help="Poses, as in a bake's truth.json.")] = None,
    folder: Annotated[Path | None, typer.Option("--dir", "-d", metavar="DIR", help="Where the pictures of --batch go.")] = None,
    size: SizeOption = None,
    background: BackgroundOption = None,
) -> None:
    """Render single poses over the avatar's background, or another one."""
    from bithuman_core.background.stored import own_background
    from bithuman_core.engine import frame_side
    from bithuman_core.imx import read_imx
    from bithuman_core.render import any_rig, renderer_for, scene_for
    from bithuman_core.render.scale import scaled_layer

    if (output is None) == (batch is None) or (batch is None) != (folder is None):
        raise typer.BadParameter("give either -o OUT.png (with --set), or --batch FRAMES.json with -d DIR")
    poses = {output: _face_from_arguments(values or [])} if output else _faces_from_batch(batch, folder)  # type: ignore[arg-type]
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    behind = chosen(background)
    for path in poses:
        check_picture(path, avatar, batch, clear=behind is not None and not behind.opaque)
    file = read_imx(avatar)
    rig = any_rig(file, frame_side(file, least_side(size)))
    renderer = renderer_for(rig, scene_for(rig, behind or own_background(file)))
    wanted = wanted_size(renderer.rig.size, size)
    for path, face in poses.items():
        with replacing(path) as temporary:
            picture, alpha = scaled_layer(renderer.render(face), renderer.alpha, wanted)
            image = picture[:, :, ::-1] if alpha is None else straight(picture, alpha)[:, :, [2, 1, 0, 3]]
            Image.fromarray(image).save(temporary)


def _face_from_arguments(values: list[str]) -> FaceState:
    named: dict[str, float] = {}
    for text in values:
        name, _, number = text.partition("=")
        try:
            named[name.strip()] = float(number)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE, for example jawOpen=.4") from error
    return _face(named, "--set")


def _face(named: dict[str, float], where: str) -> FaceState:
    try:
        face = FaceState.from_mapping(named)
    except (KeyError, TypeError) as error:
        raise typer.BadParameter(f"{where} names {error}, which is no ARKit coefficient or head value") from error
    if not np.isfinite(face.values).all():
        raise typer.BadParameter(f"{where} holds a value that is not a finite number")
    return face


def _faces_from_batch(batch: Path, folder: Path) -> dict[Path, FaceState]:
    """The face of each picture; its path lies in the folder, whatever the batch calls it."""
    faces: dict[Path, FaceState] = {}
    angles = {"yaw": "headYaw", "pitch": "headPitch", "roll": "headRoll"}
    try:
        for frame in json.loads(batch.read_text())["frames"]:
            path = folder / f"{Path(frame['file']).stem}.png"
            if path in faces:
                raise typer.BadParameter(f"two frames of {batch.name} would become {str(path)!r}: give each a name of its own")
            head = {angles[name]: angle for name, angle in frame.get("head", {}).items()}
            faces[path] = _face({**frame["coefficients"], **head}, batch.name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise typer.BadParameter(f"{batch} is not a list of poses like a bake's truth.json ({error!r})") from error
    return faces
