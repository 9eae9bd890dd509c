"""The avatar file: what goes in comes out, and whatever else is refused with a sentence."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from bithuman_core.errors import ModelError, ModelLoadError, ModelNotFoundError, ModelSecurityError
from bithuman_core.imx import Manifest, read_imx, write_imx
from bithuman_core.settings import models_dir, speech_clip


def small() -> tuple[Manifest, dict[str, Any]]:
    manifest = Manifest("Tiny", (64, 48), limits={"headYaw": (-9.0, 9.0)}, indices={"triangles": "vertices"})
    arrays = {"vertices": np.arange(12, dtype=np.float32).reshape(4, 3), "triangles": np.array([[0, 1, 3]], np.uint16)}
    return manifest, arrays


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.imx"
    write_imx(path, *small())
    return path


def test_what_is_written_is_read(tiny: Path) -> None:
    manifest, arrays = small()
    file = read_imx(tiny)
    assert (file.manifest.name, file.manifest.canvas, file.manifest.limits) == ("Tiny", (64, 48), manifest.limits)
    assert all(np.array_equal(file.array(name), array) for name, array in arrays.items())
    with pytest.raises(ValueError, match="read-only"):
        file.array("vertices")[0, 0] = 1.0
    with pytest.raises(ModelLoadError, match="lacks the array"):
        file.array("hair")


def test_equal_avatars_are_equal_files(tiny: Path, tmp_path: Path) -> None:
    write_imx(tmp_path / "again.imx", *small())
    assert (tmp_path / "again.imx").read_bytes() == tiny.read_bytes()


def test_a_refused_avatar_is_not_written(tmp_path: Path) -> None:
    manifest, arrays = small()
    arrays["triangles"] = np.array([[0, 1, 4]], np.uint16)
    with pytest.raises(ModelSecurityError, match="outside"):
        write_imx(tmp_path / "bad.imx", manifest, arrays)
    assert list(tmp_path.iterdir()) == []


def test_the_shipped_avatar_is_sound_and_small() -> None:
    path = models_dir() / "mara.imx"
    file = read_imx(path)
    assert file.manifest.name == "Mara"
    assert file.manifest.canvas == (512, 512)
    assert path.stat().st_size < 6 * 2**20


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"IMX\0" + bytes(600), "commercial"),
        (bytes(257) + b"ustar" + bytes(300), "commercial"),
        (b"\xff\xd8\xff\xe0" + bytes(600), "JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(600), "PNG"),
        (b"PK\x03\x04" + bytes(600), "zip"),
        (b"hello, I am a text file, not an avatar", "does not begin like"),
        (struct.pack("<Q", 2**60) + b"{" + bytes(100), "cut short"),
        (struct.pack("<Q", 2) + b"{}", "not an avatar"),
        (struct.pack("<Q", 2) + b"{]", "damaged"),
    ],
)
def test_foreign_files_get_a_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "foreign.imx"
    path.write_bytes(content)
    with pytest.raises(ModelLoadError, match=says):
        read_imx(path)


def test_missing_files_folders_and_other_safetensors(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no avatar file"):
        read_imx(tmp_path / "none.imx")
    with pytest.raises(ModelLoadError, match="not a file"):
        read_imx(tmp_path)
    save_file({"x": np.zeros(3)}, tmp_path / "weights.imx")
    with pytest.raises(ModelLoadError, match="no manifest"):
        read_imx(tmp_path / "weights.imx")
    with pytest.raises(ModelLoadError, match="FLAC"):
        read_imx(speech_clip())


def test_an_oversized_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.imx"
    with path.open("wb") as file:
        file.truncate(257 * 2**20)
    with pytest.raises(ModelSecurityError, match="257 MiB"):
        read_imx(path)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of a file and write it back with its data as they were."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    manifest = json.loads(header["__metadata__"]["imx"])
    change(manifest)
    header["__metadata__"]["imx"] = json.dumps(manifest)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + size :])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(version="2.0"), "version 2.0"),
        (lambda m: m.update(kind="video"), "unknown kind"),
        (lambda m: m.update(canvas=[512, 10**6]), "canvas"),
        (lambda m: m.update(canvas="wide"), "canvas"),
        (lambda m: m.update(coefficients=["jawOpen", "jawOpen"]), "coefficient"),
        (lambda m: m.update(coefficients=["smile"]), "coefficient"),
        (lambda m: m.update(limits={"headYaw": [5, 9]}), "headYaw"),
        (lambda m: m.update(limits={"headYaw": [-1, float("inf")]}), "headYaw"),
        (lambda m: m.update(images=["texture"]), "texture"),
        (lambda m: m.update(indices={"triangles": "nothing"}), "triangles"),
        (lambda m: m["arrays"].pop("vertices"), "triangles"),
        (lambda m: m["arrays"]["vertices"].update(shape=[5, 3]), "not those"),
        (lambda m: m.update(sha256="0" * 64), "checksum"),
        (lambda m: m.pop("kind"), "lacks kind"),
        (lambda m: m.update(name="x" * 1000), "short texts"),
    ],
)
def test_a_manifest_that_lies_is_refused(tiny: Path, change: Callable[[dict[str, Any]], object], says: str) -> None:
    rewrite(tiny, change)
    with pytest.raises(ModelError, match=says):
        read_imx(tiny)


def test_entries_of_a_later_minor_version_are_ignored(tiny: Path) -> None:
    rewrite(tiny, lambda m: m.update(version="1.7", mood="sunny"))
    assert read_imx(tiny).manifest.name == "Tiny"


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    manifest, arrays = small()
    arrays["vertices"][1, 1] = np.nan
    with pytest.raises(ModelLoadError, match="not finite"):
        write_imx(tmp_path / "nan.imx", manifest, arrays)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_refused_or_unchanged(tiny: Path, data: st.DataObject) -> None:
    """Whatever happens to the bytes: a ModelError, or (where the change was to text that nobody checks) the same arrays."""
    raw = bytearray(tiny.read_bytes())
    damaged = tiny.with_name("damaged.imx")
    if data.draw(st.booleans()):
        damaged.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        damaged.write_bytes(raw)
    try:
        file = read_imx(damaged)
    except ModelError as error:
        assert len(str(error)) > 20
        return
    assert np.array_equal(file.array("vertices"), small()[1]["vertices"])
