"""``render-many`` on a cluster: files travel there and videos come back, also where a process dies over one."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import av
import psutil

from tests.plugins import need

need("ray", "psycopg", "fastrtc")

from bithuman_core.bulk.rows import Row  # noqa: E402
from bithuman_core.cluster.bulk import render_there  # noqa: E402
from bithuman_core.settings import models_dir  # noqa: E402
from tests.cluster.nodes import House, kill, until  # noqa: E402


def rendering() -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["name"]) if process.info["name"] == "ray::_render"]


async def test_rows_are_rendered_there_whoever_dies(home: House, tmp_path: Path) -> None:
    await until(home.nodes.whole, "all are there")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000 * 2))
    (tmp_path / "torn.wav").write_bytes(b"RIFF")
    mara = models_dir() / "mara.imx"
    rows = [
        Row(2, mara, tmp_path / "sound.wav", "a.mp4", size=128),
        Row(3, mara, tmp_path / "torn.wav", "b.mp4"),
        Row(4, mara, tmp_path / "sound.wav", "deep/c.mp4", size=128),
    ]
    out = tmp_path / "out"
    done = asyncio.create_task(asyncio.to_thread(lambda: list(render_there(rows, out, cores=0.1))))
    kill((await until(rendering, "one is being rendered"))[0].pid)
    faults = {row.output: fault for row, fault in await done}
    assert faults["a.mp4"] is None and faults["deep/c.mp4"] is None
    torn = faults["b.mp4"]
    assert torn is not None and torn.sentence.startswith("Line 3: ") and torn.sentence.endswith(".")
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["a.mp4", "c.mp4"]
    with av.open(str(out / "a.mp4")) as video:
        assert video.streams.video[0].frames == 50
