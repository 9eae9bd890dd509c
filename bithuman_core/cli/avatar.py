"""``info``, ``list``, ``validate``: what there is and whether it is sound."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bithuman_core.cli.common import AvatarArgument, DefaultAvatar, JsonOption, app, load_rig
from bithuman_core.face import ARKIT_NAMES, HEAD_NAMES
from bithuman_core.imx.manifest import Manifest
from bithuman_core.settings import models_dir


@app.command("inspect", hidden=True)  # its other name
@app.command()
def info(avatar: AvatarArgument, as_json: JsonOption = False) -> None:
    """Say what an avatar file is and holds, and what it cannot do."""
    from bithuman_core.imx import read_imx

    file = read_imx(avatar)
    manifest = file.manifest
    facts = {
        "name": manifest.name,
        "kind": manifest.kind,
        "version": manifest.version,
        "canvas": list(manifest.canvas),
        "file_bytes": avatar.stat().st_size,
        "coefficients": len(manifest.coefficients),
        "not_followed": not_followed(manifest),
        "persona": manifest.persona,
        "gestures": sorted(manifest.gestures),
        "limits": {name: list(pair) for name, pair in manifest.limits.items()},
        "arrays": {name: f"{a.dtype} {list(a.shape)}" for name, a in file.arrays.items()},
        "provenance": manifest.provenance,
        "sha256": manifest.sha256,
    }
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for name, entry in value.items():
                print(f"    {name}: {entry}")
        else:
            print(f"{key}: {value}")


def not_followed(manifest: Manifest) -> list[str]:
    """The channels of motion that an avatar of this kind leaves out: a film keeps its own head, eyes and lids."""
    head = HEAD_NAMES if manifest.kind == "footage" else ()
    return [*(name for name in ARKIT_NAMES if name not in manifest.coefficients), *head]


@app.command()
def validate(
    avatar: DefaultAvatar = None,
) -> None:
    """Say in one line where you stand: this machine alone or a token server, the secret, the avatar file."""
    from bithuman_core.render import FootageRig
    from bithuman_core.render.footage.film import check_film
    from bithuman_core.runtime.controls import open_access
    from bithuman_core.settings import default_avatar

    access = open_access(None, None, None)
    where = "this machine alone, no secret needed" if access is None else f"{access.server}, the secret is valid"
    if access is not None:
        access.close()
    path = avatar or default_avatar()
    rig = load_rig(path)
    if isinstance(rig, FootageRig):
        for film in [rig.film] if rig.matte is None else [rig.film, rig.matte.cover, rig.matte.behind]:
            check_film(film)
    print(f"ok: {where}; {path.name} is a sound avatar")


@app.command()
def persona(
    avatar: AvatarArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='Who it is, in plain words; "" removes it.')],
) -> None:
    """Keep in an avatar's file who it is where it answers."""
    from bithuman_core.imx.persona import write_persona

    write_persona(avatar, text)


@app.command("list")
def list_avatars(as_json: JsonOption = False) -> None:
    """List the avatars of the models folder (BITHUMAN_MODEL_ROOT, else the shipped ones)."""
    from bithuman_core.imx import read_imx

    files = {path: read_imx(path).manifest for path in sorted(models_dir().glob("*.imx"))}
    facts = [{"file": str(path), "name": manifest.name, "kind": manifest.kind} for path, manifest in files.items()]
    print(json.dumps(facts, indent=1) if as_json else "\n".join(f"{fact['name']:20s}{fact['file']}" for fact in facts))


@app.command(hidden=True)
def convert(avatar: AvatarArgument) -> None:
    """Avatars of the commercial service cannot be converted; says what to do instead."""
    load_rig(avatar)
    print(f"{avatar} is an avatar of this package already: nothing is to be converted.")


app.command("pack", hidden=True)(convert)
